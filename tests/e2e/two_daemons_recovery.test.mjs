// SPDX-License-Identifier: Apache-2.0
// Recovery at two daemons on one database: told by both, vetoed at either, released once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recoveryKey } from './support/account.mjs';
import { hasServer } from './support/database.mjs';
import {
  Asker, Helper, beginRecovery, cancel, meet, recoveryManifest, releaseWhenDue, shareWith,
} from './support/recovery.mjs';
import { assertProblem, assertStatus, ok } from './support/scene.mjs';
import { TwoRelays, through } from './support/two_relays.mjs';

const TIMEOUT_MS = 180_000;
const AT_ONCE = 12;
const skip = hasServer ? false : 'there is no PostgreSQL server: see tests/support/with_postgres';
const set = { rate_recoveries: '0', recovery_wait: '1' };
const whom = (account) => ({ account_id: account.idText });

function scene(name, body) {
  test(name, { timeout: TIMEOUT_MS, skip }, async (t) => body(await TwoRelays.start(t, { set })));
}

scene('what is asked of one is told and vetoed at the other', async ({ a, b }) => {
  const owner = await a.account({ recovery: recoveryKey() });
  const stream = await through(b, owner.first).open();
  await stream.caughtUp();
  const asker = new Asker(a);
  await asker.begin(whom(owner));
  assert.equal((await stream.event('recovery.requested')).recovery_id, asker.id);
  assertProblem(await beginRecovery(b, whom(owner)), 409, 'recovery_open');
  assertStatus(await cancel(through(b, owner.first), asker.id), 204);
  assert.equal((await stream.event('recovery.cancelled')).device_id, 1);
  assertProblem(await asker.release(), 409, 'recovery_ended');
});

scene('a share is released once, by either', async ({ a, b }) => {
  const owner = await a.account({ recovery: recoveryKey() });
  const { first: friend } = await b.account();
  const share = await shareWith(owner.first, 1);
  const lost = await through(b, owner.first).open();
  await lost.caughtUp();
  const asker = new Asker(a);
  await asker.begin(whom(owner));
  const helper = new Helper(friend, asker.id);
  await meet(asker, helper, share);
  const both = [asker, through(b, asker)];
  const answers = await Promise.all(Array.from({ length: AT_ONCE },
    (_, i) => releaseWhenDue(both[i % 2])));
  const done = answers.filter(({ status }) => status === 200);
  assert.equal(done.length, 1);
  answers.filter(({ status }) => status !== 200)
    .forEach((answer) => assertProblem(answer, 409, 'recovery_ended'));
  assert.deepEqual(asker.open(ok(done[0])), owner.recovery.seed);
  await lost.event('recovery.released');
  const next = recoveryManifest(owner, owner.recovery);
  assertStatus(await owner.put(next), 201);
  await lost.event('recovery.done');
  assert.equal((await lost.closed).code, 4403);
});

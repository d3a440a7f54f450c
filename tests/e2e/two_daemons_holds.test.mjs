// SPDX-License-Identifier: Apache-2.0
// What one daemon holds, both tell, and one of them does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasServer } from './support/database.mjs';
import { erase, hashOf, heldBy, hold, household, removal, veto, vetoErasure }
  from './support/holds.mjs';
import { assertProblem, assertStatus, ok } from './support/scene.mjs';
import { TwoRelays, through } from './support/two_relays.mjs';

const TIMEOUT_MS = 180_000;
const skip = hasServer ? false : 'there is no PostgreSQL server: see tests/support/with_postgres';

function scene(name, options, body) {
  test(name, { timeout: TIMEOUT_MS, skip }, async (t) => {
    await body(await TwoRelays.start(t, options), t);
  });
}

scene('what is held by one is told and vetoed by the other', {}, async ({ a, b }) => {
  const account = await household(a, { admins: 2, others: 1 });
  const [one, two, three] = account.devices;
  const stream = await through(b, three).open();
  await stream.caughtUp();
  const manifest = removal(account, one, two);
  const until = await hold(account, manifest);
  const event = await stream.event('manifest.held');
  assert.deepEqual([event.hash, event.held_until], [hashOf(manifest), until]);
  assertProblem(await through(b, account).put(removal(account, two, three)), 409, 'manifest_held');
  assertStatus(await veto(through(b, three), manifest), 204);
  assert.equal((await stream.event('manifest.dropped')).hash, hashOf(manifest));
  assert.deepEqual(await heldBy(one), []);
  assertStatus(await erase(one), 202);
  assert.equal((await stream.event('erasure.held')).device_id, 1);
  assertStatus(await vetoErasure(through(b, two), one), 204);
  assert.equal((await stream.event('erasure.dropped')).device_id, 1);
});

scene('both do what is due, and it is done once', { set: { hold_time: '2' } }, async (two) => {
  const { a, b } = two;
  const scenes = await Promise.all(Array.from({ length: 12 }, async () => {
    const account = await household(a);
    return { account, manifest: removal(account, account.first, account.device(2)) };
  }));
  const gone = await through(b, scenes[0].account.device(2)).open();
  const streams = await Promise.all(scenes.map(
    ({ account }, i) => through(i % 2 === 0 ? a : b, account.first).open(),
  ));
  await Promise.all(scenes.map(({ account, manifest }, i) => hold(
    through(i % 3 === 0 ? b : a, account), manifest,
  )));
  await Promise.all(streams.map((stream) => stream.event('manifest.changed')));
  assert.equal((await gone.closed).code, 4403);
  for (const { account } of scenes) {
    const page = ok(await account.read(account.first));
    assert.deepEqual([page.epoch, page.manifests.length, page.held], [2, 3, []]);
  }
  const done = await a.metric('holds_done_total') + await b.metric('holds_done_total');
  assert.equal(done, scenes.length);
});

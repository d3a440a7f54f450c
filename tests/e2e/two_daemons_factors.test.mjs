// SPDX-License-Identifier: Apache-2.0
// Two daemons on one database: guesses are counted together, and devices hear at either.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasServer } from './support/database.mjs';
import {
  finish, login, setPassword, startLogin,
} from './support/passwords.mjs';
import {
  answer, begin, challenge, enrolApp, started, wrongAppCode,
} from './support/txns.mjs';
import { assertStatus, ok } from './support/scene.mjs';
import { TwoRelays, through } from './support/two_relays.mjs';

const TIMEOUT_MS = 180_000;
const AT_ONCE = 60;
const skip = hasServer ? false : 'there is no PostgreSQL server: see tests/support/with_postgres';

function scene(name, body) {
  test(name, { timeout: TIMEOUT_MS, skip }, async (t) => body(await TwoRelays.start(t)));
}

const whom = (account) => ({ account_id: account.idText });

scene('a code that one daemon makes shows at the other, and is good there', async ({ a, b }) => {
  const account = await a.account();
  const [second] = await account.grow(2);
  const streams = [await account.first.open(), await through(b, second).open()];
  const { txn, challenge: asked } = await started(a, 'link', whom(account), 'code');
  const events = await Promise.all(streams.map((stream) => stream.event('challenge.code')));
  assert.deepEqual(events[0], events[1]);
  ok(await answer(b, txn, asked, events[1].code));
  for (const stream of streams) {
    assert.equal((await stream.event('factor.changed')).change, 'used');
  }
});

scene('what the operator of one daemon removes is told at the other', async ({ a, b }) => {
  const account = await a.account();
  const app = await enrolApp(account.first);
  const stream = await through(b, account.first).open();
  assertStatus(await a.admin('DELETE', `/admin/accounts/${account.idText}/factors/${app.factor_id}`), 204);
  const { change, by, device_id: device } = await stream.event('factor.changed');
  assert.deepEqual([change, by, device], ['removed', 'operator', undefined]);
});

scene('guesses at both are counted together', async ({ a, b }) => {
  const account = await a.account();
  const app = await enrolApp(account.first);
  const wrong = wrongAppCode(app.secret, a);
  const { txn, challenge: first } = await started(a, 'link', whom(account), 'totp');
  const challenges = [first];
  for (let i = 0; i < 3; i++) {
    const reply = await challenge(b, txn, 'totp');
    assertStatus(reply, 201);
    challenges.push(reply.json);
  }
  const answers = await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => answer(
    i % 2 === 0 ? a : b, txn, challenges[i % challenges.length], wrong,
  )));
  assert.equal(answers.filter(({ status }) => status === 403).length, 10);
  assert.ok(answers.every(({ status }) => [403, 404, 429].includes(status)));
});

scene('KE1 at both are counted together, and KE3 is good at the other', async ({ a, b }) => {
  const account = await a.account();
  await setPassword(account.first, 'right');
  const done = await login(a, 'link', whom(account), 'right');
  ok(await finish(b, done));
  const txns = [];
  for (let i = 0; i < 3; i++) {
    txns.push((await begin(a, 'link', whom(account))).json);
  }
  const { startLoginRequest: ke1 } = startLogin('wrong');
  const replies = await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => challenge(
    i % 2 === 0 ? a : b, txns[i % txns.length], 'password', { ke1 },
  )));
  const answered = replies.filter(({ status }) => status === 201).length;
  assert.equal(answered, 9, 'ten in a quarter of an hour, of which one was right');
  assert.ok(replies.every(({ status }) => [201, 404, 429].includes(status)));
});

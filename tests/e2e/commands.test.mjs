// SPDX-License-Identifier: Apache-2.0
// Signed commands, shown on the call that revokes sessions.
import assert from 'node:assert/strict';
import { SigningKey } from './support/keys.mjs';
import { assertProblem, assertStatus, scene, suite } from './support/scene.mjs';
import { OP } from './support/signing.mjs';

const PATH = '/v1/sessions/revoke';
const DAY_MS = 86_400_000;
const revoke = (device, body = {}, options = {}) => device.command(
  options.op ?? OP.sessionsRevoke, 'POST', PATH, body, options,
);

suite('a signed command', {}, (it) => {
  it('works once: a replay names the last seq', async (relay) => {
    const { first } = await relay.account();
    const seq = Date.now();
    assertStatus(await revoke(first, {}, { seq }), 200);
    assertProblem(await revoke(first, {}, { seq }), 409, 'command_replayed', { last_seq: seq });
    assertProblem(await revoke(first, {}, { seq: seq - 1 }), 409, 'command_replayed', {
      last_seq: seq,
    });
    assertStatus(await revoke(first, {}, { seq: seq + 1 }), 200);
  });

  it('works once also when copies of it race', async (relay) => {
    const { first } = await relay.account();
    const seq = Date.now();
    const answers = await Promise.all(Array.from({ length: 6 }, () => revoke(first, {}, { seq })));
    assert.deepEqual(answers.map((each) => each.status).sort(), [200, 409, 409, 409, 409, 409]);
  });

  it('may be up to a day ahead of the clock', async (relay) => {
    const { first } = await relay.account();
    const far = await revoke(first, {}, { seq: Date.now() + DAY_MS + 60_000 });
    assertProblem(far, 400, 'command_clock');
    assertStatus(await revoke(first, {}, { seq: Date.now() + DAY_MS - 60_000 }), 200);
  });

  it('may use small numbers', async (relay) => {
    const { first } = await relay.account();
    assertStatus(await revoke(first, {}, { seq: 1 }), 200);
    assertProblem(await revoke(first, {}, { seq: 1 }), 409, 'command_replayed', { last_seq: 1 });
  });

  it('must be signed by the calling device, for this relay, op and body', async (relay) => {
    const account = await relay.account({ devices: 2 });
    const other = account.device(2);
    const refused = [
      { key: new SigningKey() }, { key: other.key }, { audience: 'https://relay.example' },
      { op: OP.accountDelete }, { payload: '{ }' },
    ];
    for (const options of refused) {
      assertProblem(await revoke(account.first, {}, options), 401, 'command_invalid');
    }
  });

  it('uses up no seq when it is refused', async (relay) => {
    const account = await relay.account({ devices: 2 });
    const { first } = account;
    const seq = Date.now();
    assertProblem(await revoke(first, {}, { seq, key: new SigningKey() }), 401, 'command_invalid');
    const bad = await revoke(first, { device_ids: 'all' }, { seq });
    assertProblem(bad, 400, 'malformed', { member: 'device_ids' });
    assertStatus(await revoke(first, {}, { seq }), 200);
  });

  it('needs its header, in exactly its form', async (relay) => {
    const { first } = await relay.account();
    const sig = 'A'.repeat(86);
    const bad = [
      '', 'seq=1', `sig=${sig}`, `seq=-1, sig=${sig}`, `seq=1, sig=${sig.slice(2)}`,
      `seq=0x1, sig=${sig}`, `seq=1; sig=${sig}`, `seq=1, sig=${sig}, sig=${sig}`,
      `seq=99999999999999999999, sig=${sig}`, `seq=1, sig=${sig}==`,
    ];
    for (const header of bad) {
      assertProblem(await revoke(first, {}, { header }), 401, 'command_invalid');
    }
    const none = await first.call('POST', PATH, { json: {} });
    assertProblem(none, 401, 'command_invalid');
  });

  it('does not replace the session', async (relay) => {
    const { first } = await relay.account();
    const answer = await revoke(first, {}, { token: `sp1_${'A'.repeat(43)}` });
    assertProblem(answer, 401, 'session_invalid');
  });
});

suite('revoking sessions', {}, (it) => {
  it('ends every session of the account but the calling one', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    const older = first.token;
    const [second] = await account.grow(2);
    const stream = await second.open();
    await stream.caughtUp();
    await first.login();
    const answer = await revoke(first);
    assertStatus(answer, 200);
    assert.equal(answer.json.revoked, 2);
    assert.equal((await stream.closed).code, 4401);
    assertProblem(await second.call('GET', '/v1/mailbox'), 401, 'session_invalid');
    assertProblem(await first.call('GET', '/v1/mailbox', { token: older }), 401, 'session_invalid');
    assertStatus(await first.call('GET', '/v1/mailbox'), 200);
    await second.login();
  });

  it('ends those of the named devices alone', async (relay) => {
    const account = await relay.account();
    const [second, third] = await account.grow(2, 3);
    assert.equal((await revoke(account.first, { device_ids: [3] })).json.revoked, 1);
    assertStatus(await second.call('GET', '/v1/mailbox'), 200);
    assertProblem(await third.call('GET', '/v1/mailbox'), 401, 'session_invalid');
  });

  it('reaches no other account', async (relay) => {
    const { a, b } = await relay.pair();
    assert.equal((await revoke(a)).json.revoked, 0);
    assertStatus(await b.call('GET', '/v1/mailbox'), 200);
  });

  it('refuses device numbers that cannot be', async (relay) => {
    const { first } = await relay.account();
    for (const id of [0, 128, -1]) {
      const answer = await revoke(first, { device_ids: [id] });
      assert.ok([400, 422].includes(answer.status), JSON.stringify(answer.json));
      assert.equal(answer.json.member, 'device_ids');
    }
    assertStatus(await first.call('GET', '/v1/mailbox'), 200);
  });
});

scene('a command stays used after a crash', {}, async (relay) => {
  const { first } = await relay.account();
  const seq = Date.now();
  assertStatus(await revoke(first, {}, { seq }), 200);
  await relay.kill();
  await relay.up();
  assertProblem(await revoke(first, {}, { seq }), 409, 'command_replayed', { last_seq: seq });
});

scene('a removed number begins its commands anew', {}, async (relay) => {
  const account = await relay.account();
  const [second] = await account.grow(2);
  assertStatus(await revoke(second, {}, { seq: 5000 }), 200);
  await account.first.login();
  await account.change({ remove: [2] });
  const [again] = await account.grow(2);
  assertStatus(await revoke(again, {}, { seq: 1 }), 200);
});

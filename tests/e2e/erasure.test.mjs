// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { Account, recoveryKey } from './support/account.mjs';
import { b64u } from './support/bytes.mjs';
import { ADMIN } from './support/manifest.mjs';
import { assertProblem, assertStatus, scene, suite } from './support/scene.mjs';
import { OP } from './support/signing.mjs';

const erase = (device, options = {}) => device.command(
  OP.accountDelete, 'DELETE', '/v1/account',
  { account_id: options.accountId ?? device.account.idText }, options,
);

suite('erasing an account', {}, (it) => {
  it('ends everything of it and stays so', async (relay) => {
    const { alice, bob, a, b } = await relay.pair();
    assertStatus(await b.send([a]), 201);
    const stream = await a.open();
    await stream.caughtUp();
    assertStatus(await erase(a), 204);
    assert.equal((await stream.closed).code, 4403);
    assertProblem(await a.call('GET', '/v1/mailbox'), 401, 'session_invalid');
    assertProblem(await a.session(await a.challenge()), 401, 'auth_failed');
    assertProblem(await alice.read(b), 404, 'not_found');
    assertProblem(await alice.put(alice.next({})), 404, 'not_found');
    const answer = await b.send([a]);
    assertProblem(answer, 404, 'recipient_unknown', { unknown: [a.pubText] });
    assertProblem(await alice.register(), 410, 'account_erased');
    assertStatus(await bob.read(b), 200);
  });

  it('is told only to whom shows the true first manifest', async (relay) => {
    const { alice, a } = await relay.pair();
    assertStatus(await erase(a), 204);
    alice.signed.bytes[alice.signed.bytes.length - 1] ^= 1;
    assertProblem(await alice.register(), 422, 'manifest_invalid', { rule: 2 });
  });

  it('leaves its device keys used', async (relay) => {
    const { a, bob } = await relay.pair();
    assertStatus(await erase(a), 204);
    const thief = new Account(relay, { recovery: recoveryKey() });
    thief.devices[0].key = a.key;
    thief.signed = thief.firstManifest();
    assertProblem(await thief.register(), 409, 'device_key_used');
    const reused = bob.newDevice(2, { key: a.key });
    assertProblem(await bob.put(bob.next({ add: [reused] })), 409, 'device_key_used');
  });

  it('is for admin devices', async (relay) => {
    const account = await relay.account();
    const [plain] = await account.grow(2);
    assertProblem(await erase(plain), 403, 'not_admin');
    assertStatus(await plain.call('GET', '/v1/mailbox'), 200);
    assertStatus(await erase(account.first), 204);
    assertProblem(await plain.call('GET', '/v1/mailbox'), 401, 'session_invalid');
  });

  it('needs the command, and the account in the body', async (relay) => {
    const { a, bob } = await relay.pair();
    const bare = await a.call('DELETE', '/v1/account', {
      json: { account_id: a.account.idText },
    });
    assertProblem(bare, 401, 'command_invalid');
    const other = await erase(a, { accountId: bob.idText });
    assertProblem(other, 422, 'value_invalid', { member: 'account_id' });
    assertStatus(await a.call('GET', '/v1/mailbox'), 200);
    assertStatus(await bob.first.call('GET', '/v1/mailbox'), 200);
  });

  it('is not done by a command whose seq was used', async (relay) => {
    const { a } = await relay.pair();
    const seq = Date.now();
    assertStatus(await a.command(OP.sessionsRevoke, 'POST', '/v1/sessions/revoke', {}, { seq }),
      200);
    assertProblem(await erase(a, { seq }), 409, 'command_replayed', { last_seq: seq });
    assertStatus(await a.call('GET', '/v1/mailbox'), 200);
  });

  it('is done once: a replay finds no session', async (relay) => {
    const { a } = await relay.pair();
    const seq = Date.now();
    assertStatus(await erase(a, { seq }), 204);
    assertProblem(await erase(a, { seq }), 401, 'session_invalid');
  });
});

suite('removing a device', { set: { hold_time: '0' } }, (it) => {
  it('closes its stream with 4403 and empties its mailbox', async (relay) => {
    const { alice, b } = await relay.pair();
    const [second] = await alice.grow(2);
    const stream = await second.open();
    await stream.caughtUp();
    await alice.change({ remove: [2] });
    assert.equal((await stream.closed).code, 4403);
    const sent = await b.send([second]);
    assertProblem(sent, 404, 'recipient_unknown', { unknown: [second.pubText] });
  });

  it('tells the removed device first that the manifest changed', async (relay) => {
    const { alice } = await relay.pair();
    const [second] = await alice.grow(2);
    const stream = await second.open();
    await stream.caughtUp();
    await alice.change({ remove: [2] });
    await stream.event('manifest.changed', ({ epoch }) => epoch === 2);
    assert.equal((await stream.closed).code, 4403);
  });

  it('does so in the middle of its mail', async (relay) => {
    const { alice, b } = await relay.pair();
    const [second] = await alice.grow(2);
    for (let i = 0; i < 80; i++) {
      assertStatus(await b.send([second]), 201);
    }
    const stream = await second.open();
    await stream.delivers(10);
    await alice.change({ remove: [2] });
    assert.equal((await stream.closed).code, 4403);
    await assert.rejects(second.open(), { status: 401 });
  });

  it('leaves an admin that loses only its power its mailbox', async (relay) => {
    const account = await relay.account();
    const second = account.newDevice(2, { flags: ADMIN });
    await account.change({ add: [second] });
    await second.login();
    const plain = Object.assign(Object.create(second), { flags: 0 });
    const devices = [account.first, plain];
    await account.change({ devices, signers: [{ signer: 1, key: account.first.key }] });
    assertStatus(await second.call('GET', '/v1/mailbox'), 200);
    const erased = await second.command(OP.accountDelete, 'DELETE', '/v1/account', {
      account_id: account.idText,
    });
    assertProblem(erased, 403, 'not_admin');
  });
});

scene('what was erased or removed stays so after a crash', {}, async (relay) => {
  const { alice, bob, a, b } = await relay.pair();
  const [second] = await bob.grow(2);
  assertStatus(await erase(a), 204);
  await bob.change({ remove: [2] });
  await relay.kill();
  await relay.up();
  assertProblem(await alice.register(), 410, 'account_erased');
  assertProblem(await second.call('GET', '/v1/mailbox'), 401, 'session_invalid');
  const back = bob.newDevice(3, { key: second.key });
  assertProblem(await bob.put(bob.next({ add: [back] })), 409, 'device_key_used');
  assertStatus(await b.call('GET', '/v1/mailbox'), 200);
  assert.equal((await bob.read(b)).json.hash, b64u(bob.head.hash));
});

// SPDX-License-Identifier: Apache-2.0
// Names under which accounts are found.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { b64u, fromB64u } from './support/bytes.mjs';
import { verifySignature } from './support/keys.mjs';
import {
  assertProblem, assertStatus, bareAnswer, scene, suite,
} from './support/scene.mjs';
import { OP, handleBinding, handleBytes } from './support/signing.mjs';

const claim = (device, handle, seq, { json = {}, ...options } = {}) => device.call(
  'POST', '/v1/handles',
  { json: { handle, binding: b64u(handleBinding(device, handle, seq, options)), ...json } },
);
const lookUp = (device, handle) => device.call('POST', '/v1/handles/lookup', { json: { handle } });
const release = (device, handle, options) => device.command(
  OP.handleRelease, 'DELETE', '/v1/handles', { handle }, options,
);

let made = 0;
const newName = () => `name-${process.pid}-${++made}`;

suite('handles', { set: { hold_time: '0' } }, (it) => {
  it('are found by whoever has a session, with a binding that verifies', async (relay) => {
    const { alice, a, b } = await relay.pair();
    const name = newName();
    assertStatus(await claim(a, name, 0), 201);
    assertStatus(await claim(a, name, 0), 200);
    const answer = await lookUp(b, name.toUpperCase());
    assertStatus(answer, 200);
    assert.equal(answer.json.account_id, alice.idText);
    const binding = fromB64u(answer.json.binding);
    const signed = handleBytes(name, 0, alice.id);
    assert.deepEqual(binding.subarray(0, signed.length), signed);
    assert.equal(binding.readUInt32BE(signed.length), a.id);
    assert.ok(verifySignature(a.pub, signed, binding.subarray(signed.length + 4)));
    const stranger = await relay.call('POST', '/v1/handles/lookup', { json: { handle: name } });
    assertProblem(stranger, 401, 'session_invalid');
  });

  it('are one account\'s each', async (relay) => {
    const { a, b } = await relay.pair();
    const name = newName();
    assertStatus(await claim(a, name, 0), 201);
    assertProblem(await claim(b, name, 0), 409, 'handle_taken');
    assertProblem(await claim(b, name, 1), 409, 'handle_taken');
    assertProblem(await claim(a, name, 5), 409, 'handle_seq', { seq: 1 });
    assertStatus(await claim(a, name, 1), 201);
  });

  it('of two claims at once one is granted', async (relay) => {
    const { a, b } = await relay.pair();
    for (let i = 0; i < 3; i++) {
      const name = newName();
      const statuses = (await Promise.all([claim(a, name, 0), claim(b, name, 0)]))
        .map(({ status }) => status);
      assert.deepEqual(statuses.sort(), [201, 409]);
    }
  });

  it('are counted', async (relay) => {
    const { a } = await relay.pair();
    const names = [newName(), newName(), newName(), newName()];
    for (const name of names.slice(0, 3)) {
      assertStatus(await claim(a, name, 0), 201);
    }
    assertProblem(await claim(a, names[3], 0), 409, 'handle_limit', { max: 3 });
    assertStatus(await release(a, names[0]), 204);
    assertStatus(await claim(a, names[3], 0), 201);
    const report = await a.call('GET', '/v1/account/report');
    assert.deepEqual(report.json.handles.map(({ handle }) => handle).sort(), names.slice(1));
  });

  it('answer alike whether unknown, given up or erased', async (relay) => {
    const { a, b } = await relay.pair();
    const account = await relay.account();
    const [released, erased] = [newName(), newName()];
    assertStatus(await claim(a, released, 0), 201);
    assertStatus(await release(a, released), 204);
    assertStatus(await claim(account.first, erased, 0), 201);
    assertStatus(await account.first.command(OP.accountDelete, 'DELETE', '/v1/account',
      { account_id: account.idText }), 204);
    const answers = [];
    for (const name of [newName(), released, erased]) {
      const answer = await lookUp(b, name);
      assertProblem(answer, 404, 'handle_unknown');
      answers.push(bareAnswer(answer));
    }
    assert.deepEqual(answers[1], answers[0]);
    assert.deepEqual(answers[2], answers[0]);
    assertProblem(await claim(b, released, 1), 409, 'handle_taken');
    assertProblem(await claim(b, erased, 1), 409, 'handle_taken');
    assertStatus(await claim(a, released, 1), 201);
  });

  it('are bound and given up by admin devices', async (relay) => {
    const account = await relay.account();
    const [plain] = await account.grow(2);
    const name = newName();
    assertProblem(await claim(plain, name, 0), 403, 'not_admin');
    const binding = b64u(handleBinding(account.first, name, 0));
    assertStatus(await plain.call('POST', '/v1/handles', { json: { handle: name, binding } }), 201);
    assertProblem(await release(plain, name), 403, 'not_admin');
    assertProblem(await account.first.call('DELETE', '/v1/handles', { json: { handle: name } }),
      401, 'command_invalid');
    assertStatus(await lookUp(plain, name), 200);
    assertStatus(await release(account.first, name), 204);
    assertProblem(await release(account.first, name), 404, 'handle_unknown');
    const seq = Date.now() + 1000;
    assertProblem(await release(account.first, name, { seq: Date.now() + 2 * 86_400_000 }), 400,
      'command_clock');
    assertStatus(await claim(account.first, name, 1), 201);
    assertStatus(await release(account.first, name, { seq }), 204);
    assertProblem(await release(account.first, name, { seq }), 409, 'command_replayed',
      { last_seq: seq });
  });

  it('keep a binding when its signer leaves', async (relay) => {
    const account = await relay.account();
    const name = newName();
    const second = account.newDevice(2, { flags: 1 });
    await account.change({ add: [second] });
    await second.login();
    assertStatus(await claim(account.first, name, 0), 201);
    await account.change({ remove: [1], signers: [{ signer: 2, key: second.key }] });
    assertStatus(await lookUp(second, name), 200);
    assertStatus(await claim(second, name, 1), 201);
  });

  it('refuse what is no handle and no binding', async (relay) => {
    const { a, b } = await relay.pair();
    for (const handle of ['', 'x', 'y'.repeat(33), 'a b', 'ärger', 'a@b', 'a/b']) {
      assertProblem(await lookUp(a, handle), 422, 'value_invalid', { member: 'handle' });
    }
    assertProblem(await a.call('POST', '/v1/handles/lookup', { json: {} }), 400, 'malformed',
      { member: 'handle' });
    const name = newName();
    const good = handleBinding(a, name, 0);
    const bad = {
      'of another handle': handleBinding(a, `${name}x`, 0),
      'of another account': handleBinding(b, name, 0),
      'by another key': handleBinding(a, name, 0, { key: b.key }),
      'cut short': good.subarray(0, -1),
      'with a byte too many': Buffer.concat([good, Buffer.alloc(1)]),
      'that is empty': Buffer.alloc(0),
    };
    for (const [what, binding] of Object.entries(bad)) {
      const answer = await a.call('POST', '/v1/handles',
        { json: { handle: name, binding: b64u(binding) } });
      assert.equal(answer.code, 'binding_invalid', what);
      assertStatus(answer, 422);
    }
    assertProblem(await lookUp(a, name), 404, 'handle_unknown');
  });

  it('are named in what the server says of itself', async (relay) => {
    const { json } = await relay.call('GET', '/v1/server');
    assert.ok(json.features.includes('handles'));
    assert.equal(json.limits.handles_per_account, 3);
    assert.equal(json.retention.handle_kept_days, 30);
  });
});

scene('lookups and claims are limited for each account', {
  set: { rate_lookups: '5', rate_handles: '2' },
}, async (relay) => {
  const { a, b } = await relay.pair();
  for (let i = 0; i < 5; i++) {
    assertProblem(await lookUp(a, newName()), 404, 'handle_unknown');
  }
  const answer = await lookUp(a, newName());
  assertProblem(answer, 429, 'rate_limited');
  assert.ok(answer.json.retry_after > 100 && answer.json.retry_after <= 180);
  assertProblem(await lookUp(b, newName()), 404, 'handle_unknown');
  const name = newName();
  assertStatus(await claim(a, name, 0), 201);
  assertProblem(await claim(a, name, 9), 409, 'handle_seq', { seq: 1 });
  assertProblem(await claim(a, name, 1), 429, 'rate_limited');
  assertStatus(await claim(b, newName(), 0), 201);
});

scene('a handle outlives a killed relay, and stands in its log and its files nowhere in clear',
  { set: { log_level: 'debug' } }, async (relay) => {
    const { a, b } = await relay.pair();
    const name = newName();
    assertStatus(await claim(a, name, 0), 201);
    await relay.kill();
    await relay.up();
    assertStatus(await lookUp(b, name), 200);
    assertProblem(await claim(b, name, 1), 409, 'handle_taken');
    await relay.stop();
    assert.ok(!relay.daemon.text.includes(name));
    for (const file of readdirSync(relay.dataDir)) {
      assert.ok(!readFileSync(join(relay.dataDir, file)).includes(name), file);
    }
  });

// SPDX-License-Identifier: Apache-2.0
// Sending over HTTP, and the same rules on the stream.
import assert from 'node:assert/strict';
import { b64u, ciphertext, envelopeId, fromB64u } from './support/bytes.mjs';
import { assertProblem, assertStatus, scene, suite } from './support/scene.mjs';

const DAY_S = 86_400;
const TEXT = 'This is a letter in plain words, long enough to be looked at.';

async function send(device, recipients, fields = {}) {
  return device.call('POST', '/v1/envelopes', {
    json: { id: b64u(envelopeId()), recipients, ...fields },
  });
}

const to = (device, body = ciphertext()) => ({ device_pub: device.pubText, body: b64u(body) });

suite('sending over HTTP', {}, (it) => {
  it('stores a body for each recipient, byte for byte', async (relay) => {
    const { a, b, bob } = await relay.pair();
    const [second] = await bob.grow(2);
    const id = envelopeId();
    const bodies = [ciphertext(1), ciphertext(3000)];
    const answer = await send(a, [to(b, bodies[0]), to(second, bodies[1])], { id: b64u(id) });
    assertStatus(answer, 201);
    assert.deepEqual(answer.json, { stored: 2, duplicates: [], full: [], closed: [] });
    for (const [i, device] of [b, second].entries()) {
      const [item] = (await device.mailbox()).envelopes;
      assert.deepEqual(fromB64u(item.body), bodies[i]);
      assert.deepEqual(fromB64u(item.id), id);
      assert.equal(item.urgent, false);
      assert.ok(Math.abs(item.minute - Date.now() / 60_000) < 2);
    }
  });

  it('stores one shared body with a prefix for each', async (relay) => {
    const { a, b, bob } = await relay.pair();
    const [second] = await bob.grow(2);
    const shared = ciphertext(500);
    const prefixes = [ciphertext(48), Buffer.alloc(0)];
    const recipients = [
      { device_pub: b.pubText, prefix: b64u(prefixes[0]) }, { device_pub: second.pubText },
    ];
    assertStatus(await send(a, recipients, { shared_body: b64u(shared) }), 201);
    for (const [i, device] of [b, second].entries()) {
      const [item] = (await device.mailbox()).envelopes;
      assert.deepEqual(fromB64u(item.body), Buffer.concat([prefixes[i], shared]));
    }
  });

  it('marks urgent mail', async (relay) => {
    const { a, b } = await relay.pair();
    assertStatus(await a.send([b], { urgent: true }), 201);
    assert.equal((await b.mailbox()).envelopes[0].urgent, true);
  });

  it('reaches the own other devices and oneself', async (relay) => {
    const account = await relay.account();
    const [second] = await account.grow(2);
    assertStatus(await account.first.send([account.first, second]), 201);
    assert.equal((await account.first.mailbox()).envelopes.length, 1);
    assert.equal((await second.mailbox()).envelopes.length, 1);
  });

  it('is 404 with the unknown keys, and stores nothing', async (relay) => {
    const { a, b } = await relay.pair();
    const ghosts = [ciphertext(32), ciphertext(32)].map(b64u);
    const recipients = [to(b), ...ghosts.map((key) => ({ device_pub: key, body: '_w' }))];
    const answer = await send(a, recipients);
    assert.deepEqual(answer.json.unknown.sort(), ghosts.sort());
    assertProblem(answer, 404, 'recipient_unknown');
    assert.equal((await b.mailbox()).envelopes.length, 0);
  });

  it('takes 1 byte to 96 KiB', async (relay) => {
    const { a, b } = await relay.pair();
    for (const size of [1, 31, 32, 98_304]) {
      assertStatus(await send(a, [to(b, ciphertext(size))]), 201);
    }
    const empty = await send(a, [to(b, Buffer.alloc(0))]);
    assertProblem(empty, 422, 'value_invalid', { member: 'body' });
    assertProblem(await send(a, [to(b, ciphertext(98_305))]), 413, 'too_large', { max: 98_304 });
  });

  it('measures prefix and shared body together', async (relay) => {
    const { a, b } = await relay.pair();
    const shared = { shared_body: b64u(ciphertext(98_000)) };
    const recipient = (size) => ({ device_pub: b.pubText, prefix: b64u(ciphertext(size)) });
    assertStatus(await send(a, [recipient(304)], shared), 201);
    const answer = await send(a, [recipient(305)], shared);
    assertProblem(answer, 413, 'too_large', { max: 98_304 });
  });

  it('takes a ttl of 10 s to 30 days', async (relay) => {
    const { a, b } = await relay.pair();
    for (const ttl of [10, 3599, 3600, 30 * DAY_S]) {
      assertStatus(await a.send([b], { ttl }), 201);
    }
    for (const ttl of [0, 9, -1, 30 * DAY_S + 1]) {
      assertProblem(await a.send([b], { ttl }), 422, 'value_invalid', { member: 'ttl' });
    }
    assertProblem(await a.send([b], { ttl: 10.5 }), 400, 'malformed', { member: 'ttl' });
    assertProblem(await a.send([b], { ttl: '10' }), 400, 'malformed', { member: 'ttl' });
  });

  it('refuses the same recipient twice, none, or too many', async (relay) => {
    const { a, b } = await relay.pair();
    assertProblem(await send(a, [to(b), to(b)]), 422, 'value_invalid', { member: 'device_pub' });
    assertProblem(await send(a, []), 422, 'value_invalid', { member: 'recipients' });
    const many = Array.from({ length: 1001 }, () => ({
      device_pub: b64u(ciphertext(32)), body: '_w',
    }));
    assertProblem(await send(a, many), 422, 'value_invalid', { member: 'recipients' });
    const answer = await send(a, many.slice(1));
    assertProblem(answer, 404, 'recipient_unknown');
    assert.equal(answer.json.unknown.length, 1000);
  });

  it('refuses members that do not belong together', async (relay) => {
    const { a, b } = await relay.pair();
    const shared = { shared_body: b64u(ciphertext()) };
    const bad = [
      [[to(b)], shared, 'body'],
      [[{ device_pub: b.pubText, prefix: '_w' }], {}, 'body'],
      [[{ ...to(b), prefix: '_w' }], {}, 'prefix'],
      [[{ body: '_w' }], {}, 'device_pub'],
      [[to(b)], { epoch: 0 }, 'account_id'],
      [[to(b)], { account_id: b.account.idText }, 'epoch'],
    ];
    for (const [recipients, fields, member] of bad) {
      const answer = await send(a, recipients, fields);
      assertProblem(answer, 400, 'malformed', { member });
    }
  });

  it('needs a session', async (relay) => {
    const { a, b } = await relay.pair();
    assertProblem(await a.call('POST', '/v1/envelopes', {
      token: undefined, json: { id: b64u(envelopeId()), recipients: [to(b)] },
    }), 401, 'session_invalid');
  });
});

suite('the plaintext guard', {}, (it) => {
  it('refuses text of 32 bytes or more', async (relay) => {
    const { a, b } = await relay.pair();
    const base64 = ciphertext(60).toString('base64');
    for (const text of [TEXT, base64, 'ü'.repeat(16), `{"json":"${TEXT}"}`, `a\tb\r\n${TEXT}`]) {
      assertProblem(await send(a, [to(b, Buffer.from(text))]), 422, 'plaintext_refused');
    }
    assert.equal((await b.mailbox()).envelopes.length, 0);
  });

  it('passes short text, controls and what is not UTF-8', async (relay) => {
    const { a, b } = await relay.pair();
    const bodies = [
      Buffer.from(TEXT.slice(0, 31)), Buffer.from(`${TEXT}\x01`),
      Buffer.from([...Buffer.from(TEXT), 0xc3]), Buffer.alloc(40, 0x80), Buffer.alloc(64),
    ];
    for (const body of bodies) {
      assertStatus(await send(a, [to(b, body)]), 201);
    }
  });

  it('looks at the shared body by itself, and at the sum', async (relay) => {
    const { a, b } = await relay.pair();
    const shared = (prefix, body) => send(a, [{ device_pub: b.pubText, prefix: b64u(prefix) }], {
      shared_body: b64u(body),
    });
    const hidden = await shared(Buffer.from([0xff]), Buffer.from(TEXT));
    assertProblem(hidden, 422, 'plaintext_refused');
    const split = await shared(Buffer.from(TEXT.slice(0, 20)), Buffer.from(TEXT.slice(20, 48)));
    assertProblem(split, 422, 'plaintext_refused');
  });

  it('works on the stream, too', async (relay) => {
    const { a, b } = await relay.pair();
    const stream = await a.open();
    const result = await stream.send([b], { body: Buffer.from(TEXT) });
    assertProblem(result, 422, 'plaintext_refused');
  });
});

scene('the plaintext guard can be off', { set: { plaintext_guard: 'false' } }, async (relay) => {
  const { a, b } = await relay.pair();
  assertStatus(await send(a, [to(b, Buffer.from(TEXT))]), 201);
});

scene('size buckets, enforced, are told and kept', { set: { size_buckets: 'enforce' } },
  async (relay) => {
    const { a, b } = await relay.pair();
    const stream = await a.open();
    assert.equal((await stream.event('hello')).limits.size_buckets, 'enforce');
    for (const size of [256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 98304]) {
      assertStatus(await send(a, [to(b, ciphertext(size))]), 201);
      assertStatus(await stream.send([b], { body: ciphertext(size) }), 201);
    }
    for (const size of [1, 255, 257, 98303]) {
      assertProblem(await send(a, [to(b, ciphertext(size))]), 422, 'size_bucket');
      const result = await stream.send([b], { body: ciphertext(size) });
      assertProblem(result, 422, 'size_bucket');
    }
    const shared = await send(a, [{ device_pub: b.pubText, prefix: b64u(ciphertext(56)) }], {
      shared_body: b64u(ciphertext(200)),
    });
    assertStatus(shared, 201);
  });

for (const mode of ['off', 'advise']) {
  scene(`size buckets that are ${mode} refuse nothing and are told`,
    { set: { size_buckets: mode } }, async (relay) => {
      const { a, b } = await relay.pair();
      const stream = await a.open();
      assert.equal((await stream.event('hello')).limits.size_buckets, mode);
      assertStatus(await send(a, [to(b, ciphertext(257)), to(a, ciphertext(256))]), 201);
      assert.equal(await relay.metric('size_off_bucket_total'), mode === 'advise' ? 1 : 0);
    });
}

// SPDX-License-Identifier: Apache-2.0
// The parts of the relay's sum of memory, each filled by itself.  For a build without sanitizers.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { b64u, ciphertext, envelopeId } from '../support/bytes.mjs';
import { assertPart, bound, peak, resident } from '../support/bound.mjs';
import { crowdOf, eachOf, untilStreams, upgradeHead } from '../support/crowd.mjs';
import { halfHandshake, halfRecord } from '../support/half_tls.mjs';
import { Raw } from '../support/raw.mjs';
import { askAll, request } from '../support/pipeline.mjs';
import { assertStatus, ok, scene } from '../support/scene.mjs';
import { addSessions } from '../support/tables.mjs';

const free = {
  max_connections_per_address: '0', dedup_max: '1000', sqlite_readers: '1', postgres_pool: '1',
  rate_device: '0', rate_account: '0', rate_address: '0', rate_pair: '0', rate_inbound: '0', rate_failures: '0',
  rate_challenges: '0', rate_registrations: '0',
};
const STORED_BYTES = 8_000_000; // of one send
const bearer = (token) => `Authorization: Bearer ${token}`;

scene('a device that signs in for ever has no more sessions in memory than the sum has', { set: free, tls: false },
  async (relay, t) => {
    const SESSIONS = 110_000; // 100,000 are kept
    const tokens = Array.from({ length: SESSIONS }, () => randomBytes(32));
    const { first: device } = await relay.account();
    await relay.stop();
    await addSessions(relay, tokens.map((token) => createHash('sha256').update(token).digest()));
    await relay.up();
    // Who it is is found out first, and that it makes no sense afterwards.
    const ask = (token) => request('GET', '/v1/mailbox?limit=none', [bearer(token)]);
    await askAll(relay, Array(5000).fill(ask(device.token)), 400);
    await assertPart(t, relay, 'sessions', 0.5, async () => {
      await askAll(relay, tokens.map((token) => ask(`sp1_${b64u(token)}`)), 400);
    });
    ok(await device.call('GET', '/v1/mailbox'));
  });

// A stream whose client takes everything, keeps nothing, and never acknowledges.
async function takingStream(relay, device) {
  const raw = await Raw.open(relay.port);
  raw.socket.removeAllListeners('data');
  raw.taken = 0;
  raw.socket.on('data', (chunk) => {
    raw.taken += chunk.length;
    raw.wake();
  });
  raw.write(upgradeHead(device.token));
  return raw;
}

/*
 * All of them get as much as a window holds, and more waits.  The mail is there before the streams
 * are, so that what grows is theirs.
 */
async function fillWindows(relay, t, { streams, bytes, window, least }) {
  const devices = await crowdOf(relay, streams);
  const { first: sender } = await relay.account();
  const isLarge = bytes > 1000;
  const atOnce = Math.min(500, Math.floor(STORED_BYTES / bytes));
  for (let i = 0; i < window + 2; i++) {
    for (let at = 0; at < streams; at += atOnce) {
      const recipients = devices.slice(at, at + atOnce).map(({ pubText }) => ({ device_pub: pubText, prefix: b64u(ciphertext(16)) }));
      const json = { id: b64u(envelopeId()), shared_body: b64u(ciphertext(bytes - 16)), recipients };
      assertStatus(await sender.call('POST', '/v1/envelopes', { json, unchecked: true }), 201);
    }
  }
  const open = async () => {
    const raws = await eachOf(devices, (device) => takingStream(relay, device), 16);
    await eachOf(raws, (raw) => raw.until(() => (raw.taken >= window * bytes ? true : undefined), 'a full window'));
    assert.ok(raws.every((raw) => !raw.ended));
    return raws;
  };
  if (isLarge) { // once before, for what reading and writing need is another part of the sum
    (await open()).forEach((raw) => raw.destroy());
    await untilStreams(relay, 0);
  }
  await assertPart(t, relay, 'connections', least, async () => {
    const raws = await open();
    t.after(() => raws.forEach((raw) => raw.destroy()));
  });
  assert.equal(await relay.metric('envelopes_pulled_total'), (isLarge ? 2 : 1) * streams * window);
}

scene('windows full of envelopes need no more than connections have in the sum', { set: { ...free, max_connections: '3100' }, tls: false },
  (relay, t) => fillWindows(relay, t, { streams: 3000, bytes: 64, window: 64, least: 0.4 }));

scene('windows full of bytes need no more, whatever is in them', { set: { ...free, max_connections: '1100' }, tls: false },
  (relay, t) => fillWindows(relay, t, { streams: 150, bytes: 49_000, window: 21, least: 0 }));

scene('TLS handshakes left half done need no more than they have in the sum', {
  set: { ...free, tls_handshakes_max: '400', tls_handshake_timeout: '300' }, tls: true,
}, (relay, t) => assertPart(t, relay, 'handshakes', 0.5, async () => {
  const held = await eachOf(Array(400).fill(relay.port), halfHandshake, 32);
  assert.ok(await relay.metric('connections_open') >= 400);
  t.after(() => held.forEach((raw) => raw.destroy()));
}));

scene('TLS records that never become whole need no more than connections have in the sum', {
  set: { ...free, max_connections: '410' }, tls: true,
}, (relay, t) => assertPart(t, relay, 'connections', 0.3, async () => {
  const held = await eachOf(Array(400).fill(relay.port), halfRecord, 32);
  assert.ok(await relay.metric('connections_open') >= 400);
  t.after(() => held.forEach((raw) => raw.destroy()));
}));

// SPDX-License-Identifier: Apache-2.0
// The parts of the relay's sum of memory, each filled by itself.  For a build without sanitizers.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { b64u, ciphertext, envelopeId } from '../support/bytes.mjs';
import { assertPart, bound, peak, resident } from '../support/bound.mjs';
import { crowdOf, eachOf, upgradeHead } from '../support/crowd.mjs';
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
const READ_HOLES = 2.5; // what is read and written meanwhile leaves more of them, and never the same
const PAIRS = 290; // of each of a thousand devices; there is room for 262,144
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
async function fillWindows(relay, t, { streams, before, bytes, window, least }) {
  const devices = await crowdOf(relay, streams);
  const { first: sender } = await relay.account();
  const atOnce = Math.min(500, Math.floor(STORED_BYTES / bytes));
  for (let i = 0; i < window + 2; i++) {
    for (let at = 0; at < streams; at += atOnce) {
      const recipients = devices.slice(at, at + atOnce).map(({ pubText }) => ({ device_pub: pubText, prefix: b64u(ciphertext(16)) }));
      const json = { id: b64u(envelopeId()), shared_body: b64u(ciphertext(bytes - 16)), recipients };
      assertStatus(await sender.call('POST', '/v1/envelopes', { json, unchecked: true }), 201);
    }
  }
  const open = async (some) => {
    const raws = await eachOf(some, (device) => takingStream(relay, device), 4);
    t.after(() => raws.forEach((raw) => raw.destroy()));
    await eachOf(raws, (raw) => raw.until(() => (raw.taken >= window * bytes ? true : undefined), 'a full window'));
    assert.ok(raws.every((raw) => !raw.ended));
  };
  // Some before, for what reading and writing need is another part of the sum.
  await open(devices.slice(0, before));
  await assertPart(t, relay, 'connections', least, () => open(devices.slice(before)), READ_HOLES);
  assert.equal(await relay.metric('envelopes_pulled_total'), streams * window);
}

scene('windows full of envelopes need no more than connections have in the sum', { set: { ...free, max_connections: '2100' }, tls: false },
  (relay, t) => fillWindows(relay, t, { streams: 2000, before: 400, bytes: 64, window: 64, least: 0.1 }));

scene('windows full of bytes need no more, whatever is in them', { set: { ...free, max_connections: '1100' }, tls: false },
  (relay, t) => fillWindows(relay, t, { streams: 150, before: 50, bytes: 49_000, window: 21, least: 0 }));

scene('TLS handshakes left half done need no more than they have in the sum', {
  set: { ...free, tls_handshakes_max: '400', tls_handshake_timeout: '300' }, tls: true,
}, (relay, t) => assertPart(t, relay, 'handshakes', 0.5, async () => {
  const held = await eachOf(Array(400).fill(relay.port), halfHandshake, 32);
  assert.ok(await relay.metric('connections_open') >= 400);
  t.after(() => held.forEach((raw) => raw.destroy()));
}));

scene('TLS records that never become whole need no more than connections have in the sum', {
  set: { ...free, max_connections: '410', head_timeout: '300', tls_handshake_timeout: '300' }, tls: true,
}, (relay, t) => assertPart(t, relay, 'connections', 0.3, async () => {
  const held = await eachOf(Array(400).fill(relay.port), halfRecord, 32);
  assert.ok(await relay.metric('connections_open') >= 400);
  t.after(() => held.forEach((raw) => raw.destroy()));
}));

const address = (i) => `X-Forwarded-For: 198.${18 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`; // RFC 2544: nobody's
const NAMES = 70_000; // a table has room for 65,536

// Each table by more names than it has room for, but devices and accounts: of them enough to touch each page.
async function fillRates(relay, devices) {
  const from = (make) => Array.from({ length: NAMES }, (_, i) => make(address(i), i));
  const unknown = (i) => bearer(`sp1_${b64u(createHash('sha256').update(`${i}`).digest())}`);
  await askAll(relay, from((line) => request('POST', '/v1/auth/challenge', [line], '{}')), 200);
  await askAll(relay, from((line) => request('POST', '/v1/accounts', [line], '{"manifest":"AA"}')), 422);
  await askAll(relay, from((line, i) => request('GET', '/v1/mailbox', [line, unknown(i)])), 401);
  await askAll(relay, devices.map(({ token }, i) => {
    const recipients = Array.from({ length: PAIRS }, (_, k) => ({
      device_pub: devices[(i + k + 1) % devices.length].pubText, body: b64u(ciphertext(32)),
    }));
    const body = JSON.stringify({ id: b64u(envelopeId()), online_only: true, recipients });
    return request('POST', '/v1/envelopes', [address(i), bearer(token)], body);
  }), 202);
}

scene('however many clients there are to count, rates need no more than they have in the sum', {
  set: {
    ...free, trusted_proxies: '127.0.0.1', rate_address: '10', rate_challenges: '2', rate_registrations: '2', rate_failures: '40',
    rate_device: '2', rate_account: '100', rate_pair: '2', rate_inbound: '1M',
  }, clock: true, tls: false,
}, async (relay, t) => {
  let calls = 0;
  const devices = await crowdOf(relay, 1000, () => ({ 'x-forwarded-for': `198.51.${calls >> 8}.${calls++ & 255}` }));
  const { rates } = bound(relay);
  const before = resident(relay);
  await fillRates(relay, devices);
  const grown = resident(relay) - before;
  relay.clock.advance(1); // what has given way is counted each second
  assertStatus(await relay.ops('/healthz'), 200);
  t.diagnostic(`${before.toFixed(1)} MiB before, grew by ${grown.toFixed(1)}, rates ${rates}; ${peak(relay).toFixed(1)} of ${bound(relay).total}`);
  assert.ok(await relay.metric('buckets_given_way_total') > NAMES / 10, 'the tables are not full');
  assert.ok(peak(relay) <= bound(relay).total);
  assert.ok(before >= rates, 'tables are made whole');
  assert.ok(grown <= rates / 4, `it grew by ${grown} MiB`);
});

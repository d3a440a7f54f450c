// SPDX-License-Identifier: Apache-2.0
// The relay says how much memory its configuration allows, and needs no more, whatever clients
// do: here they do all they can at once.  For a build without sanitizers.
import assert from 'node:assert/strict';
import { b64u, ciphertext, envelopeId } from '../support/bytes.mjs';
import { assertBound, peak } from '../support/bound.mjs';
import { bareStream, crowdOf, eachOf } from '../support/crowd.mjs';
import { halfHandshake, halfRecord } from '../support/half_tls.mjs';
import { Raw } from '../support/raw.mjs';
import { assertStatus, scene } from '../support/scene.mjs';

const set = {
  max_connections: '1400', max_connections_per_address: '0', request_bodies_max: '4M', output_total_max: '8M',
  connection_output_max: '64K', store_queue_bytes: '9M', dedup_max: '1000', mailbox_cache_max: '1000',
  sqlite_readers: '1', postgres_pool: '1', mailbox_max_bytes: '16M', body_timeout: '3600', head_timeout: '300', tls_handshakes_max: '400', tls_handshake_timeout: '300',
  rate_device: '0', rate_account: '0', rate_address: '0', rate_pair: '0', rate_inbound: '0', rate_failures: '0',
  rate_challenges: '0', rate_registrations: '0',
};
const COUNT = 100;
const LARGEST = 98_304;
const HALF_HANDSHAKES = 390; // of 400, for the honest one needs some
const HALF_RECORDS = 100;

const headOf = (method, path, token, lines = []) => [
  `${method} ${path} HTTP/1.1`, 'Host: relay.example', ...(token ? [`Authorization: Bearer ${token}`] : []), ...lines, '', '',
].join('\r\n');

// Send what the relay is to hold, and read nothing of what it says.
async function hold(relay, bytes) {
  const raw = await Raw.open(relay.port);
  raw.socket.pause();
  raw.write(bytes);
  return raw;
}

async function holdMany(relay, count, bytes) {
  return eachOf(Array(count).fill(bytes), (each) => hold(relay, each), 64);
}

const halfBody = () => Buffer.concat([
  Buffer.from(headOf('POST', '/v1/envelopes', null, ['Content-Length: 1500000'])), Buffer.alloc(1_400_000, 32),
]);

// The head of a binary frame of a mebibyte, and most of it; the key is zeros.
const halfMessage = () => Buffer.concat([
  Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]), Buffer.alloc(1_000_000),
]);

// One body for each of so many recipients, 8 MB in all once it is stored.
function sendToMany(token, devices) {
  const body = Buffer.from(JSON.stringify({
    id: b64u(envelopeId()), shared_body: b64u(ciphertext(80_000)),
    recipients: devices.map((device) => ({ device_pub: device.pubText, prefix: b64u(ciphertext(16)) })),
  }));
  const lines = ['Content-Type: application/json', `Content-Length: ${body.length}`];
  return Buffer.concat([Buffer.from(headOf('POST', '/v1/envelopes', token, lines)), body]);
}

// An honest client meanwhile, until the relay has met each part and a while longer.  How often it
// was served, and how often told to come again.
async function honest(relay, attacking) {
  const seen = { served: 0, refused: 0 };
  let isBegun = false;
  attacking.then(() => { isBegun = true; });
  const isMet = async () => isBegun && await relay.metric('connections_relieved_total') > 0
    && await relay.metric('envelopes_accepted_total') > COUNT && await relay.metric('http_refused_total') > 0;
  for (let more = 50; more > 0; more -= await isMet() ? 1 : 0) {
    const { status } = await relay.call('GET', '/v1/server', { unchecked: true });
    assert.ok(status === 200 || status === 503, `${status}`);
    seen[status === 200 ? 'served' : 'refused']++;
  }
  return seen;
}

// All of it; what is held stays so until it is destroyed.
async function attack(relay, reader, sender, others, streams) {
  const held = [await holdMany(relay, 100, sendToMany(sender.token, others))];
  held.push(...await Promise.all([
    holdMany(relay, 60, headOf('GET', '/v1/mailbox?limit=1000', reader.token).repeat(30)),
    holdMany(relay, 100, halfBody()),
    holdMany(relay, 300, `GET /v1/server HTTP/1.1\r\nHost: relay.example\r\nX: ${'x'.repeat(16_000)}`),
  ]));
  streams.forEach((raw) => raw.write(halfMessage()));
  for (let i = 0; i < 5; i++) {
    held.push(await holdMany(relay, 20, sendToMany(sender.token, others)));
  }
  if (relay.tls) {
    held.push(await eachOf(Array(HALF_RECORDS).fill(relay.port), halfRecord, 32));
    held.push(await eachOf(Array(HALF_HANDSHAKES).fill(relay.port), halfHandshake, 32));
  }
  return held.flat();
}

async function allAtOnce(relay, t) {
  const devices = await crowdOf(relay, COUNT);
  const [reader, ...others] = devices;
  const { first: sender } = await relay.account();
  for (let i = 0; i < 30; i++) {
    assertStatus(await sender.send([reader], { body: ciphertext(LARGEST) }), 201);
  }
  const streams = await eachOf(others, (device) => bareStream(relay, device), 64);
  const before = peak(relay);
  streams.forEach((raw) => raw.socket.pause());
  const attacking = attack(relay, reader, sender, others, streams);
  const seen = await honest(relay, attacking);
  const held = await attacking;
  const relieved = await relay.metric('connections_relieved_total');
  t.diagnostic(`${relieved} relieved, ${JSON.stringify(seen)}, ${await relay.metric('envelopes_accepted_total')} stored`);
  assertBound(t, relay, before, ['connections', 'handshakes', 'requests', 'output', 'queue', 'store']);
  assert.ok(relieved > 0, 'nobody gave way');
  assert.ok(seen.served > 0, 'nobody was served');
  [...held, ...streams].forEach((raw) => raw.destroy());
  await sender.send([reader]);
  assertStatus(await reader.call('GET', '/v1/mailbox?limit=1'), 200);
}

scene('all that clients can do at once needs no more memory than the relay says', { set, tls: false }, allAtOnce);

scene('nor does it over TLS, with handshakes and records that never become whole', { set, tls: true }, allAtOnce);

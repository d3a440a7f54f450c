// SPDX-License-Identifier: Apache-2.0
// A crowd of idle streams where TLS ends in the daemon.  For a build without sanitizers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ciphertext } from '../support/bytes.mjs';
import { bareStream, crowdOf, eachOf } from '../support/crowd.mjs';
import { residentBytes } from '../support/process.mjs';
import { Relay } from '../support/relay.mjs';
import { assertStatus } from '../support/scene.mjs';
import { certificate, noteTls } from '../support/tls.mjs';

const COUNT = 10_000;
const EACH_BYTES = 17 * 1024;
const PING_S = 45;
const RECIPIENTS_MAX = 1000;
const TIMEOUT_MS = 900_000; // handshakes and signatures of both ends, on whatever machine
const PING = 0x89;
const PONG = 0x8a;
const ANSWER = Buffer.from([PONG, 0x80, 0, 0, 0, 0, PING, 0x80, 0, 0, 0, 0]);

// Devices come by the plain listener, streams by the other.
async function start(t) {
  const { cert, key } = certificate();
  const relay = await Relay.start(t, {
    clock: true,
    tls: false,
    set: {
      tls_listen: '127.0.0.1:0', tls_cert: cert, tls_key: key, max_connections: '12000',
      max_connections_per_address: '0', rate_challenges: '0', rate_registrations: '0', rate_inbound: '0',
    },
  });
  const port = Number(relay.daemon.lines.find(({ fields }) => fields.name === 'tls').fields.port);
  noteTls(port, true);
  t.after(() => noteTls(port, false));
  return { relay, over: { port } };
}

// Answers each ping with a pong and a ping of its own; how often the relay has answered that, and so
// has read all.  From the beginning, for a slow machine opens streams for longer than a ping waits.
function answerPings(raw) {
  const counted = { pongs: 0 };
  raw.socket.on('data', (chunk) => {
    if (chunk[0] === PING) {
      raw.write(ANSWER);
    }
    counted.pongs += chunk[0] === PONG ? 1 : 0;
    raw.wake();
  });
  return counted;
}

// What devices cost without a stream: session, mailbox, pages of the store.
async function warm(devices) {
  await eachOf(devices, async (device) => {
    assertStatus(await device.call('GET', '/v1/mailbox', { unchecked: true }), 200);
  });
}

test('10,000 idle streams over TLS cost 17 KiB each at most, live, and all get mail', { timeout: TIMEOUT_MS },
  async (t) => {
    const { relay, over } = await start(t);
    const devices = await crowdOf(relay, COUNT);
    await warm(devices);
    const before = residentBytes(relay.daemon.child.pid);
    const answers = [];
    const raws = await eachOf(devices, async (device, i) => {
      const raw = await bareStream(over, device);
      answers[i] = answerPings(raw);
      return raw;
    }, 64);
    assert.equal(await relay.metric('streams_open'), COUNT);
    const each = (residentBytes(relay.daemon.child.pid) - before) / COUNT;
    t.diagnostic(`${Math.round(each)} bytes a stream`);
    assert.ok(each <= EACH_BYTES, `${each} bytes`);

    const heard = answers.map(({ pongs }) => pongs);
    relay.clock.advance(PING_S);
    await Promise.all(raws.map((raw, i) => raw.until(() => (answers[i].pongs > heard[i] ? true : undefined), 'a pong')));
    relay.clock.advance(PING_S);
    assertStatus(await relay.ops('/healthz'), 200);
    assert.equal(await relay.metric('streams_open'), COUNT);
    assert.ok(raws.every((raw) => !raw.ended));

    const { first: sender } = await relay.account();
    const body = ciphertext(800); // no pings are as long
    raws.forEach((raw) => { raw.received = Buffer.alloc(0); });
    for (let i = 0; i < COUNT; i += RECIPIENTS_MAX) {
      assertStatus(await sender.send(devices.slice(i, i + RECIPIENTS_MAX), { body }), 201);
    }
    await Promise.all(raws.map((raw) => raw.until(() => (raw.received.length > 800 ? true : undefined), 'mail')));
    assert.equal(await relay.metric('streams_open'), COUNT);
    raws.forEach((raw) => raw.destroy());
  });

// SPDX-License-Identifier: Apache-2.0
// Devices come, send, receive, acknowledge and go, again and again, and the relay needs no more
// memory for it than at the beginning.  For a build without sanitizers.
import assert from 'node:assert/strict';
import { ciphertext } from '../support/bytes.mjs';
import { crowdOf, eachOf, untilStreams } from '../support/crowd.mjs';
import { residentBytes } from '../support/process.mjs';
import { assertStatus, scene } from '../support/scene.mjs';

const MIB = 1 << 20;
const DEVICES = 40;
const ROUNDS = 40;
const LETTERS = 4; // of each device in each round
const TRIM_TICKS = 70; // two looks at what is free, and the peak before the first
const set = { dedup_max: '1000', rate_challenges: '0', rate_registrations: '0', max_connections_per_address: '0' };

// Everybody writes to the next one, by stream and over HTTP.
async function round(relay, devices) {
  const streams = await eachOf(devices, (device) => device.open({ autoAck: true }), 16);
  await eachOf(streams, async (stream, i) => {
    for (let k = 0; k < LETTERS; k++) {
      const to = [devices[(i + 1) % devices.length]];
      const body = ciphertext(1000 + 500 * k);
      assert.equal((k % 2 === 0 ? await stream.send(to, { body }) : await devices[i].send(to, { body })).status, 201);
    }
  }, 16);
  await eachOf(streams, async (stream) => {
    for (let k = 0; k < LETTERS; k++) {
      await stream.deliver();
    }
    await stream.barrier();
    await stream.close();
  }, 16);
  await untilStreams(relay, 0);
}

async function settled(relay) {
  for (let tick = 0; tick < TRIM_TICKS; tick++) {
    relay.clock.advance(1);
    assertStatus(await relay.ops('/healthz'), 200);
  }
  return residentBytes(relay.daemon.child.pid);
}

scene('rounds of coming and going leave nothing behind', { set, clock: true }, async (relay, t) => {
  const devices = await crowdOf(relay, DEVICES);
  let early = 0;
  for (let i = 1; i <= ROUNDS; i++) {
    await round(relay, devices);
    if (i === ROUNDS / 4) {
      early = await settled(relay);
    }
  }
  const late = await settled(relay);
  t.diagnostic(`${early >> 10} KiB after ${ROUNDS / 4} rounds, ${late >> 10} after ${ROUNDS}`);
  assert.equal(await relay.metric('envelopes_acknowledged_total'), DEVICES * ROUNDS * LETTERS);
  assert.ok(late - early <= MIB, `it grew by ${late - early} bytes`);
});

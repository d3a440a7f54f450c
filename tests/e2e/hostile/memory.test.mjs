// SPDX-License-Identifier: Apache-2.0
// What a connection costs, whatever its client does.  For a build without sanitizers.
import assert from 'node:assert/strict';
import { ciphertext } from '../support/bytes.mjs';
import { bareStream, crowdOf, eachOf, untilStreams } from '../support/crowd.mjs';
import { residentBytes } from '../support/process.mjs';
import { assertStatus, scene } from '../support/scene.mjs';

const MIB = 1 << 20;
const set = {
  max_connections: '12000', max_connections_per_address: '0', rate_challenges: '0',
  rate_registrations: '0', rate_inbound: '0',
};

const resident = (relay) => residentBytes(relay.daemon.child.pid);

// What devices cost without a stream: session, mailbox, pages of the store.
async function warm(devices) {
  await eachOf(devices, async (device) => {
    assertStatus(await device.call('GET', '/v1/mailbox', { unchecked: true }), 200);
  });
}

scene('10,000 idle streams cost 2 KiB each at most', { set }, async (relay, t) => {
  const COUNT = 10_000;
  const devices = await crowdOf(relay, COUNT);
  await warm(devices);
  const before = resident(relay);
  const raws = await eachOf(devices, (device) => bareStream(relay, device), 64);
  const each = (resident(relay) - before) / COUNT;
  t.diagnostic(`${Math.round(each)} bytes a stream; ${Math.round(resident(relay) / MIB)} MiB in all`);
  assert.ok(raws.every((raw) => !raw.ended));
  assert.ok(each <= 2048, `${each} bytes`);
  raws.forEach((raw) => raw.destroy());
});

scene('1,000 receivers that never read cost what they may, and lose nothing', { set },
  async (relay, t) => {
    const COUNT = 1000;
    const SENDS = 10;
    const devices = await crowdOf(relay, COUNT);
    const { first: sender } = await relay.account();
    const raws = await eachOf(devices, (device) => bareStream(relay, device), 64);
    raws.forEach((raw) => raw.socket.pause());
    const stream = await sender.open();
    const sendAll = async () => {
      for (let i = 0; i < SENDS; i++) {
        const { status, body } = await stream.send(devices, { shared: ciphertext(8000) });
        assert.deepEqual([status, body.stored], [201, COUNT]);
      }
    };
    await sendAll();
    const before = resident(relay);
    await sendAll();
    const growth = resident(relay) - before;
    t.diagnostic(`grew by ${Math.round(growth / 1024)} KiB`);
    // Beside what waits for sockets: nothing that grows with the mail.
    assert.ok(growth <= 32 * MIB, `${growth} bytes`);
    raws.forEach((raw) => raw.destroy());
    for (const device of [devices[0], devices[500], devices[COUNT - 1]]) {
      const page = await device.call('GET', '/v1/mailbox?limit=1000');
      assertStatus(page, 200);
      assert.equal(page.json.envelopes.length, 2 * SENDS);
    }
  });

scene('memory does not grow with each crowd, and is given back', { set, clock: true },
  async (relay, t) => {
    const COUNT = 2000;
    const devices = await crowdOf(relay, COUNT);
    await warm(devices);
    const before = resident(relay);
    const rounds = [];
    for (let round = 0; round < 3; round++) {
      const raws = await eachOf(devices, (device) => bareStream(relay, device), 64);
      raws.forEach((raw) => raw.destroy());
      await untilStreams(relay, 0);
      rounds.push(resident(relay) - before);
    }
    for (let tick = 0; tick < 70; tick++) {
      relay.clock.advance(1); // two looks at what is free, and the peak before the first
      assertStatus(await relay.ops('/healthz'), 200);
    }
    const after = resident(relay) - before;
    t.diagnostic(`KiB above the start: ${rounds.map((each) => each >> 10)}, then ${after >> 10}`);
    assert.ok(rounds[2] - rounds[0] <= MIB, 'it grows');
    assert.ok(after <= rounds[2] * 0.95, 'it is kept');
  });

// SPDX-License-Identifier: Apache-2.0
// A commit that races a pull must not leave an envelope that nobody hears of.
import assert from 'node:assert/strict';
import { ciphertext, fromB64u } from './support/bytes.mjs';
import { assertStatus, scene, suite } from './support/scene.mjs';

const bySeq = (item) => item.seq;

function trickle(streams, to, count) {
  return Promise.all(Array.from({ length: count }, async (_, i) => {
    const body = ciphertext(40 + (i % 90));
    const result = await streams[i % streams.length].send([to], { body });
    assert.equal(result.status, 201);
  }));
}

async function senders(relay, count) {
  const accounts = await Promise.all(Array.from({ length: count }, () => relay.account()));
  return Promise.all(accounts.map((account) => account.first.open()));
}

suite('while many send', {}, (it) => {
  it('a receiver that reconnects in a loop gets everything', async (relay) => {
    const [streams, receiver] = [await senders(relay, 6), await relay.account()];
    const seen = new Set();
    const total = 600;
    const sending = trickle(streams, receiver.first, total);
    for (let round = 0; seen.size < total; round++) {
      const stream = await receiver.first.open({ autoAck: round % 2 === 0 });
      const mail = await stream.delivers(Math.min(total - seen.size, 1 + (round % 40)));
      if (round % 2 === 1) {
        await stream.ack(mail.map(bySeq));
      }
      stream.drop();
      stream.delivered.forEach((seq) => seen.add(seq));
    }
    await sending;
    const last = await receiver.first.open();
    await last.caughtUp();
  });

  it('a caught-up stream gets everything once, in order', async (relay) => {
    const [streams, receiver] = [await senders(relay, 6), await relay.account()];
    const stream = await receiver.first.open({ autoAck: true });
    await stream.caughtUp();
    await trickle(streams, receiver.first, 1200);
    await stream.delivers(1200);
    await stream.barrier();
    const { delivered } = stream;
    assert.equal(new Set(delivered).size, 1200);
    assert.deepEqual(delivered, [...delivered].sort((x, y) => x - y));
    assert.deepEqual((await receiver.first.mailbox()).envelopes, []);
  });

  it('a stream whose window opens and closes gets everything', async (relay) => {
    const [streams, receiver] = [await senders(relay, 4), await relay.account()];
    const stream = await receiver.first.open();
    const total = 800;
    const sending = trickle(streams, receiver.first, total);
    for (let got = 0; got < total;) {
      const batch = await stream.delivers(Math.min(1 + (got % 7), total - got));
      got += batch.length;
      await stream.ack(batch.map(bySeq));
    }
    await sending;
    await stream.caughtUp();
  });

  it('a reader over HTTP that acknowledges up to its cursor gets everything', async (relay) => {
    const [streams, receiver] = [await senders(relay, 4), await relay.account()];
    const total = 500;
    const seen = new Set();
    const sending = trickle(streams, receiver.first, total);
    while (seen.size < total) {
      const { envelopes } = await receiver.first.mailbox('?limit=37');
      envelopes.forEach(({ seq }) => seen.add(seq));
      if (envelopes.length > 0) {
        const json = { up_to: envelopes.at(-1).seq };
        assertStatus(await receiver.first.call('POST', '/v1/mailbox/ack', { json }), 200);
      }
    }
    await sending;
    assert.deepEqual((await receiver.first.mailbox()).envelopes, []);
  });

  it('removing a device refuses or stores, and the rest is delivered', async (relay) => {
    const streams = await senders(relay, 3);
    const account = await relay.account();
    const [second] = await account.grow(2);
    const stream = await account.first.open({ autoAck: true });
    await stream.caughtUp();
    const sends = Array.from({ length: 90 }, (_, i) => streams[i % 3].send(
      [account.first, second], { body: ciphertext() },
    ));
    const removal = account.change({ remove: [2] });
    const results = await Promise.all(sends);
    await removal;
    const stored = results.filter((result) => result.status === 201);
    results.filter((result) => result.status !== 201).forEach((result) => {
      assert.equal(result.status, 404);
      assert.deepEqual(result.body.unknown, [second.pubText]);
    });
    await stream.delivers(stored.length);
    await stream.barrier();
    assert.equal(stream.delivered.length, stored.length);
  });
});

// Whether the relay still answers on a stream.
const answers = (stream) => stream.barrier().then(() => true, () => false);

suite('while a session ends', {}, (it) => {
  it('no stream that is opened with it stays open', async (relay) => {
    const { first } = await relay.account();
    for (let round = 0; round < 40; round++) {
      await first.login();
      const ending = first.call('DELETE', '/v1/auth/session');
      const opening = [];
      for (let i = 0; i < 6; i++) {
        opening.push(first.open().catch((refusal) => refusal));
        await new Promise(setImmediate);
      }
      assertStatus(await ending, 204);
      for (const end of await Promise.all(opening)) {
        if (end instanceof Error) {
          assert.equal(end.status, 401);
        } else {
          assert.equal(await answers(end), false, 'a stream outlived its session');
          assert.ok([4401, 4409].includes((await end.closed).code));
        }
      }
    }
  });
});

scene('the order of one sender holds while the relay still learns who the recipients are', {},
  async (relay) => {
    const { a, bob } = await relay.pair();
    const devices = [bob.first, ...await bob.grow(2, 3, 4)];
    const total = 40;
    for (let round = 0; round < 4; round++) {
      await relay.restart();
      const stream = await a.open();
      const sends = Array.from({ length: total }, (_, i) => {
        const body = ciphertext(40);
        body.writeUInt32BE(i, 1);
        return stream.send([devices[i % 4]], { body });
      });
      (await Promise.all(sends)).forEach(({ status }) => assert.equal(status, 201));
      for (const [which, device] of devices.entries()) {
        const { envelopes } = await device.mailbox();
        const numbers = envelopes.map(({ body }) => fromB64u(body).readUInt32BE(1));
        assert.deepEqual(numbers, Array.from({ length: total / 4 }, (_, i) => (i * 4) + which));
        assertStatus(await device.ack(envelopes.map(bySeq)), 200);
      }
    }
  });

// SPDX-License-Identifier: Apache-2.0
// What happens by time alone, on a clock that the test moves.
import assert from 'node:assert/strict';
import { envelopeId } from './support/bytes.mjs';
import { assertStatus, scene } from './support/scene.mjs';

const DAY_S = 86_400;
const clock = true;
const bySeq = (item) => item.seq;
const split = (page) => ({
  mail: page.envelopes.filter((item) => !item.gap),
  gaps: page.envelopes.filter((item) => item.gap),
});

// The janitor runs by the clock: ask until it has done its round.
async function untilSplit(device, isDone) {
  for (;;) {
    const parts = split(await device.mailbox('?limit=1000'));
    if (isDone(parts)) {
      return parts;
    }
    device.relay.clock.advance(5);
  }
}

scene('an envelope lives for its ttl and leaves a gap', { clock }, async (relay) => {
  const { a, b } = await relay.pair();
  assertStatus(await a.send([b], { ttl: 10 }), 201);
  assertStatus(await a.send([b], { ttl: 3600 }), 201);
  const [short, long] = (await b.mailbox()).envelopes;
  relay.clock.advance(21);
  const { mail, gaps } = await untilSplit(b, ({ gaps: some }) => some.length > 0);
  assert.deepEqual(mail.map(bySeq), [long.seq]);
  assert.deepEqual(gaps.map(({ gap }) => gap), [
    { from: short.seq, to: short.seq, count: 1, reason: 'ttl' },
  ]);
});

scene('an expired envelope is never delivered, whether it was removed or not', { clock },
  async (relay) => {
    const { a, b } = await relay.pair();
    for (let i = 0; i < 20; i++) {
      assertStatus(await a.send([b], { ttl: 30 }), 201);
    }
    assertStatus(await a.send([b]), 201);
    relay.clock.advance(60);
    const { mail } = split(await b.mailbox());
    assert.equal(mail.length, 1);
    const stream = await b.open();
    await stream.deliver();
    await stream.caughtUp();
    assert.equal(stream.waiting(), 0);
  });

scene('an envelope is kept for 30 days by default, and no longer', { clock }, async (relay) => {
  const { a, b } = await relay.pair();
  assertStatus(await a.send([b]), 201);
  relay.clock.advance(29 * DAY_S);
  await b.login();
  assert.equal(split(await b.mailbox()).mail.length, 1);
  relay.clock.advance(DAY_S + 120);
  await b.login();
  const { gaps } = await untilSplit(
    b, ({ mail, gaps: some }) => mail.length === 0 && some.length > 0,
  );
  assert.equal(gaps[0].gap.reason, 'ttl');
});

scene('many that expire together merge into one gap', { clock }, async (relay) => {
  const { a, b } = await relay.pair();
  const stream = await a.open();
  await Promise.all(Array.from({ length: 300 }, () => stream.send([b], {
    id: envelopeId(), ttl: 20,
  })));
  relay.clock.advance(40);
  const count = (gaps) => gaps.reduce((sum, { gap }) => sum + gap.count, 0);
  const { mail, gaps } = await untilSplit(b, (parts) => count(parts.gaps) === 300);
  assert.equal(mail.length, 0);
  assert.ok(gaps.every(({ gap }) => gap.reason === 'ttl' && gap.from <= gap.to));
});

scene('senders are served while much expires', { clock }, async (relay) => {
  const { a, b, bob } = await relay.pair();
  const [second] = await bob.grow(2);
  const stream = await a.open();
  for (let i = 0; i < 10; i++) {
    await Promise.all(Array.from({ length: 200 }, () => stream.send([b], { ttl: 20 })));
  }
  relay.clock.advance(40);
  for (let i = 0; i < 10; i++) {
    assertStatus(await a.send([second]), 201);
  }
  await untilSplit(b, ({ mail }) => mail.length === 0);
});

scene('a device not seen for long is told of, then its mailbox is closed', { clock },
  async (relay) => {
    const { a, bob, b } = await relay.pair();
    const [second] = await bob.grow(2);
    for (let day = 0; day < 30; day++) {
      relay.clock.advance(DAY_S);
      await b.login();
    }
    const untilMidnight = DAY_S - (Math.floor(Date.now() / 1000) % DAY_S);
    relay.clock.advance(Math.max(0, untilMidnight - 300)); // thirty whole days are about to be over
    await b.login();
    const stream = await b.open();
    await stream.caughtUp();
    const poke = async () => assertStatus(await relay.call('GET', '/v1/server'), 200);
    relay.clock.advance(4200); // into that day, and past the janitor's hour
    await poke();
    const told = await stream.event('device.idle');
    assert.equal(told.device_id, 2);
    await a.login();
    assertStatus(await a.send([second]), 201);
    for (let day = 0; day < 16; day++) {
      relay.clock.advance(DAY_S);
      await b.login();
    }
    await a.login();
    let answer;
    do {
      relay.clock.advance(6);
      answer = await a.send([b, second], { ttl: 600 });
      assertStatus(answer, 201);
    } while (answer.json.closed.length === 0);
    assert.deepEqual(answer.json.closed, [second.pubText]);
    await second.login();
    const { mail, gaps } = split(await second.mailbox());
    assert.equal(mail.length, 0);
    assert.ok(gaps.some(({ gap }) => gap.reason === 'idle'));
    const open = await a.send([second]);
    assertStatus(open, 201);
    assert.deepEqual(open.json.closed, []);
  });

scene('the clock may jump back without anything being lost', { clock }, async (relay) => {
  const { a, b } = await relay.pair();
  assertStatus(await a.send([b], { ttl: 600 }), 201);
  relay.clock.advance(-2 * DAY_S);
  assertStatus(await a.send([b], { ttl: 600 }), 201);
  const stream = await b.open({ autoAck: true });
  const mail = await stream.delivers(2);
  assert.ok(mail[0].seq < mail[1].seq);
  await stream.caughtUp();
});

// SPDX-License-Identifier: Apache-2.0
// Mailboxes that are full, and the gaps that tell of what was lost.
import assert from 'node:assert/strict';
import { ciphertext } from './support/bytes.mjs';
import { assertProblem, assertStatus, scene } from './support/scene.mjs';

const SMALL = { mailbox_max_envelopes: '8' };

async function fill(a, b, count, fields) {
  for (let i = 0; i < count; i++) {
    assertStatus(await a.send([b], fields), 201);
  }
}

const split = (page) => ({
  mail: page.envelopes.filter((item) => !item.gap),
  gaps: page.envelopes.filter((item) => item.gap),
});

const bySeq = (item) => item.seq;

scene('a full mailbox refuses, and leaves a gap that says so', { set: SMALL }, async (relay) => {
  const { a, b } = await relay.pair();
  await fill(a, b, 8);
  const answer = await a.send([b]);
  assertProblem(answer, 507, 'mailbox_full', { full: [b.pubText], closed: [] });
  const { mail, gaps } = split(await b.mailbox());
  assert.equal(mail.length, 8);
  assert.equal(gaps.length, 1);
  const [{ seq, gap }] = gaps;
  assert.deepEqual(gap, { from: seq, to: seq, count: 1, reason: 'refused' });
  assert.ok(seq > mail.at(-1).seq);
});

scene('refusals merge into the gap until it was sent', { set: SMALL }, async (relay) => {
  const { a, b } = await relay.pair();
  await fill(a, b, 8);
  for (let i = 0; i < 3; i++) {
    assertProblem(await a.send([b]), 507, 'mailbox_full');
  }
  const first = split(await b.mailbox()).gaps;
  assert.deepEqual(first.map((item) => item.gap.count), [3]);
  assertProblem(await a.send([b]), 507, 'mailbox_full');
  const second = split(await b.mailbox()).gaps;
  assert.deepEqual(second.map((item) => item.gap.count), [3, 1]);
  assertStatus(await b.ack(second.map(bySeq)), 200);
  assert.equal(split(await b.mailbox()).gaps.length, 0);
});

scene('after a restart losses begin a new gap', { set: SMALL }, async (relay) => {
  const { a, b } = await relay.pair();
  await fill(a, b, 8);
  assertProblem(await a.send([b]), 507, 'mailbox_full');
  await relay.restart();
  assertProblem(await a.send([b]), 507, 'mailbox_full');
  assert.deepEqual(split(await b.mailbox()).gaps.map((item) => item.gap.count), [1, 1]);
});

scene('a mailbox that refused takes mail again at 75 %', { set: SMALL }, async (relay) => {
  const { a, b } = await relay.pair();
  await fill(a, b, 8);
  assertProblem(await a.send([b]), 507, 'mailbox_full');
  const { mail } = split(await b.mailbox());
  assertStatus(await b.ack([mail[0].seq]), 200);
  assertProblem(await a.send([b]), 507, 'mailbox_full');
  assertStatus(await b.ack([mail[1].seq]), 200);
  await fill(a, b, 2);
  assertProblem(await a.send([b]), 507, 'mailbox_full');
});

scene('a mailbox that is not full takes its last place without a detour', { set: SMALL },
  async (relay) => {
    const { a, b } = await relay.pair();
    await fill(a, b, 8);
    const { mail } = split(await b.mailbox());
    assertStatus(await b.ack([mail[0].seq]), 200);
    assertStatus(await a.send([b]), 201);
    assertProblem(await a.send([b]), 507, 'mailbox_full');
  });

scene('bytes are capped like envelopes', { set: { mailbox_max_bytes: '98304' } },
  async (relay) => {
    const { a, b } = await relay.pair();
    await fill(a, b, 3, { body: ciphertext(32_768) });
    assertProblem(await a.send([b], { body: ciphertext(1) }), 507, 'mailbox_full');
    const { mail } = split(await b.mailbox());
    assertStatus(await b.ack([mail[0].seq]), 200);
    assertStatus(await a.send([b], { body: ciphertext(32_768) }), 201);
  });

scene('one full mailbox among many fails none of the others', { set: SMALL }, async (relay) => {
  const { a, b, bob } = await relay.pair();
  const others = await bob.grow(2, 3, 4);
  await fill(a, b, 8);
  const answer = await a.send([b, ...others]);
  assertStatus(answer, 201);
  assert.deepEqual(answer.json, { stored: 3, duplicates: [], full: [b.pubText], closed: [] });
  for (const device of others) {
    assert.equal((await device.mailbox()).envelopes.length, 1);
  }
  assert.equal(split(await b.mailbox()).gaps.length, 1);
});

scene('507 comes only when nothing is stored and nothing is a repeat', { set: SMALL },
  async (relay) => {
    const { a, b, bob } = await relay.pair();
    const [second] = await bob.grow(2);
    const envelope = { id: ciphertext(16), body: ciphertext() };
    assertStatus(await a.send([b], envelope), 201);
    await fill(a, b, 7);
    await fill(a, second, 8);
    const repeat = await a.send([b, second], envelope);
    assertStatus(repeat, 201);
    assert.deepEqual([repeat.json.stored, repeat.json.duplicates, repeat.json.full],
      [0, [b.pubText], [second.pubText]]);
    const none = await a.send([b, second]);
    assertProblem(none, 507, 'mailbox_full');
    assert.equal(none.json.full.length, 2);
  });

scene('gaps do not count against the caps', { set: SMALL }, async (relay) => {
  const { a, b } = await relay.pair();
  await fill(a, b, 8);
  for (let i = 0; i < 5; i++) {
    assertProblem(await a.send([b]), 507, 'mailbox_full');
    await b.mailbox();
  }
  const { mail, gaps } = split(await b.mailbox());
  assert.equal(gaps.length, 5);
  assertStatus(await b.ack(mail.map(bySeq)), 200);
  await fill(a, b, 8);
});

scene('the cap holds when many send at once', { set: SMALL }, async (relay) => {
  const { a, b } = await relay.pair();
  const stream = await a.open();
  const results = await Promise.all(Array.from({ length: 60 }, () => stream.send([b])));
  const stored = results.filter((each) => each.status === 201).length;
  assert.equal(stored, 8);
  assert.ok(results.every((each) => [201, 507].includes(each.status)));
  const { mail, gaps } = split(await b.mailbox());
  assert.equal(mail.length, 8);
  assert.equal(gaps.reduce((sum, item) => sum + item.gap.count, 0), 52);
});

scene('drop_oldest keeps the newest and tells what went',
  { set: { ...SMALL, mailbox_overflow: 'drop_oldest' } }, async (relay) => {
    const { a, b } = await relay.pair();
    await fill(a, b, 8);
    const before = (await b.mailbox()).envelopes.map(bySeq);
    await fill(a, b, 3);
    let parts;
    do { // room is made behind the answer
      parts = split(await b.mailbox());
    } while (parts.mail.length > 8);
    const { mail, gaps } = parts;
    const dropped = before.filter((seq) => !mail.some((item) => item.seq === seq));
    assert.equal(dropped.length, 11 - mail.length);
    assert.deepEqual(dropped, before.slice(0, dropped.length), 'the oldest went');
    const told = gaps.map((item) => item.gap);
    assert.ok(told.every((gap) => gap.reason === 'cap'));
    assert.equal(told.reduce((sum, gap) => sum + gap.count, 0), dropped.length);
    assert.equal(Math.min(...told.map((gap) => gap.from)), dropped[0]);
    assert.equal(Math.max(...told.map((gap) => gap.to)), dropped.at(-1));
  });

scene('gaps come over the stream, are acknowledged like mail', { set: SMALL }, async (relay) => {
  const { a, b } = await relay.pair();
  await fill(a, b, 8);
  assertProblem(await a.send([b]), 507, 'mailbox_full');
  const stream = await b.open();
  const hello = await stream.event('hello');
  assert.ok([8, 9].includes(hello.pending));
  const mail = await stream.delivers(8);
  const gap = await stream.event('gap');
  assert.deepEqual([gap.from, gap.to, gap.count, gap.reason], [gap.seq, gap.seq, 1, 'refused']);
  await stream.caughtUp();
  const result = await stream.ack([...mail.map(bySeq), gap.seq]);
  assert.equal(result.body.acknowledged, 9);
  assert.deepEqual((await b.mailbox()).envelopes, []);
});

scene('a caught-up stream hears of a gap at once', { set: SMALL }, async (relay) => {
  const { a, b } = await relay.pair();
  const stream = await b.open();
  await stream.caughtUp();
  await fill(a, b, 8);
  await stream.delivers(8);
  assertProblem(await a.send([b]), 507, 'mailbox_full');
  const gap = await stream.event('gap');
  assert.equal(gap.reason, 'refused');
  assert.equal((await stream.ackUpTo(gap.seq)).body.acknowledged, 9);
});

// SPDX-License-Identifier: Apache-2.0
// The same envelope sent again: one copy, and the answer says so.
import assert from 'node:assert/strict';
import { ciphertext, envelopeId } from './support/bytes.mjs';
import { assertStatus, scene, suite } from './support/scene.mjs';

const waiting = async (device) => (await device.mailbox('?limit=1000')).envelopes.length;
const same = () => ({ id: envelopeId(), body: ciphertext() });

function assertDuplicate(answer, device) {
  assertStatus(answer, 201);
  const { stored, duplicates } = answer.json ?? answer.body;
  assert.deepEqual({ stored, duplicates }, { stored: 0, duplicates: [device.pubText] });
}

suite('repeating an envelope', {}, (it) => {
  it('is one copy while it waits', async (relay) => {
    const { a, b } = await relay.pair();
    const envelope = same();
    assertStatus(await a.send([b], envelope), 201);
    assertDuplicate(await a.send([b], envelope), b);
    assert.equal(await waiting(b), 1);
  });

  it('is one copy over HTTP and stream alike, and from another sender', async (relay) => {
    const { a, b } = await relay.pair();
    const envelope = same();
    const stream = await a.open();
    assertStatus(await stream.send([b], envelope), 201);
    assertDuplicate(await a.send([b], envelope), b);
    assertDuplicate(await (await relay.account()).first.send([b], envelope), b);
    assert.equal(await waiting(b), 1);
  });

  it('is recognised after its ack', async (relay) => {
    const { a, b } = await relay.pair();
    const envelope = same();
    assertStatus(await a.send([b], envelope), 201);
    const [item] = (await b.mailbox()).envelopes;
    assertStatus(await b.ack([item.seq]), 200);
    assertDuplicate(await a.send([b], envelope), b);
    assert.equal(await waiting(b), 0);
  });

  it('with another body is another envelope', async (relay) => {
    const { a, b } = await relay.pair();
    const { id } = same();
    assertStatus(await a.send([b], { id }), 201);
    const answer = await a.send([b], { id });
    assert.equal(answer.json.stored, 1);
    assert.equal(await waiting(b), 2);
  });

  it('to another mailbox is another envelope', async (relay) => {
    const { a, b, bob } = await relay.pair();
    const [second] = await bob.grow(2);
    const envelope = same();
    assertStatus(await a.send([b], envelope), 201);
    const answer = await a.send([b, second], envelope);
    assertStatus(answer, 201);
    assert.deepEqual([answer.json.stored, answer.json.duplicates], [1, [b.pubText]]);
    assert.equal(await waiting(b), 1);
    assert.equal(await waiting(second), 1);
  });

  it('is one copy when the repeats race in flight', async (relay) => {
    const { a, b } = await relay.pair();
    const stream = await a.open();
    for (let round = 0; round < 20; round++) {
      const envelope = same();
      const results = await Promise.all([
        ...Array.from({ length: 8 }, () => stream.send([b], envelope)),
        a.send([b], envelope),
      ]);
      const stored = results.map((each) => (each.json ?? each.body).stored);
      assert.equal(stored.reduce((sum, each) => sum + each), 1);
    }
    assert.equal(await waiting(b), 20);
  });

  it('is delivered once to an open stream', async (relay) => {
    const { a, b } = await relay.pair();
    const stream = await b.open();
    await stream.caughtUp();
    const envelope = same();
    await Promise.all([a.send([b], envelope), a.send([b], envelope), a.send([b], envelope)]);
    await stream.deliver();
    const last = await a.send([b]);
    assertStatus(last, 201);
    await stream.deliver();
    assert.equal(stream.delivered.length, 2);
  });
});

scene('a repeat is one copy across a crash while it waits', {}, async (relay) => {
  const { a, b } = await relay.pair();
  const envelopes = Array.from({ length: 20 }, same);
  for (const envelope of envelopes) {
    assertStatus(await a.send([b], envelope), 201);
  }
  await relay.kill();
  await relay.up();
  for (const envelope of envelopes) {
    assertDuplicate(await a.send([b], envelope), b);
  }
  assert.equal(await waiting(b), 20);
});

scene('a send cut off by a crash may be repeated until it is answered', {}, async (relay) => {
  const { a, b } = await relay.pair();
  const envelopes = Array.from({ length: 50 }, same);
  const stream = await a.open();
  const first = envelopes.map((each) => stream.send([b], each).catch(() => null));
  await first[10];
  await relay.kill();
  const results = await Promise.all(first);
  await relay.up();
  const stored = results.filter((result) => result !== null).length;
  assert.ok(stored >= 11 && await waiting(b) >= stored, 'what was answered is there');
  for (const envelope of envelopes) {
    assertStatus(await a.send([b], envelope), 201);
  }
  assert.equal(await waiting(b), envelopes.length);
});

scene('a repeat after ten minutes is new', { clock: true }, async (relay) => {
  const { a, b } = await relay.pair();
  const envelope = same();
  assertStatus(await a.send([b], envelope), 201);
  const [item] = (await b.mailbox()).envelopes;
  assertStatus(await b.ack([item.seq]), 200);
  relay.clock.advance(590);
  assertDuplicate(await a.send([b], envelope), b);
  relay.clock.advance(620);
  const answer = await a.send([b], envelope);
  assertStatus(answer, 201);
  assert.equal(answer.json.stored, 1);
});

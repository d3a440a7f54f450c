// SPDX-License-Identifier: Apache-2.0
// Envelopes that are passed on or forgotten.
import assert from 'node:assert/strict';
import { ciphertext, envelopeId } from './support/bytes.mjs';
import { assertProblem, assertStatus, suite } from './support/scene.mjs';

const flagged = { online_only: true };

suite('an online_only envelope', {}, (it) => {
  it('reaches a caught-up stream with seq 0, and no store', async (relay) => {
    const { a, b } = await relay.pair();
    const stream = await b.open();
    await stream.caughtUp();
    const id = envelopeId();
    const body = ciphertext(99);
    const answer = await a.send([b], { ...flagged, id, body, urgent: true });
    assertStatus(answer, 202);
    assert.equal(answer.json.sent, 1);
    const mail = await stream.deliver();
    assert.deepEqual([mail.seq, mail.onlineOnly, mail.urgent, mail.redelivered],
      [0, true, true, false]);
    assert.deepEqual([mail.id, mail.body], [id, body]);
    assert.deepEqual((await b.mailbox()).envelopes, []);
  });

  it('is sent to nobody who is away', async (relay) => {
    const { a, b } = await relay.pair();
    const answer = await a.send([b], flagged);
    assertStatus(answer, 202);
    assert.equal(answer.json.sent, 0);
    const stream = await b.open();
    await stream.caughtUp();
    assert.equal(stream.waiting(), 0);
  });

  it('passes by a stream that is behind', async (relay) => {
    const { a, b } = await relay.pair();
    const sender = await a.open();
    await Promise.all(Array.from({ length: 70 }, () => sender.send([b])));
    const stream = await b.open();
    await stream.delivers(64);
    const result = await sender.send([b], { onlineOnly: true });
    assert.deepEqual([result.status, result.body.sent], [202, 0]);
    await stream.ackUpTo(2 ** 53);
    await stream.delivers(6);
    await stream.caughtUp();
    const later = await sender.send([b], { onlineOnly: true });
    assert.equal(later.body.sent, 1);
    assert.equal((await stream.deliver()).seq, 0);
  });

  it('counts who got it', async (relay) => {
    const { a, b, bob } = await relay.pair();
    const [second, third] = await bob.grow(2, 3);
    const streams = await Promise.all([b.open(), third.open()]);
    await Promise.all(streams.map((stream) => stream.caughtUp()));
    const answer = await a.send([b, second, third], flagged);
    assert.equal(answer.json.sent, 2);
  });

  it('is not a repeat of another: it is sent each time', async (relay) => {
    const { a, b } = await relay.pair();
    const stream = await b.open();
    await stream.caughtUp();
    const envelope = { ...flagged, id: envelopeId(), body: ciphertext() };
    for (let i = 0; i < 3; i++) {
      assert.equal((await a.send([b], envelope)).json.sent, 1);
    }
    await stream.delivers(3);
  });

  it('does not fill the window', async (relay) => {
    const { a, b } = await relay.pair();
    const [sender, stream] = [await a.open(), await b.open()];
    await stream.caughtUp();
    const results = await Promise.all(Array.from({ length: 150 }, () => sender.send([b], {
      onlineOnly: true, body: ciphertext(40),
    })));
    const sent = results.reduce((sum, each) => sum + each.body.sent, 0);
    assert.ok(sent > 64, `${sent} were sent`);
    await stream.delivers(sent);
  });

  it('is checked like any other', async (relay) => {
    const { a, b, bob } = await relay.pair();
    const ghost = bob.newDevice(9);
    assertProblem(await a.send([ghost], flagged), 404, 'recipient_unknown');
    assertProblem(await a.send([b, b], flagged), 422, 'value_invalid');
    const text = Buffer.from('In plain words, which is not what a relay is for.');
    assertProblem(await a.send([b], { ...flagged, body: text }), 422, 'plaintext_refused');
    const listed = { ...flagged, account_id: bob.idText, epoch: 5 };
    assertProblem(await a.send([b], listed), 409, 'device_list_mismatch');
    assertStatus(await a.send([b], { ...listed, epoch: 0 }), 202);
  });
});

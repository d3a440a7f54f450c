// SPDX-License-Identifier: Apache-2.0
// What the relay does not send, and what it does not read.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ciphertext, envelopeId } from './support/bytes.mjs';
import { SANITIZER_ENV } from './support/daemon.mjs';
import { encodeSend } from './support/stream_codec.mjs';
import { OP as WS, RawStream, frame } from './support/raw_ws.mjs';
import { assertStatus, scene, suite } from './support/scene.mjs';

const bySeq = (item) => item.seq;

async function fill(a, b, count, size) {
  const stream = await a.open();
  for (let left = count; left > 0; left -= 50) {
    const results = await Promise.all(Array.from({ length: Math.min(left, 50) },
      () => stream.send([b], { body: ciphertext(size) })));
    results.forEach((result) => assert.equal(result.status, 201));
  }
  await stream.close();
}

// Everything that the relay had in hand has arrived, also what it read meanwhile.
async function settled(stream, device) {
  await stream.barrier();
  assertStatus(await device.call('GET', '/v1/mailbox?limit=1'), 200);
  await stream.barrier();
}

suite('the window of unacknowledged mail', {}, (it) => {
  it('is 64 envelopes, then the relay waits', async (relay) => {
    const { a, b } = await relay.pair();
    await fill(a, b, 100, 50);
    const stream = await b.open();
    const mail = await stream.delivers(64);
    await settled(stream, b);
    assert.equal(stream.waiting(), 0);
    assert.equal(stream.inbox.count((each) => each.event === 'caught_up'), 0);
    await stream.ack(mail.slice(0, 10).map(bySeq));
    await stream.delivers(10);
    await settled(stream, b);
    assert.equal(stream.waiting(), 0);
    await stream.ack(mail.slice(10).map(bySeq));
    await stream.delivers(26);
    await stream.caughtUp();
  });

  it('is a mebibyte', async (relay) => {
    const { a, b } = await relay.pair();
    await fill(a, b, 15, 98_304);
    const stream = await b.open();
    const mail = await stream.delivers(10);
    await settled(stream, b);
    assert.equal(stream.waiting(), 0, 'an 11th would be above 1 MiB');
    await stream.ack([mail[0].seq]);
    await stream.delivers(1);
    await stream.ackUpTo(2 ** 53);
    await stream.delivers(4);
    await stream.caughtUp();
  });

  it('holds for mail that comes while the stream is open', async (relay) => {
    const { a, b } = await relay.pair();
    const stream = await b.open();
    await stream.caughtUp();
    await fill(a, b, 80, 50);
    const mail = await stream.delivers(64);
    await settled(stream, b);
    assert.equal(stream.waiting(), 0);
    await stream.ack(mail.map(bySeq));
    await stream.delivers(16);
    await stream.caughtUp();
  });

  it('is opened by acks over HTTP, too', async (relay) => {
    const { a, b } = await relay.pair();
    await fill(a, b, 200, 50);
    const stream = await b.open();
    const mail = await stream.delivers(64);
    assertStatus(await b.ack(mail.slice(0, 20).map(bySeq)), 200);
    await stream.delivers(20);
    const json = { up_to: mail.at(-1).seq };
    assertStatus(await b.call('POST', '/v1/mailbox/ack', { json }), 200);
    await stream.delivers(44);
    await settled(stream, b);
    assert.equal(stream.waiting(), 0);
  });
});

suite('requests of a client that does not wait', {}, (it) => {
  it('are all answered, whatever their number', async (relay) => {
    const { a, b } = await relay.pair();
    const stream = await a.open();
    const results = await Promise.all(Array.from({ length: 2000 }, () => stream.send([b])));
    assert.ok(results.every((each) => each.status === 201));
    const receiver = await b.open({ autoAck: true });
    await receiver.delivers(2000);
  });

  it('are read no further than 256 ahead of their answers', async (relay) => {
    const { a, b } = await relay.pair();
    const raw = await RawStream.open(a);
    const count = 1500;
    const send = { recipients: [{ pub: b.pub, body: ciphertext(20_000) }] };
    for (let i = 1; i <= count; i++) {
      const message = encodeSend(i, { ...send, id: envelopeId() });
      raw.write(frame(WS.binary, message));
    }
    const answered = new Set();
    while (answered.size < count) {
      const next = await raw.frame();
      assert.ok(next, 'the stream ended');
      if (next.payload[0] === 0x81) {
        assert.equal(next.payload.readUInt16BE(5), 201);
        answered.add(next.payload.readUInt32BE(1));
      }
    }
    raw.destroy();
  });
});

suite('a reader that is slow', {}, (it) => {
  it('loses nothing, and others do not notice', async (relay) => {
    const { a, b } = await relay.pair();
    const slow = await RawStream.open(b);
    slow.socket.pause();
    await fill(a, b, 60, 60_000);
    const { first } = await relay.account();
    const quick = await first.open();
    await quick.caughtUp();
    assertStatus(await a.send([first]), 201);
    await quick.deliver();
    assert.equal((await b.mailbox('?limit=1000&max_bytes=1')).envelopes.length, 1);
    slow.destroy();
    const stream = await b.open({ autoAck: true });
    await stream.delivers(60);
    await stream.caughtUp();
  });
});

scene('a large bound for output does not hold mail up',
  { set: { connection_output_max: '16777216' } }, async (relay) => {
    const { a, b } = await relay.pair();
    await fill(a, b, 10, 98_304);
    const stream = await b.open();
    await stream.delivers(10);
    await stream.caughtUp();
  });

// Memory of its own, in KiB: neither files nor the kernel's.
function ownMemory(relay) {
  const status = readFileSync(`/proc/${relay.daemon.child.pid}/status`, 'utf8');
  return Number(/RssAnon:\s+(\d+)/.exec(status)[1]);
}

// A sanitizer keeps freed memory back, which is not the daemon's doing.
const frugal = { ASAN_OPTIONS: `${SANITIZER_ENV.ASAN_OPTIONS}:quarantine_size_mb=1` };

scene('readers that are slow cost bounded memory', { environment: frugal }, async (relay) => {
  const { a } = await relay.pair();
  const slow = [];
  for (let i = 0; i < 20; i++) {
    const { first } = await relay.account();
    const raw = await RawStream.open(first);
    raw.socket.pause();
    slow.push(first);
  }
  const stream = await a.open();
  const shared = ciphertext(90_000);
  const send = () => stream.send(slow, { id: envelopeId(), shared });
  for (let i = 0; i < 20; i++) {
    assert.equal((await send()).status, 201);
  }
  const before = ownMemory(relay);
  for (let i = 0; i < 100; i++) {
    assert.equal((await send()).status, 201);
  }
  const grown = ownMemory(relay) - before;
  assert.ok(grown < 60 * 1024, `${grown} KiB for 172 MiB of waiting mail`);
});

scene('a client that takes no byte of its answers is disconnected',
  { set: { write_timeout: '1s' } }, async (relay) => {
    const { a, b } = await relay.pair();
    const slow = await RawStream.open(b);
    slow.socket.pause();
    const sender = await a.open();
    while (await relay.metric('streams_open') === 2) {
      const { status } = await sender.send([b], { onlineOnly: true, body: ciphertext(98_304) });
      assert.equal(status, 202);
    }
    slow.destroy();
    assertStatus(await a.send([b]), 201);
    const stream = await b.open();
    await stream.deliver();
  });

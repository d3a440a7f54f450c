// SPDX-License-Identifier: Apache-2.0
// The stream as an honest client uses it.
import assert from 'node:assert/strict';
import { b64u, ciphertext, envelopeId } from './support/bytes.mjs';
import { encodeAck } from './support/stream_codec.mjs';
import { assertProblem, assertStatus, scene, suite } from './support/scene.mjs';

const bySeq = (item) => item.seq;

suite('opening a stream', {}, (it) => {
  it('greets with who, where and how much', async (relay) => {
    const account = await relay.account();
    const [second] = await account.grow(2);
    assertStatus(await account.first.send([second]), 201);
    const stream = await second.open();
    const hello = await stream.event('hello');
    assert.deepEqual([hello.device_id, hello.epoch, hello.pending], [2, 1, 1]);
    assert.equal(hello.generation, 1);
    assert.equal(hello.limits.message_bytes, 1 << 20);
    assert.equal(hello.limits.window_envelopes, 64);
  });

  it('says hello, then the mail, then caught_up', async (relay) => {
    const { a, b } = await relay.pair();
    assertStatus(await a.send([b]), 201);
    const stream = await b.open();
    await stream.caughtUp();
    const kinds = stream.inbox.items.map((each) => each.event ?? each.kind);
    assert.deepEqual(kinds, ['hello', 'deliver']);
  });

  it('answers sealpost.v1 and nothing else', async (relay) => {
    const { first } = await relay.account();
    const stream = await first.open({ protocols: ['chat', 'sealpost.v1', 'sealpost.v2'] });
    assert.equal(stream.socket.protocol, 'sealpost.v1');
    assert.equal(stream.socket.extensions, '');
  });

  it('takes the token as a second subprotocol and does not echo it', async (relay) => {
    const { first } = await relay.account();
    const stream = await first.open({ via: 'subprotocol' });
    assert.equal(stream.socket.protocol, 'sealpost.v1');
    await stream.event('hello');
  });

  it('finds the token among other subprotocols', async (relay) => {
    const { first } = await relay.account();
    const { token } = first;
    for (const protocols of [['chat', token, 'sealpost.v1'], ['sealpost.v1', token, 'chat']]) {
      const stream = await relay.open({ protocols });
      await stream.event('hello');
    }
  });

  it('is 401 for a bad token in the header, or none', async (relay) => {
    for (const token of [`sp1_${'A'.repeat(43)}`, 'nonsense', undefined]) {
      await assert.rejects(relay.open({ token }), { status: 401, code: 'session_invalid' });
    }
  });

  it('opens and closes with 4401 for a bad token as subprotocol', async (relay) => {
    for (const token of [`sp1_${'A'.repeat(43)}`, 'sp1_', 'nonsense']) {
      const stream = await relay.open({ token, via: 'subprotocol' });
      assert.equal((await stream.closed).code, 4401);
      assert.equal(stream.inbox.items.length, 0);
    }
  });

  it('is 400 when sealpost.v1 is not offered', async (relay) => {
    const { first } = await relay.account();
    for (const protocols of [[], ['sealpost.v2']]) {
      await assert.rejects(first.open({ protocols }), { status: 400, code: 'malformed' });
    }
  });

  it('is 426 for a plain GET, with a word on proxies', async (relay) => {
    const { first } = await relay.account();
    const answer = await first.call('GET', '/v1/stream');
    assertProblem(answer, 426, 'upgrade_required');
    assert.match(answer.json.detail, /proxy_http_version/);
    assert.equal(answer.headers.upgrade.toLowerCase(), 'websocket');
  });
});

suite('mail on the stream', {}, (it) => {
  it('goes both ways between two streams', async (relay) => {
    const { a, b } = await relay.pair();
    const [left, right] = await Promise.all([a.open(), b.open()]);
    await Promise.all([left.caughtUp(), right.caughtUp()]);
    const id = envelopeId();
    const body = ciphertext(777);
    const result = await left.send([b], { id, body, urgent: true });
    assert.deepEqual(result.body, { stored: 1, duplicates: [], full: [], closed: [] });
    const mail = await right.deliver();
    assert.deepEqual([mail.id, mail.body], [id, body]);
    assert.deepEqual([mail.urgent, mail.redelivered, mail.onlineOnly], [true, false, false]);
    assert.ok(Math.abs(mail.minute - Date.now() / 60_000) < 2);
    await right.send([a], { body: ciphertext(5) });
    assert.equal((await left.deliver()).body.length, 5);
    assert.equal((await right.ack([mail.seq])).body.acknowledged, 1);
    assert.deepEqual((await b.mailbox()).envelopes, []);
  });

  it('waits for a device that is offline, in order', async (relay) => {
    const { a, b } = await relay.pair();
    const sender = await a.open();
    const bodies = Array.from({ length: 40 }, (_, i) => ciphertext(40 + i));
    await Promise.all(bodies.map((body) => sender.send([b], { body })));
    const stream = await b.open();
    const mail = await stream.delivers(40);
    assert.deepEqual(mail.map((each) => each.body), bodies);
    const rising = mail.map(bySeq);
    assert.deepEqual(rising, [...rising].sort((x, y) => x - y));
  });

  it('comes again after a reconnect until it is acknowledged, marked', async (relay) => {
    const { a, b } = await relay.pair();
    assertStatus(await a.send([b]), 201);
    assertStatus(await a.send([b]), 201);
    const stream = await b.open();
    const [one, two] = await stream.delivers(2);
    assert.deepEqual([one.redelivered, two.redelivered], [false, false]);
    await stream.ack([one.seq]);
    stream.drop();
    const again = await b.open();
    const mail = await again.deliver();
    assert.deepEqual([mail.seq, mail.redelivered], [two.seq, true]);
    await again.caughtUp();
    assert.equal(again.waiting(), 0);
  });

  it('tells caught_up each time that the mailbox was emptied', async (relay) => {
    const { a, b } = await relay.pair();
    const sender = await a.open();
    await Promise.all(Array.from({ length: 100 }, () => sender.send([b])));
    const stream = await b.open({ autoAck: true });
    await stream.delivers(100);
    await stream.caughtUp();
    await stream.barrier();
    assert.equal((await b.mailbox()).envelopes.length, 0);
  });

  it('carries shared bodies with a prefix for each', async (relay) => {
    const { a, b, bob } = await relay.pair();
    const [second] = await bob.grow(2);
    const stream = await a.open();
    const shared = ciphertext(300);
    const recipients = [
      { pub: b.pub, body: ciphertext(16) }, { pub: second.pub, body: Buffer.alloc(0) },
    ];
    assert.equal((await stream.send(recipients, { shared })).body.stored, 2);
    const [mail] = (await b.mailbox()).envelopes;
    assert.equal(mail.body, b64u(Buffer.concat([recipients[0].body, shared])));
    assert.equal((await second.mailbox()).envelopes[0].body, b64u(shared));
  });

  it('answers request 0 of a send, and not of an ack', async (relay) => {
    const { a, b } = await relay.pair();
    const stream = await a.open();
    stream.nextRequest = 0;
    assert.equal((await stream.send([b])).status, 201);
    const receiver = await b.open();
    const mail = await receiver.deliver();
    receiver.post(encodeAck(0, [mail.seq]));
    await receiver.barrier();
    assert.deepEqual((await b.mailbox()).envelopes, []);
    assert.equal(receiver.inbox.count((each) => each.kind === 'result'), 0);
  });

  it('acknowledges up to a seq what this stream delivered, and nothing else', async (relay) => {
    const { a, b } = await relay.pair();
    const sender = await a.open();
    await Promise.all(Array.from({ length: 70 }, () => sender.send([b])));
    const stream = await b.open();
    const mail = await stream.delivers(64);
    assert.equal((await stream.ackUpTo(mail[9].seq)).body.acknowledged, 10);
    assert.equal((await stream.ackUpTo(mail[9].seq)).body.acknowledged, 0);
    await stream.delivers(6);
    assert.equal((await b.mailbox('?limit=1000')).envelopes.length, 60);
    assert.equal((await stream.ackUpTo(2 ** 53)).body.acknowledged, 60);
    assert.deepEqual((await b.mailbox()).envelopes, []);
  });

  it('takes acks of numbers that no envelope has', async (relay) => {
    const { a, b } = await relay.pair();
    assertStatus(await a.send([b]), 201);
    const stream = await b.open();
    const { seq } = await stream.deliver();
    const highest = 2n ** 64n - 1n;
    for (const seqs of [[0], [highest], [highest, 2n ** 63n, seq + 1]]) {
      assert.equal((await stream.ack(seqs)).body.acknowledged, 0);
    }
    assert.equal((await stream.ackUpTo(seq - 1)).body.acknowledged, 0);
    assert.equal((await stream.ack([highest, seq, seq, 0])).body.acknowledged, 1);
    assert.equal((await stream.ackUpTo(highest)).body.acknowledged, 0);
  });

  it('does not acknowledge by ack-up-to what was never delivered here', async (relay) => {
    const { a, b } = await relay.pair();
    const sender = await a.open();
    await Promise.all(Array.from({ length: 100 }, () => sender.send([b])));
    const stream = await b.open();
    await stream.delivers(64);
    assert.equal((await stream.ackUpTo(2 ** 53)).body.acknowledged, 64);
    assert.equal((await b.mailbox('?limit=1000')).envelopes.length, 36);
  });

  it('keeps the order of one sender', async (relay) => {
    const { a, b } = await relay.pair();
    const [sender, stream] = [await a.open(), await b.open({ autoAck: true })];
    await stream.caughtUp();
    const bodies = Array.from({ length: 200 }, (_, i) => {
      const body = ciphertext(40);
      body.writeUInt32BE(i, 1);
      return body;
    });
    bodies.forEach((body) => sender.send([b], { body }));
    const mail = await stream.delivers(200);
    assert.deepEqual(mail.map((each) => each.body.readUInt32BE(1)), bodies.map((_, i) => i));
  });

  it('goes to 100 devices in one send', async (relay) => {
    const groups = await Promise.all(Array.from({ length: 4 }, () => relay.account({
      devices: 25,
    })));
    const devices = groups.flatMap((group) => group.devices);
    const { first } = await relay.account();
    const stream = await first.open();
    const shared = ciphertext(1000);
    const result = await stream.send(devices, { shared });
    assert.equal(result.body.stored, 100);
    for (const device of [devices[0], devices[24], devices[99]]) {
      await device.login();
      assert.equal((await device.mailbox()).envelopes[0].body, b64u(shared));
    }
  });
});

suite('values out of range on the stream', {}, (it) => {
  it('are results, and the stream lives on', async (relay) => {
    const { a, b } = await relay.pair();
    const stream = await a.open();
    const cases = [
      [[b], { ttl: 0 }, 422, 'value_invalid'], [[b], { ttl: 2_592_001 }, 422, 'value_invalid'],
      [[], {}, 422, 'value_invalid'], [[b, b], {}, 422, 'value_invalid'],
      [[b], { body: Buffer.alloc(0) }, 422, 'value_invalid'],
      [[b], { body: ciphertext(98_305) }, 413, 'too_large'],
      [[{ pub: ciphertext(32), body: ciphertext() }], {}, 404, 'recipient_unknown'],
    ];
    for (const [recipients, fields, status, code] of cases) {
      assertProblem(await stream.send(recipients, fields), status, code);
    }
    assertProblem(await stream.ack([]), 422, 'value_invalid');
    const many = Array.from({ length: 1001 }, (_, i) => i + 1);
    assertProblem(await stream.ack(many), 422, 'value_invalid');
    assert.equal((await stream.send([b])).status, 201);
  });

  it('is 413 when the stored sum is above 8 MiB', async (relay) => {
    const { first } = await relay.account();
    const stream = await first.open();
    const recipients = Array.from({ length: 100 }, () => ({
      pub: ciphertext(32), body: Buffer.alloc(0),
    }));
    const result = await stream.send(recipients, { shared: ciphertext(90_000) });
    assertProblem(result, 413, 'too_large', { max: 8 << 20 });
  });
});

scene('10,000 waiting envelopes drain to the last', {}, async (relay) => {
  const { a, b } = await relay.pair();
  const [second] = await a.account.grow(2);
  const senders = [await a.open(), await second.open()];
  const total = 10_000;
  for (let sent = 0; sent < total; sent += 200) {
    const sender = senders[(sent / 200) % 2];
    const results = await Promise.all(Array.from({ length: 200 }, () => sender.send([b], {
      ttl: 86_400,
    })));
    assert.ok(results.every((each) => each.status === 201));
  }
  const stream = await b.open({ autoAck: true });
  assert.equal((await stream.event('hello')).pending, total);
  await stream.delivers(total);
  await stream.caughtUp();
  await stream.barrier();
  assert.equal(new Set(stream.delivered).size, total);
  assert.equal(stream.delivered.length, total);
  assert.deepEqual((await b.mailbox()).envelopes, []);
});

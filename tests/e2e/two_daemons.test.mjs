// SPDX-License-Identifier: Apache-2.0
// Two daemons on one database are one relay to their clients.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { b64u, ciphertext, envelopeId, fromB64u } from './support/bytes.mjs';
import { hasServer } from './support/database.mjs';
import { assertProblem, assertStatus } from './support/scene.mjs';
import { TwoRelays, through } from './support/two_relays.mjs';

const TIMEOUT_MS = 180_000;
const bySeq = (item) => item.seq;
const skip = hasServer ? false : 'there is no PostgreSQL server: see tests/support/with_postgres';

// Mailboxes whose row counts something else than what stands there.
const MISCOUNTED = `SELECT d.mailbox, d.waiting, d.waiting_bytes, e.count, e.bytes FROM devices d,
  LATERAL (SELECT count(*), coalesce(sum(length(body) - 17), 0) AS bytes FROM envelopes
    WHERE mailbox = d.mailbox AND kind = 0) e
  WHERE d.waiting <> e.count OR d.waiting_bytes <> e.bytes`;

function scene(name, options, body) {
  test(name, { timeout: TIMEOUT_MS, skip }, async (t) => {
    const two = await TwoRelays.start(t, options);
    await body(two, t);
    assert.deepEqual(await two.database.query(MISCOUNTED), []);
  });
}

const numbered = (writer, number) => {
  const body = ciphertext(48);
  body.writeUInt16BE(writer, 1);
  body.writeUInt32BE(number, 3);
  return body;
};
const writerOf = ({ body }) => body.readUInt16BE(1);
const numberOf = ({ body }) => body.readUInt32BE(3);

const ascends = (numbers) => numbers.every((each, i) => i === 0 || numbers[i - 1] < each);

// A relay each, and two strangers.
async function people({ a, b }) {
  const [alice, bob] = [await a.account(), await b.account()];
  return { alice, bob, from: alice.first, to: bob.first };
}

scene('what one daemon takes, the other delivers at once', {}, async (two) => {
  const { from, to } = await people(two);
  const stream = await to.open({ autoAck: true });
  await stream.caughtUp();
  for (let i = 0; i < 20; i++) {
    const body = ciphertext();
    assertStatus(await from.send([to], { body }), 201);
    assert.deepEqual((await stream.deliver()).body, body);
  }
  const other = await from.open();
  await other.caughtUp();
  const body = ciphertext();
  assertStatus(await stream.send([from], { body }), 201);
  assert.deepEqual((await other.deliver()).body, body);
});

scene('a mailbox into which both write is delivered once and in order', {}, async (two) => {
  const { to } = await people(two);
  const receivers = [to, (await two.a.account()).first];
  const streams = [];
  for (const receiver of receivers) {
    const stream = await receiver.open({ autoAck: true });
    await stream.caughtUp();
    streams.push(stream);
  }
  const senders = [];
  for (let i = 0; i < 6; i++) {
    senders.push(await (await (i % 2 === 0 ? two.a : two.b).account()).first.open());
  }
  const each = 200;
  const sends = senders.flatMap((sender, writer) => Array.from({ length: each },
    (_, number) => sender.send(receivers, { body: numbered(writer, number) })));
  (await Promise.all(sends)).forEach((result) => {
    assert.deepEqual([result.status, result.body.stored], [201, 2]);
  });
  for (const [i, stream] of streams.entries()) {
    const mail = await stream.delivers(each * senders.length);
    await stream.barrier();
    assert.equal(stream.waiting(), 0);
    assert.ok(ascends(mail.map(bySeq)));
    senders.forEach((_, writer) => {
      const numbers = mail.filter((item) => writerOf(item) === writer).map(numberOf);
      assert.deepEqual(numbers, Array.from({ length: each }, (__, number) => number));
    });
    assert.deepEqual((await receivers[i].mailbox()).envelopes, []);
  }
});

scene('a repeat to the other daemon is one copy', {}, async (two) => {
  const { from, to } = await people(two);
  const elsewhere = through(two.b, from);
  for (let i = 0; i < 10; i++) {
    const fields = { id: envelopeId(), body: ciphertext() };
    const first = await from.send([to], fields);
    const second = await elsewhere.send([to], fields);
    const third = await from.send([to], fields);
    assert.equal(first.json.stored, 1);
    assert.deepEqual([second.json.stored, second.json.duplicates], [0, [to.pubText]]);
    assert.deepEqual([third.json.stored, third.json.duplicates], [0, [to.pubText]]);
    assert.equal((await elsewhere.send([to], { ...fields, body: ciphertext() })).json.stored, 1);
  }
  assert.equal((await to.mailbox()).envelopes.length, 20);
});

scene('of a repeat that races through both daemons one copy is stored', {}, async (two) => {
  const { from, to } = await people(two);
  const streams = [await from.open(), await (await two.b.account()).first.open()];
  for (let round = 0; round < 8; round++) {
    const envelopes = Array.from({ length: 25 }, () => ({ id: envelopeId(), body: ciphertext() }));
    const answers = await Promise.all(envelopes.map((fields) => Promise.all(
      streams.map((stream) => stream.send([to], fields)),
    )));
    answers.forEach((both) => {
      assert.deepEqual(both.map(({ body }) => body.stored).sort(), [0, 1]);
      assert.equal(both.reduce((sum, { body }) => sum + body.duplicates.length, 0), 1);
    });
  }
  assert.equal((await to.mailbox('?limit=1000')).envelopes.length, 200);
});

scene('what a daemon that was killed had answered is there, and a resend is one copy', {},
  async (two) => {
    const { from, to } = await people(two);
    const stream = await from.open();
    const sent = Array.from({ length: 400 }, () => ({ id: envelopeId(), body: ciphertext() }));
    const answers = sent.map((fields) => stream.send([to], fields).then(
      ({ status }) => status, () => null,
    ));
    await answers[100];
    await two.a.kill();
    const heard = await Promise.all(answers);
    assert.ok(heard.some((status) => status === 201));
    const again = await (await through(two.b, from)).open();
    for (const [i, fields] of sent.entries()) {
      const { status, body } = await again.send([to], fields);
      assert.equal(status, 201);
      assert.equal(body.stored + body.duplicates.length, 1);
      assert.ok(heard[i] !== 201 || body.duplicates.length === 1, 'an answered one was stored anew');
    }
    const { envelopes } = await to.mailbox('?limit=1000');
    assert.deepEqual(envelopes.map(({ id }) => id).sort(), sent.map(({ id }) => b64u(id)).sort());
  });

scene('a stream of the device on the other daemon closes this one with 4409', {}, async (two) => {
  const { from, to } = await people(two);
  let older = await to.open();
  await older.caughtUp();
  for (const relay of [two.a, two.b, two.a]) {
    const newer = await through(relay, to).open();
    assert.equal((await older.closed).code, 4409);
    await newer.caughtUp();
    assertStatus(await from.send([to]), 201);
    await newer.ack([(await newer.deliver()).seq]);
    older = newer;
  }
});

scene('streams that race over both daemons leave exactly one', {}, async (two) => {
  const { from, to } = await people(two);
  const opening = Array.from({ length: 10 }, (_, i) => through([two.a, two.b][i % 2], to).open());
  const streams = await Promise.all(opening);
  assertStatus(await from.send([to]), 201);
  const ends = streams.map((stream) => stream.closed.then(({ code }) => code));
  const left = await Promise.race(Array.from({ length: streams.length }, (_, spared) => Promise.all(
    ends.filter((__, i) => i !== spared),
  ).then((codes) => ({ codes, stream: streams[spared] }))));
  assert.ok(left.codes.every((code) => code === 4409));
  await left.stream.deliver();
  await left.stream.barrier();
});

scene('a stream that moves from one daemon to the other loses nothing', {}, async (two) => {
  const { from, to } = await people(two);
  const writer = await from.open();
  const total = 300;
  const sending = Promise.all(Array.from({ length: total }, (_, number) => (
    writer.send([to], { body: numbered(0, number) })
  )));
  const seen = new Map();
  for (let round = 0; seen.size < total; round++) {
    const stream = await through([two.a, two.b][round % 2], to).open();
    const mail = await stream.delivers(Math.min(total - seen.size, 1 + (round * 7) % 40));
    assert.ok(ascends(mail.map(bySeq)));
    await stream.ack(mail.map(bySeq));
    mail.forEach((item) => seen.set(item.seq, numberOf(item)));
  }
  await sending;
  const inOrder = [...seen].sort(([x], [y]) => x - y).map(([, number]) => number);
  assert.deepEqual(inOrder, Array.from({ length: total }, (_, number) => number));
});

scene('no wake-up is missed while both daemons append', {}, async (two) => {
  const { to } = await people(two);
  const stream = await to.open({ autoAck: true });
  await stream.caughtUp();
  const senders = await Promise.all([two.a, two.b].map(async (relay) => (
    (await relay.account()).first.open()
  )));
  for (let round = 0; round < 60; round++) {
    const results = await Promise.all(senders.map((sender) => sender.send([to])));
    results.forEach(({ status }) => assert.equal(status, 201));
    await stream.delivers(2); // nothing else will wake it
  }
  await stream.barrier();
  assert.equal(new Set(stream.delivered).size, 120);
  assert.equal(stream.delivered.length, 120);
});

scene('acks over HTTP at the other daemon open the window', {}, async (two) => {
  const { from, to } = await people(two);
  const stream = await to.open();
  const writer = await from.open();
  await Promise.all(Array.from({ length: 200 }, () => writer.send([to])));
  const first = await stream.delivers(64);
  assertStatus(await through(two.a, to).ack(first.slice(10, 30).map(bySeq)), 200);
  const second = await stream.delivers(20);
  const json = { up_to: second.at(-1).seq };
  assertStatus(await through(two.a, to).call('POST', '/v1/mailbox/ack', { json }), 200);
  assert.equal((await stream.delivers(64)).length, 64);
});

scene('a device that is removed at one daemon loses its stream at the other', {}, async (two) => {
  const { alice, from, to } = await people(two);
  const [second] = await alice.grow(2);
  const stays = await through(two.b, from).open();
  const leaves = await through(two.b, second).open();
  await Promise.all([stays.caughtUp(), leaves.caughtUp()]);
  await alice.change({ remove: [2] });
  const told = await leaves.event('manifest.changed');
  assert.equal(told.epoch, 2);
  assert.deepEqual(fromB64u(told.hash), alice.head.hash);
  assert.equal((await leaves.closed).code, 4403);
  assert.equal((await stays.event('manifest.changed')).epoch, 2);
  await stays.barrier();
  assertProblem(await through(two.b, second).call('GET', '/v1/mailbox'), 401, 'session_invalid');
  assertProblem(await to.send([second]), 404, 'recipient_unknown', { unknown: [second.pubText] });
});

scene('an account that is erased at one daemon is gone at the other', {}, async (two) => {
  const { alice, from, to } = await people(two);
  const elsewhere = through(two.b, from);
  assertStatus(await to.send([from]), 201);
  const stream = await elsewhere.open();
  await stream.deliver();
  assertStatus(await from.command(1, 'DELETE', '/v1/account', { account_id: alice.idText }), 204);
  assert.equal((await stream.closed).code, 4403);
  assertProblem(await elsewhere.call('GET', '/v1/mailbox'), 401, 'session_invalid');
  assertProblem(await to.send([from]), 404, 'recipient_unknown');
});

scene('a session that ends at one daemon ends at the other', {}, async (two) => {
  const { alice, from } = await people(two);
  const elsewhere = through(two.b, from);
  const ended = await elsewhere.open();
  await ended.caughtUp();
  assertStatus(await from.call('DELETE', '/v1/auth/session'), 204);
  assert.equal((await ended.closed).code, 4401);
  assertProblem(await elsewhere.call('GET', '/v1/mailbox'), 401, 'session_invalid');

  await from.login();
  const [second] = await alice.grow(2);
  const revoked = await through(two.b, second).open();
  const spared = await through(two.b, from).open();
  await Promise.all([revoked.caughtUp(), spared.caughtUp()]);
  assertStatus(await from.command(2, 'POST', '/v1/sessions/revoke', {}), 200);
  assert.equal((await revoked.closed).code, 4401);
  await spared.barrier();
});

scene('the list check follows a head that moved at the other daemon', {}, async (two) => {
  const { bob, from, to } = await people(two);
  const list = (epoch) => ({ account_id: bob.idText, epoch });
  assertStatus(await from.send([to], list(0)), 201); // now a's memory holds the head
  const [second] = await bob.grow(2);
  assertProblem(await from.send([to], list(0)), 409, 'device_list_mismatch', {
    missing: [second.pubText], extra: [], stale: [],
    head: { epoch: 1, hash: b64u(bob.head.hash) },
  });
  assertStatus(await from.send([to, second], list(1)), 201);
  await bob.change({ remove: [2] });
  assertProblem(await from.send([to, second], list(1)), 409, 'device_list_mismatch', {
    missing: [], extra: [], stale: [second.pubText],
    head: { epoch: 2, hash: b64u(bob.head.hash) },
  });
  assertStatus(await from.send([to], list(2)), 201);
  assert.equal((await to.mailbox()).envelopes.length, 3);
});

const split = ({ envelopes }) => ({
  mail: envelopes.filter((item) => !item.gap), gaps: envelopes.filter((item) => item.gap),
});

scene('the caps hold over both daemons', { set: { mailbox_max_envelopes: '40' } }, async (two) => {
  const { from, to } = await people(two);
  const streams = [await from.open(), await (await two.b.account()).first.open()];
  const results = await Promise.all(Array.from({ length: 100 }, (_, i) => streams[i % 2].send([to])));
  assert.equal(results.filter(({ status }) => status === 201).length, 40);
  results.filter(({ status }) => status !== 201).forEach((result) => {
    assertProblem(result, 507, 'mailbox_full', { full: [to.pubText], closed: [] });
  });
  const { mail, gaps } = split(await to.mailbox('?limit=1000'));
  assert.equal(mail.length, 40);
  assert.equal(gaps.reduce((sum, { gap }) => sum + gap.count, 0), 60);
  gaps.forEach(({ seq, gap }) => assert.deepEqual([gap.from, gap.to, gap.reason], [seq, seq, 'refused']));

  // It refuses until a quarter has gone, whichever daemon is asked.
  assertStatus(await through(two.a, to).ack(mail.slice(0, 9).map(bySeq)), 200);
  assertProblem(await streams[1].send([to]), 507, 'mailbox_full');
  assertStatus(await to.ack(mail.slice(9, 10).map(bySeq)), 200);
  const after = await Promise.all(Array.from({ length: 20 }, (_, i) => streams[i % 2].send([to])));
  assert.equal(after.filter(({ status }) => status === 201).length, 10);
});

scene('with drop_oldest the newest stay, whichever daemon took them',
  { set: { mailbox_max_envelopes: '20', mailbox_overflow: 'drop_oldest' } }, async (two) => {
    const { from, to } = await people(two);
    const streams = [await from.open(), await (await two.b.account()).first.open()];
    for (let i = 0; i < 100; i++) {
      assert.equal((await streams[i % 2].send([to])).status, 201);
    }
    const reader = await to.open({ autoAck: true });
    let dropped = 0;
    let kept = 0;
    while (dropped + kept < 100) {
      const item = await reader.take((each) => each.kind === 'deliver' || each.event === 'gap', 'mail');
      dropped += item.event === 'gap' ? item.count : 0;
      kept += item.kind === 'deliver' ? 1 : 0;
    }
    assert.equal(dropped + kept, 100);
    assert.ok(kept >= 20 && dropped > 0);
  });

scene('a gap that one daemon has shown does not grow at the other',
  { set: { mailbox_max_envelopes: '4' } }, async (two) => {
    const { from, to } = await people(two);
    for (let i = 0; i < 4; i++) {
      assertStatus(await from.send([to]), 201);
    }
    const counts = async (relay) => split(await through(relay, to).mailbox()).gaps
      .map(({ gap }) => gap.count);
    assertProblem(await from.send([to]), 507, 'mailbox_full');
    assertProblem(await from.send([to]), 507, 'mailbox_full');
    assert.deepEqual(await counts(two.b), [2]);
    assertProblem(await from.send([to]), 507, 'mailbox_full');
    assertProblem(await from.send([to]), 507, 'mailbox_full');
    assert.deepEqual(await counts(two.b), [2, 2]);
    assert.deepEqual(await counts(two.a), [2, 2]);
  });

scene('numbers rise over restarts of both, and what is counted is what waits', {}, async (two) => {
  const { from, to } = await people(two);
  const elsewhere = through(two.b, from);
  for (let round = 0; round < 3; round++) {
    assertStatus(await from.send([to]), 201);
    assertStatus(await elsewhere.send([to]), 201);
    await [two.a, two.b][round % 2].restart();
  }
  const { envelopes } = await to.mailbox();
  assert.equal(envelopes.length, 6);
  assert.ok(ascends(envelopes.map(bySeq)));
  assertStatus(await to.ack(envelopes.slice(0, 2).map(bySeq)), 200);
  const stream = await through(two.a, to).open();
  assert.equal((await stream.event('hello')).pending, 4);
});

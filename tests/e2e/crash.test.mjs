// SPDX-License-Identifier: Apache-2.0
// What survives a process that is killed, and a database that is put back.
import assert from 'node:assert/strict';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { b64u, ciphertext, envelopeId } from './support/bytes.mjs';
import { BINARY, runToEnd } from './support/daemon.mjs';
import { assertProblem, assertStatus, scene } from './support/scene.mjs';

const bySeq = (item) => item.seq;
const LEAP = 2 ** 32;
const ON_FILE = { set: { storage: 'sqlite:' } };

scene('every answered envelope is there after kill -9, each time', {}, async (relay) => {
  const { a, b } = await relay.pair();
  const answered = new Set();
  const seen = new Set();
  for (let round = 0; round < 6; round++) {
    const stream = await a.open();
    const sends = Array.from({ length: 120 }, async () => {
      const id = envelopeId();
      const result = await stream.send([b], { id, body: ciphertext(200) }).catch(() => null);
      if (result?.status === 201) {
        answered.add(b64u(id));
      }
    });
    await sends[10 + (round * 15)];
    await relay.kill();
    await Promise.all(sends);
    await relay.up();
    const receiver = await b.open({ autoAck: round % 2 === 0 });
    const { pending } = await receiver.event('hello');
    const mail = await receiver.delivers(Math.min(pending, 64));
    mail.forEach(({ id }) => seen.add(b64u(id)));
    receiver.drop();
  }
  const last = await b.open({ autoAck: true });
  const { pending } = await last.event('hello');
  (await last.delivers(pending)).forEach(({ id }) => seen.add(b64u(id)));
  const lost = [...answered].filter((id) => !seen.has(id));
  assert.deepEqual(lost, []);
});

scene('an ack that was answered holds after kill -9', {}, async (relay) => {
  const { a, b } = await relay.pair();
  for (let round = 0; round < 4; round++) {
    const stream = await a.open();
    await Promise.all(Array.from({ length: 30 }, () => stream.send([b])));
    const receiver = await b.open();
    const mail = await receiver.delivers(30);
    const result = await receiver.ack(mail.slice(0, 25).map(bySeq));
    assert.equal(result.body.acknowledged, 25);
    await relay.kill();
    await relay.up();
    const left = (await b.mailbox()).envelopes.map(bySeq);
    assert.deepEqual(left, mail.slice(25).map(bySeq));
    assertStatus(await b.ack(left), 200);
  }
});

scene('an older database put back is noticed', {}, async (relay) => {
  const { a, b } = await relay.pair();
  assertStatus(await a.send([b]), 201);
  const [old] = (await b.mailbox()).envelopes;
  await relay.stop();
  await relay.saveDatabase('copy');
  await relay.up();
  assertStatus(await a.send([b]), 201);
  assertStatus(await a.send([b]), 201);
  const before = (await b.mailbox()).envelopes;
  assertStatus(await b.ack(before.map(bySeq)), 200);
  await relay.stop();
  await relay.putBackDatabase('copy');
  await relay.up();

  const stream = await b.open();
  assert.equal((await stream.event('hello')).generation, 2);
  const again = await stream.deliver();
  assert.equal(again.seq, old.seq, 'what the copy held comes again');
  assert.equal((await relay.call('GET', '/v1/server')).json.generation, 2);

  assertStatus(await a.send([b]), 201);
  const fresh = await stream.deliver();
  const highest = before.at(-1).seq;
  assert.ok(fresh.seq >= highest + LEAP / 2, `${fresh.seq} is far above ${highest}`);
  assertStatus(await b.ack(before.slice(1).map(bySeq)), 200);
  const left = (await b.mailbox()).envelopes.map(bySeq);
  assert.deepEqual(left, [old.seq, fresh.seq], 'stale acks erase nothing new');
});

// Three lives after the backup gave numbers that a start alone, 2^28 further, would give again.
scene('a backup on a new machine, without a heartbeat, is noticed', ON_FILE, async (relay) => {
  const { a, b } = await relay.pair();
  await relay.stop();
  await relay.saveDatabase('backup');
  for (let life = 0; life < 3; life++) {
    await relay.up();
    assertStatus(await a.send([b]), 201);
    await relay.stop();
  }
  await relay.up();
  const old = (await b.mailbox()).envelopes.map(bySeq);
  await relay.stop();
  await relay.putBackDatabase('backup');
  rmSync(join(relay.keyDir, 'heartbeat'));
  await relay.up();
  assert.equal((await relay.call('GET', '/v1/server')).json.generation, 2);
  assertStatus(await a.send([b]), 201);
  const [fresh] = (await b.mailbox()).envelopes;
  assert.ok(fresh.seq > old.at(-1), `${fresh.seq} was not given before`);
});

scene('restarts and crashes are not taken for a restore', {}, async (relay) => {
  await relay.restart();
  await relay.kill();
  await relay.up();
  assert.equal((await relay.call('GET', '/v1/server')).json.generation, 1);
});

scene('the operator can say that the machine was put back', {}, async (relay) => {
  const { a, b } = await relay.pair();
  assertStatus(await a.send([b]), 201);
  const answer = await relay.admin('POST', '/admin/restored', { json: {} });
  assertStatus(answer, 200);
  assert.equal(answer.json.generation, 2);
  assertStatus(await a.send([b]), 201);
  const [one, two] = (await b.mailbox()).envelopes;
  assert.ok(two.seq - one.seq >= LEAP);
});

scene('a second daemon on the same file does not start', ON_FILE, async (relay) => {
  const args = relay.arguments().map((each) => each.replace('admin.sock', 'other.sock'));
  const second = await runToEnd(BINARY, args);
  assert.notEqual(second.code, 0);
  assert.match(second.stderr, /lock|use|another/i);
  const { first } = await relay.account();
  assertStatus(await first.call('GET', '/v1/mailbox'), 200);
});

scene('a file that is no database is refused with its path', ON_FILE, async (relay) => {
  const { first } = await relay.account();
  assertStatus(await first.call('GET', '/v1/mailbox'), 200);
  await relay.stop();
  writeFileSync(join(relay.dataDir, 'sealpost.db'), ciphertext(8192));
  const broken = await runToEnd(BINARY, relay.arguments());
  assert.notEqual(broken.code, 0);
  assert.match(broken.stderr, /sealpost\.db/);
  assert.equal(statSync(join(relay.dataDir, 'sealpost.db')).size, 8192, 'it was left alone');
});

scene('a challenge outlives a crash and begins one session', {}, async (relay) => {
  const { a } = await relay.pair();
  const challenge = await a.challenge();
  await relay.kill();
  await relay.up();
  assertStatus(await a.session(challenge), 201);
  assertProblem(await a.session(challenge), 401, 'auth_failed');
});

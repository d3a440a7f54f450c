// SPDX-License-Identifier: Apache-2.0
// How streams end, each with its code.
import assert from 'node:assert/strict';
import { ciphertext } from './support/bytes.mjs';
import { assertStatus, scene, suite } from './support/scene.mjs';

suite('one stream a device', {}, (it) => {
  it('a newer one closes the older with 4409', async (relay) => {
    const { a, b } = await relay.pair();
    const older = await b.open();
    await older.caughtUp();
    const newer = await b.open();
    assert.equal((await older.closed).code, 4409);
    await newer.caughtUp();
    assertStatus(await a.send([b]), 201);
    await newer.deliver();
  });

  it('many that race leave exactly one', async (relay) => {
    const { a, b } = await relay.pair();
    const streams = await Promise.all(Array.from({ length: 12 }, () => b.open()));
    assertStatus(await a.send([b]), 201);
    const winner = await Promise.race(streams.map((stream) => stream.deliver().then(() => stream,
      () => new Promise(() => {}))));
    const others = streams.filter((stream) => stream !== winner);
    const codes = await Promise.all(others.map((stream) => stream.closed));
    assert.ok(codes.every(({ code }) => code === 4409));
    await winner.barrier();
  });

  it('the newer one gets what the older had not acknowledged', async (relay) => {
    const { a, b } = await relay.pair();
    const older = await b.open();
    await older.caughtUp();
    assertStatus(await a.send([b]), 201);
    const { seq } = await older.deliver();
    const newer = await b.open();
    const again = await newer.deliver();
    assert.deepEqual([again.seq, again.redelivered], [seq, true]);
  });

  it('another device of the account keeps its own', async (relay) => {
    const account = await relay.account();
    const [second] = await account.grow(2);
    const streams = [await account.first.open(), await second.open()];
    await Promise.all(streams.map((stream) => stream.caughtUp()));
    await Promise.all(streams.map((stream) => stream.barrier()));
  });
});

suite('a client that closes', {}, (it) => {
  it('is answered with its own code', async (relay) => {
    const { first } = await relay.account();
    const stream = await first.open();
    await stream.caughtUp();
    assert.equal((await stream.close()).code, 1000);
  });

  it('may come back at once', async (relay) => {
    const { first } = await relay.account();
    for (let i = 0; i < 20; i++) {
      const stream = await first.open();
      await stream.caughtUp();
      stream.drop();
    }
  });
});

scene('a session is warned ten minutes before its end, then closed with 4401', { clock: true },
  async (relay) => {
    const { first } = await relay.account();
    const { expires_at: end } = await first.login();
    const stream = await first.open();
    await stream.caughtUp();
    relay.clock.advance(86_400 - 500);
    const poke = () => relay.call('POST', '/v1/auth/challenge', { json: {} });
    await poke();
    const warning = await stream.event('session.expiring');
    assert.equal(warning.expires_at, end);
    relay.clock.advance(501);
    await poke();
    assert.equal((await stream.closed).code, 4401);
  });

scene('a stream opened in the last minutes is warned at once', { clock: true }, async (relay) => {
  const { first } = await relay.account();
  relay.clock.advance(86_400 - 120);
  const stream = await first.open();
  await stream.event('session.expiring');
});

scene('SIGTERM tells streams, closes them with 1012 and ends with 0', {}, async (relay) => {
  const { a, b } = await relay.pair();
  const streams = await Promise.all([a.open(), b.open()]);
  await Promise.all(streams.map((stream) => stream.caughtUp()));
  relay.daemon.signal('SIGTERM');
  await Promise.all(streams.map((stream) => stream.event('server.draining')));
  const ends = await Promise.all(streams.map((stream) => stream.closed));
  assert.deepEqual(ends.map(({ code }) => code), [1012, 1012]);
  const { code } = await relay.daemon.exited;
  assert.equal(code, 0);
});

scene('SIGTERM under load keeps every accepted envelope', {}, async (relay) => {
  const { a, b } = await relay.pair();
  const stream = await a.open();
  let accepted = 0;
  const sends = Array.from({ length: 1500 }, () => stream.send([b], { body: ciphertext(300) })
    .then((result) => { accepted += result.status === 201 ? 1 : 0; }, () => {}));
  await sends[100];
  relay.daemon.signal('SIGTERM');
  await Promise.all(sends);
  const { code } = await relay.daemon.exited;
  assert.equal(code, 0);
  assert.ok(accepted >= 100);
  await relay.up();
  const receiver = await b.open({ autoAck: true });
  const hello = await receiver.event('hello');
  assert.ok(hello.pending >= accepted, `${accepted} accepted, ${hello.pending} there`);
  await receiver.delivers(hello.pending);
  await receiver.caughtUp();
});

scene('SIGTERM does not wait for a client that does not answer', { set: { drain_time: '1s' } },
  async (relay) => {
    const { first } = await relay.account();
    const stream = await first.open();
    await stream.caughtUp();
    stream.socket.pause();
    await relay.stop();
    stream.drop();
  });

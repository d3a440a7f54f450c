// SPDX-License-Identifier: Apache-2.0
// The relay's own defences: who asks too often is told when to come again, and that is true.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { Account } from './support/account.mjs';
import { b64u, ciphertext } from './support/bytes.mjs';
import { operations } from './support/contract.mjs';
import { SigningKey } from './support/keys.mjs';
import { Raw } from './support/raw.mjs';
import { assertProblem, assertStatus, scene } from './support/scene.mjs';
import { Refused } from './support/stream.mjs';
import { answer as answerTo, shown, started, wrongCode } from './support/txns.mjs';

const clock = true;
const PROXIED = { trusted_proxies: '127.0.0.1' };
const from = (address) => ({ 'x-forwarded-for': address });

// 429 as over HTTP: the header and the member say the same.
function assertLimited(answer, members) {
  assertProblem(answer, 429, 'rate_limited', members);
  assert.equal(Number(answer.headers['retry-after']), answer.json.retry_after);
  return answer.json.retry_after;
}

// Ask again until refused; how often that was answered, and the refusal.
async function spend(ask, wanted = 200) {
  for (let times = 0; ; times++) {
    const answer = await ask();
    if (answer.status === 429) {
      return { times, wait: assertLimited(answer), answer };
    }
    assertStatus(answer, wanted);
  }
}

scene('a device may ask so often, and again when it was told', {
  clock, set: { rate_device: '5' },
}, async (relay) => {
  const { a, b } = await relay.pair();
  const ask = () => a.call('GET', '/v1/mailbox');
  const { times, wait } = await spend(ask);
  assert.equal(times, 5);
  assert.equal(wait, 12);
  await b.mailbox();
  assertLimited(await ask());
  relay.clock.advance(wait);
  assertStatus(await ask(), 200);
  assertLimited(await ask());
  relay.clock.advance(60);
  assert.equal((await spend(ask)).times, 5);
  assert.ok(await relay.metric('limited_devices_total') >= 4);
});

scene('the devices of an account share what it may', {
  clock, set: { rate_account: '6' },
}, async (relay) => {
  const account = await relay.account({ devices: 2 });
  const [first, second] = account.devices;
  await second.login();
  const { first: other } = await relay.account();
  for (let i = 0; i < 3; i++) {
    await first.mailbox();
    await second.mailbox();
  }
  const wait = assertLimited(await first.call('GET', '/v1/mailbox'));
  assertLimited(await second.call('GET', '/v1/mailbox'));
  await other.mailbox();
  relay.clock.advance(wait);
  await second.mailbox();
});

scene('a client address may ask so often, with a session and without', {
  clock, set: { rate_address: '20', ...PROXIED },
}, async (relay) => {
  const { first } = await relay.account();
  const server = (address) => relay.call('GET', '/v1/server', { headers: from(address) });
  const { times, wait } = await spend(() => server('198.51.100.1'));
  assert.equal(times, 20);
  assertLimited(await first.call('GET', '/v1/mailbox', { headers: from('198.51.100.1') }));
  assertStatus(await server('198.51.100.2'), 200);
  assertStatus(await first.call('GET', '/v1/mailbox', { headers: from('198.51.100.2') }), 200);
  relay.clock.advance(wait);
  assertStatus(await server('198.51.100.1'), 200);
});

scene('one device sends another so many envelopes, alike by HTTP and stream', {
  clock, set: { rate_pair: '4' },
}, async (relay) => {
  const { a, b } = await relay.pair();
  const { first: c } = await relay.account();
  const { times, wait, answer } = await spend(() => a.send([b]), 201);
  assert.equal(times, 4);
  assert.deepEqual(answer.json.limited, [b.pubText]);
  assertLimited(await a.send([c, b]), { limited: [b.pubText] });
  const stream = await a.open();
  const refused = await stream.send([b]);
  assert.deepEqual([refused.status, refused.code], [429, 'rate_limited']);
  assert.ok(refused.body.retry_after >= 1 && refused.body.retry_after <= wait);
  assert.equal((await stream.send([c])).status, 201);
  assertStatus(await c.send([b]), 201);
  relay.clock.advance(wait);
  assert.equal((await stream.send([b])).status, 201);
  assert.equal((await b.mailbox()).envelopes.length, 6, 'a refused send stored nothing');
  assert.equal((await c.mailbox()).envelopes.length, 1, 'not for the others either');
});

scene('a recipient is sent so many bytes', { clock, set: { rate_inbound: '4096' } },
  async (relay) => {
    const { a, b } = await relay.pair();
    const { first: c } = await relay.account();
    const body = ciphertext(2048);
    assertStatus(await a.send([b], { body }), 201);
    assertStatus(await c.send([b], { body }), 201);
    const wait = assertLimited(await c.send([b], { body }), { limited: [b.pubText] });
    assertStatus(await a.send([c], { body }), 201);
    relay.clock.advance(wait);
    assertStatus(await c.send([b], { body }), 201);
    relay.clock.advance(60);
    const largest = ciphertext(98304);
    assertStatus(await a.send([b], { body: largest }), 201);
    assertLimited(await a.send([b], { body }));
  });

scene('a stream is held to what its device may', { clock, set: { rate_device: '4' } },
  async (relay) => {
    const { a, b } = await relay.pair();
    const stream = await a.open();
    const statuses = [];
    for (let i = 0; i < 5; i++) {
      statuses.push((await stream.send([b])).status);
    }
    assert.deepEqual(statuses, [201, 201, 201, 429, 429]);
    const { status } = await stream.ack([1]);
    assert.equal(status, 200, 'what only frees is not counted');
    const { body } = await stream.send([b]);
    relay.clock.advance(body.retry_after);
    assert.equal((await stream.send([b])).status, 201);
    const refused = await a.open().catch((error) => error);
    assert.ok(refused instanceof Refused);
    assert.deepEqual([refused.status, refused.code], [429, 'rate_limited']);
    assert.ok(Number(refused.headers['retry-after']) >= 1);
  });

scene('wrong tokens are counted, and do not harm sessions in use', {
  clock, set: { rate_failures: '5', ...PROXIED },
}, async (relay) => {
  const { first } = await relay.account();
  const guess = () => relay.call('GET', '/v1/mailbox', {
    token: `sp1_${b64u(ciphertext(32))}`, headers: from('198.51.100.1'),
  });
  const { times, wait } = await spend(guess, 401);
  assert.equal(times, 5);
  assertStatus(await first.call('GET', '/v1/mailbox', { headers: from('198.51.100.1') }), 200);
  relay.clock.advance(wait);
  assertProblem(await guess(), 401, 'session_invalid');
  const refused = await relay.open({ token: 'sp1_x', headers: from('198.51.100.1') })
    .catch((error) => error);
  assert.deepEqual([refused.status, refused.code], [429, 'rate_limited']);
});

scene('wrong answers are counted for their address, and right ones are not', {
  clock, set: { rate_failures: '5', ...PROXIED },
}, async (relay) => {
  const account = await relay.account();
  const start = () => started(relay, 'link', { account_id: account.idText }, 'code');
  const codeOf = async ({ challenge }) => (await shown(account.first))
    .find(({ challenge_id: id }) => id === challenge.challenge_id).code;
  const guess = ({ txn, challenge }, text) => answerTo(relay, txn, challenge, text,
    from('198.51.100.1'));
  const [first, second, third] = [await start(), await start(), await start()];
  const wrong = wrongCode(await codeOf(first));
  assertProblem(await guess(first, '12345'), 422, 'value_invalid', { member: 'answer' });
  for (let left = 4; left >= 1; left--) {
    assertProblem(await guess(first, wrong), 403, 'answer_wrong', { attempts_left: left });
  }
  assertStatus(await guess(second, await codeOf(second)), 200);
  assertProblem(await guess(first, wrong), 403, 'answer_wrong', { attempts_left: 0 });
  const right = await codeOf(third);
  const wait = assertLimited(await guess(third, right));
  const report = await account.first.call('GET', '/v1/account/report');
  assert.equal(report.json.wrong_guesses, 5, 'what was refused was not counted');
  relay.clock.advance(wait);
  assertStatus(await guess(third, right), 200);
});

scene('failed sign-ins are counted for their address and for the account', {
  clock, set: { rate_failures: '5', ...PROXIED },
}, async (relay) => {
  const { alice, a, bob, b } = await relay.pair();
  const wrong = new SigningKey();
  const signIn = async (device, key, address) => {
    const signature = b64u(key.sign(ciphertext(32)));
    return relay.call('POST', '/v1/auth/session', {
      headers: from(address),
      json: {
        account_id: device.account.idText, device_id: device.id,
        challenge: b64u(await device.challenge()), signature,
      },
    });
  };
  let n = 1;
  const { times, wait } = await spend(() => signIn(a, wrong, `198.51.100.${n++}`), 401);
  assert.equal(times, 5, 'of one account from many addresses');
  assertLimited(await a.session(await a.challenge()));
  await b.login();
  relay.clock.advance(wait);
  await alice.first.login();
  const one = await spend(() => signIn(bob.first, wrong, '203.0.113.1'), 401);
  assert.equal(one.times, 5);
  relay.clock.advance(60);
  for (let i = 0; i < 20; i++) {
    await b.login(); // what succeeds is not counted
  }
});

scene('challenges and registrations are counted for their address', {
  clock, set: { rate_challenges: '6', rate_registrations: '3', ...PROXIED },
}, async (relay) => {
  const challenge = (address) => relay.call('POST', '/v1/auth/challenge', {
    json: {}, headers: from(address),
  });
  const first = await spend(() => challenge('198.51.100.1'));
  assert.equal(first.times, 6);
  assertStatus(await challenge('198.51.100.2'), 200);
  relay.clock.advance(first.wait);
  assertStatus(await challenge('198.51.100.1'), 200);

  const register = (address) => new Account(relay).register({ options: { headers: from(address) } });
  const second = await spend(() => register('198.51.100.1'), 201);
  assert.equal(second.times, 3);
  assert.equal(second.wait, 1200);
  assertStatus(await register('198.51.100.2'), 201);
  relay.clock.advance(second.wait);
  assertStatus(await register('198.51.100.1'), 201);
});

scene('a new key of the names forgets nothing that counts', {
  clock, set: { rate_registrations: '3' },
}, async (relay) => {
  const register = () => new Account(relay).register();
  await spend(register, 201);
  relay.clock.advance(1200);
  await spend(register, 201);
  relay.clock.advance(1199);
  const { times } = await spend(register, 201);
  assert.ok(times <= 1);
  for (let i = 0; i < 4; i++) {
    relay.clock.advance(1200); // past the hour at which the key changes
    assertStatus(await relay.ops('/healthz'), 200);
    assert.ok((await spend(register, 201)).times <= 2);
  }
});

scene('SIGHUP changes the limits, and /v1/server tells them', {}, async (relay) => {
  const path = join(relay.dir, 'sealpost.conf');
  const write = (count) => writeFileSync(path, `rate_device = ${count}\nrate_pair = 7\n`);
  await relay.stop();
  write(3);
  relay.options = { args: ['--config', path] };
  await relay.up();
  const { a } = await relay.pair();
  const ask = () => a.call('GET', '/v1/mailbox');
  assert.equal((await spend(ask)).times, 3);
  write(0);
  relay.daemon.signal('SIGHUP');
  await relay.daemon.line('config.reloaded');
  for (let i = 0; i < 20; i++) {
    assertStatus(await ask(), 200);
  }
  const { limits } = (await relay.call('GET', '/v1/server')).json;
  assert.equal(limits.rate_device, 0);
  assert.equal(limits.rate_pair, 7);
});

scene('2,000 acknowledgements at once and a send to 1,000 pass the defaults', {},
  async (relay) => {
    const { a, b } = await relay.pair();
    const { limits } = (await relay.call('GET', '/v1/server')).json;
    assert.ok(limits.rate_device > 10_000, 'a full mailbox can be drained one by one');
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    for (let done = 0; done < 2000; done += 50) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => b.call(
        'POST', '/v1/mailbox/ack', { json: { seqs: [1] }, agent, unchecked: true },
      )));
      answers.forEach((answer) => assertStatus(answer, 200));
    }
    agent.destroy();
    const recipients = Array.from({ length: 1000 }, () => ({
      pub: new SigningKey().pub, body: ciphertext(16),
    }));
    const stream = await a.open();
    const { status, code } = await stream.send(recipients);
    assert.deepEqual([status, code], [404, 'recipient_unknown'], 'judged, and not limited');
  });

scene('an address has so many connections, and others have theirs', {
  set: { max_connections_per_address: '5' },
}, async (relay) => {
  const mine = await Promise.all(Array.from({ length: 5 }, () => Raw.open(relay.port)));
  const more = await Raw.open(relay.port);
  await more.toEnd();
  assertStatus(await relay.call('GET', '/v1/server', { localAddress: '127.0.0.2' }), 200);
  assert.ok(mine.every((raw) => !raw.ended));
  assert.equal(await relay.metric('connections_refused_address_total'), 1);
  mine[0].destroy();
  const answer = await untilAnswered(relay);
  assertStatus(answer, 200);
  mine.forEach((raw) => raw.destroy());
});

scene('behind a trusted proxy a client has so many streams, and others have theirs', {
  set: { max_connections_per_address: '2', ...PROXIED },
}, async (relay) => {
  const account = await relay.account({ devices: 4 });
  for (const device of account.devices.slice(1)) {
    await device.login();
  }
  const [a, b, c, d] = account.devices;
  const mine = { headers: from('198.51.100.1') };
  const first = await a.open(mine);
  await b.open(mine);
  const refused = await c.open(mine).catch((error) => error);
  assert.ok(refused instanceof Refused);
  assert.deepEqual([refused.status, refused.code], [429, 'rate_limited']);
  assert.ok(Number(refused.headers['retry-after']) >= 1);
  assertLimited(await c.call('GET', '/v1/mailbox', mine));
  await d.open({ headers: from('198.51.100.2') });
  await d.mailbox();
  assert.equal(await relay.metric('connections_refused_address_total'), 2);
  first.socket.terminate();
  await untilOpened(() => c.open(mine));
});

scene('behind a trusted proxy requests that were answered count no more', {
  set: { max_connections_per_address: '1', ...PROXIED },
}, async (relay) => {
  const mine = { headers: from('198.51.100.1') };
  for (let i = 0; i < 5; i++) {
    assertStatus(await relay.call('GET', '/v1/server', mine), 200);
  }
  const { first } = await relay.account();
  await first.open({ headers: from('198.51.100.3, 127.0.0.1') });
  assertLimited(await relay.call('GET', '/v1/server', { headers: from('198.51.100.3') }));
  for (let i = 0; i < 3; i++) { // names nobody: it is the proxy's, which has any number
    const hidden = await relay.account();
    await hidden.first.open({ headers: { forwarded: 'for=unknown' } });
  }
});

async function untilOpened(open) {
  for (;;) {
    try {
      return await open();
    } catch (error) {
      assert.equal(error.status, 429);
    }
  }
}

// The relay sees the end of a connection when it comes to it.
async function untilAnswered(relay) {
  for (;;) {
    try {
      return await relay.call('GET', '/v1/server');
    } catch (error) {
      assert.equal(error.code, 'ECONNRESET');
    }
  }
}

scene('every call of the contract can be refused so', { set: { rate_address: '10' } },
  async (relay) => {
    const { first } = await relay.account();
    await spend(() => relay.call('GET', '/v1/server'));
    const limited = operations.filter(({ spec }) => '429' in spec.responses);
    assert.ok(limited.length >= 14);
    for (const { method, path } of limited.filter((each) => !each.path.endsWith('/stream'))) {
      const target = path.replace('{account_id}', first.account.idText).replace('{epoch}', '1')
        .replace(/\{\w+\}/g, 'A'.repeat(22));
      assertLimited(await first.call(method.toUpperCase(), target));
    }
    await assert.rejects(first.open(), (error) => error.status === 429);
  });

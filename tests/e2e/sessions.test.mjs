// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { Account } from './support/account.mjs';
import { b64u } from './support/bytes.mjs';
import { Device } from './support/device.mjs';
import { SigningKey } from './support/keys.mjs';
import { assertProblem, assertStatus, scene, suite } from './support/scene.mjs';

const DAY_S = 86_400;

suite('a session', {}, (it) => {
  it('begins with a signed challenge and lasts a day', async (relay) => {
    const account = await relay.account();
    const before = Math.floor(Date.now() / 1000);
    const session = await account.first.login();
    const after = Math.ceil(Date.now() / 1000);
    assert.match(session.token, /^sp1_[A-Za-z0-9_-]{43}$/);
    assert.equal(session.epoch, 0);
    assert.ok(session.expires_at >= before + DAY_S && session.expires_at <= after + DAY_S);
    assertStatus(await account.first.call('GET', '/v1/mailbox'), 200);
  });

  it('may stand beside others of the same device', async (relay) => {
    const { first } = await relay.account();
    const older = first.token;
    await first.login();
    assert.notEqual(first.token, older);
    for (const token of [older, first.token]) {
      assertStatus(await first.call('GET', '/v1/mailbox', { token }), 200);
    }
  });

  it('tells the epoch of the head', async (relay) => {
    const account = await relay.account();
    await account.grow(2);
    assert.equal((await account.first.login()).epoch, 1);
  });

  it('ends when the device says so, and only that one', async (relay) => {
    const { first } = await relay.account();
    const other = first.token;
    await first.login();
    assertStatus(await first.call('DELETE', '/v1/auth/session'), 204);
    assertProblem(await first.call('GET', '/v1/mailbox'), 401, 'session_invalid');
    assertProblem(await first.call('DELETE', '/v1/auth/session'), 401, 'session_invalid');
    assertStatus(await first.call('GET', '/v1/mailbox', { token: other }), 200);
  });

  it('takes its stream with it', async (relay) => {
    const { first } = await relay.account();
    const stream = await first.open();
    await stream.caughtUp();
    assertStatus(await first.call('DELETE', '/v1/auth/session'), 204);
    assert.equal((await stream.closed).code, 4401);
  });

  it('dies with its device, alone', async (relay) => {
    const account = await relay.account();
    const [second] = await account.grow(2);
    await account.change({ remove: [2] });
    assertProblem(await second.call('GET', '/v1/mailbox'), 401, 'session_invalid');
    assertProblem(await second.session(await second.challenge()), 401, 'auth_failed');
    assertStatus(await account.first.call('GET', '/v1/mailbox'), 200);
  });
});

suite('a challenge', {}, (it) => {
  it('lives for a minute and is never the same', async (relay) => {
    const now = Math.floor(Date.now() / 1000);
    const made = await Promise.all(Array.from({ length: 8 }, () => relay.call(
      'POST', '/v1/auth/challenge', { json: {} },
    )));
    assert.equal(new Set(made.map((each) => each.json.challenge)).size, 8);
    made.forEach((each) => assert.ok(Math.abs(each.json.expires_at - now - 60) <= 5));
  });

  it('begins one session and no second', async (relay) => {
    const { first } = await relay.account();
    const challenge = await first.challenge();
    assertStatus(await first.session(challenge), 201);
    assertProblem(await first.session(challenge), 401, 'auth_failed');
  });

  it('begins one session also when two race for it', async (relay) => {
    const { first } = await relay.account();
    const challenge = await first.challenge();
    const answers = await Promise.all(Array.from({ length: 5 }, () => first.session(challenge)));
    assert.deepEqual(answers.map((each) => each.status).sort(), [201, 401, 401, 401, 401]);
  });

  it('is not spent by a wrong answer', async (relay) => {
    const { first } = await relay.account();
    const challenge = await first.challenge();
    const wrong = await first.session(challenge, { key: new SigningKey() });
    assertProblem(wrong, 401, 'auth_failed');
    assertStatus(await first.session(challenge), 201);
  });

  it('must be one that the relay made', async (relay) => {
    const { first } = await relay.account();
    const challenge = await first.challenge();
    for (const at of [0, 8, 40]) {
      const forged = Buffer.from(challenge);
      forged[at] ^= 1;
      assertProblem(await first.session(forged), 401, 'auth_failed');
    }
    assertProblem(await first.session(Buffer.alloc(48)), 401, 'auth_failed');
  });
});

suite('the answer to a challenge', {}, (it) => {
  it('is refused when signed for another relay', async (relay) => {
    const { first } = await relay.account();
    const audiences = ['https://relay.example', `${relay.baseUrl}/`, 'http://other.example', ''];
    for (const audience of audiences) {
      const answer = await first.session(await first.challenge(), { audience });
      assertProblem(answer, 401, 'auth_failed');
    }
  });

  it('names a device number that cannot be', async (relay) => {
    const { first } = await relay.account();
    for (const device_id of [0, 128]) {
      const answer = await first.session(await first.challenge(), { device_id });
      assertProblem(answer, 422, 'value_invalid', { member: 'device_id' });
    }
  });

  it('is refused alike for wrong keys, devices and accounts', async (relay) => {
    const { alice, a } = await relay.pair();
    const stranger = new Account(relay).first;
    const ghost = new Device(alice, { id: 99, flags: 0, addedEpoch: 0 });
    const answers = [
      await a.session(await a.challenge(), { key: new SigningKey() }),
      await ghost.session(await ghost.challenge()),
      await stranger.session(await a.challenge()),
      await a.session(await a.challenge(), { signature: b64u(Buffer.alloc(64)) }),
    ];
    answers.forEach((answer) => assertProblem(answer, 401, 'auth_failed'));
    assert.equal(new Set(answers.map((answer) => answer.body.toString())).size, 1);
  });
});

suite('a token', {}, (it) => {
  it('is refused when absent, foreign, cut, of another scheme or in the query', async (relay) => {
    const { first } = await relay.account();
    const refused = [
      undefined, '', 'Bearer', 'Bearer sp1_', `Bearer sp1_${'A'.repeat(43)}`,
      `Bearer ${first.token.slice(0, -1)}`, `Bearer ${first.token}x`, `Basic ${first.token}`,
      first.token, `Bearer ${first.token.replace('sp1_', 'SP1_')}`,
    ];
    for (const authorization of refused) {
      const headers = authorization === undefined ? {} : { authorization };
      const answer = await relay.call('GET', '/v1/mailbox', { headers });
      assertProblem(answer, 401, 'session_invalid');
    }
    const query = `/v1/mailbox?token=${first.token}`;
    assertProblem(await relay.call('GET', query), 401, 'session_invalid');
  });

  it('is taken whatever the case of the scheme', async (relay) => {
    const { first } = await relay.account();
    const headers = { authorization: `bearer ${first.token}` };
    assertStatus(await relay.call('GET', '/v1/mailbox', { headers }), 200);
  });
});

scene('sessions outlive a restart, and a spent challenge stays spent', {}, async (relay) => {
  const { first } = await relay.account();
  const challenge = await first.challenge();
  assertStatus(await first.session(challenge), 201);
  await relay.restart();
  assertStatus(await first.call('GET', '/v1/mailbox'), 200);
  assertProblem(await first.session(challenge), 401, 'auth_failed');
});

scene('a challenge ends after a minute', { clock: true }, async (relay) => {
  const { first } = await relay.account();
  const challenge = await first.challenge();
  relay.clock.advance(59);
  const timely = await first.challenge();
  relay.clock.advance(2);
  assertProblem(await first.session(challenge), 401, 'auth_failed');
  assertStatus(await first.session(timely), 201);
});

scene('a session ends after a day, used or not', { clock: true }, async (relay) => {
  const { first } = await relay.account();
  relay.clock.advance(DAY_S - 60);
  assertStatus(await first.call('GET', '/v1/mailbox'), 200);
  relay.clock.advance(61);
  assertProblem(await first.call('GET', '/v1/mailbox'), 401, 'session_invalid');
  await first.login();
  assertStatus(await first.call('GET', '/v1/mailbox'), 200);
});

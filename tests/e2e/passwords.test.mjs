// SPDX-License-Identifier: Apache-2.0
// Passwords: proved to a relay that never sees them, by a client of OPAQUE that others wrote.
import assert from 'node:assert/strict';
import { b64u, ciphertext, fromB64u } from './support/bytes.mjs';
import {
  finish, finishLogin, grantByPassword, knock, login, setPassword, startLogin, startPassword,
} from './support/passwords.mjs';
import {
  answer, appCode, begin, challenge, confirm, enrol, enrolApp, factorsOf, grantOf, logOf, remove, started,
} from './support/txns.mjs';
import {
  assertProblem, assertStatus, bareAnswer, ok, scene, suite,
} from './support/scene.mjs';
import { OP } from './support/signing.mjs';

const RIGHT = 'correct horse battery staple';
const WRONG = 'correct horse battery stable';
const AT_ONCE = 200;
const clock = true;
const whom = (account) => ({ account_id: account.idText });
const erase = (device, fields = {}) => device.command(OP.accountDelete, 'DELETE', '/v1/account',
  { account_id: device.account.idText, ...fields });
const unknown = () => ({ account_id: b64u(ciphertext(32)) });

// Somebody whom there is not and who seems to have a password.
async function decoyWithPassword(relay) {
  for (;;) {
    const stranger = unknown();
    const { json } = await begin(relay, 'link', stranger);
    if (json.kinds.includes('password')) {
      return stranger;
    }
  }
}

suite('a password', { clock }, (it) => {
  it('gives a grant and the export key that it gave before', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    const { factor_id: id, exportKey } = await setPassword(first, RIGHT, { label: b64u(ciphertext(30)) });
    assert.deepEqual((await factorsOf(first)).map(({ kind, confirmed, factor_id: each }) => [kind, confirmed, each]),
      [['password', true, id]]);
    const done = await login(relay, 'recover', whom(account), RIGHT);
    assert.deepEqual(done.txn.kinds, ['code', 'password']);
    assert.equal(done.reply.json.attempts_left, 1);
    assert.equal(done.result.exportKey, exportKey);
    assert.equal(ok(await finish(relay, done)).purpose, 'recover');
    assertProblem(await erase(first), 403, 'stepup_required');
    assert.deepEqual((await begin(relay, 'stepup', whom(account))).json.kinds, ['password']);
    assert.deepEqual((await logOf(first)).entries.map(({ change, factor_kind: kind }) => [change, kind]),
      [['enrolled', 'password'], ['used', 'password']]);
    assertStatus(await erase(first, { grant: await grantByPassword(first, 'stepup', RIGHT) }), 204);
  });

  it('counts once its record has come, in whichever order others do', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    const { reply, finish: record } = await startPassword(first, RIGHT);
    assertStatus(reply, 201);
    const { txn } = await started(relay, 'link', whom(account), 'code');
    assert.deepEqual(txn.kinds, ['code']);
    assertProblem(await challenge(relay, txn, 'password', { ke1: startLogin(RIGHT).startLoginRequest }), 422,
      'value_invalid', { member: 'kind' });
    await enrolApp(first);
    assertProblem(await confirm(first, {
      factor_id: reply.json.factor_id, record: record().registrationRecord,
    }), 403, 'stepup_required');
  });

  it('that is wrong looks to the client like that of whom there is not', async (relay) => {
    const account = await relay.account();
    await setPassword(account.first, RIGHT);
    const stranger = await decoyWithPassword(relay);
    const shapes = [];
    for (const each of [whom(account), stranger]) {
      const { txn, reply, result } = await login(relay, 'link', each, WRONG);
      assert.equal(result, undefined);
      assert.equal(fromB64u(reply.json.ke2).length, 320);
      assert.deepEqual(Object.keys(reply.json), ['challenge_id', 'attempts_left', 'expires_at', 'ke2']);
      const { body, ...bare } = bareAnswer(reply);
      const wrong = bareAnswer(await answer(relay, txn, reply.json, b64u(ciphertext(64))));
      shapes.push([bare, wrong]);
    }
    assert.deepEqual(shapes[0], shapes[1]);
  });

  it('has parts of KE2 that stay the same, whether there is one or not', async (relay) => {
    const account = await relay.account();
    await setPassword(account.first, RIGHT);
    const { startLoginRequest: ke1 } = startLogin(WRONG);
    const parts = [];
    for (const each of [whom(account), await decoyWithPassword(relay), await decoyWithPassword(relay)]) {
      const replies = [];
      for (let i = 0; i < 2; i++) {
        const { json: txn } = await begin(relay, 'link', each);
        const reply = await challenge(relay, txn, 'password', { ke1 });
        assertStatus(reply, 201);
        replies.push(fromB64u(reply.json.ke2));
      }
      const [one, other] = replies.map((ke2) => ke2.subarray(0, 32).toString('hex'));
      assert.equal(one, other); // evaluated: by the key of the name
      assert.notDeepEqual(replies[0].subarray(32), replies[1].subarray(32));
      parts.push(one);
    }
    assert.equal(new Set(parts).size, parts.length);
  });

  it('is changed by a step-up, and then the old one is none', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    const { factor_id: old } = await setPassword(first, RIGHT);
    const late = await login(relay, 'link', whom(account), RIGHT); // KE1 before the change
    assertProblem((await startPassword(first, WRONG)).reply, 403, 'stepup_required');
    const { factor_id: id, exportKey } = await setPassword(first, WRONG, {
      grant: await grantByPassword(first, 'stepup', RIGHT),
    });
    assert.deepEqual((await factorsOf(first)).map(({ factor_id: each }) => each), [id]);
    assertProblem(await finish(relay, late), 403, 'answer_wrong', { attempts_left: 0 });
    assert.equal((await login(relay, 'link', whom(account), RIGHT)).result, undefined);
    const done = await login(relay, 'stepup', whom(account), WRONG);
    assert.equal(done.result.exportKey, exportKey);
    const { grant } = ok(await finish(relay, done));
    assertProblem(await remove(first, { factor_id: old }), 404, 'factor_unknown');
    assertStatus(await remove(first, { factor_id: id, grant }), 204);
    assertStatus(await erase(first), 204);
  });

  it('is answered once, by its own KE3', async (relay) => {
    const account = await relay.account();
    await setPassword(account.first, RIGHT);
    const txn = (await begin(relay, 'link', whom(account))).json;
    const [one, other] = [await knock(relay, txn, RIGHT), await knock(relay, txn, RIGHT)];
    assertProblem(await answer(relay, txn, other.reply.json, one.result.finishLoginRequest), 403,
      'answer_wrong', { attempts_left: 0 });
    assertProblem(await answer(relay, txn, other.reply.json, other.result.finishLoginRequest), 404,
      'challenge_unknown');
    const done = { txn, ...one };
    const answers = await Promise.all(Array.from({ length: 8 }, () => finish(relay, done)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    answers.filter(({ status }) => status !== 200)
      .forEach((each) => assertProblem(each, 404, 'challenge_unknown'));
    assertProblem(await finish(relay, done), 404, 'challenge_unknown');
    const again = await login(relay, 'link', whom(account), RIGHT);
    assertProblem(await answer(relay, again.txn, again.reply.json, one.result.finishLoginRequest), 403,
      'answer_wrong');
  });

  it('of another account opens nothing', async (relay) => {
    const { alice, a, b } = await relay.pair();
    await setPassword(a, RIGHT);
    await setPassword(b, WRONG);
    assert.equal((await login(relay, 'link', whom(alice), WRONG)).result, undefined);
  });

  it('has five of many KE1 answered that come at once in a transaction', async (relay) => {
    const account = await relay.account();
    await setPassword(account.first, RIGHT);
    const txn = (await begin(relay, 'link', whom(account))).json;
    const before = await relay.metric('factor_guesses_total');
    const { startLoginRequest: ke1 } = startLogin(WRONG);
    const replies = await Promise.all(Array.from({ length: AT_ONCE },
      () => challenge(relay, txn, 'password', { ke1 })));
    const count = (status) => replies.filter((each) => each.status === status).length;
    assert.deepEqual([count(201), count(404)], [5, AT_ONCE - 5]);
    assert.equal(await relay.metric('factor_guesses_total') - before, 5);
    assert.equal(ok(await account.first.call('GET', '/v1/account/report')).wrong_guesses, 5);
  });

  it('refuses what cannot be', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    const { startLoginRequest: ke1 } = startLogin(RIGHT);
    const ff = b64u(Buffer.alloc(32, 0xff));
    const zero = b64u(Buffer.alloc(32));
    assertProblem(await enrol(first, { kind: 'password' }), 400, 'malformed', { member: 'request' });
    assertProblem(await enrol(first, { kind: 'password', request: 'AA' }), 400, 'malformed', { member: 'request' });
    for (const request of [ff, zero]) {
      assertProblem(await enrol(first, { kind: 'password', request }), 422, 'value_invalid', { member: 'request' });
    }
    assertProblem(await enrol(first, { kind: 'totp', request: ff }), 400, 'malformed', { member: 'request' });
    const { reply, finish: record } = await startPassword(first, RIGHT);
    assertStatus(reply, 201);
    const { factor_id: id } = reply.json;
    const { registrationRecord } = record();
    const bad = b64u(Buffer.concat([Buffer.alloc(32, 0xff), fromB64u(registrationRecord).subarray(32)]));
    assertProblem(await confirm(first, { factor_id: id }), 400, 'malformed', { member: 'answer' });
    assertProblem(await confirm(first, { factor_id: id, record: 'AA' }), 400, 'malformed', { member: 'record' });
    assertProblem(await confirm(first, { factor_id: id, record: bad }), 422, 'value_invalid', { member: 'record' });
    assertProblem(await confirm(first, { factor_id: id, answer: '123456' }), 422, 'value_invalid',
      { member: 'factor_id' });
    assertProblem(await confirm(first, { factor_id: id, record: registrationRecord, answer: '123456' }), 400,
      'malformed', { member: 'record' });
    const app = (await enrol(first, { kind: 'totp' })).json;
    assertProblem(await confirm(first, { factor_id: app.factor_id, record: registrationRecord }), 422,
      'value_invalid', { member: 'factor_id' });
    assertStatus(await confirm(first, { factor_id: id, record: registrationRecord }), 204);
    assertProblem(await confirm(first, { factor_id: id, record: registrationRecord }), 404, 'factor_unknown');

    const txn = (await begin(relay, 'link', whom(account))).json;
    assertProblem(await challenge(relay, txn, 'password'), 400, 'malformed', { member: 'ke1' });
    assertProblem(await challenge(relay, txn, 'password', { ke1: ff }), 400, 'malformed', { member: 'ke1' });
    assertProblem(await challenge(relay, txn, 'code', { ke1 }), 400, 'malformed', { member: 'ke1' });
    const bytes = fromB64u(ke1);
    for (const spoilt of [
      Buffer.concat([Buffer.alloc(32, 0xff), bytes.subarray(32)]),
      Buffer.concat([bytes.subarray(0, 64), Buffer.alloc(32)]),
    ]) {
      assertProblem(await challenge(relay, txn, 'password', { ke1: b64u(spoilt) }), 422, 'value_invalid',
        { member: 'ke1' });
    }
    const { reply: asked, result } = await knock(relay, txn, RIGHT);
    for (const text of ['AA', '123456', `${result.finishLoginRequest}=`, 'A'.repeat(97)]) {
      assertProblem(await answer(relay, txn, asked.json, text), 422, 'value_invalid', { member: 'answer' });
    }
    ok(await answer(relay, txn, asked.json, result.finishLoginRequest)); // none of these took its try
    assert.equal(ok(await first.call('GET', '/v1/account/report')).wrong_guesses, 0);
  });

  it('counts each KE1 among the guesses of all kinds, until KE3 gives it back', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    await setPassword(first, RIGHT);
    const app = await enrolApp(first, { grant: await grantByPassword(first, 'stepup', RIGHT) });
    const knocks = async (count, password) => {
      const replies = [];
      for (let i = 0; i < count; i++) {
        replies.push((await login(relay, 'link', whom(account), password)).reply);
      }
      return replies;
    };
    (await knocks(6, WRONG)).forEach((reply) => assertStatus(reply, 201));
    relay.clock.advance(901);
    const code = await started(relay, 'link', whom(account), 'code');
    for (let i = 0; i < 4; i++) {
      const reply = await answer(relay, code.txn, code.challenge, '000000');
      assert.ok([200, 403].includes(reply.status)); // one in a million is right
    }
    for (const reply of await knocks(2, RIGHT)) { // also the right one: nobody is told which it is
      assertProblem(reply, 429, 'rate_limited');
      assert.ok(reply.json.retry_after > 80_000 && reply.json.retry_after <= 86_400);
    }
    const limited = await started(relay, 'link', whom(account), 'totp');
    assertProblem(await answer(relay, limited.txn, limited.challenge, appCode(app.secret, relay, 1)), 429,
      'rate_limited');
    relay.clock.advance(86_400);
    await first.login();
    await grantByPassword(first, 'link', RIGHT);
    assert.equal(ok(await first.call('GET', '/v1/account/report')).wrong_guesses, 10);
  });

  it('has ten logins in a quarter of an hour, right or not', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    await setPassword(first, RIGHT);
    for (let i = 0; i < 10; i++) {
      await grantByPassword(first, 'link', RIGHT);
    }
    const before = await relay.metric('factor_challenges_refused_total');
    const { reply } = await login(relay, 'link', whom(account), RIGHT);
    assertProblem(reply, 429, 'rate_limited');
    assert.ok(reply.json.retry_after > 800 && reply.json.retry_after <= 900, String(reply.json.retry_after));
    assert.equal(await relay.metric('factor_challenges_refused_total') - before, 1);
    const stranger = await decoyWithPassword(relay);
    for (let i = 0; i < 10; i++) { // whom there is not is limited as any
      assertStatus((await login(relay, 'link', stranger, WRONG)).reply, 201);
    }
    assertProblem((await login(relay, 'link', stranger, WRONG)).reply, 429, 'rate_limited');
    relay.clock.advance(901);
    await grantByPassword(first, 'link', RIGHT);
  });

  it('is answered by KE3 within a minute', async (relay) => {
    const account = await relay.account();
    await setPassword(account.first, RIGHT);
    const late = await login(relay, 'link', whom(account), RIGHT);
    relay.clock.advance(61);
    assertProblem(await finish(relay, late), 404, 'challenge_unknown');
    const timely = await login(relay, 'link', whom(account), RIGHT);
    relay.clock.advance(-3600); // whoever sets the clock back ends nothing
    ok(await finish(relay, timely));
  });

  it('outlives the relay, and so does a login', async (relay) => {
    const account = await relay.account();
    await setPassword(account.first, RIGHT);
    const stranger = await decoyWithPassword(relay);
    const { startLoginRequest: ke1, clientLoginState } = startLogin(RIGHT);
    const evaluated = async (each) => {
      const { json: txn } = await begin(relay, 'link', each);
      const reply = await challenge(relay, txn, 'password', { ke1 });
      assertStatus(reply, 201);
      return { txn, reply, part: fromB64u(reply.json.ke2).subarray(0, 32).toString('hex') };
    };
    const before = [await evaluated(whom(account)), await evaluated(stranger)];
    await relay.kill();
    await relay.up();
    const after = [await evaluated(whom(account)), await evaluated(stranger)];
    assert.deepEqual(after.map(({ part }) => part), before.map(({ part }) => part));
    const result = finishLogin({ clientLoginState }, before[0].reply.json.ke2, RIGHT);
    ok(await answer(relay, before[0].txn, before[0].reply.json, result.finishLoginRequest));
  });
});

scene('wrong KE1 are failures of their address, and right logins are none', {
  clock, set: { rate_failures: '5' },
}, async (relay) => {
  const account = await relay.account();
  const { first } = account;
  await setPassword(first, RIGHT);
  const { json: txn } = await begin(relay, 'link', whom(account));
  assertProblem(await challenge(relay, txn, 'password', { ke1: b64u(Buffer.alloc(96)) }), 422, 'value_invalid');
  for (let i = 0; i < 5; i++) {
    await grantByPassword(first, 'link', RIGHT);
  }
  for (let i = 0; i < 4; i++) {
    assertStatus((await knock(relay, txn, WRONG)).reply, 201);
  }
  await relay.call('POST', `/v1/txns/${b64u(ciphertext(16))}/challenges`, {
    json: { kind: 'password', ke1: startLogin(WRONG).startLoginRequest },
  }); // of no transaction: given back
  assertStatus((await knock(relay, txn, WRONG)).reply, 201);
  const { reply } = await login(relay, 'link', whom(account), RIGHT);
  assertProblem(reply, 429, 'rate_limited');
  assert.equal(ok(await first.call('GET', '/v1/account/report')).wrong_guesses, 5);
  relay.clock.advance(901);
  await grantByPassword(first, 'link', RIGHT);
});

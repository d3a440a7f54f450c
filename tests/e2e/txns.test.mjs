// SPDX-License-Identifier: Apache-2.0
// Transactions: somebody shows a second factor and is given a grant.
import assert from 'node:assert/strict';
import { b64u, ciphertext } from './support/bytes.mjs';
import {
  answer, appCode, begin, challenge, enrolApp, grantOf, shown, started, wrongAppCode, wrongCode,
} from './support/txns.mjs';
import { assertProblem, assertStatus, ok, scene, suite } from './support/scene.mjs';
import { OP, handleBinding } from './support/signing.mjs';

const HOUR_S = 3600;
const DAY_S = 86_400;
const AT_ONCE = 200;
const clock = true;
const id16 = () => b64u(ciphertext(16));
const codeOf = async (device) => (await shown(device)).at(-1).code;
const whom = (account) => ({ account_id: account.idText });

let made = 0;
const newName = () => `txn-${process.pid}-${++made}`;
const claim = (device, handle) => device.call('POST', '/v1/handles', {
  json: { handle, binding: b64u(handleBinding(device, handle, 0)) },
});

suite('a transaction', {}, (it) => {
  it('gives a grant for the code that every device shows', async (relay) => {
    const account = await relay.account();
    const [second] = await account.grow(2);
    const streams = [await account.first.open(), await second.open()];
    for (const purpose of ['link', 'recover', 'vault']) {
      const { txn, challenge: asked } = await started(relay, purpose, whom(account), 'code');
      assert.deepEqual(txn.kinds, ['code']);
      assert.equal(txn.purpose, purpose);
      assert.equal(asked.expires_at, txn.expires_at);
      const events = await Promise.all(streams.map((stream) => stream.event('challenge.code')));
      const [polled] = await shown(second);
      for (const event of events) {
        assert.deepEqual(event, { kind: 'event', event: 'challenge.code', ...polled });
      }
      assert.deepEqual([polled.challenge_id, polled.purpose, polled.expires_at],
        [asked.challenge_id, purpose, txn.expires_at]);
      const grant = ok(await answer(relay, txn, asked, polled.code));
      assert.equal(grant.purpose, purpose);
      assert.deepEqual(await shown(account.first), []);
      for (const stream of streams) {
        assert.deepEqual(await stream.event('factor.changed'), {
          kind: 'event', event: 'factor.changed', change: 'used', factor_kind: 'code', purpose,
        });
      }
      assertProblem(await answer(relay, txn, asked, polled.code), 404, 'challenge_unknown');
      assertProblem(await challenge(relay, txn, 'code'), 404, 'txn_unknown');
    }
  });

  it('is found by handle as by account', async (relay) => {
    const account = await relay.account();
    const name = newName();
    assertStatus(await claim(account.first, name), 201);
    const { txn, challenge: asked } = await started(relay, 'link', { handle: name.toUpperCase() },
      'code');
    ok(await answer(relay, txn, asked, await codeOf(account.first)));
  });

  it('has five tries a challenge', async (relay) => {
    const account = await relay.account();
    const { txn, challenge: asked } = await started(relay, 'link', whom(account), 'code');
    const code = await codeOf(account.first);
    assert.equal(asked.attempts_left, 5);
    for (let left = 4; left >= 0; left--) {
      assertProblem(await answer(relay, txn, asked, wrongCode(code)), 403, 'answer_wrong',
        { attempts_left: left });
    }
    assertProblem(await answer(relay, txn, asked, code), 404, 'challenge_unknown');
    assert.deepEqual(await shown(account.first), []);
    const report = ok(await account.first.call('GET', '/v1/account/report'));
    assert.deepEqual([report.txns, report.challenges, report.wrong_guesses, report.grants],
      [1, 1, 5, 0]);
  });

  it('compares five of many guesses that come at once', async (relay) => {
    const account = await relay.account();
    const { txn, challenge: asked } = await started(relay, 'link', whom(account), 'code');
    const code = await codeOf(account.first);
    const before = await relay.metric('factor_guesses_total');
    const answers = await Promise.all(Array.from({ length: AT_ONCE },
      () => answer(relay, txn, asked, wrongCode(code))));
    const count = (status) => answers.filter((each) => each.status === status).length;
    assert.deepEqual([count(403), count(404)], [5, AT_ONCE - 5]);
    assert.deepEqual(answers.filter(({ status }) => status === 403)
      .map(({ json }) => json.attempts_left).sort(), [0, 1, 2, 3, 4]);
    assert.equal(await relay.metric('factor_guesses_total') - before, 5);
    assertProblem(await answer(relay, txn, asked, code), 404, 'challenge_unknown');
  });

  it('gives one grant for a right answer that comes many times at once', async (relay) => {
    const account = await relay.account();
    const { txn, challenge: asked } = await started(relay, 'link', whom(account), 'code');
    const code = await codeOf(account.first);
    const answers = await Promise.all(Array.from({ length: 5 },
      () => answer(relay, txn, asked, code)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    answers.filter(({ status }) => status !== 200)
      .forEach((each) => assertProblem(each, 404, 'challenge_unknown'));
  });

  it('has five challenges, three of them codes', async (relay) => {
    const account = await relay.account();
    await enrolApp(account.first);
    const { json: txn } = await begin(relay, 'link', whom(account));
    assert.deepEqual(txn.kinds, ['code', 'totp']);
    for (let i = 0; i < 3; i++) {
      assertStatus(await challenge(relay, txn, 'code'), 201);
    }
    const limited = await challenge(relay, txn, 'code');
    assertProblem(limited, 429, 'rate_limited');
    assert.ok(limited.json.retry_after > HOUR_S - 120 && limited.json.retry_after <= HOUR_S);
    assert.equal(limited.headers['retry-after'], String(limited.json.retry_after));
    assert.equal((await shown(account.first)).length, 3);
    for (let i = 0; i < 2; i++) {
      assertStatus(await challenge(relay, txn, 'totp'), 201);
    }
    assertProblem(await challenge(relay, txn, 'totp'), 404, 'txn_unknown');
    const { json: other } = await begin(relay, 'link', whom(account));
    assertProblem(await challenge(relay, other, 'code'), 429, 'rate_limited');
    assertStatus(await challenge(relay, other, 'totp'), 201);
  });

  it('is answered alike for whom there is not', async (relay) => {
    const { alice, a } = await relay.pair();
    const erased = await relay.account();
    assertStatus(await erased.first.command(OP.accountDelete, 'DELETE', '/v1/account',
      { account_id: erased.idText }), 204);
    const kindsOf = new Set();
    const strangers = Array.from({ length: 40 }, () => ({ handle: newName() }));
    for (const stranger of [...strangers, { account_id: b64u(ciphertext(32)) }, whom(erased)]) {
      const first = await begin(relay, 'link', stranger);
      const again = await begin(relay, 'link', stranger);
      assertStatus(first, 201);
      assert.deepEqual(again.json.kinds, first.json.kinds);
      assert.equal(first.json.kinds[0], 'code');
      kindsOf.add(first.json.kinds.join());
    }
    assert.ok(kindsOf.size > 1, 'decoys have kinds of their own');
    const decoy = await started(relay, 'link', strangers[0], 'code');
    const real = await started(relay, 'link', whom(alice), 'code');
    const wrong = wrongCode(await codeOf(a));
    const shapes = [];
    for (const { txn, challenge: asked } of [decoy, real]) {
      const replies = [];
      for (let i = 0; i < 6; i++) {
        replies.push(await answer(relay, txn, asked, wrong));
      }
      assert.deepEqual(Object.keys(asked), Object.keys(real.challenge));
      shapes.push(replies.map(({ status, body }) => [status, body.toString()]));
    }
    assert.deepEqual(shapes[0], shapes[1]);
    for (let i = 0; i < 2; i++) {
      assertStatus(await challenge(relay, decoy.txn, 'code'), 201);
    }
    assertProblem(await challenge(relay, decoy.txn, 'code'), 429, 'rate_limited');
  });

  it('refuses what cannot be', async (relay) => {
    const account = await relay.account();
    const post = (json) => relay.call('POST', '/v1/txns', { json });
    const { idText } = account;
    assertProblem(await post({ account_id: idText }), 400, 'malformed', { member: 'purpose' });
    assertProblem(await post({ purpose: 'fun', account_id: idText }), 422, 'value_invalid',
      { member: 'purpose' });
    assertProblem(await post({ purpose: 'link' }), 400, 'malformed', { member: 'account_id' });
    assertProblem(await post({ purpose: 'link', account_id: 'AA' }), 400, 'malformed',
      { member: 'account_id' });
    assertProblem(await post({ purpose: 'link', account_id: idText, handle: 'ada' }), 422,
      'value_invalid', { member: 'handle' });
    assertProblem(await post({ purpose: 'link', handle: 'a b' }), 422, 'value_invalid',
      { member: 'handle' });
    assertProblem(await post({ purpose: 'link', account_id: idText, extra: 1 }), 400, 'malformed',
      { member: 'extra' });

    const { txn, challenge: asked } = await started(relay, 'link', whom(account), 'code');
    assertProblem(await challenge(relay, txn, 'fun'), 422, 'value_invalid', { member: 'kind' });
    assertProblem(await challenge(relay, txn, 'totp'), 422, 'value_invalid', { member: 'kind' });
    assertProblem(await challenge(relay, txn, 7), 400, 'malformed', { member: 'kind' });
    assertProblem(await challenge(relay, { txn_id: 'AA' }, 'code'), 400, 'malformed',
      { member: 'txn_id' });
    assertProblem(await challenge(relay, { txn_id: id16() }, 'code'), 404, 'txn_unknown');

    for (const text of ['', '12345', '1234567', '12345a', '١٢٣٤٥٦', '1'.repeat(65)]) {
      assertProblem(await answer(relay, txn, asked, text), 422, 'value_invalid',
        { member: 'answer' });
    }
    assertProblem(await answer(relay, txn, asked, 123456), 400, 'malformed', { member: 'answer' });
    assertProblem(await answer(relay, txn, { challenge_id: '!' }, '123456'), 400, 'malformed',
      { member: 'challenge_id' });
    assertProblem(await answer(relay, txn, { challenge_id: id16() }, '123456'), 404,
      'challenge_unknown');
    const other = (await begin(relay, 'link', whom(account))).json;
    const code = await codeOf(account.first);
    assertProblem(await answer(relay, other, asked, code), 404, 'challenge_unknown');
    ok(await answer(relay, txn, asked, code)); // none of these was counted
  });
});

scene('wrong answers are counted over days, whatever they answer, and right ones are not', { clock },
  async (relay) => {
    const account = await relay.account();
    const app = await enrolApp(account.first);
    let wrong = 0;
    const guess = async (kind) => {
      const { txn, challenge: asked } = await started(relay, 'link', whom(account), kind);
      const text = wrongAppCode(app.secret, relay);
      const replies = [];
      for (let i = 0; i < 5; i++) {
        replies.push(await answer(relay, txn, asked, text));
      }
      wrong += replies.filter(({ status }) => status === 403).length;
      return replies;
    };
    const full = async (least, most) => {
      const { txn, challenge: asked } = await started(relay, 'link', whom(account), 'totp');
      const reply = await answer(relay, txn, asked, appCode(app.secret, relay));
      assertProblem(reply, 429, 'rate_limited');
      assert.ok(reply.json.retry_after > least && reply.json.retry_after <= most,
        String(reply.json.retry_after));
    };
    for (let day = 0; day < 3; day++) {
      await grantOf(account.first, 'link', 'totp', appCode(app.secret, relay, 1));
      await guess('code');
      await guess('totp');
      assert.equal(wrong, 10 * (day + 1));
      if (day < 2) {
        await full(DAY_S - 120, DAY_S);
        relay.clock.advance(DAY_S + 60);
        await account.first.login();
      }
    }
    await full(27 * DAY_S, 28 * DAY_S);
    relay.clock.advance(2 * DAY_S);
    await account.first.login();
    await full(25 * DAY_S, 26 * DAY_S);
    relay.clock.advance(26 * DAY_S);
    await account.first.login();
    await grantOf(account.first, 'link', 'totp', appCode(app.secret, relay, 1));
    assert.equal(await relay.metric('factor_guesses_refused_total'), 4);
  });

scene('a transaction and its grant end', { clock }, async (relay) => {
  const account = await relay.account();
  const { first } = account;
  await enrolApp(first);
  const { txn, challenge: asked } = await started(relay, 'link', whom(account), 'code');
  const code = await codeOf(first);
  relay.clock.advance(601);
  assertProblem(await answer(relay, txn, asked, code), 404, 'challenge_unknown');
  assertProblem(await challenge(relay, txn, 'code'), 404, 'txn_unknown');
  assert.deepEqual(await shown(first), []);
});

scene('counts and codes outlive the relay', {}, async (relay) => {
  const account = await relay.account();
  const { txn, challenge: asked } = await started(relay, 'link', whom(account), 'code');
  const code = await codeOf(account.first);
  for (let left = 4; left >= 3; left--) {
    assertProblem(await answer(relay, txn, asked, wrongCode(code)), 403, 'answer_wrong',
      { attempts_left: left });
  }
  await relay.kill();
  await relay.up();
  assert.equal(await codeOf(account.first), code);
  assertProblem(await answer(relay, txn, asked, wrongCode(code)), 403, 'answer_wrong',
    { attempts_left: 2 });
  ok(await answer(relay, txn, asked, code));
});

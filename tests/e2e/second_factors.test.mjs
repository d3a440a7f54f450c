// SPDX-License-Identifier: Apache-2.0
// Second factors: apps, recovery codes, what they stand beside, and what devices hear of it.
import assert from 'node:assert/strict';
import { b64u, ciphertext } from './support/bytes.mjs';
import {
  answer, appCode, appTime, begin, confirm, enrol, enrolApp, factorsOf, grantOf, logOf, remove, shown,
  started,
} from './support/txns.mjs';
import { household } from './support/holds.mjs';
import { STEP_S, oathtool, otplib } from './support/otp.mjs';
import { assertProblem, assertStatus, ok, scene, suite } from './support/scene.mjs';
import { OP, handleBinding } from './support/signing.mjs';

const clock = true;
const whom = (account) => ({ account_id: account.idText });
const erase = (device, fields = {}) => device.command(OP.accountDelete, 'DELETE', '/v1/account',
  { account_id: device.account.idText, ...fields });
const byApp = (device, app, purpose = 'stepup') => grantOf(device, purpose, 'totp',
  appCode(app.secret, device.relay, 1));
const byRecovery = (device, code) => grantOf(device, 'stepup', 'recovery_code', code);

async function enrolCodes(device, fields = {}) {
  const made = await enrol(device, { kind: 'recovery_code', ...fields });
  assertStatus(made, 201);
  return made.json;
}

let made = 0;
const newName = () => `factor-${process.pid}-${++made}`;

suite('an app', {}, (it) => {
  it('is pending until its first code, whose step is used', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    const label = b64u(ciphertext(40));
    const reply = await enrol(first, { kind: 'totp', label });
    assertStatus(reply, 201);
    const { factor_id: id, secret } = reply.json;
    const [pending] = await factorsOf(first);
    assert.deepEqual([pending.factor_id, pending.kind, pending.confirmed, pending.label],
      [id, 'totp', false, label]);
    assert.deepEqual((await begin(relay, 'stepup', whom(account))).json.kinds, ['code']);
    assertProblem(await confirm(first, { factor_id: id, answer: appCode(secret, relay, 40) }), 403,
      'answer_wrong');
    const code = appCode(secret, relay);
    assertStatus(await confirm(first, { factor_id: id, answer: code }), 204);
    assertProblem(await confirm(first, { factor_id: id, answer: code }), 404, 'factor_unknown');
    assert.equal((await factorsOf(first))[0].confirmed, true);
    const { txn, challenge } = await started(relay, 'stepup', whom(account), 'totp');
    assert.deepEqual(txn.kinds, ['totp']);
    assertProblem(await answer(relay, txn, challenge, code), 403, 'answer_wrong');
    const next = appCode(secret, relay, 1);
    ok(await answer(relay, txn, challenge, `${next.slice(0, 3)} ${next.slice(3)}`));
  });

  it('has a step accepted once, of several answers at once', async (relay) => {
    const account = await relay.account();
    const app = await enrolApp(account.first);
    const both = [await started(relay, 'link', whom(account), 'totp'),
      await started(relay, 'vault', whom(account), 'totp')];
    const code = appCode(app.secret, relay, 1);
    const statuses = (await Promise.all(both.map(
      ({ txn, challenge }) => answer(relay, txn, challenge, code),
    ))).map(({ status }) => status);
    assert.deepEqual(statuses.sort(), [200, 403]);
  });

  it('is one of five, by commands of admin devices', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    const [plain] = await account.grow(2);
    assertProblem(await enrol(plain, { kind: 'totp' }), 403, 'not_admin');
    assertProblem(await first.call('POST', '/v1/factors', { json: { kind: 'totp' } }), 401,
      'command_invalid');
    const apps = [];
    for (let i = 0; i < 5; i++) {
      const reply = await enrol(first, { kind: 'totp' });
      assertStatus(reply, 201);
      apps.push(reply.json);
    }
    assert.equal(new Set(apps.map(({ secret }) => secret)).size, 5);
    assertProblem(await enrol(first, { kind: 'totp' }), 409, 'factor_limit', { max: 5 });
    const [{ factor_id: id, secret }, { factor_id: other }] = apps;
    const code = appCode(secret, relay);
    assertProblem(await confirm(plain, { factor_id: id, answer: code }), 403, 'not_admin');
    assertProblem(await first.call('POST', '/v1/factors/confirm',
      { json: { factor_id: id, answer: code } }), 401, 'command_invalid');
    const seq = ++first.commandSeq;
    assertStatus(await remove(first, { factor_id: other }, { seq }), 204);
    for (const reply of [
      await remove(first, { factor_id: id }, { seq }),
      await confirm(first, { factor_id: id, answer: code }, { seq }),
      await enrol(first, { kind: 'totp' }, { seq }),
    ]) {
      assertProblem(reply, 409, 'command_replayed', { last_seq: seq });
    }
    assertProblem(await remove(plain, { factor_id: id }), 403, 'not_admin');
    assertProblem(await first.call('DELETE', '/v1/factors', { json: { factor_id: id } }), 401,
      'command_invalid');
    assertStatus(await confirm(first, { factor_id: id, answer: code }), 204);
  });

  it('of a stolen device cannot be added to others', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    const early = (await enrol(first, { kind: 'totp' })).json;
    const app = await enrolApp(first);
    assertProblem(await enrol(first, { kind: 'totp' }), 403, 'stepup_required');
    assertProblem(await enrol(first, { kind: 'recovery_code' }), 403, 'stepup_required');
    assertProblem(await confirm(first, {
      factor_id: early.factor_id, answer: appCode(early.secret, relay),
    }), 403, 'stepup_required');
    const second = await enrolApp(first, { grant: await byApp(first, app) });
    assert.equal((await factorsOf(first)).filter(({ confirmed }) => confirmed).length, 2);
    const { txn, challenge } = await started(relay, 'stepup', whom(account), 'totp');
    ok(await answer(relay, txn, challenge, appCode(second.secret, relay, 1)));
  });

  it('refuses what cannot be', async (relay) => {
    const { first } = await relay.account();
    const unknown = b64u(ciphertext(16));
    assertProblem(await enrol(first, {}), 400, 'malformed', { member: 'kind' });
    for (const kind of ['code', 'pin', '']) {
      assertProblem(await enrol(first, { kind }), 422, 'value_invalid', { member: 'kind' });
    }
    assertProblem(await enrol(first, { kind: 'totp', label: b64u(ciphertext(257)) }), 422,
      'value_invalid', { member: 'label' });
    assertProblem(await enrol(first, { kind: 'totp', label: '=' }), 400, 'malformed',
      { member: 'label' });
    assertProblem(await enrol(first, { kind: 'totp', grant: 'AA' }), 400, 'malformed',
      { member: 'grant' });
    assertProblem(await enrol(first, { kind: 'totp', grant: b64u(ciphertext(32)) }), 403,
      'stepup_required');
    assertProblem(await confirm(first, { factor_id: unknown, answer: '12345' }), 422,
      'value_invalid', { member: 'answer' });
    assertProblem(await confirm(first, { factor_id: 'AA', answer: '123456' }), 400, 'malformed',
      { member: 'factor_id' });
    assertProblem(await confirm(first, { factor_id: unknown, answer: '123456' }), 404,
      'factor_unknown');
    assertProblem(await remove(first, { factor_id: unknown }), 404, 'factor_unknown');
    assertProblem(await remove(first, {}), 400, 'malformed', { member: 'factor_id' });
    assertProblem(await remove(first, { factor_id: unknown, grant: 7 }), 400, 'malformed',
      { member: 'grant' });
    assertProblem(await first.call('GET', '/v1/account/log?after=x'), 400, 'malformed',
      { member: 'after' });
    assertProblem(await first.call('GET', '/v1/account/log?before=1'), 400, 'malformed',
      { member: 'before' });
    assert.deepEqual(await factorsOf(first), []);
  });
});

suite('recovery codes', {}, (it) => {
  it('are ten, good once each, and made anew', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    const set = await enrolCodes(first);
    assert.equal(new Set(set.codes).size, 10);
    assert.deepEqual((await begin(relay, 'recover', whom(account))).json.kinds,
      ['code', 'recovery_code']);
    const left = async () => (await factorsOf(first)).map((each) => each.codes_left);
    assert.deepEqual(await left(), [10]);
    const typed = set.codes[0].toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o');
    await byRecovery(first, typed);
    assert.deepEqual(await left(), [9]);
    const { txn, challenge } = await started(relay, 'stepup', whom(account), 'recovery_code');
    assertProblem(await answer(relay, txn, challenge, set.codes[0]), 403, 'answer_wrong');
    assertProblem(await answer(relay, txn, challenge, 'U'.repeat(16)), 422, 'value_invalid',
      { member: 'answer' });
    const { grant } = ok(await answer(relay, txn, challenge, set.codes[1]));
    const again = await enrolCodes(first, { grant });
    assert.deepEqual(await left(), [10]);
    const old = await started(relay, 'stepup', whom(account), 'recovery_code');
    assertProblem(await answer(relay, old.txn, old.challenge, set.codes[2]), 403, 'answer_wrong');
    ok(await answer(relay, old.txn, old.challenge, again.codes[2]));
  });

  it('of another account are wrong', async (relay) => {
    const { alice, a, b } = await relay.pair();
    await enrolCodes(a);
    const { codes } = await enrolCodes(b);
    const { txn, challenge } = await started(relay, 'stepup', whom(alice), 'recovery_code');
    assertProblem(await answer(relay, txn, challenge, codes[0]), 403, 'answer_wrong');
    assert.equal((await factorsOf(b))[0].codes_left, 10);
  });

  it('give one grant for a code that comes twice at once', async (relay) => {
    const account = await relay.account();
    const { codes } = await enrolCodes(account.first);
    const both = [await started(relay, 'link', whom(account), 'recovery_code'),
      await started(relay, 'vault', whom(account), 'recovery_code')];
    const statuses = (await Promise.all(both.map(
      ({ txn, challenge }) => answer(relay, txn, challenge, codes[0]),
    ))).map(({ status }) => status);
    assert.deepEqual(statuses.sort(), [200, 403]);
  });
});

suite('a step-up', {}, (it) => {
  it('is needed to erase an account, to give a handle up and to remove a factor', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    const handle = newName();
    assertStatus(await first.call('POST', '/v1/handles', {
      json: { handle, binding: b64u(handleBinding(first, handle, 0)) },
    }), 201);
    const release = (fields = {}) => first.command(OP.handleRelease, 'DELETE', '/v1/handles',
      { handle, ...fields });
    const { codes } = await enrolCodes(first);
    const [{ factor_id: id }] = await factorsOf(first);
    const bad = [{}, { grant: b64u(ciphertext(32)) }];
    for (const fields of bad) {
      assertProblem(await release(fields), 403, 'stepup_required');
      assertProblem(await remove(first, { factor_id: id, ...fields }), 403, 'stepup_required');
      assertProblem(await erase(first, fields), 403, 'stepup_required');
    }
    const linking = await grantOf(first, 'link', 'recovery_code', codes[0]);
    assertProblem(await release({ grant: linking }), 403, 'stepup_required');
    const grant = await byRecovery(first, codes[1]);
    assertProblem(await release({ handle: `${handle}x`, grant }), 404, 'handle_unknown');
    assertStatus(await release({ grant }), 204);
    assertProblem(await erase(first, { grant }), 403, 'stepup_required');
    assertStatus(await erase(first, { grant: await byRecovery(first, codes[2]) }), 204);
  });

  it('is spent when the erasure is held', async (relay) => {
    const { devices: [first] } = await household(relay);
    const { codes } = await enrolCodes(first);
    assertProblem(await erase(first), 403, 'stepup_required');
    const grant = await byRecovery(first, codes[0]);
    const held = await erase(first, { grant });
    assertStatus(held, 202);
    assert.deepEqual((await erase(first)).json, held.json); // it waits already
    const [{ factor_id: id }] = await factorsOf(first);
    assertProblem(await remove(first, { factor_id: id, grant }), 403, 'stepup_required');
  });

  it('of one account is none of another', async (relay) => {
    const { a, b } = await relay.pair();
    const { codes } = await enrolCodes(a);
    await enrolCodes(b);
    assertProblem(await erase(b, { grant: await byRecovery(a, codes[0]) }), 403,
      'stepup_required');
  });

  it('is good for one of many at once', async (relay) => {
    const { first } = await relay.account();
    const { codes } = await enrolCodes(first);
    const grant = await byRecovery(first, codes[0]);
    const statuses = [];
    for (const reply of await Promise.all(Array.from({ length: 8 },
      () => enrol(first, { kind: 'totp', grant })))) {
      statuses.push(reply.status);
    }
    assert.equal(statuses.filter((status) => status === 201).length, 1);
  });

  it('is not needed any more when the last factor is gone', async (relay) => {
    const { first } = await relay.account();
    const app = await enrolApp(first);
    const { factor_id: id } = app;
    assertStatus(await remove(first, { factor_id: id, grant: await byApp(first, app) }), 204);
    assert.deepEqual(await factorsOf(first), []);
    assertStatus(await erase(first), 204);
  });
});

suite('devices', {}, (it) => {
  it('hear of every change, and read of it later', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    const [second] = await account.grow(2);
    const stream = await second.open();
    const heard = () => stream.event('factor.changed');
    const app = await enrolApp(first);
    const changes = [await heard()];
    const grant = await byApp(first, app);
    changes.push(await heard());
    const { codes } = await enrolCodes(first, { grant });
    changes.push(await heard());
    const stepup = await byRecovery(first, codes[0]);
    changes.push(await heard());
    assertStatus(await remove(first, { factor_id: app.factor_id, grant: stepup }), 204);
    changes.push(await heard());
    const wanted = [
      { change: 'enrolled', factor_kind: 'totp', device_id: 1 },
      { change: 'used', factor_kind: 'totp', purpose: 'stepup' },
      { change: 'enrolled', factor_kind: 'recovery_code', device_id: 1 },
      { change: 'used', factor_kind: 'recovery_code', purpose: 'stepup' },
      { change: 'removed', factor_kind: 'totp', device_id: 1 },
    ];
    assert.deepEqual(changes, wanted.map(
      (each) => ({ kind: 'event', event: 'factor.changed', ...each }),
    ));
    const { entries, more } = await logOf(second);
    assert.equal(more, false);
    assert.deepEqual(entries.map(({ entry, at, ...rest }) => rest), wanted);
    const rest = await logOf(second, `?after=${entries[2].entry}`);
    assert.deepEqual(rest.entries, entries.slice(3));
    const report = ok(await second.call('GET', '/v1/account/report'));
    assert.equal(report.log_entries, 5);
    assert.deepEqual(report.factors, await factorsOf(first));
  });

  it('of an erased account leave nothing of its factors', async (relay) => {
    const account = await relay.account();
    const { codes } = await enrolCodes(account.first);
    const open = await started(relay, 'link', whom(account), 'code');
    const code = (await shown(account.first))[0].code;
    const grant = await byRecovery(account.first, codes[0]);
    assertStatus(await erase(account.first, { grant }), 204);
    assertProblem(await answer(relay, open.txn, open.challenge, code), 403, 'answer_wrong');
    const next = await begin(relay, 'link', whom(account));
    assertStatus(next, 201);
    assert.equal(next.json.kinds[0], 'code');
  });
});

scene('a grant that is not used ends', { clock }, async (relay) => {
  const { first } = await relay.account();
  const app = await enrolApp(first);
  const grant = await byApp(first, app);
  relay.clock.advance(301);
  assertProblem(await erase(first, { grant }), 403, 'stepup_required');
  assertStatus(await erase(first, { grant: await byApp(first, app) }), 204);
});

scene('codes of an app by others are taken a step early and late, and no further', { clock },
  async (relay) => {
    const { first } = await relay.account();
    const app = await enrolApp(first);
    relay.clock.advance(4 * STEP_S);
    for (const codeOf of [otplib, oathtool]) {
      relay.clock.advance(5 * STEP_S - ((appTime(relay) + STEP_S / 2) % STEP_S)); // amid a step
      const replies = [];
      for (const steps of [-2, 2, -1, 0, 1]) {
        const asked = await started(relay, 'stepup', whom(first.account), 'totp');
        replies.push(await answer(relay, asked.txn, asked.challenge,
          codeOf(app.secret, appTime(relay, steps))));
      }
      assert.deepEqual(replies.map(({ status }) => status), [403, 403, 200, 200, 200]);
      assertProblem(replies[0], 403, 'answer_wrong');
    }
  });

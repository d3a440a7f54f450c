// SPDX-License-Identifier: Apache-2.0
// Second factors, as programs by others know them: codes of oathtool and otplib, and a client of OPAQUE.
import * as opaque from '@serenity-kit/opaque';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { b64u, fromB64u } from './support/bytes.mjs';
import { factors } from './support/factors.mjs';
import { STEP_S, oathtool, otplib } from './support/otp.mjs';

await opaque.ready;

// How a client stretches a password is its own affair: cheaply in all tests but one.
const CHEAP = { 'argon2id-custom': { iterations: 1, memory: 8, parallelism: 1 } };
const SOME_TIMES = [0, 59, 1111111109, 1790000015, 4102444800, 20000000000];

describe('one-time codes', () => {
  const call = factors();

  for (const [name, codeOf] of Object.entries({ oathtool, otplib })) {
    it(`are those of ${name}, which reads the text of the secret`, async () => {
      for (const at of SOME_TIMES) {
        const { secret, text } = await call('totp_secret');
        assert.match(text, /^[A-Z2-7]{32}$/);
        assert.deepEqual(
          await call('totp_check', { secret, typed: codeOf(text, at), now_ms: at * 1000 }),
          { step: Math.floor(at / STEP_S) },
        );
      }
    });

    it(`are taken from ${name} a step early and late, once, and not from another secret`, async () => {
      const at = SOME_TIMES[3];
      const step = Math.floor(at / STEP_S);
      const [{ secret, text }, other] = [await call('totp_secret'), await call('totp_secret')];
      const check = (from, code_at, last_step) => call('totp_check', {
        secret: from, typed: codeOf(text, code_at), now_ms: at * 1000, last_step,
      });
      assert.equal(await check(secret, at - 2 * STEP_S), null);
      assert.deepEqual(await check(secret, at - STEP_S), { step: step - 1 });
      assert.deepEqual(await check(secret, at + STEP_S), { step: step + 1 });
      assert.equal(await check(secret, at + 2 * STEP_S), null);
      assert.equal(await check(secret, at, step), null);
      assert.equal(await check(other.secret, at), null);
    });
  }
});

describe('OPAQUE', () => {
  const call = factors();

  // Somebody who registers a password with a server, and may log in there.
  async function person(password, {
    key = b64u(randomBytes(32)), credential_id = b64u(randomBytes(32)), keyStretching = CHEAP,
  } = {}) {
    const { clientRegistrationState, registrationRequest } = opaque.client.startRegistration({ password });
    assert.equal(fromB64u(registrationRequest).length, 32);
    const { response } = await call('opaque_register', { key, credential_id, request: registrationRequest });
    const { registrationRecord, exportKey, serverStaticPublicKey } = opaque.client.finishRegistration({
      clientRegistrationState, registrationResponse: response, password, keyStretching,
    });
    assert.equal(fromB64u(registrationRecord).length, 192);
    return {
      key, credential_id, record: registrationRecord, exportKey, serverStaticPublicKey, keyStretching,
    };
  }

  // A login: what the client got out of it, if anything, and what the server said.
  async function login(password, {
    key, credential_id, record, keyStretching,
  }) {
    const { clientLoginState, startLoginRequest } = opaque.client.startLogin({ password });
    const answer = await call('opaque_answer', {
      key, credential_id, record, ke1: startLoginRequest,
    });
    const result = opaque.client.finishLogin({
      clientLoginState, loginResponse: answer.ke2, password, keyStretching,
    });
    return { answer, result };
  }

  const finish = ({ answer, result }) => call('opaque_finish', {
    verifier: answer.verifier, ke3: result.finishLoginRequest,
  });

  it('lets the right password in, and both have the same keys', async () => {
    const ada = await person('correct horse battery staple', { keyStretching: 'memory-constrained' });
    const first = await login('correct horse battery staple', ada);
    assert.equal(first.result.sessionKey, first.answer.session_key);
    assert.equal(first.result.exportKey, ada.exportKey);
    assert.equal(first.result.serverStaticPublicKey, ada.serverStaticPublicKey);
    assert.equal(await finish(first), true);
    const second = await login('correct horse battery staple', ada);
    assert.equal(await finish(second), true);
    assert.notEqual(second.answer.session_key, first.answer.session_key);
    assert.equal(await finish({ answer: second.answer, result: first.result }), false);
  });

  it('gives nothing to a wrong password, whose client then knows so', async () => {
    const ada = await person('correct horse battery staple');
    const { answer, result } = await login('correct horse battery stable', ada);
    assert.equal(result, undefined);
    assert.equal(fromB64u(answer.ke2).length, 320);
  });

  it('answers for somebody unknown as for a wrong password', async () => {
    const ada = await person('correct horse battery staple');
    const nobody = { ...ada, credential_id: b64u(randomBytes(32)), record: undefined };
    const [wrong, unknown] = [await login('another', ada), await login('another', nobody)];
    assert.equal(unknown.result, undefined);
    assert.equal(unknown.answer.ke2.length, wrong.answer.ke2.length);
    assert.deepEqual(Object.keys(unknown.answer), Object.keys(wrong.answer));
  });

  it('wants the record, the name and the key that belong together', async () => {
    const ada = await person('a password of Ada');
    const bob = await person('a password of Bob', { key: ada.key });
    const elsewhere = await person('a password of Ada', { credential_id: ada.credential_id });
    for (const mixed of [{ record: bob.record }, { credential_id: bob.credential_id }, { key: elsewhere.key }]) {
      const { result } = await login('a password of Ada', { ...ada, ...mixed });
      assert.equal(result, undefined);
    }
    assert.equal(await finish(await login('a password of Ada', ada)), true);
  });
});

describe('the client of OPAQUE', () => {
  const call = factors();
  const PASSWORD = 'correct horse battery staple';
  const STRETCH = { iterations: 2, memory: 64 };
  const SAME = { 'argon2id-custom': { ...STRETCH, parallelism: 1 } };
  const userIdentifier = 'ada';

  // Registered with a server by others: what that keeps, and the client's export key.
  async function registered(serverSetup) {
    const { registrationResponse: response } = opaque.server.createRegistrationResponse({
      serverSetup, userIdentifier, registrationRequest: await call('client_register', { password: PASSWORD }),
    });
    return call('client_enrol', { response, ...STRETCH });
  }

  async function login(serverSetup, registrationRecord, password, stretch = STRETCH) {
    const startLoginRequest = await call('client_begin', { password });
    const { serverLoginState, loginResponse: ke2 } = opaque.server.startLogin({
      serverSetup, userIdentifier, registrationRecord, startLoginRequest,
    });
    return { serverLoginState, found: await call('client_finish', { ke2, ...stretch }) };
  }

  it('is let in by a server by others, and both have the same keys', async () => {
    const setup = opaque.server.createSetup();
    const { record, export_key: exportKey } = await registered(setup);
    const { serverLoginState, found } = await login(setup, record, PASSWORD);
    const { sessionKey } = opaque.server.finishLogin({ serverLoginState, finishLoginRequest: found.ke3 });
    assert.equal(found.session_key, sessionKey);
    assert.equal(found.export_key, exportKey);
  });

  it('knows a wrong password, another stretching, another server and nobody', async () => {
    const setup = opaque.server.createSetup();
    const { record } = await registered(setup);
    assert.equal((await login(setup, record, 'correct horse battery stable')).found, null);
    assert.equal((await login(setup, record, PASSWORD, { ...STRETCH, iterations: 3 })).found, null);
    assert.equal((await login(opaque.server.createSetup(), record, PASSWORD)).found, null);
    assert.equal((await login(setup, undefined, PASSWORD)).found, null);
    assert.notEqual((await login(setup, record, PASSWORD)).found, null);
  });

  it('stretches as a client by others does', async () => {
    const setup = opaque.server.createSetup();
    const { record, export_key: exportKey } = await registered(setup);
    const { clientLoginState, startLoginRequest } = opaque.client.startLogin({ password: PASSWORD });
    const { loginResponse } = opaque.server.startLogin({
      serverSetup: setup, userIdentifier, registrationRecord: record, startLoginRequest,
    });
    const result = opaque.client.finishLogin({
      clientLoginState, loginResponse, password: PASSWORD, keyStretching: SAME,
    });
    assert.equal(result?.exportKey, exportKey);
  });
});

// SPDX-License-Identifier: Apache-2.0
// A client of OPAQUE by others (npm @serenity-kit/opaque) against the relay.
import * as opaque from '@serenity-kit/opaque';
import { assertStatus } from './scene.mjs';
import { begin, challenge, answer, confirm, enrol } from './txns.mjs';

await opaque.ready;

// How a client stretches a password is its own affair: cheaply in tests.
const keyStretching = { 'argon2id-custom': { iterations: 1, memory: 8, parallelism: 1 } };

// The first half of a registration: { reply, finish }, which makes the record and the export key.
export async function startPassword(device, password, fields = {}) {
  const { clientRegistrationState, registrationRequest } = opaque.client.startRegistration({ password });
  const reply = await enrol(device, { kind: 'password', request: registrationRequest, ...fields });
  const finish = () => opaque.client.finishRegistration({
    clientRegistrationState, registrationResponse: reply.json.response, password, keyStretching,
  });
  return { reply, finish };
}

// A password of the account: { factor_id, exportKey, record }.
export async function setPassword(device, password, fields = {}) {
  const { reply, finish } = await startPassword(device, password, fields);
  assertStatus(reply, 201);
  const { registrationRecord, exportKey } = finish();
  const { factor_id: id } = reply.json;
  assertStatus(await confirm(device, { factor_id: id, record: registrationRecord }), 204);
  return { factor_id: id, exportKey, record: registrationRecord };
}

export const startLogin = (password) => opaque.client.startLogin({ password });

// What the client makes of KE2: undefined when the password is wrong.
export const finishLogin = ({ clientLoginState }, ke2, password) => opaque.client.finishLogin({
  clientLoginState, loginResponse: ke2, password, keyStretching,
});

// KE1 in a transaction: { reply, result }, where result is undefined when the password is wrong.
export async function knock(relay, txn, password) {
  const login = startLogin(password);
  const reply = await challenge(relay, txn, 'password', { ke1: login.startLoginRequest });
  return { reply, result: reply.status === 201 ? finishLogin(login, reply.json.ke2, password) : undefined };
}

// The same in one of its own, which is left open: { txn, reply, result }.
export async function login(relay, purpose, whom, password) {
  const txn = await begin(relay, purpose, whom);
  assertStatus(txn, 201);
  return { txn: txn.json, ...await knock(relay, txn.json, password) };
}

// KE3.
export const finish = (relay, { txn, reply, result }) => answer(relay, txn, reply.json, result.finishLoginRequest);

// A grant by the right password.
export async function grantByPassword(device, purpose, password) {
  const { relay } = device;
  const done = await finish(relay, await login(relay, purpose, { account_id: device.account.idText }, password));
  assertStatus(done, 200);
  return done.json.grant;
}

// SPDX-License-Identifier: Apache-2.0
// Second factors as clients use them.  What an app shows, oathtool says.
import assert from 'node:assert/strict';
import { STEP_S, oathtool } from './otp.mjs';
import { assertStatus, ok } from './scene.mjs';
import { OP } from './signing.mjs';

// When the app steps from now, on the clock of relay: Unix seconds.
export const appTime = (relay, steps = 0) => Math.floor(Date.now() / 1000)
  + (relay.clock?.offset ?? 0) + steps * STEP_S;

// The code of an app so many steps from now.  A test confirms by that of now and goes on with the next
// one: the relay accepts both, also when a step ends in between.
export const appCode = (secret, relay, steps = 0) => oathtool(secret, appTime(relay, steps));

// Digits that an app shows neither now nor soon, nor did of late.
export const wrongAppCode = (secret, relay) => {
  const near = [-1, 0, 1, 2].map((steps) => appCode(secret, relay, steps));
  return ['000000', '000001', '000002', '000003', '000004'].find((each) => !near.includes(each));
};

export const begin = (relay, purpose, whom) => relay.call('POST', '/v1/txns', {
  json: { purpose, ...whom },
});

export const challenge = (relay, txn, kind, fields = {}) => relay.call(
  'POST', `/v1/txns/${txn.txn_id}/challenges`, { json: { kind, ...fields } },
);

export const respond = (relay, txn, { challenge_id: id }, json, headers = {}) => relay.call(
  'POST', `/v1/txns/${txn.txn_id}/challenges/${id}`, { json, headers },
);

export const answer = (relay, txn, asked, text, headers = {}) => respond(relay, txn, asked,
  { answer: text }, headers);

const made = (reply) => {
  assertStatus(reply, 201);
  return reply.json;
};

// A transaction with one challenge: { txn, challenge }.
export async function started(relay, purpose, whom, kind) {
  const txn = made(await begin(relay, purpose, whom));
  return { txn, challenge: made(await challenge(relay, txn, kind)) };
}

// What a device would show.
export const shown = async (device) => ok(await device.call('GET', '/v1/account/challenges'))
  .challenges;

export const enrol = (device, json, options) => device.command(
  OP.factorEnrol, 'POST', '/v1/factors', json, options,
);

export const confirm = (device, json, options) => device.command(
  OP.factorEnrol, 'POST', '/v1/factors/confirm', json, options,
);

export const remove = (device, json, options) => device.command(
  OP.factorRemove, 'DELETE', '/v1/factors', json, options,
);

export const factorsOf = async (device) => ok(await device.call('GET', '/v1/factors')).factors;

export const logOf = async (device, query = '') => ok(
  await device.call('GET', `/v1/account/log${query}`),
);

// An app of the account that is confirmed: { factor_id, secret }.
export async function enrolApp(device, fields = {}) {
  const app = made(await enrol(device, { kind: 'totp', ...fields }));
  const { relay } = device;
  assertStatus(await confirm(device, {
    factor_id: app.factor_id, answer: appCode(app.secret, relay),
  }), 204);
  return app;
}

// A grant by a right answer of kind; text is one, or makes one.
export async function grantOf(device, purpose, kind, text) {
  const { relay } = device;
  const { txn, challenge: started_ } = await started(relay, purpose,
    { account_id: device.account.idText }, kind);
  const reply = await answer(relay, txn, started_, typeof text === 'function' ? await text() : text);
  assertStatus(reply, 200);
  assert.equal(reply.json.purpose, purpose);
  return reply.json.grant;
}

// Another code than this one.
export const wrongCode = (code) => String((Number(code) + 1) % 1_000_000).padStart(6, '0');

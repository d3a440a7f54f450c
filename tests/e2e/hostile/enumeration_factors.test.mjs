// SPDX-License-Identifier: Apache-2.0
// Nobody tells by the time of an answer whether there is an account, or what it has enrolled.  For a build
// without sanitizers.  Limits allow ten guesses an account, so there are many accounts.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  Authenticator, BE, UP, UV,
} from '../support/authenticator.mjs';
import { b64u, fromB64u } from '../support/bytes.mjs';
import { setPassword, startLogin } from '../support/passwords.mjs';
import { assertStatus, scene } from '../support/scene.mjs';
import { WARM_UP, compare, requestOf } from '../support/timing.mjs';
import {
  begin, challenge, confirm, enrol, enrolApp,
} from '../support/txns.mjs';

const PAIRS = 800;
const ASKED = PAIRS + WARM_UP;
const GUESSES = 10; // of an account in a day
const IN_TXN = 5;
const ACCOUNTS = ASKED / GUESSES;
const AT_ONCE = 20;
const ORIGIN = 'https://relay.example';
const set = {
  rate_challenges: '0', rate_failures: '0', rate_address: '0', rate_registrations: '0', webauthn_origins: ORIGIN,
};
const { startLoginRequest: ke1 } = startLogin('wrong');
const place = (i) => i + WARM_UP; // makers begin below 0
const alike = async (relay, t, title, pair) => {
  const { differs, medians, texts } = await compare(relay, t, title, pair, { pairs: PAIRS });
  assert.ok(!differs, `${title}: ${medians} us`);
  const [one, other] = texts.map((text) => text.split('\r\n')[0]);
  assert.equal(one, other, title);
  return one;
};

// Make many of something, some at once.
async function many(count, make) {
  const all = [];
  while (all.length < count) {
    all.push(...await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - all.length) }, make)));
  }
  return all;
}

// People whom there is not and who seem to have all these kinds.
async function nobodies(relay, kinds) {
  const found = [];
  while (found.length < ACCOUNTS) {
    const asked = await many(AT_ONCE, async () => {
      const whom = { account_id: b64u(randomBytes(32)) };
      return { whom, has: (await begin(relay, 'link', whom)).json.kinds };
    });
    found.push(...asked.filter(({ has }) => kinds.every((kind) => has.includes(kind))).map(({ whom }) => whom));
  }
  return found.slice(0, ACCOUNTS);
}

// Half of them may be backed up, as half of those seem that nobody has: an assertion that says otherwise
// is refused before its signature is verified.
let keys = 0;
async function registerKey(device) {
  const { json: { factor_id: id, public_key: options } } = await enrol(device, { kind: 'webauthn' });
  keys += 1;
  const key = new Authenticator({ flags: UP | UV | (keys % 2 === 0 ? BE : 0) });
  const { clientData, authData } = key.create(fromB64u(options.challenge));
  assertStatus(await confirm(device, {
    factor_id: id,
    credential: {
      id: b64u(key.id), response: { clientDataJSON: b64u(clientData), authenticatorData: b64u(authData) },
    },
  }), 204);
}

const known = (relay, equip) => many(ACCOUNTS, async () => {
  const account = await relay.account();
  await equip(account.first);
  return { account_id: account.idText };
});

// A transaction for each five of what is asked, spread over the people: its paths, in their order.
async function txnsOf(relay, people) {
  const txns = await many(ASKED / IN_TXN, async () => null);
  for (let i = 0; i < txns.length; i += AT_ONCE) {
    await Promise.all(txns.slice(i, i + AT_ONCE).map(async (_, n) => {
      txns[i + n] = (await begin(relay, 'link', people[(i + n) % people.length])).json;
    }));
  }
  return txns;
}

// Challenges of a kind, five a transaction.
async function challengesOf(relay, people, kind, fields = {}) {
  const txns = await txnsOf(relay, people);
  const all = [];
  for (const txn of txns) {
    for (let i = 0; i < IN_TXN; i++) {
      const reply = await challenge(relay, txn, kind, fields);
      assertStatus(reply, 201);
      all.push({ path: `/v1/txns/${txn.txn_id}/challenges/${reply.json.challenge_id}`, reply: reply.json });
    }
  }
  return all;
}

const startAt = (txns, json) => (i) => requestOf(null,
  `/v1/txns/${txns[Math.floor(place(i) / IN_TXN)].txn_id}/challenges`, json);
const answerAt = (challenges, jsonOf) => (i) => {
  const { path, reply } = challenges[place(i)];
  return requestOf(null, path, jsonOf(reply));
};

// By a key of another with the id that was shown: a signature is verified in either case.
function forged({ public_key: options }) {
  const forger = new Authenticator();
  forger.id = fromB64u(options.allowCredentials[0].id);
  const { clientData, authData, signature } = forger.get(fromB64u(options.challenge));
  return {
    credential: {
      id: b64u(forger.id),
      response: {
        clientDataJSON: b64u(clientData), authenticatorData: b64u(authData), signature: b64u(signature),
      },
    },
  };
}

scene('a KE1 takes as long whether there is a password', { set }, async (relay, t) => {
  const people = await known(relay, (device) => setPassword(device, 'right'));
  const strangers = await nobodies(relay, ['password']);
  const txns = [await txnsOf(relay, people), await txnsOf(relay, strangers)];
  assert.match(await alike(relay, t, 'KE1: known and nobody', txns.map(
    (all) => startAt(all, { kind: 'password', ke1 }),
  )), / 201 /);
  await alike(relay, t, 'begin: known and nobody', [people, strangers].map(
    (all) => (i) => requestOf(null, '/v1/txns', { purpose: 'link', ...all[place(i) % ACCOUNTS] }),
  ));
});

scene('an authenticator is asked and judged as long whether there is one', { set }, async (relay, t) => {
  const people = await known(relay, registerKey);
  const strangers = await nobodies(relay, ['webauthn']);
  const txns = [await txnsOf(relay, people), await txnsOf(relay, strangers)];
  assert.match(await alike(relay, t, 'a challenge of webauthn: known and nobody', txns.map(
    (all) => startAt(all, { kind: 'webauthn' }),
  )), / 201 /);
  const asked = [await challengesOf(relay, people, 'webauthn'), await challengesOf(relay, strangers, 'webauthn')];
  assert.match(await alike(relay, t, 'an assertion: known and nobody', asked.map(
    (all) => answerAt(all, forged),
  )), / 403 /);
});

scene('a KE3 that is wrong takes as long whether there is a password', { set }, async (relay, t) => {
  const people = await known(relay, (device) => setPassword(device, 'right'));
  const strangers = await nobodies(relay, ['password']);
  const all = [
    await challengesOf(relay, people, 'password', { ke1 }), await challengesOf(relay, strangers, 'password', { ke1 }),
  ];
  assert.match(await alike(relay, t, 'KE3: known and nobody', all.map(
    (each) => answerAt(each, () => ({ answer: b64u(randomBytes(64)) })),
  )), / 403 /);
});

scene('the code of an app takes as long whether there is one', { set }, async (relay, t) => {
  const people = await known(relay, (device) => enrolApp(device));
  const strangers = await nobodies(relay, ['totp']);
  const all = [await challengesOf(relay, people, 'totp'), await challengesOf(relay, strangers, 'totp')];
  await alike(relay, t, 'a code: known and nobody', all.map((each) => answerAt(each, () => ({ answer: '000000' }))));
});

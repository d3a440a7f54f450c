// SPDX-License-Identifier: Apache-2.0
// Nobody tells by the time of an answer what there was.  For a build without sanitizers.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { b64u } from '../support/bytes.mjs';
import { EC, oneTimeEc } from '../support/prekeys.mjs';
import { assertStatus, ok, scene } from '../support/scene.mjs';
import { OP, handleBinding } from '../support/signing.mjs';
import { compare, requestOf } from '../support/timing.mjs';
import { begin, challenge } from '../support/txns.mjs';

const NAMES = 30;
const ACCOUNTS = 10;
const GUESSED = 130; // people, each of whom has ten guesses
const GUESS_PAIRS = 1000;
const GUESSES = 10;
const TRIES = 5;
const set = {
  rate_lookups: '0', rate_handles: '0', handles_per_account: '32', rate_claim_pair: '0',
  rate_claim_target: '0', rate_registrations: '0', rate_challenges: '0', rate_account: '0', rate_device: '0',
  rate_failures: '0', rate_address: '0',
};

const claim = async (device, handle) => assertStatus(await device.call('POST', '/v1/handles', {
  json: { handle, binding: b64u(handleBinding(device, handle, 0)) },
}), 201);
const erase = async (account) => assertStatus(await account.first.command(OP.accountDelete,
  'DELETE', '/v1/account', { account_id: account.idText }), 204);
const nameOf = (kind, i) => `${kind}-${String(Math.abs(i) % NAMES).padStart(2, '0')}`;

async function names(relay) {
  const { a, b } = await relay.pair();
  const erased = await relay.account();
  for (let i = 0; i < NAMES; i++) {
    await claim(erased.first, nameOf('ended', i));
    await claim(a, nameOf('freed', i));
    assertStatus(await a.command(OP.handleRelease, 'DELETE', '/v1/handles', { handle: nameOf('freed', i) }), 204);
  }
  await erase(erased);
  for (let i = 0; i < NAMES; i++) {
    await claim(a, nameOf('known', i));
  }
  return b;
}

// An answer without what is each one's own.
const bare = (text) => text.replace(/^(Date|Sealpost-Request-Id): .*$/gmi, '$1');

async function alike(relay, t, title, pair) {
  const { differs, medians, texts } = await compare(relay, t, title, pair);
  assert.ok(!differs, `${title}: ${medians} us`);
  assert.match(texts[0], /^HTTP\/1\.1 404 /);
  assert.equal(bare(texts[0]), bare(texts[1]), title);
}

scene('a lookup takes as long whether a handle never was, was given up or went with its account', { set },
  async (relay, t) => {
    const device = await names(relay);
    const ask = (kind) => (i) => requestOf(device.token, '/v1/handles/lookup', { handle: nameOf(kind, i) });
    await alike(relay, t, 'never and given up', [ask('never'), ask('freed')]);
    await alike(relay, t, 'never and erased', [ask('never'), ask('ended')]);
    // Whoever has a handle is told so; but nobody who sees only when the answer comes.
    const known = await compare(relay, t, 'never and known', [ask('never'), ask('known')], { worth: 0.25 });
    assert.ok(!known.differs, `never and known: ${known.medians} us`);
  });

scene('a claim of keys takes as long whether an account never was or was erased', { set },
  async (relay, t) => {
    const { first: device } = await relay.account();
    const erased = [];
    for (let i = 0; i < ACCOUNTS; i++) {
      const account = await relay.account();
      ok(await account.first.putKeys({ [EC]: [oneTimeEc(1)] }));
      await erase(account);
      erased.push(account.idText);
    }
    const never = erased.map(() => b64u(randomBytes(32)));
    const ask = (ids) => (i) => requestOf(device.token, '/v1/keys/claim', {
      account_id: ids[Math.abs(i) % ids.length], slots: [EC],
    });
    await alike(relay, t, 'never and erased', [ask(never), ask(erased)]);
  });

// A transaction is begun in the same time for everybody: neither a name nor an account id can be tried out.
scene('a transaction takes as long to begin for whom there is as for whom there is not', { set },
  async (relay, t) => {
    const device = await names(relay);
    const known = await relay.account();
    const ask = (kind) => (i) => requestOf(device.token, '/v1/txns', { purpose: 'link', handle: nameOf(kind, i) });
    const of = (id) => () => requestOf(device.token, '/v1/txns', { purpose: 'link', account_id: id });
    const pairs = {
      'never and known': [ask('never'), ask('known')],
      'never and given up': [ask('never'), ask('freed')],
      'never and known by account': [of(b64u(randomBytes(32))), of(known.idText)],
    };
    for (const [title, pair] of Object.entries(pairs)) {
      const { differs, medians, texts } = await compare(relay, t, title, pair);
      assert.ok(!differs, `${title}: ${medians} us`);
      texts.forEach((text) => assert.match(text, /^HTTP\/1\.1 201 /));
    }
  });

// Two challenges of five tries each: as many guesses as there are in a day.
async function guesses(relay, whom) {
  const { json: txn } = await begin(relay, 'link', whom);
  const paths = [];
  for (let i = 0; i < GUESSES / TRIES; i++) {
    const { json: asked } = await challenge(relay, txn, 'code');
    paths.push(...Array(TRIES).fill(`/v1/txns/${txn.txn_id}/challenges/${asked.challenge_id}`));
  }
  return paths;
}

scene('a wrong code takes as long to refuse for whom there is as for whom there is not', { set },
  async (relay, t) => {
    const paths = [[], []];
    for (let i = 0; i < GUESSED; i++) {
      const account = await relay.account();
      paths[0].push(...await guesses(relay, { account_id: account.idText }));
      paths[1].push(...await guesses(relay, { account_id: b64u(randomBytes(32)) }));
    }
    const ask = (which) => () => requestOf('none', paths[which].pop(), { answer: '000000' });
    const { differs, medians, texts } = await compare(relay, t, 'known and never', [ask(0), ask(1)],
      { pairs: GUESS_PAIRS });
    assert.ok(!differs, `known and never: ${medians} us`);
    texts.forEach((text) => assert.match(text, /^HTTP\/1\.1 403 /));
  });

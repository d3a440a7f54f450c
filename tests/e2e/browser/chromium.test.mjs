// SPDX-License-Identifier: Apache-2.0
// Security keys in a real browser: Chromium with virtual authenticators, and a page that does what a
// client's would.  In slow: the browser is large.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Browser } from '../support/chromium.mjs';
import { Relay } from '../support/relay.mjs';
import { assertProblem, assertStatus, ok } from '../support/scene.mjs';
import {
  begin, challenge, confirm, enrol, logOf, remove, respond,
} from '../support/txns.mjs';

const TIMEOUT_MS = 180_000;
const whom = (account) => ({ account_id: account.idText });

async function scene(t, set = {}) {
  const browser = await Browser.start(t);
  const relay = await Relay.start(t, {
    set: { webauthn_rp_id: 'localhost', webauthn_origins: browser.page.origin, ...set },
  });
  return { browser, relay, account: await relay.account() };
}

async function registered({ browser, account }, fields = {}) {
  const begun = await enrol(account.first, { kind: 'webauthn', ...fields });
  assertStatus(begun, 201);
  const { factor_id: id, public_key: options } = begun.json;
  const credential = await browser.create(options);
  assertStatus(await confirm(account.first, { factor_id: id, credential }), 204);
  return { id, credential };
}

async function asked({ relay, account }) {
  const txn = (await begin(relay, 'stepup', whom(account))).json;
  const reply = await challenge(relay, txn, 'webauthn');
  assertStatus(reply, 201);
  return { txn, challenge: reply.json };
}

async function asserted(all) {
  const started = await asked(all);
  const credential = await all.browser.get(started.challenge.public_key);
  return respond(all.relay, started.txn, started.challenge, { credential });
}

test('a browser registers a security key and asserts by it', { timeout: TIMEOUT_MS }, async (t) => {
  const all = await scene(t);
  const key = await all.browser.plug();
  const { id, credential } = await registered(all);
  assert.equal((await all.browser.keysOf(key)).length, 1);
  assert.equal(credential.authenticatorAttachment, 'cross-platform');
  ok(await asserted(all));
  const { grant } = ok(await asserted(all));
  assertStatus(await remove(all.account.first, { factor_id: id, grant }), 204);
});

test('a browser does not register a key that is excluded', { timeout: TIMEOUT_MS }, async (t) => {
  const all = await scene(t);
  const { browser, account } = all;
  await browser.plug();
  await registered(all);
  const { grant } = ok(await asserted(all));
  const { json } = await enrol(account.first, { kind: 'webauthn', grant });
  const error = await browser.run(async (publicKey) => {
    try {
      await navigator.credentials.create({
        publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey),
      });
      return 'none';
    } catch (thrown) {
      return thrown.name;
    }
  }, json.public_key);
  assert.equal(error, 'InvalidStateError');
});

test('a passkey that was copied is noticed', { timeout: TIMEOUT_MS }, async (t) => {
  const all = await scene(t);
  const { browser, account } = all;
  const key = await browser.plug();
  await registered(all);
  const [copied] = await browser.keysOf(key);
  ok(await asserted(all));
  ok(await asserted(all));
  await browser.unplug(key);
  await browser.put(await browser.plug(), copied); // with the counter of before
  assertProblem(await asserted(all), 403, 'answer_wrong');
  const { entries } = await logOf(account.first);
  assert.deepEqual(entries.map(({ change }) => change), ['enrolled', 'used', 'used', 'clone_warning']);
});

test('a relay that wants verified people gets them', { timeout: TIMEOUT_MS }, async (t) => {
  const all = await scene(t, { webauthn_user_verification: 'required' });
  await all.browser.plug({ transport: 'internal', hasResidentKey: true });
  await registered(all);
  ok(await asserted(all));
});

test('another origin is refused, and the device hears why', { timeout: TIMEOUT_MS }, async (t) => {
  const all = await scene(t, { webauthn_origins: 'http://localhost:1' });
  await all.browser.plug();
  const { json } = await enrol(all.account.first, { kind: 'webauthn' });
  const credential = await all.browser.create(json.public_key);
  assertProblem(await confirm(all.account.first, { factor_id: json.factor_id, credential }), 403, 'answer_wrong',
    { reason: 'other_origin' });
});

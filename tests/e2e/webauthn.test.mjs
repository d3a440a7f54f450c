// SPDX-License-Identifier: Apache-2.0
// Security keys and passkeys through the relay.  What it takes npm @simplewebauthn/server takes, too,
// by the same challenge and from the same answer.
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server';
import assert from 'node:assert/strict';
import {
  Authenticator, BE, BS, EDDSA, ES256, ORIGIN, RP_ID, RS256, UP, UV, attestationObject,
} from './support/authenticator.mjs';
import { b64u, ciphertext, fromB64u } from './support/bytes.mjs';
import {
  answer, appCode, begin, challenge, confirm, enrol, enrolApp, factorsOf, grantOf, logOf, remove, respond, shown,
} from './support/txns.mjs';
import {
  assertProblem, assertStatus, bareAnswer, ok, scene, suite,
} from './support/scene.mjs';
import './support/webcrypto.mjs';

const set = { webauthn_origins: ORIGIN };
const clock = true;
const AT_ONCE = 50;
const whom = (account) => ({ account_id: account.idText });

// As the toJSON of a browser gives it, with members that nobody asked for.
const credentialOf = (authenticator, response) => ({
  id: b64u(authenticator.id), rawId: b64u(authenticator.id), type: 'public-key', clientExtensionResults: {},
  authenticatorAttachment: 'cross-platform', response,
});

function created(authenticator, options, how = {}) {
  const { clientData, authData } = authenticator.create(how.challenge ?? fromB64u(options.challenge), how);
  return credentialOf(authenticator, {
    clientDataJSON: b64u(clientData), authenticatorData: b64u(authData),
    attestationObject: b64u(attestationObject(authData)), transports: ['usb'],
  });
}

function signed(authenticator, options, { userHandle = null, spoil, ...how } = {}) {
  const got = authenticator.get(how.challenge ?? fromB64u(options.challenge), how);
  spoil?.(got);
  return credentialOf(authenticator, {
    clientDataJSON: b64u(got.clientData), authenticatorData: b64u(got.authData), signature: b64u(got.signature),
    userHandle,
  });
}

const asked = ({ challenge: text }) => ({
  expectedChallenge: text, expectedOrigin: ORIGIN, expectedRPID: RP_ID, requireUserVerification: false,
});
const verdict = async (verifying) => {
  try {
    return (await verifying).verified;
  } catch {
    return false;
  }
};

// Register: what the relay and the other relying party say.
async function register(device, authenticator, { fields = {}, ...how } = {}) {
  const begun = await enrol(device, { kind: 'webauthn', ...fields });
  assertStatus(begun, 201);
  const { factor_id: id, public_key: options } = begun.json;
  const credential = created(authenticator, options, how);
  const reply = await confirm(device, { factor_id: id, credential });
  const theirs = await verdict(verifyRegistrationResponse({
    ...asked(options), response: credential, supportedAlgorithmIDs: [ES256, EDDSA, RS256],
  }));
  return { id, options, credential, reply, theirs };
}

async function registered(device, authenticator, how) {
  const made = await register(device, authenticator, how);
  assertStatus(made.reply, 204);
  assert.equal(made.theirs, true);
  return made;
}

async function challenged(relay, purpose, each) {
  const { json: txn } = await begin(relay, purpose, each);
  const reply = await challenge(relay, txn, 'webauthn');
  assertStatus(reply, 201);
  return { txn, challenge: reply.json, options: reply.json.public_key };
}

// Assert: the same, with what both know of the authenticator from before.
async function assertWith(relay, authenticator, started, how = {}) {
  const { counterBefore = authenticator.counter - 1, ...rest } = how;
  const credential = signed(authenticator, started.options, rest);
  const reply = await respond(relay, started.txn, started.challenge, { credential });
  const theirs = await verdict(verifyAuthenticationResponse({
    ...asked(started.options), response: credential,
    authenticator: { credentialID: authenticator.id, credentialPublicKey: authenticator.cose, counter: counterBefore },
  }));
  return { reply, theirs, credential };
}

async function grantBy(device, authenticator, purpose = 'stepup') {
  authenticator.counter += authenticator.counter > 0 ? 1 : 0;
  const started = await challenged(device.relay, purpose, whom(device.account));
  const { reply, theirs } = await assertWith(device.relay, authenticator, started);
  assert.equal(theirs, true);
  return ok(reply).grant;
}

async function decoyWithKey(relay) {
  for (;;) {
    const stranger = { account_id: b64u(ciphertext(32)) };
    if ((await begin(relay, 'link', stranger)).json.kinds.includes('webauthn')) {
      return stranger;
    }
  }
}

suite('an authenticator', { set, clock }, (it) => {
  for (const [name, alg] of Object.entries({ ES256, EDDSA, RS256 })) {
    it(`of ${name} is registered and gives grants`, async (relay) => {
      const account = await relay.account();
      const { first } = account;
      const label = b64u(ciphertext(40));
      const authenticator = new Authenticator({ alg });
      const { id, options } = await registered(first, authenticator, { fields: { label } });
      assert.deepEqual(options.rp.id, RP_ID);
      assert.deepEqual(options.pubKeyCredParams.map(({ alg: each }) => each), [ES256, EDDSA, RS256]);
      assert.deepEqual(options.excludeCredentials, []);
      assert.equal(options.authenticatorSelection.userVerification, 'preferred');
      const [factor] = await factorsOf(first);
      assert.deepEqual([factor.factor_id, factor.kind, factor.confirmed, factor.label], [id, 'webauthn', true, label]);
      authenticator.counter += 1;
      const started = await challenged(relay, 'vault', whom(account));
      assert.deepEqual(started.txn.kinds, ['code', 'webauthn']);
      assert.deepEqual(started.options.allowCredentials, [{ type: 'public-key', id: b64u(authenticator.id) }]);
      assert.equal(started.options.rpId, RP_ID);
      assert.ok(started.challenge.expires_at < started.txn.expires_at);
      const { reply, theirs } = await assertWith(relay, authenticator, started, { userHandle: options.user.id });
      assert.equal(theirs, true);
      assert.equal(ok(reply).purpose, 'vault');
      const grant = await grantBy(first, authenticator);
      assertProblem(await remove(first, { factor_id: id }), 403, 'stepup_required');
      assertStatus(await remove(first, { factor_id: id, grant }), 204);
      assert.deepEqual(await factorsOf(first), []);
    });
  }

  it('is refused as the other relying party refuses it', async (relay) => {
    const { first } = await relay.account();
    const cases = [
      [{ said: { origin: 'https://other.example' } }, 'other_origin'],
      [{ type: 'webauthn.get' }, 'other_type'],
      [{ challenge: ciphertext(32) }, 'other_challenge'],
      [{ rpId: 'other.example' }, 'other_party'],
      [{ flags: UV }, 'not_present'],
      [{ behind: Buffer.from([0]) }, 'malformed'],
    ];
    for (const [how, reason] of cases) {
      const { reply, theirs } = await register(first, new Authenticator(), how);
      assertProblem(reply, 403, 'answer_wrong', { reason });
      assert.equal(theirs, false, reason);
      const [{ factor_id: id }] = await factorsOf(first);
      assertStatus(await remove(first, { factor_id: id }), 204);
    }
    assert.deepEqual((await begin(relay, 'link', whom(first.account))).json.kinds, ['code']);
  });

  it('has assertions refused as the other relying party refuses them', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    const authenticator = new Authenticator();
    const { options: { user } } = await registered(first, authenticator);
    const stranger = new Authenticator();
    const cases = [
      { said: { origin: 'https://other.example' } },
      { type: 'webauthn.create' },
      { challenge: ciphertext(32) },
      { rpId: 'other.example' },
      { flags: UV },
      { spoil: ({ signature }) => { signature[signature.length - 1] ^= 1; } },
      { spoil: ({ authData }) => { authData[36] ^= 1; } },
    ];
    for (const how of cases) {
      authenticator.counter += 1;
      const { reply, theirs } = await assertWith(relay, authenticator,
        await challenged(relay, 'link', whom(account)), how);
      assertProblem(reply, 403, 'answer_wrong', { attempts_left: 0 });
      assert.equal(theirs, false, JSON.stringify(how));
    }
    authenticator.counter += 1;
    const foreign = await challenged(relay, 'link', whom(account));
    assertProblem((await assertWith(relay, authenticator, foreign, { userHandle: b64u(ciphertext(32)) })).reply, 403,
      'answer_wrong');
    const unknownKey = await challenged(relay, 'link', whom(account));
    assertProblem((await assertWith(relay, stranger, unknownKey)).reply, 403, 'answer_wrong');
    Object.assign(stranger, { id: authenticator.id });
    const pretended = await challenged(relay, 'link', whom(account));
    assertProblem((await assertWith(relay, stranger, pretended)).reply, 403, 'answer_wrong');
    authenticator.counter += 1;
    const right = await challenged(relay, 'link', whom(account));
    ok((await assertWith(relay, authenticator, right, { userHandle: user.id })).reply);
    assert.equal(ok(await first.call('GET', '/v1/account/report')).wrong_guesses, 0, 'these are no guesses');
  });

  it('answers a challenge once, rightly or not', async (relay) => {
    const account = await relay.account();
    const authenticator = new Authenticator({ counter: 0 });
    await registered(account.first, authenticator);
    const started = await challenged(relay, 'link', whom(account));
    const { reply, credential } = await assertWith(relay, authenticator, started, { counterBefore: 0 });
    ok(reply);
    assertProblem(await respond(relay, started.txn, started.challenge, { credential }), 404, 'challenge_unknown');
    const next = await challenged(relay, 'link', whom(account));
    assertProblem(await respond(relay, next.txn, next.challenge, { credential }), 403, 'answer_wrong');
    const late = signed(authenticator, next.options);
    assertProblem(await respond(relay, next.txn, next.challenge, { credential: late }), 404, 'challenge_unknown');
    const many = await challenged(relay, 'link', whom(account));
    const right = signed(authenticator, many.options);
    const replies = await Promise.all(Array.from({ length: AT_ONCE },
      () => respond(relay, many.txn, many.challenge, { credential: right })));
    assert.equal(replies.filter(({ status }) => status === 200).length, 1);
    replies.filter(({ status }) => status !== 200).forEach((each) => assertProblem(each, 404, 'challenge_unknown'));
  });

  it('whose counter does not grow is refused, and the devices are warned', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    const stream = await first.open();
    const authenticator = new Authenticator({ counter: 7 });
    await registered(first, authenticator);
    assert.equal((await stream.event('factor.changed')).change, 'enrolled');
    for (const counter of [7, 3, 0]) {
      authenticator.counter = counter;
      const { reply, theirs } = await assertWith(relay, authenticator, await challenged(relay, 'link', whom(account)),
        { counterBefore: 7 });
      assertProblem(reply, 403, 'answer_wrong');
      assert.equal(theirs, false);
      assert.deepEqual(await stream.event('factor.changed'), {
        kind: 'event', event: 'factor.changed', change: 'clone_warning', factor_kind: 'webauthn', purpose: 'link',
      });
    }
    authenticator.counter = 8;
    const both = [await challenged(relay, 'link', whom(account)), await challenged(relay, 'link', whom(account))];
    const replies = await Promise.all(both.map((started) => assertWith(relay, authenticator, started)));
    assert.deepEqual(replies.map(({ reply }) => reply.status).sort(), [200, 403], 'of two at once with one counter');
    const { entries } = await logOf(first);
    const count = (change) => entries.filter((each) => each.change === change).length;
    assert.deepEqual([count('clone_warning'), count('used')], [4, 1]);
  });

  it('may be one of five, each account has it once, and others may have it, too', async (relay) => {
    const { a, b } = await relay.pair();
    const authenticators = Array.from({ length: 5 }, () => new Authenticator());
    const [one] = authenticators;
    await registered(a, one);
    let last;
    for (const each of authenticators.slice(1)) {
      const fields = { grant: await grantBy(a, one) };
      last = await registered(a, each, { fields });
    }
    const full = await enrol(a, { kind: 'webauthn', grant: await grantBy(a, one) });
    assertProblem(full, 409, 'factor_limit', { max: 5 });
    const started = await challenged(relay, 'link', whom(a.account));
    assert.deepEqual(new Set(started.options.allowCredentials.map(({ id }) => id)),
      new Set(authenticators.map(({ id }) => b64u(id))));
    assertStatus(await remove(a, { factor_id: last.id, grant: await grantBy(a, one) }), 204);
    const fields = { grant: await grantBy(a, one) };
    const left = (await challenged(relay, 'link', whom(a.account))).options.allowCredentials.map(({ id }) => id);
    const again = authenticators.find(({ id }) => left.includes(b64u(id)));
    const { reply, options } = await register(a, again, { fields });
    assertProblem(reply, 409, 'authenticator_known');
    assert.deepEqual(options.excludeCredentials.map(({ id }) => id).sort(), left.sort());
    const other = await registered(b, again);
    assert.notEqual(other.options.user.id, options.user.id);
  });

  it('opens nothing of another account', async (relay) => {
    const { alice, a, b } = await relay.pair();
    const [mine, theirs] = [new Authenticator(), new Authenticator()];
    await registered(a, mine);
    await registered(b, theirs);
    theirs.counter += 1;
    const started = await challenged(relay, 'link', whom(alice));
    assertProblem((await assertWith(relay, theirs, started)).reply, 403, 'answer_wrong');
  });

  it('of whom there is not is asked for alike, by the same ids each time', async (relay) => {
    const account = await relay.account();
    const authenticator = new Authenticator();
    await registered(account.first, authenticator);
    const stranger = await decoyWithKey(relay);
    const shapes = [];
    for (const each of [whom(account), stranger]) {
      const [one, other] = [await challenged(relay, 'link', each), await challenged(relay, 'link', each)];
      assert.deepEqual(one.options.allowCredentials, other.options.allowCredentials);
      assert.notEqual(one.options.challenge, other.options.challenge);
      const faker = new Authenticator();
      faker.id = fromB64u(one.options.allowCredentials[0].id);
      const { reply } = await assertWith(relay, faker, one);
      shapes.push([Object.keys(one.challenge), Object.keys(one.options), bareAnswer(reply)]);
    }
    assert.deepEqual(shapes[0], shapes[1]);
  });

  it('that is backed up may say so', async (relay) => {
    const account = await relay.account();
    const authenticator = new Authenticator({ flags: UP | UV | BE, counter: 0 });
    await registered(account.first, authenticator);
    const started = await challenged(relay, 'link', whom(account));
    ok((await assertWith(relay, authenticator, started, { flags: UP | UV | BE | BS, counterBefore: 0 })).reply);
    const changed = await challenged(relay, 'link', whom(account));
    assertProblem((await assertWith(relay, authenticator, changed, { flags: UP | UV })).reply, 403, 'answer_wrong');
  });

  it('stands beside other kinds', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    const app = await enrolApp(first);
    const early = await enrol(first, { kind: 'webauthn' });
    assertProblem(early, 403, 'stepup_required');
    const authenticator = new Authenticator();
    await registered(first, authenticator, {
      fields: { grant: await grantOf(first, 'stepup', 'totp', appCode(app.secret, relay, 1)) },
    });
    assert.deepEqual((await begin(relay, 'stepup', whom(account))).json.kinds, ['totp', 'webauthn']);
    assertStatus(await remove(first, { factor_id: app.factor_id, grant: await grantBy(first, authenticator) }), 204);
  });

  it('refuses what cannot be', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    const authenticator = new Authenticator();
    const { json: { factor_id: id, public_key: options } } = await enrol(first, { kind: 'webauthn' });
    const credential = created(authenticator, options);
    const { response: { clientDataJSON, ...lacking } } = credential;
    assert.ok(clientDataJSON);
    assertProblem(await confirm(first, { factor_id: id, credential: 'x' }), 400, 'malformed', { member: 'credential' });
    assertProblem(await confirm(first, { factor_id: id, credential: {} }), 400, 'malformed', { member: 'id' });
    assertProblem(await confirm(first, { factor_id: id, credential: { ...credential, response: lacking } }), 400,
      'malformed', { member: 'clientDataJSON' });
    assertProblem(await confirm(first, {
      factor_id: id, credential: { ...credential, response: { ...credential.response, authenticatorData: '=' } },
    }), 400, 'malformed', { member: 'authenticatorData' });
    assertProblem(await confirm(first, { factor_id: id, answer: '123456' }), 422, 'value_invalid',
      { member: 'factor_id' });
    assertStatus(await confirm(first, { factor_id: id, credential }), 204);
    assertProblem(await confirm(first, { factor_id: id, credential }), 404, 'factor_unknown');

    const started = await challenged(relay, 'link', whom(account));
    const send = (json) => respond(relay, started.txn, started.challenge, json);
    authenticator.counter += 1;
    const right = signed(authenticator, started.options);
    assertProblem(await send({ answer: '123456' }), 422, 'value_invalid', { member: 'answer' });
    assertProblem(await send({}), 400, 'malformed', { member: 'answer' });
    assertProblem(await send({ credential: right, answer: '123456' }), 400, 'malformed', { member: 'answer' });
    assertProblem(await send({ credential: { ...right, id: '' } }), 422, 'value_invalid', { member: 'answer' });
    const { response: { signature, ...unsigned } } = right;
    assert.ok(signature);
    assertProblem(await send({ credential: { ...right, response: unsigned } }), 400, 'malformed',
      { member: 'signature' });
    assertProblem(await send({ credential: { ...right, response: { ...right.response, userHandle: 7 } } }), 400,
      'malformed', { member: 'userHandle' });
    ok(await send({ credential: right })); // none of these took its try
    const { txn } = await challenged(relay, 'link', whom(account));
    const code = (await challenge(relay, txn, 'code')).json;
    assertProblem(await respond(relay, txn, code, { credential: right }), 422, 'value_invalid', { member: 'answer' });
    ok(await answer(relay, txn, code, (await shown(first)).at(-1).code));
  });

  it('is asked twenty times an hour, and has five minutes', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    const authenticator = new Authenticator();
    const pending = (await enrol(first, { kind: 'webauthn' })).json;
    await registered(first, authenticator);
    relay.clock.advance(301);
    assertProblem(await confirm(first, {
      factor_id: pending.factor_id, credential: created(new Authenticator(), pending.public_key),
    }), 404, 'factor_unknown');
    const late = await challenged(relay, 'link', whom(account));
    relay.clock.advance(301);
    authenticator.counter += 1;
    assertProblem((await assertWith(relay, authenticator, late)).reply, 404, 'challenge_unknown');
    for (let i = 1; i < 20; i++) {
      await challenged(relay, 'link', whom(account));
    }
    const { json: txn } = await begin(relay, 'link', whom(account));
    const limited = await challenge(relay, txn, 'webauthn');
    assertProblem(limited, 429, 'rate_limited');
    assert.ok(limited.json.retry_after > 3200 && limited.json.retry_after <= 3300, String(limited.json.retry_after));
    relay.clock.advance(limited.json.retry_after);
    await grantBy(first, authenticator, 'link');
  });

  it('outlives the relay, and so do its challenge and its registration', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    const [old, fresh] = [new Authenticator(), new Authenticator()];
    await registered(first, old);
    const begun = (await enrol(first, { kind: 'webauthn', grant: await grantBy(first, old) })).json;
    const started = await challenged(relay, 'link', whom(account));
    const stranger = await decoyWithKey(relay);
    const decoys = (await challenged(relay, 'link', stranger)).options.allowCredentials;
    await relay.kill();
    await relay.up();
    assertStatus(await confirm(first, {
      factor_id: begun.factor_id, credential: created(fresh, begun.public_key),
    }), 204);
    const { reply } = await assertWith(relay, old, started); // the counter of before
    assertProblem(reply, 403, 'answer_wrong');
    assert.deepEqual((await challenged(relay, 'link', stranger)).options.allowCredentials, decoys);
    await grantBy(first, old);
  });
});

scene('a relay that wants verified people asks for them and refuses others', {
  set: {
    ...set, webauthn_user_verification: 'required', webauthn_rp_id: 'example',
    webauthn_origins: 'https://relay.example, android:apk-key-hash:AAAA',
  },
}, async (relay) => {
  const account = await relay.account();
  const { first } = account;
  const authenticator = new Authenticator();
  const rpId = 'example';
  const unverified = await register(first, authenticator, { flags: UP, rpId });
  assert.equal(unverified.options.authenticatorSelection.userVerification, 'required');
  assert.equal(unverified.options.rp.id, rpId);
  assertProblem(unverified.reply, 403, 'answer_wrong', { reason: 'not_verified' });
  assertStatus((await register(first, authenticator, { rpId })).reply, 204);
  for (const [flags, status] of [[UP, 403], [UP | UV, 200]]) {
    authenticator.counter += 1;
    const started = await challenged(relay, 'link', whom(account));
    assert.equal(started.options.userVerification, 'required');
    assertStatus((await assertWith(relay, authenticator, started, { flags, rpId })).reply, status);
  }
  authenticator.counter += 1;
  const app = await challenged(relay, 'link', whom(account));
  assertStatus((await assertWith(relay, authenticator, app, {
    rpId, said: { origin: 'android:apk-key-hash:AAAA' },
  })).reply, 200);
});

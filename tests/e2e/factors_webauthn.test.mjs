// SPDX-License-Identifier: Apache-2.0
// WebAuthn as another relying party judges it: whatever an authenticator says, npm
// @simplewebauthn/server and ours say the same of it, and where ours alone refuses, it is said why.
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  AT, Authenticator, BE, BS, EDDSA, ES256, ORIGIN, RP_ID, RS256, UP, UV, attestationObject, cbor,
} from './support/authenticator.mjs';
import { b64u } from './support/bytes.mjs';
import { factors } from './support/factors.mjs';
import './support/webcrypto.mjs';

// In the order of enum webauthn_result.
const RESULTS = ['good', 'malformed', 'other type', 'other challenge', 'other origin', 'other party',
  'not present', 'not verified', 'other alg', 'bad signature', 'counter behind'];
const ALGS = { ES256, EDDSA, RS256 };
const ASSERTED_MAX = 992;

describe('WebAuthn', () => {
  const call = factors();

  const asked = (challenge, wantsVerified) => ({
    expectedChallenge: b64u(challenge), expectedOrigin: ORIGIN, expectedRPID: RP_ID,
    requireUserVerification: wantsVerified,
  });
  const response = (id, members) => ({
    id: b64u(id), rawId: b64u(id), type: 'public-key', clientExtensionResults: {}, response: members,
  });
  async function verdict(verifying) {
    try {
      const { verified, ...info } = await verifying;
      return verified && info;
    } catch (error) {
      return false;
    }
  }

  // What both say of a registration: ours, and theirs or false.
  async function register(authenticator, how = {}, wantsVerified = false) {
    const challenge = randomBytes(32);
    const { clientData, authData } = authenticator.create(how.challenge ?? challenge, how);
    const ours = await call('webauthn_register', {
      challenge: b64u(challenge), wants_verified: wantsVerified, client_data: b64u(clientData), auth_data: b64u(authData),
    });
    const theirs = await verdict(verifyRegistrationResponse({
      ...asked(challenge, wantsVerified),
      response: response(authenticator.id, {
        clientDataJSON: b64u(clientData), attestationObject: b64u(attestationObject(authData)),
      }),
      supportedAlgorithmIDs: Object.values(ALGS),
    }));
    return { ours: { ...ours, result: RESULTS[ours.result] }, theirs: theirs && theirs.registrationInfo };
  }

  // The same of an assertion; kept is what both know of the authenticator.
  async function assertion(authenticator, kept, how = {}, wantsVerified = false) {
    const challenge = randomBytes(32);
    const got = authenticator.get(how.challenge ?? challenge, how);
    how.spoil?.(got);
    const ours = await call('webauthn_assert', {
      challenge: b64u(challenge), wants_verified: wantsVerified, client_data: b64u(got.clientData),
      auth_data: b64u(got.authData), signature: b64u(got.signature),
      alg: kept.ours.alg, key: kept.ours.key, counter: kept.ours.counter, is_backup_eligible: kept.ours.is_backup_eligible,
    });
    const theirs = await verdict(verifyAuthenticationResponse({
      ...asked(challenge, wantsVerified),
      response: response(authenticator.id, {
        clientDataJSON: b64u(got.clientData), authenticatorData: b64u(got.authData), signature: b64u(got.signature),
      }),
      authenticator: {
        credentialID: authenticator.id, credentialPublicKey: authenticator.cose, counter: kept.ours.counter,
      },
    }));
    return { ours: { ...ours, result: RESULTS[ours.result] }, theirs: theirs && theirs.authenticationInfo };
  }

  // Both refuse, ours for that reason; or ours alone does.
  const refused = ({ ours, theirs }, result) => {
    assert.equal(ours.result, result);
    assert.equal(theirs, false);
  };
  const refusedByOurs = ({ ours, theirs }, result) => {
    assert.equal(ours.result, result);
    assert.notEqual(theirs, false, 'the other relying party refuses it, too');
  };
  const taken = ({ ours, theirs }) => {
    assert.equal(ours.result, 'good');
    assert.notEqual(theirs, false);
    return { ours, theirs };
  };

  for (const [name, alg] of Object.entries(ALGS)) {
    for (const [what, flags, counter] of [['counts', UP | UV, 5], ['is backed up', UP | UV | BE | BS, 0]]) {
      it(`takes a key of ${name} that ${what}, and each of its assertions`, async () => {
        const authenticator = new Authenticator({ alg, flags, counter });
        const kept = taken(await register(authenticator, {}, true));
        assert.equal(kept.ours.id, b64u(kept.theirs.credentialID));
        assert.deepEqual(Buffer.from(kept.theirs.credentialPublicKey), authenticator.cose);
        assert.equal(kept.ours.key, b64u(authenticator.key));
        assert.equal(kept.ours.counter, kept.theirs.counter);
        assert.equal(kept.ours.is_backed_up, kept.theirs.credentialBackedUp);
        assert.equal(kept.ours.is_backup_eligible, kept.theirs.credentialDeviceType === 'multiDevice');
        for (let i = 0; i < 3; i += 1) {
          authenticator.counter += counter > 0 ? 1 : 0;
          const { ours, theirs } = taken(await assertion(authenticator, kept, {}, true));
          assert.equal(ours.counter, theirs.newCounter);
          assert.equal(ours.is_backed_up, theirs.credentialBackedUp);
          kept.ours.counter = ours.counter;
        }
      });
    }

    it(`refuses what a key of ${name} did not sign`, async () => {
      const [authenticator, other] = [new Authenticator({ alg }), new Authenticator({ alg })];
      const [kept, others] = [taken(await register(authenticator)), taken(await register(other))];
      authenticator.counter += 1;
      const spoilt = (spoil) => assertion(authenticator, kept, { spoil });
      refused(await spoilt((got) => { got.signature[20] ^= 1; }), 'bad signature');
      refused(await spoilt((got) => { got.authData[36] ^= 2; }), 'bad signature');
      refused(await spoilt((got) => { got.clientData = Buffer.concat([got.clientData, Buffer.from(' ')]); }), 'bad signature');
      other.id = authenticator.id;
      other.counter = 2;
      assert.notEqual(others.ours.key, kept.ours.key);
      const { ours } = await assertion(other, kept);
      assert.equal(ours.result, 'bad signature');
      taken(await assertion(authenticator, kept));
    });
  }

  it('refuses what was said to another, elsewhere, or for another purpose', async () => {
    const authenticator = new Authenticator();
    const kept = taken(await register(authenticator));
    authenticator.counter += 1;
    for (const [how, result] of [
      [{ challenge: randomBytes(32) }, 'other challenge'],
      [{ said: { origin: 'https://other.example' } }, 'other origin'],
      [{ said: { origin: `${ORIGIN}:8443` } }, 'other origin'],
      [{ rpId: 'other.example' }, 'other party'],
      [{ type: 'payment.get' }, 'other type'],
      [{ flags: UV }, 'not present'],
    ]) {
      refused(await register(authenticator, how), result);
      refused(await assertion(authenticator, kept, how), result);
    }
    refused(await register(authenticator, { type: 'webauthn.get' }), 'other type');
    refused(await assertion(authenticator, kept, { type: 'webauthn.create' }), 'other type');
    refused(await register(authenticator, { flags: UP }, true), 'not verified');
    refused(await assertion(authenticator, kept, { flags: UP }, true), 'not verified');
    taken(await assertion(authenticator, kept, { flags: UP }));
  });

  it('refuses a counter that stands still or falls', async () => {
    const authenticator = new Authenticator({ counter: 9 });
    const kept = taken(await register(authenticator));
    refused(await assertion(authenticator, kept), 'counter behind');
    authenticator.counter = 0;
    refused(await assertion(authenticator, kept), 'counter behind');
    authenticator.counter = 0xffffffff;
    taken(await assertion(authenticator, kept));
  });

  it('refuses a backup of what cannot be backed up', async () => {
    refused(await register(new Authenticator({ flags: UP | BS })), 'malformed');
  });

  it('takes a signature with a short number, which the other relying party cannot read', async () => {
    const authenticator = new Authenticator({ alg: ES256 });
    const kept = taken(await register(authenticator));
    authenticator.counter += 1;
    const { ours } = await assertion(authenticator, kept, { isShort: true });
    assert.equal(ours.result, 'good');
  });

  it('takes extensions, whole and no larger than can be verified', async () => {
    for (const [name, alg] of Object.entries(ALGS)) {
      const authenticator = new Authenticator({ alg });
      const kept = taken(await register(authenticator, { extensions: [['credProtect', 2]] }));
      authenticator.counter += 1;
      const known = [['credBlob', Buffer.alloc(32)], ['hmac-secret', Buffer.alloc(48)]];
      for (const extensions of [[], ...known.map((each) => [each]), known, [['other', [['a', 1]]]]]) {
        taken(await assertion(authenticator, kept, { extensions }));
      }
      const filled = (size) => ({ extensions: [['x', Buffer.alloc(size - 37 - 6)]] });
      assert.equal(authenticator.authData(UP, filled(ASSERTED_MAX)).length, ASSERTED_MAX, name);
      taken(await assertion(authenticator, kept, filled(ASSERTED_MAX)));
      refusedByOurs(await assertion(authenticator, kept, filled(ASSERTED_MAX + 1)), 'malformed');
    }
  });

  it('refuses what stands where nothing should', async () => {
    const authenticator = new Authenticator();
    const kept = taken(await register(authenticator));
    authenticator.counter += 1;
    const behind = Buffer.from([0]);
    refused(await register(authenticator, { behind }), 'malformed');
    refused(await assertion(authenticator, kept, { behind }), 'malformed');
    refused(await assertion(authenticator, kept, { extensions: [], behind }), 'malformed');
  });

  it('refuses keys that are none, or of other algorithms', async () => {
    const key = Buffer.alloc(32, 7);
    const es384 = cbor([[1, 2], [3, -35], [-1, 2], [-2, Buffer.alloc(48, 1)], [-3, Buffer.alloc(48, 2)]]);
    refused(await register(new Authenticator(), { cose: es384 }), 'other alg');
    // A relying party hears of these at the first assertion, when it does not look at the key before.
    const off = cbor([[1, 2], [3, ES256], [-1, 1], [-2, key], [-3, key]]);
    refusedByOurs(await register(new Authenticator(), { cose: off }), 'malformed');
    const small = cbor([[1, 1], [3, EDDSA], [-1, 6], [-2, Buffer.alloc(32)]]);
    refusedByOurs(await register(new Authenticator(), { cose: small }), 'malformed');
    const unordered = cbor([[3, EDDSA], [1, 1], [-1, 6], [-2, key]]);
    refusedByOurs(await register(new Authenticator(), { cose: unordered }), 'other alg');
  });

  it('is stricter with pages inside others, and with backups that change their mind', async () => {
    const authenticator = new Authenticator({ flags: UP | UV | BE, counter: 0 });
    const kept = taken(await register(authenticator));
    const inside = { said: { crossOrigin: true, topOrigin: 'https://other.example' } };
    refusedByOurs(await register(authenticator, inside), 'other origin');
    refusedByOurs(await assertion(authenticator, kept, inside), 'other origin');
    refusedByOurs(await assertion(authenticator, kept, { flags: UP | UV }), 'malformed');
    const backedUp = taken(await assertion(authenticator, kept, { flags: UP | UV | BE | BS }));
    assert.equal(backedUp.ours.is_backed_up, true);
  });

  it('wants a key in a registration and none in an assertion', async () => {
    const authenticator = new Authenticator();
    const kept = taken(await register(authenticator));
    authenticator.counter += 1;
    const { ours } = await assertion(authenticator, kept, { flags: UP | AT });
    assert.equal(ours.result, 'malformed');
  });
});

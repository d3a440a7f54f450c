// SPDX-License-Identifier: Apache-2.0
// This client against the vectors: it must be right before it may judge a relay.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fromB64u, hex, sha256 } from './support/bytes.mjs';
import { SigningKey, verifySignature } from './support/keys.mjs';
import { accountIdOf, manifestBody, parseManifest, signManifest } from './support/manifest.mjs';
import { brokenRule } from './support/manifest_rules.mjs';
import { authBytes, commandBytes } from './support/signing.mjs';

const read = (name) => JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url)));
const vectors = read('manifest.json');
const device1 = new SigningKey(hex(vectors.seeds.device1));
const signedOf = (epoch) => hex(vectors.manifests[epoch].signed);

test('manifests are read, hashed and named as in the vectors', () => {
  vectors.manifests.forEach((vector, epoch) => {
    const manifest = parseManifest(hex(vector.signed));
    assert.equal(manifest.body.toString('hex'), vector.body);
    assert.equal(manifest.hash.toString('hex'), vector.hash);
    assert.equal(Number(manifest.epoch), epoch);
  });
  assert.equal(accountIdOf(hex(vectors.manifests[0].body)).toString('hex'), vectors.account_id);
});

test('manifests are written and signed byte for byte as in the vectors', () => {
  const keys = { 0: 'recovery', 1: 'device1', 2: 'device2' };
  vectors.manifests.forEach((vector) => {
    const manifest = parseManifest(hex(vector.signed));
    const body = manifestBody(manifest);
    assert.equal(body.toString('hex'), vector.body);
    const signers = manifest.signatures.map(({ signer }) => ({
      signer, key: new SigningKey(hex(vectors.seeds[keys[signer]])),
    }));
    assert.equal(signManifest(body, signers).toString('hex'), vector.signed);
  });
});

test('the rules accept the chain of the vectors', () => {
  assert.equal(brokenRule(null, signedOf(0)), 0);
  assert.equal(brokenRule(signedOf(0), signedOf(1)), 0);
  assert.equal(brokenRule(signedOf(1), signedOf(2)), 0);
});

test('the rules name what is broken', () => {
  const cut = signedOf(1).subarray(0, 400);
  assert.equal(brokenRule(signedOf(0), cut), 1);
  assert.equal(brokenRule(null, signedOf(1)), 2);
  assert.equal(brokenRule(signedOf(0), signedOf(2)), 3);
  const forged = Buffer.from(signedOf(1));
  forged[forged.length - 1] ^= 1;
  assert.equal(brokenRule(signedOf(0), forged), 5);
});

test('every rule vector is judged as written there', () => {
  for (const { name, old, next, verdict } of read('manifest_rules.json').vectors) {
    assert.equal(brokenRule(old === null ? null : hex(old), hex(next)), verdict, name);
  }
});

test('the answer to a challenge is signed as in the vectors', () => {
  const { audience, challenge, signed_bytes: wanted, signature } = vectors.auth;
  const bytes = authBytes(audience, hex(vectors.account_id), 1, hex(challenge));
  assert.equal(bytes.toString('hex'), wanted);
  assert.equal(device1.sign(bytes).toString('hex'), signature);
});

test('a command is signed as in the vectors', () => {
  const { payload_ascii: payload, seq, op, signed_bytes: wanted, signature } = vectors.command;
  const bytes = commandBytes(vectors.auth.audience, hex(vectors.account_id), 1, seq, op,
    Buffer.from(payload));
  assert.equal(bytes.toString('hex'), wanted);
  assert.equal(device1.sign(bytes).toString('hex'), signature);
  assert.ok(verifySignature(device1.pub, bytes, hex(signature)));
});

test('base64url with padding, foreign letters or loose bits is refused', () => {
  for (const bad of ['AA==', 'A+', 'A/', 'AB', 'A', ' AA']) {
    assert.throws(() => fromB64u(bad), undefined, bad);
  }
  assert.equal(sha256(fromB64u('')).length, 32);
});

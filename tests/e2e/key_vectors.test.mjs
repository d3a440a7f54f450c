// SPDX-License-Identifier: Apache-2.0
// What others make of the vectors of public keys: libsignal of XEdDSA, ts-mls of KeyPackages. The
// daemon's readers are held to the same files (tests/common/test_crypto_xeddsa.c, test_keypackage.c).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { getCiphersuiteFromName, getCiphersuiteImpl } from 'ts-mls';
import { decodeKeyPackage, makeKeyPackageRef, verifyKeyPackage } from 'ts-mls/keyPackage.js';
import { verifyLeafNodeSignatureKeyPackage } from 'ts-mls/leafNode.js';
import { hex } from './support/bytes.mjs';
import { libsignal } from './support/libsignal.mjs';
import './support/webcrypto.mjs';

const { PublicKey } = libsignal;

const read = (name) => JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url)));
const keyOf = (u) => PublicKey.deserialize(Buffer.concat([Buffer.from([5]), hex(u)]));

test('libsignal verifies Ed25519 signatures that were carried over to XEdDSA', () => {
  const plain = read('xeddsa_odd.json').vectors.filter(({ ok }) => ok);
  assert.equal(plain.length, 8);
  for (const { name, u, msg, sig } of plain) {
    assert.equal(keyOf(u).verify(hex(msg), hex(sig)), true, name);
  }
});

test('libsignal verifies what the reference device signs', () => {
  const { vectors } = read('xeddsa_signed.json');
  assert.equal(vectors.length, 24);
  for (const { u, msg, sig } of vectors) {
    assert.equal(keyOf(u).verify(hex(msg), hex(sig)), true);
  }
});

test('libsignal judges its own signatures as it did', () => {
  for (const { pub, msg, sig, ok } of read('xeddsa.json').vectors) {
    assert.equal(PublicKey.deserialize(hex(pub)).verify(hex(msg), hex(sig)), ok);
  }
});

// The package, decoded to its last byte, with the primitives of its suite.
async function decode(bytes) {
  const [found, size] = decodeKeyPackage(bytes, 0);
  assert.equal(size, bytes.length);
  return { found, suite: await getCiphersuiteImpl(getCiphersuiteFromName(found.cipherSuite)) };
}

test('ts-mls gives every KeyPackage the reference of the vectors', async () => {
  for (const { name, package: bytes, reference } of read('mls.json').key_packages) {
    const { found, suite } = await decode(hex(bytes));
    assert.equal(Buffer.from(await makeKeyPackageRef(found, suite.hash)).toString('hex'), reference, name);
  }
});

test('ts-mls verifies both signatures of a KeyPackage that it did not make', async () => {
  const { found, suite } = await decode(hex(read('mls_odd.json').vectors[0].package));
  assert.equal(await verifyKeyPackage(found, suite.signature), true);
  assert.equal(await verifyLeafNodeSignatureKeyPackage(found.leafNode, suite.signature), true);
  found.leafNode.signature[0] ^= 1;
  assert.equal(await verifyLeafNodeSignatureKeyPackage(found.leafNode, suite.signature), false);
});

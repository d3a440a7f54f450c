// SPDX-License-Identifier: Apache-2.0
// Writes mls_odd.json: KeyPackages with signatures that hold for a careless verifier and not for a
// strict one, and a plain one beside them. Seeds are fixed:  node tests/vectors/make_mls_odd.mjs
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import * as curve from './ed25519.mjs';

const seed = createHash('sha256').update('sealpost mls').digest();
const r = curve.little(createHash('sha256').update('sealpost mls r').digest()) % curve.L;
const plainKey = curve.encode(curve.multiply(curve.secretScalar(seed), curve.BASE));

const vector = (bytes) => { // RFC 9420 section 2.1.2
  const size = Buffer.alloc(bytes.length < 64 ? 1 : 2);
  size.writeUIntBE(bytes.length | (size.length - 1) << 14, 0, size.length);
  return Buffer.concat([size, bytes]);
};
const contentOf = (label, content) =>
  Buffer.concat([vector(Buffer.from(`MLS 1.0 ${label}`)), vector(content)]);

// A KeyPackage of suite 1 for key; sign(message, label) signs.
function makePackage(key, sign) {
  const lifetime = Buffer.alloc(16, 0);
  lifetime.writeUInt32BE(2000000000, 12);
  const leaf = Buffer.concat([vector(Buffer.alloc(32, 2)), vector(key), Buffer.from('000105616c696365', 'hex'),
    Buffer.from('0200010200010000020001', 'hex'), Buffer.from([1]), lifetime, vector(Buffer.alloc(0))]);
  const whole = Buffer.concat([Buffer.from('00010001', 'hex'), vector(Buffer.alloc(32, 1)), leaf,
    vector(sign(contentOf('LeafNodeTBS', leaf), 'LeafNodeTBS')), vector(Buffer.alloc(0))]);
  return Buffer.concat([whole, vector(sign(contentOf('KeyPackageTBS', whole), 'KeyPackageTBS'))]);
}

const good = (message) => curve.signWithR(seed, message, r);
const odd = {
  'S is not reduced': (message) => {
    const signature = good(message);
    return Buffer.concat([signature.subarray(0, 32),
      curve.encodeNumber(curve.little(signature.subarray(32)) + curve.L)]);
  },
  'R has a part of order 8': (message) => curve.signWithR(seed, message, r, curve.TORSION),
  'R is the identity': (message) => curve.signWithR(seed, message, 0n),
};
const checked = (key, sign) => (message, label) => {
  const signature = sign(message, label);
  if (!curve.laxVerify(key, message, signature)) throw new Error(`${label}: does not hold`);
  return signature;
};

const vectors = [];
const add = (name, fault, key, sign) => vectors.push({
  name, fault, package: makePackage(key, checked(key, sign)).toString('hex'),
});
add('plain', 'none', plainKey, good);
for (const [name, sign] of Object.entries(odd)) {
  add(`leaf: ${name}`, 'leaf signature', plainKey,
    (message, label) => (label === 'LeafNodeTBS' ? sign(message) : good(message)));
  add(`whole: ${name}`, 'signature', plainKey,
    (message, label) => (label === 'KeyPackageTBS' ? sign(message) : good(message)));
}
add('the key has a part of order 8', 'signature key', curve.mixedPublicOf(seed),
  (message) => curve.signWithMixedKey(seed, message));

writeFileSync(new URL('mls_odd.json', import.meta.url), JSON.stringify({
  about: 'made by make_mls_odd.mjs; fault is what a strict reader finds, a careless one finds none',
  vectors,
}, null, 1) + '\n');

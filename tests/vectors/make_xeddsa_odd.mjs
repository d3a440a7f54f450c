// SPDX-License-Identifier: Apache-2.0
// Writes xeddsa_odd.json: XEdDSA signatures that a careless verifier takes and a strict one
// refuses, and plain ones of Ed25519 keys beside them that it takes. Of each odd one the generator
// proves that the laxest equation holds, so that nothing but the strict rule refuses it. Seeds are
// fixed:  node tests/vectors/make_xeddsa_odd.mjs
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import * as curve from './ed25519.mjs';

const { P, L, BASE, IDENTITY, TORSION } = curve;
const mod = (a) => ((a % P) + P) % P;
function power(base, exponent) {
  let result = 1n;
  for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = mod(b * b)) {
    if (e & 1n) result = mod(result * b);
  }
  return result;
}
const sha256 = (text) => createHash('sha256').update(text).digest();
const sha512 = (...parts) => createHash('sha512').update(Buffer.concat(parts)).digest();
const seedOf = (name) => sha256(`sealpost xeddsa ${name}`);
const messageOf = (name) => Buffer.from(`a prekey, ${name}`);

// u of a point: (1 + y) / (1 - y); it has none for the identity.
function uOf(pub) {
  const y = curve.little(pub) & (1n << 255n) - 1n;
  return mod((1n + y) * power(1n - y, P - 2n));
}
const isNegative = (pub) => pub[31] >> 7;
const publicOf = (seed) => curve.encode(curve.multiply(curve.secretScalar(seed), BASE));
// The signer's sign goes where a reduced S leaves room.
function withSign(signature, pub) {
  const marked = Buffer.from(signature);
  marked[63] |= isNegative(pub) << 7;
  return marked;
}

const vectors = [];
// pub is what a careless verifier ends with, u what it was given.
function vector(name, { u, pub, message, signature, ok = false, careless = true }) {
  if (curve.laxVerify(pub, message, signature) !== careless) {
    throw new Error(`${name}: is not what it says`);
  }
  vectors.push({ name, u: u.toString('hex'), msg: message.toString('hex'),
    sig: withSign(signature, pub).toString('hex'), ok });
}

const r = curve.little(seedOf('r')) % L;
for (let i = 0; i < 8; i++) {
  const seed = seedOf(`plain ${i}`), pub = publicOf(seed), message = messageOf(`plain ${i}`);
  const u = curve.encodeNumber(uOf(pub));
  const signature = curve.signWithR(seed, message, r);
  vector(`plain ${i}, sign ${isNegative(pub)}`, { u, pub, message, signature, ok: true });
}

const seed = seedOf('one'), pub = publicOf(seed), message = messageOf('odd');
const u = curve.encodeNumber(uOf(pub));
const good = curve.signWithR(seed, message, r);
const highBit = Buffer.from(u);
highBit[31] |= 0x80;
vector('bit 255 of u is set', { u: highBit, pub, message, signature: good });
const largeS = Buffer.concat([good.subarray(0, 32), curve.encodeNumber(curve.little(good.subarray(32)) + L)]);
vector('S is not reduced', { u, pub, message, signature: largeS });
vector('R has a part of order 8', { u, pub, message, signature: curve.signWithR(seed, message, r, TORSION) });
vector('R is the identity', { u, pub, message, signature: curve.signWithR(seed, message, 0n) });
const identityAgain = curve.encodeNumber(P + 1n);
vector('R is the identity, not canonical',
  { u, pub, message, signature: curve.signWithR(seed, message, 0n, IDENTITY, identityAgain) });
const mixed = curve.mixedPublicOf(seed);
vector('u has a part of order 8', { u: curve.encodeNumber(uOf(mixed)), pub: mixed, message,
  signature: curve.signWithMixedKey(seed, message) });

// Nobody's keys: with A of small order S B = R holds whenever k is a multiple of its order.
function forge(A, forged) {
  for (let s = 1n; ; s++) {
    const R = curve.encode(curve.multiply(s, BASE));
    if ((curve.little(sha512(R, A, forged)) % L) % 8n === 0n) {
      return Buffer.concat([R, curve.encodeNumber(s)]);
    }
  }
}
const small = {
  'order 2': curve.multiply(4n, TORSION),
  'order 4': curve.multiply(2n, TORSION),
  'order 8': TORSION,
  'order 8, another': curve.multiply(3n, TORSION),
};
for (const [name, point] of Object.entries(small)) {
  const A = curve.encode(point), number = uOf(A);
  const signature = forge(A, message);
  vector(`u is of ${name}`, { u: curve.encodeNumber(number), pub: A, message, signature });
  if (number + P < 1n << 255n) {
    vector(`u is of ${name}, with p added`, { u: curve.encodeNumber(number + P), pub: A, message, signature });
  }
}
// p - 1 has no image; who inverts 0 by a power gets y = 0.
const zeroY = curve.encodeNumber(0n);
vector('u is p - 1', { u: curve.encodeNumber(P - 1n), pub: zeroY, message, signature: forge(zeroY, message) });

// On the other curve: no point, so nothing can be signed.
let twist = 2n;
while (curve.decode(curve.encodeNumber(mod((twist - 1n) * power(twist + 1n, P - 2n)))) !== null) twist++;
const nowhere = curve.encodeNumber(mod((twist - 1n) * power(twist + 1n, P - 2n)));
vector('u is on the twist', { u: curve.encodeNumber(twist), pub: nowhere, message, signature: good, careless: false });

writeFileSync(new URL('xeddsa_odd.json', import.meta.url), JSON.stringify({
  about: 'made by make_xeddsa_odd.mjs; u is the bare 32 bytes, what is not ok a careless verifier takes',
  vectors,
}, null, 1) + '\n');

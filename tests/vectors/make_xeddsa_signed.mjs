// SPDX-License-Identifier: Apache-2.0
// Writes xeddsa_signed.json: what a device that has an Ed25519 seed signs as XEdDSA, by Node's own
// Ed25519 and the formula for u. That libsignal verifies it is tested in e2e/key_vectors.test.mjs.
// Seeds are fixed:  node tests/vectors/make_xeddsa_signed.mjs
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { P, encodeNumber, little } from './ed25519.mjs';

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const VECTORS = 24;
const SIGN_BIT = 0x80;

const sha256 = (text) => createHash('sha256').update(text).digest();
const mod = (a) => ((a % P) + P) % P;
function power(base, exponent) {
  let result = 1n;
  for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = mod(b * b)) {
    if (e & 1n) result = mod(result * b);
  }
  return result;
}

// u = (1 + y) / (1 - y), little-endian.
function uOf(pub) {
  const y = little(pub) & (1n << 255n) - 1n;
  return encodeNumber(mod((1n + y) * power(1n - y, P - 2n)));
}

function vector(number) {
  const seed = sha256(`sealpost xeddsa signed ${number}`);
  const secret = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
  const pub = createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(12);
  const message = number === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([5]), sha256(`prekey ${number}`)]);
  const signature = sign(null, message, secret);
  signature[63] |= pub[31] & SIGN_BIT;
  const hex = (bytes) => bytes.toString('hex');
  return { seed: hex(seed), u: hex(uOf(pub)), msg: hex(message), sig: hex(signature) };
}

writeFileSync(new URL('./xeddsa_signed.json', import.meta.url), `${JSON.stringify({
  about: 'XEdDSA signatures by Ed25519 keys of a seed; made by make_xeddsa_signed.mjs',
  vectors: Array.from({ length: VECTORS }, (_, number) => vector(number)),
}, null, 1)}\n`);

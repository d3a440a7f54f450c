// SPDX-License-Identifier: Apache-2.0
// Ed25519 by Node's own crypto (OpenSSL), where the daemon uses libsodium.
import { L, isValidPoint, little } from '../../vectors/ed25519.mjs';
import { createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto';

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

export class SigningKey {
  constructor(seed = randomBytes(32)) {
    this.seed = Buffer.from(seed);
    this.secret = createPrivateKey({
      key: Buffer.concat([PKCS8, this.seed]),
      format: 'der',
      type: 'pkcs8',
    });
    const spki = createPublicKey(this.secret).export({ format: 'der', type: 'spki' });
    this.pub = Buffer.from(spki.subarray(SPKI.length));
  }

  sign(bytes) {
    return sign(null, bytes, this.secret);
  }
}

const points = new Map(); // the check takes milliseconds, and the same keys come again

// Canonical and of prime order; OpenSSL does not ask.
export function isGoodPoint(bytes) {
  const name = bytes.toString('hex');
  if (!points.has(name)) {
    points.set(name, isValidPoint(bytes));
  }
  return points.get(name);
}

export function verifySignature(pub, bytes, signature) {
  if (signature.length !== 64 || !isGoodPoint(pub) || !isGoodPoint(signature.subarray(0, 32))
    || little(signature.subarray(32)) >= L) {
    return false;
  }
  try {
    const key = createPublicKey({
      key: Buffer.concat([SPKI, pub]),
      format: 'der',
      type: 'spki',
    });
    return verify(null, bytes, key, signature);
  } catch {
    return false;
  }
}

// SPDX-License-Identifier: Apache-2.0
// Ed25519 by Node's own crypto (OpenSSL), where the daemon uses libsodium.
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

export function verifySignature(pub, bytes, signature) {
  if (signature.length !== 64) {
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

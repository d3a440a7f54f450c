// SPDX-License-Identifier: Apache-2.0
// An authenticator of WebAuthn and the browser before it, written from the standard (W3C, Level 3):
// keys of three algorithms by Node, CBOR by hand.
import {
  createHash, generateKeyPairSync, randomBytes, sign,
} from 'node:crypto';
import { b64u, u16, u32 } from './bytes.mjs';

export const UP = 0x01;
export const UV = 0x04;
export const BE = 0x08;
export const BS = 0x10;
export const AT = 0x40;
export const ED = 0x80;
export const ES256 = -7;
export const EDDSA = -8;
export const RS256 = -257;
export const RP_ID = 'relay.example';
export const ORIGIN = 'https://relay.example';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest();
const bytesOf = (text) => Buffer.from(text, 'base64url');

// CBOR (RFC 8949) of numbers, texts, bytes and maps given as lists of pairs, in the order given.
function head(major, value) {
  if (value < 24) return Buffer.from([major << 5 | value]);
  if (value < 256) return Buffer.from([major << 5 | 24, value]);
  return Buffer.concat([Buffer.from([major << 5 | 25]), u16(value)]);
}
export function cbor(value) {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  return Buffer.concat([head(5, value.length), ...value.flat().map(cbor)]);
}

// How Node makes a key of an algorithm, and how COSE writes it (RFC 9052 section 7, RFC 8812).
const KINDS = {
  [ES256]: {
    make: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    cose: ({ x, y }) => [[1, 2], [3, ES256], [-1, 1], [-2, bytesOf(x)], [-3, bytesOf(y)]],
    raw: ({ x, y }) => Buffer.concat([bytesOf(x), bytesOf(y)]),
    hash: 'sha256',
  },
  [EDDSA]: {
    make: () => generateKeyPairSync('ed25519'),
    cose: ({ x }) => [[1, 1], [3, EDDSA], [-1, 6], [-2, bytesOf(x)]],
    raw: ({ x }) => bytesOf(x),
    hash: null,
  },
  [RS256]: {
    make: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    cose: ({ n, e }) => [[1, 3], [3, RS256], [-1, bytesOf(n)], [-2, bytesOf(e)]],
    raw: ({ n, e }) => Buffer.concat([bytesOf(n), bytesOf(e)]),
    hash: 'sha256',
  },
};

// Whether both numbers of an ECDSA signature (RFC 3279 section 2.2.3) have all of their 32 bytes.
const isWhole = (der) => [3, 5 + der[3]].every((at) => der[at] - (der[at + 1] === 0 ? 1 : 0) === 32);

export class Authenticator {
  constructor({ alg = ES256, flags = UP | UV, counter = 1, idBytes = 32 } = {}) {
    Object.assign(this, { alg, flags, counter, id: randomBytes(idBytes), kind: KINDS[alg] });
    const { publicKey, privateKey } = this.kind.make();
    this.privateKey = privateKey;
    const jwk = publicKey.export({ format: 'jwk' });
    this.cose = cbor(this.kind.cose(jwk));
    this.key = this.kind.raw(jwk);
  }

  static clientData(type, challenge, said = {}) {
    return Buffer.from(JSON.stringify({
      type, challenge: b64u(challenge), origin: ORIGIN, crossOrigin: false, ...said,
    }));
  }

  // extensions: pairs; behind: bytes that stand where nothing should.
  authData(flags, { rpId = RP_ID, extensions, attested = Buffer.alloc(0), behind = Buffer.alloc(0) }) {
    return Buffer.concat([
      sha256(rpId), Buffer.from([extensions ? flags | ED : flags]), u32(this.counter), attested,
      extensions ? cbor(extensions) : Buffer.alloc(0), behind,
    ]);
  }

  create(challenge, {
    said, flags = this.flags, cose = this.cose, type = 'webauthn.create', ...how
  } = {}) {
    const attested = Buffer.concat([Buffer.alloc(16, 0xaa), u16(this.id.length), this.id, cose]);
    return {
      clientData: Authenticator.clientData(type, challenge, said),
      authData: this.authData(flags | AT, { attested, ...how }),
    };
  }

  // One in a hundred signatures of ES256 has a number of fewer bytes; isShort says which are wanted.
  sign(bytes, isShort) {
    let signature;
    do {
      signature = sign(this.kind.hash, bytes, this.privateKey);
    } while (this.alg === ES256 && isWhole(signature) === isShort);
    return signature;
  }

  get(challenge, {
    said, flags = this.flags, type = 'webauthn.get', isShort = false, ...how
  } = {}) {
    const clientData = Authenticator.clientData(type, challenge, said);
    const authData = this.authData(flags, how);
    const signed = Buffer.concat([authData, sha256(clientData)]);
    return { clientData, authData, signature: this.sign(signed, isShort) };
  }
}

// What a browser wraps authenticatorData of a registration in, when no attestation is wanted.
export const attestationObject = (authData) => cbor([['fmt', 'none'], ['attStmt', []], ['authData', authData]]);

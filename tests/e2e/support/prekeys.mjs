// SPDX-License-Identifier: Apache-2.0
// Public keys as clients of the directory make them: Signal's by libsignal-client,
// KeyPackages by ts-mls, in the form in which they are uploaded.
import { createHash, randomBytes } from 'node:crypto';
import {
  defaultCapabilities, defaultLifetime, generateKeyPackageWithKey, getCiphersuiteFromName,
  getCiphersuiteImpl,
} from 'ts-mls';
import { encodeKeyPackage } from 'ts-mls/keyPackage.js';
import { b64u, label, sha256, u16, u32, u8 } from './bytes.mjs';
import { libsignal } from './libsignal.mjs';
import './webcrypto.mjs';

const { IdentityKeyPair, KEMKeyPair, PrivateKey } = libsignal;

// Slots of the directory.
export const SIGNED = 'signal.signed-ec';
export const EC = 'signal.one-time-ec';
export const KYBER = 'signal.one-time-kyber';
export const LAST = 'signal.last-kyber';
export const MLS = 'mls.keypackage';

export const X25519 = 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519'; // suite 1
export const X_WING = 'MLS_256_XWING_AES256GCM_SHA512_Ed25519'; // suite 83
const LAST_RESORT = 0x000a;
const SUITE_AT = 2; // behind the version
const SHA512_SUITES = new Set([83, 84]); // those with X-Wing

export class SignalKeys {
  constructor() {
    this.identity = IdentityKeyPair.generate();
  }

  get entry() {
    return { type: 1, bytes: Buffer.from(this.identity.publicKey.serialize()) };
  }

  sign(key) {
    return b64u(this.identity.privateKey.sign(key));
  }

  signed(id, key) {
    return { id, key: b64u(key), signature: this.sign(key) };
  }

  signedEc(id = 1) {
    return this.signed(id, PrivateKey.generate().getPublicKey().serialize());
  }

  kyber(id = 1) {
    return this.signed(id, KEMKeyPair.generate().getPublicKey().serialize());
  }
}

// Somebody with a Signal identity, and a stranger; options of the first one's account.
export async function people(relay, options = {}) {
  const signal = new SignalKeys();
  const owner = await relay.account({ keys: [signal.entry], ...options });
  const stranger = await relay.account();
  return { signal, owner, device: owner.first, claimant: stranger.first };
}

// The directory looks at length and type of an unsigned key, and cannot see more.
export const oneTimeEc = (id) => ({ id, key: b64u(Buffer.concat([u8(5), randomBytes(32)])) });

export const numbered = (count, make, from = 1) => Array.from(
  { length: count }, (_, i) => make(from + i),
);

// A vector of MLS with its length in front, up to 16383 bytes.
const vector = (bytes) => Buffer.concat([
  bytes.length < 64 ? u8(bytes.length) : u16(0x4000 + bytes.length), bytes,
]);

// Of a bare KeyPackage, by the hash of its suite.
const referenceOf = (key) => createHash(SHA512_SUITES.has(key.readUInt16BE(SUITE_AT)) ? 'sha512' : 'sha256')
  .update(vector(Buffer.from('MLS 1.0 KeyPackage Reference'))).update(vector(key)).digest();

export function uploadOf(keyPackage) {
  const key = Buffer.from(encodeKeyPackage(keyPackage));
  return { id: b64u(referenceOf(key)), key: b64u(key) };
}

export class MlsKeys {
  static async create(suite = X25519) {
    const mls = new MlsKeys();
    mls.suite = await getCiphersuiteImpl(getCiphersuiteFromName(suite));
    mls.pair = await mls.suite.signature.keygen();
    return mls;
  }

  get entry() {
    return { type: 2, bytes: Buffer.from(this.pair.publicKey) };
  }

  // options: lifetime { notBefore, notAfter } in seconds, extensionLastResort.
  make({ identity = 'someone', lifetime = {}, extensionLastResort = false } = {}) {
    const { notBefore, notAfter } = { ...defaultLifetime, ...lifetime };
    return generateKeyPackageWithKey(
      { credentialType: 'basic', identity: Buffer.from(identity) },
      defaultCapabilities(), { notBefore: BigInt(notBefore), notAfter: BigInt(notAfter) },
      extensionLastResort ? [{ extensionType: LAST_RESORT, extensionData: new Uint8Array() }] : [],
      { signKey: this.pair.signKey, publicKey: this.pair.publicKey }, this.suite,
    );
  }

  // One as it is uploaded; fields are members beside it.
  async keyPackage({ lifetime, extensionLastResort, ...fields } = {}) {
    const { publicPackage } = await this.make({ lifetime, extensionLastResort });
    return { ...uploadOf(publicPackage), ...fields };
  }
}

const idBytes = (id) => (typeof id === 'number' ? u32(id) : Buffer.from(id, 'base64url'));

// The digest of POST /v1/keys/check over { NAME: [keys] }.
export function keysDigest(slots) {
  const parts = Object.keys(slots).filter((name) => slots[name].length > 0).sort().map((name) => {
    const keys = slots[name]
      .map(({ id, key }) => ({ id: idBytes(id), key: Buffer.from(key, 'base64url') }))
      .sort((x, y) => Buffer.compare(x.id, y.id));
    return Buffer.concat([
      u8(name.length), Buffer.from(name, 'ascii'), u32(keys.length),
      ...keys.flatMap(({ id, key }) => [u16(id.length), id, sha256(key)]),
    ]);
  });
  return b64u(sha256(label('sealpost/keys-check/1'), ...parts));
}

// SPDX-License-Identifier: Apache-2.0
// What libsignal keeps, in memory: sessions, identities, and keys that were uploaded.
import { libsignal } from './libsignal.mjs';

const {
  IdentityChange, IdentityKeyStore, KyberPreKeyStore, PreKeyStore, SessionStore, SignedPreKeyStore,
} = libsignal;

const nameOf = (address) => `${address.name()}.${address.deviceId()}`;

function held(map, id, what) {
  if (!map.has(id)) {
    throw new Error(`there is no ${what} ${id}`);
  }
  return map.get(id);
}

export class Sessions extends SessionStore {
  records = new Map();

  async saveSession(address, record) {
    this.records.set(nameOf(address), record);
  }

  async getSession(address) {
    return this.records.get(nameOf(address)) ?? null;
  }

  async getExistingSessions(addresses) {
    return addresses.map((address) => held(this.records, nameOf(address), 'session with'));
  }
}

// It trusts who comes first, and another only after forget().
export class Identities extends IdentityKeyStore {
  known = new Map();

  constructor(identity, registrationId) {
    super();
    Object.assign(this, { identity, registrationId });
  }

  async getIdentityKey() {
    return this.identity.privateKey;
  }

  async getLocalRegistrationId() {
    return this.registrationId;
  }

  async saveIdentity(address, key) {
    const before = this.known.get(nameOf(address));
    this.known.set(nameOf(address), key);
    return before === undefined || before.equals(key)
      ? IdentityChange.NewOrUnchanged : IdentityChange.ReplacedExisting;
  }

  async isTrustedIdentity(address, key) {
    return this.known.get(nameOf(address))?.equals(key) ?? true;
  }

  async getIdentity(address) {
    return this.known.get(nameOf(address)) ?? null;
  }

  forget(address) {
    this.known.delete(nameOf(address));
  }
}

export class PreKeys extends PreKeyStore {
  records = new Map();

  async savePreKey(id, record) {
    this.records.set(id, record);
  }

  async getPreKey(id) {
    return held(this.records, id, 'one-time key');
  }

  async removePreKey(id) {
    this.records.delete(id);
  }
}

export class SignedPreKeys extends SignedPreKeyStore {
  records = new Map();

  async saveSignedPreKey(id, record) {
    this.records.set(id, record);
  }

  async getSignedPreKey(id) {
    return held(this.records, id, 'signed key');
  }
}

// A key for single use goes when it was used; that of the last resort stays.
export class KyberPreKeys extends KyberPreKeyStore {
  records = new Map();

  lastResort = new Set();

  async saveKyberPreKey(id, record) {
    this.records.set(id, record);
  }

  async getKyberPreKey(id) {
    return held(this.records, id, 'Kyber key');
  }

  async markKyberPreKeyUsed(id) {
    if (!this.lastResort.has(id)) {
      this.records.delete(id);
    }
  }
}

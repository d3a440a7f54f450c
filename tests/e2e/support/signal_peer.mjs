// SPDX-License-Identifier: Apache-2.0
// A device that speaks Signal's protocol by libsignal: the relay has its public keys and its mail.
// A body is a kind; who it is from, unless it is sealed; and what libsignal made.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { b64u, envelopeId, fromB64u, u8 } from './bytes.mjs';
import { libsignal } from './libsignal.mjs';
import {
  EC, KYBER, LAST, SIGNED, SignalKeys, numbered,
} from './prekeys.mjs';
import { ok } from './scene.mjs';
import { Identities, KyberPreKeys, PreKeys, Sessions, SignedPreKeys } from './signal_stores.mjs';

const {
  CiphertextMessageType, KEMKeyPair, KyberPreKeyRecord, PreKeyBundle, PreKeyRecord, PreKeySignalMessage,
  PrivateKey, ProtocolAddress, PublicKey, SignalMessage, SignedPreKeyRecord, processPreKeyBundle,
  sealedSenderDecryptMessage, sealedSenderEncryptMessage, signalDecrypt, signalDecryptPreKey, signalEncrypt,
} = libsignal;

export const SEALED = 0; // beside libsignal's own kinds, 2 and 3
export const PREKEY = CiphertextMessageType.PreKey;
export const WHISPER = CiphertextMessageType.Whisper;
const SIGNED_ID = 1;
const LAST_ID = 9000;
const UUID_BYTES = 36;
const HEAD_BYTES = 1 + UUID_BYTES + 1;

const publicOf = ({ id, key, signature }) => ({
  id, key: Buffer.from(fromB64u(key)), signature: signature && Buffer.from(fromB64u(signature)),
});

// An account whose devices share an identity, as in Signal; each has a session and no keys yet.
export async function person(relay, devices) {
  const signal = new SignalKeys();
  const account = await relay.account({ keys: [signal.entry], devices });
  const uuid = randomUUID();
  for (const device of account.devices.slice(1)) {
    await device.login();
  }
  const peers = account.devices.map((device) => new SignalPeer(device, uuid, signal));
  return { account, uuid, signal, peers };
}

export class SignalPeer {
  constructor(device, uuid, signal) {
    this.registrationId = 1 + randomBytes(2).readUInt16BE() % 16380;
    Object.assign(this, { device, uuid, signal, address: ProtocolAddress.new(uuid, device.id) });
    this.identities = new Identities(signal.identity, this.registrationId);
    this.sessions = new Sessions();
    this.preKeys = new PreKeys();
    this.signedPreKeys = new SignedPreKeys();
    this.kyberPreKeys = new KyberPreKeys();
  }

  signedKey(id) {
    const secret = PrivateKey.generate();
    const signed = this.signal.signed(id, secret.getPublicKey().serialize());
    this.signedPreKeys.saveSignedPreKey(id, SignedPreKeyRecord.new(id, Date.now(), secret.getPublicKey(),
      secret, fromB64u(signed.signature)));
    return signed;
  }

  oneTimeKey(id) {
    const secret = PrivateKey.generate();
    this.preKeys.savePreKey(id, PreKeyRecord.new(id, secret.getPublicKey(), secret));
    return { id, key: b64u(secret.getPublicKey().serialize()) };
  }

  kyberKey(id) {
    const pair = KEMKeyPair.generate();
    const signed = this.signal.signed(id, pair.getPublicKey().serialize());
    this.kyberPreKeys.saveKyberPreKey(id,
      KyberPreKeyRecord.new(id, Date.now(), pair, fromB64u(signed.signature)));
    return signed;
  }

  // Upload a bundle with so many keys for single use.
  async offer(count) {
    this.kyberPreKeys.lastResort.add(LAST_ID);
    ok(await this.device.putKeys({
      [SIGNED]: [this.signedKey(SIGNED_ID)],
      [EC]: numbered(count, (id) => this.oneTimeKey(id)),
      [KYBER]: numbered(count, (id) => this.kyberKey(id)),
      [LAST]: [this.kyberKey(LAST_ID)],
    }, { registration_id: this.registrationId }));
  }

  // Claim the bundles of an account's devices, or of some.
  async claimOf({ account }, fields) {
    return ok(await this.device.claim(account, [SIGNED, EC, KYBER], fields)).devices;
  }

  // Begin a session with a device from its bundle, as PQXDH has it.
  async begin({ uuid, signal }, { device_id: id, registration_id: registration, keys }) {
    const [signed, kyber] = [publicOf(keys[SIGNED]), publicOf(keys[KYBER])];
    const ec = keys[EC] && publicOf(keys[EC]);
    const bundle = PreKeyBundle.new(registration, id, ec?.id ?? null,
      ec ? PublicKey.deserialize(ec.key) : null, signed.id, PublicKey.deserialize(signed.key),
      signed.signature, signal.identity.publicKey, kyber.id,
      libsignal.KEMPublicKey.deserialize(kyber.key), kyber.signature);
    await processPreKeyBundle(bundle, ProtocolAddress.new(uuid, id), this.address, this.sessions,
      this.identities);
  }

  async beginAll(other, fields) {
    const bundles = await this.claimOf(other, fields);
    for (const bundle of bundles) {
      await this.begin(other, bundle);
    }
    return bundles;
  }

  async encrypt(to, text) {
    const message = await signalEncrypt(Buffer.from(text), to.address, this.address, this.sessions,
      this.identities);
    return Buffer.concat([u8(message.type()), Buffer.from(this.uuid), u8(this.device.id),
      message.serialize()]);
  }

  async seal(to, text, certificate) {
    return Buffer.concat([u8(SEALED), await sealedSenderEncryptMessage(Buffer.from(text), to.address,
      certificate, this.sessions, this.identities)]);
  }

  async recipient(to, text) {
    return { device_pub: to.device.pubText, body: b64u(await this.encrypt(to, text)) };
  }

  // POST /v1/envelopes: text for each of peers, encrypted for it.
  async send(peers, text, fields = {}) {
    const recipients = [];
    for (const peer of peers) {
      recipients.push(await this.recipient(peer, text));
    }
    return this.device.call('POST', '/v1/envelopes', {
      json: { id: b64u(envelopeId()), recipients, ...fields },
    });
  }

  async decrypt(body) {
    const from = ProtocolAddress.new(body.subarray(1, 1 + UUID_BYTES).toString(), body[HEAD_BYTES - 1]);
    const message = body.subarray(HEAD_BYTES);
    const plain = body[0] === PREKEY
      ? await signalDecryptPreKey(PreKeySignalMessage.deserialize(message), from, this.address,
        this.sessions, this.identities, this.preKeys, this.signedPreKeys, this.kyberPreKeys)
      : await signalDecrypt(SignalMessage.deserialize(message), from, this.address, this.sessions,
        this.identities);
    return Buffer.from(plain).toString();
  }

  unseal(body, trustRoot) {
    assert.equal(body[0], SEALED);
    return sealedSenderDecryptMessage(body.subarray(1), trustRoot, Date.now(), null, this.uuid,
      this.device.id, this.sessions, this.identities, this.preKeys, this.signedPreKeys,
      this.kyberPreKeys);
  }

  // Come online and take count bodies, as they were delivered, acknowledged.
  async receive(count) {
    const stream = await this.device.open({ autoAck: true });
    const bodies = (await stream.delivers(count)).map(({ body }) => body);
    await stream.barrier();
    await stream.close();
    return bodies;
  }

  async read(count = 1) {
    const texts = [];
    for (const body of await this.receive(count)) {
      texts.push(await this.decrypt(body));
    }
    return texts;
  }
}

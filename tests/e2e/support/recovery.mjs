// SPDX-License-Identifier: Apache-2.0
// Recovery as clients do it, from the texts of openapi.yaml and manifest.md alone: the key on paper,
// the two shares, the digits, and the calls of who asks and who helps.
import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { b64u, fromB64u, label, sha256, u8 } from './bytes.mjs';
import { SigningKey } from './keys.mjs';
import { ADMIN, RECOVERY, SIGNER_RECOVERY } from './manifest.mjs';
import { BoxKey, seal } from './sealed_box.mjs';
import { assertStatus, ok } from './scene.mjs';
import { OP, recoveryBytes } from './signing.mjs';

const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ZERO32 = Buffer.alloc(32);

// ---- the key on paper ----

// Powers of x in GF(32), x^5 = x^2 + 1.
const powers = [1];
while (powers.length < 31) {
  const next = powers.at(-1) << 1;
  powers.push(next & 32 ? next ^ 0b100101 : next);
}
const times = (a, b) => (a && b ? powers[(powers.indexOf(a) + powers.indexOf(b)) % 31] : 0);
const isWord = (values) => values.reduce((sum, v) => sum ^ v, 0) === 0
  && values.reduce((sum, v, i) => sum ^ times(v, powers[i]), 0) === 0;

export function keyText(bytes) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('') + '00';
  const values = bits.match(/.{5}/g).map((five) => parseInt(five, 2));
  for (let u = 0; u < 32; u++) {
    for (let v = 0; v < 32; v++) {
      if (isWord([...values, u, v])) {
        return [...values, u, v].map((value) => LETTERS[value]).join('').match(/.{4}/g).join('-');
      }
    }
  }
  throw new Error('no two letters check');
}

export const seedOf = (bytes) => Buffer.from(
  hkdfSync('sha256', bytes, '', 'sealpost/recovery/ed25519/1', 32),
);

// ---- shares and digits ----

const aadOf = (accountId, slot) => Buffer.concat(
  [label('sealpost/recovery-packet/1'), accountId, u8(slot)],
);

export function makeShare(accountId, slot, a, seed, nonce = randomBytes(12)) {
  const cipher = createCipheriv('aes-256-gcm', a, nonce).setAAD(aadOf(accountId, slot));
  const sealed = Buffer.concat([cipher.update(seed), cipher.final(), cipher.getAuthTag()]);
  return Buffer.concat([accountId, u8(slot), nonce, sealed]);
}

// The seed, or null when a and the share do not belong together.
export function openShare(share, a) {
  const packet = share.subarray(33);
  const decipher = createDecipheriv('aes-256-gcm', a, packet.subarray(0, 12))
    .setAAD(aadOf(share.subarray(0, 32), share[32])).setAuthTag(packet.subarray(44));
  try {
    return Buffer.concat([decipher.update(packet.subarray(12, 44)), decipher.final()]);
  } catch {
    return null;
  }
}

export const entryOf = (recoveryId, publicKey) => sha256(
  label('sealpost/recovery-entry/1'), recoveryId, publicKey,
);
export const commitOf = (random, entry) => sha256(label('sealpost/sas-commit/1'), random, entry);
export function digitsOf(entry, random, contactRandom) {
  const sas = sha256(label('sealpost/sas/1'), ZERO32, entry, ZERO32, random, contactRandom);
  return String(sas.readUIntBE(0, 6) % 1_000_000).padStart(6, '0');
}

// ---- the owner, before it is too late ----

export const putContact = (device, slot, fields = {}, options = {}) => device.command(
  OP.sharePut, 'PUT', `/v1/recovery/contacts/${options.path ?? slot}`,
  { slot, share: b64u(randomBytes(32)), ...fields }, options,
);

export const removeContact = (device, slot, fields = {}, options = {}) => device.command(
  OP.sharePut, 'DELETE', `/v1/recovery/contacts/${slot}`, { slot, ...fields }, options,
);

export const contactsOf = async (device) => ok(await device.call('GET', '/v1/recovery/contacts'))
  .contacts;

// Give a contact a share of the account's recovery key; what the contact keeps.
export async function shareWith(device, slot, fields = {}) {
  const a = randomBytes(32);
  assertStatus(await putContact(device, slot, { share: b64u(a), ...fields }), 204);
  return makeShare(device.account.id, slot, a, device.account.recovery.seed);
}

// ---- who asks ----

export const beginRecovery = (relay, whom, fields = {}) => relay.call('POST', '/v1/recoveries', {
  json: { ...whom, public_key: b64u(new BoxKey().pub), ...fields },
});

export class Asker {
  constructor(relay) {
    this.relay = relay;
    this.box = new BoxKey();
    this.turn = 0;
  }

  async begin(whom, fields = {}) {
    const answer = await beginRecovery(this.relay, whom, {
      public_key: b64u(this.box.pub), ...fields,
    });
    assertStatus(answer, 201);
    this.id = answer.json.recovery_id;
    this.token = answer.json.token;
    return answer.json;
  }

  post(what, json = {}) {
    return this.relay.call('POST', `/v1/recoveries/${this.id}/${what}`, {
      json: { token: this.token, ...json },
    });
  }

  get entry() {
    return entryOf(fromB64u(this.id), this.box.pub);
  }

  exchange() {
    this.random = randomBytes(32);
    this.turn++;
    return this.post('exchange', {
      exchange: this.turn, commit: b64u(commitOf(this.random, this.entry)),
    });
  }

  async poll() {
    return ok(await this.post('poll'));
  }

  // Show what was committed to; the digits that this side sees.
  async reveal() {
    const { contact_random: shown } = await this.poll();
    assertStatus(await this.post('reveal', {
      exchange: this.turn, random: b64u(this.random),
    }), 204);
    return digitsOf(this.entry, this.random, fromB64u(shown));
  }

  release() {
    return this.post('release');
  }

  withdraw() {
    return this.relay.call('DELETE', '/v1/recoveries', {
      json: { recovery_id: this.id, token: this.token },
    });
  }

  // The share that came with what was released, and the seed; null when they do not fit.
  open({ share, packet }) {
    const held = this.box.open(fromB64u(packet));
    return held && openShare(held, fromB64u(share));
  }
}

// ---- who helps ----

export class Helper {
  constructor(device, recoveryId) {
    Object.assign(this, { device, id: recoveryId });
  }

  async look() {
    return ok(await this.device.call('GET', `/v1/recoveries/${this.id}`));
  }

  post(what, json) {
    return this.device.call('POST', `/v1/recoveries/${this.id}/${what}`, { json });
  }

  async answer() {
    const seen = await this.look();
    this.turn = seen.exchange;
    this.key = fromB64u(seen.public_key);
    this.commit = fromB64u(seen.commit);
    this.random = randomBytes(32);
    return this.post('answer', { exchange: this.turn, random: b64u(this.random) });
  }

  // The digits that this side sees; null when what was revealed is not what was committed to.
  async digits() {
    const { random } = await this.look();
    const entry = entryOf(fromB64u(this.id), this.key);
    return commitOf(fromB64u(random), entry).equals(this.commit)
      ? digitsOf(entry, fromB64u(random), this.random) : null;
  }

  send(share, fields = {}) {
    return this.post('packet', {
      exchange: this.turn, slot: share[32], packet: b64u(seal(this.key, share)), ...fields,
    });
  }
}

// The two compare digits, which are alike, and the contact sends its share.
export async function meet(asker, helper, share) {
  assertStatus(await asker.exchange(), 204);
  assertStatus(await helper.answer(), 204);
  const digits = await asker.reveal();
  assert.equal(await helper.digits(), digits);
  assertStatus(await helper.send(share), 204);
}

// Let time come: ask until it is not too early.
export async function releaseWhenDue(asker) {
  for (;;) {
    const answer = await asker.release();
    if (answer.code !== 'recovery_waiting') {
      return answer;
    }
  }
}

// ---- with the recovery key ----

export async function readChain(relay, whom, key, fields = {}) {
  const { challenge } = ok(await relay.call('POST', '/v1/auth/challenge', { json: {} }));
  const signature = key.sign(recoveryBytes(relay.baseUrl, fromB64u(challenge), whom));
  return relay.call('POST', '/v1/recovery/chain', {
    json: { ...whom, challenge, signature: b64u(signature), ...fields },
  });
}

// The next list of an account: a new device alone, by the recovery key.
export function recoveryManifest(account, key) {
  const id = Math.max(...account.devices.map((device) => device.id)) + 1;
  const device = account.newDevice(id, { flags: ADMIN });
  return {
    device,
    ...account.next({
      devices: [device], flags: RECOVERY,
      signers: [{ signer: SIGNER_RECOVERY, key }, { signer: id, key: device.key }],
    }),
  };
}

export const cancel = (device, recoveryId, options = {}) => device.command(
  OP.veto, 'DELETE', '/v1/recoveries', { recovery_id: recoveryId, ...options.body }, options,
);

export const recoveriesOf = async (device) => ok(await device.call('GET', '/v1/recoveries'))
  .recoveries;

export const signingKeyOf = (seed) => new SigningKey(seed);

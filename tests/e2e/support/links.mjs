// SPDX-License-Identifier: Apache-2.0
// Both sides of a link, by server/api/manifest.md alone: the device that comes, and the one that
// lets it in.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { b64u, fromB64u, label, sha256, u16, u8 } from './bytes.mjs';
import { Device } from './device.mjs';
import { SigningKey, verifySignature } from './keys.mjs';
import { ADMIN, parseManifest, signatureInput } from './manifest.mjs';
import { assertStatus, ok } from './scene.mjs';

const ENTRY = label('sealpost/link-entry/1');
const COMMIT = label('sealpost/sas-commit/1');
const SAS = label('sealpost/sas/1');

export const entryBytes = (pub, keys) => Buffer.concat([
  pub, u8(keys.length), ...keys.flatMap(({ type, bytes }) => [u16(type), u16(bytes.length), bytes]),
]);
export const entryHash = (entry) => sha256(ENTRY, entry);
export const commitOf = (rN, eN) => sha256(COMMIT, rN, eN);
export const codeOf = ({ accountId, eN, oldPub, rN, rE }) => String(
  sha256(SAS, accountId, eN, oldPub, rN, rE).readUIntBE(0, 6) % 1_000_000,
).padStart(6, '0');
export const uriOf = (eN, linkId) => `sealpost:link?${b64u(Buffer.concat([eN, linkId]))}`;

export function parseUri(text) {
  const bytes = fromB64u(/^sealpost:link\?([A-Za-z0-9_-]{64})$/.exec(text)[1]);
  return { eN: bytes.subarray(0, 32), linkId: b64u(bytes.subarray(32)) };
}

// What a side does when it sees that somebody is between.
export class Refused extends Error {}

// The device that comes.
export class NewDevice {
  constructor(relay, { keys = [] } = {}) {
    this.relay = relay;
    this.key = new SigningKey();
    this.keys = keys;
    this.entry = entryBytes(this.key.pub, keys);
    this.eN = entryHash(this.entry);
  }

  begin(fields = {}) {
    return this.relay.call('POST', '/v1/links', { json: { entry: b64u(this.entry), ...fields } });
  }

  async link(fields = {}) {
    const begun = await this.begin(fields);
    assertStatus(begun, 201);
    const { link_id: id, token, version } = begun.json;
    Object.assign(this, { id, token, version, expiresAt: begun.json.expires_at });
    return this;
  }

  get uri() {
    return uriOf(this.eN, fromB64u(this.id));
  }

  call(method, path, options = {}) {
    return this.relay.call(method, `/v1/links/${this.id}${path}`, { token: this.token, ...options });
  }

  // Read the link, and note its version.
  async read(query = '') {
    const view = ok(await this.call('GET', query));
    this.version = view.version;
    return view;
  }

  // Read until it is at another version, or over.
  wait() {
    return this.read(`?wait=60&version=${this.version}`);
  }

  async until(state) {
    let view = await this.read();
    while (view.state !== state) {
      assert.ok(!['done', 'denied', 'expired'].includes(view.state), `${view.state}, not ${state}`);
      view = await this.wait();
    }
    return view;
  }

  async step(path, fields = {}) {
    const answer = await this.call('POST', path, { json: { version: this.version, ...fields } });
    if (answer.status === 200) {
      this.version = answer.json.version;
    }
    return answer;
  }

  say(body) {
    return this.step('/messages', { body: b64u(body) });
  }

  async commit() {
    this.rN = randomBytes(32);
    ok(await this.say(commitOf(this.rN, this.eN)));
  }

  // Hear the other's number, reveal our own; the digits that are shown.
  async digits() {
    let view = await this.until('claimed');
    while (view.messages.length < 2) {
      view = await this.wait();
    }
    this.agreed = { account: view.account_id, pub: view.device_pub };
    ok(await this.say(this.rN));
    return codeOf({
      accountId: fromB64u(view.account_id), eN: this.eN, oldPub: fromB64u(view.device_pub),
      rN: this.rN, rE: fromB64u(view.messages[1].body),
    });
  }

  // Look at the candidate; its signature by us, or a refusal.
  signatureOf(view, expected) {
    const candidate = parseManifest(fromB64u(view.manifest));
    const self = candidate.devices.find(({ pub }) => pub.equals(this.key.pub));
    const old = candidate.devices.find(({ pub }) => pub.equals(fromB64u(view.device_pub)));
    const signed = old && candidate.signatures.find(({ signer }) => signer === old.id);
    const wrong = !self || !entryBytes(self.pub, self.keys).equals(this.entry)
      || b64u(candidate.accountId) !== view.account_id
      || (expected && view.account_id !== expected)
      || (this.agreed && (view.account_id !== this.agreed.account
        || view.device_pub !== this.agreed.pub))
      || !signed || !(old.flags & ADMIN)
      || !verifySignature(old.pub, signatureInput(candidate.body), signed.bytes);
    if (wrong) {
      throw new Refused('the candidate is not ours');
    }
    this.number = self.id;
    return this.key.sign(signatureInput(candidate.body));
  }

  sign(view, expected) {
    return this.step('/signed', { signature: b64u(this.signatureOf(view, expected)) });
  }

  // What it is in account once it is done.
  deviceOf(account, epoch) {
    return new Device(account, {
      id: this.number, flags: 0, addedEpoch: epoch, keys: this.keys, key: this.key,
    });
  }
}

// The device that lets it in.
export class OldDevice {
  constructor(device, linkId) {
    Object.assign(this, { device, id: linkId });
  }

  call(method, path, options) {
    return this.device.call(method, `/v1/links/${this.id}${path}`, options);
  }

  async read(query = '') {
    const view = ok(await this.call('GET', query));
    this.version = view.version;
    return view;
  }

  wait() {
    return this.read(`?wait=60&version=${this.version}`);
  }

  async step(path, fields = {}) {
    const answer = await this.call('POST', path, { json: { version: this.version, ...fields } });
    if (answer.status === 200) {
      this.version = answer.json.version;
    }
    return answer;
  }

  deny() {
    return this.call('POST', '/deny', { json: {} });
  }

  // By QR code: the entry that the relay shows has to be the one that was scanned.
  async scan(uri) {
    const { eN, linkId } = parseUri(uri);
    this.id = linkId;
    const view = await this.read();
    this.entry = fromB64u(view.entry);
    if (!entryHash(this.entry).equals(eN)) {
      throw new Refused('another entry than the one that was scanned');
    }
    return view;
  }

  async claim() {
    ok(await this.step('/claim'));
  }

  // By digits: claim when there is a commitment, exchange numbers; the code that must be typed.
  async digits() {
    let view = await this.read();
    while (view.messages.length < 1) {
      view = await this.wait();
    }
    this.entry = fromB64u(view.entry);
    const commit = fromB64u(view.messages[0].body);
    await this.claim();
    const rE = randomBytes(32);
    ok(await this.step('/messages', { body: b64u(rE) }));
    while (view.messages.length < 3) {
      view = await this.wait();
    }
    const rN = fromB64u(view.messages[2].body);
    const eN = entryHash(this.entry);
    if (!commitOf(rN, eN).equals(commit)) {
      throw new Refused('not what was committed to');
    }
    return codeOf({ accountId: this.device.account.id, eN, oldPub: this.device.pub, rN, rE });
  }

  // The head with the new device, signed by this one alone.
  candidate({ id, flags = 0, entry = this.entry, change = {} } = {}) {
    const { account } = this.device;
    const keys = [];
    for (let at = 33, left = entry[32]; left > 0; left--) {
      const size = entry.readUInt16BE(at + 2);
      keys.push({ type: entry.readUInt16BE(at), bytes: entry.subarray(at + 4, at + 4 + size) });
      at += 4 + size;
    }
    const number = id ?? Math.max(...account.devices.map((device) => device.id)) + 1;
    const add = [{
      id: number, flags, addedEpoch: account.head.epoch + 1, pub: entry.subarray(0, 32), keys,
    }];
    const signers = [{ signer: this.device.id, key: this.device.key }];
    return account.next({ add, signers, ...change });
  }

  put(candidate = this.candidate()) {
    return this.step('/candidate', { manifest: b64u(candidate.bytes) });
  }

  // The account goes on from a candidate that was put by the new device's signature.
  follow(candidate, device) {
    const { account } = this.device;
    account.devices = candidate.devices.map((each) => (each.pub.equals(device.pub) ? device : each));
    account.setHead(candidate.body, candidate.epoch);
  }
}

// A link by QR code, from its beginning to the new device's session.
export async function linkByCode(old, comer = new NewDevice(old.relay)) {
  await comer.link();
  const side = new OldDevice(old, comer.id);
  await side.scan(comer.uri);
  await side.claim();
  const candidate = side.candidate();
  ok(await side.put(candidate));
  ok(await comer.sign(await comer.until('candidate')));
  const device = comer.deviceOf(old.account, candidate.epoch);
  side.follow(candidate, device);
  await device.login();
  return device;
}

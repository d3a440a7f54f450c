// SPDX-License-Identifier: Apache-2.0
// An account as its owner's devices hold it: keys, manifests, sessions.
import assert from 'node:assert/strict';
import { b64u, fromB64u } from './bytes.mjs';
import { Device } from './device.mjs';
import { SigningKey } from './keys.mjs';
import {
  ADMIN, SIGNER_RECOVERY, ZERO32, accountIdOf, manifestBody, manifestHash, signManifest,
} from './manifest.mjs';

const hourOf = (ms) => Math.floor(ms / 3_600_000) * 3600;

export class Account {
  // options: recovery (a SigningKey), devices (how many at the start, the first is admin),
  // keys (what stands in the manifest beside each).
  constructor(relay, { recovery = null, devices = 1, keys = [] } = {}) {
    this.relay = relay;
    this.recovery = recovery;
    this.devices = [];
    this.head = null;
    for (let id = 1; id <= devices; id++) {
      this.devices.push(new Device(this, {
        id, flags: id === 1 ? ADMIN : 0, addedEpoch: 0, keys,
      }));
    }
    this.signed = this.firstManifest();
    this.setHead(this.signed.body, 0);
  }

  get first() {
    return this.devices[0];
  }

  get idText() {
    return b64u(this.id);
  }

  device(id) {
    return this.devices.find((device) => device.id === id);
  }

  get pubs() {
    return this.devices.map((device) => device.pub);
  }

  setHead(body, epoch) {
    this.head = { epoch, body, hash: manifestHash(body) };
  }

  firstManifest() {
    const fields = {
      epoch: 0, created: hourOf(Date.now()), accountId: ZERO32, prevHash: ZERO32,
      recoveryPub: this.recovery?.pub ?? ZERO32, devices: this.devices,
    };
    this.id = accountIdOf(manifestBody(fields));
    const body = manifestBody({ ...fields, accountId: this.id });
    const signers = this.devices.map((device) => ({ signer: device.id, key: device.key }));
    if (this.recovery) {
      signers.push({ signer: SIGNER_RECOVERY, key: this.recovery });
    }
    return { body, bytes: signManifest(body, signers) };
  }

  // POST /v1/accounts; options.invite or none.
  register({ invite, options } = {}) {
    const json = { manifest: b64u(this.signed.bytes) };
    if (invite !== undefined) {
      json.invite = invite;
    }
    return this.relay.call('POST', '/v1/accounts', { json, ...options });
  }

  newDevice(id, fields = {}) {
    return new Device(this, { id, flags: 0, addedEpoch: this.head.epoch + 1, ...fields });
  }

  /*
   * The successor of the head.  change: add (Devices), remove (ids), devices
   * (the whole list instead), signers (instead of the first admin and the new
   * devices), and fields of the body to replace.
   */
  next({ add = [], remove = [], devices, signers, ...fields } = {}) {
    const list = devices ?? [...this.devices.filter(({ id }) => !remove.includes(id)), ...add]
      .sort((x, y) => x.id - y.id);
    const admin = this.devices.find((device) => (device.flags & ADMIN) !== 0);
    const body = manifestBody({
      epoch: this.head.epoch + 1, created: hourOf(Date.now()), accountId: this.id,
      prevHash: this.head.hash, recoveryPub: this.recovery?.pub ?? ZERO32, devices: list, ...fields,
    });
    const chosen = signers ?? [admin, ...add].map((device) => ({
      signer: device.id, key: device.key,
    }));
    return { body, devices: list, epoch: this.head.epoch + 1, bytes: signManifest(body, chosen) };
  }

  async put(manifest, options) {
    const path = `/v1/accounts/${this.idText}/manifests/${manifest.epoch}`;
    const answer = await this.relay.call('PUT', path, {
      json: { manifest: b64u(manifest.bytes) }, ...options,
    });
    if (answer.status === 201) {
      assert.deepEqual(fromB64u(answer.json.hash), manifestHash(manifest.body));
      this.devices = manifest.devices;
      this.setHead(manifest.body, manifest.epoch);
    }
    return answer;
  }

  async change(change) {
    const answer = await this.put(this.next(change));
    assert.equal(answer.status, 201, answer.body.toString());
    return answer;
  }

  // Add devices with these ids and give each a session.
  async grow(...ids) {
    const add = ids.map((id) => this.newDevice(id));
    await this.change({ add });
    for (const device of add) {
      await device.login();
    }
    return add;
  }

  read(asker, query = '') {
    return asker.call('GET', `/v1/accounts/${this.idText}${query}`);
  }
}

export const recoveryKey = () => new SigningKey();

// SPDX-License-Identifier: Apache-2.0
// A member of MLS groups on one device: ts-mls keeps the group, the relay carries and orders.
import assert from 'node:assert/strict';
import * as mls from 'ts-mls';
import { decodeKeyPackage } from 'ts-mls/keyPackage.js';
import { b64u, envelopeId, fromB64u } from './bytes.mjs';
import { MLS, MlsKeys, uploadOf } from './prekeys.mjs';
import { ok } from './scene.mjs';

export const commitBytes = (commit) => Buffer.from(mls.encodeMlsMessage(commit));
export const welcomeBytes = (welcome) => Buffer.from(
  mls.encodeMlsMessage({ welcome, wireformat: 'mls_welcome', version: 'mls10' }),
);

const messageOf = (bytes) => {
  const [message] = mls.decodeMlsMessage(bytes, 0);
  return message;
};

export class Member {
  constructor(keys, device) {
    Object.assign(this, { keys, device, account: device.account, packages: [], heard: [] });
  }

  // On the first device of an account of its own; suite is the name of one.
  static async create(relay, { suite } = {}) {
    const keys = await MlsKeys.create(suite);
    const account = await relay.account({ keys: [keys.entry] });
    return new Member(keys, account.first);
  }

  // On a device that comes to this one's account, with a key of its own.
  async sibling() {
    const keys = await MlsKeys.create(this.suite.name);
    const device = this.account.newDevice(this.account.devices.length + 1, { keys: [keys.entry] });
    await this.account.change({ add: [device] });
    await device.login();
    return new Member(keys, device);
  }

  get suite() {
    return this.keys.suite;
  }

  async makePackage({ lastResort = false } = {}) {
    const made = await this.keys.make({ identity: this.account.idText, extensionLastResort: lastResort });
    this.packages.push(made);
    return made;
  }

  // Leave a KeyPackage in the directory; its reference.
  async offer(options) {
    const { publicPackage } = await this.makePackage(options);
    ok(await this.device.putKeys({ [MLS]: [uploadOf(publicPackage)] }));
    return uploadOf(publicPackage).id;
  }

  async found(groupId) {
    const { publicPackage, privatePackage } = await this.makePackage();
    this.state = await mls.createGroup(groupId, publicPackage, privatePackage, [], this.suite);
  }

  // KeyPackages of all devices of an account but the own.
  async claimAll(account) {
    const { devices } = ok(await this.device.claim(account, [MLS]));
    return devices.map(({ keys }) => decodeKeyPackage(fromB64u(keys[MLS].key), 0)[0]);
  }

  async claimOf(other) {
    return (await this.claimAll(other.account))[0];
  }

  // Make a commit that adds whoever the KeyPackages are of; the state stays until it is taken.
  makeCommit(keyPackages = [], options = {}) {
    return mls.createCommit({ state: this.state, cipherSuite: this.suite }, {
      extraProposals: keyPackages.map((keyPackage) => ({ proposalType: 'add', add: { keyPackage } })),
      ratchetTreeExtension: true, ...options,
    });
  }

  // POST /v1/mls/commits; the Welcome finds its way unless fields say where it goes.
  post(made, recipients, { id = envelopeId(), ...fields } = {}) {
    const welcome = made.welcome && { body: b64u(welcomeBytes(made.welcome)) };
    return this.device.call('POST', '/v1/mls/commits', {
      json: {
        id: b64u(id), commit: b64u(commitBytes(made.commit)),
        recipients: recipients.map(({ device }) => device.pubText),
        ...welcome && { welcome }, ...fields,
      },
    });
  }

  // An application message, as a body for every other member.
  async say(text) {
    const made = await mls.createApplicationMessage(this.state, Buffer.from(text), this.suite);
    this.state = made.newState;
    return Buffer.from(mls.encodeMlsMessage({
      privateMessage: made.privateMessage, wireformat: 'mls_private_message', version: 'mls10',
    }));
  }

  // Read all mail, and process what is of the group.
  async process() {
    const { envelopes } = await this.device.mailbox();
    for (const { body } of envelopes) {
      const message = messageOf(fromB64u(body));
      if (message.wireformat === 'mls_welcome') {
        await this.join(message.welcome);
      } else {
        const done = await mls.processMessage(message, this.state, mls.emptyPskIndex,
          mls.acceptAll, this.suite);
        this.state = done.newState;
        if (done.kind === 'applicationMessage') {
          this.heard.push(Buffer.from(done.message).toString());
        }
      }
    }
    if (envelopes.length > 0) {
      await this.device.ack(envelopes.map(({ seq }) => seq));
    }
    return envelopes.length;
  }

  async join(welcome) {
    for (const { publicPackage, privatePackage } of this.packages) {
      const { id } = uploadOf(publicPackage);
      if (welcome.secrets.some(({ newMember }) => b64u(newMember) === id)) {
        this.state = await mls.joinGroup(welcome, publicPackage, privatePackage, mls.emptyPskIndex,
          this.suite);
        return;
      }
    }
    assert.fail('the Welcome is for somebody else');
  }

  get leaf() {
    return this.state.privatePath.leafIndex;
  }

  get isRemoved() {
    return this.state.groupActiveState.kind === 'removedFromGroup';
  }

  get epoch() {
    return Number(this.state.groupContext.epoch);
  }

  get secret() {
    return Buffer.from(this.state.keySchedule.epochAuthenticator).toString('hex');
  }
}

// SPDX-License-Identifier: Apache-2.0
// Accounts of several admins, what they order against each other, and vetoes.
import assert from 'node:assert/strict';
import { b64u } from './bytes.mjs';
import { ADMIN, SIGNER_RECOVERY, manifestHash } from './manifest.mjs';
import { OP, commandBytes } from './signing.mjs';

export const by = (...devices) => devices.map((device) => ({ signer: device.id, key: device.key }));
export const byRecovery = (account) => [{ signer: SIGNER_RECOVERY, key: account.recovery }];
export const hashOf = (manifest) => b64u(manifestHash(manifest.body));

// An account whose devices 1 to admins are ADMIN and the next others are not; all have sessions.
export async function household(relay, { admins = 2, others = 0, ...options } = {}) {
  const account = await relay.account(options);
  const add = [];
  for (let id = 2; id <= admins + others; id++) {
    add.push(account.newDevice(id, { flags: id <= admins ? ADMIN : 0 }));
  }
  await account.change({ add });
  for (const device of add) {
    await device.login();
  }
  return account;
}

// The next manifest without these devices, signed by one device alone.
export const removal = (account, signer, ...devices) => account.next({
  remove: devices.map(({ id }) => id), signers: by(signer),
});

export async function hold(account, manifest) {
  const answer = await account.put(manifest);
  assert.equal(answer.status, 202, answer.body.toString());
  return answer.json.held_until;
}

const pathOf = (account, epoch) => `/v1/accounts/${account.idText}/manifests/${epoch}`;
const bodyOf = (account, manifest) => ({
  account_id: account.idText, epoch: manifest.epoch, hash: hashOf(manifest),
});

export const veto = (device, manifest, options = {}) => device.command(
  OP.veto, 'DELETE', pathOf(device.account, manifest.epoch),
  { ...bodyOf(device.account, manifest), ...options.body }, options,
);

export const vetoErasure = (device, signer, options = {}) => device.command(
  OP.veto, 'DELETE', '/v1/account/erasure',
  { account_id: device.account.idText, device_id: signer.id, ...options.body }, options,
);

// The recovery key's own veto, without a session.
export function vetoByRecovery(account, manifest, { key = account.recovery, seq, ...options } = {}) {
  const text = JSON.stringify(bodyOf(account, manifest));
  const number = seq ?? Date.now() + 5000;
  const signed = commandBytes(account.relay.baseUrl, account.id, SIGNER_RECOVERY, number, OP.veto,
    Buffer.from(text));
  return account.relay.call('DELETE', pathOf(account, manifest.epoch), {
    body: text,
    headers: {
      'content-type': 'application/json',
      'sealpost-command': `seq=${number}, sig=${b64u(key.sign(signed))}`,
    },
    ...options,
  });
}

export const erase = (device) => device.command(
  OP.accountDelete, 'DELETE', '/v1/account', { account_id: device.account.idText },
);

export async function heldBy(device) {
  const answer = await device.account.read(device);
  assert.equal(answer.status, 200, answer.body.toString());
  return answer.json.held;
}

// Let the account follow a manifest that the relay put by itself.
export function follow(account, manifest) {
  account.devices = manifest.devices;
  account.setHead(manifest.body, manifest.epoch);
}

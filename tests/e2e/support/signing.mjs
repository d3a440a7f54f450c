// SPDX-License-Identifier: Apache-2.0
// What devices sign besides manifests: the answer to a challenge, and commands.
import { label, sha256, u16, u32, u64, u8 } from './bytes.mjs';

const AUTH = label('sealpost/auth/1');
const HANDLE = label('sealpost/handle/1');
const COMMAND = label('sealpost/cmd/1');
const RECOVERY = label('sealpost/recovery-auth/1');

export const OP = {
  accountDelete: 1, sessionsRevoke: 2, keysPut: 3, keysDelete: 4,
  factorEnrol: 8, factorRemove: 9, sharePut: 10, handleRelease: 11, veto: 13, mlsReset: 14,
};

const audienceField = (audience) => {
  const text = Buffer.from(audience, 'utf8');
  return [u8(text.length), text];
};

export const authBytes = (audience, accountId, deviceId, challenge) => Buffer.concat(
  [AUTH, ...audienceField(audience), accountId, u32(deviceId), challenge],
);

export const commandBytes = (audience, accountId, deviceId, seq, op, payload) => Buffer.concat([
  COMMAND, ...audienceField(audience), accountId, u32(deviceId), u64(seq), u16(op),
  sha256(payload),
]);

// What the recovery key signs to read the chain of { account_id } or { handle }.
export const recoveryBytes = (audience, challenge, { account_id: id, handle }) => Buffer.concat([
  RECOVERY, ...audienceField(audience), challenge,
  ...handle === undefined ? [Buffer.from('a'), Buffer.from(id, 'base64url')]
    : [Buffer.from('h'), Buffer.from(handle.toLowerCase(), 'ascii')],
]);

export const handleBytes = (handle, seq, accountId) => Buffer.concat(
  [HANDLE, u8(handle.length), Buffer.from(handle, 'ascii'), u64(seq), accountId],
);

// The binding of a handle to the account of device, signed by it.
export const handleBinding = (device, handle, seq, { key = device.key } = {}) => {
  const signed = handleBytes(handle, seq, device.account.id);
  return Buffer.concat([signed, u32(device.id), key.sign(signed)]);
};

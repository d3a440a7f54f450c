// SPDX-License-Identifier: Apache-2.0
// What devices sign besides manifests: the answer to a challenge, and commands.
import { label, sha256, u16, u32, u64, u8 } from './bytes.mjs';

const AUTH = label('sealpost/auth/1');
const COMMAND = label('sealpost/cmd/1');

export const OP = { accountDelete: 1, sessionsRevoke: 2, keysPut: 3, keysDelete: 4 };

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

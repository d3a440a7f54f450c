// SPDX-License-Identifier: Apache-2.0
// The signed device list "SPM1", written and read by its byte table alone.
import { Reader, label, sha256, u16, u32, u64, u8 } from './bytes.mjs';

export const ZERO32 = Buffer.alloc(32);
export const SIGNER_RECOVERY = 0;
export const SIGNER_INCOMING = 0xffffffff;
export const ADMIN = 1;
export const DEHYDRATED = 2;
export const RECOVERY = 1;

const SIGNATURE = label('sealpost/manifest-sig/1');
const HASH = label('sealpost/manifest-hash/1');
const ACCOUNT = label('sealpost/account/1');
const ID_AT = 24;
const ID_END = 56;

const deviceBytes = (device) => Buffer.concat([
  u32(device.id), u8(device.flags), u8(device.keys.length), u64(device.addedEpoch), device.pub,
  ...device.keys.flatMap((key) => [u16(key.type), u16(key.bytes.length), key.bytes]),
]);

// Order is the caller's: a test may ask for a body that breaks a rule.
export function manifestBody(fields) {
  return Buffer.concat([
    Buffer.from('SPM1', 'ascii'), u8(fields.flags ?? 0), u8(fields.devices.length),
    u16(fields.reserved ?? 0), u64(fields.epoch), u64(fields.created), fields.accountId,
    fields.prevHash, fields.recoveryPub ?? ZERO32, ...fields.devices.map(deviceBytes),
  ]);
}

export const manifestHash = (body) => sha256(HASH, body);

export function accountIdOf(body) {
  const blank = Buffer.from(body);
  blank.fill(0, ID_AT, ID_END);
  return sha256(ACCOUNT, blank);
}

export const signatureInput = (body) => Buffer.concat([SIGNATURE, body]);

// signers: [{ signer, key }], any order.
export function signManifest(body, signers) {
  const input = signatureInput(body);
  const sorted = [...signers].sort((a, b) => a.signer - b.signer);
  return Buffer.concat([
    body, u8(sorted.length),
    ...sorted.flatMap(({ signer, key }) => [u32(signer), key.sign(input)]),
  ]);
}

function parseDevice(reader) {
  const device = { id: reader.uint(4), flags: reader.uint(1) };
  const keyCount = reader.uint(1);
  device.addedEpoch = reader.bigUint(8);
  device.pub = reader.take(32);
  device.keys = [];
  for (let i = 0; i < keyCount; i++) {
    const type = reader.uint(2);
    device.keys.push({ type, bytes: reader.take(reader.uint(2)) });
  }
  return device;
}

// Throws when the bytes are cut short or too many; judges nothing else.
export function parseManifest(signed) {
  const reader = new Reader(signed);
  const manifest = { magic: reader.take(4).toString('latin1'), flags: reader.uint(1) };
  const deviceCount = reader.uint(1);
  manifest.reserved = reader.uint(2);
  manifest.epoch = reader.bigUint(8);
  manifest.created = reader.bigUint(8);
  manifest.accountId = reader.take(32);
  manifest.prevHash = reader.take(32);
  manifest.recoveryPub = reader.take(32);
  manifest.devices = [];
  for (let i = 0; i < deviceCount; i++) {
    manifest.devices.push(parseDevice(reader));
  }
  manifest.body = signed.subarray(0, reader.at);
  manifest.hash = manifestHash(manifest.body);
  manifest.signatures = [];
  for (let left = reader.uint(1); left > 0; left--) {
    manifest.signatures.push({ signer: reader.uint(4), bytes: reader.take(64) });
  }
  if (reader.left > 0) {
    throw new Error('bytes behind the signature block');
  }
  return manifest;
}

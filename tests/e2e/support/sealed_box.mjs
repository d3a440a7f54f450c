// SPDX-License-Identifier: Apache-2.0
// What the reference device puts into an envelope, by the table in
// server/ctl/message.h, on tweetnacl and blakejs instead of libsodium.
import blake from 'blakejs';
import nacl from 'tweetnacl';
import { Reader, label, u32, u8 } from './bytes.mjs';
import { verifySignature } from './keys.mjs';

export const KEY_TYPE = 0x8001;
const OVERHEAD = 48;
const HEAD = 105;
const LABEL = label('sealpost/device-message/1');

const nonceOf = (ephemeral, recipient) => blake.blake2b(
  Buffer.concat([ephemeral, recipient]), null, 24,
);

export class BoxKey {
  constructor() {
    const pair = nacl.box.keyPair();
    this.secret = pair.secretKey;
    this.pub = Buffer.from(pair.publicKey);
  }

  open(body) {
    const ephemeral = body.subarray(0, 32);
    const plain = nacl.box.open(body.subarray(32), nonceOf(ephemeral, this.pub), ephemeral,
      this.secret);
    return plain && Buffer.from(plain);
  }
}

export function seal(recipientPub, plain) {
  const { publicKey, secretKey } = nacl.box.keyPair();
  const ephemeral = Buffer.from(publicKey);
  const box = nacl.box(plain, nonceOf(ephemeral, recipientPub), recipientPub, secretKey);
  return Buffer.concat([ephemeral, box]);
}

const signedBytes = (targetPub, id, accountId, deviceId, content) => Buffer.concat(
  [LABEL, targetPub, id, accountId, u32(deviceId), content],
);

// A message of device (one of ours) to the device targetPub with the box key boxPub.
export function sealMessage(device, targetPub, boxPub, id, content) {
  const accountId = device.account.id;
  const signature = device.key.sign(signedBytes(targetPub, id, accountId, device.id, content));
  const bucket = [256, 512, 1024, 2048, 4096].find(
    (size) => size >= OVERHEAD + HEAD + content.length,
  );
  const plain = Buffer.concat([
    u8(1), accountId, u32(device.id), u32(content.length), signature, content,
    Buffer.alloc(bucket - OVERHEAD - HEAD - content.length),
  ]);
  return seal(boxPub, plain);
}

// Give { accountId, deviceId, content, isSignedBy(pub) }, or null.
export function openMessage(boxKey, body, targetPub, id) {
  const plain = boxKey.open(body);
  if (plain === null) {
    return null;
  }
  const reader = new Reader(plain);
  const version = reader.uint(1);
  const accountId = reader.take(32);
  const deviceId = reader.uint(4);
  const size = reader.uint(4);
  const signature = reader.take(64);
  const content = reader.take(size);
  const bytes = signedBytes(targetPub, id, accountId, deviceId, content);
  return {
    version, accountId, deviceId, content, isPadded: reader.take(reader.left).every((b) => b === 0),
    isSignedBy: (pub) => verifySignature(pub, bytes, signature),
  };
}

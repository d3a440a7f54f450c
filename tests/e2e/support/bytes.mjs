// SPDX-License-Identifier: Apache-2.0
// Bytes on the wire: big-endian integers, base64url without padding, SHA-256,
// and a reader that refuses to run over the end.
import { createHash, randomBytes } from 'node:crypto';

export const b64u = (bytes) => Buffer.from(bytes).toString('base64url');

export function fromB64u(text) {
  if (typeof text !== 'string' || !/^[A-Za-z0-9_-]*$/.test(text)) {
    throw new Error(`not base64url: ${JSON.stringify(text)}`);
  }
  const bytes = Buffer.from(text, 'base64url');
  if (b64u(bytes) !== text) {
    throw new Error(`not canonical base64url: ${text}`);
  }
  return bytes;
}

export const hex = (text) => Buffer.from(text, 'hex');

export function uint(value, width) {
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(BigInt(value));
  return out.subarray(8 - width);
}
export const u8 = (value) => uint(value, 1);
export const u16 = (value) => uint(value, 2);
export const u32 = (value) => uint(value, 4);
export const u64 = (value) => uint(value, 8);

// A label of domain separation: ASCII and one zero byte.
export const label = (text) => Buffer.concat([Buffer.from(text, 'ascii'), Buffer.alloc(1)]);

export function sha256(...parts) {
  const hash = createHash('sha256');
  parts.forEach((part) => hash.update(part));
  return hash.digest();
}

export class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  take(count) {
    if (count > this.bytes.length - this.at) {
      throw new Error(`cut short at byte ${this.at}`);
    }
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  uint(width) {
    return Number(this.bigUint(width));
  }

  bigUint(width) {
    return this.take(width).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  get left() {
    return this.bytes.length - this.at;
  }
}

// Bytes that no plaintext guard takes for text: 0xff never stands in UTF-8.
export function ciphertext(size = 64) {
  const body = randomBytes(size);
  body[0] = 0xff;
  return body;
}

export const envelopeId = () => randomBytes(16);

// SPDX-License-Identifier: Apache-2.0
// WebSocket frames made by hand, right and wrong.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { PREFIX } from './front.mjs';
import { Raw } from './raw.mjs';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
export const ACCEPT = createHash('sha1').update(KEY + GUID).digest('base64');
export const OP = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

const MASK = Buffer.from([0x5a, 0x01, 0xfe, 0x80]);

function lengthField(length, width) {
  if (width === 7) {
    return [length, Buffer.alloc(0)];
  }
  const field = Buffer.alloc(width / 8);
  field.writeUIntBE(length, field.length === 8 ? 2 : 0, field.length === 8 ? 6 : 2);
  return [width === 16 ? 126 : 127, field];
}

// options: fin, rsv (0..7), masked, width (7, 16 or 64: also where it is not the shortest).
export function frame(opcode, payload, options = {}) {
  const { fin = true, rsv = 0, masked = true } = options;
  const length = options.length ?? payload.length;
  const shortest = length < 126 ? 7 : (length < 65536 ? 16 : 64);
  const [short, extended] = lengthField(length, options.width ?? shortest);
  const body = masked ? Buffer.from(payload).map((byte, i) => byte ^ MASK[i % 4]) : payload;
  return Buffer.concat([
    Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode, (masked ? 0x80 : 0) | short]),
    extended, masked ? MASK : Buffer.alloc(0), body,
  ]);
}

export function closeFrame(code, reason = '') {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return frame(OP.close, payload);
}

export function upgradeRequest({ token, protocol = 'sealpost.v1', lines = [] }) {
  return [
    `GET ${PREFIX}/v1/stream HTTP/1.1`, 'Host: relay.example', 'Upgrade: websocket', 'Connection: Upgrade',
    `Sec-WebSocket-Key: ${KEY}`, 'Sec-WebSocket-Version: 13',
    ...(protocol ? [`Sec-WebSocket-Protocol: ${protocol}`] : []),
    ...(token ? [`Authorization: Bearer ${token}`] : []),
    ...lines, '', '',
  ].join('\r\n');
}

function parseFrame(bytes) {
  if (bytes.length < 2) {
    return undefined;
  }
  let length = bytes[1] & 0x7f;
  let at = 2;
  const width = { 126: 2, 127: 8 }[length] ?? 0;
  if (bytes.length < at + width) {
    return undefined;
  }
  if (width > 0) {
    length = width === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    at += width;
  }
  assert.equal(bytes[1] & 0x80, 0, 'the relay masked a frame');
  assert.equal(bytes[0] & 0x70, 0, 'the relay set a reserved bit');
  if (bytes.length < at + length) {
    return undefined;
  }
  const payload = bytes.subarray(at, at + length);
  const code = (bytes[0] & 15) === OP.close && length >= 2 ? payload.readUInt16BE(0) : null;
  return { fin: bytes[0] >= 0x80, opcode: bytes[0] & 15, payload, code, size: at + length };
}

export class RawStream extends Raw {
  static async open(device, options = {}) {
    const raw = new RawStream({ port: device.relay.port, host: '127.0.0.1' });
    raw.write(upgradeRequest({ token: device.token, ...options }));
    const answer = await raw.response();
    assert.equal(answer.status, 101, answer.head);
    const accept = /\r\nsec-websocket-accept: (\S+)/i.exec(answer.head);
    assert.equal(accept?.[1], ACCEPT);
    return raw;
  }

  // The next frame; undefined when the peer closed the connection instead.
  frame() {
    return this.until(() => {
      const next = parseFrame(this.received);
      if (next !== undefined) {
        this.received = this.received.subarray(next.size);
      }
      return next;
    }, 'a WebSocket frame');
  }

  // Read frames until the close frame; its code, or null when there was none.
  async closeCode() {
    for (let next = await this.frame(); next !== undefined; next = await this.frame()) {
      if (next.opcode === OP.close) {
        return next.code ?? 1005;
      }
    }
    return null;
  }
}

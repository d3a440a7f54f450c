// SPDX-License-Identifier: Apache-2.0
// The stream's messages as bytes, by the tables of server/api/stream.md.
import { Reader, u16, u32, u64, u8 } from './bytes.mjs';

export const SEND_FLAGS = { urgent: 1, onlineOnly: 2, listCheck: 4, shared: 8 };

// recipients: [{ pub, body }] with whole bodies, or prefixes when shared is given.
export function encodeSend(request, send) {
  let flags = send.flags ?? 0;
  flags |= send.urgent ? SEND_FLAGS.urgent : 0;
  flags |= send.onlineOnly ? SEND_FLAGS.onlineOnly : 0;
  flags |= send.accountId ? SEND_FLAGS.listCheck : 0;
  flags |= send.shared ? SEND_FLAGS.shared : 0;
  const parts = [u8(0x01), u32(request), u8(flags), u32(send.ttl ?? 3600), send.id];
  if (send.accountId) {
    parts.push(send.accountId, u64(send.epoch));
  }
  if (send.shared) {
    parts.push(u32(send.shared.length), send.shared);
  }
  parts.push(u16(send.count ?? send.recipients.length));
  for (const { pub, body } of send.recipients) {
    parts.push(pub, u32(body.length), body);
  }
  return Buffer.concat(parts);
}

export const encodeAck = (request, seqs) => Buffer.concat(
  [u8(0x02), u32(request), u16(seqs.length), ...seqs.map(u64)],
);

export const encodeAckUpTo = (request, seq) => Buffer.concat([u8(0x03), u32(request), u64(seq)]);

const json = (bytes) => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));

const DECODERS = {
  0x81(reader) {
    const message = { kind: 'result', request: reader.uint(4), status: reader.uint(2) };
    message.body = reader.left > 0 ? json(reader.take(reader.left)) : null;
    return message;
  },
  0x82(reader) {
    const message = { kind: 'deliver', seq: reader.uint(8), id: reader.take(16) };
    message.minute = reader.uint(4);
    message.flags = reader.uint(1);
    if ((message.flags & ~7) !== 0) {
      throw new Error(`unknown flag bits ${message.flags}`);
    }
    message.urgent = (message.flags & 1) !== 0;
    message.redelivered = (message.flags & 2) !== 0;
    message.onlineOnly = (message.flags & 4) !== 0;
    message.body = reader.take(reader.left);
    return message;
  },
  0x83(reader) {
    return { kind: 'event', ...json(reader.take(reader.left)) };
  },
};

export function decodeServerMessage(bytes) {
  const reader = new Reader(bytes);
  const decode = DECODERS[reader.uint(1)];
  if (decode === undefined) {
    throw new Error(`unknown message type ${bytes[0]}`);
  }
  return decode(reader);
}

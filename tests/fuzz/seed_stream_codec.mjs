// SPDX-License-Identifier: Apache-2.0
// Writes the corpus of fuzz_stream_codec.c: each kind of message, whole and broken.
// node tests/fuzz/seed_stream_codec.mjs
import { mkdirSync, writeFileSync } from 'node:fs';

const corpus = new URL('corpus/stream_codec/', import.meta.url);

const u = (width, value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes.subarray(8 - width);
};
const sized = (text) => Buffer.concat([u(4, text.length), Buffer.from(text)]);
const recipient = (fill, part) => Buffer.concat([Buffer.alloc(32, fill), sized(part)]);

const send = ({ flags = 0, ttl = 60, shared = 'shared', parts = ['body'], count = parts.length }) =>
  Buffer.concat([
    u(1, 1), u(4, 7), u(1, flags), u(4, ttl), Buffer.alloc(16, 0x11),
    ...(flags & 4 ? [Buffer.alloc(32, 0x22), u(8, 3)] : []),
    ...(flags & 8 ? [sized(shared)] : []),
    u(2, count), ...parts.map((part, i) => recipient(0x33 + i, part)),
  ]);
const ack = (seqs, count = seqs.length) =>
  Buffer.concat([u(1, 2), u(4, 8), u(2, count), ...seqs.map((seq) => u(8, seq))]);
const ackUpTo = (seq) => Buffer.concat([u(1, 3), u(4, 9), u(8, seq)]);
const longLength = Buffer.from(send({}));
longLength.fill(0xff, longLength.length - 8, longLength.length - 4);

const inputs = {
  'empty': Buffer.alloc(0),
  'send-plain': send({}),
  'send-urgent': send({ flags: 1 }),
  'send-online-only': send({ flags: 2, ttl: 0 }),
  'send-list-check': send({ flags: 4 }),
  'send-shared': send({ flags: 8, parts: ['a', '', 'ccc'] }),
  'send-everything': send({ flags: 15, parts: ['a', 'b'] }),
  'send-empty-shared': send({ flags: 8, shared: '' }),
  'send-nobody': send({ parts: [] }),
  'send-unknown-flag': send({ flags: 16 }),
  'send-too-few': send({ count: 2 }),
  'send-too-many': send({ parts: ['a', 'b'], count: 1 }),
  'send-long-length': longLength,
  'send-cut': send({ flags: 15 }).subarray(0, 40),
  'ack-none': ack([]),
  'ack-two': ack([1, 2n ** 53n - 1n]),
  'ack-too-few': ack([1], 2),
  'ack-too-many': ack([1, 2], 1),
  'ack-cut': ack([1]).subarray(0, 6),
  'ack-up-to': ackUpTo(2n ** 64n - 1n),
  'ack-up-to-cut': ackUpTo(1).subarray(0, 12),
  'ack-up-to-long': Buffer.concat([ackUpTo(1), u(1, 0)]),
  'result': Buffer.concat([u(1, 0x81), u(4, 1), u(2, 201)]),
  'unknown-type': Buffer.from([0x7f, 0, 0, 0, 0]),
};

mkdirSync(corpus, { recursive: true });
for (const [name, bytes] of Object.entries(inputs)) {
  writeFileSync(new URL(name, corpus), bytes);
}

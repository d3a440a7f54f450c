// SPDX-License-Identifier: Apache-2.0
/*
 * Envelopes whose id tells all about them, so that whoever meets one later can
 * say what its body must be.  The id:
 *
 *    0  u8   writer
 *    1  u32  order: the writer's counter, from 1
 *    5  u24  size of the body, or of its shared part
 *    8  u8   1: the body is shared
 *    9  ...  random
 */
import { createHash } from 'node:crypto';

const PREFIX_BYTES = 24;

function stream(size, ...parts) {
  const hash = createHash('shake256', { outputLength: size });
  parts.forEach((part) => hash.update(part));
  const bytes = hash.digest();
  bytes[0] = 0xff; // never stands in UTF-8: no guard takes it for text
  return bytes;
}

export function makeId(random, { writer, order, size, shared }) {
  const id = Buffer.alloc(16);
  id.writeUInt8(writer, 0);
  id.writeUInt32BE(order, 1);
  id.writeUIntBE(size, 5, 3);
  id.writeUInt8(shared ? 1 : 0, 8);
  id.writeUIntBE(random.within(0, 2 ** 32 - 1), 9, 4);
  id.writeUIntBE(random.within(0, 2 ** 24 - 1), 13, 3);
  return id;
}

export const readId = (id) => ({
  writer: id.readUInt8(0),
  order: id.readUInt32BE(1),
  size: id.readUIntBE(5, 3),
  shared: id.readUInt8(8) === 1,
});

export const sharedBody = (id) => stream(readId(id).size, id, 'shared');

// What is sent to one mailbox (a number): the prefix when the body is shared.
export const ownBody = (id, mailbox) => {
  const { size, shared } = readId(id);
  return stream(shared ? PREFIX_BYTES : size, id, `mailbox ${mailbox}`);
};

export function isIntact(id, mailbox, body) {
  const own = ownBody(id, mailbox);
  const whole = readId(id).shared ? Buffer.concat([own, sharedBody(id)]) : own;
  return body.equals(whole);
}

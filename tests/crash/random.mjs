// SPDX-License-Identifier: Apache-2.0
// Choices that a seed repeats (mulberry32).
import { createHash } from 'node:crypto';

export class Random {
  constructor(seed) {
    this.state = createHash('sha256').update(String(seed)).digest().readUInt32LE(0);
  }

  // A number in [0, 1).
  next() {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  // An integer in [least, most].
  within(least, most) {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(share) {
    return this.next() < share;
  }

  pick(list) {
    return list[this.within(0, list.length - 1)];
  }

  // count different members of list, in the list's order.
  some(list, count) {
    const left = [...list];
    while (left.length > count) {
      left.splice(this.within(0, left.length - 1), 1);
    }
    return left;
  }
}

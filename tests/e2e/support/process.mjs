// SPDX-License-Identifier: Apache-2.0
// What the kernel says of a process.
import {
  closeSync, openSync, readFileSync, readSync,
} from 'node:fs';

// Bytes of memory that are resident and its own.
export function residentBytes(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)[1]);
}

const RANGE_MAX = 2 ** 30; // what is larger is a sanitizer's own, and hardly any of it is there

// How often the bytes stand in what a process can write.
export function countInMemory(pid, wanted) {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const ranges = [...readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(/^(\w+)-(\w+) rw/gm)]
    .map(([, from, to]) => [BigInt(`0x${from}`), BigInt(`0x${to}`)]);
  let count = 0;
  for (const [from, to] of ranges.filter(([low, high]) => high - low <= RANGE_MAX)) {
    count += countInRange(memory, from, Number(to - from), wanted);
  }
  closeSync(memory);
  return count;
}

function countInRange(memory, from, size, wanted) {
  const bytes = Buffer.alloc(size);
  let count = 0;
  try {
    readSync(memory, bytes, 0, size, from);
  } catch {
    return 0; // it is there no longer, or cannot be read
  }
  for (let at = bytes.indexOf(wanted); at !== -1; at = bytes.indexOf(wanted, at + 1)) {
    count++;
  }
  return count;
}

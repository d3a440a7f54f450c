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

// The memory of a process, to be read; it throws where that is not allowed.
export const memoryOf = (pid) => openSync(`/proc/${pid}/mem`, 'r');

function countInRange(memory, from, size, wanted) {
  const bytes = Buffer.alloc(size);
  let count = 0;
  try {
    readSync(memory, bytes, 0, size, from);
  } catch {
    return 0; // it has gone meanwhile, or has no pages
  }
  for (let at = bytes.indexOf(wanted); at !== -1; at = bytes.indexOf(wanted, at + 1)) {
    count++;
  }
  return count;
}

// How often the bytes stand in what a process can write.
export function countInMemory(pid, wanted) {
  const memory = memoryOf(pid);
  const ranges = [...readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(/^(\w+)-(\w+) rw/gm)]
    .map(([, from, to]) => [BigInt(`0x${from}`), BigInt(`0x${to}`)]);
  const counts = ranges.map(([from, to]) => countInRange(memory, from, Number(to - from), wanted));
  closeSync(memory);
  return counts.reduce((sum, each) => sum + each, 0);
}

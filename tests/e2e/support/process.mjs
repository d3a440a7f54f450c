// SPDX-License-Identifier: Apache-2.0
// What the kernel says of a process.
import { readFileSync } from 'node:fs';

// Bytes of memory that are resident and its own.
export function residentBytes(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)[1]);
}

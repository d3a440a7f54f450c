// SPDX-License-Identifier: Apache-2.0
// How much memory the relay says that it may need, and how much it has; in MiB.  For a build without sanitizers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { residentBytes } from './process.mjs';

const MIB = 1 << 20;
const HOLES = 1.25; // of the heap, as in the relay's sum

export const resident = (relay) => residentBytes(relay.daemon.child.pid) / MIB;

// Anonymous memory at its peak.
export function peak(relay) {
  const status = readFileSync(`/proc/${relay.daemon.child.pid}/status`, 'utf8');
  const kib = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)[1]);
  return (kib('VmHWM') - kib('RssFile') - kib('RssShmem')) / 1024;
}

// What the daemon said of itself: { total, connections, requests, ... }.
export function bound(relay) {
  const line = relay.daemon.lines.findLast(({ fields }) => fields.event === 'memory');
  const [, total, parts] = /^memory at most (\d+) MiB: (.*)$/.exec(line.fields.bound);
  const named = parts.split(', ').map((part) => /^(.*) (\d+)$/.exec(part).slice(1));
  const each = Object.fromEntries(named.map(([name, mib]) => [name, Number(mib)]));
  return { total: Number(total), ...each };
}

// All of it is below the sum, and what it grew by since it had so much is below these parts of the sum.
export function assertBound(t, relay, before, parts) {
  const limit = bound(relay);
  const grown = parts.reduce((sum, part) => sum + limit[part], 0) * HOLES;
  const most = peak(relay);
  t.diagnostic(`${before.toFixed(1)} MiB before, ${most.toFixed(1)} at most of ${JSON.stringify(limit)}; ${grown} for what grew`);
  assert.ok(most <= limit.total, `${most} MiB`);
  assert.ok(most - before <= grown, `it grew by ${most - before} MiB, above ${grown}`);
}

// What fill() has the relay hold is in one part of the sum, and fills it to a degree, or it fell short (0: whatever
// comes, for what was free before may go meanwhile).
export async function assertPart(t, relay, part, least, fill, holes = HOLES) {
  const before = resident(relay);
  await fill();
  const grown = resident(relay) - before;
  const limit = bound(relay);
  t.diagnostic(`grew by ${grown.toFixed(1)} MiB, ${part} ${limit[part]}; ${peak(relay).toFixed(1)} at most of ${limit.total}`);
  assert.ok(peak(relay) <= limit.total, `${peak(relay)} MiB`);
  assert.ok(grown <= limit[part] * holes, `it grew by ${grown} MiB, of ${limit[part]}`);
  assert.ok(least === 0 || grown >= limit[part] * least, `${grown} MiB do not fill ${limit[part]}`);
}

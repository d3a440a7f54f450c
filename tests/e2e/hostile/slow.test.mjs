// SPDX-License-Identifier: Apache-2.0
// Clients that send as slowly as they may, and hold what they can.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { bareStream, crowdOf, eachOf } from '../support/crowd.mjs';
import { Raw } from '../support/raw.mjs';
import { assertStatus, scene } from '../support/scene.mjs';

const ROOM = { max_connections_per_address: '0' };
const BYTE_EVERY_MS = 3000;
const SLACK_MS = 3000; // of a machine that does other things too

// Send text a byte at a time until the relay has had enough; how long it bore it.
async function drip(relay, begin, text) {
  const raw = await Raw.open(relay.port);
  const opened = Date.now();
  raw.write(begin);
  let at = 0;
  const timer = setInterval(() => raw.write(text[at++ % text.length]), BYTE_EVERY_MS);
  await raw.toEnd();
  clearInterval(timer);
  return { ms: Date.now() - opened, received: raw.received.toString('latin1') };
}

// Until done: an honest client, whose slowest answer is told.
async function honest(relay, done) {
  let over = false;
  let slowest = 0;
  let count = 0;
  done.then(() => { over = true; });
  while (!over) {
    const asked = Date.now();
    assertStatus(await relay.call('GET', '/v1/server'), 200);
    slowest = Math.max(slowest, Date.now() - asked);
    count++;
  }
  return { slowest, count };
}

scene('2,000 heads that never end are gone within their 10 s, and nobody is harmed',
  { set: ROOM }, async (relay) => {
    const all = eachOf(Array(2000).fill(), () => drip(relay, 'G', 'ET /v1/server HTTP/1.1\r\n'), 2000);
    const other = await honest(relay, all);
    const times = (await all).map(({ ms }) => ms);
    assert.ok(Math.max(...times) <= 10_000 + SLACK_MS, `${Math.max(...times)} ms`);
    assert.ok(other.count > 10 && other.slowest < SLACK_MS, JSON.stringify(other));
  });

scene('500 bodies that never end are refused in time', {
  set: { ...ROOM, body_timeout: '8' },
}, async (relay) => {
  const head = 'POST /v1/auth/challenge HTTP/1.1\r\nHost: relay.example\r\nContent-Length: 60000\r\n\r\n';
  const all = eachOf(Array(500).fill(), () => drip(relay, head, ' '), 500);
  const other = await honest(relay, all);
  for (const { ms, received } of await all) {
    assert.match(received, /^HTTP\/1\.1 408 /);
    assert.ok(ms <= 8000 + SLACK_MS, `${ms} ms`);
  }
  assert.ok(other.slowest < SLACK_MS, JSON.stringify(other));
});

scene('a relay that stops lets 1,000 streams go one after the other', {
  set: { ...ROOM, rate_challenges: '0', rate_registrations: '0' },
}, async (relay) => {
  const devices = await crowdOf(relay, 1000);
  const raws = await eachOf(devices, (device) => bareStream(relay, device), 64);
  const ends = raws.map(async (raw) => {
    await raw.toEnd();
    return { at: Date.now(), text: raw.received.toString('latin1') };
  });
  await relay.stop();
  const all = await Promise.all(ends);
  const times = all.map(({ at }) => at);
  assert.ok(Math.max(...times) - Math.min(...times) > 300, 'they all left at once');
  for (const { text } of all) {
    assert.match(text, /"server\.draining"/);
    assert.ok(text.includes('\x03\xf4the relay restarts'), '1012');
  }
});

function limitDescriptors(relay, count) {
  const { status, stderr } = spawnSync('prlimit', [
    '--pid', String(relay.daemon.child.pid), `--nofile=${count}:`,
  ], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

scene('without descriptors the relay says so every ten seconds, and recovers', { clock: true },
  async (relay) => {
    const open = readdirSync(`/proc/${relay.daemon.child.pid}/fd`).length;
    limitDescriptors(relay, open);
    // There may be gaps among the numbers: more clients than those.
    const waiting = Promise.all(Array.from({ length: 20 }, () => relay.call('GET', '/v1/server')));
    const first = await relay.daemon.line('net.accept');
    relay.clock.advance(11);
    const second = await relay.daemon.line('net.accept');
    assert.ok(Date.parse(second.fields.ts) - Date.parse(first.fields.ts) >= 10_000);
    limitDescriptors(relay, open + 100);
    (await waiting).forEach((answer) => assertStatus(answer, 200));
  });

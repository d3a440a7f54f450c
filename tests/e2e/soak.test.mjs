// SPDX-License-Identifier: Apache-2.0
// "sealpost device soak" against a relay that is killed and restarted under it.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { CTL, runToEnd } from './support/daemon.mjs';
import { Forwarder } from './support/forwarder.mjs';
import { Relay } from './support/relay.mjs';
import { trustOptions, urlOf } from './support/tls.mjs';

const COUNT = 900;
const TIMEOUT_MS = 180_000;

// Resolves when so many bytes more have come from clients.
class CountingForwarder extends Forwarder {
  wanted = Infinity;

  join(from) {
    from.on('data', (chunk) => {
      this.wanted -= chunk.length;
      if (this.wanted <= 0) {
        this.wanted = Infinity;
        this.reached();
      }
    });
    super.join(from);
  }

  passed(bytes) {
    return new Promise((done) => {
      this.wanted = bytes;
      this.reached = done;
    });
  }
}

async function start(t) {
  const forwarder = await CountingForwarder.open();
  t.after(() => forwarder.close());
  const set = { base_url: urlOf(forwarder.port), registration: 'invite' };
  const relay = await Relay.start(t, { set });
  forwarder.target = relay.port;
  return { relay, forwarder };
}

function soak(relay, ...args) {
  return runToEnd(CTL, [
    'device', 'soak', '--json', '--url', relay.baseUrl, '--socket', relay.adminSocket,
    '--dir', join(relay.dir, 'soak'), ...trustOptions(), ...args,
  ], { HOME: relay.dir });
}

function assertPerfect({ code, stdout, stderr }) {
  assert.equal(code, 0, stderr);
  const counts = JSON.parse(stdout);
  const { sent, accepted, received, duplicates, lost, unopened } = counts;
  assert.deepEqual({ sent, accepted, received, duplicates, lost, unopened, order: counts.out_of_order },
    { sent: COUNT, accepted: COUNT, received: COUNT, duplicates: 0, lost: 0, unopened: 0, order: 0 });
  return counts;
}

test('each message arrives once and in order', { timeout: TIMEOUT_MS }, async (t) => {
  const { relay } = await start(t);
  const counts = assertPerfect(await soak(relay, '--count', String(COUNT)));
  assert.equal(counts.reconnects, 0);
  assert.equal(counts.again, 0);
});

test('and so it does when the relay is killed and stopped meanwhile', { timeout: TIMEOUT_MS }, async (t) => {
  const { relay, forwarder } = await start(t);
  const running = soak(relay, '--count', String(COUNT));
  for (const end of ['kill', 'stop', 'kill']) {
    await forwarder.passed(70_000);
    await relay[end]();
    await relay.up();
    forwarder.target = relay.port;
  }
  const counts = assertPerfect(await running);
  assert.ok(counts.reconnects >= 3);
});

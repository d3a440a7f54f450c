// SPDX-License-Identifier: Apache-2.0
/*
 * The network between a relay and PostgreSQL goes away without a word, and the
 * names that lead there are not answered.  It needs namespaces of its own, and so
 * root: the tests run in the relay's, where this file calls itself.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Outage } from '../crash/outage.mjs';
import { canMake, DATABASE, Networks, NOBODY } from './support/netns.mjs';
import { PostgresServer } from './support/postgres_server.mjs';

const INSIDE = process.env.SEALPOST_TEST_NETWORKS;
const SECONDS = Number(process.env.SEALPOST_OUTAGE_SECONDS ?? 4);
const TIMEOUT_MS = 180_000;
const HOST = 'database.relay.example';
const RECOVERY_MS = 3000;
const TCP_MS = 2000; // until it sends again, after a pause that grows with the cut
const SILENT_MS = 4000; // two tries that the silent host used up
const LOOK_UP_MS = 3000; // one that is under way must end first
const ANSWER_MS = 12_000;
const STALL_MS = Number(process.env.SEALPOST_OUTAGE_STALL_MS ?? 1000);
const IS_MEASURED = process.env.SEALPOST_OUTAGE_STALL_MS !== undefined; // in slow, without sanitizers, which take their time
const CUTS_MS = SECONDS > 4 ? [1000, 5000, 15_000] : [2000]; // a hiccup; longer than an answer is waited for

async function open(t, networks, host) {
  const server = await PostgresServer.open({ address: DATABASE, within: networks.within(networks.database) });
  t.after(() => server.close());
  const outage = await Outage.begin({ storage: server.urlAt(host) });
  t.after(() => outage.remove());
  return { server, outage };
}

async function judge(t, outage, recoveries, limit) {
  const faults = await outage.end();
  t.diagnostic(JSON.stringify({ ...outage.counts, recoveries }));
  assert.deepEqual(faults.slice(0, 10), []);
  assert.ok(Math.max(...recoveries) < limit, `it was back after ${recoveries} ms`);
  assert.ok(outage.counts.readable < RECOVERY_MS, `mail was read ${outage.counts.readable} ms later`);
  assert.ok(outage.counts.slowest < ANSWER_MS, `an answer took ${outage.counts.slowest} ms`);
  assert.ok(outage.counts.health.slowest < STALL_MS, `/healthz took ${outage.counts.health.slowest} ms`);
  assert.equal((await outage.ready()).status, 200);
  assert.ok(!IS_MEASURED || outage.counts.longTurns === 0, `${outage.counts.longTurns} turns of the loop took more than 50 ms`);
  assert.equal(await outage.stop(), 0);
}

function define(networks) {
  test('a network that swallows everything holds nobody up', { timeout: TIMEOUT_MS }, async (t) => {
    const { outage } = await open(t, networks, DATABASE);
    t.after(() => networks.heal());
    const recoveries = [];
    outage.load();
    for (const ms of CUTS_MS) {
      await outage.stored();
      networks.cut();
      await after(ms);
      networks.heal();
      recoveries.push(await outage.stored());
    }
    assert.ok(SECONDS <= 4 || outage.counts.unavailable > 0, 'nobody noticed');
    await judge(t, outage, recoveries, RECOVERY_MS + TCP_MS);
  });

  test('a host that says nothing does not hide the next one', { timeout: TIMEOUT_MS }, async (t) => {
    const { server, outage } = await open(t, networks, `${NOBODY},${DATABASE}`);
    outage.load();
    await outage.stored();
    await server.stop('SIGQUIT');
    await server.start();
    await judge(t, outage, [await outage.stored()], RECOVERY_MS + SILENT_MS);
  });

  test('a name that nobody answers for holds nobody up', { timeout: TIMEOUT_MS }, async (t) => {
    networks.name(HOST);
    const { server, outage } = await open(t, networks, HOST);
    outage.load();
    await outage.stored();
    networks.name(null);
    await server.stop();
    await server.start();
    await after(SECONDS * 500);
    assert.equal((await outage.ready()).status, 503);
    networks.name(HOST);
    await judge(t, outage, [await outage.stored()], RECOVERY_MS + LOOK_UP_MS);
  });
}

async function callMyself(t) {
  const networks = Networks.make();
  t.after(() => networks.remove());
  const { NODE_TEST_CONTEXT: unused, ...environment } = process.env;
  const [command, ...args] = networks.within(networks.relay);
  const child = spawn(command, [...args, process.execPath, '--test-reporter=tap', fileURLToPath(import.meta.url)], {
    env: { ...environment, SEALPOST_TEST_NETWORKS: JSON.stringify(networks) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = [];
  child.stdout.on('data', (chunk) => said.push(chunk));
  child.stderr.on('data', (chunk) => said.push(chunk));
  const [code] = await once(child, 'close');
  const text = Buffer.concat(said).toString();
  text.split('\n').filter((line) => /^# \{/.test(line)).forEach((line) => t.diagnostic(line.slice(2)));
  assert.equal(code, 0, text);
}

if (INSIDE === undefined) {
  test('PostgreSQL behind a network that fails', {
    timeout: TIMEOUT_MS * 2, skip: !canMake && 'network namespaces need root',
  }, callMyself);
} else {
  define(Object.assign(new Networks(''), JSON.parse(INSIDE)));
}

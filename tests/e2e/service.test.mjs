// SPDX-License-Identifier: Apache-2.0
// The daemon as a service: what its manager hears, and sockets that it hands over.
import assert from 'node:assert/strict';
import {
  chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync,
} from 'node:fs';
import { get } from 'node:http';
import { get as getOverTls } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Manager } from './support/manager.mjs';
import { certificate } from './support/tls.mjs';

const WATCHDOG_MS = 2000;

const statusOf = (port, path = '/v1/server') => new Promise((done, fail) => {
  get({ port, host: '127.0.0.1', path, agent: false }, (response) => {
    response.resume().on('end', () => done(response.statusCode));
  }).on('error', fail);
});

test('a manager hears that the daemon is ready, reloads and stops', async (t) => {
  const manager = new Manager(t);
  await manager.next('pid');
  const ready = await manager.notified('READY');
  assert.match(ready.STATUS, /^Serving/);
  manager.signal('SIGHUP');
  const reloading = await manager.notified('RELOADING');
  assert.match(reloading.MONOTONIC_USEC, /^[1-9]\d{6,}$/);
  assert.equal((await manager.notified('READY')).STATUS, 'Serving: reloaded');
  manager.signal('SIGTERM');
  assert.match((await manager.notified('STOPPING')).STATUS, /^Stopping/);
  assert.equal(await manager.next('exit'), 0);
});

test('the instant of a reload is not before the signal', async (t) => {
  const manager = new Manager(t);
  await manager.next('pid');
  await manager.notified('READY');
  const before = process.hrtime.bigint() / 1000n; // the same clock
  manager.signal('SIGHUP');
  const told = BigInt((await manager.notified('RELOADING')).MONOTONIC_USEC);
  assert.ok(before <= told && told <= process.hrtime.bigint() / 1000n);
});

test('without a watchdog there are no signs of life', async (t) => {
  const manager = new Manager(t);
  await manager.next('pid');
  await manager.notified('READY');
  manager.signal('SIGTERM');
  await manager.next('exit');
  assert.ok(!manager.said.items?.some(({ notify }) => notify?.WATCHDOG));
});

test('signs of life come in time, and none from a daemon whose loop stands still', async (t) => {
  const manager = new Manager(t, { watchdog_ms: WATCHDOG_MS });
  await manager.next('pid');
  await manager.notified('READY');
  for (let i = 0; i < 3; i++) {
    assert.match((await manager.notified('WATCHDOG')).STATUS, /^Serving: 0 connections, 0 streams$/);
  }
  manager.signal('SIGSTOP');
  await manager.next('expired');
  manager.signal('SIGCONT');
  await manager.notified('WATCHDOG');
});

test('sockets that are handed over are served in place of the configured ones', async (t) => {
  const manager = new Manager(t, { sockets: ['clients', 'ops', 'clients'], set: { ops_listen: '127.0.0.1:0' } });
  const ports = [await manager.next('port'), await manager.next('port'), await manager.next('port')];
  await manager.next('pid');
  await manager.notified('READY');
  for (const [name, port] of ports) {
    const line = await manager.line('listen').then((found) => (found.fields.name === 'admin' ? manager.line('listen') : found));
    assert.deepEqual([line.fields.name, line.fields.port, line.fields.handed], [name, String(port), 'yes']);
    assert.equal(await statusOf(port, name === 'ops' ? '/readyz' : undefined), 200);
  }
});

test('a client that comes while the daemon restarts waits, and is served', async (t) => {
  const manager = new Manager(t, { sockets: ['clients'], starts: 2 });
  const [, port] = await manager.next('port');
  await manager.next('pid');
  await manager.notified('READY');
  manager.signal('SIGTERM');
  assert.equal(await manager.next('exit'), 0);
  const answer = statusOf(port);
  manager.startAgain();
  await manager.next('pid');
  assert.equal(await answer, 200);
});

const REFUSED = {
  'has another name': [{ sockets: ['clients', 'sealpostd.socket'] }, /sealpostd\.socket \(descriptor 4\).*FileDescriptorName=/],
  'is for TLS where there is no certificate': [{ sockets: ['tls'] }, /set tls_listen, tls_cert and tls_key/],
  'takes datagrams': [{ sockets: ['clients'], datagrams: true }, /ListenStream=/],
  'is for the operator and open to others': [{ sockets: ['ops'], host: '0.0.0.0' }, /ops takes a loopback address/],
};

for (const [what, [wanted, advice]] of Object.entries(REFUSED)) {
  test(`a socket that ${what} is refused with what to do`, async (t) => {
    const manager = new Manager(t, wanted);
    await manager.next('pid');
    assert.equal(await manager.next('exit'), 78);
    const told = await manager.log.take(({ raw }) => raw.startsWith('sealpostd: '), 'waiting for the sentence');
    assert.match(told.raw, advice);
  });
}

test('a configuration that is refused at a reload ends the reload, and says so', async (t) => {
  const manager = new Manager(t, { set: { name: 'Ours' }, file: 'registration = open\n' });
  await manager.next('pid');
  await manager.notified('READY');
  manager.writeFile('registration = nonsense\n');
  manager.signal('SIGHUP');
  await manager.notified('RELOADING');
  assert.match((await manager.notified('READY')).STATUS, /was refused/);
});

// As systemd lays them: files of mode 0440 in a folder that nobody writes to.
test('secrets may lie in a folder of credentials', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-credentials-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { cert, key } = certificate();
  copyFileSync(key, join(folder, 'tls.key'));
  writeFileSync(join(folder, 'storage'), `sqlite:${join(folder, 'elsewhere.db')}\n`);
  chmodSync(join(folder, 'tls.key'), 0o440);
  chmodSync(join(folder, 'storage'), 0o440);
  const manager = new Manager(t, {
    sockets: ['tls'],
    set: { tls_listen: '127.0.0.1:0', tls_cert: cert },
    environment: { SEALPOST_TLS_KEY: join(folder, 'tls.key'), SEALPOST_STORAGE_FILE: join(folder, 'storage') },
  });
  const [, port] = await manager.next('port');
  await manager.next('pid');
  await manager.notified('READY');
  assert.ok(existsSync(join(folder, 'elsewhere.db')));
  const status = await new Promise((done, fail) => {
    getOverTls({ port, host: '127.0.0.1', path: '/v1/server', agent: false, ca: readFileSync(cert), servername: 'relay.example' },
      (response) => response.resume().on('end', () => done(response.statusCode))).on('error', fail);
  });
  assert.equal(status, 200);
});

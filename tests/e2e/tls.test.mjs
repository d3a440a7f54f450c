// SPDX-License-Identifier: Apache-2.0
// The daemon's own TLS as operators, devices and strangers meet it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  chmodSync, copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync,
} from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { Clock } from './support/clock.mjs';
import { BINARY, CTL, runToEnd } from './support/daemon.mjs';
import { Forwarder } from './support/forwarder.mjs';
import { call } from './support/http.mjs';
import { Raw } from './support/raw.mjs';
import { Relay } from './support/relay.mjs';
import { assertStatus } from './support/scene.mjs';
import { certificate, selfSigned } from './support/tls.mjs';

const TIMEOUT_MS = 180_000;
const HANDSHAKES = 400;
const RELOADS = 8;
const GET = 'GET /v1/server HTTP/1.1\r\nHost: relay.example\r\n\r\n';

const test180 = (name, body) => test(name, { timeout: TIMEOUT_MS }, body);

function folder(t) {
  const dir = mkdtempSync(join(tmpdir(), 'sealpost-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

// Put the pair of files where the daemon looks for them, each in one step.
function install(pair, live) {
  for (const which of ['cert', 'key']) {
    copyFileSync(pair[which], `${live[which]}.new`);
    chmodSync(`${live[which]}.new`, 0o600);
    renameSync(`${live[which]}.new`, live[which]);
  }
}

// A relay on files that a test may change, and two more pairs for it.
async function start(t, set = {}) {
  const dir = folder(t);
  const live = { cert: join(dir, 'live.pem'), key: join(dir, 'live.key') };
  const pairs = ['one', 'two'].map((name) => selfSigned(join(dir, name), `${name}.example`));
  install(pairs[0], live);
  const relay = await Relay.start(t, {
    tls: true, set: { tls_cert: live.cert, tls_key: live.key, ...set },
  });
  return { relay, live, pairs };
}

// Shake hands and say what certificate was shown.
async function shake(port, pairs, options = {}) {
  const socket = connect({
    port, host: '127.0.0.1', ca: pairs.map((pair) => pair.ca), ...options,
  });
  await once(socket, 'secureConnect');
  const name = socket.getPeerCertificate().subject.CN;
  socket.resume();
  socket.end(); // behind our last word of the handshake
  await once(socket, 'close');
  return name;
}

test180('no handshake is lost while certificates change', async (t) => {
  const { relay, live, pairs } = await start(t);
  const shown = new Set();
  let left = HANDSHAKES;
  const workers = Array.from({ length: 4 }, async () => {
    while (left-- > 0) {
      shown.add(await shake(relay.port, pairs));
    }
  });
  for (let i = 1; i <= RELOADS; i++) {
    install(pairs[i % 2], live);
    relay.daemon.signal('SIGHUP');
    await relay.daemon.line('tls.reloaded');
    await relay.daemon.line('config.reloaded');
    shown.add(await shake(relay.port, pairs));
  }
  await Promise.all(workers);
  assert.deepEqual([...shown].sort(), ['one.example', 'two.example']);
});

test180('a link that points at a new pair is followed, and connections live on', async (t) => {
  const { relay, live, pairs } = await start(t);
  const socket = connect({ port: relay.port, host: '127.0.0.1', ca: pairs[0].ca });
  await once(socket, 'secureConnect');
  for (const which of ['cert', 'key']) {
    symlinkSync(pairs[1][which], `${live[which]}.new`);
    renameSync(`${live[which]}.new`, live[which]);
  }
  await relay.daemon.line('tls.reloaded');
  assert.equal(await shake(relay.port, pairs), 'two.example');
  socket.write(GET);
  assert.match((await once(socket, 'data')).toString(), /^HTTP\/1\.1 200 /);
  socket.destroy();
});

test180('a session is resumed across a new certificate', async (t) => {
  const { relay, live, pairs } = await start(t);
  const first = connect({ port: relay.port, host: '127.0.0.1', ca: pairs[0].ca });
  const ticket = once(first, 'session');
  first.write(GET);
  const [session] = await ticket;
  first.destroy();
  install(pairs[1], live);
  relay.daemon.signal('SIGHUP');
  await relay.daemon.line('tls.reloaded');
  const second = connect({ port: relay.port, host: '127.0.0.1', ca: pairs[0].ca, session });
  await once(second, 'secureConnect');
  assert.ok(second.isSessionReused());
  second.destroy();
});

test180('a key that belongs to another certificate is refused, and the old pair kept', async (t) => {
  const { relay, live, pairs } = await start(t);
  install({ cert: pairs[0].cert, key: pairs[1].key }, live);
  const { fields } = await relay.daemon.line('tls.refused');
  assert.match(fields.reason, /live\.key: this key does not belong to the certificate/);
  assert.equal(await shake(relay.port, pairs), 'one.example');
  relay.daemon.signal('SIGHUP');
  await relay.daemon.line('tls.refused');
  assert.equal(await shake(relay.port, pairs), 'one.example');
});

test180('browsers are told to stay with TLS, over TLS alone', async (t) => {
  const hsts = (answer) => answer.headers['strict-transport-security'];
  const { relay } = await start(t, { listen: '127.0.0.1:0' });
  const over = async (path) => {
    const raw = connect({ port: relay.port, host: '127.0.0.1', rejectUnauthorized: false });
    raw.write(`GET ${path} HTTP/1.1\r\nHost: relay.example\r\n\r\n`);
    const [head] = await once(raw, 'data');
    raw.destroy();
    return head.toString();
  };
  assert.match(await over('/v1/server'), /\r\nStrict-Transport-Security: max-age=31536000\r\n/);
  assert.match(await over('/nothing'), /^HTTP\/1\.1 404 [^]*\r\nStrict-Transport-Security: /);
  const plain = { port: relay.portOf('clients') };
  assert.equal(hsts(await call(plain, 'GET', '/v1/server')), undefined);
  assert.equal(hsts(await relay.ops('/healthz')), undefined);
  await relay.stop();
  relay.options.set.hsts_max_age = '0';
  await relay.up();
  assert.doesNotMatch(await over('/v1/server'), /Strict-Transport-Security/i);
});

test180('plain HTTP is told that this port speaks TLS', async (t) => {
  const { relay } = await start(t);
  const socket = connectPlain({ port: relay.port, host: '127.0.0.1' });
  socket.write('DELETE /v1/auth/session HTTP/1.1\r\nHost: relay.example\r\n\r\n');
  const text = Buffer.concat(await socket.toArray()).toString();
  assert.match(text, /^HTTP\/1\.1 400 [^]*urn:sealpost:problem:tls_required/);
  assert.doesNotMatch(text, /Strict-Transport-Security/i);
});

test180('silent connections hold no more than their share, and not for long', async (t) => {
  const { relay, pairs } = await start(t, { tls_handshakes_max: '2', tls_handshake_timeout: '2s' });
  const silent = await Promise.all([1, 2].map(async () => {
    const socket = connectPlain({ port: relay.port, host: '127.0.0.1' });
    await once(socket, 'connect');
    return socket;
  }));
  let refused = 0;
  for (let done = false; !done;) {
    done = await shake(relay.port, pairs).then(() => true, () => false);
    refused += done ? 0 : 1;
  }
  assert.ok(refused > 0, 'beyond the cap a connection was closed');
  await Promise.all(silent.map((socket) => socket.toArray()));
  assert.equal(await relay.metric('tls_handshakes_refused_total'), refused);
  assert.equal(await relay.metric('tls_handshakes_failed_total'), 2);
  assert.equal(await relay.metric('tls_handshakes_total'), 1);
  assert.equal(Math.floor(await relay.metric('tls_certificate_seconds') / 86400), 29);
});

test180('a protocol other than http/1.1 is refused', async (t) => {
  const { relay, pairs } = await start(t);
  assert.equal(await shake(relay.port, pairs, { ALPNProtocols: ['h2', 'http/1.1'] }), 'one.example');
  await assert.rejects(shake(relay.port, pairs, { ALPNProtocols: ['h2'] }),
    /no.application.protocol/i);
  assert.equal(await shake(relay.port, pairs, { servername: 'else.example', checkServerIdentity: () => {} }),
    'one.example');
});

// ---- the device ----

async function startForDevices(t) {
  const forwarder = await Forwarder.open();
  t.after(() => forwarder.close());
  const relay = await Relay.start(t, {
    tls: true, set: { base_url: `https://127.0.0.1:${forwarder.port}` },
  });
  forwarder.target = relay.port;
  return relay;
}

const device = (relay, name, ...args) => runToEnd(CTL,
  ['device', ...args, '--dir', join(relay.dir, name)], { HOME: relay.dir });

async function done(running) {
  const { code, stdout, stderr } = await running;
  assert.equal(code, 0, stderr);
  return stdout;
}

test180('devices send and receive over https and wss', async (t) => {
  const relay = await startForDevices(t);
  const trust = ['--ca', certificate().cert];
  const register = (name) => done(device(relay, name, 'register', '--json', '--url', relay.baseUrl,
    ...trust));
  await register('a');
  const bob = JSON.parse(await register('b')).account_id;
  await done(device(relay, 'a', 'send', bob, 'by HTTP'));
  await done(device(relay, 'a', 'send', bob, 'by the stream', '--stream'));
  assert.match(await done(device(relay, 'b', 'receive')), /by HTTP[^]*by the stream/);
  await done(device(relay, 'a', 'send', bob, 'followed'));
  assert.match(await done(device(relay, 'b', 'receive', '--follow', '--limit', '1')), /followed/);
});

test180('a device refuses who is not known, or has another name', async (t) => {
  const relay = await startForDevices(t);
  const unknown = await device(relay, 'a', 'register', '--url', relay.baseUrl);
  assert.equal(unknown.code, 3);
  assert.match(unknown.stderr, /certificate/i);
  await relay.stop();
  relay.options.set.tls_listen = '127.0.0.2:0'; // the certificate is for 127.0.0.1
  await relay.up();
  const url = `https://127.0.0.2:${relay.port}`;
  const other = await device(relay, 'b', 'register', '--url', url, '--ca', certificate().cert);
  assert.equal(other.code, 3);
  assert.match(other.stderr, /127\.0\.0\.2/);
  const { code } = await runToEnd(CTL, ['health', url, '--ca', certificate().cert]);
  assert.equal(code, 3);
});

// ---- the operator ----

function check(dir, sets, environment) {
  const all = { base_url: 'https://one.example', data_dir: dir, key_dir: join(dir, 'keys'), ...sets };
  return runToEnd(BINARY, ['--check-config',
    ...Object.entries(all).flatMap(([name, value]) => ['--set', `${name}=${value}`])], environment);
}

test180('--check-config tells what is wrong with the certificate', async (t) => {
  const dir = folder(t);
  const [one, two] = ['one', 'two'].map((name) => selfSigned(join(dir, name), `${name}.example`));
  const loose = join(dir, 'loose.key');
  copyFileSync(one.key, loose);
  chmodSync(loose, 0o644);
  const tls = (cert, key) => ({ tls_listen: '127.0.0.1:0', tls_cert: cert, tls_key: key });
  const good = await check(dir, tls(one.cert, one.key));
  assert.deepEqual([good.code, good.stderr], [0, '']);
  const wrong = [
    [{ tls_listen: '127.0.0.1:0' }, /tls_cert = "": tls_listen needs a certificate/],
    [tls(one.cert, ''), /tls_key = "": tls_listen needs a key/],
    [tls('cert.pem', one.key), /tls_cert = "cert\.pem": it must be a path/],
    [{ ...tls(one.cert, one.key), tls_listen: 'unix:/run/x' }, /put unix sockets into listen/],
    [{ listen: '' }, /clients must connect somewhere/],
    [tls(join(dir, 'none'), one.key), /none: cannot be read \(No such file/],
    [tls(dir, one.key), /no regular file/],
    [tls(one.cert, loose), /loose\.key: others may read this key \(mode 0644\); run: chmod 0600/],
    [tls(one.cert, two.key), /does not belong to the certificate/],
    [tls(one.key, one.key), /holds no certificate in PEM/],
  ];
  for (const [sets, wanted] of wrong) {
    const { code, stderr } = await check(dir, sets);
    assert.equal(code, 78, `${wanted}: ${stderr}`);
    assert.match(stderr, wanted);
  }
});

test180('an expired certificate is told, and the relay starts', async (t) => {
  const dir = folder(t);
  const old = selfSigned(join(dir, 'old'), 'relay.example', 1);
  const clock = new Clock(dir);
  clock.advance(3 * 86_400);
  const sets = { tls_listen: '127.0.0.1:0', tls_cert: old.cert, tls_key: old.key };
  const { code, stderr } = await check(dir, sets, clock.environment(BINARY));
  assert.equal(code, 0);
  assert.match(stderr, /cert\.pem: this certificate has expired; renew it/);
  const relay = new Relay({ tls: true, clock: true, set: { tls_cert: old.cert, tls_key: old.key } });
  t.after(() => relay.dispose());
  relay.clock.advance(3.5 * 86_400); // a certificate for one day
  await relay.up();
  assert.equal((await relay.daemon.line('tls.expired')).fields.days, '-3');
});

test('a self-signed pair is not written over', async (t) => {
  const dir = folder(t);
  mkdirSync(join(dir, 'pair'));
  const made = selfSigned(join(dir, 'pair'));
  assert.match(made.stdout, new RegExp(`tls_cert = "${made.cert}"\ntls_key = "${made.key}"`));
  const again = await runToEnd(CTL, ['tls', 'self-signed', '--dir', join(dir, 'pair')]);
  assert.equal(again.code, 5);
  assert.match(again.stderr, /already/);
  const wrong = await runToEnd(CTL, ['tls', 'self-signed', '--dir', dir, '--name', 'a,DNS:b']);
  assert.equal(wrong.code, 2);
});

test180('a client that leaves without a word harms nobody', async (t) => {
  const relay = await Relay.start(t, { tls: true });
  const { a, b } = await relay.pair();
  for (const cut of [0, 1, 5, 100]) {
    const raw = await Raw.open(relay.port);
    raw.write(GET.slice(0, cut));
    raw.destroy();
  }
  assertStatus(await a.send([b]), 201);
});

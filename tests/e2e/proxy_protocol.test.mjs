// SPDX-License-Identifier: Apache-2.0
// Listeners whose connections begin with a PROXY header.  The client that it names is
// known by the limit that it uses up.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { BINARY, runToEnd } from './support/daemon.mjs';
import { Raw } from './support/raw.mjs';
import { scene } from './support/scene.mjs';
import { certificate, trust } from './support/tls.mjs';

const RATE = 3;
const CLIENT = '198.51.100.1';
const OTHER = '198.51.100.2';
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

const proxied = (more = {}) => ({
  set: {
    proxy_protocol: 'listen', trusted_proxies: '127.0.0.1', rate_address: String(RATE), ...more,
  },
  tls: false,
});

const line = (address) => `PROXY TCP4 ${address} 203.0.113.1 56324 443\r\n`;

// A header of version 2 for an IPv4 address, with TLVs of a proxy that did TLS.
function bytes(address, command = 0x21) {
  const body = Buffer.concat([
    Buffer.from(address.split('.').map(Number)), Buffer.from([203, 0, 113, 1, 0xdc, 4, 1, 0xbb]),
    Buffer.from([1, 0, 2, 0x68, 0x32, 4, 0, 1, 0]),
  ]);
  return Buffer.concat([SIGNATURE, Buffer.from([command, 0x11, 0, body.length]), body]);
}

const request = (fields = {}) => `GET /v1/server HTTP/1.1\r\nHost: relay.example\r\n${
  Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;

// The status that a request behind a header gets; undefined when the relay closes instead.
async function ask(relay, header, fields, where = { port: relay.port, host: '127.0.0.1' }) {
  const raw = await Raw.to(where);
  raw.write(Buffer.concat([Buffer.from(header), Buffer.from(request(fields))]));
  const status = (await raw.response())?.status;
  raw.destroy();
  return status;
}

async function spend(...how) {
  for (let i = 0; i < RATE; i++) {
    assert.equal(await ask(...how), 200);
  }
  assert.equal(await ask(...how), 429);
}

scene('limits go by the address that a header names', proxied(), async (relay) => {
  await spend(relay, line(CLIENT));
  assert.equal(await ask(relay, bytes(CLIENT)), 429);
  assert.equal(await ask(relay, bytes(OTHER)), 200);
  assert.equal(await ask(relay, `PROXY TCP6 ::ffff:${CLIENT} ::1 1 2\r\n`), 429);
  assert.equal(await ask(relay, line('10.0.0.1')), 200);
  assert.equal(await relay.metric('proxy_headers_total'), RATE + 5);
});

scene('header fields of a client that was named do not count', proxied(), async (relay) => {
  for (const address of [CLIENT, '10.0.0.1', '127.0.0.2']) {
    for (let i = 0; i < RATE; i++) {
      const status = await ask(relay, line(address), { 'X-Forwarded-For': `192.0.2.${i}` });
      assert.equal(status, 200);
    }
    assert.equal(await ask(relay, line(address), { 'X-Forwarded-For': '192.0.2.99' }), 429);
    assert.equal(await ask(relay, line(address), { Forwarded: 'for=192.0.2.98' }), 429);
  }
  assert.equal(await relay.metric('peers_untrusted_total'), 0);
});

scene('a proxy behind the proxy names its clients by fields',
  proxied({ trusted_proxies: '127.0.0.1,10.0.0.0/8' }), async (relay) => {
    const fields = { 'X-Forwarded-For': CLIENT };
    await spend(relay, line('10.0.0.1'), fields);
    assert.equal(await ask(relay, bytes('10.0.0.2'), fields), 429);
    assert.equal(await ask(relay, bytes('10.0.0.2'), { 'X-Forwarded-For': OTHER }), 200);
  });

scene('checks of the proxy, which name nobody, are its own', proxied(), async (relay) => {
  await spend(relay, 'PROXY UNKNOWN\r\n', { 'X-Forwarded-For': CLIENT });
  assert.equal(await ask(relay, bytes(CLIENT, 0x20), { 'X-Forwarded-For': OTHER }), 429);
  assert.equal(await ask(relay, line(CLIENT)), 200);
});

scene('a connection without a header, or with a broken one, is closed', proxied(), async (relay) => {
  const broken = ['', 'PROXY TCP4 198.51.100.01 203.0.113.1 1 2\r\n', `PROXY ${'x'.repeat(101)}`,
    bytes(CLIENT, 0x11), ' ', `${line(CLIENT).trimEnd()}\n`];
  for (const header of broken) {
    assert.equal(await ask(relay, header), undefined, JSON.stringify(header.toString()));
  }
  const { fields } = await relay.daemon.line('net.proxy_header');
  assert.match(fields.advice, /send the PROXY protocol/);
  assert.equal(await relay.metric('proxy_headers_refused_total'), broken.length);
  assert.equal(await ask(relay, line(CLIENT)), 200);
});

scene('a second header is no request', proxied(), async (relay) => {
  assert.equal(await ask(relay, line(CLIENT) + line(OTHER)), 501);
});

scene('who is no trusted proxy is refused, with a header too',
  proxied({ trusted_proxies: '127.0.0.2' }), async (relay) => {
    assert.equal(await ask(relay, line(CLIENT)), undefined);
    const { fields } = await relay.daemon.line('net.proxy_header');
    assert.match(fields.reason, /none of trusted_proxies/);
    const where = { port: relay.port, host: '127.0.0.1', localAddress: '127.0.0.2' };
    assert.equal(await ask(relay, line(CLIENT), {}, where), 200);
  });

scene('a header that does not come in time ends the connection',
  proxied({ tls_handshake_timeout: '1s' }), async (relay) => {
    const silent = await Raw.open(relay.port);
    const slow = await Raw.open(relay.port);
    slow.write(line(CLIENT).slice(0, 20));
    assert.equal((await silent.toEnd()).length + (await slow.toEnd()).length, 0);
    assert.equal(await relay.metric('proxy_headers_refused_total'), 2);
  });

scene('a client has so many connections as an address may, its proxy any number',
  proxied({ max_connections_per_address: '2', rate_address: '0' }), async (relay) => {
    const open = async (header) => {
      const raw = await Raw.open(relay.port);
      raw.write(header + request());
      return { raw, answer: await raw.response() };
    };
    const some = [await open(line(CLIENT)), await open(line(CLIENT)), await open(line(OTHER))];
    assert.ok(some.every(({ answer }) => answer.status === 200));
    assert.equal((await open(line(CLIENT))).answer, undefined);
    assert.equal((await open(line(OTHER))).answer.status, 200);
    assert.equal(await relay.metric('connections_refused_address_total'), 1);
    some.forEach(({ raw }) => raw.destroy());
  });

scene('a unix socket can be such a listener', proxied({ trusted_proxies: 'unix' }), async (relay) => {
  await relay.stop();
  const path = join(relay.dir, 'clients.sock');
  relay.options.set.listen = `unix:${path}`;
  await relay.up();
  await spend(relay, line(CLIENT), {}, { path });
  assert.equal(await ask(relay, line(OTHER), {}, { path }), 200);
  assert.equal(await ask(relay, '', {}, { path }), undefined);
});

scene('TLS begins behind the header, and other listeners have none', {
  ...proxied({ proxy_protocol: 'tls_listen' }), tls: true,
}, async (relay) => {
  await relay.stop();
  const { cert, key } = certificate();
  Object.assign(relay.options.set, {
    listen: '127.0.0.1:0', tls_listen: '127.0.0.1:0', tls_cert: cert, tls_key: key,
  });
  await relay.up();
  const overTls = async (header) => {
    const socket = connect({ port: relay.port, host: '127.0.0.1' });
    socket.write(header);
    const secure = connectTls({ socket, ...trust() });
    secure.write(request());
    return new Promise((done) => {
      secure.once('data', (data) => done(Number(data.subarray(9, 12))));
      secure.once('error', () => done(undefined));
      secure.once('close', () => done(undefined));
    }).finally(() => secure.destroy());
  };
  for (let i = 0; i < RATE; i++) {
    assert.equal(await overTls(bytes(CLIENT)), 200);
  }
  assert.equal(await overTls(line(CLIENT)), 429);
  assert.equal(await overTls(line(OTHER)), 200);
  assert.equal(await overTls(''), undefined);
  assert.equal(await ask(relay, '', {}, { port: relay.portOf('clients'), host: '127.0.0.1' }), 200);
});

test('PROXY headers from nobody, or nowhere, are refused at the start', async () => {
  const check = (...sets) => runToEnd(BINARY, ['--check-config', '--set',
    'base_url=https://relay.example', ...sets.flatMap((each) => ['--set', each])]);
  const cases = [[['proxy_protocol=listen'], /trusted_proxies is empty/],
    [['proxy_protocol=both', 'trusted_proxies=::1'], /tls_listen is empty/],
    [['proxy_protocol=v2', 'trusted_proxies=::1'], /proxy_protocol/]];
  for (const [sets, wanted] of cases) {
    const { code, stderr } = await check(...sets);
    assert.equal(code, 78, stderr);
    assert.match(stderr, wanted);
  }
  assert.equal((await check('proxy_protocol=listen', 'trusted_proxies=::1')).code, 0);
});

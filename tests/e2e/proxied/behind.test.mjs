// SPDX-License-Identifier: Apache-2.0
// A relay behind the proxy that SEALPOST_E2E_PROXY names, set up as deploy/proxy/README.md tells.
import assert from 'node:assert/strict';
import { Agent } from 'node:https';
import { connect } from 'node:net';
import { vectors } from '../http_vectors.mjs';
import { KIND, PREFIX } from '../support/front.mjs';
import { Raw } from '../support/raw.mjs';
import { upgradeRequest } from '../support/raw_ws.mjs';
import { assertProblem, assertStatus, scene } from '../support/scene.mjs';
import { trust } from '../support/tls.mjs';

const RATE = 4;
const BODY_MAX = 1_572_864;
const AT_ONCE = 12;

const server = (relay, options = {}) => relay.call('GET', '/v1/server', options);

scene('a client is known by its own address, whatever it writes', { set: { rate_address: `${RATE}` } },
  async (relay) => {
    const forge = (i) => [
      { 'x-forwarded-for': `198.51.100.${i}` }, { forwarded: `for=198.51.100.${i}` },
      { 'x-forwarded-for': `198.51.100.${i}, 203.0.113.${i}`, forwarded: `for=192.0.2.${i};proto=http` },
      { 'x-forwarded-for': 'no address', 'x-real-ip': `198.51.100.${i}` },
    ][i % 4];
    for (let i = 0; i < RATE; i++) {
      assertStatus(await server(relay, { localAddress: '127.0.0.2', headers: forge(i) }), 200);
    }
    for (let i = 0; i < RATE; i++) {
      assertStatus(await server(relay, { localAddress: '127.0.0.2', headers: forge(i) }), 429);
    }
    assertStatus(await server(relay, { localAddress: '127.0.0.3' }), 200);
    assert.equal(await relay.metric('peers_malformed_total') + await relay.metric('peers_untrusted_total'), 0);
    const named = KIND === 'haproxy-tcp' ? 'proxy_headers_total' : 'peers_forwarded_total';
    assert.equal(await relay.metric(named), 2 * RATE + 1);
  });

scene('a stream is held against the address of its client', {
  set: { max_connections_per_address: '1' },
}, async (relay) => {
  const { first: device } = await relay.account();
  const raw = await Raw.to({ port: relay.port, host: '127.0.0.1', localAddress: '127.0.0.2' });
  raw.write(upgradeRequest({ token: device.token }));
  assert.equal((await raw.response()).status, 101);
  const more = server(relay, { localAddress: '127.0.0.2' });
  if (KIND === 'haproxy-tcp') {
    await assert.rejects(more);
  } else {
    assertStatus(await more, 429);
  }
  assertStatus(await server(relay, { localAddress: '127.0.0.3' }), 200);
  raw.destroy();
});

scene('the largest body passes, and one byte more is the relay\'s to refuse', {}, async (relay) => {
  const { first: device } = await relay.account();
  const send = (size) => device.call('POST', '/v1/envelopes', {
    body: Buffer.alloc(size, 0x20), headers: { 'content-type': 'application/json' },
  });
  assertProblem(await send(BODY_MAX), 400, 'malformed');
  assertProblem(await send(BODY_MAX + 1), 413, 'too_large');
});

scene('a relay that was started again is found again', {}, async (relay) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ...trust() });
  assertStatus(await server(relay, { agent }), 200);
  await relay.restart();
  assertStatus(await server(relay), 200);
  agent.destroy();
});

// Requests whose body is the front of another one: where proxy and relay measure the body in two ways it
// stays in the relay's connection, and the next request there becomes its end.
const HIDDEN = 'GET /v1/hidden HTTP/1.1\r\nHost: a\r\nX: ';
const CHUNK = `${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`;
const ENDED = `0\r\n\r\n${HIDDEN}`;
const post = (fields, body) => `POST /v1/auth/challenge HTTP/1.1\r\nHost: a\r\n${fields.join('\r\n')}\r\n\r\n${body}`;
const long = `Content-Length: ${HIDDEN.length}`;
const ended = `Content-Length: ${ENDED.length}`;
const smuggling = [
  post([long], HIDDEN),
  post(['Content-Length: 0', long], HIDDEN),
  post([long, 'Content-Length: 0'], HIDDEN),
  post([`Content-Length: +${HIDDEN.length}`], HIDDEN),
  post([`Content-Length : ${HIDDEN.length}`], HIDDEN),
  post([`Content-Length: ${HIDDEN.length}`, 'Expect: 100-continue'], HIDDEN),
  post([long, 'Connection: Content-Length'], HIDDEN),
  post(['Transfer-Encoding: chunked'], CHUNK),
  post(['Transfer-Encoding: chunked', 'Connection: Transfer-Encoding'], CHUNK),
  post(['Transfer-Encoding: chunked', 'Content-Length: 4'], CHUNK),
  ...['Transfer-Encoding: chunked', 'Transfer-Encoding : chunked', 'Transfer-Encoding: xchunked', 'Transfer-Encoding:\x0bchunked',
    'Transfer-Encoding: identity, chunked', 'Transfer-Encoding: chunked, identity', 'X: a\r\n Transfer-Encoding: chunked',
    'Transfer-Encoding\r\n: chunked', 'X: a\nTransfer-Encoding: chunked', 'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
  ].map((field) => post([ended, field], ENDED)),
  post([ended, 'Upgrade: websocket', 'Connection: Upgrade', 'Transfer-Encoding: chunked'], ENDED),
  post([long, 'Upgrade: websocket', 'Connection: Upgrade'], HIDDEN),
  post([long], HIDDEN).replace('POST /v1/auth/challenge', 'GET /v1/server'),
  post([long], HIDDEN).replace('POST /v1/auth/challenge', 'HEAD /v1/server'),
].map((raw, i) => ({ name: `hidden request ${i}`, raw }));

// Behind each raw request, on a connection of its own, goes a canary: a request whose answer no other
// request has.  It gets that one, or proxy and relay do not agree where requests end.
scene('no request leaves a piece of itself before the next one', {}, async (relay) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ...trust() });
  const { headers: { etag } } = await server(relay, { agent });
  assert.ok(etag);
  const canary = async (how) => {
    const answer = await server(relay, { headers: { 'if-none-match': etag }, ...how });
    assert.equal(answer.status, 304);
    assert.equal(answer.body.length, 0);
  };
  for (const { name, raw } of [...smuggling, ...vectors]) {
    const one = await Raw.open(relay.port);
    one.write(raw.replaceAll('/v1/', `${PREFIX}/v1/`));
    const answered = one.until(() => (one.received.includes('\r\n\r\n') ? true : undefined), name).catch(() => {});
    let done = false;
    answered.finally(() => { done = true; });
    try {
      await canary({ agent });
      if (!done) { // it may want more than it got: give it one more round of the proxy
        await canary({ agent });
      }
      one.destroy();
      await canary({ agent });
    } catch (error) {
      error.message = `behind "${name}": ${error.message}`;
      throw error;
    }
  }
  agent.destroy();
  await Promise.all(Array.from({ length: AT_ONCE }, () => canary({})));
  assertStatus(await server(relay), 200);
});

scene('who does not speak TLS gets no further than the proxy', {}, async (relay) => {
  const before = await relay.metric('connections_accepted_total');
  const socket = connect({ port: relay.port, host: '127.0.0.1' });
  socket.end('GET /v1/server HTTP/1.1\r\nHost: relay.example\r\n\r\n');
  const chunks = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  await new Promise((done) => { // with an answer of the proxy's, or a reset
    socket.on('error', done);
    socket.on('close', done);
  });
  assert.ok(!/^HTTP\/1\.1 200/.test(Buffer.concat(chunks).toString('latin1')));
  assert.equal(await relay.metric('connections_accepted_total') - before, 1, 'the look at /metrics alone');
});

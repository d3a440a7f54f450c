// SPDX-License-Identifier: Apache-2.0
// Who a request is from when proxies stand in between.  A client is known by the
// limit that it shares: two requests are from one client when one uses up what the
// other needs.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { BINARY, runToEnd } from './support/daemon.mjs';
import { call } from './support/http.mjs';
import { assertStatus, scene } from './support/scene.mjs';

const RATE = 3;
const set = (trusted) => ({ set: { rate_address: String(RATE), trusted_proxies: trusted } });

const ask = (relay, headers = {}, where = { port: relay.port }, localAddress = undefined) => call(
  where, 'GET', '/v1/server', { headers, localAddress },
);

// Use up the client's limit, then say whether another request is held against it too.
async function spend(relay, ...how) {
  for (let i = 0; i < RATE; i++) {
    assertStatus(await ask(relay, ...how), 200);
  }
  assertStatus(await ask(relay, ...how), 429);
}

const x = (value) => ({ 'x-forwarded-for': value });
const forwarded = (value) => ({ forwarded: value });

scene('a client behind a trusted proxy has a limit of its own', set('127.0.0.1'), async (relay) => {
  await spend(relay, x('198.51.100.1'));
  assertStatus(await ask(relay, x('198.51.100.2')), 200);
  assertStatus(await ask(relay, forwarded('for=198.51.100.1')), 429);
  assertStatus(await ask(relay, forwarded('for="198.51.100.1:4711";proto=https')), 429);
  assertStatus(await ask(relay, forwarded('for=198.51.100.2')), 200);
  assertStatus(await ask(relay), 200);
  assert.ok(await relay.metric('peers_forwarded_total') >= 7);
});

scene('hops are read from the right to the first that is not trusted',
  set('127.0.0.1, 10.0.0.0/8'), async (relay) => {
    await spend(relay, x('198.51.100.1'));
    assertStatus(await ask(relay, x('203.0.113.5, 198.51.100.1')), 429);
    assertStatus(await ask(relay, x('203.0.113.6, 198.51.100.1, 10.1.2.3')), 429);
    assertStatus(await ask(relay, forwarded('for=203.0.113.7, for=198.51.100.1, for=10.9.9.9')), 429);
    assertStatus(await ask(relay, forwarded('for="open, for=198.51.100.1')), 429);
    assertStatus(await ask(relay, x('198.51.100.1, 203.0.113.8')), 200);
  });

scene('a client that forges what proxies add is known by what they do add', set('127.0.0.1'),
  async (relay) => {
    for (let i = 0; i < RATE; i++) {
      assertStatus(await ask(relay, x(`203.0.113.${i}, 198.51.100.1`)), 200);
    }
    assertStatus(await ask(relay, x('203.0.113.99, 198.51.100.1')), 429);
  });

scene('fields that contradict each other count for the proxy', set('127.0.0.1'), async (relay) => {
  const both = (a, b) => ({ ...forwarded(`for=${a}`), ...x(b) });
  await spend(relay, both('203.0.113.1', '198.51.100.1'));
  assertStatus(await ask(relay, both('203.0.113.2', '198.51.100.1')), 429);
  assertStatus(await ask(relay), 429);
  assertStatus(await ask(relay, both('198.51.100.1', '198.51.100.1')), 200);
  assert.equal(await relay.metric('peers_malformed_total'), RATE + 2);
});

scene('what cannot be read counts for the proxy', set('127.0.0.1'), async (relay) => {
  await spend(relay, x('not an address'));
  assertStatus(await ask(relay, forwarded('for=1.2.3.4.5')), 429);
  assertStatus(await ask(relay, x('198.51.100.1')), 200);
});

scene('a local proxy that nobody named has no clients, and is warned of once', set('10.0.0.0/8'),
  async (relay) => {
    await ask(relay, x('198.51.100.1'));
    await relay.daemon.line('net.proxy_untrusted');
    for (let i = 0; i < 3 * RATE; i++) {
      assertStatus(await ask(relay, x('198.51.100.1')), 200);
    }
    await spend(relay);
    const warnings = relay.daemon.lines.filter(({ fields }) => fields.event === 'net.proxy_untrusted');
    assert.equal(warnings.length, 1, 'said once');
    assert.ok(await relay.metric('peers_untrusted_total') >= 3 * RATE);
  });

scene('an unnamed local proxy may have many connections', {
  set: { max_connections_per_address: '3' },
}, async (relay) => {
  const { Raw } = await import('./support/raw.mjs');
  await ask(relay, x('198.51.100.1'));
  const first = await Raw.open(relay.port);
  first.write('GET /v1/server HTTP/1.1\r\nHost: relay.example\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n');
  assert.equal((await first.response()).status, 200);
  const more = await Promise.all(Array.from({ length: 8 }, () => Raw.open(relay.port)));
  for (const raw of more) {
    raw.write('GET /v1/server HTTP/1.1\r\nHost: relay.example\r\n\r\n');
    assert.equal((await raw.response()).status, 200);
  }
  [first, ...more].forEach((raw) => raw.destroy());
});

scene('the addresses of an IPv6 /64 share a limit', set('127.0.0.1'), async (relay) => {
  await spend(relay, x('2001:db8:1:2::1'));
  assertStatus(await ask(relay, x('2001:db8:1:2:ffff:ffff:ffff:ffff')), 429);
  assertStatus(await ask(relay, forwarded('for="[2001:db8:1:2:3:4:5:6]:443"')), 429);
  assertStatus(await ask(relay, x('2001:db8:1:3::1')), 200);
  await spend(relay, x('::ffff:198.51.100.1'));
  assertStatus(await ask(relay, x('198.51.100.1')), 429);
});

scene('a proxy may come by a unix socket', set('unix'), async (relay) => {
  await relay.stop();
  const socketPath = join(relay.dir, 'clients.sock');
  relay.options.set.listen = `unix:${socketPath},127.0.0.1:0`;
  await relay.up();
  await spend(relay, x('198.51.100.1'), { socketPath });
  assertStatus(await ask(relay, x('198.51.100.2'), { socketPath }), 200);
  for (let i = 0; i < 2 * RATE; i++) {
    assertStatus(await ask(relay, {}, { socketPath }), 200);
  }
});

scene('a stream is its client\'s, not its proxy\'s', {
  set: { rate_address: '20', trusted_proxies: '127.0.0.1' },
}, async (relay) => {
  const { a, b } = await relay.pair();
  const streams = [
    await a.open({ headers: x('198.51.100.1') }), await b.open({ headers: x('198.51.100.2') }),
  ];
  const statuses = [];
  for (let i = 0; i < 20; i++) {
    statuses.push((await streams[0].send([b])).status);
  }
  assert.deepEqual(statuses, [...Array(19).fill(201), 429]);
  assert.equal((await streams[1].send([a])).status, 201);
});

test('what is no list of proxies is refused at start', async () => {
  for (const value of ['10.0.0.1/8', 'relay.example', '10.0.0.0/33', 'unix:/run/x', '10.0.0.1,,::1']) {
    const { code, stderr } = await runToEnd(BINARY, ['--check-config', '--set',
      'base_url=https://relay.example', '--set', `trusted_proxies=${value}`]);
    assert.notEqual(code, 0, value);
    assert.match(stderr, /trusted_proxies/);
  }
});

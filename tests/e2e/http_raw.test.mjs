// SPDX-License-Identifier: Apache-2.0
// The table of raw HTTP requests over TCP against the daemon, and what a table cannot hold.
import assert from 'node:assert/strict';
import { vectors } from './http_vectors.mjs';
import { document } from './support/contract.mjs';
import { Raw } from './support/raw.mjs';
import { scene, suite } from './support/scene.mjs';

const HEAD = /HTTP\/1\.1 (\d{3}) [^\r]*\r\n/g;
const GOOD = 'GET /v1/server HTTP/1.1\r\nHost: a\r\n\r\n';

// Send bytes, end the sending side, and read to the relay's end.
async function exchange(port, bytes) {
  const raw = await Raw.open(port);
  raw.write(bytes);
  raw.socket.end();
  return (await raw.toEnd()).toString('latin1');
}

const statuses = (text) => [...text.matchAll(HEAD)].map(([, status]) => Number(status));

suite('raw requests', {}, (it) => {
  for (const { name, raw, want, answers, close } of vectors) {
    it(`${name} -> ${want.join(' or ')}`, async (relay) => {
      const text = await exchange(relay.port, raw);
      const got = statuses(text);
      assert.equal(got.length, answers, text.slice(0, 1000));
      got.forEach((status) => assert.ok(want.includes(status), `${status}: ${text.slice(0, 600)}`));
      if (answers > 0) {
        assert.equal(/\r\nconnection: close\r\n/i.test(text), close, text.slice(0, 600));
      }
    });
  }
});

suite('refusals before a route is known', {}, (it) => {
  const cases = {
    '400 bad_request': 'GET /v1/server HTTP/1.1\r\n\r\n',
    '414 target_too_long': `GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    '431 head_too_large': `GET / HTTP/1.1\r\nHost: a\r\n${'A: b\r\n'.repeat(64)}\r\n`,
    '501 not_implemented': 'BREW /v1/server HTTP/1.1\r\nHost: a\r\n\r\n',
    '505 version_not_supported': 'GET /v1/server HTTP/3.0\r\nHost: a\r\n\r\n',
  };
  for (const [wanted, request] of Object.entries(cases)) {
    it(`are problems: ${wanted}`, async (relay) => {
      const raw = await Raw.open(relay.port);
      raw.write(request);
      const { status, head, body } = await raw.response();
      const problem = JSON.parse(body.toString());
      assert.equal(`${status} ${problem.type.replace('urn:sealpost:problem:', '')}`, wanted);
      assert.ok(document.components.schemas.ProblemType.enum.includes(problem.type));
      assert.equal(problem.status, status);
      assert.match(head, /\r\ncontent-type: application\/problem\+json/i);
      assert.match(head, /\r\nsealpost-request-id: \S+/i);
      await raw.toEnd();
    });
  }

  it('leave other connections alone', async (relay) => {
    const good = await Raw.open(relay.port);
    for (let i = 0; i < 30; i++) {
      await exchange(relay.port, Buffer.alloc(200, i));
    }
    good.write(GOOD);
    assert.equal((await good.response()).status, 200);
    good.destroy();
  });
});

suite('limits of a head', {}, (it) => {
  const request = (fields) => `GET /v1/server HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

  it('64 fields pass and 65 do not', async (relay) => {
    assert.deepEqual(statuses(await exchange(relay.port, request('A: b\r\n'.repeat(63)))), [200]);
    assert.deepEqual(statuses(await exchange(relay.port, request('A: b\r\n'.repeat(64)))), [431]);
  });

  it('a target of 8 KiB passes and a byte more does not', async (relay) => {
    const target = (size) => `GET /${'a'.repeat(size - 1)} HTTP/1.1\r\nHost: a\r\n\r\n`;
    assert.deepEqual(statuses(await exchange(relay.port, target(8192))), [404]);
    assert.deepEqual(statuses(await exchange(relay.port, target(8193))), [414]);
  });

  it('a head of 16 KiB passes and much more does not', async (relay) => {
    const field = (size) => request(`X: ${'a'.repeat(size)}\r\n`);
    const frame = field(0).length;
    assert.deepEqual(statuses(await exchange(relay.port, field(16_384 - frame))), [200]);
    assert.deepEqual(statuses(await exchange(relay.port, field(16_385 - frame + 64))), [431]);
  });
});

scene('a head that does not come is 408 or a close', { set: { head_timeout: '1s' } },
  async (relay) => {
    const [silent, slow] = [await Raw.open(relay.port), await Raw.open(relay.port)];
    slow.write('GET /v1/server HTTP/1.1\r\nHost:');
    assert.deepEqual(statuses((await slow.toEnd()).toString('latin1')), [408]);
    const text = (await silent.toEnd()).toString('latin1');
    assert.ok([0, 1].includes(statuses(text).length));
  });

scene('a connection that idles between requests is closed', { set: { idle_timeout: '1s' } },
  async (relay) => {
    const raw = await Raw.open(relay.port);
    raw.write(GOOD);
    assert.equal((await raw.response()).status, 200);
    assert.equal((await raw.toEnd()).length, 0);
  });

// Nobody needs an account to send a body, so many large ones at once must not fill the memory.
scene('large bodies beyond what may be held are told to come again',
  { set: { request_bodies_max: '4M' } }, async (relay) => {
    const size = 1_400_000;
    const head = `POST /v1/envelopes HTTP/1.1\r\nHost: a\r\nContent-Length: ${size + 1}\r\n\r\n`;
    const all = await Promise.all(Array.from({ length: 3 }, () => Raw.open(relay.port)));
    all.forEach((raw) => raw.write(Buffer.concat([Buffer.from(head), Buffer.alloc(size, 32)])));
    const refused = await Promise.any(all.map(async (raw) => {
      await raw.toEnd();
      return raw.received.toString('latin1');
    }));
    assert.deepEqual(statuses(refused), [503]);
    assert.match(refused, /\r\nretry-after: \d+\r\n/i);
    assert.match(refused, /urn:sealpost:problem:unavailable/);
    assert.equal((await relay.call('GET', '/v1/server')).status, 200);
    await relay.account({ invite: await relay.invite() });
    all.forEach((raw) => raw.destroy());
  });

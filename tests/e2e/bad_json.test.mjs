// SPDX-License-Identifier: Apache-2.0
// Bodies that are not what the contract says, each with its code.
import assert from 'node:assert/strict';
import { b64u, ciphertext, envelopeId } from './support/bytes.mjs';
import { assertProblem, assertStatus, scene, suite } from './support/scene.mjs';

const CALLS = [
  ['POST', '/v1/auth/challenge'], ['POST', '/v1/auth/session'], ['POST', '/v1/accounts'],
  ['POST', '/v1/envelopes'], ['POST', '/v1/mailbox/ack'],
];

const raw = (device, method, path, body, headers = {}) => device.call(method, path, {
  body, headers: { 'content-type': 'application/json', ...headers },
});

suite('a body that is not JSON', {}, (it) => {
  const bodies = {
    'nothing': '', 'half an object': '{"a":', 'an array': '[]', 'a number': '1', 'null': 'null',
    'two values': '{}{}', 'a trailing comma': '{"a":1,}', 'a comment': '{/**/}',
    'single quotes': "{'a':1}", 'a NUL': '{"a":"\0"}', 'an escaped NUL': '{"id":"\\u0000"}',
    'a lone surrogate': '{"id":"\\ud800"}', 'NaN': '{"ttl":NaN}',
    'a byte order mark': '\ufeff{}',
    'invalid UTF-8': Buffer.from('{"id":"\xff"}', 'latin1'),
    'an overlong form': Buffer.from('{"id":"\xc0\xaf"}', 'latin1'),
    '17 levels': `${'{"a":'.repeat(17)}1${'}'.repeat(17)}`,
    '20,000 levels': '['.repeat(20_000),
    'a number of 20,000 digits': `{"ttl":${'9'.repeat(20_000)}}`,
    'a number beyond 64 bits': '{"ttl":99999999999999999999}',
  };
  for (const [name, body] of Object.entries(bodies)) {
    it(`${name} is 400`, async (relay) => {
      const { first } = await relay.account();
      for (const [method, path] of CALLS) {
        assertProblem(await raw(first, method, path, body), 400, 'malformed');
      }
    });
  }
});

suite('members', {}, (it) => {
  it('that are unknown are refused by name, in every call', async (relay) => {
    const { first } = await relay.account();
    const calls = {
      '/v1/auth/challenge': {}, '/v1/mailbox/ack': { seqs: [1] },
      '/v1/accounts': { manifest: '' },
      '/v1/envelopes': { id: b64u(envelopeId()), recipients: [] },
      '/v1/auth/session': {
        account_id: b64u(ciphertext(32)), device_id: 1, challenge: b64u(ciphertext(48)),
        signature: b64u(ciphertext(64)),
      },
    };
    for (const [path, json] of Object.entries(calls)) {
      const answer = await first.call('POST', path, { json: { ...json, extra_member: 1 } });
      assertProblem(answer, 400, 'malformed', { member: 'extra_member' });
    }
  });

  it('that are unknown in a recipient are refused by name', async (relay) => {
    const { a, b } = await relay.pair();
    const recipients = [{ device_pub: b.pubText, body: '_w', bodies: '_w' }];
    const answer = await a.call('POST', '/v1/envelopes', {
      json: { id: b64u(envelopeId()), recipients },
    });
    assertProblem(answer, 400, 'malformed', { member: 'bodies' });
  });

  it('given twice are refused', async (relay) => {
    const { first } = await relay.account();
    const answer = await raw(first, 'POST', '/v1/mailbox/ack', '{"seqs":[1],"seqs":[2]}');
    assertProblem(answer, 400, 'malformed');
    const escaped = await raw(first, 'POST', '/v1/mailbox/ack', '{"seqs":[1],"seq\\u0073":[2]}');
    assertProblem(escaped, 400, 'malformed');
  });

  it('with a strange name come back as harmless text', async (relay) => {
    const { first } = await relay.account();
    const name = '"\\<script>\u2028\u0001' + 'x'.repeat(300);
    const answer = await first.call('POST', '/v1/auth/challenge', { json: { [name]: 1 } });
    assertProblem(answer, 400, 'malformed');
    assert.equal(typeof answer.json.member, 'string');
  });

  it('of the wrong type are refused by name', async (relay) => {
    const { a, b } = await relay.pair();
    const good = {
      id: b64u(envelopeId()), ttl: 60, urgent: false, online_only: false,
      recipients: [{ device_pub: b.pubText, body: b64u(ciphertext()) }],
    };
    const wrong = [null, true, 1, 1.5, 'x', [], {}];
    const accepted = { ttl: [1], urgent: [true], online_only: [true], id: [], recipients: [[]] };
    for (const member of Object.keys(good)) {
      for (const value of wrong.filter((each) => !accepted[member].some(
        (fine) => JSON.stringify(fine) === JSON.stringify(each),
      ))) {
        const json = { ...good, [member]: value };
        const answer = await a.call('POST', '/v1/envelopes', { json });
        assertProblem(answer, 400, 'malformed', { member });
      }
    }
    assertStatus(await a.call('POST', '/v1/envelopes', { json: good }), 201);
  });

  it('with bad base64url are refused by name', async (relay) => {
    const { a, b } = await relay.pair();
    const key = b.pubText;
    const bad = [`${key}=`, key.slice(1), `${key}A`, ` ${key.slice(1)}`, `${key.slice(0, -1)}+`,
      `${key.slice(0, -1)}/`, `${key.slice(0, -1)}\u00e9`, ''];
    for (const device_pub of bad) {
      const answer = await a.call('POST', '/v1/envelopes', {
        json: { id: b64u(envelopeId()), recipients: [{ device_pub, body: '_w' }] },
      });
      assertProblem(answer, 400, 'malformed', { member: 'device_pub' });
    }
    for (const body of ['A', '_w==', 'AB', '\n_w', '_-*-']) {
      const answer = await a.call('POST', '/v1/envelopes', {
        json: { id: b64u(envelopeId()), recipients: [{ device_pub: key, body }] },
      });
      assertProblem(answer, 400, 'malformed', { member: 'body' });
    }
  });
});

suite('the size of a body', {}, (it) => {
  it('is limited for each call, declared or chunked', async (relay) => {
    const { first } = await relay.account();
    const limits = {
      '/v1/mailbox/ack': 65_536, '/v1/auth/challenge': 65_536, '/v1/accounts': 98_304,
      '/v1/envelopes': 1_572_864,
    };
    for (const [path, max] of Object.entries(limits)) {
      const body = ' '.repeat(max + 1);
      assertProblem(await raw(first, 'POST', path, body), 413, 'too_large', { max });
      const chunked = await raw(first, 'POST', path, body, { 'transfer-encoding': 'chunked' });
      assertProblem(chunked, 413, 'too_large', { max });
      assertProblem(await raw(first, 'POST', path, ' '.repeat(max)), 400, 'malformed');
    }
  });

  it('a send of a mebibyte passes, and of more does not', async (relay) => {
    const { a, bob } = await relay.pair();
    await bob.grow(...Array.from({ length: 10 }, (_, i) => i + 2));
    const send = (sizes) => a.call('POST', '/v1/envelopes', {
      json: {
        id: b64u(envelopeId()),
        recipients: sizes.map((size, i) => ({
          device_pub: bob.devices[i].pubText, body: b64u(ciphertext(size)),
        })),
      },
    });
    const full = [...Array(10).fill(98_304), 65_536];
    assertStatus(await send(full), 201);
    full[10]++;
    assertProblem(await send(full), 413, 'too_large', { max: 1_048_576 });
  });

  it('a coding other than identity is 415', async (relay) => {
    const { first } = await relay.account();
    for (const coding of ['gzip', 'br', 'identity, gzip']) {
      const answer = await raw(first, 'POST', '/v1/mailbox/ack', '{"seqs":[1]}', {
        'content-encoding': coding,
      });
      assertProblem(answer, 415, 'media_type');
    }
    assertStatus(await raw(first, 'POST', '/v1/mailbox/ack', '{"seqs":[1]}', {
      'content-encoding': 'identity',
    }), 200);
  });

  it('chunked bodies are read like others', async (relay) => {
    const { first } = await relay.account();
    const answer = await raw(first, 'POST', '/v1/mailbox/ack', '{"seqs":[1]}', {
      'transfer-encoding': 'chunked',
    });
    assertStatus(answer, 200);
  });
});

scene('a body that does not come is 408', { set: { body_timeout: '1s' } }, async (relay) => {
  const { Raw } = await import('./support/raw.mjs');
  const connection = await Raw.open(relay.port);
  connection.write('POST /v1/auth/challenge HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n{');
  const answer = await connection.response();
  assert.equal(answer.status, 408);
  await connection.toEnd();
});

// SPDX-License-Identifier: Apache-2.0
// What the relay says of itself, and the manners of its HTTP.
import assert from 'node:assert/strict';
import { assertProblem, assertStatus, scene, suite } from './support/scene.mjs';
import { Agent } from './support/tls.mjs';

suite('GET /v1/server', { set: { name: 'Post für alle' } }, (it) => {
  it('names the relay, its base URL and its limits', async (relay) => {
    const { json, headers } = await relay.call('GET', '/v1/server');
    assert.deepEqual([json.name, json.base_url, json.registration, json.generation],
      ['Post für alle', relay.baseUrl, 'open', 1]);
    assert.equal(json.limits.envelope_bytes, 98_304);
    assert.equal(json.limits.mailbox_envelopes, 10_000);
    assert.ok(['envelopes', 'mailbox', 'stream'].every((each) => json.features.includes(each)));
    assert.ok(Math.abs(new Date(headers.date) - Date.now()) < 10_000);
  });

  it('is 304 while nothing changed', async (relay) => {
    const { headers } = await relay.call('GET', '/v1/server');
    const ask = (known) => relay.call('GET', '/v1/server', { headers: { 'if-none-match': known } });
    assertStatus(await ask(headers.etag), 304);
    assertStatus(await ask(`"other", W/${headers.etag}`), 304);
    assertStatus(await ask('*'), 304);
    assertStatus(await ask('"other"'), 200);
  });

  it('answers HEAD without a body', async (relay) => {
    const get = await relay.call('GET', '/v1/server');
    const head = await relay.call('HEAD', '/v1/server');
    assertStatus(head, 200);
    assert.equal(head.body.length, 0);
    assert.equal(Number(head.headers['content-length']), get.body.length);
  });
});

suite('paths and methods', {}, (it) => {
  it('that do not exist are 404', async (relay) => {
    for (const path of ['/', '/v1', '/v1/', '/v2/server', '/v1/server/', '//v1/server',
      '/v1/%73erver', '/V1/server', '/healthz', '/metrics', '/admin/stats']) {
      const answer = await relay.call('GET', path, { unchecked: true });
      assertProblem(answer, 404, 'not_found');
    }
  });

  it('with another method are 405 with Allow', async (relay) => {
    const cases = { '/v1/server': 'GET', '/v1/accounts': 'POST', '/v1/auth/session': 'POST' };
    for (const [path, allowed] of Object.entries(cases)) {
      const answer = await relay.call('PATCH', path, { unchecked: true });
      assertProblem(answer, 405, 'method_not_allowed');
      assert.ok(answer.headers.allow.includes(allowed), answer.headers.allow);
    }
  });

  it('of unknown name are 501 or refused', async (relay) => {
    const answer = await relay.call('PROPFIND', '/v1/server', { unchecked: true });
    assert.ok([405, 501].includes(answer.status));
  });
});

suite('every answer', { set: { log_level: 'debug' } }, (it) => {
  it('carries a request id of its own', async (relay) => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => relay.call(
      'GET', '/v1/server',
    )));
    const ids = answers.map((each) => each.headers['sealpost-request-id']);
    assert.equal(new Set(ids).size, 20);
  });

  it('has that id in the log, and the route instead of the path', async (relay) => {
    const { first, idText } = await relay.account();
    const answer = await first.call('GET', `/v1/accounts/${idText}`);
    const id = answer.headers['sealpost-request-id'];
    const line = await relay.daemon.log.take(({ raw }) => raw.includes(id), 'the request line');
    assert.match(line.raw, /\/v1\/accounts\/\{account_id\}/);
    assert.ok(!line.raw.includes(idText));
    assert.ok(/^[13]0*$/.test(line.fields.below_ms), 'the duration is told as a bucket');
  });

  it('keeps the connection for the next request', async (relay) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 50; i++) {
      assertStatus(await relay.call('GET', '/v1/server', { agent }), 200);
      const refused = await relay.call('GET', '/v1/mailbox', { agent });
      assertProblem(refused, 401, 'session_invalid');
    }
    agent.destroy();
  });

  it('to a problem says what to do', async (relay) => {
    const answer = await relay.call('GET', '/v1/mailbox');
    assert.equal(answer.headers['content-type'], 'application/problem+json');
    assert.equal(answer.json.status, 401);
    assert.match(answer.json.detail, /\/v1\/auth\/session/);
    assert.match(answer.headers['www-authenticate'], /^Bearer/);
  });
});

suite('web origins', { set: { cors_origins: 'https://app.example,https://b.example' } }, (it) => {
  it('that are listed may call', async (relay) => {
    const origin = 'https://app.example';
    const answer = await relay.call('GET', '/v1/server', { headers: { origin } });
    assert.equal(answer.headers['access-control-allow-origin'], origin);
    assert.match(answer.headers.vary ?? '', /origin/i);
    const preflight = await relay.call('OPTIONS', '/v1/envelopes', {
      unchecked: true,
      headers: {
        origin, 'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
    assert.equal(preflight.status, 204);
    assert.match(preflight.headers['access-control-allow-methods'], /POST/);
    assert.match(preflight.headers['access-control-allow-headers'], /authorization/i);
  });

  it('that are not listed may not', async (relay) => {
    for (const origin of ['https://evil.example', 'http://app.example', 'null',
      'https://app.example.evil.example']) {
      const answer = await relay.call('GET', '/v1/server', { headers: { origin } });
      assert.equal(answer.headers['access-control-allow-origin'], undefined);
    }
  });
});

scene('no web origin may call by default', {}, async (relay) => {
  const headers = { origin: 'https://app.example' };
  const answer = await relay.call('GET', '/v1/server', { headers });
  assert.equal(answer.headers['access-control-allow-origin'], undefined);
});

scene('a base URL with a path is served below that path alone',
  { set: { base_url: 'https://relay.example/post' } }, async (relay) => {
    const answer = await relay.call('GET', '/post/v1/server', { unchecked: true });
    assertStatus(answer, 200);
    assert.equal(answer.json.base_url, 'https://relay.example/post');
    const bare = await relay.call('GET', '/v1/server', { unchecked: true });
    assertProblem(bare, 404, 'not_found');
    const near = await relay.call('GET', '/postv1/server', { unchecked: true });
    assertProblem(near, 404, 'not_found');
  });

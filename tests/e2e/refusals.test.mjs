// SPDX-License-Identifier: Apache-2.0
// Refusals that every call has in common, of every call.
import assert from 'node:assert/strict';
import { checkResponse, operations } from './support/contract.mjs';
import { Raw } from './support/raw.mjs';
import { assertProblem, scene, suite } from './support/scene.mjs';

const all = operations.map((operation) => ({
  ...operation,
  target: operation.path.replace('{account_id}', 'A'.repeat(43)).replace('{epoch}', '1')
    .replace('{id}', 'A'.repeat(11)).replace(/\{\w+\}/g, 'A'.repeat(22)),
  hasBody: operation.spec.requestBody !== undefined,
  needsSession: operation.spec.security === undefined,
}));
const calls = all.filter(({ path }) => path.startsWith('/v1/'));
const ownCalls = all.filter(({ path }) => !path.startsWith('/v1/'));

function listenerOf(relay, { path }) {
  if (path.startsWith('/admin/')) {
    return { path: relay.adminSocket };
  }
  return { port: path.startsWith('/v1/') ? relay.port : relay.opsPort, host: '127.0.0.1' };
}

// One answer to a head made by hand, judged by the contract.
async function ask(relay, call, { lines = [], query = '', body = '' }) {
  const raw = await Raw.to(listenerOf(relay, call));
  const head = [`${call.method} ${call.target}${query} HTTP/1.1`, ...lines, '', body].join('\r\n');
  raw.write(head);
  const answer = await raw.response();
  const headers = Object.fromEntries(answer.head.split('\r\n').slice(1).map((line) => {
    const at = line.indexOf(':');
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
  }));
  raw.destroy();
  checkResponse(call.method, call.target, { ...answer, headers });
  return answer;
}

const HOST = 'Host: relay.example';
const SMALL = ['Content-Length: 2'];
const cases = {
  400: () => ({ lines: [] }),
  413: () => ({ lines: [HOST, 'Content-Length: 2000000'] }),
  414: () => ({ lines: [HOST], query: `?a=${'a'.repeat(9000)}` }),
  415: (call) => ({
    lines: [HOST, 'Content-Encoding: gzip', ...(call.hasBody ? SMALL : [])],
    body: call.hasBody ? '{}' : '',
  }),
  417: (call) => ({
    lines: [HOST, 'Expect: 200-maybe', ...(call.hasBody ? SMALL : [])],
    body: call.hasBody ? '{}' : '',
  }),
  431: () => ({ lines: [HOST, ...Array(64).fill('A: b')] }),
};

suite('every call', {}, (it) => {
  for (const call of calls) {
    for (const [status, request] of Object.entries(cases)) {
      it(`${call.method} ${call.path} -> ${status}`, async (relay) => {
        const answer = await ask(relay, call, request(call));
        assert.equal(answer.status, Number(status), answer.body.toString());
      });
    }
  }

  for (const call of calls.filter((each) => each.needsSession && each.path !== '/v1/stream')) {
    it(`${call.method} ${call.path} without a session -> 401`, async (relay) => {
      const body = call.hasBody ? '{}' : '';
      const lines = [HOST, ...(call.hasBody ? SMALL : [])];
      assert.equal((await ask(relay, call, { lines, body })).status, 401);
    });
  }
});

suite('every call of the operator', {}, (it) => {
  for (const call of ownCalls) {
    for (const status of ['400', ...('413' in call.spec.responses ? ['413'] : [])]) {
      it(`${call.method} ${call.path} -> ${status}`, async (relay) => {
        const answer = await ask(relay, call, cases[status](call));
        assert.equal(answer.status, Number(status), answer.body.toString());
      });
    }
  }

  it('refuses values that cannot be', async (relay) => {
    const post = (json) => relay.admin('POST', '/admin/invites', { json });
    for (const [member, value] of [['uses', 0], ['expires_in_s', 0], ['note', 'x'.repeat(201)]]) {
      assertProblem(await post({ [member]: value }), 422, 'value_invalid', { member });
    }
    const limit = await relay.admin('GET', '/admin/accounts?limit=0');
    assertProblem(limit, 422, 'value_invalid', { member: 'limit' });
    const unknown = `/admin/accounts/${'A'.repeat(43)}`;
    assertProblem(await relay.admin('DELETE', unknown), 404, 'not_found');
  });
});

scene('every call whose body does not come -> 408', { set: { body_timeout: '1s' } },
  async (relay) => {
    const lines = [HOST, 'Content-Length: 5'];
    const answers = await Promise.all(calls.filter((call) => call.hasBody).map(
      (call) => ask(relay, call, { lines, body: '{' }),
    ));
    answers.forEach(({ status }) => assert.equal(status, 408));
  });

// SPDX-License-Identifier: Apache-2.0
// The documents against the code that they describe.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { codesOf, document, eventNames, operations, resolve } from './support/contract.mjs';

const ROOT = new URL('../../', import.meta.url);
const source = (path) => readFileSync(new URL(path, ROOT), 'utf8');

const problems = [...source('server/http/problem.def').matchAll(/^PROBLEM\((\w+), (\d+),/gm)]
  .map(([, code, status]) => ({ code, status: Number(status) }));

test('the problem types are those of problem.def, in its order', () => {
  const types = document.components.schemas.ProblemType.enum;
  assert.ok(problems.length > 20);
  assert.deepEqual(types, problems.map(({ code }) => `urn:sealpost:problem:${code}`));
});

test('every problem is documented under its own status', () => {
  const statusOf = new Map(problems.map(({ code, status }) => [code, status]));
  for (const { method, path, spec } of operations) {
    for (const [status, named] of Object.entries(spec.responses)) {
      const { content } = resolve(named);
      const codes = codesOf(resolve(named));
      codes.forEach((code) => {
        assert.equal(statusOf.get(code), Number(status), `${method} ${path} ${code}`);
      });
      assert.ok(Number(status) < 400 || codes.length > 0 || content['text/plain; charset=utf-8'],
        `${method} ${path} ${status} names no code`);
    }
  }
});

test('the operations are the routes of the daemon', () => {
  const row = /^\s*\{ "(GET|PUT|POST|DELETE)",\s+"([^"]+)",/gm;
  const tables = ['routes.c', 'health_api.c', 'admin_api.c'];
  const routes = tables.flatMap((name) => [...source(`server/api/${name}`).matchAll(row)])
    .map(([, method, path]) => `${method} ${path}`);
  const documented = operations.map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(documented.sort(), routes.sort());
});

test('calls without a session are exactly those whose route says so', () => {
  const row = /^\s*\{ "(\w+)",\s+"([^"]+)",\s+\w+,\s+(NONE|SESSION),/gm;
  const open = [...source('server/api/routes.c').matchAll(row)]
    .filter(([, , path, auth]) => auth === 'NONE' && path !== '/v1/stream')
    .map(([, method, path]) => `${method} ${path}`);
  const documented = operations.filter(({ path, spec }) => path.startsWith('/v1/')
    && spec.security?.length === 0).map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(documented.sort(), open.sort());
});

const takesLink = (spec) => spec.security?.some((each) => 'linkToken' in each) ?? false;

test('calls that a session is optional for are exactly those whose route says so', () => {
  const row = /^\s*\{ "(\w+)",\s+"([^"]+)",\s+\w+,\s+EITHER,/gm;
  const either = [...source('server/api/routes.c').matchAll(row)]
    .map(([, method, path]) => `${method} ${path}`);
  const documented = operations.filter(({ spec }) => spec.security?.length === 2
    && !takesLink(spec)).map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(documented.sort(), either.sort());
});

test('calls that the token of a link is for are exactly those whose route says so', () => {
  const row = /^\s*\{ "(\w+)",\s+"([^"]+)",\s+\w+,\s+LINK,/gm;
  const routes = [...source('server/api/routes.c').matchAll(row)]
    .map(([, method, path]) => `${method} ${path}`);
  const documented = operations.filter(({ spec }) => takesLink(spec))
    .map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(documented.sort(), routes.sort());
});

test('stream.md has a section for every event and every close code of the relay', () => {
  const text = source('server/api/stream.md');
  for (const name of eventNames) {
    assert.ok(text.includes(`\`${name}\``), `${name} is missing`);
  }
  const codes = [...source('server/ws/channel.h').matchAll(/WS_CLOSE_\w+ = (\d{4})/g)];
  codes.forEach(([, code]) => assert.ok(text.includes(`| ${code} |`), `${code} is missing`));
});

test('the limits in stream.md are those of limits.h', () => {
  const text = source('server/api/stream.md').replace(/,/g, '');
  const limit = (name) => new RegExp(`${name} = (\\d+)`).exec(source('common/limits.h'))[1];
  for (const name of ['LIMIT_STREAM_MESSAGE_BYTES', 'LIMIT_ENVELOPE_BYTES',
    'LIMIT_SEND_STORED_BYTES', 'LIMIT_SEND_RECIPIENTS', 'LIMIT_ACK_SEQS',
    'LIMIT_STREAM_WINDOW_ITEMS', 'LIMIT_STREAM_REQUESTS', 'LIMIT_TTL_MAX_S']) {
    assert.ok(text.includes(limit(name)), `${name} ${limit(name)} is missing`);
  }
});

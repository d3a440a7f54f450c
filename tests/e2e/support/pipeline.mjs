// SPDX-License-Identifier: Apache-2.0
// Requests by the hundred thousand: one behind the other, without waiting for answers, on a few connections.
import assert from 'node:assert/strict';
import { Raw } from './raw.mjs';

const CONNECTIONS = 16;
const AT_ONCE = 500;

export const request = (method, path, lines = [], body = '') => [
  `${method} ${path} HTTP/1.1`, 'Host: relay.example', ...lines,
  ...(body === '' ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]), '', body,
].join('\r\n');

const answersOf = (raw) => raw.received.toString('latin1').split('HTTP/1.1 ').slice(1);

async function ask(relay, requests, status) {
  const raw = await Raw.open(relay.port);
  for (let i = 0; i < requests.length; i += AT_ONCE) {
    const some = requests.slice(i, i + AT_ONCE);
    raw.received = Buffer.alloc(0);
    raw.write(some.join(''));
    await raw.until(() => (answersOf(raw).length >= some.length ? true : undefined), 'all answers');
    const others = answersOf(raw).filter((answer) => !answer.startsWith(`${status} `));
    assert.equal(others.length, 0, others[0]);
    assert.equal(answersOf(raw).length, some.length, 'the relay closed');
  }
  raw.destroy();
}

// Ask for all of them, and be answered with status each.
export async function askAll(relay, requests, status) {
  const each = Math.ceil(requests.length / CONNECTIONS);
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => ask(relay, requests.slice(i * each, (i + 1) * each), status)));
}

// SPDX-License-Identifier: Apache-2.0
// How tests get a relay: a suite shares one among tests that do not disturb each
// other; a scene has its own.  Every test has accounts of its own.
import assert from 'node:assert/strict';
import { after, before, describe, it, test } from 'node:test';
import { isProxysOwn } from './front.mjs';
import { Relay } from './relay.mjs';

const TIMEOUT_MS = 180_000;

const how = (name) => ({ timeout: TIMEOUT_MS, skip: isProxysOwn(name) });

export function suite(title, options, define) {
  describe(title, () => {
    const relay = new Relay(options);
    before(() => relay.up());
    after(() => relay.dispose());
    define((name, body) => it(name, how(name), (t) => body(relay, t)));
  });
}

export function scene(name, options, body) {
  test(name, how(name), async (t) => body(await Relay.start(t, options), t));
}

// A refusal: its status, its code, and other members that it names.
export function assertProblem(answer, status, code, members = {}) {
  const value = answer.json ?? answer.body;
  assert.equal(answer.status, status, JSON.stringify(value));
  assert.equal(answer.code, code);
  for (const [name, wanted] of Object.entries(members)) {
    assert.deepEqual(value[name], wanted, `${code}.${name}`);
  }
}

export function assertStatus(answer, status) {
  assert.equal(answer.status, status, JSON.stringify(answer.json ?? answer.body));
}

// The JSON of an answer that is 200.
export function ok(answer) {
  assertStatus(answer, 200);
  return answer.json;
}

// All of an answer but what is each one's own: to compare answers that shall be alike.
export function bareAnswer({ status, headers, body }) {
  const { date, 'sealpost-request-id': id, ...others } = headers;
  assert.ok(date && id);
  return { status, headers: others, body: body.toString() };
}

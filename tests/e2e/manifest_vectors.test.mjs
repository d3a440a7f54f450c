// SPDX-License-Identifier: Apache-2.0
// The rule vectors through the relay: it must name the very rule that they name.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { b64u, hex } from './support/bytes.mjs';
import { parseManifest } from './support/manifest.mjs';
import { brokenRule } from './support/manifest_rules.mjs';
import { assertProblem, assertStatus, scene } from './support/scene.mjs';

const { vectors } = JSON.parse(
  readFileSync(new URL('../vectors/manifest_rules.json', import.meta.url)),
);
const firsts = vectors.filter(({ old }) => old === null);
const groups = new Map();
for (const vector of vectors.filter(({ old }) => old !== null)) {
  groups.set(vector.old, [...(groups.get(vector.old) ?? []), vector]);
}

const register = (relay, text) => relay.call('POST', '/v1/accounts', {
  json: { manifest: b64u(hex(text)) },
});

// Where it says that it belongs; anywhere if it does not say.
function place(text) {
  try {
    const { accountId, epoch } = parseManifest(hex(text));
    return `/v1/accounts/${b64u(accountId)}/manifests/${epoch}`;
  } catch {
    return `/v1/accounts/${'A'.repeat(43)}/manifests/1`;
  }
}

const put = (relay, text) => relay.call('PUT', place(text), {
  json: { manifest: b64u(hex(text)) },
});

scene('every first manifest of the vectors is judged as written there', {}, async (relay) => {
  for (const { name, next, verdict } of firsts) {
    const answer = await register(relay, next);
    if (verdict === 0) {
      const isTaken = answer.status === 409 && answer.code === 'device_key_used';
      assert.ok(answer.status === 201 || answer.status === 200 || isTaken, name);
    } else {
      assert.equal(answer.status, 422, name);
      assertProblem(answer, 422, 'manifest_invalid', { rule: verdict });
    }
  }
});

let number = 0;
for (const [old, group] of groups) {
  number++;
  if (brokenRule(null, hex(old)) !== 0) {
    continue; // a head that no client can bring about by one call
  }
  scene(`the successors of head ${number} of the vectors are judged as written there`, {},
    async (relay) => {
      assertStatus(await register(relay, old), 201);
      for (const { name, next, verdict } of group.filter((each) => each.verdict !== 0)) {
        const answer = await put(relay, next);
        if (verdict === 3) { // it stands there, is no successor, or has a place that cannot be
          assert.ok([200, 400, 404, 409].includes(answer.status), `${name}: ${answer.status}`);
        } else {
          assert.equal(answer.json.rule, verdict, name);
          assertProblem(answer, 422, 'manifest_invalid');
        }
      }
      for (const { name, next } of group.filter((each) => each.verdict === 0).slice(0, 1)) {
        assert.equal((await put(relay, next)).status, 201, name);
      }
    });
}

// SPDX-License-Identifier: Apache-2.0
// What /metrics says, judged by the tool of those who read it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { assertStatus, scene } from './support/scene.mjs';

const FETCHED = fileURLToPath(new URL('../../build/tools/usr/bin/promtool', import.meta.url));
const PROMTOOL = process.env.PROMTOOL ?? FETCHED;

scene('promtool finds nothing to say about the metrics', {}, async (relay) => {
  const { a, b } = await relay.pair();
  assertStatus(await a.send([b]), 201);
  const stream = await b.open({ autoAck: true });
  await stream.caughtUp();
  const metrics = await relay.ops('/metrics');
  assertStatus(metrics, 200);
  const { status, stdout, stderr, error } = spawnSync(PROMTOOL, ['check', 'metrics'], {
    input: metrics.body, encoding: 'utf8',
  });
  assert.equal(error, undefined);
  assert.equal(`${stdout}${stderr}`, '');
  assert.equal(status, 0);
});

scene('promtool is not content with everything', {}, async () => {
  const bad = '# TYPE requests counter\nrequests 1\n';
  const { status, stderr } = spawnSync(PROMTOOL, ['check', 'metrics'], {
    input: bad, encoding: 'utf8',
  });
  assert.notEqual(status, 0);
  assert.match(stderr, /requests/);
});

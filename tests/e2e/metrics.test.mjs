// SPDX-License-Identifier: Apache-2.0
// What /metrics says, judged by the tool of those who read it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  mkdtempSync, readFileSync, rmSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { assertStatus, scene } from './support/scene.mjs';

const FETCHED = fileURLToPath(new URL('../../build/tools/usr/bin/promtool', import.meta.url));
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const RULES = here('../../deploy/prometheus/sealpost.rules.yml');
const DASHBOARD = JSON.parse(readFileSync(here('../../deploy/grafana/sealpost.json'), 'utf8'));
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

// What the tool says of files of ours: nothing is wrong.
function passes(...words) {
  const { status, stdout, stderr } = spawnSync(PROMTOOL, words, { encoding: 'utf8' });
  assert.equal(status, 0, `${stdout}${stderr}`);
}

test('each alert fires when it should, and not just below', () => {
  passes('check', 'rules', RULES);
  const tried = readFileSync(here('alerts.yml'), 'utf8');
  const names = [...readFileSync(RULES, 'utf8').matchAll(/alert: (\w+)/g)].map(([, name]) => name);
  assert.ok(names.length > 10);
  names.forEach((name) => assert.ok(tried.includes(`${name} fires`) && tried.includes(`${name} is silent`), name));
  passes('test', 'rules', here('alerts.yml'));
});

scene('alerts and the dashboard ask for metrics that there are', {}, async (relay) => {
  const { body } = await relay.ops('/metrics');
  const there = new Set([...String(body).matchAll(/^(sealpost_\w+)/gm)].map(([, name]) => name));
  const asked = (text) => [...text.matchAll(/\bsealpost_\w+/g)].map(([name]) => name);
  const queries = DASHBOARD.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  assert.ok(queries.length > 40);
  [...asked(readFileSync(RULES, 'utf8')), ...queries.flatMap(asked)].forEach((name) => {
    assert.ok(there.has(name), `${name} is in no answer of /metrics`);
  });
});

test('the queries of the dashboard can be read', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sealpost-rules-'));
  const rules = DASHBOARD.panels.flatMap(({ targets }) => targets).map(({ expr }, number) => ({
    record: `panel:${number}`, expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
  }));
  try { // JSON is YAML
    writeFileSync(join(dir, 'rules.yml'), JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    passes('check', 'rules', '--lint=none', join(dir, 'rules.yml'));
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('the dashboard has a panel in each place, and each says what it shows', () => {
  const places = DASHBOARD.panels.map(({ gridPos: { x, y } }) => `${x} ${y}`);
  assert.equal(new Set(places).size, places.length);
  assert.equal(new Set(DASHBOARD.panels.map(({ id }) => id)).size, places.length);
  DASHBOARD.panels.forEach(({ title, description }) => assert.ok(title && description));
});

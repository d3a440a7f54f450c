// SPDX-License-Identifier: Apache-2.0
// Runs all end-to-end tests, then asks whether they saw everything that is documented.  It is called
// for each engine: what an engine has no part in runs on SQLite alone.
//
//   SEALPOSTD=... SEALPOST=... node run.mjs [--test-option...]
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isEverywhere } from './support/database.mjs';

// Node leaves a processor free; but each file waits for clocks and the disk at times, so one more than
// there are processors keeps them busy.
const AT_ONCE = availableParallelism() + 1;

// PostgreSQL's own: it goes away, and several daemons share it.
const OF_POSTGRES = /^(postgres|two_daemons)/;
// What no store has a part in: texts without a relay, the program against its relay, bytes and
// handshakes before there is a request, and what is refused for its form alone.
const OF_NO_ENGINE = ['contract', 'device_factors', 'device_factors_password', 'device_handles', 'device_keys',
  'dishonest_relay', 'factors', 'factors_webauthn', 'holds_program', 'http_raw', 'key_vectors', 'links_program', 'manual', 'proxies', 'proxy_protocol',
  'qr', 'recovery_program', 'service', 'tls', 'unix_socket', 'vectors', 'websocket', 'wrong_input'].map((name) => `${name}.test.mjs`);

const here = fileURLToPath(new URL('.', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sealpost-coverage-'));
const all = readdirSync(here).filter((name) => name.endsWith('.test.mjs'));
const files = all.filter((name) => (isEverywhere ? !OF_NO_ENGINE.includes(name) : !OF_POSTGRES.test(name)));
assert.ok(OF_NO_ENGINE.every((name) => all.includes(name)), 'a file has another name now');
const run = (args) => spawnSync(process.execPath, args, {
  cwd: here, stdio: 'inherit', env: { ...process.env, SEALPOST_E2E_COVERAGE: folder },
}).status;

const tests = run(['--test', `--test-concurrency=${AT_ONCE}`, ...process.argv.slice(2), ...files]);
const coverage = run(['coverage.mjs', folder]);
rmSync(folder, { recursive: true });
process.exitCode = tests || coverage;

// SPDX-License-Identifier: Apache-2.0
// Runs all end-to-end tests, then asks whether they saw everything that is documented.
//
//   SEALPOSTD=... SEALPOST=... node run.mjs [--test-option...]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Node leaves a processor free, and would run one file after the other on two, each of which waits for
// its daemon and the disk most of the time.
const AT_ONCE = Math.max(2, availableParallelism() - 1);

const here = fileURLToPath(new URL('.', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sealpost-coverage-'));
const files = readdirSync(here).filter((name) => name.endsWith('.test.mjs'));
const run = (args) => spawnSync(process.execPath, args, {
  cwd: here, stdio: 'inherit', env: { ...process.env, SEALPOST_E2E_COVERAGE: folder },
}).status;

const tests = run(['--test', `--test-concurrency=${AT_ONCE}`, ...process.argv.slice(2), ...files]);
const coverage = run(['coverage.mjs', folder]);
rmSync(folder, { recursive: true });
process.exitCode = tests || coverage;

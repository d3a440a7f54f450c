// SPDX-License-Identifier: Apache-2.0
// Which documented answers and events did the tests never see?  Reads the folder
// that SEALPOST_E2E_COVERAGE named while they ran.
//
//   node coverage.mjs FOLDER
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventNames, operations } from './support/contract.mjs';

// What needs a fault of the machine: tests/crash brings those about.
const BEYOND = new Set(['429', '500', '503']);

const folder = process.argv[2];
const seen = new Set(readdirSync(folder).flatMap(
  (name) => readFileSync(join(folder, name), 'utf8').split('\n'),
));
const documented = operations.flatMap(({ method, path, spec }) => Object.keys(spec.responses)
  .filter((status) => !BEYOND.has(status)).map((status) => `${method} ${path} ${status}`));
const wanted = [...documented, ...eventNames.map((name) => `EVENT ${name}`)];
const missing = wanted.filter((each) => !seen.has(each));

missing.forEach((each) => console.log(`never seen: ${each}`));
console.log(`${wanted.length - missing.length} of ${wanted.length} documented answers and events`
  + ' were seen');
process.exitCode = missing.length > 0 ? 1 : 0;

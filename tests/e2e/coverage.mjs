// SPDX-License-Identifier: Apache-2.0
// Which documented answers and events did the tests never see?  Reads the folder
// that SEALPOST_E2E_COVERAGE named while they ran.
//
//   node coverage.mjs FOLDER
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { codesOf, eventNames, operations, resolve } from './support/contract.mjs';
import { isEverywhere } from './support/database.mjs';

// What needs a fault of the machine: tests/crash brings those about.
const BEYOND = new Set(['500', '503']);

// What only several daemons on one database bring about.
const OF_SEVERAL = isEverywhere ? [] : ['key_awaited'];

const folder = process.argv[2];
const seen = new Set(readdirSync(folder).flatMap(
  (name) => readFileSync(join(folder, name), 'utf8').split('\n'),
).flatMap((line) => [line, line.split(' ').slice(0, 3).join(' ')]));

// Every status; and every code of a problem, but for 400, which is one of two everywhere.
function answersOf({ method, path, spec }) {
  return Object.entries(spec.responses).filter(([status]) => !BEYOND.has(status))
    .flatMap(([status, named]) => {
      const codes = status === '400' ? []
        : codesOf(resolve(named)).filter((code) => !OF_SEVERAL.includes(code));
      return codes.length > 0 ? codes.map((code) => `${method} ${path} ${status} ${code}`)
        : [`${method} ${path} ${status}`];
    });
}

const documented = operations.flatMap(answersOf);
const wanted = [...documented, ...eventNames.map((name) => `EVENT ${name}`)];
const missing = wanted.filter((each) => !seen.has(each));

missing.forEach((each) => console.log(`never seen: ${each}`));
console.log(`${wanted.length - missing.length} of ${wanted.length} documented answers and events`
  + ' were seen');
process.exitCode = missing.length > 0 ? 1 : 0;

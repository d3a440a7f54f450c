// SPDX-License-Identifier: Apache-2.0
// Lints the HTTP contract with Redocly's recommended rules: any finding fails.
import { createConfig, formatProblems, getTotals, lint } from '@redocly/openapi-core';
import { fileURLToPath } from 'node:url';

const ref = fileURLToPath(new URL('../../server/api/openapi.yaml', import.meta.url));
const config = await createConfig({
  extends: ['recommended'],
  rules: {
    'operation-2xx-response': 'off', // the stream answers 101
    'operation-4xx-response': 'error',
    'no-unused-components': 'error',
  },
});
const problems = await lint({ ref, config });
const totals = getTotals(problems);
formatProblems(problems, { totals, version: 'openapi-core' });
process.exitCode = totals.errors + totals.warnings > 0 ? 1 : 0;

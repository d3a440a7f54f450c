// SPDX-License-Identifier: Apache-2.0
// Raw requests and what the relay answers: the table of tests/http/vectors.json, which the
// unit tests of the http room read too, with its repeated parts written out.
//
// Each vector: name; raw, the bytes as a latin1 string; want, the allowed statuses of every
// answer; answers, how many there are while the client keeps the connection open; close,
// whether the relay then closes it.
import { readFileSync } from 'node:fs';

const table = JSON.parse(readFileSync(new URL('../http/vectors.json', import.meta.url), 'utf8'));

const written = (part) => (typeof part === 'string' ? part : part[0].repeat(part[1]));

export const vectors = table.map((vector) => ({
  ...vector,
  raw: vector.raw.map(written).join(''),
}));

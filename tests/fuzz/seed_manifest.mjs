// SPDX-License-Identifier: Apache-2.0
// Writes the corpus of fuzz_manifest.c from the vectors: u16 length of the old manifest, the old
// manifest, the next one.  node tests/fuzz/seed_manifest.mjs
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const vectors = new URL('../vectors/manifest_rules.json', import.meta.url);
const corpus = new URL('corpus/manifest/', import.meta.url);
const MOST = 4096; // the fuzzer does better with small inputs

mkdirSync(corpus, { recursive: true });
for (const { name, old, next } of JSON.parse(readFileSync(vectors)).vectors) {
  const head = Buffer.from(old ?? '', 'hex');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(head.length);
  const input = Buffer.concat([length, head, Buffer.from(next, 'hex')]);
  const file = name.replace(/[^A-Za-z0-9]+/g, '-').toLowerCase();
  if (input.length <= MOST && !/ in (that of|the signature of)/.test(name)) {
    writeFileSync(new URL(file, corpus), input);
  }
}

// SPDX-License-Identifier: Apache-2.0
// Writes the corpus of fuzz_opaque.c from the vectors: KE1 and a record, whole, and with a fault in
// one of its elements each; and with the right KE3 of a vector's own server, all elements made anew.
// node tests/fuzz/seed_opaque.mjs
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const folder = new URL('corpus/opaque/', import.meta.url);
const seed = (name, bytes) => writeFileSync(new URL(name, folder), bytes);
const vectors = JSON.parse(readFileSync(new URL('../vectors/opaque.json', import.meta.url)));
const ours = vectors.filter(({ config }) => config.Group === 'ristretto255' && config.Fake === 'False');
const BAD = {
  identity: '00'.repeat(32),
  'not-canonical': `00${'ff'.repeat(31)}`,
  negative: `01${'00'.repeat(31)}`,
  'no-square-root': '26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371',
};
const PLACES = { blinded: 0, keyshare: 64, public: 96 };

mkdirSync(folder, { recursive: true });
ours.forEach(({ outputs }, i) => {
  seed(`vector-${i}`, Buffer.from(outputs.KE1 + outputs.registration_upload, 'hex'));
});
const { outputs } = ours[0];
for (const [place, at] of Object.entries(PLACES)) {
  for (const [fault, hex] of Object.entries(BAD)) {
    const bytes = Buffer.from(outputs.KE1 + outputs.registration_upload, 'hex');
    bytes.set(Buffer.from(hex, 'hex'), at);
    seed(`${place}-${fault}`, bytes);
  }
}
seed('short', Buffer.from(outputs.KE1, 'hex'));
ours.forEach((vector, i) => {
  const whole = Buffer.from(vector.outputs.KE1 + vector.outputs.registration_upload + vector.outputs.KE3, 'hex');
  seed(`finish-${i}`, Buffer.concat([whole, Buffer.from([0])]));
  seed(`made-${i}`, Buffer.concat([whole, Buffer.from([7])]));
});

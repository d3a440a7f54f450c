// SPDX-License-Identifier: Apache-2.0
// Writes the corpora of fuzz_webauthn_client_data.c and fuzz_webauthn_auth_data.c, the second from
// the vectors.  node tests/fuzz/seed_webauthn.mjs
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const RP_ID_HASH_BYTES = 32;
const EXTENSIONS = 0x80;
function seed(noun, name, bytes) {
  const folder = new URL(`corpus/webauthn_${noun}/`, import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(name.replace(/[^A-Za-z0-9]+/g, '-'), folder), bytes);
}

const said = {
  type: 'webauthn.get', challenge: 'A'.repeat(43), origin: 'https://relay.example', crossOrigin: false,
};
const TEXTS = {
  good: said,
  'more members': { ...said, other_keys_can_be_added_here: { a: [1, null, 'b'] } },
  'another type': { ...said, type: 'webauthn.create' },
  'another challenge': { ...said, challenge: `B${'A'.repeat(42)}` },
  'a short challenge': { ...said, challenge: 'AAAA' },
  'another origin': { ...said, origin: 'https://relay.example:8443' },
  'inside another': { ...said, crossOrigin: true, topOrigin: 'https://other.relay.example' },
  'no origin': { ...said, origin: undefined },
  'a list': [said],
};
for (const [name, value] of Object.entries(TEXTS)) {
  seed('client_data', name, JSON.stringify(value));
}
seed('client_data', 'twice', JSON.stringify(said).replace('{', '{"type":"webauthn.get",'));
seed('client_data', 'cut', JSON.stringify(said).slice(0, 60));
seed('client_data', 'mark', `\ufeff${JSON.stringify(said)}`);
seed('client_data', 'empty', '');

for (const { name, registration, assertion } of JSON.parse(readFileSync(new URL('../vectors/webauthn.json', import.meta.url)))) {
  for (const [kind, { auth_data }] of Object.entries({ registration, assertion })) {
    const bytes = Buffer.from(auth_data, 'hex').subarray(RP_ID_HASH_BYTES);
    seed('auth_data', `${kind} ${name}`, bytes);
    bytes[0] |= EXTENSIONS;
    seed('auth_data', `${kind} with a list as value, ${name}`, Buffer.concat([bytes, Buffer.from('a161618101', 'hex')]));
    seed('auth_data', `${kind} that claims too much, ${name}`, Buffer.concat([bytes, Buffer.from('a161619bffffffffffffffff01', 'hex')]));
  }
}

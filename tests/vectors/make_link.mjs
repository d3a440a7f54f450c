// SPDX-License-Identifier: Apache-2.0
// Writes link.json: link entries, their hashes and URIs, and exchanges of six digits, by Node's
// crypto and from server/api/manifest.md alone.  node make_link.mjs > link.json
import { createHash } from 'node:crypto';
import { publicOf } from './spm1.mjs';

const label = (text) => Buffer.from(text + '\0');
const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
const filled = (text, size = 32) => {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i += 32) sha256(Buffer.from(`${text} ${i}`)).copy(bytes, i);
  return bytes;
};
const u16 = (n) => Buffer.from([n >> 8, n & 255]);
const key = (type, bytes) => Buffer.concat([u16(type), u16(bytes.length), bytes]);
const entryOf = (pub, keys) => Buffer.concat([pub, Buffer.from([keys.length]), ...keys]);
const hashOf = (entry) => sha256(label('sealpost/link-entry/1'), entry);

const signal = Buffer.concat([Buffer.from([5]), filled('signal')]);
const pubs = ['a', 'b', 'c'].map((name) => publicOf(filled(`device ${name}`)));
const sets = [[], [key(1, signal), key(2, filled('mls'))],
  [key(1, signal), key(2, filled('mls')), key(3, filled('hpke')), key(0x8001, filled('box'))]];
const entries = sets.map((keys, i) => {
  const entry = entryOf(pubs[i], keys);
  const hash = hashOf(entry), id = filled(`link ${i}`, 32).subarray(0, 16);
  return { entry: entry.toString('hex'), keys: keys.length, hash: hash.toString('hex'),
    link_id: id.toString('hex'),
    uri: 'sealpost:link?' + Buffer.concat([hash, id]).toString('base64url') };
});

function exchange(n) {
  const account = filled(`account ${n}`), old = publicOf(filled(`old ${n}`));
  const eN = hashOf(Buffer.from(entries[n % 3].entry, 'hex'));
  const rN = filled(`rN ${n}`), rE = filled(`rE ${n}`);
  const sas = sha256(label('sealpost/sas/1'), account, eN, old, rN, rE);
  const code = String(sas.readUIntBE(0, 6) % 1000000).padStart(6, '0');
  return { account_id: account, entry_hash: eN, old_device_pub: old, new_random: rN,
    old_random: rE, commit: sha256(label('sealpost/sas-commit/1'), rN, eN), code };
}
const exchanges = [];
let short; // a code with zeros before it, which a careless printf loses
for (let n = 0; short === undefined; n++) {
  const made = exchange(n);
  if (made.code.startsWith('00')) short = made;
  else if (n < 4) exchanges.push(made);
}
const hex = (made) => Object.fromEntries(Object.entries(made).map(([name, value]) =>
  [name, Buffer.isBuffer(value) ? value.toString('hex') : value]));
console.log(JSON.stringify({ entries, exchanges: [...exchanges, short].map(hex) }, null, 2));

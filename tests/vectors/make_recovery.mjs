// SPDX-License-Identifier: Apache-2.0
// Writes recovery.json: recovery keys as text with their seeds, shares of recovery contacts, and
// digits, by Node's crypto.  node make_recovery.mjs > recovery.json
import { createHash } from 'node:crypto';
import {
  commitOf, digitsOf, entryOf, keyText, makeShare, seedOf,
} from '../e2e/support/recovery.mjs';
import { recoveryBytes } from '../e2e/support/signing.mjs';
import { publicOf } from './spm1.mjs';

const filled = (text, size = 32) => createHash('sha512').update(text).digest().subarray(0, size);
const hex = (made) => Object.fromEntries(Object.entries(made).map(([name, value]) =>
  [name, Buffer.isBuffer(value) ? value.toString('hex') : value]));

const raws = [Buffer.alloc(16), Buffer.alloc(16, 255),
  ...['a', 'b', 'c', 'd', 'e'].map((name) => filled(`key ${name}`, 16))];
const keys = raws.map((key) => {
  const seed = seedOf(key);
  return hex({ key, text: keyText(key), seed, recovery_pub: publicOf(seed) });
});
const shares = [1, 5].map((slot) => {
  const account_id = filled(`account ${slot}`), a = filled(`a ${slot}`);
  const seed = seedOf(raws[2]);
  return hex({ account_id, slot, a, seed, share: makeShare(account_id, slot, a, seed,
    filled(`nonce ${slot}`, 12)) });
});
const exchanges = [1, 2, 3].map((n) => {
  const recovery_id = filled(`recovery ${n}`, 16), public_key = filled(`public ${n}`);
  const random = filled(`rN ${n}`), contact_random = filled(`rE ${n}`);
  const entry = entryOf(recovery_id, public_key);
  return hex({ recovery_id, public_key, random, contact_random, entry,
    commit: commitOf(random, entry), code: digitsOf(entry, random, contact_random) });
});
const challenge = filled('challenge', 48), account_id = filled('account 1');
const auth = [{ account_id: account_id.toString('base64url') }, { handle: 'ada' }].map((whom) => hex({
  audience: 'https://relay.example', challenge,
  name: whom.handle ?? account_id.toString('hex'), is_handle: whom.handle !== undefined,
  signed: recoveryBytes('https://relay.example', challenge, whom) }));
console.log(JSON.stringify({ keys, shares, exchanges, auth }, null, 2));

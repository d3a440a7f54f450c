// SPDX-License-Identifier: Apache-2.0
// What whoever gets at a process's memory finds.  For a build without sanitizers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { resealed, retire, rotate } from '../support/keyring.mjs';
import { countInMemory, memoryOf } from '../support/process.mjs';
import { assertStatus, ok, scene } from '../support/scene.mjs';
import { appCode, enrolApp, grantOf } from '../support/txns.mjs';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function fromBase32(text) {
  const bits = [...text].map((each) => ALPHABET.indexOf(each).toString(2).padStart(5, '0')).join('');
  return Buffer.from(bits.match(/.{8}/g).map((each) => parseInt(each, 2)));
}

scene('a key is gone from memory when it was retired, and a secret when it was used', {}, async (relay) => {
  const { pid } = relay.daemon.child;
  if (process.getuid() !== 0) { // whoever runs it may not look into it: which is the point
    assert.throws(() => memoryOf(pid), /EACCES|EPERM/);
    return;
  }
  const account = await relay.account();
  const { secret } = await enrolApp(account.first);
  const text = readFileSync(join(relay.keyDir, 'seal-1.key'), 'utf8').trim().split(' ')[4];
  const key = Buffer.from(text, 'base64url');
  assert.ok(countInMemory(pid, key) > 0, 'the search finds a key that is in use');
  await grantOf(account.first, 'stepup', 'totp', appCode(secret, relay, 1));
  assert.equal(countInMemory(pid, fromBase32(secret)), 0, 'the secret of an app');
  assert.equal(countInMemory(pid, Buffer.from(secret)), 0, 'the same as it was answered');
  assertStatus(await rotate(relay, 'seal'), 201);
  await resealed(relay, { key: 2 });
  ok(await retire(relay, 'seal', 1));
  assert.deepEqual([key, Buffer.from(text)].map((each) => countInMemory(pid, each)), [0, 0]);
});

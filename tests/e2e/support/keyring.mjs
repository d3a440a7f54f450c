// SPDX-License-Identifier: Apache-2.0
// The relay's keys as their operator handles them.
import assert from 'node:assert/strict';
import { CTL, runToEnd } from './daemon.mjs';
import { ok } from './scene.mjs';

export const listKeys = async (relay) => ok(await relay.admin('GET', '/admin/keyring'));

export const rotate = (relay, purpose) => relay.admin('POST', '/admin/keyring/rotate', { json: { purpose } });

export const retire = (relay, purpose, id) => relay.admin('POST', '/admin/keyring/retire', { json: { purpose, id } });

// What stands there of a key: { state, rows, ... }, undefined when there is no such key.
export const keyOf = async (relay, purpose, id) => (await listKeys(relay)).keys
  .find((key) => key.purpose === purpose && key.id === id);

// The sealpost program: sealpost keyring WORDS.
export const keyring = (relay, ...words) => runToEnd(CTL, ['keyring', ...words, '--socket', relay.adminSocket],
  { HOME: relay.dir });

// Wait until the relay says that a walk over what is sealed is over.
export async function resealed(relay, wanted = {}) {
  const line = await relay.daemon.line('seal.resealed', wanted);
  assert.equal(line.fields.left, '0');
  return Number(line.fields.rows);
}

// A start that is refused: what it says.
export async function refused(relay) {
  await assert.rejects(relay.up());
  const { code } = await relay.daemon.exited;
  assert.equal(code, 78);
  relay.daemon.assertClean();
  return relay.daemon.text;
}

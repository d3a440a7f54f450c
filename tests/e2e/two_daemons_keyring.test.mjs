// SPDX-License-Identifier: Apache-2.0
// Two daemons on one database: with the same keys, with others, and with a new one on its way.
import assert from 'node:assert/strict';
import {
  chmodSync, cpSync, existsSync, rmSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasServer } from './support/database.mjs';
import {
  keyOf, keyring, refused, retire, rotate,
} from './support/keyring.mjs';
import { assertProblem, assertStatus, ok } from './support/scene.mjs';
import { TwoRelays, through } from './support/two_relays.mjs';
import { appCode, enrolApp, grantOf } from './support/txns.mjs';

const TIMEOUT_MS = 180_000;
const skip = hasServer ? false : 'there is no PostgreSQL server: see tests/support/with_postgres';

function scene(name, body) {
  test(name, { timeout: TIMEOUT_MS, skip }, async (t) => body(await TwoRelays.start(t)));
}

const fileOf = (relay, purpose, id) => join(relay.keyDir, `${purpose}-${id}.key`);

// Ask until it is so; each question is answered from the database.
async function settled(question) {
  while (!await question());
}

scene('a new key is used once both have it, and neither fails meanwhile', async ({ a, b }) => {
  const account = await a.account();
  const app = await enrolApp(account.first);
  const made = await rotate(a, 'seal');
  assertStatus(made, 201);
  assert.deepEqual(made.json, { id: 2, in_force: false, lacking: 1 });
  const missed = await b.daemon.line('key.missing');
  assert.match(missed.fields.file, /seal-2\.key$/);
  assertProblem(await rotate(a, 'seal'), 409, 'key_awaited', { id: 2, lacking: 1 });
  assertProblem(await retire(a, 'seal', 2), 409, 'key_awaited', { id: 2, lacking: 1 });
  assert.match((await keyring(b, 'list')).stdout, /^seal +2 +awaited .* lacking at 1 daemon$/m);
  await grantOf(through(b, account.first), 'stepup', 'totp', appCode(app.secret, a, 1));

  writeFileSync(fileOf(b, 'seal', 2), `sealpost-key 1 seal 2 ${'A'.repeat(43)}\n`, { mode: 0o400 });
  b.daemon.signal('SIGHUP');
  const mixed = await b.daemon.line('key.refused');
  assert.match(mixed.fields.reason, /seal-2\.key: is another key than the one/);
  rmSync(fileOf(b, 'seal', 2), { force: true });
  cpSync(fileOf(a, 'seal', 2), fileOf(b, 'seal', 2));
  chmodSync(fileOf(b, 'seal', 2), 0o400);
  b.daemon.signal('SIGHUP');
  await Promise.all([a, b].map((relay) => relay.daemon.line('key.used', { purpose: 'seal', id: 2 })));
  // Both have walked: of a row that both want to put one finds that the other was there.
  await settled(async () => (await keyOf(a, 'seal', 1)).rows === 0 && (await keyOf(a, 'seal', 2)).using === 2);
  const retired = await retire(a, 'seal', 1);
  assert.deepEqual(ok(retired), { id: 1, file_deleted: true });
  const told = await b.daemon.line('key.retired');
  assert.match(told.fields.file, /seal-1\.key$/);
  assert.ok(existsSync(fileOf(b, 'seal', 1)), 'a row deletes no file');
  assert.equal((await keyOf(b, 'seal', 2)).rows, 1);
});

scene('a daemon with another key does not start, nor one without a new one', async ({ a, b }) => {
  await b.stop();
  rmSync(fileOf(b, 'seal', 1), { force: true });
  writeFileSync(fileOf(b, 'seal', 1), `sealpost-key 1 seal 1 ${'A'.repeat(43)}\n`, { mode: 0o400 });
  assert.match(await refused(b), /seal-1\.key: is another key than the one that this database is used with/);
  rmSync(fileOf(b, 'seal', 1), { force: true });
  assert.match(await refused(b), /seal-1\.key: is missing, and this database was used with it/);
  cpSync(fileOf(a, 'seal', 1), fileOf(b, 'seal', 1));
  assert.deepEqual((await rotate(a, 'seal')).json, { id: 2, in_force: true, lacking: 0 });
  assert.match(await refused(b), /seal-2\.key: is missing/);
  cpSync(fileOf(a, 'seal', 2), fileOf(b, 'seal', 2));
  await b.up();
  assert.equal((await keyOf(b, 'seal', 2)).lacking, 0);
});

scene('a daemon whose start failed is not waited for', async ({ a, b }) => {
  await b.stop();
  b.options = { ...b.options, set: { ...b.options.set, ops_listen: `127.0.0.1:${a.opsPort}` } };
  assert.match(await refused(b), /is in use: stop the program/);
  assert.deepEqual((await rotate(a, 'challenge')).json, { id: 2, in_force: true, lacking: 0 });
});

scene('daemons that start again and again have no more to tell each time', async ({ a, b }) => {
  const count = async () => Number(await a.database.query('SELECT count(*) FROM changes'));
  const before = await count();
  for (let i = 0; i < 6; i++) {
    await Promise.all([a.stop(), b.stop()]);
    await Promise.all([a.up(), b.up()]);
  }
  assert.ok(await count() <= before + 12, `${await count()} rows of news, after ${before}`);
});

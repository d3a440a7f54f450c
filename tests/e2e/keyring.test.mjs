// SPDX-License-Identifier: Apache-2.0
// Keys that are changed while the relay runs, lost, mixed up, and kept out of the memory's files.
import assert from 'node:assert/strict';
import {
  chmodSync, existsSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  keyOf, keyring, listKeys, refused, resealed, retire, rotate,
} from './support/keyring.mjs';
import { assertProblem, assertStatus, ok, scene } from './support/scene.mjs';
import {
  answer, appCode, enrolApp, grantOf, shown, started,
} from './support/txns.mjs';

const whom = (account) => ({ account_id: account.idText });
const fileOf = (relay, purpose, id) => join(relay.keyDir, `${purpose}-${id}.key`);

scene('what is sealed is sealed anew under a new key, and the old one is retired', {}, async (relay) => {
  const account = await relay.account();
  const app = await enrolApp(account.first);
  const { txn, challenge } = await started(relay, 'link', whom(account), 'code');
  assert.equal((await keyOf(relay, 'seal', 1)).rows, 2);
  const early = await retire(relay, 'seal', 1);
  assertProblem(early, 409, 'key_in_use');

  const made = await rotate(relay, 'seal');
  assertStatus(made, 201);
  assert.deepEqual(made.json, { id: 2, in_force: true, lacking: 0 });
  assert.equal(statSync(fileOf(relay, 'seal', 2)).mode & 0o7777, 0o400);
  assert.ok(!existsSync(`${fileOf(relay, 'seal', 2)}.tmp`));
  assert.equal(await resealed(relay, { key: 2 }), 2);
  const { keys, unreadable } = await listKeys(relay);
  assert.deepEqual(keys.filter(({ purpose }) => purpose === 'seal').map(({ id, state, rows }) => [id, state, rows]),
    [[1, 'old', 0], [2, 'used', 2]]);
  assert.equal(unreadable, 0);
  assert.equal(await relay.metric('seal_resealed_total'), 2);

  assert.deepEqual(ok(await retire(relay, 'seal', 1)), { id: 1, file_deleted: true });
  assert.ok(!existsSync(fileOf(relay, 'seal', 1)));
  ok(await retire(relay, 'seal', 1)); // again is harmless
  ok(await answer(relay, txn, challenge, (await shown(account.first))[0].code));
  await grantOf(account.first, 'stepup', 'totp', appCode(app.secret, relay, 1));
  await relay.restart();
  assert.equal((await keyOf(relay, 'seal', 1)).state, 'retired');
  assert.equal((await keyOf(relay, 'seal', 2)).state, 'used');
});

scene('a walk that is cut off by kill -9 is made good after the start', {}, async (relay) => {
  const accounts = [];
  for (let i = 0; i < 3; i++) {
    accounts.push(await relay.account());
  }
  const apps = await Promise.all(accounts.map((account) => enrolApp(account.first)));
  assertStatus(await rotate(relay, 'seal'), 201);
  await relay.kill();
  await relay.up();
  // However far it came: what is left is done by the new life, and what was done stays.
  while ((await keyOf(relay, 'seal', 1)).rows > 0) {
    await resealed(relay, { key: 2 });
  }
  assert.equal((await keyOf(relay, 'seal', 2)).rows, 3);
  ok(await retire(relay, 'seal', 1));
  for (const [i, { secret }] of apps.entries()) {
    await grantOf(accounts[i].first, 'stepup', 'totp', appCode(secret, relay, 1));
  }
});

scene('a challenge of the old key is good after the change, and the old key goes when none is', { clock: true },
  async (relay) => {
    const { first } = await relay.account();
    const early = await first.challenge();
    assertStatus(await rotate(relay, 'challenge'), 201);
    assertStatus(await first.session(early), 201);
    await first.login();
    const recent = await retire(relay, 'challenge', 1);
    assertProblem(recent, 409, 'key_recent');
    assert.ok(recent.json.retry_after >= 60);
    const other = await first.challenge();
    await relay.restart(); // both keys are read again
    assertStatus(await first.session(other), 201);
    relay.clock.advance(recent.json.retry_after);
    assert.deepEqual(ok(await retire(relay, 'challenge', 1)), { id: 1, file_deleted: true });
    await first.login();
  });

scene('the sealpost program lists, makes and retires keys, and says which cannot be changed', {}, async (relay) => {
  const limits = readFileSync(`/proc/${relay.daemon.child.pid}/limits`, 'utf8');
  assert.match(limits, /^Max core file size +0 +0 /m); // see also hostile/secrets.test.mjs
  const listed = await keyring(relay, 'list');
  assert.equal(listed.code, 0, listed.stderr);
  assert.match(listed.stdout, /^challenge +1 +used *$/m);
  assert.match(listed.stdout, /^seal +1 +used +0 values sealed under it$/m);
  for (const purpose of ['index', 'tag']) {
    const fixed = await keyring(relay, 'rotate', purpose);
    assert.equal(fixed.code, 1);
    assert.match(fixed.stderr, /cannot be changed.*\(409 key_fixed\)/);
  }
  assert.match((await keyring(relay, 'rotate', 'index')).stderr, /cannot be hashed again/);
  assertProblem(await rotate(relay, 'tag'), 409, 'key_fixed');
  assertProblem(await retire(relay, 'index', 1), 409, 'key_fixed');
  assertProblem(await rotate(relay, 'pepper'), 404, 'not_found');
  assertProblem(await rotate(relay, 'x'.repeat(40)), 422, 'value_invalid', { member: 'purpose' });
  assertProblem(await retire(relay, 'seal', 7), 404, 'not_found');
  assertProblem(await retire(relay, 'seal', 0), 422, 'value_invalid', { member: 'id' });
  const made = await keyring(relay, 'rotate', 'seal');
  assert.equal(made.code, 0, made.stderr);
  assert.match(made.stdout, /id 2 is used from now on/);
  assert.equal((await keyring(relay, 'retire', 'seal', '1')).code, 2);
  assert.equal((await keyring(relay, 'retire', 'seal', 'one', '--yes')).code, 2);
  const gone = await keyring(relay, 'retire', 'seal', '1', '--yes');
  assert.equal(gone.code, 0, gone.stderr);
  const help = await keyring(relay, 'rotate', '--help');
  assert.match(help.stdout, /index +cannot be changed/);
  assert.match(help.stdout, /seal +what the database keeps sealed/);
  assert.deepEqual(JSON.parse((await keyring(relay, 'list', '--json')).stdout), await listKeys(relay));
  for (let id = 3; id < 10; id++) {
    assertStatus(await rotate(relay, 'seal'), 201);
  }
  assertProblem(await rotate(relay, 'seal'), 409, 'key_too_many');
});

scene('a key directory that cannot be written is told with what to do', {}, async (relay) => {
  writeFileSync(fileOf(relay, 'seal', 2), 'in the way', { mode: 0o400 });
  const failed = await rotate(relay, 'seal');
  assertProblem(failed, 409, 'key_file_failed');
  assert.match(failed.json.explanation, /seal-2\.key: cannot be written/);
  rmSync(fileOf(relay, 'seal', 2), { force: true });
});

scene('a start without a key that was used names its file', {}, async (relay) => {
  await enrolApp((await relay.account()).first);
  await relay.stop();
  const file = fileOf(relay, 'seal', 1);
  renameSync(file, `${file}.away`);
  assert.match(await refused(relay), /seal-1\.key: is missing, and this database was used with it/);
  assert.ok(!existsSync(file), 'no other key is made in its place');
  assert.ok(!readdirSync(relay.keyDir).some((name) => name.startsWith('seal-2')));

  writeFileSync(file, `sealpost-key 1 seal 1 ${'A'.repeat(43)}\n`, { mode: 0o400 });
  assert.match(await refused(relay), /seal-1\.key: is another key than the one that this database is used with/);
  rmSync(file, { force: true });

  renameSync(`${file}.away`, file);
  chmodSync(file, 0o440);
  assert.match(await refused(relay), /seal-1\.key: its mode is 0440, not 0400; run: chmod 0400/);
  chmodSync(file, 0o400);
  await relay.up();
});

scene('a key whose purpose cannot be changed is not taken up', {}, async (relay) => {
  await relay.stop();
  writeFileSync(fileOf(relay, 'index', 2), `sealpost-key 1 index 2 ${'A'.repeat(43)}\n`, { mode: 0o400 });
  assert.match(await refused(relay), /index-2\.key: a new key of this kind cannot be taken up .*take it away/);
  rmSync(fileOf(relay, 'index', 2), { force: true });
  await relay.up();
});

scene('what was sealed under a lost key is told as unavailable, and comes back with it', {}, async (relay) => {
  const account = await relay.account();
  const app = await enrolApp(account.first);
  await relay.stop();
  const file = fileOf(relay, 'seal', 1);
  renameSync(file, `${file}.away`);
  relay.options.args = ['--accept-lost-keys'];
  await relay.up();
  await relay.daemon.line('key.lost', { purpose: 'seal', id: 1 });
  const told = await relay.daemon.line('seal.unreadable');
  assert.match(told.fields.why, /seal-1\.key is not in key_dir/);
  assert.ok(existsSync(fileOf(relay, 'seal', 2)), 'an id is never given again');
  assert.deepEqual((({ state, rows }) => [state, rows])(await keyOf(relay, 'seal', 1)), ['unknown', 1]);
  const { txn, challenge } = await started(relay, 'link', whom(account), 'totp');
  assertProblem(await answer(relay, txn, challenge, appCode(app.secret, relay, 1)), 503, 'unavailable');
  await relay.daemon.line('factors.unreadable');

  renameSync(`${file}.away`, file);
  relay.daemon.signal('SIGHUP');
  await resealed(relay, { key: 2 });
  ok(await answer(relay, txn, challenge, appCode(app.secret, relay, 1)));
  relay.options.args = [];
  await relay.restart();
});

scene('a key that values are still sealed under is not retired', {}, async (relay) => {
  await enrolApp((await relay.account()).first);
  await relay.stop();
  rmSync(fileOf(relay, 'seal', 1), { force: true }); // another one in its place: what it sealed stays unreadable
  writeFileSync(fileOf(relay, 'seal', 1), `sealpost-key 1 seal 1 ${'A'.repeat(43)}\n`, { mode: 0o400 });
  relay.options.args = ['--accept-lost-keys'];
  await relay.up();
  assertStatus(await rotate(relay, 'seal'), 201);
  assertProblem(await retire(relay, 'seal', 1), 409, 'key_needed', { rows: 1 });
  assert.ok(existsSync(fileOf(relay, 'seal', 1)));
  assert.match((await keyring(relay, 'retire', 'seal', '1', '--yes')).stderr, /Values under it: 1\./);
});

scene('keys that are wrong do not take the place of those in use', {}, async (relay) => {
  await enrolApp((await relay.account()).first);
  assertStatus(await rotate(relay, 'seal'), 201);
  chmodSync(fileOf(relay, 'seal', 1), 0o444);
  relay.daemon.signal('SIGHUP');
  const line = await relay.daemon.line('key.refused');
  assert.match(line.fields.reason, /its mode is 0444/);
  chmodSync(fileOf(relay, 'seal', 1), 0o400);
  assert.equal((await keyOf(relay, 'seal', 2)).state, 'used');
});

scene('an older database asks for the key that it was sealed under', {}, async (relay) => {
  const account = await relay.account();
  const app = await enrolApp(account.first);
  await relay.stop();
  await relay.saveDatabase('backup');
  const kept = readFileSync(fileOf(relay, 'seal', 1));
  await relay.up();
  assertStatus(await rotate(relay, 'seal'), 201);
  await resealed(relay, { key: 2 });
  ok(await retire(relay, 'seal', 1));
  await relay.stop();
  await relay.putBackDatabase('backup');
  assert.match(await refused(relay), /seal-1\.key: is missing, and this database was used with it; put it back/);
  writeFileSync(fileOf(relay, 'seal', 1), kept, { mode: 0o400 });
  await relay.up();
  assert.equal(await resealed(relay, { key: 2 }), 1);
  await account.first.login();
  await grantOf(account.first, 'stepup', 'totp', appCode(app.secret, relay, 1));
});

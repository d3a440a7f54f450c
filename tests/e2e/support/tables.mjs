// SPDX-License-Identifier: Apache-2.0
// What the database of a relay holds, read and written beside the daemon by the engine's own client.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const FILE = 'sealpost.db';
const NAMES = {
  sqlite: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
  postgres: "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename",
};

async function lines(relay, sql) {
  if (relay.database) {
    return relay.database.query(sql);
  }
  const { stdout } = await run('sqlite3', ['-readonly', join(relay.dataDir, FILE), sql]);
  return stdout.trim().split('\n').filter((line) => line !== '');
}

// { table: number of rows } of all tables.
export async function rowCounts(relay) {
  const names = await lines(relay, relay.database ? NAMES.postgres : NAMES.sqlite);
  const counts = names.map((name) => `SELECT '${name}', count(*) FROM "${name}"`).join(' UNION ALL ');
  const rows = (await lines(relay, counts)).map((row) => row.split('|'));
  return Object.fromEntries(rows.map(([name, count]) => [name, Number(count)]));
}

// Write into it as an operator could, beside the daemon: statements that end with ; but for the last.
export async function change(relay, sql) {
  if (relay.database) {
    await relay.database.query(sql);
  } else {
    await run('sqlite3', ['-bail', '-cmd', '.timeout 10000', join(relay.dataDir, FILE), sql]);
  }
}

// Sessions like the newest one, by the hashes of their tokens; the relay is down meanwhile.
export async function addSessions(relay, hashes) {
  const columns = 'mailbox, account, device_id, added_epoch, expires_at';
  const hex = relay.database ? (hash) => `('\\x${hash.toString('hex')}'::bytea)` : (hash) => `(x'${hash.toString('hex')}')`;
  const sql = `WITH hashes(hash) AS (VALUES ${hashes.map(hex).join(',')})`
    + ` INSERT INTO sessions (token_hash, ${columns})`
    + ` SELECT hash, ${columns} FROM hashes, (SELECT ${columns} FROM sessions ORDER BY expires_at DESC LIMIT 1) newest;`;
  const [program, ...args] = relay.database ? ['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', relay.database.url]
    : ['sqlite3', '-bail', join(relay.dataDir, FILE)];
  const { status, stderr } = spawnSync(program, args, { input: sql, encoding: 'utf8' });
  assert.equal(status, 0, stderr.slice(0, 300));
}

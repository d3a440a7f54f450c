// SPDX-License-Identifier: Apache-2.0
// What the database of a relay holds, read beside the daemon by the engine's own client.
import { execFile } from 'node:child_process';
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

// SPDX-License-Identifier: Apache-2.0
/*
 * Databases of a PostgreSQL server that runs beside the tests: see
 * tests/support/with_postgres, which sets the environment.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SERVER = process.env.SEALPOST_TEST_POSTGRES;

export const hasServer = SERVER !== undefined;

// The tests that need no engine in particular run on this server, too, when they are told so.
export const isEverywhere = process.env.SEALPOST_TEST_ENGINE === 'postgres';

// An empty one costs a third of a new one.
const EMPTY = [
  'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  'SET client_min_messages = error', 'DROP SCHEMA public CASCADE', 'CREATE SCHEMA public',
];
const emptied = []; // of tests of this process that are over

export class Database {
  // An empty database.  They go with the server.
  static async create() {
    if (emptied.length > 0) {
      return emptied.pop();
    }
    const database = new Database();
    database.name = `relay_${randomBytes(6).toString('hex')}`;
    database.url = `postgresql:///${database.name}?host=${SERVER}&user=sealpost`;
    await run('createdb', ['-h', SERVER, '-U', 'sealpost', database.name]);
    return database;
  }

  // Have it serve another test.
  async giveBack() {
    await this.query(...EMPTY);
    if (this.saved) {
      await run('dropdb', ['-h', SERVER, '-U', 'sealpost', this.saved]);
      this.saved = undefined;
    }
    emptied.push(this);
  }

  // Keep a copy while nobody is connected; and have it take the database's place.
  async save() {
    this.saved = `${this.name}_saved`;
    await run('createdb', ['-h', SERVER, '-U', 'sealpost', '-T', this.name, this.saved]);
  }

  async putBack() {
    await run('dropdb', ['--force', '-h', SERVER, '-U', 'sealpost', this.name]);
    await run('createdb', ['-h', SERVER, '-U', 'sealpost', '-T', this.saved, this.name]);
  }

  // Run statements, each a transaction; the rows come as lines, columns parted by |.
  async query(...statements) {
    const { stdout } = await run('psql', ['-X', '-q', '-t', '-A', '-v', 'ON_ERROR_STOP=1',
      ...statements.flatMap((statement) => ['-c', statement]), this.url]);
    return stdout.trim().split('\n').filter((line) => line !== '');
  }
}

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

export class Database {
  static async create() {
    const database = new Database();
    database.name = `relay_${randomBytes(6).toString('hex')}`;
    database.url = `postgresql:///${database.name}?host=${SERVER}&user=sealpost`;
    await run('createdb', ['-h', SERVER, '-U', 'sealpost', database.name]);
    return database;
  }

  async drop() {
    for (const name of this.saved ? [this.name, this.saved] : [this.name]) {
      await run('dropdb', ['--force', '-h', SERVER, '-U', 'sealpost', name]);
    }
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

  // Run statements; the rows come as lines, columns parted by |.
  async query(sql) {
    const { stdout } = await run('psql', ['-X', '-q', '-t', '-A', '-v', 'ON_ERROR_STOP=1', '-c', sql, this.url]);
    return stdout.trim().split('\n').filter((line) => line !== '');
  }
}

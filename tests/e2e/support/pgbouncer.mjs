// SPDX-License-Identifier: Apache-2.0
// pgbouncer before a PostgresServer, sharing its connections between transactions.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openFolder, spawnUnprivileged, waitForLine } from './postgres_server.mjs';

const BINARY = '/usr/sbin/pgbouncer';
const PREPARES_SINCE = [1, 21]; // max_prepared_statements

export const isThere = existsSync(BINARY);

export function knowsPrepared() {
  const said = execFileSync(BINARY, ['--version'], { encoding: 'utf8' });
  const [major, minor] = /(\d+)\.(\d+)/.exec(said).slice(1).map(Number);
  return major > PREPARES_SINCE[0] || (major === PREPARES_SINCE[0] && minor >= PREPARES_SINCE[1]);
}

export class PgBouncer {
  // settings: of pgbouncer.ini, besides those that are needed.
  static async open(server, settings = {}) {
    const bouncer = new PgBouncer();
    bouncer.dir = openFolder();
    bouncer.server = server;
    const all = {
      listen_addr: '', unix_socket_dir: bouncer.dir, listen_port: server.port, auth_type: 'any',
      pool_mode: 'transaction', default_pool_size: 4, server_login_retry: 1, logfile: '', ...settings,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
    const config = join(bouncer.dir, 'pgbouncer.ini');
    writeFileSync(config, ['[databases]',
      `relay = host=${server.dir} port=${server.port} dbname=relay user=sealpost`,
      '[pgbouncer]', ...lines, ''].join('\n'));
    chmodSync(config, 0o644);
    bouncer.config = config;
    await bouncer.start();
    return bouncer;
  }

  get url() {
    return this.server.urlAt(this.dir);
  }

  async start() {
    this.said = [];
    this.child = await spawnUnprivileged(BINARY, [this.config], { signal: 'KILL' });
    this.exited = new Promise((done) => {
      this.child.on('close', done);
    });
    if (!await waitForLine(this.child, /process up/, (line) => this.said.push(line))) {
      throw new Error(`pgbouncer does not start:\n${this.said.join('\n')}`);
    }
  }

  async stop() {
    this.child.kill('SIGTERM');
    await this.exited;
  }

  async close() {
    this.child.kill('SIGKILL');
    await this.exited;
    rmSync(this.dir, { recursive: true, force: true });
  }
}

// SPDX-License-Identifier: Apache-2.0
/*
 * A PostgreSQL server of the test's own, for what would harm a shared one: it
 * stops, is killed, stands still.  It runs as an unprivileged user in a folder of
 * its own and ends with the test, however that ends.  fsync is off: the machine
 * does not die here.
 */
import { execFile, spawn } from 'node:child_process';
import {
  chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as after } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const READY = /database system is ready to accept connections/;
const LOOK_MS = 5;
const KEPT_LINES = 60;

const byVersion = (x, y) => Number(x) - Number(y);

function programs() {
  const versions = readdirSync('/usr/lib/postgresql').sort(byVersion);
  return join('/usr/lib/postgresql', versions.at(-1), 'bin');
}

// Words before a command that make it an unprivileged one which ends with us.
async function asNobodyInParticular(signal) {
  const end = ['setpriv', `--pdeathsig=${signal}`];
  if (process.getuid() !== 0) {
    return end;
  }
  const user = await run('id', ['-un', 'postgres']).then(({ stdout }) => stdout.trim(), () => 'nobody');
  const { stdout: group } = await run('id', ['-gn', user]);
  return [...end, `--reuid=${user}`, `--regid=${group.trim()}`, '--clear-groups'];
}

// Folders that such a command may write to.
export function openFolder() {
  const dir = mkdtempSync(join(tmpdir(), 'sealpost-postgres-'));
  chmodSync(dir, 0o777);
  return dir;
}

// within: words before it all, as of `ip netns exec`.
export async function spawnUnprivileged(command, args, { signal = 'QUIT', within = [] } = {}) {
  const [first, ...rest] = [...within, ...await asNobodyInParticular(signal)];
  return spawn(first, [...rest, command, ...args], { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
}

// Resolves with true when a line of output fits what, false when the output ends before.
export function waitForLine(child, what, keep = () => {}) {
  return new Promise((resolve) => {
    for (const output of [child.stdout, child.stderr]) {
      const lines = createInterface({ input: output });
      lines.on('line', (line) => {
        keep(line);
        if (what.test(line)) {
          resolve(true);
        }
      });
    }
    child.on('error', () => resolve(false));
    child.on('close', () => resolve(false));
  });
}

export function isAlive(pid) {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function gone(pids) {
  while (pids.some(isAlive)) {
    await after(LOOK_MS); // they are nobody's children: there is no event
  }
}

export class PostgresServer {
  // settings: of postgresql.conf.  address: where it listens besides its socket.  within: see above.
  static async open({ settings = {}, address = '', port = 5432, within = [] } = {}) {
    const server = new PostgresServer();
    Object.assign(server, { settings, address, port, within, lines: [], child: null });
    server.dir = openFolder();
    server.data = join(server.dir, 'data');
    const [first, ...rest] = await asNobodyInParticular('KILL');
    await run(first, [...rest, join(programs(), 'initdb'), '-D', server.data, '-U', 'sealpost',
      '-E', 'UTF8', '--auth=trust', '--locale=C', '--no-sync'], { cwd: '/' });
    if (address !== '') {
      const rules = join(server.data, 'pg_hba.conf');
      writeFileSync(rules, `${readFileSync(rules, 'utf8')}\nhost all all all trust\n`);
    }
    await server.start();
    await server.query('CREATE DATABASE relay', 'postgres');
    return server;
  }

  get url() {
    return this.urlAt(this.dir);
  }

  // The database, reached through another host or folder.
  urlAt(host, port = this.port) {
    return `postgresql:///relay?host=${host}&port=${port}&user=sealpost`;
  }

  async start() {
    const settings = {
      listen_addresses: this.address, port: this.port, unix_socket_directories: this.dir,
      fsync: 'off', shared_buffers: '16MB', max_connections: '60', deadlock_timeout: '100ms',
      log_checkpoints: 'off', ...this.settings,
    };
    const words = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.child = await spawnUnprivileged(join(programs(), 'postgres'), ['-D', this.data, ...words],
      { within: this.within });
    this.exited = new Promise((done) => {
      this.child.on('close', done);
    });
    const isReady = await waitForLine(this.child, READY, (line) => {
      this.lines.push(line);
      this.lines.splice(0, this.lines.length - KEPT_LINES);
    });
    if (!isReady) {
      throw new Error(`PostgreSQL does not start:\n${this.lines.join('\n')}`);
    }
  }

  // SIGINT: it ends its sessions and saves; SIGQUIT: it saves nothing.
  async stop(signal = 'SIGINT') {
    this.child.kill(signal);
    await this.exited;
    this.child = null;
  }

  // The postmaster alone is killed; its processes notice that and end by themselves.
  async kill() {
    const { pid } = this.child;
    const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
    this.child.kill('SIGKILL');
    await this.exited;
    await gone(pids);
    this.child = null;
  }

  // Run statements; the rows come as lines, columns parted by |.
  async query(sql, database = 'relay') {
    const { stdout } = await run('psql', ['-X', '-q', '-t', '-A', '-v', 'ON_ERROR_STOP=1', '-c', sql,
      '-h', this.dir, '-p', String(this.port), '-U', 'sealpost', database]);
    return stdout.trim().split('\n').filter((line) => line !== '');
  }

  // A session that lives on between its statements.
  session() {
    return new Session(spawn('psql', ['-X', '-q', '-t', '-A', '-h', this.dir, '-p', String(this.port),
      '-U', 'sealpost', 'relay'], { stdio: ['pipe', 'pipe', 'pipe'] }));
  }

  // A session that holds a lock which the relay's next write waits for, until the session ends.
  async lockWrites() {
    const session = this.session();
    await session.ask('BEGIN; LOCK TABLE envelopes IN SHARE MODE;');
    return session;
  }

  // Which process waits for that lock; only once one does.
  async whoWaits(session) {
    const [pid] = await session.ask(`DO $$ BEGIN
        WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'envelopes'::regclass) LOOP
          PERFORM pg_sleep(0.005);
        END LOOP;
      END $$;
      SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'envelopes'::regclass;`);
    return Number(pid);
  }

  // The same under a load that writes all the time.
  async holdWriter() {
    const session = await this.lockWrites();
    return { session, pid: await this.whoWaits(session) };
  }

  async close() {
    if (this.child !== null) {
      await this.stop('SIGQUIT');
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}

// psql, fed statement by statement.
class Session {
  constructor(child) {
    this.child = child;
    this.lines = [];
    this.wanted = 0;
    this.ended = new Promise((done) => {
      child.on('close', done);
    });
    createInterface({ input: child.stdout }).on('line', (line) => this.hear(line));
    createInterface({ input: child.stderr }).on('line', (line) => this.lines.push(line));
  }

  hear(line) {
    if (line === `done ${this.wanted}`) {
      this.resolve(this.lines.splice(0));
    } else {
      this.lines.push(line);
    }
  }

  // Lines that the statements yield, errors among them.  One question at a time.
  ask(sql) {
    this.wanted += 1;
    this.child.stdin.write(`${sql}\n\\echo done ${this.wanted}\n`);
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  async end() {
    this.child.stdin.end();
    await this.ended;
  }
}

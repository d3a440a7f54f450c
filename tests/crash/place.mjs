// SPDX-License-Identifier: Apache-2.0
/*
 * Where a relay lives, and how it dies.  With power the folder lies under the
 * shim (shim.h): every death is a power cut.  Without, only the process dies and
 * the kernel keeps its cache.
 */
import { execFile } from 'node:child_process';
import {
  cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync,
  statSync, writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Process } from './process.mjs';

const run = promisify(execFile);
const CUT_CODE = 98; // SHIM_CUT; the next one means that the shim itself is broken
export const BASE_URL = 'http://relay.example';

export class Place {
  constructor({ power = false, set = {}, binary = process.env.SEALPOSTD, keys = null } = {}) {
    this.power = power;
    this.set = set;
    this.top = mkdtempSync(join(tmpdir(), 'sealpost-crash-'));
    this.disk = join(this.top, 'disk'); // what survives
    mkdirSync(this.disk, { mode: 0o700 });
    this.dir = power ? mkdtempSync('/dev/shm/sealpost-crash-') : this.disk;
    if (keys !== null) {
      cpSync(keys, join(this.dir, 'keys'), { recursive: true });
    }
    this.baseUrl = BASE_URL;
    this.limitFile = join(this.top, 'limit');
    this.binary = binary;
    this.process = null;
    for (const signal of ['SIGINT', 'SIGTERM']) {
      process.once(signal, () => {
        this.remove();
        process.exit(1);
      });
    }
  }

  arguments() {
    const set = {
      base_url: BASE_URL, data_dir: this.dir, listen: '127.0.0.1:0', ops_listen: '127.0.0.1:0',
      admin_socket: join(this.top, 'admin.sock'), registration: 'open', ballast_bytes: '0',
      drain_time: '1',
      ...this.set,
    };
    return Object.entries(set).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  }

  environment(modes) {
    if (!this.power) {
      return {};
    }
    const named = Object.entries(modes).map(([name, value]) => [`VC_${name}`, String(value)]);
    return { LD_PRELOAD: process.env.CRASH_SHIM, VC_DIR: this.dir, VC_DISK: this.disk, ...Object.fromEntries(named) };
  }

  /*
   * Start it.  modes: of the shim, as { CUT_AT: 7 }.  Gives how many milliseconds
   * it took to be ready, or null when it ended before.
   */
  async start(modes = {}) {
    const began = performance.now();
    this.process = new Process(this.binary, this.arguments(), this.environment(modes));
    if (!await this.process.ready) {
      return null;
    }
    this.port = this.process.ports.clients;
    this.opsPort = this.process.ports.ops;
    return performance.now() - began;
  }

  kill(signal = 'SIGKILL') {
    this.process.kill(signal);
  }

  isRunning() {
    return this.process !== null && this.process.ended === null;
  }

  // Wait for its end: 'killed', 'cut', or the exit code.  A crash throws.
  async ended() {
    const { code, signal } = await this.process.exited;
    if (signal === 'SIGKILL' || code === CUT_CODE) {
      return signal === null ? 'cut' : 'killed';
    }
    if (signal !== null || code === CUT_CODE + 1) {
      throw new Error(`the relay ended with ${signal ?? code}:\n${this.process.text}`);
    }
    return code;
  }

  // Put what survives aside, or back; the relay is down.
  save() {
    cpSync(this.disk, join(this.top, 'saved'), { recursive: true });
  }

  restore() {
    this.empty();
    if (existsSync(join(this.top, 'saved'))) {
      cpSync(join(this.top, 'saved'), this.disk, { recursive: true });
    }
  }

  empty() {
    rmSync(this.disk, { recursive: true });
    mkdirSync(this.disk, { mode: 0o700 });
  }

  // How many bytes the shim lets the files have together.
  limit(bytes) {
    writeFileSync(`${this.limitFile}.new`, `${bytes}\n`);
    renameSync(`${this.limitFile}.new`, this.limitFile); // the shim never reads half of it
    return this.limitFile;
  }

  // How many bytes the relay's files have together, as it sees them.
  used() {
    return readdirSync(this.dir, { recursive: true })
      .map((name) => statSync(join(this.dir, name)))
      .filter((status) => status.isFile())
      .reduce((sum, { size }) => sum + size, 0);
  }

  // SQLite's own judgement of what is on the disk now; the relay is down or starts meanwhile.
  check() {
    if (!existsSync(join(this.disk, 'sealpost.db'))) {
      return Promise.resolve('ok');
    }
    const copy = mkdtempSync(join(this.top, 'check-'));
    for (const name of ['sealpost.db', 'sealpost.db-wal']) {
      if (existsSync(join(this.disk, name))) {
        cpSync(join(this.disk, name), join(copy, name));
      }
    }
    return run('sqlite3', [join(copy, 'sealpost.db'), 'PRAGMA quick_check'])
      .then(({ stdout }) => stdout.trim(), (error) => `sqlite3: ${error.message}`)
      .finally(() => rmSync(copy, { recursive: true }));
  }

  remove() {
    if (this.isRunning()) {
      this.kill();
    }
    rmSync(this.top, { recursive: true, force: true });
    rmSync(this.dir, { recursive: true, force: true });
  }

  /*
   * One HTTP call: { status, headers, json, text }, or null when the relay did not answer; why not
   * is in this.unanswered.  The contract is the end-to-end tests' affair.
   */
  ask(method, path, { token, json, agent, port = this.port } = {}) {
    const body = json === undefined ? null : JSON.stringify(json);
    const headers = body === null ? {} : {
      'content-type': 'application/json', 'content-length': Buffer.byteLength(body),
    };
    if (token) {
      headers.authorization = `Bearer ${token}`;
    }
    return new Promise((resolve) => {
      const lost = (error) => {
        this.unanswered = error;
        resolve(null);
      };
      const call = request({ host: '127.0.0.1', port, method, path, headers, agent }, (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('error', lost);
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({
            status: answer.statusCode, headers: answer.headers, json: text === '' ? null : parse(text), text,
          });
        });
      });
      call.on('error', lost);
      call.end(body);
    });
  }

  // As the end-to-end tests' accounts and devices call a relay.
  async call(method, path, options) {
    const answer = await this.ask(method, path, options);
    if (answer === null) {
      throw new Error(`no answer to ${method} ${path}`);
    }
    return { ...answer, body: answer.text };
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

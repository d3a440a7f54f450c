// SPDX-License-Identifier: Apache-2.0
// One sealpostd process on a folder of its own: start, stop, kill, read its log.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Inbox } from './inbox.mjs';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const BINARY = resolve(ROOT, process.env.SEALPOSTD ?? 'build/asan/bin/sealpostd');
export const CTL = resolve(ROOT, process.env.SEALPOST ?? 'build/asan/bin/sealpost');
export const SANITIZER = new RegExp(['AddressSanitizer', 'LeakSanitizer', 'UndefinedBehavior',
  'ThreadSanitizer', 'runtime error:', 'CHECK failed'].join('|'));
const FIELD = /([A-Za-z_][\w.]*)=("(?:[^"\\]|\\.)*"|\S*)/g;

export function parseLine(raw) {
  const fields = {};
  for (const [, name, value] of raw.matchAll(FIELD)) {
    fields[name] = value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
  }
  return { raw, fields };
}

export const SANITIZER_ENV = {
  ASAN_OPTIONS: 'detect_leaks=1:exitcode=97:detect_stack_use_after_return=1',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
};

export class Daemon {
  constructor(args, environment = {}) {
    this.lines = [];
    this.log = new Inbox((line) => line.raw);
    this.child = spawn(BINARY, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, ...SANITIZER_ENV, ...environment },
    });
    this.exited = new Promise((done) => {
      this.child.on('error', (error) => this.log.end(`cannot start ${BINARY}: ${error.message}`));
      this.child.on('close', (code, signal) => {
        this.log.end(`the daemon ended with ${signal ?? code}`);
        done({ code, signal });
      });
    });
    createInterface({ input: this.child.stderr }).on('line', (raw) => {
      const line = parseLine(raw);
      this.lines.push(line);
      this.log.push(line);
    });
    this.child.stdout.resume();
  }

  // The next line of that event whose fields hold all of wanted.
  line(event, wanted = {}) {
    return this.log.take(
      ({ fields }) => fields.event === event
        && Object.entries(wanted).every(([name, value]) => fields[name] === String(value)),
      `waiting for the log line ${event} ${JSON.stringify(wanted)}`,
    );
  }

  get text() {
    return this.lines.map((line) => line.raw).join('\n');
  }

  signal(name) {
    this.child.kill(name);
  }

  async kill() {
    this.signal('SIGKILL');
    await this.exited;
    this.assertClean();
  }

  async stop() {
    this.signal('SIGTERM');
    const { code, signal } = await this.exited;
    this.assertClean();
    assert.equal(signal ?? code, 0, `the daemon did not stop well:\n${this.text.slice(-4000)}`);
  }

  assertClean() {
    assert.ok(!SANITIZER.test(this.text), `a fault in the daemon:\n${this.text.slice(-6000)}`);
  }

  isRunning() {
    return this.child.exitCode === null && this.child.signalCode === null;
  }
}

// Run the daemon's binary to its end, for --check-config and the like.
export async function runToEnd(binary, args, environment = {}) {
  const child = spawn(binary, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...SANITIZER_ENV, ...environment },
  });
  const out = [];
  const err = [];
  child.stdout.on('data', (chunk) => out.push(chunk));
  child.stderr.on('data', (chunk) => err.push(chunk));
  const [code, signal] = await new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (...ending) => done(ending));
  });
  const stderr = Buffer.concat(err).toString();
  assert.ok(!SANITIZER.test(stderr), stderr);
  return { code: signal ?? code, stdout: Buffer.concat(out).toString(), stderr };
}

// SPDX-License-Identifier: Apache-2.0
// The sealpost program as somebody talks to it: what it prints, line by line, and what it is told.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { CTL, SANITIZER, SANITIZER_ENV } from './daemon.mjs';

export class Talk {
  constructor(args, environment) {
    this.child = spawn(CTL, args, {
      stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: process.env.PATH, ...SANITIZER_ENV, ...environment },
    });
    this.stdout = '';
    this.stderr = '';
    this.child.stdout.setEncoding('utf8').on('data', (text) => { this.stdout += text; });
    this.child.stderr.setEncoding('utf8').on('data', (text) => { this.stderr += text; });
    this.child.stdin.on('error', () => {}); // it has ended, and does not read to the end
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.ended = new Promise((done, fail) => {
      this.child.on('error', fail);
      this.child.on('close', (code, signal) => done(signal ?? code));
    });
  }

  // What it prints up to a line that matches.
  async until(pattern) {
    const seen = [];
    for (;;) {
      const { value, done } = await this.lines.next();
      assert.ok(!done, `it ended before ${pattern}: ${this.stdout}${this.stderr}`);
      seen.push(value);
      if (pattern.test(value)) return seen;
    }
  }

  async json() {
    const [line] = await this.until(/^/);
    return JSON.parse(line);
  }

  say(...lines) {
    this.child.stdin.write(lines.map((line) => `${line}\n`).join(''));
  }

  // Say the last lines, then nothing more: how it ended, and all that it printed.
  async end(...lines) {
    this.child.stdin.end(lines.map((line) => `${line}\n`).join(''));
    const code = await this.ended;
    assert.ok(!SANITIZER.test(this.stderr), this.stderr);
    return { code, stdout: this.stdout, stderr: this.stderr };
  }
}

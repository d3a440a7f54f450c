// SPDX-License-Identifier: Apache-2.0
// What judges second factors, as the process of factors.c: one call at a time, bytes as base64url.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before } from 'node:test';
import { BINARY, SANITIZER_ENV } from './daemon.mjs';

class Factors {
  constructor() {
    this.child = spawn(join(dirname(BINARY), 'factors'), {
      stdio: ['pipe', 'pipe', 'inherit'], env: { PATH: process.env.PATH, ...SANITIZER_ENV },
    });
    this.exited = new Promise((done) => {
      this.child.on('error', done);
      this.child.on('close', done);
    });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async call(name, members = {}) {
    this.child.stdin.write(`${JSON.stringify({ call: name, ...members })}\n`);
    const { value, done } = await this.lines.next();
    assert.ok(!done, `factors ended at ${name}`);
    return JSON.parse(value).answer;
  }

  async end() {
    this.child.stdin.end();
    assert.equal(await this.exited, 0);
  }
}

// For the tests of a file: returns what calls.
export function factors() {
  let process = null;
  before(() => { process = new Factors(); });
  after(() => process.end());
  return (name, members) => process.call(name, members);
}

// SPDX-License-Identifier: Apache-2.0
// One sealpostd process: what it says on stderr, and how it ends.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const KEPT_LINES = 200;

const field = (line, name) => new RegExp(`(?:^| )${name}=(\\S+)`).exec(line)?.[1];

export class Process {
  constructor(binary, args, environment) {
    this.lines = [];
    this.ports = {};
    this.counts = {};
    this.ended = null;
    this.child = spawn(binary, args, {
      stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH, ...environment },
    });
    this.exited = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => {
        this.ended = { code, signal };
        resolve(this.ended);
      });
    });
    // True once it is ready, false when it ends before.
    this.ready = new Promise((resolve, reject) => {
      this.onReady = resolve;
      this.exited.then(() => resolve(false), reject);
    });
    createInterface({ input: this.child.stderr }).on('line', (line) => this.hear(line));
  }

  hear(line) {
    this.lines.push(line);
    if (this.lines.length > KEPT_LINES) {
      this.lines.shift();
    }
    const event = field(line, 'event');
    this.counts[event] = (this.counts[event] ?? 0) + 1;
    if (event === 'listen') {
      this.ports[field(line, 'name')] = Number(field(line, 'port'));
    } else if (event === 'ready') {
      this.onReady(true);
    }
  }

  // How often it logged that event.
  said(event) {
    return this.counts[event] ?? 0;
  }

  get text() {
    return this.lines.join('\n');
  }

  kill(signal) {
    if (this.ended === null) {
      this.child.kill(signal);
    }
  }
}

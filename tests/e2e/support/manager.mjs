// SPDX-License-Identifier: Apache-2.0
// A daemon under a service manager of the tests (manager.py): what it notifies, and sockets that it is given.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { BINARY, SANITIZER_ENV, parseLine } from './daemon.mjs';
import { Inbox } from './inbox.mjs';

const SCRIPT = fileURLToPath(new URL('manager.py', import.meta.url));

export class Manager {
  // wanted: as manager.py takes it, set (options of the daemon), file (the text of its configuration), environment.  It ends with the test t.
  constructor(t, { set = {}, file = '', environment = {}, ...wanted } = {}) {
    this.dir = mkdtempSync(join(tmpdir(), 'sealpost-'));
    this.file = join(this.dir, 'sealpost.conf');
    this.writeFile(file);
    mkdirSync(join(this.dir, 'data'), { mode: 0o700 });
    const options = {
      base_url: 'http://relay.example', listen: '127.0.0.1:0', ops_listen: '', data_dir: join(this.dir, 'data'),
      ballast_bytes: '0', drain_time: '1s', ...set,
    };
    const args = ['--config', this.file, ...Object.entries(options).flatMap(([name, value]) => ['--set', `${name}=${value}`])];
    this.said = new Inbox((what) => JSON.stringify(what));
    this.log = new Inbox((line) => line.raw);
    this.child = spawn('python3', [SCRIPT, JSON.stringify(wanted), BINARY, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: process.env.PATH, ...SANITIZER_ENV, ...environment },
    });
    createInterface({ input: this.child.stdout }).on('line', (line) => this.said.push(JSON.parse(line)));
    createInterface({ input: this.child.stderr }).on('line', (line) => this.log.push(parseLine(line)));
    this.ended = new Promise((done) => {
      this.child.on('close', () => {
        this.said.end('the manager ended');
        this.log.end('the manager ended');
        done();
      });
    });
    t.after(() => this.dispose());
  }

  // The next thing of that kind that the manager says.
  async next(kind) {
    const what = await this.said.take((said) => said[kind] !== undefined, `waiting for ${kind}`);
    if (kind === 'pid') {
      this.pid = what.pid;
    }
    return what[kind];
  }

  // The next notification with that field.
  async notified(field) {
    return (await this.said.take(({ notify }) => notify?.[field] !== undefined, `waiting for ${field}`)).notify;
  }

  line(event) {
    return this.log.take(({ fields }) => fields.event === event, `waiting for the log line ${event}`);
  }

  signal(name) {
    process.kill(this.pid, name);
  }

  writeFile(text) {
    writeFileSync(this.file, text);
  }

  startAgain() {
    this.child.stdin.write('\n');
  }

  async dispose() {
    if (this.child.exitCode === null && this.pid !== undefined) {
      try {
        this.signal('SIGKILL');
      } catch {
        // it has ended
      }
    }
    this.child.kill('SIGKILL');
    await this.ended;
    rmSync(this.dir, { recursive: true, force: true });
  }
}

// SPDX-License-Identifier: Apache-2.0
// The sealpost program as one device in a folder of its own.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromB64u } from './bytes.mjs';
import { CTL, runToEnd } from './daemon.mjs';
import { Talk } from './talk.mjs';
import { trustOptions } from './tls.mjs';

export class Program {
  constructor(relay, name) {
    this.relay = relay;
    this.dir = join(relay.dir, name);
    mkdirSync(this.dir, { mode: 0o700 });
  }

  // words: the command's own arguments, which may begin with a dash.
  try(command, words = [], options = []) {
    const all = ['device', ...command.split(' '), '--dir', this.dir, ...options, '--', ...words];
    return runToEnd(CTL, all, { HOME: this.dir });
  }

  // The same for a command that asks.
  talk(command, words = [], options = [], environment = {}) {
    const all = ['device', ...command.split(' '), '--dir', this.dir, ...options, '--', ...words];
    return new Talk(all, { HOME: this.dir, ...environment });
  }

  async run(command, words = [], options = []) {
    const { code, stdout, stderr } = await this.try(command, words, options);
    assert.equal(code, 0, `device ${command} ${options.join(' ')} ${words.join(' ')}: ${stderr}`);
    return stdout;
  }

  async json(command, words = [], options = []) {
    return JSON.parse(await this.run(command, words, ['--json', ...options]));
  }

  async register(invite) {
    const where = invite === undefined ? ['--url', this.relay.baseUrl]
      : ['--invite', `${this.relay.baseUrl}/#${invite}`];
    const made = await this.json('register', [], [...where, ...trustOptions()]);
    this.accountId = fromB64u(made.account_id);
    this.accountText = made.account_id;
  }

  // Have other, a program in a folder of its own, as one more device.
  async add(other, options = []) {
    await other.run('init', [], ['--url', this.relay.baseUrl, ...trustOptions()]);
    const entry = this.file('entry', await other.run('entry'));
    const draft = this.file('draft', await this.run('manifest add', [entry], options));
    const signed = other.file('signed', await other.run('manifest sign', [draft]));
    await this.run('manifest put', [signed]);
    await other.run('session');
    Object.assign(other, { accountId: this.accountId, accountText: this.accountText });
  }

  file(name, text) {
    const path = join(this.dir, name);
    writeFileSync(path, text);
    return path;
  }

  // A file of its folder that it keeps as JSON.
  kept(name) {
    return JSON.parse(readFileSync(join(this.dir, name), 'utf8'));
  }
}

// SPDX-License-Identifier: Apache-2.0
// A relay under test: a daemon, its folder, and the ways in to it.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Account } from './account.mjs';
import { Clock } from './clock.mjs';
import { BINARY, Daemon } from './daemon.mjs';
import { Database, isEverywhere } from './database.mjs';
import { Front, KIND, PREFIX, notePrefix } from './front.mjs';
import { call } from './http.mjs';
import { Stream } from './stream.mjs';
import { OVER_TLS, certificate, noteTls } from './tls.mjs';

export const BASE_URL = 'http://relay.example';

export class Relay {
  constructor(options = {}) {
    this.dir = mkdtempSync(join(tmpdir(), 'sealpost-'));
    this.options = options;
    this.baseUrl = options.set?.base_url ?? BASE_URL + PREFIX;
    this.dataDir = join(this.dir, 'data');
    this.keyDir = join(this.dir, 'keys');
    this.adminSocket = join(this.dir, 'admin.sock');
    this.front = KIND && options.tls === undefined ? new Front() : null;
    this.tls = options.tls ?? OVER_TLS;
    this.clock = options.clock ? new Clock(this.dir) : null;
    this.streams = new Set();
    this.daemon = null;
    this.database = options.database ?? null;
    mkdirSync(this.dataDir, { mode: 0o700 });
    mkdirSync(this.keyDir, { mode: 0o700 });
  }

  /*
   * Start a relay for the test t and end it with the test.  options: set (options
   * of the daemon), clock (true: relay.clock moves its time), args, environment,
   * tls (whether it listens with TLS alone; then without a proxy before it), database (one that others use, too).
   */
  static async start(t, options = {}) {
    const relay = new Relay(options);
    t.after(() => relay.dispose());
    await relay.up();
    return relay;
  }

  listeners() {
    if (this.front) {
      return this.front.relayOptions();
    }
    if (!this.tls) {
      return { listen: '127.0.0.1:0' };
    }
    const { cert, key } = certificate();
    return { listen: '', tls_listen: '127.0.0.1:0', tls_cert: cert, tls_key: key };
  }

  arguments() {
    const set = {
      base_url: this.baseUrl,
      ...this.listeners(),
      ops_listen: '127.0.0.1:0',
      admin_socket: this.adminSocket,
      data_dir: this.dataDir,
      key_dir: this.keyDir,
      registration: 'open',
      ballast_bytes: '0',
      ...this.database && { storage: this.database.url },
      ...this.options.set,
    };
    return [
      ...(this.options.args ?? []),
      ...Object.entries(set).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
    ];
  }

  async up() {
    if (isEverywhere && this.database === null && this.options.set?.storage === undefined) {
      this.database = await Database.create();
    }
    this.daemon = new Daemon(this.arguments(), {
      ...this.options.environment, ...this.clock?.environment(BINARY),
    });
    await this.daemon.line('ready');
    this.opsPort = this.portOf('ops');
    await this.front?.ready();
    this.port = this.front?.port ?? this.portOf(this.tls ? 'tls' : 'clients');
    noteTls(this.port, this.tls || this.front !== null);
    notePrefix(this.port, this.front?.prefix ?? '');
    noteTls(this.opsPort, false);
  }

  portOf(name) {
    const line = this.daemon.lines.find(
      ({ fields }) => fields.event === 'listen' && fields.name === name && fields.port,
    );
    return line && Number(line.fields.port);
  }

  // An orderly stop: exit code 0, nothing for the sanitizers to say.
  async stop() {
    await this.daemon.stop();
  }

  async kill() {
    await this.daemon.kill();
  }

  async restart() {
    await this.stop();
    await this.up();
  }

  async dispose() {
    this.streams.forEach((stream) => stream.drop());
    try {
      if (this.daemon?.isRunning()) {
        await this.daemon.stop();
      }
      this.daemon?.assertClean();
    } finally {
      if (this.daemon?.isRunning()) {
        this.daemon.signal('SIGKILL');
      }
      rmSync(this.dir, { recursive: true, force: true });
      await this.front?.close();
      if (this.options.database === undefined) {
        await this.database?.giveBack();
      }
    }
  }

  // Copies of the database while the daemon is down; the key directory stays as it is.
  async saveDatabase(name) {
    await this.database?.save();
    cpSync(this.dataDir, join(this.dir, name), { recursive: true });
  }

  async putBackDatabase(name) {
    await this.database?.putBack();
    rmSync(this.dataDir, { recursive: true });
    cpSync(join(this.dir, name), this.dataDir, { recursive: true });
  }

  call(method, path, options) {
    return call({ port: this.port }, method, path, options);
  }

  ops(path, options) {
    return call({ port: this.opsPort }, 'GET', path, options);
  }

  // What /metrics says of sealpost_NAME.
  async metric(name) {
    const text = (await this.ops('/metrics')).body.toString();
    return Number(new RegExp(`^sealpost_${name} (\\S+)$`, 'm').exec(text)[1]);
  }

  // Ask until sealpost_NAME has a value: for what happens in the daemon alone.
  async metricReaches(name, value) {
    while (await this.metric(name) !== value);
  }

  admin(method, path, options) {
    return call({ socketPath: this.adminSocket }, method, path, options);
  }

  async invite(fields = {}) {
    const json = { uses: 1, expires_in_s: 3600, note: 'for a test', ...fields };
    const made = await this.admin('POST', '/admin/invites', { json });
    assert.equal(made.status, 201, made.body.toString());
    return made.json.invite;
  }

  // A registered account with one admin device that has a session.
  async account(options) {
    const account = new Account(this, options);
    const made = await account.register(options);
    assert.equal(made.status, 201, made.body.toString());
    await account.first.login();
    return account;
  }

  // Two strangers, the plainest scene.
  async pair() {
    const [alice, bob] = [await this.account(), await this.account()];
    return { alice, bob, a: alice.first, b: bob.first };
  }

  open(options) {
    return Stream.open(this, options);
  }
}

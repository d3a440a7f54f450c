// SPDX-License-Identifier: Apache-2.0
// A reverse proxy before a relay, set up as deploy/proxy/README.md tells.  With SEALPOST_E2E_PROXY
// every relay of the tests has one, and whatever speaks to its port speaks to the proxy:
//
//   SEALPOST_E2E_PROXY   nginx, caddy, haproxy or haproxy-tcp
//   SEALPOST_E2E_PREFIX  the path that base_url ends with, as /inner; unset: none
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { openFolder, spawnUnprivileged } from './postgres_server.mjs';
import { certificate } from './tls.mjs';

export const KIND = process.env.SEALPOST_E2E_PROXY;
export const PREFIX = KIND ? process.env.SEALPOST_E2E_PREFIX ?? '' : '';

const GUIDE = readFileSync(new URL('../../../deploy/proxy/README.md', import.meta.url), 'utf8');
const SINCE_CADDY = [2, 7]; // stream_close_delay

// The piece of the guide with that name.
export function snippet(name) {
  const found = new RegExp(`<!-- snippet: ${name} -->\n\`\`\`\\w*\n([^]*?)\n\`\`\`\n`).exec(GUIDE);
  assert.ok(found, `deploy/proxy/README.md has no snippet ${name}`);
  return `${found[1]}\n`;
}

// Put other texts in place of some; each must be there.
function changed(text, changes) {
  return Object.entries(changes).reduce((now, [from, to]) => {
    assert.ok(now.includes(from), `the guide does not say ${from}`);
    return now.replaceAll(from, () => to);
  }, text);
}

// Put the line for a prefix in place of the one without, as its comment says.
function prefixed(text, prefix) {
  if (prefix === '') {
    return text;
  }
  const line = /^(\s*)(.*\S)(\s+# with a prefix: )(.*)$/m.exec(text);
  assert.ok(line, 'the guide does not say what to do with a prefix');
  const [whole, indent, plain, , other] = line;
  assert.ok(other.includes('/inner'), other);
  const last = plain.startsWith('use_backend') ? plain.replace(/\{.*\}/, () => other) : other;
  return text.replace(whole, () => indent + last.replace('/inner', () => prefix));
}

const SOCKET = '/run/sealpost/clients.sock';
const FULL_CHAIN = '/etc/letsencrypt/live/relay.example/fullchain.pem';
const PRIVATE_KEY = '/etc/letsencrypt/live/relay.example/privkey.pem';

const knowsCloseDelay = () => {
  const [major, minor] = /(\d+)\.(\d+)/.exec(execFileSync('caddy', ['version'], { encoding: 'utf8' }))
    .slice(1).map(Number);
  return major > SINCE_CADDY[0] || (major === SINCE_CADDY[0] && minor >= SINCE_CADDY[1]);
};

// What stands around the guide's piece, where a package has its own.
const KINDS = {
  nginx: {
    write: (front) => `daemon off;\nmaster_process off;\npid ${front.dir}/pid;\nerror_log stderr;\n`
      + 'events { worker_connections 4096; }\nhttp {\n'
      + ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (name) => `${name}_temp_path ${front.dir}/${name};\n`,
      ).join('')
      + changed(prefixed(snippet('nginx'), front.prefix), {
        'listen 443': `listen 127.0.0.1:${front.port}`,
        'listen [::]:443 ssl;': '',
        [SOCKET]: front.socket,
        [FULL_CHAIN]: front.cert,
        [PRIVATE_KEY]: front.key,
      }) + '}\n',
    command: (config) => ['/usr/sbin/nginx', ['-e', 'stderr', '-c', config]],
  },
  caddy: {
    write: (front) => `{\n\tadmin off\n\tauto_https off\n\tstorage file_system ${front.dir}\n}\n`
      + changed(prefixed(snippet('caddy'), front.prefix), {
        'relay.example {': `https://:${front.port} {\n\tbind 127.0.0.1\n\ttls ${front.cert} ${front.key}`,
        [SOCKET]: front.socket,
        ...knowsCloseDelay() && { '# stream_close_delay': 'stream_close_delay' },
      }),
    command: (config) => ['/usr/bin/caddy', ['run', '--adapter', 'caddyfile', '--config', config]],
  },
  haproxy: {
    write: (front) => `global\n    maxconn 4096\n\n${
      changed(prefixed(snippet('haproxy'), front.prefix), {
        'bind :::443 v4v6': `bind 127.0.0.1:${front.port}`,
        [SOCKET]: front.socket,
        '/etc/haproxy/relay.example.pem': front.both,
      })}`,
    command: (config) => ['/usr/sbin/haproxy', ['-db', '-f', config]],
  },
  'haproxy-tcp': {
    write: (front) => `global\n    maxconn 4096\n\n${
      changed(snippet('haproxy-tcp'), {
        'bind :::443 v4v6': `bind 127.0.0.1:${front.port}`,
        [SOCKET]: front.socket,
        '/etc/haproxy/relay.example.pem': front.both,
      })}`,
    command: (config) => ['/usr/sbin/haproxy', ['-db', '-f', config]],
    proxyProtocol: true,
  },
};

// A port that nobody listens on now.
const freePort = () => new Promise((done) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

const answers = (port) => new Promise((done) => {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.once('connect', () => done(true));
  socket.once('error', () => done(false));
  socket.once('close', () => done(false));
  socket.unref();
}).finally(() => new Promise((done) => {
  setImmediate(done);
}));

export class Front {
  constructor(kind = KIND, prefix = PREFIX) {
    this.kind = kind;
    this.prefix = prefix;
    this.dir = openFolder();
    this.socket = join(this.dir, 'clients.sock');
    this.said = [];
    this.way = KINDS[kind];
    assert.ok(this.way, `no proxy is called ${kind}`);
  }

  // Options of the relay that the guide tells, but for the mode that stands for the proxy's group.
  relayOptions() {
    return {
      listen: `unix:${this.socket}`,
      listen_mode: '0666',
      trusted_proxies: 'unix',
      ...this.way.proxyProtocol && { proxy_protocol: 'listen' },
    };
  }

  // Start the proxy unless it runs.
  async ready() {
    this.starting ??= this.up();
    await this.starting;
  }

  // Start the proxy, on another port should somebody take the first.
  async up() {
    const { cert, key } = certificate();
    [this.cert, this.key, this.both] = ['cert.pem', 'key.pem', 'both.pem'].map((name) => join(this.dir, name));
    copyFileSync(cert, this.cert);
    copyFileSync(key, this.key);
    writeFileSync(this.both, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'));
    [this.cert, this.key, this.both].forEach((path) => chmodSync(path, 0o644));
    do {
      await this.begin();
    } while (!await this.isReady());
  }

  async begin() {
    this.port = await freePort();
    const config = join(this.dir, 'config');
    writeFileSync(config, this.way.write(this));
    chmodSync(config, 0o644);
    const [command, args] = this.way.command(config);
    this.child = await spawnUnprivileged(command, args, { signal: 'KILL' });
    this.exited = new Promise((done) => {
      this.child.on('close', done);
    });
    [this.child.stdout, this.child.stderr].forEach((output) => output.on('data', (data) => this.said.push(data)));
  }

  get text() {
    return Buffer.concat(this.said).toString();
  }

  // Whether it listens; false when the port was taken meanwhile.
  async isReady() {
    while (this.child.exitCode === null && this.child.signalCode === null) {
      if (await answers(this.port)) {
        return true;
      }
    }
    await this.exited;
    assert.match(this.text, /address already in use|cannot bind/i, 'the proxy does not start');
    return false;
  }

  async close() {
    this.child?.kill('SIGKILL');
    await this.exited;
    rmSync(this.dir, { recursive: true, force: true });
  }
}

// Tests of what these two do by themselves, hop by hop, and not the relay behind them: a refusal
// loses its Upgrade, and nginx upgrades whoever names WebSocket there.
const UPGRADES = ['no version -> 426', 'version 8 -> 426', 'no Connection: Upgrade -> 426', 'HTTP/1.0 -> 426',
  'another upgrade -> 426'];
const ITS_OWN = {
  nginx: UPGRADES,
  caddy: [ // and here what a client sends before it was upgraded is lost
    ...UPGRADES, 'is 426 for a plain GET, with a word on proxies', 'a frame right behind the upgrade request is read',
  ],
};

export const isProxysOwn = (name) => ITS_OWN[KIND]?.includes(name) ?? false;

const prefixes = new Map();

// The path that stands before those of the contract at a port.
export const notePrefix = (port, prefix) => prefixes.set(port, prefix);
export const prefixAt = (port) => prefixes.get(port) ?? '';

// SPDX-License-Identifier: Apache-2.0
// Chromium (Debian package) without a window, driven over its DevTools protocol by plain WebSocket.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import WebSocket from 'ws';

const PAGE = '<!doctype html><title>A page that asks security keys</title>';

// A page on localhost, where browsers ask authenticators without TLS: { origin, close }.
async function servePage() {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(PAGE);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    origin: `http://localhost:${server.address().port}`,
    close: () => { server.closeAllConnections(); server.close(); },
  };
}

// The URL of the DevTools, which Chromium writes when it listens.
function devtoolsOf(child) {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
      const found = /DevTools listening on (ws:\S+)/.exec(said);
      if (found) resolve(found[1]);
    });
    child.on('error', reject);
    child.on('exit', () => reject(new Error(`chromium ended: ${said}`)));
  });
}

class Devtools {
  static async connect(url) {
    const devtools = new Devtools();
    devtools.socket = new WebSocket(url, { perMessageDeflate: false });
    devtools.waiting = new Map();
    devtools.last = 0;
    devtools.socket.on('message', (text) => devtools.hear(JSON.parse(text)));
    devtools.socket.on('close', () => devtools.waiting.forEach(({ reject }) => reject(new Error('chromium is gone'))));
    await new Promise((resolve, reject) => {
      devtools.socket.on('open', resolve);
      devtools.socket.on('error', reject);
    });
    return devtools;
  }

  hear({ id, result, error }) {
    const call = this.waiting.get(id);
    if (call) {
      this.waiting.delete(id);
      if (error) call.reject(new Error(`${call.method}: ${error.message}`));
      else call.resolve(result);
    }
  }

  call(method, params = {}, sessionId = undefined) {
    this.last += 1;
    const id = this.last;
    this.socket.send(JSON.stringify({ id, method, params, sessionId }));
    return new Promise((resolve, reject) => { this.waiting.set(id, { method, resolve, reject }); });
  }
}

export class Browser {
  // Start it for the test t, on a page of its own.
  static async start(t) {
    const browser = new Browser();
    browser.dir = mkdtempSync(join(tmpdir(), 'sealpost-chromium-'));
    browser.page = await servePage();
    t.after(() => browser.dispose());
    browser.child = spawn('chromium', ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
      '--no-first-run', '--disable-extensions', '--disable-background-networking', '--disable-component-update',
      '--remote-debugging-port=0', `--user-data-dir=${browser.dir}`, 'about:blank'],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: browser.dir }, detached: true });
    browser.devtools = await Devtools.connect(await devtoolsOf(browser.child));
    await browser.open();
    return browser;
  }

  async open() {
    const { targetId } = await this.devtools.call('Target.createTarget', { url: this.page.origin });
    ({ sessionId: this.session } = await this.devtools.call('Target.attachToTarget', { targetId, flatten: true }));
    await this.send('WebAuthn.enable');
    for (;;) { // the page is there when it says whose it is
      const { result } = await this.send('Runtime.evaluate', { expression: 'document.readyState + location.origin' });
      if (result.value === `complete${this.page.origin}`) return;
    }
  }

  send(method, params) {
    return this.devtools.call(method, params, this.session);
  }

  // A security key in the browser; gives its id.
  async plug(options = {}) {
    const { authenticatorId } = await this.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2', transport: 'usb', hasResidentKey: false, hasUserVerification: true,
        isUserVerified: true, automaticPresenceSimulation: true, ...options,
      },
    });
    return authenticatorId;
  }

  unplug(authenticatorId) {
    return this.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId });
  }

  async keysOf(authenticatorId) {
    return (await this.send('WebAuthn.getCredentials', { authenticatorId })).credentials;
  }

  put(authenticatorId, credential) {
    return this.send('WebAuthn.addCredential', { authenticatorId, credential });
  }

  // Run a function of the page with arguments of JSON; what it throws is thrown here.
  async run(body, ...args) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
      expression: `(${body})(...${JSON.stringify(args)})`, awaitPromise: true, returnByValue: true, userGesture: true,
    });
    assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));
    return result.value;
  }

  // What a client's page would do with the options of the relay.
  create(options) {
    return this.run(async (publicKey) => (await navigator.credentials.create({
      publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey),
    })).toJSON(), options);
  }

  get(options) {
    return this.run(async (publicKey) => (await navigator.credentials.get({
      publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey),
    })).toJSON(), options);
  }

  async dispose() {
    this.page.close();
    if (this.child?.exitCode === null && this.child.signalCode === null) {
      const gone = new Promise((resolve) => { this.child.on('exit', resolve); });
      process.kill(-this.child.pid, 'SIGKILL'); // its helpers, too
      await gone;
    }
    this.devtools?.socket.terminate();
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

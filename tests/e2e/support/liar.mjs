// SPDX-License-Identifier: Apache-2.0
// A relay that lies: it passes every request on to an honest one, and changes what
// the honest one answers.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { createServer as createTlsServer, request as requestTls } from 'node:https';
import { OVER_TLS, certificate, trust } from './tls.mjs';

const DROPPED = ['content-length', 'transfer-encoding', 'connection', 'etag'];

function secrets() {
  const { ca, key } = certificate();
  return { cert: ca, key: readFileSync(key) };
}

export class Liar {
  static async open() {
    const liar = new Liar();
    const pass = (asked, answer) => liar.pass(asked, answer);
    liar.server = OVER_TLS ? createTlsServer(secrets(), pass) : createServer(pass);
    liar.server.listen(0, '127.0.0.1');
    await once(liar.server, 'listening');
    liar.port = liar.server.address().port;
    liar.asked = [];
    liar.lies = new Map();
    liar.asking = () => {};
    return liar;
  }

  // From now on answer `method` path with change(json) of the honest answer; with null the
  // connection ends without one.  With status it has that one.
  lie(path, change, method = 'GET', status = undefined) {
    this.lies.set(`${method} ${path}`, { change, status });
  }

  honest() {
    this.lies.clear();
  }

  async pass(asked, answer) {
    const path = asked.url.split('?')[0];
    await this.asking(asked.method, path); // before the relay hears of it
    this.asked.push(`${asked.method} ${path}`);
    const options = {
      host: '127.0.0.1', port: this.target, method: asked.method, path: asked.url,
      headers: asked.headers,
    };
    const ask = OVER_TLS ? requestTls : request;
    const forward = ask({ ...options, ...(OVER_TLS ? trust() : {}) }, (honest) => this.relay(path, asked, honest, answer));
    forward.on('error', () => answer.destroy());
    asked.pipe(forward);
  }

  async relay(path, asked, honest, answer) {
    const chunks = await honest.toArray();
    let body = Buffer.concat(chunks);
    const lie = this.lies.get(`${asked.method} ${path}`);
    if (lie !== undefined) {
      const changed = lie.change(JSON.parse(body));
      if (changed === null) {
        answer.destroy();
        return;
      }
      body = Buffer.from(JSON.stringify(changed));
    }
    const headers = Object.entries(honest.headers).filter(([name]) => !DROPPED.includes(name));
    answer.writeHead(lie?.status ?? honest.statusCode, Object.fromEntries(headers));
    answer.end(body);
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }
}

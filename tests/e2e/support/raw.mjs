// SPDX-License-Identifier: Apache-2.0
// A bare connection, TCP or TLS, for bytes that no honest client would send.
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { speaksTls, trust } from './tls.mjs';

const DEADLINE_MS = 60_000;

export class Raw {
  constructor(where) {
    this.received = Buffer.alloc(0);
    this.watchers = new Set();
    this.ended = false;
    this.secure = where.port !== undefined && speaksTls(where.port);
    this.socket = this.secure ? connectTls({ ...where, ...trust() }) : connect(where);
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.wake();
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.ended = true;
      this.wake();
    });
  }

  static open(port, host = '127.0.0.1') {
    return Raw.to({ port, host });
  }

  // where: { port, host } or { path } of a unix socket.
  static async to(where) {
    const raw = new Raw(where);
    await new Promise((done) => { // or it was refused, which is seen as its end
      raw.socket.once(raw.secure ? 'secureConnect' : 'connect', done);
      raw.socket.once('close', done);
    });
    return raw;
  }

  wake() {
    [...this.watchers].forEach((watcher) => watcher());
  }

  write(bytes) {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  // Resolves once done() gives anything but undefined; also looked at when the peer closes.
  until(done, what) {
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => {
        this.watchers.delete(look);
        const got = this.received.toString('latin1').slice(0, 600);
        reject(new Error(`not in time: ${what}; received ${got}`));
      }, DEADLINE_MS);
      const look = () => {
        const value = done();
        if (value !== undefined || this.ended) {
          clearTimeout(deadline);
          this.watchers.delete(look);
          resolve(value);
        }
      };
      this.watchers.add(look);
      look();
    });
  }

  // The whole of what came until the peer closed.
  async toEnd() {
    await this.until(() => (this.ended ? true : undefined), 'the peer closes');
    return this.received;
  }

  // The next HTTP response head and, by its Content-Length, its body.
  async response() {
    return this.until(() => {
      const at = this.received.indexOf('\r\n\r\n');
      if (at < 0) {
        return undefined;
      }
      const head = this.received.subarray(0, at).toString('latin1');
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      if (this.received.length < at + 4 + length) {
        return undefined;
      }
      const body = this.received.subarray(at + 4, at + 4 + length);
      this.received = this.received.subarray(at + 4 + length);
      return { head, status: Number(head.slice(9, 12)), body };
    }, 'an HTTP response');
  }

  destroy() {
    this.socket.destroy();
  }
}

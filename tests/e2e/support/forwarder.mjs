// SPDX-License-Identifier: Apache-2.0
// A port that is known before the daemon has one: for clients that must call the
// relay under the very base URL that they sign for.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { noteTls, speaksTls } from './tls.mjs';

export class Forwarder {
  static async open() {
    const forwarder = new this();
    forwarder.sockets = new Set();
    forwarder.server = createServer((from) => forwarder.join(from));
    forwarder.server.listen(0, '127.0.0.1');
    await once(forwarder.server, 'listening');
    forwarder.port = forwarder.server.address().port;
    return forwarder;
  }

  // Where connections go; whoever speaks to that port speaks the same to this one.
  set target(port) {
    this.to = port;
    noteTls(this.port, speaksTls(port));
  }

  join(from) {
    const to = connect(this.to, '127.0.0.1');
    for (const [socket, other] of [[from, to], [to, from]]) {
      this.sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.end();
      });
      socket.pipe(other);
    }
  }

  close() {
    this.sockets.forEach((socket) => socket.destroy());
    this.server.close();
  }
}

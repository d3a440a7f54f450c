// SPDX-License-Identifier: Apache-2.0
/*
 * Stands between a relay and PostgreSQL on unix sockets and counts what is sent
 * behind a transaction whose end is not answered.  As a pooler it tells another
 * process number than the server's.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SOCKET = '.s.PGSQL.5432';
const SYNC = 0x53;
const READY = 0x5a;
const KEY_DATA = 0x4b;

// Calls heard for each message of a direction; the very first of a client has no type.
class Messages {
  constructor(heard, isTyped) {
    this.heard = heard;
    this.isTyped = isTyped;
    this.rest = Buffer.alloc(0);
  }

  take(chunk) {
    this.rest = Buffer.concat([this.rest, chunk]);
    for (;;) {
      const head = this.isTyped ? 1 : 0;
      if (this.rest.length < head + 4 || this.rest.length < head + this.rest.readUInt32BE(head)) {
        return;
      }
      const size = head + this.rest.readUInt32BE(head);
      this.heard(this.isTyped ? this.rest[0] : 0, this.rest.subarray(0, size));
      this.rest = this.rest.subarray(size);
      this.isTyped = true;
    }
  }
}

export class PgWatch {
  static async open(serverFolder, { asPooler }) {
    const watch = new PgWatch();
    Object.assign(watch, { serverFolder, asPooler, syncs: 0, behind: 0, sockets: new Set() });
    watch.dir = mkdtempSync(join(tmpdir(), 'sealpost-watch-'));
    watch.server = createServer((from) => watch.join(from));
    watch.server.listen(join(watch.dir, SOCKET));
    await once(watch.server, 'listening');
    return watch;
  }

  // The URL of a database, by this way.
  urlOf(database) {
    return database.url.replace(this.serverFolder, this.dir);
  }

  join(from) {
    const to = connect(join(this.serverFolder, SOCKET));
    let open = 0;
    const asked = new Messages((type, message) => {
      this.behind += open > 0 ? 1 : 0;
      open += type === SYNC ? 1 : 0;
      this.syncs += type === SYNC ? 1 : 0;
      to.write(message);
    }, false);
    const answered = new Messages((type, message) => {
      open -= type === READY && open > 0 ? 1 : 0;
      if (type === KEY_DATA && this.asPooler) {
        message.writeUInt32BE(message.readUInt32BE(5) ^ 0x5555, 5);
      }
      from.write(message);
    }, true);
    for (const [socket, other, messages] of [[from, to, asked], [to, from, answered]]) {
      this.sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('data', (chunk) => messages.take(chunk));
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
  }

  close() {
    this.sockets.forEach((socket) => socket.destroy());
    this.server.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

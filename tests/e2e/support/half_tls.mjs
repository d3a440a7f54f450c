// SPDX-License-Identifier: Apache-2.0
// TLS that stops half-way: a handshake that is not gone on with, and a record that never becomes whole.
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { trust } from './tls.mjs';

// What a TLS client writes goes through what(chunk), and then to the relay.
function between(port, what) {
  const socket = connect({ port, host: '127.0.0.1' });
  const middle = new Duplex({
    read() {},
    write(chunk, _, done) { socket.write(what(chunk), () => done()); },
  });
  socket.on('data', (chunk) => middle.push(chunk));
  socket.on('error', () => {});
  const client = connectTls({ socket: middle, ...trust() });
  client.on('error', () => {});
  return { socket, client, destroy: () => socket.destroy() };
}

// A handshake whose client has had the relay's answer, and says nothing to it.
export async function halfHandshake(port) {
  let said = 0;
  const raw = between(port, (chunk) => (said++ === 0 ? chunk : Buffer.alloc(0)));
  await new Promise((done) => {
    raw.socket.once('data', done);
    raw.socket.once('close', done);
  });
  return raw;
}

// A connection that sends the greater half of its first record, of 16 KiB.
export async function halfRecord(port) {
  let isHalf = false;
  const raw = between(port, (chunk) => (isHalf ? chunk.subarray(0, 12_000) : chunk));
  await new Promise((done) => {
    raw.client.once('secureConnect', done);
    raw.socket.once('close', done);
  });
  isHalf = true;
  raw.client.write(Buffer.alloc(16_000, 'G'));
  return raw;
}

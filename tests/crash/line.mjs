// SPDX-License-Identifier: Apache-2.0
// One stream, with as little between the test and the wire as will do.  A
// question whose stream ends is answered null: nobody knows.
import { createRequire } from 'node:module';
import { decodeServerMessage } from '../e2e/support/stream_codec.mjs';

const require = createRequire(new URL('../e2e/package.json', import.meta.url));
const WebSocket = require('ws');

export class Line {
  // hear is told each DELIVER and EVENT.
  constructor(port, token, hear) {
    this.questions = new Map();
    this.next = 1;
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/v1/stream`, ['sealpost.v1'], {
      headers: { authorization: `Bearer ${token}` }, perMessageDeflate: false,
      skipUTF8Validation: true,
    });
    this.opened = new Promise((resolve) => {
      this.socket.on('open', () => resolve(true));
      this.socket.on('close', () => resolve(false));
    });
    this.ended = new Promise((resolve) => {
      this.socket.on('close', (code) => {
        this.isEnded = true;
        this.code = code;
        this.questions.forEach((answer) => answer(null));
        this.questions.clear();
        resolve(code);
      });
    });
    this.socket.on('error', (error) => {
      this.error = error;
    });
    this.socket.on('message', (bytes) => this.onMessage(decodeServerMessage(bytes), hear));
  }

  onMessage(message, hear) {
    if (message.kind === 'result') {
      const answer = this.questions.get(message.request);
      this.questions.delete(message.request);
      answer?.(message);
    } else {
      hear(message);
    }
  }

  post(bytes) {
    if (!this.isEnded) {
      this.socket.send(bytes, () => {}); // what cannot be written ends the stream, too
    }
  }

  ask(encode) {
    return new Promise((resolve) => {
      if (this.isEnded) {
        resolve(null);
        return;
      }
      const request = this.next++;
      this.questions.set(request, resolve);
      this.post(encode(request));
    });
  }

  drop() {
    this.socket.terminate();
  }
}

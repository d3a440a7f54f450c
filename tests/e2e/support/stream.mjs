// SPDX-License-Identifier: Apache-2.0
// A stream over npm ws.  Every message is decoded by the tables of stream.md;
// results and events are judged by their schemas.
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { b64u, ciphertext, envelopeId } from './bytes.mjs';
import { checkResponse, checkResult, validateEvent } from './contract.mjs';
import { prefixAt } from './front.mjs';
import { Inbox } from './inbox.mjs';
import { decodeServerMessage, encodeAck, encodeAckUpTo, encodeSend } from './stream_codec.mjs';
import { speaksTls, trust } from './tls.mjs';

const describe = (message) => JSON.stringify(message, (key, value) => (
  key === 'body' && value?.type === 'Buffer' ? `${value.data.length} bytes` : value));

export class Refused extends Error {
  constructor(status, headers, body) {
    super(`the upgrade was answered ${status}`);
    Object.assign(this, { status, headers, body });
    this.code = JSON.parse(body.toString()).type.replace('urn:sealpost:problem:', '');
  }
}

export class Stream {
  constructor(socket, { autoAck = false } = {}) {
    this.socket = socket;
    this.autoAck = autoAck;
    this.inbox = new Inbox(describe);
    this.requests = new Map();
    this.nextRequest = 1;
    this.delivered = [];
    this.closed = new Promise((done) => {
      socket.on('close', (code, reason) => {
        this.inbox.end(`the stream closed with ${code}`);
        done({ code, reason: reason.toString() });
      });
    });
    socket.on('message', (bytes, isBinary) => this.onMessage(bytes, isBinary));
    socket.on('error', (error) => this.inbox.end(`the stream failed: ${error.message}`));
  }

  /*
   * Open one.  options: token, via ('header' or 'subprotocol'), protocols,
   * headers, port, autoAck, raw (give the stream before its hello).
   */
  static open(relay, options = {}) {
    const { token, via = 'header' } = options;
    const protocols = options.protocols ?? ['sealpost.v1'];
    const headers = { ...options.headers };
    if (token !== undefined && via === 'header') {
      headers.authorization = `Bearer ${token}`;
    }
    const offered = via === 'subprotocol' ? [...protocols, token] : protocols;
    const port = options.port ?? relay.port;
    const [scheme, secrets] = speaksTls(port) ? ['wss', trust()] : ['ws', {}];
    const socket = new WebSocket(`${scheme}://127.0.0.1:${port}${prefixAt(port)}/v1/stream`,
      offered, { headers, perMessageDeflate: false, maxPayload: 4 << 20, ...secrets });
    const stream = new Stream(socket, options);
    relay.streams.add(stream);
    return stream.opened();
  }

  opened() {
    return new Promise((resolve, reject) => {
      this.socket.on('open', () => resolve(this));
      this.socket.on('error', reject);
      this.socket.on('upgrade', ({ statusCode: status, headers }) => {
        try {
          checkResponse('GET', '/v1/stream', { status, headers, body: Buffer.alloc(0) });
        } catch (error) {
          reject(error);
        }
      });
      this.socket.on('unexpected-response', (request, incoming) => {
        const chunks = [];
        incoming.on('data', (chunk) => chunks.push(chunk));
        incoming.on('end', () => {
          const body = Buffer.concat(chunks);
          const response = { status: incoming.statusCode, headers: incoming.headers, body };
          try {
            checkResponse('GET', '/v1/stream', response);
            reject(new Refused(response.status, response.headers, body));
          } catch (error) {
            reject(error);
          }
        });
      });
    });
  }

  onMessage(bytes, isBinary) {
    let message;
    try {
      assert.ok(isBinary, 'the relay sent a text message');
      message = decodeServerMessage(bytes);
      this.judge(message);
    } catch (error) {
      this.inbox.end(`the relay broke the contract: ${error.message}`);
      this.fault = error;
      this.socket.terminate();
      return;
    }
    if (message.kind === 'deliver' && message.seq > 0) {
      this.delivered.push(message.seq);
    }
    if (this.autoAck && message.seq > 0) {
      this.post(encodeAck(0, [message.seq]));
    }
    this.inbox.push(message);
  }

  judge(message) {
    if (message.kind === 'event') {
      const { kind, ...event } = message;
      validateEvent(event);
    } else if (message.kind === 'result') {
      const path = this.requests.get(message.request);
      assert.ok(path, `a result for request ${message.request}, which was not asked`);
      checkResult('POST', path, message.status, message.body);
    }
  }

  post(bytes) {
    this.socket.send(bytes);
  }

  take(match, what) {
    return this.inbox.take(match, what);
  }

  event(name, match = () => true) {
    return this.take((each) => each.event === name && match(each), `waiting for ${name}`);
  }

  caughtUp() {
    return this.event('caught_up');
  }

  deliver(match = () => true) {
    return this.take((each) => each.kind === 'deliver' && match(each), 'waiting for mail');
  }

  async delivers(count) {
    const all = [];
    while (all.length < count) {
      all.push(await this.deliver());
    }
    return all;
  }

  // Deliveries that came so far and that nobody took.
  waiting() {
    return this.inbox.count((each) => each.kind === 'deliver');
  }

  ask(path, encode) {
    const request = this.nextRequest++;
    this.requests.set(request, path);
    this.post(encode(request));
    return this.result(request);
  }

  async result(request) {
    const result = await this.take(
      (each) => each.kind === 'result' && each.request === request,
      `waiting for the result of request ${request}`,
    );
    result.code = result.body?.type?.replace('urn:sealpost:problem:', '') ?? null;
    return result;
  }

  // recipients: Devices, each given fields.body; or [{ pub, body }] as they are.
  send(recipients, fields = {}) {
    const body = fields.body ?? ciphertext();
    const send = {
      id: envelopeId(), ...fields,
      recipients: recipients.map((each) => (each.key ? {
        pub: each.pub, body: fields.shared ? Buffer.alloc(0) : body,
      } : each)),
    };
    return this.ask('/v1/envelopes', (request) => encodeSend(request, send));
  }

  ack(seqs) {
    return this.ask('/v1/mailbox/ack', (request) => encodeAck(request, seqs));
  }

  ackUpTo(seq) {
    return this.ask('/v1/mailbox/ack', (request) => encodeAckUpTo(request, seq));
  }

  // Whatever the relay sent before now has arrived when this resolves.
  async barrier() {
    await this.ack([Number.MAX_SAFE_INTEGER - 1]);
  }

  async close() {
    this.socket.close(1000);
    return this.closed;
  }

  drop() {
    this.socket.terminate();
  }
}

export const pubText = (device) => b64u(device.pub);

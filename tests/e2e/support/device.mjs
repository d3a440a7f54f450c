// SPDX-License-Identifier: Apache-2.0
// One device: its key, its session, its commands, its mail.
import assert from 'node:assert/strict';
import { b64u, ciphertext, envelopeId, fromB64u } from './bytes.mjs';
import { SigningKey } from './keys.mjs';
import { OP, authBytes, commandBytes } from './signing.mjs';

export class Device {
  constructor(account, { id, flags, addedEpoch, keys = [], key = new SigningKey() }) {
    Object.assign(this, { account, id, flags, addedEpoch, keys, key });
    this.token = null;
    this.commandSeq = Date.now();
  }

  get relay() {
    return this.account.relay;
  }

  get pub() {
    return this.key.pub;
  }

  get pubText() {
    return b64u(this.pub);
  }

  async challenge() {
    const answer = await this.relay.call('POST', '/v1/auth/challenge', { json: {} });
    assert.equal(answer.status, 200);
    return fromB64u(answer.json.challenge);
  }

  // POST /v1/auth/session with a signature over challenge, made for audience.
  session(challenge, { audience = this.relay.baseUrl, key = this.key, ...fields } = {}) {
    const signature = key.sign(authBytes(audience, this.account.id, this.id, challenge));
    return this.relay.call('POST', '/v1/auth/session', {
      json: {
        account_id: this.account.idText, device_id: this.id, challenge: b64u(challenge),
        signature: b64u(signature), ...fields,
      },
    });
  }

  async login() {
    const answer = await this.session(await this.challenge());
    assert.equal(answer.status, 201, answer.body.toString());
    this.token = answer.json.token;
    return answer.json;
  }

  call(method, path, options = {}) {
    return this.relay.call(method, path, { token: this.token, ...options });
  }

  /*
   * A signed command.  body is a value, sent and signed as its JSON text.
   * options: seq, audience, key, payload (sign these bytes instead), header, text (of the body), agent.
   */
  command(op, method, path, body, options = {}) {
    const text = options.text ?? JSON.stringify(body);
    const seq = options.seq ?? ++this.commandSeq;
    const signed = commandBytes(options.audience ?? this.relay.baseUrl, this.account.id, this.id,
      seq, op, Buffer.from(options.payload ?? text));
    const signature = b64u((options.key ?? this.key).sign(signed));
    const header = options.header ?? `seq=${seq}, sig=${signature}`;
    return this.call(method, path, {
      body: text,
      headers: { 'content-type': 'application/json', 'sealpost-command': header },
      token: options.token ?? this.token,
      agent: options.agent,
    });
  }

  open(options = {}) {
    return this.relay.open({ token: this.token, ...options });
  }

  // POST /v1/envelopes, one body for each of devices.
  send(devices, fields = {}) {
    const { body = ciphertext(), id = envelopeId(), ...rest } = fields;
    const recipients = devices.map((device) => ({
      device_pub: device.pubText, body: b64u(body),
    }));
    return this.call('POST', '/v1/envelopes', { json: { id: b64u(id), recipients, ...rest } });
  }

  async mailbox(query = '') {
    const answer = await this.call('GET', `/v1/mailbox${query}`);
    assert.equal(answer.status, 200, answer.body.toString());
    return answer.json;
  }

  // PUT /v1/keys, DELETE /v1/keys, POST /v1/keys/claim.
  putKeys(slots, fields = {}, options = {}) {
    return this.command(OP.keysPut, 'PUT', '/v1/keys', { slots, ...fields }, options);
  }

  deleteKeys(slots, options = {}) {
    return this.command(OP.keysDelete, 'DELETE', '/v1/keys', { slots }, options);
  }

  claim(account, slots, fields = {}) {
    return this.call('POST', '/v1/keys/claim', {
      json: { account_id: account.idText, slots, ...fields },
    });
  }

  ack(seqs) {
    return this.call('POST', '/v1/mailbox/ack', { json: { seqs } });
  }
}

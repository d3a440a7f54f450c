// SPDX-License-Identifier: Apache-2.0
/*
 * One writer: a few envelopes under way at a time, to one or several mailboxes,
 * with a body for each or a shared one; now and then one again that it sent
 * before, answered or not.
 */
import { b64u } from '../e2e/support/bytes.mjs';
import { encodeSend } from '../e2e/support/stream_codec.mjs';
import { makeId, ownBody, readId, sharedBody } from './envelope.mjs';
import { Line } from './line.mjs';

const REMEMBERED = 24;

export class Writer {
  constructor(world, number) {
    this.world = world;
    this.number = number;
    this.device = world.writers[number];
    this.order = 0;
    this.forget();
  }

  forget() {
    this.sent = []; // the newest envelopes: { id, mailboxes, status }
  }

  /*
   * plan: { random, depth, byHttp, largest, isOver(), event(), heard(answer, tookMs)? }.
   * Runs until it is over or the relay is gone.
   */
  async work(plan) {
    const line = plan.byHttp ? null : new Line(this.world.place.port, this.device.token, () => {});
    if (line !== null && !await line.opened) {
      return;
    }
    const unheard = this.sent.filter(({ status }) => status === null);
    for (const envelope of plan.random.some(unheard, plan.random.within(0, unheard.length))) {
      if (await this.send(plan, line, envelope) === null) {
        return;
      }
    }
    const hands = plan.byHttp ? 1 : plan.depth;
    await Promise.all(Array.from({ length: hands }, () => this.hand(plan, line)));
    line?.drop();
  }

  async hand(plan, line) {
    while (!plan.isOver() && await this.send(plan, line, this.choose(plan)) !== null) {
      plan.event();
    }
  }

  choose({ random, largest }) {
    if (this.sent.length > 0 && random.chance(0.12)) {
      return random.pick(this.sent);
    }
    const { length } = this.world.readers;
    const count = random.chance(0.75) ? 1 : random.within(2, Math.min(5, length));
    const mailboxes = random.some([...Array(length).keys()], count);
    this.order += 1;
    const shared = count > 1 && random.chance(0.7);
    const size = random.chance(0.1) ? random.within(33, largest) : random.within(33, largest >> 4);
    const id = makeId(random, { writer: this.number, order: this.order, size, shared });
    const envelope = { id, mailboxes, status: null };
    this.sent.push(envelope);
    if (this.sent.length > REMEMBERED) {
      this.sent.shift();
    }
    return envelope;
  }

  // Its answer's status, or null: the relay is gone.
  async send(plan, line, envelope) {
    const { id, mailboxes } = envelope;
    const attempt = this.world.nextNumber();
    this.world.note({ send: attempt, id: id.toString('hex'), mailboxes });
    const began = performance.now();
    const answer = await (line === null ? this.byHttp(envelope) : this.byLine(line, envelope));
    if (answer === null) {
      return null;
    }
    this.world.note({
      sent: attempt, status: answer.status,
      duplicates: this.world.mailboxes(answer.json?.duplicates),
      full: this.world.mailboxes([...answer.json?.full ?? [], ...answer.json?.closed ?? []]),
    });
    envelope.status = answer.status < 500 ? answer.status : null;
    await plan.heard?.(answer, performance.now() - began);
    return answer.status;
  }

  async byLine(line, { id, mailboxes }) {
    const { readers } = this.world;
    const answer = await line.ask((request) => encodeSend(request, {
      id, shared: readId(id).shared ? sharedBody(id) : null,
      recipients: mailboxes.map((mailbox) => ({
        pub: readers[mailbox].pub, body: ownBody(id, mailbox),
      })),
    }));
    return answer && { status: answer.status, json: answer.body };
  }

  byHttp({ id, mailboxes }) {
    const { shared } = readId(id);
    const json = {
      id: b64u(id),
      recipients: mailboxes.map((mailbox) => ({
        device_pub: this.world.readers[mailbox].pubText,
        [shared ? 'prefix' : 'body']: b64u(ownBody(id, mailbox)),
      })),
    };
    if (shared) {
      json.shared_body = b64u(sharedBody(id));
    }
    const { place, agent } = this.world;
    return place.ask('POST', '/v1/envelopes', { token: this.device.token, json, agent });
  }
}

// SPDX-License-Identifier: Apache-2.0
/*
 * One reader: a stream, and acks in every form: at once, without wanting an
 * answer, many together up to a seq, by HTTP, or not at all.
 */
import { encodeAck, encodeAckUpTo } from '../e2e/support/stream_codec.mjs';
import { isIntact } from './envelope.mjs';
import { Line } from './line.mjs';

const HELD_AT_MOST = 40; // the relay waits at 64

export class Reader {
  constructor(world, mailbox) {
    this.world = world;
    this.mailbox = mailbox;
    this.device = world.readers[mailbox];
  }

  // plan: { random, event() }.  Runs until the relay is gone.
  async work(plan) {
    this.held = [];
    this.line = new Line(this.world.place.port, this.device.token, (message) => {
      this.hear(plan, message);
    });
    await this.line.ended;
  }

  hear(plan, message) {
    if (message.event === 'gap') {
      this.world.note({ gap: this.mailbox, seq: message.seq });
    }
    if (message.kind !== 'deliver') {
      return;
    }
    const { seq, id, body } = message;
    const intact = isIntact(id, this.mailbox, body);
    this.world.note({ deliver: this.mailbox, seq, id: id.toString('hex'), intact });
    this.held.push(seq);
    plan.event();
    this.react(plan, seq);
  }

  react({ random }, seq) {
    if (random.chance(0.35)) {
      this.ack([this.take(seq)]);
    } else if (random.chance(0.1)) {
      this.ackUnheard([this.take(seq)]);
    } else if (random.chance(0.05) || this.held.length >= HELD_AT_MOST) {
      this.ackMany(random);
    }
  }

  take(seq) {
    this.held.splice(this.held.indexOf(seq), 1);
    return seq;
  }

  ackMany(random) {
    const many = this.held.splice(0, random.within(1, this.held.length));
    if (random.chance(0.3)) {
      this.world.ackByHttp(this.mailbox, many);
    } else if (random.chance(0.5)) {
      this.ack(many);
    } else {
      this.heard(many, (request) => encodeAckUpTo(request, many.at(-1)));
    }
  }

  ack(seqs) {
    return this.heard(seqs, (request) => encodeAck(request, seqs));
  }

  async heard(seqs, encode) {
    const ack = this.world.nextNumber();
    this.world.note({ ack, mailbox: this.mailbox, seqs });
    const answer = await this.line.ask(encode);
    if (answer?.status === 200) {
      this.world.note({ acked: ack });
    }
  }

  ackUnheard(seqs) {
    this.world.note({ ack: this.world.nextNumber(), mailbox: this.mailbox, seqs });
    this.line.post(encodeAck(0, seqs));
  }
}

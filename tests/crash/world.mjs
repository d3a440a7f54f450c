// SPDX-License-Identifier: Apache-2.0
// A place with people: writers and readers, and the history of what they did.
import { Agent } from 'node:http';
import { Account } from '../e2e/support/account.mjs';
import { b64u, fromB64u } from '../e2e/support/bytes.mjs';
import { Checker } from './checker.mjs';
import { isIntact } from './envelope.mjs';

const LISTED_AT_ONCE = 1000;

export class World {
  // shared: several daemons are asked, see daemons.mjs.
  constructor(place, { readers, writers, shared = false }) {
    this.place = place;
    this.shared = shared;
    this.agent = new Agent({ keepAlive: true, maxSockets: 8 });
    this.sizes = { readers, writers };
    this.numbers = 0; // of attempts and acks
    this.forget();
  }

  // Register everybody; the relay runs.
  async populate() {
    const { readers, writers } = this.sizes;
    const devices = [];
    for (let i = 0; i < readers + writers; i++) {
      const account = new Account(this.place);
      const made = await account.register();
      if (made.status !== 201) {
        throw new Error(`an account was answered ${made.status} ${made.text}`);
      }
      await account.first.login();
      devices.push(account.first);
    }
    this.readers = devices.slice(0, readers);
    this.writers = devices.slice(readers);
    this.mailboxOf = new Map(this.readers.map((device, number) => [device.pubText, number]));
  }

  // Begin a new history: nothing waits anywhere.
  forget() {
    this.history = [];
    this.checker = new Checker({ shared: this.shared });
    this.life = 0;
  }

  note(record) {
    this.history.push(record);
    this.checker.add(record);
  }

  begin() {
    this.life += 1;
    this.note({ start: this.life });
  }

  nextNumber() {
    this.numbers += 1;
    return this.numbers;
  }

  mailboxes(pubs = []) {
    return pubs.map((pub) => this.mailboxOf.get(pub));
  }

  async page(mailbox, after) {
    const path = `/v1/mailbox?after=${after}&limit=${LISTED_AT_ONCE}&max_bytes=16777216`;
    const { token } = this.readers[mailbox];
    const answer = await this.place.ask('GET', path, { token, agent: this.agent });
    if (answer?.status !== 200) {
      throw new Error(`mailbox ${mailbox} was answered ${answer?.status} ${answer?.text}`);
    }
    return answer.json;
  }

  item(mailbox, { seq, id, body, gap }) {
    if (gap !== undefined) {
      return { seq, gap: true };
    }
    const raw = fromB64u(id);
    return { seq, id: raw.toString('hex'), intact: isIntact(raw, mailbox, fromB64u(body)) };
  }

  // All that waits in one mailbox; nobody sends or acks meanwhile.
  async list(mailbox) {
    const items = [];
    for (let more = true, after = 0; more;) {
      const page = await this.page(mailbox, after);
      items.push(...page.envelopes.map((each) => this.item(mailbox, each)));
      after = items.at(-1)?.seq ?? 0;
      ({ more } = page);
    }
    this.note({ waiting: mailbox, items });
    return items;
  }

  async settle() {
    const lists = await Promise.all(this.readers.map((device, mailbox) => this.list(mailbox)));
    this.note({ settle: true });
    return lists;
  }

  // Ack by HTTP; the answer is noted when there is one.
  async ackByHttp(mailbox, seqs, body = { seqs }) {
    const ack = this.nextNumber();
    this.note({ ack, mailbox, seqs });
    const { token } = this.readers[mailbox];
    const answer = await this.place.ask('POST', '/v1/mailbox/ack', {
      token, json: body, agent: this.agent,
    });
    if (answer?.status === 200) {
      this.note({ acked: ack });
    }
    return answer;
  }

  close() {
    this.agent.destroy();
  }
}

export const pubOf = (device) => b64u(device.pub);

// SPDX-License-Identifier: Apache-2.0
/*
 * The oracle: hears a history in the order in which the clients wrote it down and
 * says what was promised and not kept.  It knows nothing of sockets or processes.
 *
 * Records (mailboxes and writers are numbers, ids are hex):
 *   { start: life }                         the relay is ready; lives count up
 *   { send: attempt, id, mailboxes }        written before the request leaves
 *   { sent: attempt, status, duplicates, full, by }   its answer; none: nobody knows.  by names
 *                                           the life of the daemon, where there are several
 *   { deliver: mailbox, seq, id, intact }   by a stream
 *   { gap: mailbox, seq }
 *   { ack: number, mailbox, seqs }          written before the request leaves
 *   { acked: number }                       its answer
 *   { waiting: mailbox, items: [{ seq, id, intact, gap }] }   all that waits there, while
 *                                           nobody sends or acks
 *   { settle: true }                        every mailbox was listed: judge
 *
 * A copy is one envelope in one mailbox under one seq.  Promises:
 *   lost       a copy that was answered waits, unless its ack was sent
 *   returned   a seq whose ack was answered never comes again
 *   copies     no more copies than answers that stored and answers that nobody heard;
 *              a repeat while the first one waits, or in the same life, stores nothing
 *   twice      no two copies wait
 *   order      of one writer's envelopes in one mailbox, by seq
 *   seq        never means two envelopes, and grows
 *   body, foreign, gap
 */
import { readId } from './envelope.mjs';

const SETTLED_STATUS = new Set([201]);

class Mail {
  constructor(mailbox, id) {
    this.mailbox = mailbox;
    this.id = id;
    this.attempts = 0;
    this.isShared = false; // several daemons were asked, or may be
    this.unheard = 0; // attempts without an answer, or with one that says neither
    this.stored = 0; // answers that stored a copy
    this.storedIn = new Set(); // the lives of those that did
    this.duplicates = 0;
    this.firstStored = false; // the first attempt stored the copy
    this.seqs = new Set(); // of copies that were seen
    this.ackSent = new Set();
  }

  // How many copies must have been, at least.
  get needed() {
    return Math.max(this.stored, this.duplicates > 0 ? 1 : 0);
  }

  // Which attempt made the copy is known.
  get isPlaced() {
    return this.seqs.size === 1 && (this.attempts === 1 || (this.firstStored && this.stored === 1));
  }

  // Nobody heard of it, so the daemon that died may have put it there later than it died.
  get isLate() {
    return this.isShared && this.unheard > 0;
  }
}

export class Checker {
  // shared: several daemons on one database make the history.
  constructor({ shared = false } = {}) {
    this.shared = shared;
    this.life = 0;
    this.mail = new Map(); // `${mailbox} ${id}`
    this.touched = new Set(); // since the last settling
    this.attempts = new Map();
    this.acks = new Map();
    this.bySeq = new Map(); // `${mailbox} ${seq}` -> Mail
    this.answered = new Set(); // `${mailbox} ${seq}` whose ack was answered
    this.listed = new Map(); // mailbox -> its items
    this.highest = new Map(); // mailbox -> seq
    this.placed = new Map(); // `${mailbox} ${writer}` -> { order, seq }
    this.violations = [];
    this.counts = { sends: 0, stored: 0, unheard: 0, repeats: 0, deliveries: 0, acks: 0 };
  }

  fault(promise, mail, text) {
    const of = mail ? `envelope ${mail.id} in mailbox ${mail.mailbox}: ` : '';
    this.violations.push({ promise, life: this.life, text: of + text, id: mail?.id ?? null });
  }

  add(record) {
    const kind = Object.keys(record)[0];
    this[`on_${kind}`](record);
  }

  on_start({ start }) {
    this.life = start;
  }

  mailOf(mailbox, id) {
    const name = `${mailbox} ${id}`;
    if (!this.mail.has(name)) {
      this.mail.set(name, new Mail(mailbox, id));
      this.mail.get(name).isShared = this.shared;
    }
    return this.mail.get(name);
  }

  on_send({ send, id, mailboxes }) {
    this.counts.sends += 1;
    this.counts.unheard += 1;
    this.attempts.set(send, { id, mailboxes });
    mailboxes.forEach((mailbox) => {
      const mail = this.mailOf(mailbox, id);
      this.counts.repeats += mail.attempts > 0 ? 1 : 0;
      mail.attempts += 1;
      mail.unheard += 1;
      this.touched.add(mail);
    });
  }

  on_sent({ sent, status, duplicates = [], full = [], by = this.life }) {
    const { id, mailboxes } = this.attempts.get(sent);
    if (status >= 500) {
      return; // it may have been written, or not
    }
    this.counts.unheard -= 1;
    mailboxes.forEach((mailbox) => {
      const mail = this.mailOf(mailbox, id);
      mail.unheard -= 1;
      if (!SETTLED_STATUS.has(status) || full.includes(mailbox)) {
        this.fault('refused', mail, `was answered ${status}`);
      } else if (duplicates.includes(mailbox)) {
        this.onDuplicate(mail);
      } else {
        this.onStored(mail, by);
      }
    });
  }

  onDuplicate(mail) {
    mail.duplicates += 1;
    if (mail.attempts === 1) {
      this.fault('copies', mail, 'the first attempt was called a repeat');
    }
  }

  onStored(mail, by) {
    this.counts.stored += 1;
    if (mail.storedIn.has(by)) {
      this.fault('copies', mail, 'a repeat in the same life was stored');
    } else if (mail.stored > mail.ackSent.size) {
      this.fault('copies', mail, 'a repeat was stored while the first copy waited');
    }
    mail.firstStored = mail.firstStored || (mail.attempts === 1 && mail.stored === 0);
    mail.stored += 1;
    mail.storedIn.add(by);
  }

  // One copy was seen.
  see(mailbox, { seq, id, intact }) {
    const place = `${mailbox} ${seq}`;
    const mail = this.mail.get(`${mailbox} ${id}`);
    if (mail === undefined) {
      this.fault('foreign', new Mail(mailbox, id), 'nobody sent it');
      return;
    }
    if (!intact) {
      this.fault('body', mail, `seq ${seq} has another body`);
    }
    if (this.answered.has(place)) {
      this.fault('returned', mail, `seq ${seq} came again`);
    }
    const known = this.bySeq.get(place);
    if (known !== undefined && known !== mail) {
      this.fault('seq', mail, `seq ${seq} was ${known.id}`);
    } else if (known === undefined) {
      if (seq <= (this.highest.get(mailbox) ?? 0)) {
        this.fault('seq', mail, `a new copy has the old seq ${seq}`);
      }
      this.bySeq.set(place, mail);
      mail.seqs.add(seq);
      this.touched.add(mail);
    }
  }

  on_deliver({ deliver, ...copy }) {
    this.counts.deliveries += 1;
    this.see(deliver, copy);
  }

  on_gap({ gap, seq }) {
    this.fault('gap', null, `mailbox ${gap} has a gap at ${seq}`);
  }

  on_ack({ ack, mailbox, seqs }) {
    this.acks.set(ack, { mailbox, seqs });
    seqs.forEach((seq) => {
      const mail = this.bySeq.get(`${mailbox} ${seq}`);
      mail.ackSent.add(seq);
      this.touched.add(mail);
    });
  }

  on_acked({ acked }) {
    const { mailbox, seqs } = this.acks.get(acked);
    this.counts.acks += seqs.length;
    seqs.forEach((seq) => this.answered.add(`${mailbox} ${seq}`));
    this.acks.delete(acked);
  }

  on_waiting({ waiting, items }) {
    this.listed.set(waiting, items);
    const last = this.highest.get(waiting) ?? 0;
    const known = new Set();
    let before = 0;
    for (const item of items) {
      if (item.gap) {
        this.on_gap({ gap: waiting, seq: item.seq });
        continue;
      }
      if (item.seq <= before) {
        this.fault('seq', null, `mailbox ${waiting} lists ${item.seq} after ${before}`);
      }
      before = item.seq;
      if (known.has(item.id)) {
        this.fault('twice', new Mail(waiting, item.id), 'waits twice');
      }
      known.add(item.id);
      this.see(waiting, item);
    }
    this.highest.set(waiting, Math.max(last, before));
  }

  on_settle() {
    const waits = new Set();
    this.listed.forEach((items, mailbox) => {
      items.forEach(({ seq }) => waits.add(`${mailbox} ${seq}`));
    });
    const open = [];
    for (const mail of this.touched) {
      const here = [...mail.seqs].filter((seq) => waits.has(`${mail.mailbox} ${seq}`));
      const accounted = new Set([...here, ...mail.ackSent]);
      this.settleOne(mail, accounted);
      if (here.length > 0) {
        open.push(mail); // it must be there the next time, too
      }
    }
    this.settleOrder();
    this.touched = new Set(open);
    this.listed.clear();
  }

  settleOne(mail, accounted) {
    if (accounted.size < mail.needed) {
      this.fault('lost', mail, `${mail.needed} answered, ${accounted.size} waiting or acked`);
    }
    const unacked = [...mail.seqs].filter((seq) => !accounted.has(seq));
    if (unacked.length > 0 && accounted.size >= mail.needed) {
      this.fault('lost', mail, `seq ${unacked[0]} was seen, is gone and was not acked`);
    }
    if (mail.seqs.size > mail.stored + mail.unheard) {
      this.fault('copies', mail, `${mail.seqs.size} copies`);
    }
  }

  settleOrder() {
    const lists = new Map();
    for (const mail of this.touched) {
      if (mail.isPlaced && !mail.isLate && !mail.isOrdered) {
        mail.isOrdered = true;
        const { writer, order } = readId(Buffer.from(mail.id, 'hex'));
        const name = `${mail.mailbox} ${writer}`;
        lists.set(name, [...(lists.get(name) ?? []), { order, seq: [...mail.seqs][0], mail }]);
      }
    }
    lists.forEach((list, name) => {
      list.sort((x, y) => x.order - y.order);
      let before = this.placed.get(name) ?? { order: 0, seq: 0 };
      for (const each of list) {
        if (each.order <= before.order || each.seq <= before.seq) {
          this.fault('order', each.mail,
            `number ${each.order} has seq ${each.seq}, number ${before.order} ${before.seq}`);
        }
        before = each;
      }
      this.placed.set(name, before);
    });
  }
}

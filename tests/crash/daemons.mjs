// SPDX-License-Identifier: Apache-2.0
/*
 * Rounds on one PostgreSQL database that two daemons share: load on both, kill -9
 * of one, whose clients go to the other with what was not answered, kill -9 of
 * that one, both started again, and the oracle's judgement.
 *
 *   node daemons.mjs [--rounds N] [--seed S] [--lose] [--first]
 *
 * It runs beside a server: tests/support/with_postgres.  --lose plants a fault: the
 * database forgets one row of a hundred, and the oracle must see it.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Database } from '../e2e/support/database.mjs';
import { Place } from './place.mjs';
import { Random } from './random.mjs';
import { Reader } from './reader.mjs';
import { World } from './world.mjs';
import { Writer } from './writer.mjs';

const WRITERS = 16;
const READERS = 8;
const STUCK_MS = 60_000;
const SHOWN = 10;

// Mailboxes whose row counts something else than what stands there.
const MISCOUNTED = `SELECT d.mailbox, d.waiting, d.waiting_bytes, e.count, e.bytes FROM devices d,
  LATERAL (SELECT count(*), coalesce(sum(length(body) - 17), 0) AS bytes FROM envelopes
    WHERE mailbox = d.mailbox AND kind = 0) e
  WHERE d.waiting <> e.count OR d.waiting_bytes <> e.bytes`;

const LOSE = `CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF random() < 0.01 THEN DELETE FROM envelopes WHERE mailbox = NEW.mailbox AND seq = NEW.seq;
    END IF; RETURN NULL; END $$;
  CREATE TRIGGER lose AFTER INSERT ON envelopes FOR EACH ROW EXECUTE FUNCTION lose()`;

// The world as it is seen at one of the places.
class View {
  constructor(world, place) {
    this.world = world;
    this.place = place;
  }

  get readers() {
    return this.world.readers;
  }

  get writers() {
    return this.world.writers;
  }

  get agent() {
    return this.world.agent;
  }

  note(record) {
    this.world.note(record.sent === undefined ? record : { ...record, by: this.place.life });
  }

  nextNumber() {
    return this.world.nextNumber();
  }

  mailboxes(pubs) {
    return this.world.mailboxes(pubs);
  }

  ackByHttp(...args) {
    return World.prototype.ackByHttp.apply(this, args);
  }
}

class Daemons {
  constructor(options) {
    this.options = options;
    this.faults = [];
    this.lives = 0;
    this.number = 0;
    this.handedOver = 0; // clients that went on at the other daemon
  }

  fault(text) {
    this.faults.push(text);
  }

  async start(place) {
    if (await place.start() === null) {
      throw new Error(`the relay does not start:\n${place.process.text.slice(-2000)}`);
    }
    this.lives += 1;
    place.life = this.lives;
  }

  async first() {
    this.database = await Database.create();
    const set = { storage: this.database.url };
    this.places = [new Place({ set })];
    await this.start(this.places[0]);
    this.places.push(new Place({ set, keys: join(this.places[0].dir, 'keys') }));
    await this.start(this.places[1]);
    this.world = new World(this.places[0], { readers: READERS, writers: WRITERS, shared: true });
    await this.world.populate();
    this.views = this.places.map((place) => new View(this.world, place));
    this.writers = this.world.writers.map((device, number) => new Writer(this.views[0], number));
    this.readers = this.world.readers.map((device, mailbox) => new Reader(this.views[0], mailbox));
    if (this.options.lose) {
      await this.database.query(LOSE);
    }
  }

  // One client: at its daemon until that dies, then at the other, until that does.
  async client(one, order, plan) {
    for (const which of order) {
      one.world = this.views[which];
      if (this.places[which].isRunning()) {
        await one.work(plan);
        this.handedOver += this.places.some((place) => place.isRunning()) ? 1 : 0;
      }
    }
  }

  /*
   * The victim dies after plan.events answers, the other one after as many again.  A
   * client whose stream was closed by a newer one of another reader does not occur.
   */
  async load(plan, victim) {
    const deaths = [victim, 1 - victim];
    let left = plan.events;
    const shared = {
      ...plan,
      isOver: () => deaths.length === 0,
      event: () => {
        left -= 1;
        if (left <= 0 && deaths.length > 0) {
          this.places[deaths.shift()].kill();
          left = plan.events;
        }
      },
    };
    const everybody = [...this.readers, ...this.writers].map((one, number) => {
      const home = number % 2;
      return this.client(one, [home, 1 - home], { ...shared, byHttp: number % 5 === 0 });
    });
    await Promise.all(everybody);
  }

  async judge() {
    this.world.begin();
    const lists = await this.world.settle();
    const miscounted = await this.database.query(MISCOUNTED);
    if (!this.options.lose && miscounted.length > 0) {
      this.fault(`counted otherwise than it is: ${miscounted.slice(0, 3).join(' ')}`);
    }
    return lists;
  }

  // Most of what waits is acked, through either daemon.
  async tidy(random, lists) {
    await Promise.all(lists.map((items, mailbox) => {
      const seqs = items.map(({ seq }) => seq).slice(0, random.within(0, items.length));
      if (seqs.length === 0) {
        return null;
      }
      const view = random.pick(this.views);
      return seqs.length > 1000 || random.chance(0.5)
        ? view.ackByHttp(mailbox, seqs, { up_to: seqs.at(-1) })
        : view.ackByHttp(mailbox, seqs);
    }));
  }

  async round(number) {
    const random = new Random(`${this.options.seed}/${number}`);
    const plan = {
      random,
      depth: random.within(1, 4),
      largest: random.chance(0.2) ? 60_000 : 4000,
      events: random.within(20, 700),
    };
    await (number === 1 ? this.first() : Promise.all(this.places.map((place) => this.start(place))));
    const stuck = setTimeout(() => {
      this.fault(`round ${number} is stuck`);
      this.places.forEach((place) => place.kill());
    }, STUCK_MS);
    try {
      await this.tidy(random, await this.judge());
      await this.load(plan, number % 2);
    } catch (error) {
      if (this.places.some((place) => place.isRunning())) {
        throw error;
      }
    } finally {
      clearTimeout(stuck);
    }
    await Promise.all(this.places.map((place) => place.ended()));
  }

  async run() {
    const { rounds, first } = this.options;
    while (this.number < rounds && !(first && this.violations > 0)) {
      this.number += 1;
      await this.round(this.number);
    }
    await Promise.all(this.places.map((place) => this.start(place)));
    await this.judge();
  }

  get violations() {
    return (this.world?.checker.violations.length ?? 0) + this.faults.length;
  }

  report() {
    const { violations = [], counts = {} } = this.world?.checker ?? {};
    console.log(`daemons: ${this.number} rounds, ${this.lives} lives, ${this.handedOver} handed over`);
    console.log(`  ${Object.entries(counts).map((each) => each.join(' ')).join(', ')}`);
    violations.slice(0, SHOWN).forEach(({ promise, life, text }) => {
      console.log(`  VIOLATION ${promise} in life ${life}: ${text}`);
    });
    this.faults.slice(0, SHOWN).forEach((text) => console.log(`  FAULT ${text}`));
    if (this.violations > 0) {
      const path = join(process.env.CRASH_LOG ?? tmpdir(), `history-daemons-${this.options.seed}.jsonl`);
      writeFileSync(path, (this.world?.history ?? []).map((each) => JSON.stringify(each)).join('\n'));
      console.log(`  seed ${this.options.seed}; the history is in ${path}`);
    }
    console.log(`violations: ${this.violations}`);
  }

  close() {
    this.world?.close();
    this.places?.forEach((place) => place.remove());
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      lose: { type: 'boolean', default: false },
      first: { type: 'boolean', default: false },
    },
  });
  const daemons = new Daemons({ ...values, rounds: Number(values.rounds) });
  try {
    await daemons.run();
  } catch (error) {
    daemons.fault(error.stack);
  } finally {
    daemons.close();
  }
  daemons.report();
  process.exitCode = daemons.violations > 0 ? 1 : 0;
}

await main();

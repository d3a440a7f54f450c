// SPDX-License-Identifier: Apache-2.0
/*
 * Rounds on one folder: load, a death at a moment that the seed chooses, SQLite's
 * check, a new start, and the oracle's judgement of what is there.
 *
 *   node rounds.mjs kill|power [--rounds N] [--seed S] [--lie] [--plant DAEMON] [--first]
 *
 * kill: kill -9.  power: under the shim, where every death is a power cut.  --first:
 * stop with the first violation.  The exit code is 1 when there are any.
 *
 * Two prove that the oracle sees: --lie is a disk that says it synced and did not,
 * --plant a daemon with a fault.  Both begin when people are registered, and the
 * power goes without tearing pages: it is not SQLite that shall notice.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Place } from './place.mjs';
import { Random } from './random.mjs';
import { Reader } from './reader.mjs';
import { World } from './world.mjs';
import { Writer } from './writer.mjs';

const WRITERS = 32;
const READERS = 8;
const READY_MS = 5000; // on a quiet machine it is a tenth of it
const STUCK_MS = 60_000;
const SHOWN = 10;

// How one round dies.  steps: writes and syncs until the shim cuts by itself.
function choosePlan(random, { power, plain }) {
  const heavy = random.chance(0.2);
  const plan = {
    random,
    depth: random.within(1, 4),
    largest: heavy ? 60_000 : 4000,
    events: random.within(20, heavy ? 900 : 1500),
    death: 'SIGKILL',
    modes: {},
  };
  const lot = plain ? 1 : random.next();
  if (lot < 0.06) {
    plan.death = 'SIGTERM';
  } else if (power && lot < 0.4) {
    plan.death = 'SIGUSR2';
  } else if (power && lot < 0.75) {
    plan.modes.CUT_AT = random.chance(0.2) ? random.within(1, 60) : random.within(60, 2500);
  }
  if (power) {
    plan.modes.SEED = random.within(1, 2 ** 31);
  }
  return plan;
}

class Rounds {
  constructor(options) {
    this.options = options;
    this.power = options.mode === 'power';
    this.plain = options.lie || options.plant !== undefined;
    this.place = new Place({ power: this.power });
    this.world = new World(this.place, { readers: READERS, writers: WRITERS });
    this.isFilled = false; // people are registered: faults that were planted may begin
    this.number = 0;
    this.ready = [];
    this.deaths = {};
    this.faults = [];
  }

  fault(text) {
    this.faults.push(text);
  }

  // A relay that is ready; it may be cut while it starts, and then starts again.
  async start(modes) {
    const wanted = this.options.lie && this.isFilled ? { ...modes, LIE: 1 } : modes;
    if (this.options.plant && this.isFilled) {
      this.place.binary = this.options.plant;
    }
    const took = await this.place.start(wanted);
    if (took === null) {
      await this.died();
      return wanted.CUT_AT ? this.start({ SEED: wanted.SEED + 1 }) : this.failStart();
    }
    this.ready.push(took);
    if (took > READY_MS) {
      this.fault(`it took ${Math.round(took)} ms until it was ready`);
    }
    return true;
  }

  failStart() {
    throw new Error(`the relay does not start:\n${this.place.process.text.slice(-2000)}`);
  }

  async died() {
    this.last = await this.place.ended();
    this.deaths[this.last] = (this.deaths[this.last] ?? 0) + 1;
    const verdict = await this.place.check();
    if (verdict !== 'ok') {
      this.fault(`quick_check: ${verdict}`);
    }
  }

  async first() {
    await this.start({});
    await this.world.populate();
    this.isFilled = true;
    this.writers = this.world.writers.map((device, number) => new Writer(this.world, number));
    this.readers = this.world.readers.map((device, mailbox) => new Reader(this.world, mailbox));
  }

  async load(plan) {
    let left = plan.events;
    const shared = {
      ...plan,
      isOver: () => left <= 0,
      event: () => {
        left -= 1;
        if (left === 0) {
          this.place.kill(plan.death);
        }
      },
    };
    const everybody = [
      ...this.readers.map((reader) => reader.work(shared)),
      ...this.writers.map((writer, number) => writer.work({ ...shared, byHttp: number % 8 === 0 })),
    ];
    await Promise.all(everybody);
  }

  // Most of what waits is acked, so that the mailboxes do not fill.
  async tidy(random, lists) {
    const acks = lists.map((items, mailbox) => {
      const seqs = items.map(({ seq }) => seq).slice(0, random.within(0, items.length));
      if (seqs.length === 0) {
        return null;
      }
      return seqs.length > 1000 || random.chance(0.5)
        ? this.world.ackByHttp(mailbox, seqs, { up_to: seqs.at(-1) })
        : this.world.ackByHttp(mailbox, seqs);
    });
    await Promise.all(acks);
  }

  /*
   * After a kill -9 under the shim the machine may live on: then the next relay finds
   * the cache as it was, and none of what differs from the disk is ever written by itself.
   */
  modesAfter(random, modes) {
    const survives = this.power && !this.plain && this.last === 'killed' && random.chance(0.3);
    return survives ? { ...modes, KEEP: 1 } : modes;
  }

  async round(number) {
    const random = new Random(`${this.options.seed}/${number}`);
    const plan = choosePlan(random, this);
    if (this.plain && number === 1) {
      plan.death = 'SIGTERM'; // the database is whole before the planted fault begins
    }
    await (number === 1 ? this.first() : this.start(this.modesAfter(random, plan.modes)));
    const stuck = setTimeout(() => {
      this.fault(`round ${number} is stuck`);
      this.place.kill();
    }, STUCK_MS);
    try {
      await this.tidy(random, await this.judge());
      await this.load(plan);
    } catch (error) {
      if (this.place.isRunning()) {
        throw error;
      }
    } finally {
      clearTimeout(stuck);
    }
    await this.died();
  }

  judge() {
    this.world.begin();
    return this.world.settle();
  }

  async run() {
    const { rounds, first } = this.options;
    while (this.number < rounds && !(first && this.violations > 0)) {
      this.number += 1;
      await this.round(this.number);
    }
    await this.start({});
    await this.judge();
  }

  get violations() {
    return this.world.checker.violations.length + this.faults.length;
  }

  // How often each promise was broken.
  summary() {
    const times = {};
    this.world.checker.violations.forEach(({ promise }) => {
      times[promise] = (times[promise] ?? 0) + 1;
    });
    const parts = Object.entries(times).map(([promise, count]) => `${promise} ${count}`);
    return parts.length > 0 ? ` (${parts.join(', ')})` : '';
  }

  // The first one, the first of each kind, and more.
  shown() {
    const { violations } = this.world.checker;
    const kinds = new Map(violations.map((each) => [each.promise, each]).reverse());
    return [...new Set([...violations.slice(0, 1), ...kinds.values(), ...violations])].slice(0, SHOWN);
  }

  report() {
    const { counts } = this.world.checker;
    const sorted = [...this.ready].sort((x, y) => x - y);
    const say = (share) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
    console.log(`${this.options.mode}: ${this.number} rounds, ${JSON.stringify(this.deaths)}`);
    console.log(`  ${Object.entries(counts).map((each) => each.join(' ')).join(', ')}`);
    console.log(`  ready after ${say(0.5)} ms, at most ${say(1)} ms`);
    this.shown().forEach(({ promise, life, text }) => {
      console.log(`  VIOLATION ${promise} in life ${life}: ${text}`);
    });
    this.faults.slice(0, SHOWN).forEach((text) => console.log(`  FAULT ${text}`));
    if (this.violations > 0) {
      const path = join(process.env.CRASH_LOG ?? tmpdir(), `history-${this.options.seed}.jsonl`);
      writeFileSync(path, this.world.history.map((each) => JSON.stringify(each)).join('\n'));
      console.log(`  seed ${this.options.seed}; the history is in ${path}`);
    }
    console.log(`violations: ${this.violations}${this.summary()}`);
  }
}

function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      lie: { type: 'boolean', default: false },
      plant: { type: 'string' },
      first: { type: 'boolean', default: false },
    },
  });
  return { ...values, mode: positionals[0], rounds: Number(values.rounds) };
}

async function main() {
  const rounds = new Rounds(readOptions());
  try {
    await rounds.run();
  } catch (error) {
    rounds.fault(error.stack);
  } finally {
    rounds.world.close();
    rounds.place.remove();
  }
  rounds.report();
  process.exitCode = rounds.violations > 0 ? 1 : 0;
}

await main();

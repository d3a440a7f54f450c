// SPDX-License-Identifier: Apache-2.0
/*
 * A relay under load whose database goes away and comes back, while the relay
 * itself lives on.  Everybody works without a pause; whoever is answered 503 waits
 * a moment.  The oracle of the crash rounds says what was lost or came again.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as after } from 'node:timers/promises';
import { BINARY } from '../e2e/support/daemon.mjs';
import { Place } from './place.mjs';
import { Random } from './random.mjs';
import { Reader } from './reader.mjs';
import { World } from './world.mjs';
import { Writer } from './writer.mjs';

const AGAIN_MS = 50; // much less than Retry-After: what is measured is the relay, not its clients
const PROBE_MS = 10;
const WRITERS = 6;
const READERS = 3;

// Asks /healthz again and again, and notes how long the answers took.
class Probe {
  constructor(place) {
    this.place = place;
    this.took = [];
    this.isOver = false;
    this.running = this.run();
  }

  async run() {
    while (!this.isOver) {
      const began = performance.now();
      const answer = await this.place.ask('GET', '/healthz', { port: this.place.opsPort });
      if (answer?.status !== 200) {
        throw new Error(answer === null ? this.silence() : `/healthz was answered ${answer.status}`);
      }
      this.took.push(performance.now() - began);
      await after(PROBE_MS);
    }
  }

  silence() {
    const { unanswered, process: { text } } = this.place;
    return `/healthz was not answered: ${unanswered.code} ${unanswered.message}\n${text.slice(-3000)}`;
  }

  async end() {
    this.isOver = true;
    await this.running;
    const sorted = this.took.sort((x, y) => x - y);
    return { probes: sorted.length, usual: sorted[Math.floor(sorted.length * 0.99)], slowest: sorted.at(-1) };
  }
}

export class Outage {
  // set: options of the relay.
  static async begin(set, { seed = '1', readers = READERS, writers = WRITERS } = {}) {
    const outage = new Outage();
    outage.place = new Place({ set, binary: BINARY });
    outage.world = new World(outage.place, { readers, writers });
    outage.seed = seed;
    outage.faults = [];
    outage.waiters = [];
    outage.counts = { stored: 0, unavailable: 0, slowest: 0 };
    try {
      if (await outage.place.start() === null) {
        throw new Error(`the relay does not start:\n${outage.place.process.text}`);
      }
      await outage.world.populate();
      outage.world.begin();
    } catch (error) {
      outage.remove();
      throw error;
    }
    return outage;
  }

  // How many turns of the loop took more than 50 ms of its processor: what else the machine does
  // does not count.
  async longTurns() {
    const { text } = await this.place.ask('GET', '/metrics', { port: this.place.opsPort });
    const count = (le) => Number(text.split(`sealpost_loop_turn_cpu_seconds_bucket{le="${le}"} `)[1].split('\n')[0]);
    return count('+Inf') - count('0.05');
  }

  // Everybody begins to work.
  load() {
    this.isOver = false;
    this.probe = new Probe(this.place);
    this.readers = this.world.readers.map((device, mailbox) => new Reader(this.world, mailbox));
    this.working = Promise.all([
      ...this.readers.map((reader) => this.read(reader)),
      ...this.world.writers.map((device, number) => this.write(new Writer(this.world, number))),
    ]);
  }

  async read(reader) {
    const random = new Random(`${this.seed}/reader ${reader.mailbox}`);
    while (!this.isOver) {
      await reader.work({ random, event: () => {} });
      await after(AGAIN_MS);
    }
  }

  async write(writer) {
    const plan = {
      random: new Random(`${this.seed}/writer ${writer.number}`),
      depth: 2,
      largest: 2000,
      byHttp: writer.number % 3 === 0,
      isOver: () => this.isOver,
      event: () => {},
      heard: (answer, tookMs) => this.hear(answer, tookMs),
    };
    while (!this.isOver) {
      await writer.work(plan);
      await after(AGAIN_MS);
    }
  }

  async hear(answer, tookMs) {
    const { status, headers } = answer;
    const code = answer.json?.type?.replace('urn:sealpost:problem:', '');
    this.counts.slowest = Math.max(this.counts.slowest, tookMs);
    if (status === 201) {
      this.counts.stored += 1;
      this.waiters.splice(0).forEach((tell) => tell());
    } else if (status === 503 && code === 'unavailable') {
      this.counts.unavailable += 1;
      if (headers !== undefined && !(Number(headers['retry-after']) > 0)) {
        this.faults.push('503 without Retry-After');
      }
      await after(AGAIN_MS);
    } else {
      this.faults.push(`a send was answered ${status} ${JSON.stringify(answer.json)}`);
    }
  }

  // Resolves when the next send is stored, with how long that took.
  async stored() {
    const began = performance.now();
    await new Promise((tell) => {
      this.waiters.push(tell);
    });
    return performance.now() - began;
  }

  async ready() {
    const { status, text } = await this.place.ask('GET', '/readyz', { port: this.place.opsPort });
    return { status, text };
  }

  // Resolves when mail can be read, with how long that took.
  async readable() {
    const began = performance.now();
    const [{ token }] = this.world.readers;
    while ((await this.place.ask('GET', '/v1/mailbox?limit=1', { token })).status !== 200) {
      await after(AGAIN_MS);
    }
    return performance.now() - began;
  }

  // Let all end that is under way, look at every mailbox, and say what went wrong.
  async end() {
    this.isOver = true;
    this.readers.forEach((reader) => reader.line.drop());
    await this.working;
    this.counts.health = await this.probe.end();
    this.counts.longTurns = await this.longTurns();
    this.counts.readable = await this.readable();
    await this.world.settle();
    const said = this.world.checker.violations.map(({ promise, text }) => `${promise}: ${text}`);
    return [...this.faults, ...said];
  }

  // An orderly stop; gives the exit code.
  async stop() {
    this.place.kill('SIGTERM');
    return this.place.ended();
  }

  remove() {
    this.isOver = true;
    if (this.probe !== undefined) {
      this.probe.isOver = true;
    }
    this.readers?.forEach((reader) => reader.line?.drop());
    this.world.close();
    this.place.remove();
  }
}

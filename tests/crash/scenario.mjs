// SPDX-License-Identifier: Apache-2.0
// What the scenarios share: options, a few people, a load, and how they end.
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Place } from './place.mjs';
import { Reader } from './reader.mjs';
import { World } from './world.mjs';
import { Writer } from './writer.mjs';

const SHOWN = 10;

export class Scenario {
  constructor(name, defaults, { readers = 3, writers = 4, set = {} } = {}) {
    const options = { seed: { type: 'string', default: '1' } };
    Object.entries(defaults).forEach(([key, value]) => {
      options[key] = { type: 'string', default: String(value) };
    });
    this.name = name;
    this.options = parseArgs({ options }).values;
    this.place = new Place({ power: true, set });
    this.world = new World(this.place, { readers, writers });
    this.faults = [];
  }

  fault(text) {
    this.faults.push(text);
  }

  expect(good, text) {
    if (!good) {
      this.fault(text);
    }
  }

  // Register people and put what is on the disk then aside.
  async prepare() {
    await this.start();
    await this.world.populate();
    this.place.kill('SIGTERM');
    this.expect(await this.place.ended() === 0, 'an orderly stop did not exit with 0');
    this.place.save();
    this.writers = this.world.writers.map((device, number) => new Writer(this.world, number));
    this.readers = this.world.readers.map((device, mailbox) => new Reader(this.world, mailbox));
  }

  async start(modes = {}) {
    if (await this.place.start(modes) === null) {
      throw new Error(`the relay does not start:\n${this.place.process.text}`);
    }
  }

  // Start, and judge what waits.
  async judge(modes = {}) {
    await this.start(modes);
    this.world.begin();
    return this.world.settle();
  }

  // Everybody works until the relay is gone; it is killed after plan.events answers.
  async load(plan) {
    let left = plan.events;
    const shared = {
      depth: 2, largest: 4000, ...plan,
      isOver: () => left <= 0,
      event: () => {
        left -= 1;
        if (left === 0) {
          this.place.kill();
        }
      },
    };
    await Promise.all([
      ...this.readers.map((reader) => reader.work(shared)),
      ...this.writers.map((writer, number) => writer.work({ ...shared, byHttp: number === 0 })),
    ]);
    return this.place.ended();
  }

  // Take over what the oracle saw, and begin anew.
  collect(where) {
    const { violations } = this.world.checker;
    violations.slice(0, SHOWN).forEach(({ promise, life, text }) => {
      this.fault(`${where}: ${promise} in life ${life}: ${text}`);
    });
    if (violations.length > 0) {
      const path = join(process.env.CRASH_LOG ?? tmpdir(), `history-${this.name}-${where}.jsonl`);
      writeFileSync(path, this.world.history.map((each) => JSON.stringify(each)).join('\n'));
      this.fault(`${where}: the history is in ${path}`);
    }
    this.world.forget();
    this.writers.forEach((writer) => writer.forget());
  }

  // Run body and say how it went; the exit code is 1 when something was wrong.
  async run(body) {
    const began = performance.now();
    let summary = '';
    try {
      summary = await body();
    } catch (error) {
      this.fault(error.stack);
    } finally {
      this.world.close();
      this.place.remove();
    }
    console.log(`${this.name}: ${summary}, ${Math.round((performance.now() - began) / 1000)} s`);
    this.faults.slice(0, SHOWN).forEach((text) => console.log(`  FAULT ${text}`));
    console.log(`violations: ${this.faults.length}, seed ${this.options.seed}`);
    process.exitCode = this.faults.length > 0 ? 1 : 0;
  }
}

// SPDX-License-Identifier: Apache-2.0
/*
 * The disk fills up while it is written to: sends are answered 503 storage_full,
 * what waits can be read and acked, and within five seconds of there being room
 * sends are stored again, without a restart.  Then the power goes.
 *
 *   node disk_full.mjs [--rounds N] [--seed S]
 */
import { Random } from './random.mjs';
import { Scenario } from './scenario.mjs';

const MIB = 1 << 20;
const BALLAST = 4 * MIB;
const RECOVERY_MS = 5000;
const ACKED_AT_ONCE = 20;
const FULL_ANSWERS = 8; // of each writer, before it counts as full

const scenario = new Scenario('disk-full', { rounds: 10 }, {
  set: { ballast_bytes: String(BALLAST) },
});
const { place, world, options } = scenario;
const counts = { full: 0, ackedWhileFull: 0, slowest: 0 };

const isFull = ({ status, json }) => status === 503 && json?.type?.endsWith(':storage_full');

// Writers send until every one of them was refused a few times.
async function fill(random, number) {
  let left = FULL_ANSWERS * scenario.writers.length;
  const plan = {
    random, depth: 2, largest: 60_000,
    isOver: () => left <= 0,
    event: () => {},
    heard: (answer) => {
      left -= isFull(answer) ? 1 : 0;
      counts.full += isFull(answer) ? 1 : 0;
      scenario.expect(answer.status === 201 || answer.status === 503,
        `round ${number}: a send was answered ${answer.status} ${JSON.stringify(answer.json)}`);
    },
  };
  await Promise.all(scenario.writers.map(
    (writer, at) => writer.work({ ...plan, byHttp: at === 0 }),
  ));
}

// Half of what waits is acked, in small pieces, as a client does.
async function ackWhileFull(number, lists) {
  for (const [mailbox, items] of lists.entries()) {
    const seqs = items.slice(0, items.length >> 1).map(({ seq }) => seq);
    while (seqs.length > 0) {
      const some = seqs.splice(0, ACKED_AT_ONCE);
      const answer = await world.ackByHttp(mailbox, some);
      scenario.expect(answer?.status === 200,
        `round ${number}: an ack on a full disk was answered ${answer?.status} ${answer?.text}`);
      counts.ackedWhileFull += answer?.status === 200 ? some.length : 0;
    }
  }
}

// There is room: one writer tries until it is stored.
async function recover(random, number) {
  const began = performance.now();
  let stored = false;
  const isLate = () => performance.now() - began > RECOVERY_MS;
  await scenario.writers[0].work({
    random, byHttp: true, largest: 1000,
    isOver: () => stored || isLate(),
    event: () => {},
    heard: ({ status }) => {
      stored = stored || status === 201;
    },
  });
  const took = performance.now() - began;
  counts.slowest = Math.max(counts.slowest, took);
  scenario.expect(stored, `round ${number}: no send was stored ${took} ms after there was room`);
}

async function round(number) {
  const random = new Random(`${options.seed}/${number}`);
  const limit = { LIMIT: place.limit(1 << 30) };
  await scenario.judge(limit);
  place.limit(place.used() + random.within(MIB, 6 * MIB));
  await fill(random, number);
  const lists = await world.settle();
  await ackWhileFull(number, lists);
  place.limit(1 << 30);
  await recover(random, number);
  place.kill();
  await place.ended();
}

await scenario.run(async () => {
  await scenario.prepare();
  const rounds = Number(options.rounds);
  for (let number = 1; number <= rounds; number++) {
    await round(number);
  }
  await scenario.judge();
  scenario.collect('end');
  scenario.expect(counts.full > 0, 'the disk was never full');
  return `${rounds} rounds, ${counts.full} sends refused, ${counts.ackedWhileFull} acked meanwhile, `
    + `stored again after ${Math.round(counts.slowest)} ms at most`;
});

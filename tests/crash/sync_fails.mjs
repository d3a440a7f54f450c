// SPDX-License-Identifier: Apache-2.0
/*
 * The n-th sync fails with EIO, for each n from the start on: whatever the relay
 * answered is there after a power cut, it does not crash, and it says that it is
 * not ready.
 *
 *   node sync_fails.mjs [--from N] [--most N] [--step N] [--seed S] [--lie 1]
 *
 * Every other time the machine lives on after the relay died, with pages in its
 * cache that will never be written: the next relay must not build on them.  And
 * every other time those pages are gone from the cache at once.
 *
 * With --lie the sync that fails says that all went well, as a relay has it that
 * does not look: then envelopes are lost, and the oracle must see that.
 */
import { Random } from './random.mjs';
import { Scenario } from './scenario.mjs';

const EVENTS = 60;
const scenario = new Scenario('sync-fails', { from: 1, most: 200, step: 1, lie: '' });
const { place, world, options } = scenario;

const times = { atStart: 0, serving: 0, refused: 0 };

async function expectNotReady(n) {
  times.refused += 1;
  const answer = await place.ask('GET', '/readyz', { port: place.opsPort });
  scenario.expect(answer?.status !== 200, `sync ${n} failed, and /readyz answers 200`);
}

// One life in which the n-th sync fails; false when there are not that many.
async function failingLife(n, random) {
  const modes = { FAIL_AT: n, SEED: n, ...(n % 4 < 2 ? { EVICT: 1 } : {}) };
  if (options.lie) {
    modes.LIE = 1;
  }
  if (await place.start(modes) === null) {
    times.atStart += 1;
    const code = await place.ended();
    scenario.expect(place.process.said('shim.failed') === 1, `exit code ${code} for no reason`);
    return true;
  }
  world.begin();
  await world.settle();
  let asked = null;
  await scenario.load({
    random, events: EVENTS,
    heard: ({ status }) => {
      if (status === 503 && place.process.said('store.broken') > 0) {
        asked ??= expectNotReady(n);
      }
    },
  });
  await asked;
  times.serving += place.process.said('shim.failed');
  return place.process.said('shim.failed') === 1;
}

async function failOnce(n) {
  const random = new Random(`${options.seed}/${n}`);
  place.restore();
  const happened = await failingLife(n, random);
  await scenario.judge(n % 2 === 1 ? { KEEP: 1 } : {});
  await scenario.load({ random, events: EVENTS >> 1 });
  await scenario.judge();
  place.kill();
  await place.ended();
  scenario.collect(`sync-${n}`);
  return happened;
}

await scenario.run(async () => {
  await scenario.prepare();
  let n = Number(options.from);
  while (n <= Number(options.most) && await failOnce(n)) {
    n += Number(options.step);
  }
  scenario.expect(times.serving > 0 && (options.lie || times.refused > 0),
    'no sync failed while it served');
  const { atStart, serving, refused } = times;
  return `a sync failed ${atStart} times at the start and ${serving} times while serving, `
    + `and sends were refused ${refused} times`;
});

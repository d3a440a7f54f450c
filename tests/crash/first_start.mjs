// SPDX-License-Identifier: Apache-2.0
/*
 * The power goes during the first start on an empty folder, before each of its
 * writes and syncs in turn.  The next start makes it good, and keeps what it
 * then answers.  The same with each sync that fails.
 *
 *   node first_start.mjs [--step N] [--seed S]      step 2: every other one, which by the seed
 */
import { Account } from '../e2e/support/account.mjs';
import { Scenario } from './scenario.mjs';

const scenario = new Scenario('first-start', { step: 1 });
const { place, options } = scenario;

// Somebody registers, and is known after the next cut.
async function expectSound(where) {
  await scenario.start();
  const account = new Account(place);
  const made = await account.register();
  scenario.expect(made.status === 201, `${where}: an account was answered ${made.status}`);
  await account.first.login();
  place.kill();
  await place.ended();
  const verdict = await place.check();
  scenario.expect(verdict === 'ok', `${where}: quick_check: ${verdict}`);
  await scenario.start();
  const answer = await account.first.call('GET', '/v1/mailbox');
  scenario.expect(answer.status === 200, `${where}: its session was answered ${answer.status}`);
  place.kill();
  await place.ended();
}

// One first start with that fault; false: it came through without meeting it.
async function startWith(modes, where) {
  place.empty();
  const isReady = await place.start(modes) !== null;
  if (isReady) {
    place.kill();
  }
  const end = await place.ended();
  const met = end === 'cut' || place.process.said('shim.failed') > 0;
  if (!isReady && !met) {
    scenario.fault(`${where}: the relay does not start:\n${place.process.text}`);
  }
  if (met) {
    await expectSound(where);
  }
  return met;
}

async function eachTime(mode) {
  const step = Number(options.step);
  let n = 1 + (Number(options.seed) % step);
  let times = 0;
  while (await startWith({ [mode]: n, SEED: n + Number(options.seed) }, `${mode} ${n}`)) {
    n += step;
    times += 1;
  }
  scenario.expect(times > 0, `${mode} was never met`);
  return times;
}

await scenario.run(async () => {
  const cuts = await eachTime('CUT_AT');
  const failures = await eachTime('FAIL_AT');
  return `cut at ${cuts} moments, ${failures} syncs failed`;
});

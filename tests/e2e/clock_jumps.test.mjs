// SPDX-License-Identifier: Apache-2.0
// The relay's clock jumps.  Forwards: nothing outlives its end, and what waits for an owner to object
// still waits for the devices to come back.  Back: nothing that is over lives again, and nothing
// comes earlier.
import assert from 'node:assert/strict';
import { recoveryKey } from './support/account.mjs';
import { erase, hashOf, heldBy, hold, household, removal, veto, vetoErasure } from './support/holds.mjs';
import { NewDevice, OldDevice } from './support/links.mjs';
import {
  Asker, Helper, beginRecovery, cancel, meet, recoveriesOf, shareWith,
} from './support/recovery.mjs';
import { assertProblem, assertStatus, ok, scene } from './support/scene.mjs';
import { OP } from './support/signing.mjs';
import {
  answer, appCode, challenge, enrolApp, grantOf, shown, started, wrongAppCode, wrongCode,
} from './support/txns.mjs';

const HOUR_S = 3600;
const DAY_S = 86_400;
const WEEK_S = 7 * DAY_S;
const GRACE_S = 300;
const STEP_S = 40; // a relay that hears nothing from its clock for a minute has slept
const OPTIONS = { clock: true, set: { rate_recoveries: '0' } };
const whom = (account) => ({ account_id: account.idText });
const nowOf = ({ clock }) => Date.now() / 1000 + clock.offset;

// Let time pass, while the relay is awake.
async function walk(relay, seconds) {
  for (let left = seconds; left > 0; left -= STEP_S) {
    relay.clock.advance(Math.min(left, STEP_S));
    ok(await relay.call('GET', '/v1/server'));
  }
}

async function walkUntil(relay, isDone) {
  while (!await isDone()) {
    await walk(relay, STEP_S);
  }
}

// A link that nobody takes is among the last that a whole round of the janitor forgets.
async function jumpAndForget(relay, seconds) {
  const link = await new NewDevice(relay).link();
  relay.clock.advance(seconds);
  let read;
  do {
    relay.clock.advance(1);
    read = await link.call('GET', '');
  } while (read.status === 200);
  assertProblem(read, 404, 'link_unknown');
}

const epochOf = async (account) => ok(await account.read(account.device(3))).epoch;
const isErased = async (account) => (await account.register()).code === 'account_erased';

// Three accounts: one's manifest will be put, another's is vetoed, the third shall be erased.
async function threeHouseholds(relay) {
  const accounts = [];
  for (let i = 0; i < 3; i++) {
    accounts.push(await household(relay, { admins: 2, others: 1 }));
  }
  const [put, vetoed, erased] = accounts;
  const manifests = accounts.map((account) => removal(account, account.first, account.device(2)));
  const until = await hold(put, manifests[0]);
  await hold(vetoed, manifests[1]);
  const answered = await erase(erased.first);
  assertStatus(answered, 202);
  return { put, vetoed, erased, manifests, until, erasedFrom: answered.json.held_until };
}

async function assertAllHeld({ put, vetoed, erased, manifests }) {
  assert.deepEqual([await epochOf(put), await epochOf(vetoed)], [1, 1]);
  assert.deepEqual((await heldBy(put.device(3))).map(({ hash }) => hash), [hashOf(manifests[0])]);
  assert.deepEqual((await heldBy(erased.device(3))).map(({ kind }) => kind), ['erasure']);
}

// What is due is done, and what was vetoed is not.
async function assertDone(relay, { put, vetoed, erased, manifests }) {
  await walkUntil(relay, async () => await epochOf(put) === 2);
  const first = nowOf(relay);
  await walkUntil(relay, () => isErased(erased));
  assert.equal(ok(await put.read(put.device(3))).held.length, 0);
  assertProblem(await put.device(2).call('GET', '/v1/mailbox'), 401, 'session_invalid');
  assert.equal(await epochOf(vetoed), 1);
  assert.deepEqual(await heldBy(vetoed.device(3)), []);
  assertProblem(await veto(vetoed.device(3), manifests[1]), 404, 'not_found');
  return first;
}

scene('what is held waits for the devices when the clock jumps forwards', OPTIONS, async (relay) => {
  const accounts = await threeHouseholds(relay);
  relay.clock.advance(HOUR_S + 1);
  const jumped = nowOf(relay);
  await walk(relay, GRACE_S / 2);
  await assertAllHeld(accounts);
  assertStatus(await veto(accounts.vetoed.device(3), accounts.manifests[1]), 204);
  const first = await assertDone(relay, accounts);
  assert.ok(first >= jumped + GRACE_S - 1, `${first - jumped} seconds after the jump`);
});

scene('what is held is not done earlier when the clock jumps back', OPTIONS, async (relay) => {
  const accounts = await threeHouseholds(relay);
  const { put, vetoed, erased, manifests, until, erasedFrom } = accounts;
  relay.clock.advance(-HOUR_S / 2);
  await assertAllHeld(accounts);
  assert.deepEqual((await heldBy(put.first)).map(({ held_until: at }) => at), [until]);
  assert.equal(await hold(put, manifests[0]), until);
  assertStatus(await veto(vetoed.device(3), manifests[1]), 204);
  assertStatus(await vetoErasure(erased.device(3), erased.first), 204);
  const again = await erase(erased.first);
  assertStatus(again, 202);
  assert.ok(again.json.held_until < erasedFrom);
  await walk(relay, HOUR_S + HOUR_S / 2 - 2 * STEP_S);
  assert.equal(await epochOf(put), 1);
  assert.ok(await assertDone(relay, accounts) >= until);
});

// An owner whose friend has sent the share of a recovery that is open.
async function askedFor(relay, slot) {
  const owner = await relay.account({ recovery: recoveryKey() });
  const friend = (await relay.account()).first;
  const share = await shareWith(owner.first, slot);
  const asker = new Asker(relay);
  const begun = await asker.begin(whom(owner));
  await meet(asker, new Helper(friend, asker.id), share);
  return { owner, asker, begun };
}

async function releasedWhileAwake(relay, asker) {
  let reply = await asker.release();
  await walkUntil(relay, async () => {
    reply = await asker.release();
    return reply.code !== 'recovery_waiting';
  });
  return ok(reply);
}

scene('a recovery whose clock jumps forwards can be vetoed, and has an end', OPTIONS,
  async (relay) => {
    const vetoed = await askedFor(relay, 1);
    const released = await askedFor(relay, 2);
    const late = await askedFor(relay, 3);
    relay.clock.advance(DAY_S + 1);
    const jumped = nowOf(relay);
    for (const { asker } of [vetoed, released, late]) {
      assertProblem(await asker.release(), 409, 'recovery_waiting');
    }
    await vetoed.owner.first.login();
    assertStatus(await cancel(vetoed.owner.first, vetoed.asker.id), 204);
    const reply = await releasedWhileAwake(relay, released.asker);
    assert.deepEqual(released.asker.open(reply), released.owner.recovery.seed);
    assert.ok(nowOf(relay) >= jumped + GRACE_S - 1, `${nowOf(relay) - jumped} seconds after`);
    assertProblem(await vetoed.asker.release(), 409, 'recovery_ended', { state: 'cancelled' });

    await jumpAndForget(relay, WEEK_S);
    for (const back of [0, -WEEK_S]) {
      relay.clock.advance(back);
      for (const { asker, owner } of [vetoed, released, late]) {
        for (const each of [await asker.release(), await asker.withdraw(), await asker.exchange(),
          await asker.post('poll')]) {
          assertProblem(each, 404, 'recovery_unknown');
        }
        await owner.first.login();
        assert.deepEqual(await recoveriesOf(owner.first), []);
        assertProblem(await cancel(owner.first, asker.id), 404, 'recovery_unknown');
      }
    }
    assertStatus(await beginRecovery(relay, whom(late.owner)), 201);
  });

scene('a recovery comes no earlier when the clock jumps back, and once', OPTIONS, async (relay) => {
  const vetoed = await askedFor(relay, 1);
  const released = await askedFor(relay, 2);
  const until = released.begun.wait_until;
  relay.clock.advance(-DAY_S / 2);
  for (const { asker, owner, begun } of [vetoed, released]) {
    assertProblem(await asker.release(), 409, 'recovery_waiting', { wait_until: begun.wait_until });
    assertProblem(await beginRecovery(relay, whom(owner)), 409, 'recovery_open');
  }
  assertStatus(await cancel(vetoed.owner.first, vetoed.asker.id), 204);
  relay.clock.advance(DAY_S); // a day has passed, as it seems, and half a day is left
  await walk(relay, 2 * GRACE_S);
  assertProblem(await released.asker.release(), 409, 'recovery_waiting', { wait_until: until });
  relay.clock.advance(DAY_S / 2 - 2 * GRACE_S);
  const reply = await releasedWhileAwake(relay, released.asker);
  assert.deepEqual(released.asker.open(reply), released.owner.recovery.seed);
  assert.ok(nowOf(relay) >= until);
  for (const back of [0, -DAY_S - 2 * GRACE_S]) {
    relay.clock.advance(back);
    for (const [{ asker }, state] of [[released, 'released'], [vetoed, 'cancelled']]) {
      assert.equal((await asker.poll()).state, state);
      assertProblem(await asker.release(), 409, 'recovery_ended', { state });
    }
  }
});

// Claimed by the account's first device, with a candidate.
async function candidateOf(account, comer) {
  const old = new OldDevice(account.first, comer.id);
  await old.scan(comer.uri);
  await old.claim();
  const candidate = old.candidate();
  ok(await old.put(candidate));
  return { comer, old, candidate, view: await comer.read() };
}

scene('links end at their time, and prompts stay counted, however the clock jumps', OPTIONS,
  async (relay) => {
    const account = await relay.account();
    const prompt = () => new NewDevice(relay).begin(whom(account));
    const asked = await new NewDevice(relay).link(whom(account));
    const [done, over] = [await new NewDevice(relay).link(), await new NewDevice(relay).link()];
    const [good, late] = [await candidateOf(account, done), await candidateOf(account, over)];
    assertStatus(await prompt(), 201);
    assertStatus(await prompt(), 201);

    relay.clock.advance(-300);
    assertProblem(await prompt(), 429, 'rate_limited');
    ok(await good.comer.sign(good.view));
    good.old.follow(good.candidate, good.comer.deviceOf(account, 1));
    assert.equal((await asked.read()).state, 'created');
    assert.equal(ok(await account.first.call('GET', '/v1/links')).links.length, 4);

    relay.clock.advance(300 + 601);
    await relay.metricReaches('links_expired_total', 4);
    for (const back of [0, -601, -300]) {
      relay.clock.advance(back);
      assert.deepEqual(ok(await account.first.call('GET', '/v1/links')).links, []);
      for (const { comer } of [late, { comer: asked }]) {
        assert.equal((await comer.read()).state, 'expired');
        assertProblem(await comer.say(Buffer.from('now')), 409, 'link_conflict',
          { state: 'expired' });
        const old = Object.assign(new OldDevice(account.first, comer.id), comer);
        for (const step of [await old.step('/claim'), await old.put(late.candidate),
          await old.deny()]) {
          assertProblem(step, 409, 'link_conflict', { state: 'expired' });
        }
      }
      assertProblem(await over.sign(late.view), 409, 'link_conflict', { state: 'expired' });
      assert.equal((await done.read()).state, 'done');
      assertProblem(await prompt(), 429, 'rate_limited');
    }
    assert.equal(ok(await account.read(account.first)).epoch, 1);
    relay.clock.advance(300 + HOUR_S + 1);
    assertStatus(await prompt(), 201);
  });

const eraseBy = (device, grant) => device.command(OP.accountDelete, 'DELETE', '/v1/account',
  { account_id: device.account.idText, grant });

scene('grants and transactions end once, however the clock jumps', OPTIONS, async (relay) => {
  const { first } = await relay.account();
  const account = first.account;
  const codeOf = async () => (await shown(first)).at(-1).code;
  const app = await enrolApp(first);
  const byApp = (purpose) => grantOf(first, purpose, 'totp', appCode(app.secret, relay, 1));
  const link = (grant) => new NewDevice(relay).begin({ ...whom(account), grant });
  const recover = (grant) => beginRecovery(relay, whom(account), { grant });
  const late = { link: await grantOf(first, 'link', 'code', codeOf), recover: await byApp('recover') };
  const open = await started(relay, 'link', whom(account), 'code');
  const code = await codeOf();
  await jumpAndForget(relay, 2 * HOUR_S);
  for (const back of [0, -2 * HOUR_S]) {
    relay.clock.advance(back);
    assertProblem(await link(late.link), 403, 'grant_required');
    assertProblem(await recover(late.recover), 403, 'grant_required');
    assertProblem(await eraseBy(first, late.recover), 403, 'stepup_required');
    assertProblem(await answer(relay, open.txn, open.challenge, code), 404, 'challenge_unknown');
    assertProblem(await challenge(relay, open.txn, 'code'), 404, 'txn_unknown');
    assert.deepEqual(await shown(first), []);
  }

  relay.clock.advance(2 * HOUR_S + 60); // past the last step of the app that was seen
  const grants = { link: await byApp('link') };
  relay.clock.advance(60);
  grants.recover = await byApp('recover');
  const spent = await started(relay, 'stepup', whom(account), 'totp');
  for (let i = 0; i < 5; i++) {
    assertProblem(await answer(relay, spent.txn, spent.challenge, wrongAppCode(app.secret, relay)),
      403, 'answer_wrong');
  }
  assertStatus(await link(grants.link), 201);
  relay.clock.advance(-600);
  assertProblem(await link(grants.link), 403, 'grant_required'); // it was used
  assertStatus(await recover(grants.recover), 201); // it was not
  assertProblem(await recover(grants.recover), 403, 'grant_required');
  assertProblem(await answer(relay, spent.txn, spent.challenge, appCode(app.secret, relay)), 404,
    'challenge_unknown');
  const again = await started(relay, 'stepup', whom(account), 'totp');
  for (const steps of [-1, 0, 1]) { // steps that nobody has used, before one that was
    assertProblem(await answer(relay, again.txn, again.challenge, appCode(app.secret, relay, steps)),
      403, 'answer_wrong');
  }
});

scene('guesses and codes stay counted when the clock jumps back', OPTIONS, async (relay) => {
  const account = await relay.account();
  const app = await enrolApp(account.first);
  for (let i = 0; i < 3; i++) {
    const asked = await started(relay, 'link', whom(account), 'code');
    const wrong = wrongCode((await shown(account.first)).at(-1).code);
    for (let tries = 0; tries < 5 && i < 2; tries++) {
      assertProblem(await answer(relay, asked.txn, asked.challenge, wrong), 403, 'answer_wrong');
    }
  }
  for (const back of [0, -600, -5 * HOUR_S]) {
    relay.clock.advance(back);
    const asked = await started(relay, 'link', whom(account), 'totp');
    const refused = [
      await answer(relay, asked.txn, asked.challenge, appCode(app.secret, relay)),
      await challenge(relay, asked.txn, 'code'),
    ];
    refused.forEach((each) => assertProblem(each, 429, 'rate_limited'));
  }
});

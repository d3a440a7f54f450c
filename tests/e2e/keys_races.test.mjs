// SPDX-License-Identifier: Apache-2.0
// A key for single use is handed out once, whatever happens meanwhile.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eachOf } from './support/crowd.mjs';
import { hasServer } from './support/database.mjs';
import {
  EC, KYBER, LAST, SIGNED, SignalKeys, numbered, oneTimeEc, people,
} from './support/prekeys.mjs';
import { assertProblem, assertStatus, ok, scene } from './support/scene.mjs';
import { TwoRelays, through } from './support/two_relays.mjs';

const UNLIMITED = { set: { rate_claim_pair: 0, rate_claim_target: 0 } };
const TIMEOUT_MS = 180_000;
const LAST_ID = 1000;
const skip = hasServer ? false : 'there is no PostgreSQL server: see tests/support/with_postgres';

const distinct = (values) => new Set(values).size;

// A hundred for single use and a last resort.
const stock = (signal) => ({
  [KYBER]: numbered(100, (id) => signal.kyber(id)), [LAST]: [signal.kyber(LAST_ID)],
});

const kyberOf = (answer) => ok(answer).devices[0].keys[KYBER];

// 100 that are given once, and as many last resorts.
function assertHandedOutOnce(keys, count) {
  const once = keys.filter((key) => !key.last_resort);
  assert.equal(once.length, 100);
  assert.equal(distinct(once.map((key) => key.key)), 100);
  const last = keys.filter((key) => key.last_resort);
  assert.equal(last.length, count - 100);
  assert.ok(last.every(({ id }) => id === LAST_ID));
}

// So many calls, at most `wide` at once.
const inParallel = (count, wide, call) => eachOf(Array(count).fill(0), (_, i) => call(i), wide);

scene('200 claims on 100 keys', UNLIMITED, async (relay) => {
  const { signal, owner, device, claimant } = await people(relay);
  ok(await device.putKeys(stock(signal)));
  const answers = await inParallel(200, 40, () => claimant.claim(owner, [KYBER]));
  assertHandedOutOnce(answers.map(kyberOf), 200);
  const { slots } = ok(await device.call('GET', '/v1/keys'));
  assert.deepEqual([slots[KYBER].count, slots[LAST].last_resort_uses], [0, 100]);
});

scene('claims among which the relay is killed', UNLIMITED, async (relay) => {
  const { signal, owner, device, claimant } = await people(relay);
  ok(await device.putKeys(stock(signal)));
  const given = [];
  for (let round = 0; round < 5; round++) {
    let answered = 0;
    const all = inParallel(60, 12, async () => {
      const answer = await claimant.claim(owner, [KYBER]).catch(() => null);
      if (answer === null) {
        return null;
      }
      answered += 1;
      if (answered === 8) {
        await relay.kill();
      }
      return answer;
    });
    given.push(...(await all).filter((answer) => answer?.status === 200).map(kyberOf));
    await relay.up();
  }
  const { count } = ok(await device.call('GET', '/v1/keys')).slots[KYBER];
  const once = given.filter((key) => !key.last_resort);
  assert.equal(distinct(once.map(({ id }) => id)), once.length);
  assert.ok(once.length >= 40 && once.length + count <= 100);
  const rest = await inParallel(count + 3, 4, () => claimant.claim(owner, [KYBER]));
  const left = rest.map(kyberOf).filter((key) => !key.last_resort);
  assert.equal(left.length, count);
  assert.equal(distinct([...once, ...left].map(({ id }) => id)), once.length + count);
});

test('200 claims from two daemons', { timeout: TIMEOUT_MS, skip }, async (t) => {
  const two = await TwoRelays.start(t, UNLIMITED);
  const { signal, owner, device, claimant } = await people(two.a);
  ok(await device.putKeys(stock(signal)));
  const claimants = [claimant, through(two.b, claimant)];
  const answers = await inParallel(200, 40, (i) => claimants[i % 2].claim(owner, [KYBER]));
  assertHandedOutOnce(answers.map(kyberOf), 200);
});

test('an owner hears of claims at the other daemon', { timeout: TIMEOUT_MS, skip }, async (t) => {
  const two = await TwoRelays.start(t, UNLIMITED);
  const { signal, owner, device, claimant } = await people(two.a);
  ok(await device.putKeys({ [EC]: numbered(20, oneTimeEc), [LAST]: [signal.kyber(1)] }));
  const stream = await device.open();
  await stream.caughtUp();
  const elsewhere = through(two.b, claimant);
  ok(await elsewhere.claim(owner, [EC, KYBER]));
  assert.equal((await stream.event('keys.low')).count, 19);
  const { count, slot } = await stream.event('keys.last_resort_used');
  assert.deepEqual([slot, count], [LAST, 1]);
});

scene('a claim sees the keys before a replacement or those after, never both', UNLIMITED,
  async (relay) => {
    const { signal, owner, device, claimant } = await people(relay);
    const slots = (generation) => ({
      [EC]: numbered(60, oneTimeEc, generation * 1000), [SIGNED]: [signal.signedEc(generation)],
    });
    ok(await device.putKeys(slots(1), { replace: [EC] }));
    const claiming = inParallel(120, 10, () => claimant.claim(owner, [EC, SIGNED]));
    for (let generation = 2; generation < 12; generation++) {
      ok(await device.putKeys(slots(generation), { replace: [EC] }));
    }
    const got = (await claiming).map((answer) => ok(answer).devices[0].keys);
    got.filter((keys) => keys[EC]).forEach((keys) => {
      assert.equal(Math.floor(keys[EC].id / 1000), keys[SIGNED].id);
    });
    const ids = got.flatMap((keys) => keys[EC]?.id ?? []);
    assert.equal(distinct(ids), ids.length);
  });

scene('a claim never yields keys of a device that left', UNLIMITED, async (relay) => {
  const { owner, claimant } = await people(relay, { devices: 2 });
  for (let round = 0; round < 6; round++) {
    const [id] = [round + 10];
    const [added] = await owner.grow(id);
    ok(await added.putKeys({ [EC]: numbered(40, oneTimeEc) }));
    const before = owner.head.epoch;
    const claiming = inParallel(24, 8, () => claimant.claim(owner, [EC], { since: before }));
    await owner.change({ remove: [id] });
    for (const answer of await claiming) {
      const { epoch, devices } = ok(answer);
      assert.equal(devices.some((device) => device.device_id === id), epoch === before);
      assert.equal(devices.some((device) => device.keys[EC]), epoch === before);
    }
    const after = ok(await claimant.claim(owner, [EC], { devices: [id] }));
    assert.deepEqual(after.devices, []);
  }
});

scene('keys go with their device, and with their account', UNLIMITED, async (relay) => {
  const { signal, owner, device, claimant } = await people(relay, { devices: 2 });
  const second = owner.device(2);
  await second.login();
  for (const each of [device, second]) {
    ok(await each.putKeys({ [EC]: numbered(3, oneTimeEc), [SIGNED]: [signal.signedEc()] }));
  }
  ok(await claimant.claim(owner, [EC]));
  await owner.change({ remove: [2] });
  assert.equal(ok(await claimant.claim(owner, [EC])).devices.length, 1);
  assertStatus(await device.command(1, 'DELETE', '/v1/account', { account_id: owner.idText }), 204);
  assertProblem(await claimant.claim(owner, [EC]), 404, 'not_found');
  const left = await relay.admin('GET', '/admin/stats');
  assert.equal(left.json.devices, 1);
});

scene('keys go when the identity that they belong to is another', UNLIMITED, async (relay) => {
  const { signal, owner, device, claimant } = await people(relay);
  ok(await device.putKeys({ [EC]: numbered(3, oneTimeEc), [SIGNED]: [signal.signedEc()] }));
  const other = new SignalKeys();
  const changed = Object.create(device, { keys: { value: [other.entry], writable: true } });
  await owner.change({ devices: [changed], signers: [{ signer: 1, key: device.key }] });
  assert.deepEqual(ok(await claimant.claim(owner, [EC, SIGNED])).devices[0].keys, {});
  const old = await device.putKeys({ [SIGNED]: [signal.signedEc(2)] });
  assertProblem(old, 422, 'key_invalid', { reason: 'signature_invalid' });
  ok(await device.putKeys({ [SIGNED]: [other.signedEc(2)] }));
});

scene('after an older database was put back no key for single use goes out', UNLIMITED,
  async (relay) => {
    const { signal, owner, device, claimant } = await people(relay);
    const keys = stock(signal);
    ok(await device.putKeys({ ...keys, [SIGNED]: [signal.signedEc(5)] }));
    await relay.stop();
    await relay.saveDatabase('copy');
    await relay.up();
    const taken = kyberOf(await claimant.claim(owner, [KYBER]));
    assert.equal(taken.id, 1);
    await relay.stop();
    await relay.putBackDatabase('copy');
    await relay.up();

    const got = ok(await claimant.claim(owner, [KYBER, SIGNED])).devices[0].keys;
    assert.deepEqual([got[KYBER].id, got[KYBER].last_resort], [LAST_ID, true]);
    assert.equal(got[SIGNED].id, 5, 'a static key is as good as before');
    const stream = await device.open();
    const hello = await stream.event('hello');
    assert.deepEqual(hello.keys[KYBER], {
      count: 0, generation: 2 ** 20 + 1, last_resort: true, stale: true,
    });
    assert.equal(hello.keys[SIGNED].stale, undefined);

    const again = ok(await device.putKeys({ [KYBER]: keys[KYBER] }, { replace: [KYBER] }));
    assert.equal(again.slots[KYBER].count, 0, 'each of them may have been handed out');
    assert.equal(again.slots[KYBER].stale, undefined);
    const fresh = numbered(5, (id) => signal.kyber(id), 500);
    assert.equal(ok(await device.putKeys({ [KYBER]: fresh })).slots[KYBER].count, 5);
    assert.equal(kyberOf(await claimant.claim(owner, [KYBER])).id, 500);
  });

scene('at the operator\'s word it is the same', UNLIMITED, async (relay) => {
  const { owner, device, claimant } = await people(relay);
  ok(await device.putKeys({ [EC]: numbered(30, oneTimeEc) }));
  assertStatus(await relay.admin('POST', '/admin/restored', { json: {} }), 200);
  assert.deepEqual(ok(await claimant.claim(owner, [EC])).devices[0].keys, {});
  const { slots } = ok(await device.putKeys({ [EC]: numbered(2, oneTimeEc, 50) }));
  assert.deepEqual(slots[EC], { count: 2, generation: 2 ** 20 + 1, last_resort: false });
  assert.equal(ok(await claimant.claim(owner, [EC])).devices[0].keys[EC].id, 50);
});

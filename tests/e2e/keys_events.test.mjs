// SPDX-License-Identifier: Apache-2.0
// What owners of public keys hear, and how slowly others may drain them.
import assert from 'node:assert/strict';
import {
  EC, KYBER, LAST, MLS, MlsKeys, SIGNED, numbered, oneTimeEc, people,
} from './support/prekeys.mjs';
import { assertStatus, ok, scene } from './support/scene.mjs';

const UNLIMITED = { set: { rate_claim_pair: 0, rate_claim_target: 0 } };
const DAY_S = 86_400;

async function claims(claimant, owner, slots, count) {
  const keys = [];
  for (let i = 0; i < count; i++) {
    keys.push(ok(await claimant.claim(owner, slots)).devices[0].keys);
  }
  return keys;
}

// Events of a name that have come so far.
const heard = (stream, name) => stream.inbox.count((each) => each.event === name);

scene('an owner hears once that few keys are left, each time they become few', UNLIMITED,
  async (relay) => {
    const { owner, device, claimant } = await people(relay);
    ok(await device.putKeys({ [EC]: numbered(22, oneTimeEc) }));
    const stream = await device.open();
    const { keys } = await stream.event('hello');
    assert.deepEqual(keys, { [EC]: { count: 22, generation: 1, last_resort: false } });
    await claims(claimant, owner, [EC], 2);
    await stream.barrier();
    assert.equal(heard(stream, 'keys.low'), 0);
    await claims(claimant, owner, [EC], 3);
    assert.deepEqual(await stream.event('keys.low'), {
      kind: 'event', event: 'keys.low', slot: EC, count: 19,
    });
    await stream.barrier();
    assert.equal(heard(stream, 'keys.low'), 0);
    ok(await device.putKeys({ [EC]: numbered(3, oneTimeEc, 100) })); // 20 again
    await claims(claimant, owner, [EC], 1);
    assert.equal((await stream.event('keys.low')).count, 19);
    ok(await device.putKeys({ [EC]: numbered(5, oneTimeEc) }, { replace: [EC] }));
    await claims(claimant, owner, [EC], 2); // what was few from the start crosses nothing
    await stream.barrier();
    assert.equal(heard(stream, 'keys.low'), 0);
  });

scene('an owner hears of uses of the last resort, not of each', UNLIMITED, async (relay) => {
  const { signal, owner, device, claimant } = await people(relay);
  ok(await device.putKeys({ [KYBER]: [signal.kyber(1)], [LAST]: [signal.kyber(2)] }));
  const stream = await device.open();
  await claims(claimant, owner, [KYBER], 10);
  const counts = [];
  for (let i = 0; i < 4; i++) {
    const { slot, first_use: firstUse, count } = await stream.event('keys.last_resort_used');
    assert.deepEqual([slot, firstUse % DAY_S], [LAST, 0]);
    counts.push(count);
  }
  assert.deepEqual(counts, [1, 2, 4, 8]);
  await stream.barrier();
  assert.equal(heard(stream, 'keys.last_resort_used'), 0);
  ok(await device.putKeys({ [LAST]: [signal.kyber(3)] }));
  await claims(claimant, owner, [KYBER], 1);
  assert.equal((await stream.event('keys.last_resort_used')).count, 1);
});

scene('hello says what is due: another static key, another last resort', {
  ...UNLIMITED, clock: true,
}, async (relay) => {
  const { signal, owner, device, claimant } = await people(relay);
  ok(await device.putKeys({ [SIGNED]: [signal.signedEc()], [LAST]: [signal.kyber(2)] }));
  ok(await claimant.claim(owner, [KYBER]));
  const rotates = async () => {
    await device.login();
    const { keys } = await (await device.open()).event('hello');
    return [keys[SIGNED].rotate, keys[LAST].rotate];
  };
  assert.deepEqual(await rotates(), [undefined, undefined]);
  relay.clock.advance(8 * DAY_S);
  assert.deepEqual(await rotates(), [undefined, true]);
  relay.clock.advance(23 * DAY_S);
  assert.deepEqual(await rotates(), [true, true]);
});

scene('who claims too often is given last resorts, and takes nothing', {}, async (relay) => {
  const { signal, owner, device, claimant } = await people(relay);
  const second = (await relay.account()).first;
  ok(await device.putKeys({
    [EC]: numbered(20, oneTimeEc), [KYBER]: numbered(20, (id) => signal.kyber(id)),
    [LAST]: [signal.kyber(99)], [SIGNED]: [signal.signedEc()],
  }));
  const slots = [EC, KYBER, SIGNED];
  const keys = await claims(claimant, owner, slots, 8);
  assert.deepEqual(keys.map((each) => each[KYBER].id), [1, 2, 3, 4, 5, 6, 99, 99]);
  assert.deepEqual(keys.map((each) => each[EC]?.id), [1, 2, 3, 4, 5, 6, undefined, undefined]);
  assert.ok(keys.every((each) => each[SIGNED]));
  assert.equal(ok(await device.call('GET', '/v1/keys')).slots[EC].count, 14);
  assert.equal((await claims(second, owner, slots, 1))[0][KYBER].id, 7);
  const { limits } = (await relay.call('GET', '/v1/server')).json;
  assert.deepEqual([limits.rate_claim_pair, limits.rate_claim_target], [6, 60]);
});

scene('all together drain a device slowly, too', { set: { rate_claim_target: 4 } },
  async (relay) => {
    const { signal, owner, device } = await people(relay);
    ok(await device.putKeys({
      [KYBER]: numbered(9, (id) => signal.kyber(id)), [LAST]: [signal.kyber(99)],
    }));
    const ids = [];
    for (let i = 0; i < 6; i++) {
      const { first } = await relay.account();
      ids.push((await claims(first, owner, [KYBER], 1))[0][KYBER].id);
    }
    assert.deepEqual(ids, [1, 2, 3, 4, 99, 99]);
  });

scene('a claim that fails is not counted', {}, async (relay) => {
  const { owner, device, claimant } = await people(relay);
  ok(await device.putKeys({ [EC]: numbered(9, oneTimeEc) }));
  for (let i = 0; i < 9; i++) {
    assertStatus(await claimant.claim(owner, ['x.none']), 422);
    assertStatus(await claimant.claim({ idText: 'A'.repeat(43) }, [EC]), 404);
  }
  const keys = await claims(claimant, owner, [EC], 6);
  assert.deepEqual(keys.map((each) => each[EC].id), [1, 2, 3, 4, 5, 6]);
});

scene('a KeyPackage goes when its life is over, or after 90 days', {
  ...UNLIMITED, clock: true,
}, async (relay) => {
  const mls = await MlsKeys.create();
  const owner = await relay.account({ keys: [mls.entry] });
  const device = owner.first;
  const claimant = (await relay.account()).first;
  const now = Math.floor(Date.now() / 1000);
  const short = await mls.keyPackage({ lifetime: { notAfter: now + 3600 } });
  const long = await mls.keyPackage();
  ok(await device.putKeys({ [MLS]: [short, long] }));
  const count = async () => ok(await device.call('GET', '/v1/keys')).slots[MLS].count;
  assert.equal(await count(), 2);
  relay.clock.advance(3700);
  assert.equal(await count(), 1);
  const [{ [MLS]: got }] = await claims(claimant, owner, [MLS], 1);
  assert.equal(got.id, long.id);
  ok(await device.putKeys({ [MLS]: [await mls.keyPackage()] }));
  relay.clock.advance(89 * DAY_S);
  await device.login();
  assert.equal(await count(), 1);
  relay.clock.advance(2 * DAY_S);
  await device.login();
  assert.equal(await count(), 0);
});

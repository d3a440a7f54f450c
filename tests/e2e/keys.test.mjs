// SPDX-License-Identifier: Apache-2.0
// The directory of public keys, as owners and claimants see it.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { b64u } from './support/bytes.mjs';
import {
  EC, KYBER, LAST, MLS, MlsKeys, SIGNED, SignalKeys, keysDigest, numbered, oneTimeEc, people,
} from './support/prekeys.mjs';
import {
  assertProblem, assertStatus, bareAnswer, ok, scene, suite,
} from './support/scene.mjs';
import { OP } from './support/signing.mjs';

const DAY_S = 86_400;

const keysOf = (answer, index = 0) => ok(answer).devices[index].keys;

suite('keys', { set: { key_slots_opaque: 'x.note:static, x.post' } }, (it) => {
  it('are uploaded, counted and claimed', async (relay) => {
    const { signal, owner, device, claimant } = await people(relay);
    const slots = {
      [SIGNED]: [signal.signedEc(7)],
      [EC]: numbered(3, oneTimeEc),
      [KYBER]: numbered(2, (id) => signal.kyber(id)),
      [LAST]: [signal.kyber(99)],
    };
    const put = ok(await device.putKeys(slots, { registration_id: 4711 }));
    const stock = {
      registration_id: 4711,
      slots: {
        [SIGNED]: { count: 1, generation: 1, last_resort: false },
        [EC]: { count: 3, generation: 1, last_resort: false },
        [KYBER]: { count: 2, generation: 1, last_resort: true },
        [LAST]: { count: 1, generation: 1, last_resort: true },
      },
    };
    assert.deepEqual(put, stock);
    assert.deepEqual(ok(await device.call('GET', '/v1/keys')), stock);

    const claim = ok(await claimant.claim(owner, [SIGNED, EC, KYBER]));
    assert.equal(claim.account_id, owner.idText);
    assert.deepEqual([claim.epoch, claim.hash], [0, b64u(owner.head.hash)]);
    assert.deepEqual(claim.manifests, [b64u(owner.signed.bytes)]);
    assert.deepEqual(claim.devices, [{
      device_id: 1,
      device_pub: device.pubText,
      registration_id: 4711,
      keys: {
        [SIGNED]: { ...slots[SIGNED][0], last_resort: false },
        [EC]: { ...slots[EC][0], last_resort: false },
        [KYBER]: { ...slots[KYBER][0], last_resort: false },
      },
    }]);
    assert.equal(ok(await device.call('GET', '/v1/keys')).slots[EC].count, 2);
    assert.deepEqual(ok(await claimant.claim(owner, [SIGNED], { since: 0 })).manifests, []);
  });

  it('for single use go out oldest first, then the last resort, marked', async (relay) => {
    const { signal, owner, device, claimant } = await people(relay);
    const keys = [9, 3, 5].map((id) => signal.kyber(id));
    const last = signal.kyber(1);
    ok(await device.putKeys({ [KYBER]: keys.slice(0, 2), [LAST]: [last] }));
    ok(await device.putKeys({ [KYBER]: keys.slice(2) }));
    const got = [];
    for (let i = 0; i < 5; i++) {
      got.push(keysOf(await claimant.claim(owner, [KYBER]))[KYBER]);
    }
    assert.deepEqual(got.map(({ id }) => id), [9, 3, 5, 1, 1]);
    assert.deepEqual(got.map((key) => key.last_resort), [false, false, false, true, true]);
    assert.equal(got[3].key, last.key);
    const { slots } = ok(await device.call('GET', '/v1/keys'));
    assert.deepEqual([slots[KYBER].count, slots[LAST].last_resort_uses], [0, 2]);
    assert.equal(slots[LAST].last_resort_first_use % DAY_S, 0);
  });

  it('of a slot that has nothing are left out', async (relay) => {
    const { owner, claimant } = await people(relay);
    assert.deepEqual(keysOf(await claimant.claim(owner, [EC, KYBER, MLS])), {});
  });

  it('are claimed of all live devices, or of the named ones', async (relay) => {
    const { owner, device, claimant } = await people(relay, { devices: 3 });
    for (const each of owner.devices) {
      await each.login();
      ok(await each.putKeys({ [EC]: numbered(2, oneTimeEc, each.id * 10) }));
    }
    const all = ok(await claimant.claim(owner, [EC])).devices;
    assert.deepEqual(all.map((each) => each.keys[EC].id), [10, 20, 30]);
    const some = ok(await claimant.claim(owner, [EC], { devices: [3, 99, 1] })).devices;
    assert.deepEqual(some.map((each) => [each.device_id, each.keys[EC].id]), [[1, 11], [3, 31]]);
    const own = ok(await device.claim(owner, [EC])).devices;
    assert.deepEqual(own.map((each) => each.device_id), [2, 3]);
    const named = ok(await device.claim(owner, [EC], { devices: [1] })).devices;
    assert.deepEqual(named.map((each) => each.device_id), [1]);
  });

  it('that are there already are left as they are', async (relay) => {
    const { signal, device } = await people(relay);
    const slots = { [SIGNED]: [signal.signedEc()], [EC]: numbered(3, oneTimeEc) };
    const first = ok(await device.putKeys(slots));
    assert.deepEqual(ok(await device.putKeys(slots)), first);
  });

  it('under an id that stands for another key are refused, with the ids', async (relay) => {
    const { device } = await people(relay);
    const keys = numbered(3, oneTimeEc);
    ok(await device.putKeys({ [EC]: keys }));
    const clash = [oneTimeEc(2), keys[0], oneTimeEc(8), oneTimeEc(3)];
    assertProblem(await device.putKeys({ [EC]: clash }), 409, 'key_conflict', {
      slot: EC, ids: [2, 3],
    });
    assert.equal(ok(await device.call('GET', '/v1/keys')).slots[EC].count, 3);
  });

  it('that were handed out do not come back by a repeated upload', async (relay) => {
    const { owner, device, claimant } = await people(relay);
    const keys = numbered(4, oneTimeEc);
    ok(await device.putKeys({ [EC]: keys }));
    assert.equal(keysOf(await claimant.claim(owner, [EC]))[EC].id, 1);
    assert.equal(ok(await device.putKeys({ [EC]: keys })).slots[EC].count, 3);
    assert.equal(ok(await device.putKeys({ [EC]: keys }, { replace: [EC] })).slots[EC].count, 3);
    assert.equal(keysOf(await claimant.claim(owner, [EC]))[EC].id, 2);
    const reused = oneTimeEc(1); // the id is free again, for another key
    assert.equal(ok(await device.putKeys({ [EC]: [reused] })).slots[EC].count, 3);
  });

  it('are replaced as a whole, as a new generation', async (relay) => {
    const { owner, device, claimant } = await people(relay);
    ok(await device.putKeys({ [EC]: numbered(5, oneTimeEc) }));
    const fresh = numbered(2, oneTimeEc); // with ids that others had
    const { slots } = ok(await device.putKeys({ [EC]: fresh }, { replace: [EC] }));
    assert.deepEqual(slots[EC], { count: 2, generation: 2, last_resort: false });
    assert.equal(keysOf(await claimant.claim(owner, [EC]))[EC].key, fresh[0].key);
    const none = ok(await device.putKeys({ [EC]: [] }, { replace: [EC] }));
    assert.deepEqual(none.slots[EC], { count: 0, generation: 3, last_resort: false });
    const bad = await device.putKeys({ [EC]: [] }, { replace: [EC, EC] });
    assertProblem(bad, 422, 'value_invalid', { member: 'replace' });
    const alone = await device.putKeys({}, { replace: [EC] });
    assertProblem(alone, 422, 'value_invalid', { member: 'replace' });
  });

  it('that are static or a last resort take the place of the one before', async (relay) => {
    const { signal, owner, device, claimant } = await people(relay);
    const keys = [signal.signedEc(1), signal.signedEc(2)];
    ok(await device.putKeys({ [SIGNED]: [keys[0]], [LAST]: [signal.kyber(1)] }));
    const { slots } = ok(await device.putKeys({ [SIGNED]: [keys[1]], [LAST]: [signal.kyber(2)] }));
    assert.deepEqual([slots[SIGNED].count, slots[LAST].count], [1, 1]);
    const got = keysOf(await claimant.claim(owner, [SIGNED, LAST]));
    assert.deepEqual([got[SIGNED].id, got[LAST].id, got[LAST].last_resort], [2, 2, true]);
  });

  it('are deleted by id, or a slot at once', async (relay) => {
    const { signal, device } = await people(relay);
    ok(await device.putKeys({ [EC]: numbered(5, oneTimeEc), [SIGNED]: [signal.signedEc()] }));
    const some = ok(await device.deleteKeys({ [EC]: [1, 4, 77] }));
    assert.deepEqual([some.slots[EC].count, some.slots[SIGNED].count], [3, 1]);
    const all = ok(await device.deleteKeys([EC, SIGNED]));
    assert.deepEqual([all.slots[EC].count, all.slots[SIGNED].count], [0, 0]);
    assertProblem(await device.deleteKeys(['x.none']), 422, 'slot_unknown', { slot: 'x.none' });
    assertProblem(await device.deleteKeys([EC, EC]), 422, 'value_invalid', { member: 'slots' });
    assertProblem(await device.deleteKeys({ [EC]: ['1'] }), 400, 'malformed', {
      member: `slots.${EC}`,
    });
    const seq = 1;
    assertProblem(await device.deleteKeys([EC], { seq }), 409, 'command_replayed');
  });

  it('are bound to a signed command that works once', async (relay) => {
    const { device } = await people(relay);
    const seq = Date.now();
    ok(await device.putKeys({ [EC]: [oneTimeEc(1)] }, {}, { seq }));
    const again = await device.putKeys({ [EC]: [oneTimeEc(2)] }, {}, { seq });
    assertProblem(again, 409, 'command_replayed', { last_seq: seq });
    const unsigned = await device.call('PUT', '/v1/keys', { json: { slots: {} } });
    assertProblem(unsigned, 401, 'command_invalid');
    const refused = await device.putKeys({ [EC]: [{ id: 3, key: 'AA' }] }, {}, { seq: seq + 5 });
    assertProblem(refused, 422, 'key_invalid');
    ok(await device.putKeys({ [EC]: [oneTimeEc(3)] }, {}, { seq: seq + 5 }));
  });

  it('race as one after the other', async (relay) => {
    const { device } = await people(relay);
    const seq = Date.now() + 1000;
    const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => (
      device.putKeys({ [EC]: numbered(10, oneTimeEc, i * 10) }, {}, { seq: seq + i }))));
    const good = answers.filter(({ status }) => status === 200).length;
    assert.ok(good >= 1);
    answers.filter(({ status }) => status !== 200).forEach((each) => {
      assertProblem(each, 409, 'command_replayed');
    });
    assert.equal(ok(await device.call('GET', '/v1/keys')).slots[EC].count, good * 10);
  });

  it('are compared by a digest', async (relay) => {
    const { signal, owner, device, claimant } = await people(relay);
    const check = (slots) => device.call('POST', '/v1/keys/check', {
      json: { digest: keysDigest(slots) },
    });
    assertStatus(await check({}), 204);
    const slots = {
      [SIGNED]: [signal.signedEc(70000)], [EC]: [300, 5, 70001, 256].map(oneTimeEc),
      [LAST]: [signal.kyber(4)], 'x.note': [{ id: 8, key: b64u(randomBytes(40)) }],
    };
    ok(await device.putKeys(slots));
    assertStatus(await check(slots), 204);
    assertProblem(await check({ ...slots, [LAST]: [] }), 409, 'keys_differ');
    assertProblem(await check({ ...slots, [LAST]: [signal.kyber(4)] }), 409, 'keys_differ');
    assertProblem(await check({}), 409, 'keys_differ');
    ok(await claimant.claim(owner, [EC]));
    assertProblem(await check(slots), 409, 'keys_differ');
    assertStatus(await check({ ...slots, [EC]: slots[EC].slice(1) }), 204);
    const bad = await device.call('POST', '/v1/keys/check', { json: { digest: 'AAAA' } });
    assertProblem(bad, 400, 'malformed', { member: 'digest' });
  });

  it('are capped, in a call and in a slot', async (relay) => {
    const { signal, device } = await people(relay);
    const invalid = (slot, index, reason) => ({ slot, index, reason });
    assertProblem(await device.putKeys({ [EC]: numbered(101, oneTimeEc) }), 422, 'key_invalid',
      invalid(EC, 100, 'too_many'));
    const ids = (count) => Array.from({ length: count }, (_, index) => index);
    assertProblem(await device.deleteKeys({ [EC]: ids(257) }), 422, 'value_invalid', {
      member: `slots.${EC}`,
    });
    ok(await device.deleteKeys({ [EC]: ids(256) }));
    const two = [signal.signedEc(1), signal.signedEc(2)];
    assertProblem(await device.putKeys({ [SIGNED]: two }), 422, 'key_invalid',
      invalid(SIGNED, 1, 'too_many'));
    ok(await device.putKeys({ [EC]: numbered(100, oneTimeEc, 1) }));
    ok(await device.putKeys({ [EC]: numbered(100, oneTimeEc, 101) }));
    assertProblem(await device.putKeys({ [EC]: numbered(57, oneTimeEc, 201) }), 409, 'keys_full', {
      slot: EC, held: 200, max: 256,
    });
    assert.equal(ok(await device.putKeys({ [EC]: numbered(56, oneTimeEc, 201) })).slots[EC].count,
      256);
    ok(await device.putKeys({ [EC]: numbered(100, oneTimeEc, 1) }, { replace: [EC] }));
  });

  it('that break a rule are refused, each for its own reason', async (relay) => {
    const { signal, device } = await people(relay);
    const other = new SignalKeys();
    const ec = oneTimeEc(1);
    const kyber = signal.kyber(1);
    const with_ = (key, fields) => [{ ...key, ...fields }];
    const retyped = (key, type) => {
      const bytes = Buffer.from(key, 'base64url');
      bytes[0] = type;
      return b64u(bytes);
    };
    const cases = [
      [EC, [oneTimeEc(4), oneTimeEc(5), oneTimeEc(4)], 2, 'duplicate_id'],
      [EC, with_(ec, { id: -1 }), 0, 'id'],
      [EC, with_(ec, { id: 4294967296 }), 0, 'id'],
      [EC, with_(ec, { last_resort: true }), 0, 'last_resort'],
      [LAST, with_(kyber, { last_resort: false }), 0, 'last_resort'],
      [EC, with_(ec, { key: ec.key.slice(0, 40) }), 0, 'length'],
      [EC, with_(ec, { key: kyber.key }), 0, 'length'],
      [EC, with_(ec, { key: retyped(ec.key, 6) }), 0, 'type'],
      [KYBER, with_(kyber, { key: retyped(kyber.key, 7) }), 0, 'type'],
      [EC, with_(ec, { signature: kyber.signature }), 0, 'signature_unwanted'],
      [KYBER, [{ id: 1, key: kyber.key }], 0, 'signature_missing'],
      [KYBER, with_(kyber, { signature: 'AAAA' }), 0, 'signature_length'],
      [KYBER, with_(kyber, { signature: other.sign(Buffer.from(kyber.key, 'base64url')) }), 0,
        'signature_invalid'],
      [SIGNED, [other.signedEc(1)], 0, 'signature_invalid'],
    ];
    for (const [slot, keys, index, reason] of cases) {
      const answer = await device.putKeys({ [slot]: keys });
      assertProblem(answer, 422, 'key_invalid', { slot, index, reason });
    }
    assert.deepEqual(ok(await device.call('GET', '/v1/keys')).slots, {});
    const { first } = await relay.account();
    assertProblem(await first.putKeys({ [SIGNED]: [other.signedEc(1)] }), 422, 'key_invalid', {
      reason: 'identity_missing',
    });
  });

  it('have names and members that are known', async (relay) => {
    const { device, owner, claimant } = await people(relay);
    const bad = [
      [{ [EC]: {} }, `slots.${EC}`], [{ [EC]: [1] }, `slots.${EC}`],
      [{ [EC]: [{ id: 1 }] }, `slots.${EC}`], [{ [EC]: [{ id: '1', key: 'AA' }] }, `slots.${EC}`],
      [{ [EC]: [{ ...oneTimeEc(1), note: 'x' }] }, `slots.${EC}`], [[], 'slots'],
    ];
    for (const [slots, member] of bad) {
      assertProblem(await device.putKeys(slots), 400, 'malformed', { member });
    }
    assertProblem(await device.putKeys({ 'x.none': [] }), 422, 'slot_unknown', { slot: 'x.none' });
    const registration = await device.putKeys({}, { registration_id: 4294967296 });
    assertProblem(registration, 422, 'value_invalid', { member: 'registration_id' });
    assertProblem(await claimant.claim(owner, []), 422, 'value_invalid', { member: 'slots' });
    assertProblem(await claimant.claim(owner, [EC, EC]), 422, 'value_invalid', { member: 'slots' });
    assertProblem(await claimant.claim(owner, ['x.none']), 422, 'slot_unknown');
    for (const devices of [[], [0], [128]]) {
      const answer = await claimant.claim(owner, [EC], { devices });
      assertProblem(answer, 422, 'value_invalid', { member: 'devices' });
    }
  });

  it('of an account that never was and of one that was erased are refused alike', async (relay) => {
    const { owner, device, claimant } = await people(relay);
    ok(await device.putKeys({ [EC]: numbered(2, oneTimeEc) }));
    ok(await claimant.claim(owner, [EC]));
    assertStatus(await device.command(OP.accountDelete, 'DELETE', '/v1/account',
      { account_id: owner.idText }), 204);
    const erased = await claimant.claim(owner, [EC]);
    assertProblem(erased, 404, 'not_found');
    const never = await claimant.claim({ idText: b64u(randomBytes(32)) }, [EC]);
    assert.deepEqual(bareAnswer(never), bareAnswer(erased));
  });

  it('of the operator\'s own slots are kept as they are', async (relay) => {
    const { owner, device, claimant } = await people(relay);
    const note = { id: 1, key: b64u(randomBytes(1)) };
    const post = { id: 2, key: b64u(randomBytes(16384)), signature: b64u(randomBytes(64)) };
    const last = { id: 3, key: b64u(randomBytes(9)), last_resort: true };
    ok(await device.putKeys({ 'x.note': [note], 'x.post': [post, last] }));
    const large = await device.putKeys({ 'x.post': [{ id: 9, key: b64u(randomBytes(16385)) }] });
    assertProblem(large, 422, 'key_invalid', { reason: 'length' });
    const seen = [];
    for (let i = 0; i < 2; i++) {
      const keys = keysOf(await claimant.claim(owner, ['x.note', 'x.post']));
      assert.deepEqual(keys['x.note'], { ...note, last_resort: false, unverified: true });
      seen.push(keys['x.post']);
    }
    assert.deepEqual(seen, [
      { ...post, last_resort: false, unverified: true }, { ...last, unverified: true },
    ]);
    const { key_slots: names } = (await relay.call('GET', '/v1/server')).json;
    assert.deepEqual(names, [MLS, LAST, EC, KYBER, SIGNED, 'x.note', 'x.post']);
  });

  it('of MLS are KeyPackages of the device, named by their reference', async (relay) => {
    const mls = await MlsKeys.create();
    const owner = await relay.account({ keys: [mls.entry] });
    const { first: claimant } = await relay.account();
    const device = owner.first;
    const packages = [await mls.keyPackage(), await mls.keyPackage()];
    const last = await mls.keyPackage({ extensionLastResort: true });
    const put = ok(await device.putKeys({ [MLS]: [...packages, last] }));
    assert.deepEqual(put.slots[MLS], { count: 2, generation: 1, last_resort: true });
    const got = [];
    for (let i = 0; i < 3; i++) {
      got.push(keysOf(await claimant.claim(owner, [MLS]))[MLS]);
    }
    assert.deepEqual(got, [
      ...packages.map((each) => ({ ...each, last_resort: false })), { ...last, last_resort: true },
    ]);
    const flagged = await mls.keyPackage({ last_resort: true });
    ok(await device.putKeys({ [MLS]: [flagged] }));
    assert.equal(keysOf(await claimant.claim(owner, [MLS]))[MLS].id, flagged.id);
  });

  it('of MLS that break a rule are refused, each for its own reason', async (relay) => {
    const mls = await MlsKeys.create();
    const device = (await relay.account({ keys: [mls.entry] })).first;
    const now = Math.floor(Date.now() / 1000);
    const good = await mls.keyPackage();
    const broken = Buffer.from(good.key, 'base64url');
    broken[broken.length - 1] ^= 1;
    const foreign = await (await MlsKeys.create()).keyPackage();
    const cases = [
      [{ ...good, id: b64u(randomBytes(32)) }, 'reference_differs'],
      [{ ...good, id: b64u(randomBytes(65)) }, 'id'],
      [{ ...good, key: b64u(broken) }, 'keypackage_invalid'],
      [{ ...good, key: b64u(Buffer.concat([Buffer.from([0, 1, 0, 5]), broken])) },
        'keypackage_invalid'],
      [foreign, 'identity_foreign'],
      [{ ...good, signature: b64u(randomBytes(64)) }, 'signature_unwanted'],
      [await mls.keyPackage({ lifetime: { notBefore: now - 20, notAfter: now - 10 } }), 'expired'],
      [await mls.keyPackage({ lifetime: { notBefore: now + 7200, notAfter: now + 9000 } }),
        'not_yet_valid'],
    ];
    for (const [key, reason] of cases) {
      assertProblem(await device.putKeys({ [MLS]: [key] }), 422, 'key_invalid', {
        slot: MLS, index: 0, reason,
      });
    }
    const two = [await mls.keyPackage({ last_resort: true }),
      await mls.keyPackage({ extensionLastResort: true })];
    assertProblem(await device.putKeys({ [MLS]: two }), 422, 'key_invalid', {
      index: 1, reason: 'too_many',
    });
    const { first } = await relay.account();
    assertProblem(await first.putKeys({ [MLS]: [good] }), 422, 'key_invalid', {
      reason: 'identity_missing',
    });
  });

  it('of an unknown MLS suite are kept, and marked', async (relay) => {
    const { owner, device, claimant } = await people(relay);
    const key = Buffer.concat([Buffer.from([0, 1, 0xf0, 0x01, 0x20]), randomBytes(300)]);
    const id = b64u(randomBytes(64));
    ok(await device.putKeys({ [MLS]: [{ id, key: b64u(key) }] }));
    assert.deepEqual(keysOf(await claimant.claim(owner, [MLS]))[MLS], {
      id, key: b64u(key), last_resort: false, unverified: true,
    });
  });
});

scene('a slot that the operator switches off is as if its keys were not there', {
  set: { key_slots_opaque: 'x.note:static' },
}, async (relay) => {
  const { owner, device, claimant } = await people(relay);
  const check = (slots) => device.call('POST', '/v1/keys/check', {
    json: { digest: keysDigest(slots) },
  });
  const slots = { [EC]: [oneTimeEc(1)], 'x.note': [{ id: 8, key: b64u(randomBytes(40)) }] };
  ok(await device.putKeys(slots));
  assertStatus(await check(slots), 204);
  relay.options.set.key_slots_opaque = '';
  await relay.restart();
  assertStatus(await check({ [EC]: slots[EC] }), 204);
  assertProblem(await check(slots), 409, 'keys_differ');
  assert.deepEqual(Object.keys(ok(await device.call('GET', '/v1/keys')).slots), [EC]);
  assertProblem(await claimant.claim(owner, ['x.note']), 422, 'slot_unknown');
  const { devices } = ok(await device.call('GET', '/v1/account/report'));
  assert.deepEqual(devices[0].keys.slots, { [EC]: 1, 'x.note': 1 }, 'it is held still, and said so');
  relay.options.set.key_slots_opaque = 'x.note:static';
  await relay.restart();
  assertStatus(await check(slots), 204);
});

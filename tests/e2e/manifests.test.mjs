// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { Account, recoveryKey } from './support/account.mjs';
import { b64u, fromB64u } from './support/bytes.mjs';
import { SigningKey } from './support/keys.mjs';
import {
  ADMIN, SIGNER_INCOMING, SIGNER_RECOVERY, ZERO32, parseManifest, signManifest,
} from './support/manifest.mjs';
import { brokenRule } from './support/manifest_rules.mjs';
import { assertProblem, assertStatus, suite } from './support/scene.mjs';

const by = (...devices) => devices.map((device) => ({ signer: device.id, key: device.key }));

// Both sides must name the same rule for the same bytes.
async function assertRule(account, manifest, rule) {
  const page = await account.read(account.first);
  const head = fromB64u(page.json.manifests.at(-1));
  assert.equal(brokenRule(head, manifest.bytes), rule, 'the client judges otherwise');
  assertProblem(await account.put(manifest), 422, 'manifest_invalid', { rule });
}

suite('putting the next manifest', {}, (it) => {
  it('is 201 and moves the head', async (relay) => {
    const account = await relay.account();
    const manifest = account.next({ add: [account.newDevice(2)] });
    const answer = await account.put(manifest);
    assertStatus(answer, 201);
    assert.equal(answer.json.epoch, 1);
    assert.equal((await account.read(account.first)).json.epoch, 1);
    await account.device(2).login();
  });

  it('is 200 when that very manifest stands there, with other signatures too', async (relay) => {
    const account = await relay.account({ devices: 2 });
    const manifest = account.next({});
    assertStatus(await account.put(manifest), 201);
    assertStatus(await account.put(manifest), 200);
    const bytes = signManifest(manifest.body, by(account.first, account.device(2)));
    assertStatus(await account.put({ ...manifest, bytes }), 200);
    await account.change({});
    assertStatus(await account.put(manifest), 200);
  });

  it('is 409 with the head when another one stands there', async (relay) => {
    const account = await relay.account();
    const late = account.next({ add: [account.newDevice(9)] });
    const winner = account.next({ add: [account.newDevice(2)] });
    assertStatus(await account.put(winner), 201);
    const answer = await account.put(late);
    assertProblem(answer, 409, 'manifest_conflict', { epoch: 1, hash: b64u(account.head.hash) });
    assert.deepEqual(fromB64u(answer.json.manifest), winner.bytes);
  });

  it('lets exactly one of many racing successors win', async (relay) => {
    const account = await relay.account();
    const rivals = Array.from({ length: 6 }, (_, i) => account.next({
      add: [account.newDevice(10 + i)],
    }));
    const path = `/v1/accounts/${account.idText}/manifests/1`;
    const answers = await Promise.all(rivals.map(
      (rival) => relay.call('PUT', path, { json: { manifest: b64u(rival.bytes) } }),
    ));
    assert.deepEqual(answers.map((each) => each.status).sort(), [201, 409, 409, 409, 409, 409]);
    const winner = answers.findIndex((each) => each.status === 201);
    answers.filter((each) => each.status === 409).forEach((each) => {
      assert.deepEqual(fromB64u(each.json.manifest), rivals[winner].bytes);
    });
  });

  it('is 409 for an epoch too far ahead', async (relay) => {
    const account = await relay.account();
    const far = account.next({ epoch: 5 });
    assertProblem(await account.put({ ...far, epoch: 5 }), 409, 'manifest_conflict', { epoch: 0 });
  });

  it('is 409 for one that follows another head', async (relay) => {
    const account = await relay.account();
    const other = account.next({ prevHash: Buffer.alloc(32, 1) });
    assertProblem(await account.put(other), 409, 'manifest_conflict', { epoch: 0 });
  });

  it('is 404 for an account that is not here', async (relay) => {
    const account = new Account(relay);
    assertProblem(await account.put(account.next({})), 404, 'not_found');
  });

  it('refuses a path that names another account or epoch than the manifest', async (relay) => {
    const account = await relay.account();
    const manifest = account.next({});
    const later = await account.put({ ...manifest, epoch: 2 });
    assertProblem(later, 422, 'value_invalid', { member: 'epoch' });
    const stranger = new Account(relay);
    const path = `/v1/accounts/${stranger.idText}/manifests/1`;
    const answer = await relay.call('PUT', path, { json: { manifest: b64u(manifest.bytes) } });
    assertProblem(answer, 422, 'value_invalid', { member: 'account_id' });
    assert.equal((await account.read(account.first)).json.epoch, 0);
  });

  it('tells all old and new devices that the manifest changed', async (relay) => {
    const account = await relay.account({ devices: 2 });
    await account.device(2).login();
    const streams = await Promise.all([account.first.open(), account.device(2).open()]);
    await Promise.all(streams.map((stream) => stream.caughtUp()));
    await account.grow(3);
    const events = await Promise.all(streams.map((stream) => stream.event('manifest.changed')));
    events.forEach((event) => {
      assert.equal(event.epoch, 1);
      assert.equal(event.hash, b64u(account.head.hash));
    });
  });

  it('refuses a device key that ever left an account', async (relay) => {
    const { alice, bob } = await relay.pair();
    const [second] = await alice.grow(2);
    await alice.change({ remove: [2] });
    for (const account of [alice, bob]) {
      const back = account.newDevice(5, { key: second.key });
      assertProblem(await account.put(account.next({ add: [back] })), 409, 'device_key_used');
    }
  });

  it('gives a removed number to a new key in a later epoch', async (relay) => {
    const account = await relay.account();
    await account.grow(2);
    await account.change({ remove: [2] });
    const [again] = await account.grow(2);
    assert.equal(again.addedEpoch, 3);
  });
});

suite('manifests that break a rule', {}, (it) => {
  it('1: cut short, trailing bytes, an unknown flag, a time that is no hour', async (relay) => {
    const account = await relay.account();
    const good = account.next({});
    const variants = [
      { ...good, bytes: good.bytes.subarray(0, -1) },
      { ...good, bytes: Buffer.concat([good.bytes, Buffer.alloc(1)]) },
      account.next({ flags: 2 }), account.next({ reserved: 1 }), account.next({ created: 3601 }),
    ];
    for (const manifest of variants) {
      await assertRule(account, manifest, 1);
    }
  });

  it('1: no admin, unsorted devices, number 0 or 128, a key of the wrong size', async (relay) => {
    const account = await relay.account();
    const { first } = account;
    const other = (fields) => account.newDevice(2, fields);
    const key = (type, size) => other({ keys: [{ type, bytes: Buffer.alloc(size, 5) }] });
    const lists = [
      [{ ...first, pub: first.pub, flags: 0 }], [other(), first].reverse().reverse(),
      [first, account.newDevice(128)], [account.newDevice(0), first],
      [first, key(1, 32)], [first, key(2, 33)], [first, key(4, 32)], [first, key(0x8000, 2049)],
    ];
    for (const devices of lists) {
      const newcomers = devices.filter((device) => device.id !== 1);
      await assertRule(account, account.next({ devices, signers: by(first, ...newcomers) }), 1);
    }
  });

  it('4: no admin signs; a recovery flag without the recovery key', async (relay) => {
    const account = await relay.account({ devices: 2, recovery: recoveryKey() });
    const second = account.device(2);
    await assertRule(account, account.next({ signers: by(second) }), 4);
    await assertRule(account, account.next({ signers: [] }), 4);
    await assertRule(account, account.next({ flags: 1, signers: by(account.first) }), 4);
  });

  it('5: a bad signature, a stranger\'s, a new device that does not sign', async (relay) => {
    const account = await relay.account();
    const bad = account.next({});
    bad.bytes[bad.bytes.length - 5] ^= 1;
    await assertRule(account, bad, 5);
    const newcomer = account.newDevice(2);
    const { first } = account;
    await assertRule(account, account.next({ add: [newcomer], signers: by(first) }), 5);
    const stranger = { signer: 7, key: new SigningKey() };
    await assertRule(account, account.next({ signers: [...by(first), stranger] }), 5);
    const late = account.newDevice(2, { addedEpoch: 0 });
    await assertRule(account, account.next({ add: [late] }), 5);
    const swapped = { ...first, pub: new SigningKey().pub };
    await assertRule(account, account.next({ devices: [swapped], signers: by(first) }), 5);
    const twin = account.newDevice(2, { key: first.key });
    await assertRule(account, account.next({ add: [twin] }), 5);
  });

  it('6: another device\'s keys are changed without it', async (relay) => {
    const account = await relay.account({ devices: 2 });
    const second = account.device(2);
    const keys = [{ type: 2, bytes: Buffer.alloc(32, 4) }];
    const devices = [account.first, { ...second, pub: second.pub, keys }];
    await assertRule(account, account.next({ devices, signers: by(account.first) }), 6);
    assertStatus(await account.put(
      account.next({ devices, signers: by(account.first, second) }),
    ), 201);
  });

  it('7: the recovery key is set, changed or cleared without those it needs', async (relay) => {
    const account = await relay.account();
    const second = account.newDevice(2, { flags: ADMIN });
    await account.change({ add: [second] });
    const { first } = account;
    const key = recoveryKey();
    const incoming = { signer: SIGNER_INCOMING, key };
    const set = (signers) => account.next({ recoveryPub: key.pub, signers });
    await assertRule(account, set(by(first, second)), 7);
    await assertRule(account, set([...by(first), incoming]), 7);
    assertStatus(await account.put(set([...by(first, second), incoming])), 201);
    account.recovery = key;
    await assertRule(account, account.next({ recoveryPub: ZERO32 }), 7);
    const next = recoveryKey();
    const swap = (signers) => account.next({ recoveryPub: next.pub, signers });
    const both = [{ signer: SIGNER_INCOMING, key: next }];
    await assertRule(account, swap([...by(first), ...both]), 7);
    assertStatus(await account.put(swap([{ signer: SIGNER_RECOVERY, key }, ...both])), 201);
  });
});

suite('recovery', {}, (it) => {
  it('replaces every device by the recovery key alone', async (relay) => {
    const recovery = recoveryKey();
    const account = await relay.account({ recovery });
    const stream = await account.first.open();
    const fresh = account.newDevice(2, { flags: ADMIN });
    const signers = [{ signer: SIGNER_RECOVERY, key: recovery }, ...by(fresh)];
    const lost = account.first;
    assertStatus(await account.put(account.next({ devices: [fresh], flags: 1, signers })), 201);
    assert.equal((await stream.closed).code, 4403);
    assertProblem(await lost.call('GET', '/v1/mailbox'), 401, 'session_invalid');
    await fresh.login();
    const page = await account.read(fresh);
    assert.equal(parseManifest(fromB64u(page.json.manifests[1])).flags, 1);
  });
});

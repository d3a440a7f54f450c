// SPDX-License-Identifier: Apache-2.0
// What takes ADMIN from another device waits, and may be vetoed.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recoveryKey } from './support/account.mjs';
import { b64u } from './support/bytes.mjs';
import {
  by, byRecovery, erase, follow, hashOf, heldBy, hold, household, removal, veto, vetoByRecovery,
  vetoErasure,
} from './support/holds.mjs';
import { SigningKey } from './support/keys.mjs';
import { RECOVERY, signManifest } from './support/manifest.mjs';
import { assertProblem, assertStatus, ok, scene, suite } from './support/scene.mjs';

const SHORT = { set: { hold_time: '2' } };

suite('holding a manifest', {}, (it) => {
  it('is told by features and limits', async (relay) => {
    const server = ok(await relay.call('GET', '/v1/server'));
    assert.ok(server.features.includes('holds'));
    assert.equal(server.limits.hold_s, 3600);
  });

  it('is for the removal of another admin: 202, and the head stays', async (relay) => {
    const account = await household(relay, { admins: 2, others: 1 });
    const [one, two] = account.devices;
    const before = Math.floor(Date.now() / 1000);
    const manifest = removal(account, one, two);
    const until = await hold(account, manifest);
    assert.ok(until >= before + 3600 && until <= before + 3660, `${until} after ${before}`);
    assert.equal(ok(await account.read(two)).epoch, 1);
    assert.deepEqual(await heldBy(two), [{
      kind: 'manifest', device_id: 1, held_until: until, epoch: 2, hash: hashOf(manifest),
      manifest: b64u(manifest.bytes),
    }]);
    assert.equal(await hold(account, manifest), until);
    assert.equal((await heldBy(two)).length, 1);
    await two.login();
  });

  it('is for an admin bit that is cleared, too', async (relay) => {
    const account = await household(relay);
    const [one, two] = account.devices;
    const devices = [one, account.newDevice(2, { flags: 0, addedEpoch: 1, key: two.key })];
    await hold(account, account.next({ devices, signers: by(one) }));
  });

  it('is not for a device that is no admin, nor one that signs its own removal', async (relay) => {
    const account = await household(relay, { admins: 2, others: 1 });
    const [one, two, three] = account.devices;
    assertStatus(await account.put(removal(account, one, three)), 201);
    const own = account.next({ remove: [2], signers: by(two) });
    assertStatus(await account.put(own), 201);
    assert.deepEqual(await heldBy(one), []);
  });

  it('is not for what the recovery key signs', async (relay) => {
    const account = await household(relay, { recovery: recoveryKey() });
    const signers = [...byRecovery(account), ...by(account.first)];
    assertStatus(await account.put(account.next({ remove: [2], signers })), 201);
  });

  it('judges a manifest first', async (relay) => {
    const account = await household(relay);
    const [one, two] = account.devices;
    const manifest = removal(account, one, two);
    manifest.bytes[manifest.bytes.length - 1] ^= 1;
    assertProblem(await account.put(manifest), 422, 'manifest_invalid', { rule: 5 });
    const late = account.next({ remove: [2], signers: by(one), prevHash: Buffer.alloc(32, 7) });
    assertProblem(await account.put(late), 409, 'manifest_conflict');
    assert.deepEqual(await heldBy(one), []);
  });

  it('is told to all devices, and to those that connect later', async (relay) => {
    const account = await household(relay, { admins: 2, others: 1 });
    const [one, two, three] = account.devices;
    const streams = await Promise.all([one.open(), two.open()]);
    await Promise.all(streams.map((stream) => stream.caughtUp()));
    const manifest = removal(account, one, two);
    const until = await hold(account, manifest);
    const late = await three.open();
    for (const stream of [...streams, late]) {
      const event = await stream.event('manifest.held');
      assert.deepEqual(event, {
        kind: event.kind, event: 'manifest.held', epoch: 2, hash: hashOf(manifest), device_id: 1,
        held_until: until,
      });
    }
    assertStatus(await veto(three, manifest), 204);
    for (const stream of [...streams, late]) {
      assert.equal((await stream.event('manifest.dropped')).hash, hashOf(manifest));
    }
  });

  it('keeps the head until it is over, but for the recovery key', async (relay) => {
    const account = await household(relay, { admins: 2, others: 1, recovery: recoveryKey() });
    const [one, two, three] = account.devices;
    const until = await hold(account, removal(account, one, two));
    for (const signer of [one, two]) {
      const plain = removal(account, signer, three);
      assertProblem(await account.put(plain), 409, 'manifest_held', { held_until: until });
    }
    const recovery = account.next({ remove: [1], signers: byRecovery(account), flags: RECOVERY });
    assertStatus(await account.put(recovery), 201);
    assert.deepEqual(await heldBy(two), []);
    assertProblem(await one.call('GET', '/v1/mailbox'), 401, 'session_invalid');
  });

  it('ends when the same manifest comes with the signature that it lacked', async (relay) => {
    const account = await household(relay);
    const [one, two] = account.devices;
    const manifest = removal(account, one, two);
    await hold(account, manifest);
    const bytes = signManifest(manifest.body, by(one, two));
    assertStatus(await account.put({ ...manifest, bytes }), 201);
    assert.deepEqual(await heldBy(one), []);
  });

  it('is not seen by strangers', async (relay) => {
    const account = await household(relay);
    const stranger = await relay.account();
    await hold(account, removal(account, account.first, account.device(2)));
    assert.equal('held' in ok(await account.read(stranger.first)), false);
  });

  it('is in the report', async (relay) => {
    const account = await household(relay);
    await hold(account, removal(account, account.first, account.device(2)));
    const report = ok(await account.first.call('GET', '/v1/account/report'));
    assert.deepEqual(report.held, await heldBy(account.first));
    assert.equal(report.held.length, 1);
  });
});

suite('several at once', {}, (it) => {
  it('are one of each admin, so that two can order against each other', async (relay) => {
    const account = await household(relay, { admins: 3 });
    const [one, two, three] = account.devices;
    const [first, second] = [removal(account, one, two), removal(account, two, one)];
    const until = await hold(account, first);
    await hold(account, second);
    assertProblem(await account.put(removal(account, one, two, three)), 409, 'manifest_held',
      { held_until: until });
    assert.deepEqual((await heldBy(three)).map(({ hash }) => hash), [first, second].map(hashOf));
    for (const [device, manifest] of [[one, first], [one, second], [two, first], [two, second]]) {
      assertProblem(await veto(device, manifest), 403, 'veto_denied');
    }
    assertStatus(await veto(three, first), 204);
    assert.deepEqual((await heldBy(three)).map(({ hash }) => hash), [hashOf(second)]);
    assertProblem(await veto(one, second), 403, 'veto_denied');
    assertStatus(await veto(two, second), 204);
    await hold(account, removal(account, one, two, three));
  });

  it('race, and all of them are held', async (relay) => {
    const account = await household(relay, { admins: 6 });
    const orders = account.devices.map((device, i, all) => removal(account, device,
      all[(i + 1) % all.length]));
    const answers = await Promise.all(orders.map((order) => account.put(order)));
    answers.forEach((answer) => assertStatus(answer, 202));
    assert.deepEqual((await heldBy(account.first)).map(({ hash }) => hash).sort(),
      orders.map(hashOf).sort());
  });

  it('race as copies of one, and one is held', async (relay) => {
    const account = await household(relay, { admins: 3 });
    const [one, two, three] = account.devices;
    const manifest = removal(account, one, two);
    const other = { ...manifest, bytes: signManifest(manifest.body, by(three)) };
    const answers = await Promise.all([manifest, other, manifest, other].map(
      (each) => account.put(each),
    ));
    answers.forEach((answer) => assertStatus(answer, 202));
    assert.equal((await heldBy(one)).length, 1);
  });
});

suite('a veto', {}, (it) => {
  it('is for devices that are no admins, and for the one that ordered it', async (relay) => {
    const account = await household(relay, { admins: 2, others: 1 });
    const [one, two, three] = account.devices;
    for (const device of [three, one]) {
      const manifest = removal(account, one, two);
      await hold(account, manifest);
      assertStatus(await veto(device, manifest), 204);
      assert.deepEqual(await heldBy(two), []);
      assertProblem(await veto(device, manifest), 404, 'not_found');
    }
    assertStatus(await account.put(removal(account, one, three)), 201);
  });

  it('is for the recovery key, without a session and once', async (relay) => {
    const account = await household(relay, { recovery: recoveryKey() });
    const [one, two] = account.devices;
    const manifest = removal(account, one, two);
    await hold(account, manifest);
    const begun = Date.now() - 60_000;
    assertProblem(await vetoByRecovery(account, manifest, { key: new SigningKey() }), 401,
      'command_invalid');
    assertProblem(await vetoByRecovery(account, manifest, { seq: begun }), 409, 'command_replayed');
    assertProblem(await vetoByRecovery(account, manifest, { seq: Date.now() + 90_000_000 }), 400,
      'command_clock');
    assertProblem(await vetoByRecovery(account, manifest, { headers: {} }), 401, 'command_invalid');
    assert.equal((await heldBy(one)).length, 1);
    assertStatus(await vetoByRecovery(account, manifest), 204);
    assert.deepEqual(await heldBy(one), []);
    assertProblem(await vetoByRecovery(account, manifest), 404, 'not_found');
  });

  it('is not for a recovery key that the account does not have', async (relay) => {
    const account = await household(relay);
    const manifest = removal(account, account.first, account.device(2));
    await hold(account, manifest);
    assertProblem(await vetoByRecovery(account, manifest, { key: new SigningKey() }), 401,
      'command_invalid');
    const nobody = { ...account, idText: b64u(Buffer.alloc(32, 3)), id: Buffer.alloc(32, 3) };
    assertProblem(await vetoByRecovery(nobody, manifest, { key: new SigningKey() }), 404,
      'not_found');
  });

  it('is a signed command with a seq of its own', async (relay) => {
    const account = await household(relay, { admins: 2, others: 1 });
    const [one, two, three] = account.devices;
    const manifest = removal(account, one, two);
    await hold(account, manifest);
    assertProblem(await veto(three, manifest, { header: 'seq=1, sig=none' }), 401,
      'command_invalid');
    assertProblem(await veto(three, manifest, { key: one.key }), 401, 'command_invalid');
    assertProblem(await veto(three, manifest, { token: 'sp1_wrong' }), 401, 'session_invalid');
    assertStatus(await veto(three, manifest, { seq: 77 }), 204);
    await hold(account, manifest);
    assertProblem(await veto(three, manifest, { seq: 77 }), 409, 'command_replayed',
      { last_seq: 77 });
    assertStatus(await veto(three, manifest), 204);
  });

  it('names what it means in path and body', async (relay) => {
    const account = await household(relay, { admins: 2, others: 1 });
    const [one, two, three] = account.devices;
    const manifest = removal(account, one, two);
    await hold(account, manifest);
    const other = { account_id: b64u(Buffer.alloc(32, 1)) };
    assertProblem(await veto(three, manifest, { body: other }), 422, 'value_invalid',
      { member: 'account_id' });
    assertProblem(await veto(three, manifest, { body: { epoch: 3 } }), 422, 'value_invalid',
      { member: 'epoch' });
    assertProblem(await veto(three, manifest, { body: { hash: undefined } }), 400, 'malformed',
      { member: 'hash' });
    assertProblem(await veto(three, manifest, { body: { more: 1 } }), 400, 'malformed',
      { member: 'more' });
    assertProblem(await veto(three, manifest, { body: { hash: b64u(Buffer.alloc(32, 1)) } }), 404,
      'not_found');
    assertProblem(await veto(three, { ...manifest, epoch: 3 }), 404, 'not_found');
    assert.equal((await heldBy(one)).length, 1);
  });

  it('is for the own account alone', async (relay) => {
    const account = await household(relay);
    const manifest = removal(account, account.first, account.device(2));
    await hold(account, manifest);
    const stranger = (await relay.account()).first;
    const answer = await stranger.command(13, 'DELETE',
      `/v1/accounts/${account.idText}/manifests/2`,
      { account_id: account.idText, epoch: 2, hash: hashOf(manifest) });
    assertProblem(answer, 404, 'not_found');
    assert.equal((await heldBy(account.first)).length, 1);
  });
});

suite('a held erasure', {}, (it) => {
  it('waits where another admin is, and is told and shown', async (relay) => {
    const account = await household(relay, { admins: 2, others: 1 });
    const [one, two, three] = account.devices;
    const stream = await two.open();
    await stream.caughtUp();
    assertProblem(await erase(three), 403, 'not_admin');
    const answer = await erase(one);
    assertStatus(answer, 202);
    const until = answer.json.held_until;
    assert.deepEqual(await heldBy(two), [{ kind: 'erasure', device_id: 1, held_until: until }]);
    assert.equal((await stream.event('erasure.held')).device_id, 1);
    assert.equal((await (await three.open()).event('erasure.held')).held_until, until);
    assert.equal((await erase(one)).json.held_until, until);
    assertProblem(await account.put(removal(account, one, three)), 409, 'manifest_held');
    assertProblem(await vetoErasure(two, two), 404, 'not_found');
    assertStatus(await vetoErasure(two, one), 204);
    assert.equal((await stream.event('erasure.dropped')).device_id, 1);
    assert.deepEqual(await heldBy(two), []);
  });

  it('is vetoed by good commands alone', async (relay) => {
    const account = await household(relay);
    const [one, two] = account.devices;
    assertStatus(await erase(one), 202);
    assertProblem(await vetoErasure(two, one, { key: one.key }), 401, 'command_invalid');
    assertProblem(await vetoErasure(two, one, { token: 'sp1_wrong' }), 401, 'session_invalid');
    assertStatus(await vetoErasure(two, one, { seq: 77 }), 204);
    assertStatus(await erase(one), 202);
    assertProblem(await vetoErasure(two, one, { seq: 77 }), 409, 'command_replayed');
  });

  it('is vetoed by no device that a held manifest removes', async (relay) => {
    const account = await household(relay, { admins: 3 });
    const [one, two, three] = account.devices;
    await hold(account, removal(account, one, two));
    assertStatus(await erase(one), 202);
    assertProblem(await vetoErasure(two, one), 403, 'veto_denied');
    assertProblem(await vetoErasure(three, one, { body: { device_id: 0 } }), 422, 'value_invalid');
    assertStatus(await vetoErasure(three, one), 204);
  });
});

scene('a held manifest is put when its time has come', SHORT, async (relay) => {
  const account = await household(relay, { admins: 2, others: 1 });
  const [one, two, three] = account.devices;
  assertStatus(await one.send([two, three]), 201);
  const [gone, stays] = [await two.open(), await three.open()];
  const manifest = removal(account, one, two);
  const until = await hold(account, manifest);
  const event = await stays.event('manifest.changed');
  assert.ok(Date.now() / 1000 >= until - 1);
  assert.deepEqual([event.epoch, event.hash], [2, hashOf(manifest)]);
  await gone.event('manifest.changed');
  assert.equal((await gone.closed).code, 4403);
  follow(account, manifest);
  assert.deepEqual(await heldBy(three), []);
  assertProblem(await two.call('GET', '/v1/mailbox'), 401, 'session_invalid');
  assertProblem(await one.send([two]), 404, 'recipient_unknown');
  assertStatus(await account.put(manifest), 200);
  assert.equal(await relay.metric('manifests_held_total'), 1);
  assert.equal(await relay.metric('holds_done_total'), 1);
  await account.change({});
});

scene('the first of several is put, and the others are over', SHORT, async (relay) => {
  const account = await household(relay, { admins: 3 });
  const [one, two, three] = account.devices;
  const stream = await three.open();
  const first = removal(account, one, two);
  await hold(account, first);
  await hold(account, removal(account, two, one));
  const event = await stream.event('manifest.changed');
  assert.equal(event.hash, hashOf(first));
  assert.deepEqual(await heldBy(three), []);
  follow(account, first);
  assertStatus(await account.put(account.next({})), 201);
});

scene('a held manifest is put after a restart', SHORT, async (relay) => {
  const account = await household(relay);
  const [one, two] = account.devices;
  const manifest = removal(account, one, two);
  await hold(account, manifest);
  await relay.kill();
  await relay.up();
  const stream = await one.open();
  const event = await stream.event('manifest.changed');
  assert.equal(event.hash, hashOf(manifest));
  assert.deepEqual(await heldBy(one), []);
});

scene('vetoes and the janitor race, and of each two one wins', SHORT, async (relay) => {
  const scenes = await Promise.all(Array.from({ length: 24 }, async () => {
    const account = await household(relay);
    return { account, manifest: removal(account, account.first, account.device(2)) };
  }));
  const stream = await scenes[0].account.first.open();
  await Promise.all(scenes.map(({ account, manifest }) => hold(account, manifest)));
  await stream.event('manifest.changed');
  await Promise.all(scenes.map(async ({ account, manifest }) => {
    const answer = await veto(account.first, manifest);
    const { epoch, held } = ok(await account.read(account.first));
    assert.ok(answer.status === 204 || answer.status === 404, `${answer.status}`);
    assert.deepEqual([epoch, held], [answer.status === 204 ? 1 : 2, []]);
  }));
});

scene('a held erasure is done when its time has come', SHORT, async (relay) => {
  const account = await household(relay);
  const [one, two] = account.devices;
  const stream = await two.open();
  assertStatus(await erase(one), 202);
  assert.equal((await stream.closed).code, 4403);
  assertProblem(await account.register(), 410, 'account_erased');
});

scene('a key that was used elsewhere meanwhile drops the manifest', SHORT, async (relay) => {
  const account = await household(relay);
  const [one, two] = account.devices;
  const stream = await two.open();
  const fresh = account.newDevice(9);
  const manifest = account.next({ add: [fresh], remove: [2], signers: by(one, fresh) });
  await hold(account, manifest);
  const other = await relay.account();
  assertStatus(await other.put(other.next({ add: [other.newDevice(2, { key: fresh.key })] })), 201);
  assert.equal((await stream.event('manifest.dropped')).hash, hashOf(manifest));
  assert.deepEqual(await heldBy(two), []);
  await account.change({});
});

scene('with hold_time 0 nothing is held, also after a reload', {}, async (relay) => {
  const path = join(relay.dir, 'sealpost.conf');
  await relay.stop();
  writeFileSync(path, 'hold_time = 1h\n');
  relay.options = { args: ['--config', path] };
  await relay.up();
  const account = await household(relay, { admins: 4 });
  const [one, two, three, four] = account.devices;
  const manifest = removal(account, one, two);
  await hold(account, manifest);
  const stream = await four.open();
  await stream.event('manifest.held');
  writeFileSync(path, 'hold_time = 0\n');
  relay.daemon.signal('SIGHUP');
  await relay.daemon.line('config.reloaded');
  const server = ok(await relay.call('GET', '/v1/server'));
  assert.equal(server.features.includes('holds'), false);
  assert.equal(server.limits.hold_s, 0);
  assertProblem(await account.put(removal(account, one, three)), 409, 'manifest_held');
  assertStatus(await veto(four, manifest), 204);
  assertStatus(await account.put(removal(account, one, three)), 201);
  assertStatus(await erase(one), 204);
});

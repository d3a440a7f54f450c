// SPDX-License-Identifier: Apache-2.0
// Signal's protocol over the relay, by libsignal: its keys come from the directory, its messages are
// bodies of envelopes, and the devices they go to are those of the head manifest.
import assert from 'node:assert/strict';
import { b64u, envelopeId, fromB64u, sha256 } from './support/bytes.mjs';
import { libsignal } from './support/libsignal.mjs';
import {
  EC, KYBER, SIGNED, SignalKeys,
} from './support/prekeys.mjs';
import { assertProblem, assertStatus, ok, suite } from './support/scene.mjs';
import {
  PREKEY, SignalPeer, WHISPER, person,
} from './support/signal_peer.mjs';

const { PrivateKey, SenderCertificate, ServerCertificate } = libsignal;
const DAY_MS = 86_400_000;
const MESSAGES = 100;

// Ada and Bob with devices, and Bob's bundles in the directory.
async function pair(relay, { devices = 2, keys = 5 } = {}) {
  const [ada, bob] = [await person(relay, devices), await person(relay, devices)];
  for (const peer of bob.peers) {
    await peer.offer(keys);
  }
  return { ada, bob };
}

const checked = ({ account }) => ({ account_id: account.idText, epoch: account.head.epoch });

// Ada's first device and Bob's first, each with a session that the other has answered.
async function talking(relay) {
  const { ada, bob } = await pair(relay);
  const [a, b] = [ada.peers[0], bob.peers[0]];
  await a.beginAll(bob);
  assertStatus(await a.send([b], 'hello'), 201);
  await b.read();
  assertStatus(await b.send([a], 'hello to you'), 201);
  await a.read();
  return { ada, bob, a, b };
}

// The same places in another order, the same in every run.
const shuffled = (count) => Array.from({ length: count }, (_, i) => i)
  .sort((x, y) => Buffer.compare(sha256(Buffer.from([x])), sha256(Buffer.from([y]))));

// A certificate of its sender, and the root that is trusted for it.
function certified({ uuid, signal, device }) {
  const [root, server] = [PrivateKey.generate(), PrivateKey.generate()];
  const issuer = ServerCertificate.new(1, server.getPublicKey(), root);
  const certificate = SenderCertificate.new(uuid, null, device.id, signal.identity.publicKey,
    Date.now() + DAY_MS, issuer, server);
  return { root: root.getPublicKey(), certificate };
}

suite('libsignal', {}, (it) => {
  it('begins sessions with offline devices, and they answer', async (relay) => {
    const { ada, bob } = await pair(relay);
    const [a] = ada.peers;
    const bundles = await a.beginAll(bob);
    assert.deepEqual(bundles.map((each) => [each.device_id, each.registration_id]),
      bob.peers.map((peer) => [peer.device.id, peer.registrationId]));
    bundles.forEach(({ keys }) => assert.deepEqual(
      [keys[EC].id, keys[KYBER].id, keys[KYBER].last_resort], [1, 1, false],
    ));
    const answer = await a.send(bob.peers, 'to each of you', checked(bob));
    assertStatus(answer, 201);
    assert.equal(answer.json.stored, 2);
    for (const b of bob.peers) {
      const [body] = await b.receive(1);
      assert.equal(body[0], PREKEY);
      assert.equal(await b.decrypt(body), 'to each of you');
      assert.deepEqual([b.preKeys.records.has(1), b.kyberPreKeys.records.has(1)], [false, false]);
      assertStatus(await b.send([a], `from ${b.device.id}`), 201);
    }
    assert.deepEqual(await a.read(2), ['from 1', 'from 2']);
    assertStatus(await a.send(bob.peers, 'well met', checked(bob)), 201);
    for (const b of bob.peers) {
      const [body] = await b.receive(1);
      assert.equal(body[0], WHISPER);
      assert.equal(await b.decrypt(body), 'well met');
    }
  });

  it('reads a hundred messages that come out of order', async (relay) => {
    const { a, b } = await talking(relay);
    const bodies = [];
    for (let i = 0; i < MESSAGES; i++) {
      bodies.push(await a.encrypt(b, `message ${i}`));
    }
    const order = shuffled(MESSAGES);
    const stream = await a.device.open();
    for (const i of order) {
      const result = await stream.send([b.device], { body: bodies[i], ttl: 3600 });
      assert.equal(result.status, 201);
    }
    assert.deepEqual(await b.read(MESSAGES), order.map((i) => `message ${i}`));
    await assert.rejects(b.decrypt(bodies[7]), 'a message is read once');
    await stream.close();
  });

  it('begins with the last resort when the keys for single use are gone', async (relay) => {
    const { bob } = await pair(relay, { devices: 1, keys: 1 });
    const [b] = bob.peers;
    for (const [round, isLast] of [false, true, true].entries()) {
      const { peers: [a] } = await person(relay, 1);
      const [{ keys }] = await a.beginAll(bob);
      assert.equal(keys[KYBER].last_resort, isLast);
      assert.equal(keys[EC] !== undefined, !isLast);
      assertStatus(await a.send([b], `round ${round}`), 201);
      assert.deepEqual(await b.read(), [`round ${round}`]);
      assertStatus(await b.send([a], 'seen'), 201);
      assert.deepEqual(await a.read(), ['seen']);
    }
    const { slots } = (await b.device.call('GET', '/v1/keys')).json;
    assert.deepEqual([slots[EC].count, slots[KYBER].count], [0, 0]);
  });

  it('begins anew with a device that was installed again', async (relay) => {
    const { bob, a, b } = await talking(relay);
    const signal = new SignalKeys();
    const old = bob.peers[1];
    await bob.account.change({ remove: [2] });
    const device = bob.account.newDevice(2, { keys: [signal.entry] }); // at the old one's address
    await bob.account.change({ add: [device] });
    await device.login();
    const fresh = new SignalPeer(device, bob.uuid, signal);
    await fresh.offer(3);
    const refused = await a.send([b, old], 'to the old one', { ...checked(bob), epoch: 0 });
    assertProblem(refused, 409, 'device_list_mismatch',
      { missing: [device.pubText], extra: [], stale: [old.device.pubText] });
    assertProblem(await a.send([old], 'to the old one'), 404, 'recipient_unknown',
      { unknown: [old.device.pubText] });
    assert.equal((await old.device.call('GET', '/v1/mailbox')).status, 401);

    const body = await a.encrypt(old, 'of the old session');
    assertStatus(await a.device.send([device], { body }), 201);
    const [stray] = await fresh.receive(1);
    await assert.rejects(fresh.decrypt(stray), 'the keys of the old device are gone');

    const [bundle] = await a.claimOf(bob, { devices: [2] });
    await assert.rejects(a.begin(bob, bundle), 'signed by another identity');
    const changed = { uuid: bob.uuid, signal };
    await assert.rejects(a.begin(changed, bundle), /untrusted identity/i);
    a.identities.forget(fresh.address);
    await a.begin(changed, bundle);
    assertStatus(await a.send([b, fresh], 'to the new one', checked(bob)), 201);
    assert.deepEqual(await fresh.read(), ['to the new one']);
    assert.deepEqual(await b.read(), ['to the new one']);
    assertStatus(await fresh.send([a], 'it works'), 201);
    assert.deepEqual(await a.read(), ['it works']);
  });

  it('corrects its list of devices by what the refusal names', async (relay) => {
    const { bob, a, b } = await talking(relay);
    const { peers: [stranger] } = await person(relay, 1);
    await stranger.offer(1);
    await a.beginAll({ account: stranger.device.account, ...stranger });
    const before = checked(bob);
    const device = bob.account.newDevice(3, { keys: [bob.signal.entry] });
    await bob.account.change({ add: [device], remove: [2] });
    await device.login();
    const added = new SignalPeer(device, bob.uuid, bob.signal);
    await added.offer(2);

    const refused = await a.send([...bob.peers, stranger], 'all', before);
    assertProblem(refused, 409, 'device_list_mismatch', {
      missing: [device.pubText], extra: [stranger.device.pubText],
      stale: [bob.peers[1].device.pubText],
      head: { epoch: 1, hash: b64u(bob.account.head.hash) },
    });
    for (const { device: one } of [b, stranger]) {
      assert.deepEqual((await one.mailbox()).envelopes, [], 'nothing was stored');
    }
    const claim = ok(await a.device.claim(bob.account, [SIGNED, EC, KYBER], { devices: [3], since: 0 }));
    assert.equal(claim.epoch, refused.json.head.epoch);
    assert.equal(claim.manifests.length, 1);
    assert.deepEqual(claim.devices.map((each) => each.device_pub), refused.json.missing);
    await a.begin(bob, claim.devices[0]);
    assertStatus(await a.send([b, added], 'all', { ...before, epoch: claim.epoch }), 201);
    assert.deepEqual([await b.read(), await added.read()], [['all'], ['all']]);
  });

  it('seals the sender into the body', async (relay) => {
    const { a, b } = await talking(relay);
    const { root, certificate } = certified(a);
    const body = await a.seal(b, 'guess who', certificate);
    assertStatus(await a.device.send([b.device], { body }), 201);
    const [sealed] = await b.receive(1);
    assert.deepEqual(sealed, body);
    await assert.rejects(b.unseal(sealed, certified(a).root), 'another root');
    const opened = await b.unseal(sealed, root);
    assert.equal(Buffer.from(opened.message()).toString(), 'guess who');
    assert.deepEqual([opened.senderUuid(), opened.deviceId()], [a.uuid, a.device.id]);
  });

  it('and the relay refuse a bundle whose signature was changed', async (relay) => {
    const { ada, bob } = await pair(relay, { devices: 1 });
    const [[a], [b]] = [ada.peers, bob.peers];
    for (const [slot, key] of [[SIGNED, b.signedKey(2)], [KYBER, b.kyberKey(77)]]) {
      const signature = fromB64u(key.signature);
      signature[20] ^= 1;
      const answer = await b.device.putKeys({ [slot]: [{ ...key, signature: b64u(signature) }] });
      assertProblem(answer, 422, 'key_invalid', { slot, index: 0, reason: 'signature_invalid' });
      const [bundle] = await a.claimOf(bob);
      await assert.rejects(
        a.begin(bob, { ...bundle, keys: { ...bundle.keys, [slot]: { ...key, signature: b64u(signature) } } }),
        /signature/i,
      );
      await a.begin(bob, bundle);
    }
    const id = b64u(envelopeId());
    assertStatus(await a.send([b], 'unharmed', { id }), 201);
    assert.deepEqual(await b.read(), ['unharmed']);
  });
});

// SPDX-License-Identifier: Apache-2.0
// An operator who writes into the database of his relay has no device in anybody's account.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Account } from './support/account.mjs';
import { b64u, ciphertext, fromB64u } from './support/bytes.mjs';
import { Device } from './support/device.mjs';
import { Liar } from './support/liar.mjs';
import { ADMIN, manifestHash, parseManifest } from './support/manifest.mjs';
import { brokenRule } from './support/manifest_rules.mjs';
import { Program } from './support/program.mjs';
import { Relay } from './support/relay.mjs';
import { assertProblem, assertStatus, ok, scene } from './support/scene.mjs';
import { BoxKey, KEY_TYPE } from './support/sealed_box.mjs';
import { change, rowCounts } from './support/tables.mjs';
import { urlOf } from './support/tls.mjs';

const UNVERIFIED = 4;
const TIMEOUT_MS = 180_000;

const blob = (relay, bytes) => (relay.database ? `'\\x${bytes.toString('hex')}'::bytea` : `x'${bytes.toString('hex')}'`);

// A device that its account knows nothing of; with a key for those who would write to it.
function ghostOf(account) {
  const ghost = new Device(account, { id: 2, flags: ADMIN, addedEpoch: 1 });
  ghost.keys = [{ type: KEY_TYPE, bytes: new BoxKey().pub }];
  return ghost;
}

const rowOf = (relay, account) => `(SELECT account FROM accounts WHERE account_id = ${blob(relay, account.id)})`;

const putDevice = (relay, account, ghost) => change(relay, 'INSERT INTO devices (account, device_id,'
  + ' added_epoch, flags, device_pub, command_seq, seen_day, idle_state) SELECT account,'
  + ` ${ghost.id}, ${ghost.addedEpoch}, ${ghost.flags}, ${blob(relay, ghost.pub)}, 0, seen_day, 0 FROM accounts`
  + ` WHERE account_id = ${blob(relay, account.id)}`);

const putHead = (relay, account, forged) => {
  const hash = blob(relay, manifestHash(forged.body));
  return change(relay, `INSERT INTO manifests (account, epoch, hash, signed) VALUES`
    + ` (${rowOf(relay, account)}, ${forged.epoch}, ${hash}, ${blob(relay, forged.bytes)});`
    + ` UPDATE accounts SET epoch = ${forged.epoch}, head_hash = ${hash} WHERE account_id = ${blob(relay, account.id)}`);
};

// What a client makes of an account's page: the devices of the last manifest that follows the rules.
function believed(page) {
  const chain = page.manifests.map(fromB64u);
  const good = chain.findIndex((signed, i) => brokenRule(i === 0 ? null : chain[i - 1], signed) !== 0);
  const head = good < 0 ? chain.at(-1) : chain[good - 1];
  return { isWhole: good < 0, pubs: parseManifest(head).devices.map(({ pub }) => b64u(pub)) };
}

scene('a device that was written into the database is in no list and gets no mail', {}, async (relay) => {
  const { alice, a, b } = await relay.pair();
  const ghost = ghostOf(alice);
  const list = { account_id: alice.idText, epoch: 0 };
  await putDevice(relay, alice, ghost);
  for (let life = 0; life < 2; life++) {
    const page = ok(await alice.read(b));
    assert.deepEqual(believed(page), { isWhole: true, pubs: [a.pubText] });
    assert.equal(page.hash, b64u(alice.head.hash));
    assertProblem(await b.send([a, ghost], list), 409, 'device_list_mismatch', {
      extra: [ghost.pubText], missing: [], stale: [],
    });
    assertStatus(await b.send([a], list), 201);
    await relay.restart(); // and when the relay remembers nothing of before
  }
  assert.equal((await rowCounts(relay)).envelopes, 2);
  assert.equal((await a.mailbox()).envelopes.length, 2);
});

scene('a device that was written into the database cannot sign itself into the list', {}, async (relay) => {
  const { alice, a, b } = await relay.pair();
  const ghost = ghostOf(alice);
  await putDevice(relay, alice, ghost);
  const signers = [{ signer: ghost.id, key: ghost.key }];
  assertProblem(await alice.put(alice.next({ add: [ghost], signers })), 422, 'manifest_invalid', { rule: 4 });
  const alone = alice.next({ devices: [ghost], signers });
  assertProblem(await alice.put(alone), 422, 'manifest_invalid', { rule: 4 });
  const asOwner = alice.next({ add: [ghost], signers: [{ signer: a.id, key: ghost.key }, ...signers] });
  assert.equal((await alice.put(asOwner)).status, 422);
  assert.equal(ok(await alice.read(b)).epoch, 0);
});

scene('a list that was written into the database is believed by no client, and its owner cannot be made to follow it',
  {}, async (relay) => {
    const { alice, a, b } = await relay.pair();
    const ghost = ghostOf(alice);
    const forged = alice.next({ add: [ghost], signers: [{ signer: ghost.id, key: ghost.key }] });
    await putDevice(relay, alice, ghost);
    await putHead(relay, alice, forged);
    await relay.restart();
    const page = ok(await alice.read(b));
    assert.equal(page.epoch, 1);
    assert.deepEqual(believed(page), { isWhole: false, pubs: [a.pubText] });
    // What the owner signs is upon the list that was his; it does not make the forged one good.
    assertProblem(await alice.put(alice.next({ add: [alice.newDevice(3)] })), 409, 'manifest_conflict');
    assertProblem(await b.send([a], { account_id: alice.idText, epoch: 0, body: ciphertext() }), 409,
      'device_list_mismatch');
    assert.equal((await rowCounts(relay)).envelopes, 0);
  });

test('the sealpost program sends nothing to a list that was written into the database', { timeout: TIMEOUT_MS },
  async (t) => {
    const liar = await Liar.open(); // an honest one: it gives the relay an address that stays
    t.after(() => liar.close());
    const relay = await Relay.start(t, { set: { base_url: urlOf(liar.port) } });
    liar.target = relay.port;
    const program = new Program(relay, 'program');
    await program.register();
    const bob = new Account(relay);
    bob.first.keys = [{ type: KEY_TYPE, bytes: new BoxKey().pub }];
    bob.signed = bob.firstManifest();
    bob.setHead(bob.signed.body, 0);
    assertStatus(await bob.register(), 201);

    const ghost = ghostOf(bob);
    const forged = bob.next({ add: [ghost], signers: [{ signer: ghost.id, key: ghost.key }] });
    await putDevice(relay, bob, ghost);
    await program.run('send', [bob.idText, 'to bob alone']);
    assert.equal((await rowCounts(relay)).envelopes, 1);

    await putHead(relay, bob, forged);
    await relay.restart();
    liar.target = relay.port;
    const { code, stderr } = await program.try('send', [bob.idText, 'to a ghost']);
    assert.equal(code, UNVERIFIED, stderr);
    assert.match(stderr, /do NOT trust/);
    assert.equal((await rowCounts(relay)).envelopes, 1);
  });

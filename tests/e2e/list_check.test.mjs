// SPDX-License-Identifier: Apache-2.0
// A send that names account and epoch must go to exactly the head's devices.
import assert from 'node:assert/strict';
import { b64u, ciphertext, fromB64u } from './support/bytes.mjs';
import { assertProblem, assertStatus, suite } from './support/scene.mjs';

// Both ways of sending must say the same.
const WAYS = {
  HTTP: async (device, recipients, account, epoch) => device.send(recipients, {
    account_id: b64u(account.id), epoch,
  }),
  stream: async (device, recipients, account, epoch) => {
    const stream = await device.open();
    const result = await stream.send(recipients, { accountId: account.id, epoch });
    stream.drop();
    return { ...result, json: result.body };
  },
};

function assertMismatch(answer, account, { missing = [], extra = [], stale = [] }) {
  const keys = (devices) => devices.map((device) => device.pubText).sort();
  assertProblem(answer, 409, 'device_list_mismatch');
  assert.deepEqual(answer.json.missing.sort(), keys(missing));
  assert.deepEqual(answer.json.extra.sort(), keys(extra));
  assert.deepEqual(answer.json.stale.sort(), keys(stale));
  assert.equal(answer.json.head.epoch, account.head.epoch);
  assert.deepEqual(fromB64u(answer.json.head.hash), account.head.hash);
}

const waiting = async (device) => (await device.mailbox()).envelopes.length;

for (const [way, send] of Object.entries(WAYS)) {
  suite(`the list check over ${way}`, {}, (it) => {
    it('passes the exact devices in any order', async (relay) => {
      const { a, b, bob } = await relay.pair();
      const [second] = await bob.grow(2);
      assertStatus(await send(a, [second, b], bob, 1), 201);
    });

    it('names who is missing and stores nothing', async (relay) => {
      const { a, b, bob } = await relay.pair();
      const [second, third] = await bob.grow(2, 3);
      assertMismatch(await send(a, [b], bob, 1), bob, { missing: [second, third] });
      assert.equal(await waiting(b), 0);
    });

    it('names who was never in the account as extra', async (relay) => {
      const { a, b, bob } = await relay.pair();
      const carol = await relay.account();
      const ghost = bob.newDevice(7);
      const answer = await send(a, [b, carol.first, ghost], bob, 0);
      assertMismatch(answer, bob, { extra: [carol.first, ghost] });
      assert.equal(await waiting(b), 0);
      assert.equal(await waiting(carol.first), 0);
    });

    it('names who left as stale', async (relay) => {
      const { a, b, bob } = await relay.pair();
      const [second] = await bob.grow(2);
      await bob.change({ remove: [2] });
      assertMismatch(await send(a, [b, second], bob, 2), bob, { stale: [second] });
    });

    it('names all three kinds at once', async (relay) => {
      const { a, b, alice, bob } = await relay.pair();
      const [left, missing] = await bob.grow(2, 3);
      await bob.change({ remove: [2] });
      const answer = await send(a, [b, left, alice.first], bob, 2);
      assertMismatch(answer, bob, { missing: [missing], stale: [left], extra: [alice.first] });
    });

    it('refuses another epoch even if the lists agree', async (relay) => {
      const { a, b, bob } = await relay.pair();
      await bob.change({});
      for (const epoch of [0, 2]) {
        assertMismatch(await send(a, [b], bob, epoch), bob, {});
      }
      assert.equal(await waiting(b), 0);
    });

    it('leaves the sending device out of its own account', async (relay) => {
      const account = await relay.account();
      const [second, third] = await account.grow(2, 3);
      assertStatus(await send(account.first, [second, third], account, 1), 201);
      const own = await send(account.first, [account.first, second, third], account, 1);
      assertMismatch(own, account, { extra: [account.first] });
    });

    it('is 404 for an unknown account, whoever has the keys', async (relay) => {
      const { a, b } = await relay.pair();
      const answer = await send(a, [b], { id: ciphertext(32) }, 0);
      assertProblem(answer, 404, 'recipient_unknown');
      assert.deepEqual(answer.json.unknown, [b.pubText]);
    });
  });
}

suite('the list check against a head that moves', {}, (it) => {
  it('never lets a send to the old list through after the answer', async (relay) => {
    const { a, b, bob } = await relay.pair();
    const stream = await a.open();
    for (let round = 0; round < 12; round++) {
      const { epoch } = bob.head;
      const late = bob.change({});
      const results = await Promise.all(Array.from({ length: 10 }, () => stream.send([b], {
        accountId: bob.id, epoch,
      })));
      await late;
      results.forEach((result) => assert.ok([201, 409].includes(result.status)));
      const after = await stream.send([b], { accountId: bob.id, epoch });
      assert.equal(after.status, 409);
      assert.equal(after.body.head.epoch, epoch + 1);
    }
  });

  it('stores for a new device or tells of it, never neither', async (relay) => {
    const { a, b, bob } = await relay.pair();
    const stream = await a.open();
    const known = [b];
    for (let id = 2; id < 8; id++) {
      const { epoch } = bob.head;
      const [results, [newcomer]] = await Promise.all([
        Promise.all(Array.from({ length: 6 }, () => stream.send(known, {
          accountId: bob.id, epoch,
        }))),
        bob.grow(id),
      ]);
      results.filter((result) => result.status === 409).forEach((result) => {
        assert.deepEqual(result.body.missing, [newcomer.pubText]);
      });
      known.push(newcomer);
    }
  });
});

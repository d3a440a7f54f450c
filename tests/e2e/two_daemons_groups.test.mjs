// SPDX-License-Identifier: Apache-2.0
// Two daemons on one database: one owner of a handle, one commit of an epoch.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { b64u } from './support/bytes.mjs';
import { hasServer } from './support/database.mjs';
import { Member } from './support/mls_member.mjs';
import { assertStatus } from './support/scene.mjs';
import { handleBinding } from './support/signing.mjs';
import { TwoRelays } from './support/two_relays.mjs';

const TIMEOUT_MS = 180_000;
const ROUNDS = 8;
const skip = hasServer ? false : 'there is no PostgreSQL server: see tests/support/with_postgres';

function scene(name, body) {
  test(name, { timeout: TIMEOUT_MS, skip }, async (t) => body(await TwoRelays.start(t)));
}

scene('of two accounts that claim one handle at two daemons one has it', async (two) => {
  const { a, b } = two;
  for (let round = 0; round < ROUNDS; round++) {
    const accounts = [await a.account(), await b.account()];
    const name = `both-${round}`;
    const answers = await Promise.all(accounts.map(({ first }) => first.call('POST', '/v1/handles', {
      json: { handle: name, binding: b64u(handleBinding(first, name, 0)) },
    })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409]);
    const owner = accounts[answers.findIndex(({ status }) => status === 201)];
    for (const { first } of accounts) {
      const found = await first.call('POST', '/v1/handles/lookup', { json: { handle: name } });
      assertStatus(found, 200);
      assert.equal(found.json.account_id, owner.idText);
    }
  }
});

scene('of two commits of one epoch at two daemons one is taken', async (two) => {
  const [ada, bob] = [await Member.create(two.a), await Member.create(two.b)];
  await bob.offer();
  await ada.found(randomBytes(16));
  const first = await ada.makeCommit([await ada.claimOf(bob)]);
  assertStatus(await ada.post(first, []), 201);
  ada.state = first.newState;
  await bob.process();
  const members = [ada, bob];
  for (let round = 0; round < ROUNDS; round++) {
    const made = await Promise.all(members.map((member) => member.makeCommit()));
    const answers = await Promise.all([ada.post(made[0], [bob]), bob.post(made[1], [ada])]);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409]);
    const won = answers.findIndex(({ status }) => status === 201);
    assert.equal(await members[won].process(), 0);
    members[won].state = made[won].newState;
    assert.equal(await members[1 - won].process(), 1);
    assert.equal(ada.secret, bob.secret);
  }
});

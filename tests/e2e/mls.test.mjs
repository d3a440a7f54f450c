// SPDX-License-Identifier: Apache-2.0
// MLS groups over the relay, by ts-mls: commits in order, Welcomes to whom they are for.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { b64u, ciphertext, envelopeId, sha256 } from './support/bytes.mjs';
import { Member, commitBytes, welcomeBytes } from './support/mls_member.mjs';
import { assertProblem, assertStatus, scene, suite } from './support/scene.mjs';
import { OP } from './support/signing.mjs';

const reset = (member, fields, options) => member.device.command(
  OP.mlsReset, 'POST', '/v1/mls/reset',
  { group_id: b64u(member.state.groupContext.groupId), ...fields }, options,
);

// Ada's group with Bob in it.
async function pair(relay) {
  const [ada, bob] = [await Member.create(relay), await Member.create(relay)];
  await bob.offer();
  await ada.found(randomBytes(16));
  const made = await ada.makeCommit([await ada.claimOf(bob)]);
  const answer = await ada.post(made, []);
  assertStatus(answer, 201);
  assert.equal(answer.json.epoch, 1);
  assert.equal(answer.json.stored, 1);
  ada.state = made.newState;
  assert.equal(await bob.process(), 1);
  assert.equal(bob.secret, ada.secret);
  return [ada, bob];
}

suite('MLS groups', {}, (it) => {
  it('grow by commits whose Welcomes find their way', async (relay) => {
    const [ada, bob] = await pair(relay);
    const carol = await Member.create(relay);
    await carol.offer({ lastResort: true });
    const made = await bob.makeCommit([await bob.claimOf(carol)]);
    const answer = await bob.post(made, [ada]);
    assertStatus(answer, 201);
    assert.deepEqual(answer.json, { epoch: 2, stored: 2, duplicates: [], full: [], closed: [] });
    bob.state = made.newState;
    await ada.process();
    await carol.process();
    assert.equal(ada.secret, bob.secret);
    assert.equal(carol.secret, bob.secret);
  });

  it('take one commit an epoch, and tell the others which epoch it is', async (relay) => {
    const [ada, bob] = await pair(relay);
    const members = [ada, bob];
    for (let round = 0; round < 3; round++) {
      const made = await Promise.all(members.map((member) => member.makeCommit()));
      const answers = await Promise.all([ada.post(made[0], [bob]), bob.post(made[1], [ada])]);
      const won = answers.findIndex(({ status }) => status === 201);
      const lost = 1 - won;
      assert.equal(answers[won].json.epoch, ada.epoch + 1);
      assertProblem(answers[lost], 409, 'mls_epoch_conflict', { epoch: ada.epoch + 1 });
      assert.equal(await members[won].process(), 0, 'nothing came of what was refused');
      members[won].state = made[won].newState;
      assert.equal(await members[lost].process(), 1);
      assert.equal(ada.secret, bob.secret);
    }
  });

  it('answer a repeated commit as the first, without a second copy', async (relay) => {
    const [ada, bob] = await pair(relay);
    const made = await ada.makeCommit();
    assertStatus(await ada.post(made, [bob]), 201);
    const again = await ada.post(made, [bob]);
    assertStatus(again, 201);
    assert.deepEqual(again.json,
      { epoch: 2, stored: 0, duplicates: [bob.device.pubText], full: [], closed: [] });
    assert.equal(await bob.process(), 1);
    assertStatus(await ada.post(made, [bob]), 201);
    assert.equal(await bob.process(), 0);
  });

  it('are put back by a member when the commit that was taken is none', async (relay) => {
    const [ada, bob] = await pair(relay);
    const stranger = await Member.create(relay);
    const forged = await bob.makeCommit([], { wireAsPublicMessage: true });
    const bytes = commitBytes(forged.commit);
    bytes[bytes.length - 1] ^= 1; // of its membership tag
    const recipients = [ada.device.pubText];
    assertStatus(await bob.device.call('POST', '/v1/mls/commits', {
      json: { id: b64u(envelopeId()), commit: b64u(bytes), recipients },
    }), 201);
    await assert.rejects(ada.process());
    const made = await ada.makeCommit();
    assertProblem(await ada.post(made, [bob]), 409, 'mls_epoch_conflict', { epoch: 2 });
    const undo = { epoch: 1, commit: b64u(sha256(bytes)) };
    stranger.state = ada.state;
    assertProblem(await reset(stranger, undo), 404, 'mls_group_unknown');
    assertProblem(await ada.device.call('POST', '/v1/mls/reset', { json: {} }), 401,
      'command_invalid');
    const answer = await reset(ada, undo);
    assertStatus(answer, 200);
    assert.deepEqual(answer.json, { epoch: 1 });
    assertStatus(await ada.post(made, [bob]), 201);
    assertProblem(await reset(bob, undo), 409, 'mls_epoch_conflict', { epoch: 2 });
    assert.equal(await bob.process(), 1);
    ada.state = made.newState;
    assert.equal(ada.secret, bob.secret);
  });

  it('store nothing when a reference or a recipient is unknown', async (relay) => {
    const [ada, bob] = await pair(relay);
    const carol = await Member.create(relay);
    const { publicPackage } = await carol.makePackage();
    const made = await ada.makeCommit([publicPackage]); // not from the directory
    const answer = await ada.post(made, [bob]);
    assertProblem(answer, 404, 'mls_reference_unknown');
    assert.equal(answer.json.unknown.length, 1);
    const stray = b64u(randomBytes(32));
    const welcome = { body: b64u(welcomeBytes(made.welcome)), recipients: [stray] };
    assertProblem(await ada.post(made, [bob], { welcome }), 404, 'recipient_unknown',
      { unknown: [stray] });
    assert.equal(await bob.process(), 0);
    welcome.recipients = [carol.device.pubText];
    assertStatus(await ada.post(made, [bob], { welcome }), 201);
    ada.state = made.newState;
    await bob.process();
    await carol.process();
    assert.equal(carol.secret, bob.secret);
  });

  it('that are not ordered can send Welcomes by reference, too', async (relay) => {
    const [ada, bob] = [await Member.create(relay), await Member.create(relay)];
    await ada.found(randomBytes(16));
    const reference = await bob.offer();
    const keyPackage = await ada.claimOf(bob);
    const made = await ada.makeCommit([keyPackage]);
    const body = { id: b64u(envelopeId()), welcome: b64u(welcomeBytes(made.welcome)) };
    const send = (json) => ada.device.call('POST', '/v1/mls/welcomes', { json });
    const answer = await send(body);
    assertStatus(answer, 201);
    assert.deepEqual(answer.json, { stored: 1, duplicates: [], full: [], closed: [] });
    assert.equal((await send(body)).json.duplicates.length, 1);
    ada.state = made.newState;
    assert.equal(await bob.process(), 1);
    assert.equal(bob.secret, ada.secret);
    await bob.account.first.command(OP.accountDelete, 'DELETE', '/v1/account',
      { account_id: bob.account.idText });
    assertProblem(await send({ ...body, id: b64u(envelopeId()) }), 404, 'mls_reference_unknown',
      { unknown: [reference] });
  });

  it('refuse what is no commit and no Welcome', async (relay) => {
    const [ada, bob] = await pair(relay);
    const made = await ada.makeCommit();
    const commit = commitBytes(made.commit);
    const json = { id: b64u(envelopeId()), recipients: [bob.device.pubText] };
    const post = (fields) => ada.device.call('POST', '/v1/mls/commits', { json: { ...json, ...fields } });
    for (const bad of [commit.subarray(0, -1), ciphertext(200), Buffer.concat([commit, Buffer.alloc(1)])]) {
      assertProblem(await post({ commit: b64u(bad) }), 422, 'mls_message_invalid',
        { member: 'commit' });
    }
    assertProblem(await post({ commit: '' }), 422, 'value_invalid', { member: 'commit' });
    assertProblem(await post({ commit: b64u(commit), welcome: { body: b64u(commit) } }), 422,
      'mls_message_invalid', { member: 'welcome' });
    assertProblem(await post({ commit: b64u(commit), welcome: { body: b64u(commit), recipients: [] } }),
      422, 'mls_message_invalid', { member: 'welcome' });
    assertProblem(await post({ commit: b64u(commit), recipients: ['AA'] }), 400, 'malformed',
      { member: 'recipients' });
    assertProblem(await post({ commit: b64u(commit), recipients: [...json.recipients, ...json.recipients] }),
      422, 'value_invalid', { member: 'device_pub' });
    assertProblem(await post({}), 400, 'malformed', { member: 'commit' });
    assertProblem(await ada.device.call('POST', '/v1/mls/welcomes',
      { json: { id: json.id, welcome: b64u(commit) } }), 422, 'mls_message_invalid',
    { member: 'welcome' });
    assert.equal(await bob.process(), 0);
    assertStatus(await post({ commit: b64u(commit) }), 201);
  });
});

scene('a commit is all there or not at all when the relay is killed', {}, async (relay) => {
  const [ada, bob] = await pair(relay);
  for (const isStored of [false, true, false, true]) {
    const made = await ada.makeCommit();
    const stream = await bob.device.open();
    await stream.caughtUp();
    const sent = ada.post(made, [bob]).catch(() => null);
    if (isStored) {
      await stream.deliver();
    }
    await relay.kill();
    await sent;
    await relay.up();
    const answer = await ada.post(made, [bob]);
    assertStatus(answer, 201);
    assert.equal(answer.json.epoch, ada.epoch + 1);
    if (isStored) {
      assert.deepEqual([answer.json.stored, answer.json.duplicates], [0, [bob.device.pubText]]);
    }
    ada.state = made.newState;
    assert.equal(await bob.process(), 1, 'one copy');
    assert.equal(bob.secret, ada.secret);
  }
});

scene('a device begins so many groups an hour', { set: { rate_groups: '2' } }, async (relay) => {
  const ada = await Member.create(relay);
  for (const status of [201, 201, 429]) {
    await ada.found(randomBytes(16));
    assertStatus(await ada.post(await ada.makeCommit(), []), status);
  }
});

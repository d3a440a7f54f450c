// SPDX-License-Identifier: Apache-2.0
// What is refused of commits, Welcomes and resets where a limit of the relay stands in the way.
import { randomBytes } from 'node:crypto';
import { b64u, envelopeId } from './support/bytes.mjs';
import { Member, welcomeBytes } from './support/mls_member.mjs';
import { assertProblem, assertStatus, scene } from './support/scene.mjs';
import { OP } from './support/signing.mjs';

const welcome = (member, made, fields = {}) => member.device.call('POST', '/v1/mls/welcomes', {
  json: { id: b64u(envelopeId()), welcome: b64u(welcomeBytes(made.welcome)), ...fields },
});

// Ada's group, and what would add Bob to it.
async function invitation(relay) {
  const [ada, bob] = [await Member.create(relay), await Member.create(relay)];
  await bob.offer();
  await ada.found(randomBytes(16));
  return { ada, bob, made: await ada.makeCommit([await ada.claimOf(bob)]) };
}

scene('commits and Welcomes keep to size buckets where these are enforced', {
  set: { size_buckets: 'enforce' },
}, async (relay) => {
  const { ada, bob, made } = await invitation(relay);
  assertProblem(await ada.post(made, []), 422, 'size_bucket');
  assertProblem(await welcome(ada, made), 422, 'size_bucket');
  assertProblem(await welcome(ada, made, { welcome: '' }), 422, 'value_invalid',
    { member: 'welcome' });
  assertStatus(await bob.device.call('GET', '/v1/mailbox'), 200);
});

scene('a Welcome to a full mailbox is refused, a commit is not', {
  set: { mailbox_max_envelopes: 1 },
}, async (relay) => {
  const { ada, bob, made } = await invitation(relay);
  assertStatus(await ada.device.send([bob.device]), 201);
  assertProblem(await welcome(ada, made), 507, 'mailbox_full', { full: [bob.device.pubText] });
  const answer = await ada.post(made, []);
  assertStatus(answer, 201);
  ada.state = made.newState;

  const reset = (fields, options) => ada.device.command(OP.mlsReset, 'POST', '/v1/mls/reset',
    { group_id: b64u(ada.state.groupContext.groupId), epoch: 0, ...fields }, options);
  const seq = Date.now() + 1000;
  assertStatus(await reset({}, { seq }), 200);
  assertProblem(await reset({}, { seq }), 409, 'command_replayed', { last_seq: seq });
  assertProblem(await reset({ group_id: '' }, { seq: seq + 1 }), 422, 'value_invalid',
    { member: 'group_id' });
});

scene('handles and keys are not given up without a command', {}, async (relay) => {
  const { a } = await relay.pair();
  assertProblem(await a.call('POST', '/v1/handles', { json: { handle: 'x', binding: 'AA' } }), 422,
    'value_invalid', { member: 'handle' });
  assertProblem(await a.command(OP.handleRelease, 'DELETE', '/v1/handles', { handle: 'x' }), 422,
    'value_invalid', { member: 'handle' });
  assertProblem(await a.call('DELETE', '/v1/keys', { json: { slots: ['mls.keypackage'] } }), 401,
    'command_invalid');
});

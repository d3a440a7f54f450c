// SPDX-License-Identifier: Apache-2.0
// The life of MLS groups over the relay, by ts-mls: ten devices that come and go, commits that race,
// messages that fan out; and what a group leaves behind that never asked for order.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { b64u, envelopeId } from './support/bytes.mjs';
import { Member, commitBytes, welcomeBytes } from './support/mls_member.mjs';
import { X25519, X_WING } from './support/prekeys.mjs';
import { assertProblem, assertStatus, scene } from './support/scene.mjs';
import { rowCounts } from './support/tables.mjs';

const ACCOUNTS = 5; // with two devices each
const RACERS = 4;

const without = (members, ...some) => members.filter((member) => !some.includes(member));
const devicesOf = (members) => members.map(({ device }) => device);

// Two devices an account, each with a KeyPackage in the directory.
async function crowd(relay, suite) {
  const members = [];
  for (let i = 0; i < ACCOUNTS; i++) {
    const first = await Member.create(relay, { suite });
    members.push(first, await first.sibling());
  }
  assert.ok(members.every((member) => member.suite.name === suite));
  for (const member of members) {
    await member.offer();
  }
  return members;
}

function assertAgreed(members) {
  members.forEach((member) => assert.equal(member.secret, members[0].secret));
  assert.ok(members.every(({ epoch }) => epoch === members[0].epoch));
}

// A commit of by that is taken, and that the others in the group process.
async function commit(by, others, packages, options) {
  const made = await by.makeCommit(packages, options);
  const answer = await by.post(made, others);
  assertStatus(answer, 201);
  by.state = made.newState;
  for (const other of others) {
    assert.equal(await other.process(), 1);
  }
  return answer;
}

// The first member founds the group and takes the others in, in two commits of two members.
async function gather(members) {
  const [founder, sibling, ...rest] = members;
  await founder.found(randomBytes(16));
  const accounts = [...new Set(rest.map(({ account }) => account))];
  const early = [...await founder.claimAll(founder.account), ...await founder.claimAll(accounts[0])];
  assert.equal((await commit(founder, [], early)).json.stored, 3);
  const inside = [founder, sibling, ...rest.slice(0, 2)];
  for (const member of inside.slice(1)) {
    assert.equal(await member.process(), 1, 'its Welcome');
  }
  const late = [];
  for (const account of accounts.slice(1)) {
    late.push(...await sibling.claimAll(account));
  }
  const answer = await commit(sibling, without(inside, sibling), late);
  assert.equal(answer.json.stored, members.length - 1);
  for (const member of rest.slice(2)) {
    assert.equal(await member.process(), 1, 'its Welcome');
  }
  assertAgreed(members);
}

// All racers commit at once, and again on top of who won, until each had a commit taken.
async function race(racers, members) {
  let left = racers;
  while (left.length > 0) {
    const epoch = members[0].epoch;
    const made = await Promise.all(left.map((member) => member.makeCommit()));
    const answers = await Promise.all(left.map((member, i) => member.post(made[i], without(members, member))));
    const winners = left.filter((_, i) => answers[i].status === 201);
    assert.equal(winners.length, 1, 'exactly one wins');
    const [winner] = winners;
    answers.filter((_, i) => left[i] !== winner).forEach((answer) => {
      assertProblem(answer, 409, 'mls_epoch_conflict', { epoch: epoch + 1 });
    });
    winner.state = made[left.indexOf(winner)].newState;
    for (const member of without(members, winner)) {
      assert.equal(await member.process(), 1, 'the one commit that won');
    }
    assertAgreed(members);
    left = without(left, winner);
  }
}

// Each says something over its stream, and every other hears it.
async function converse(members, word) {
  for (const member of members) {
    const stream = await member.device.open();
    const body = await member.say(`${word} of ${member.leaf}`);
    assert.equal((await stream.send(devicesOf(without(members, member)), { body })).status, 201);
    await stream.close();
  }
  for (const member of members) {
    assert.equal(await member.process(), members.length - 1);
    assert.deepEqual(member.heard.splice(0), without(members, member).map(({ leaf }) => `${word} of ${leaf}`));
  }
}

async function remove(by, gone, members) {
  const extraProposals = gone.map(({ leaf }) => ({ proposalType: 'remove', remove: { removed: leaf } }));
  await commit(by, without(members, by), [], { extraProposals });
  assert.ok(gone.every((member) => member.isRemoved));
  const left = without(members, ...gone);
  assertAgreed(left);
  return left;
}

for (const [number, suite] of [[1, X25519], [83, X_WING]]) {
  scene(`ten devices live in a group of suite ${number}`, {}, async (relay) => {
    const members = await crowd(relay, suite);
    await gather(members);
    await converse(members, 'hello');
    await race(members.slice(3, 3 + RACERS), members);
    const gone = [members[2], members[9]];
    const left = await remove(members[4], gone, members);
    const body = await left[0].say('without you');
    assertStatus(await left[0].device.send(devicesOf(without(members, left[0])), { body }), 201);
    for (const member of without(left, left[0])) {
      assert.equal(await member.process(), 1);
      assert.deepEqual(member.heard.splice(0), ['without you']);
    }
    for (const member of gone) {
      await assert.rejects(member.process(), 'what came after it left');
    }
    await race(left.slice(0, 2), left);
    await converse(left, 'goodbye');
  });
}

// A group of members that sends everything, commits too, as plain envelopes.
async function plainGroup([ada, ...others], packages) {
  await ada.found(randomBytes(16));
  const made = await ada.makeCommit(packages);
  const welcome = b64u(welcomeBytes(made.welcome));
  const answer = await ada.device.call('POST', '/v1/mls/welcomes', {
    json: { id: b64u(envelopeId()), welcome },
  });
  assertStatus(answer, 201);
  assert.equal(answer.json.stored, others.length);
  ada.state = made.newState;
  for (const member of others) {
    assert.equal(await member.process(), 1);
  }
  const update = await others[0].makeCommit();
  const rest = [ada, ...others.slice(1)];
  assertStatus(await others[0].device.send(devicesOf(rest), { body: commitBytes(update.commit) }), 201);
  others[0].state = update.newState;
  for (const member of rest) {
    assert.equal(await member.process(), 1);
  }
}

scene('a group that is only fanned out leaves nothing behind', {}, async (relay) => {
  const ada = await Member.create(relay);
  const members = [ada, await ada.sibling(), await Member.create(relay), await Member.create(relay)];
  for (const member of members) {
    await member.offer();
  }
  const packages = await ada.claimAll(ada.account);
  for (const { account } of members.slice(2)) {
    packages.push(...await ada.claimAll(account));
  }
  const before = await rowCounts(relay);
  assert.deepEqual([before.mls_groups, before.envelopes], [0, 0]);
  assert.deepEqual([before.devices, before.mls_references], [members.length, packages.length]);
  await plainGroup(members, packages);
  await converse(members, 'hello');
  assertAgreed(members);
  assert.deepEqual(await rowCounts(relay), before);

  await commit(ada, without(members, ada)); // once it asks for order, there is a row
  assert.deepEqual(await rowCounts(relay), { ...before, mls_groups: 1 });
});

// SPDX-License-Identifier: Apache-2.0
// Whoever asks for somebody hears the same of whom there never was as of whom there is no more; and of
// whom there is, where no session is needed.
import assert from 'node:assert/strict';
import { Account, recoveryKey } from './support/account.mjs';
import { b64u, ciphertext, envelopeId } from './support/bytes.mjs';
import { vetoByRecovery } from './support/holds.mjs';
import { EC } from './support/prekeys.mjs';
import { assertStatus, bareAnswer, suite } from './support/scene.mjs';
import { OP, handleBinding } from './support/signing.mjs';
import { answer, begin, challenge, wrongCode } from './support/txns.mjs';

let made = 0;
const newName = () => `alike-${process.pid}-${++made}`;

const claim = async (device, handle) => assertStatus(await device.call('POST', '/v1/handles', {
  json: { handle, binding: b64u(handleBinding(device, handle, 0)) },
}), 201);

const eraseOf = async (account) => assertStatus(await account.first.command(OP.accountDelete,
  'DELETE', '/v1/account', { account_id: account.idText }), 204);

// Three accounts, of one of which the relay never heard, each with a handle; and a handle given up.
async function cast(relay) {
  const asker = await relay.account();
  const known = await relay.account({ recovery: recoveryKey() });
  const erased = await relay.account({ recovery: recoveryKey() });
  const never = new Account(relay, { recovery: recoveryKey() });
  const names = { known: newName(), erased: newName(), freed: newName(), never: newName() };
  await claim(known.first, names.known);
  await claim(erased.first, names.erased);
  await claim(known.first, names.freed);
  assertStatus(await known.first.command(OP.handleRelease, 'DELETE', '/v1/handles',
    { handle: names.freed }), 204);
  await eraseOf(erased);
  return { device: asker.first, known, erased, never, names };
}

function assertAlike(answers) {
  const [first, ...others] = answers.map(bareAnswer);
  others.forEach((each) => assert.deepEqual(each, first));
  return first;
}

const successor = (account) => ({
  ...account.next({ add: [] }), epoch: 1,
});

// What is asked of an account with a session, or by what is signed itself; and what is heard.
const ASKED = {
  'GET /v1/accounts/{account_id}': [404, ({ device }, account) => account.read(device)],
  'POST /v1/keys/claim': [404, ({ device }, account) => device.claim(account, [EC])],
  'POST /v1/envelopes': [404, ({ device }, account) => device.send([account.first])],
  'POST /v1/envelopes with a list': [404, ({ device }, account) => device.send([account.first], {
    account_id: account.idText, epoch: 0,
  })],
  'PUT /v1/accounts/{account_id}/manifests/{epoch}': [404, (_, account) => account.put(successor(account))],
  'DELETE /v1/accounts/{account_id}/manifests/{epoch}': [404, (_, account) => vetoByRecovery(account,
    successor(account))],
  'POST /v1/auth/session': [401, async ({ device }, account) => account.first.session(
    await device.challenge(),
  )],
};

suite('of an account that never was and of one that was erased the answer is the same', {}, (it) => {
  for (const [name, [status, ask]] of Object.entries(ASKED)) {
    it(name, async (relay) => {
      const world = await cast(relay);
      const said = [];
      for (const account of [world.never, world.erased]) {
        const reply = await ask(world, account);
        // Lists hold what was asked for.
        const body = reply.body.toString().replaceAll(account.first.pubText, 'KEY');
        said.push({ ...reply, body });
      }
      assert.equal(assertAlike(said).status, status);
    });
  }

  it('POST /v1/auth/session by a wrong key, of one that is there, too', async (relay) => {
    const world = await cast(relay);
    const said = [];
    for (const account of [world.known, world.never, world.erased]) {
      said.push(await account.first.session(await world.device.challenge(), { key: recoveryKey() }));
    }
    assert.equal(assertAlike(said).status, 401);
  });

  it('POST /v1/handles/lookup', async (relay) => {
    const { device, names } = await cast(relay);
    const said = [];
    for (const handle of [names.never, names.freed, names.erased]) {
      said.push(await device.call('POST', '/v1/handles/lookup', { json: { handle } }));
    }
    assert.equal(assertAlike(said).status, 404);
  });
});

// Values that are each one's own by their kinds, and how long the body is therefore.
const shapeOf = ({ status, headers, json }) => {
  const { date, 'sealpost-request-id': id, 'content-length': length, ...others } = headers;
  assert.ok(date && id && length);
  return {
    status,
    headers: others,
    members: Object.entries(json).map(([name, value]) => [name, name === 'kinds' ? 'KINDS'
      : name.endsWith('_id') ? value.length : value]),
  };
};

// All that a stranger can do with the code of somebody whom he names, up to every limit.
async function story(relay, whom) {
  const { txns, replies } = { txns: [], replies: [] };
  const note = (reply) => {
    replies.push(shapeOf(reply));
    return reply.json;
  };
  for (const purpose of ['link', 'recover', 'stepup', 'vault']) {
    txns.push(note(await begin(relay, purpose, whom)));
  }
  const asked = [];
  for (let i = 0; i < 4; i++) {
    asked.push(note(await challenge(relay, txns[0], 'code')));
  }
  for (const text of ['x', '12345', ...Array(6).fill('000000')]) {
    note(await answer(relay, txns[0], asked[0], text));
  }
  note(await answer(relay, txns[1], asked[1], '000000'));
  for (let i = 0; i < 6; i++) {
    note(await answer(relay, txns[0], asked[1], '000000'));
  }
  note(await answer(relay, txns[0], asked[2], '000000'));
  note(await challenge(relay, txns[3], 'code'));
  return replies.map((each) => JSON.stringify(each)
    .replace(/("expires_at",)\d+/g, '$1TIME').replace(/("(?:retry_after)",)\d+/g, '$1TIME')
    .replace(/("retry-after":)"\d+"/g, '$1TIME').replace(/(in )\d+( s)/g, '$1TIME$2'));
}

suite('a stranger', {}, (it) => {
  it('hears the same of everybody whose code he guesses', async (relay) => {
    const { known, erased, never, names } = await cast(relay);
    const others = await relay.account();
    await claim(others.first, names.never.replace('alike', 'other'));
    const people = [
      { account_id: known.idText }, { account_id: erased.idText }, { account_id: never.idText },
      { handle: names.never.replace('alike', 'other') }, { handle: names.never }, { handle: names.freed },
      { handle: names.erased },
    ];
    const stories = [];
    for (const whom of people) {
      stories.push(await story(relay, whom));
    }
    stories.slice(1).forEach((each) => assert.deepEqual(each, stories[0]));
    assert.ok(stories[0].some((each) => each.includes('answer_wrong')));
    assert.ok(stories[0].some((each) => each.includes('rate_limited')));
  });
});

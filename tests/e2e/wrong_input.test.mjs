// SPDX-License-Identifier: Apache-2.0
// Every call with a body, with everything wrong that its schema forbids: refused, and nothing changed.
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import { b64u, ciphertext, envelopeId } from './support/bytes.mjs';
import { operations, resolve } from './support/contract.mjs';
import { SigningKey } from './support/keys.mjs';
import { ok, suite } from './support/scene.mjs';
import { bad, textOf } from './support/spoil.mjs';
import { OP, handleBinding } from './support/signing.mjs';
import { begin, challenge } from './support/txns.mjs';

const bytes = (size) => b64u(ciphertext(size));
const EC = 'signal.one-time-ec';

// An element of ristretto255, its generator: nothing else is let through where one is wanted.
const ELEMENT = Buffer.from('e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76', 'hex');
const credential = () => ({ id: bytes(20) });
const signed = () => ({ clientDataJSON: bytes(90), authenticatorData: bytes(37) });

// Links and recoveries that there are not: what is wrong in a body is said before that.
const onLink = (what) => () => `/v1/links/${bytes(16)}/${what}`;
const onRecovery = (what) => () => `/v1/recoveries/${bytes(16)}/${what}`;
const linkEntry = () => b64u(Buffer.concat([new SigningKey().pub, Buffer.from([0])]));

/*
 * Of each call a body of the right form, and others, which need not be granted.  With op it is a command; with path
 * it has that one; also is what may be answered to a number that is out of bounds, harmless as it is;
 * within names whatever is wrong deeper down.
 */
const CALLS = {
  createChallenge: { body: () => ({}) },
  createSession: {
    body: ({ account }) => ({
      account_id: account.idText, device_id: 1, challenge: bytes(48), signature: bytes(64),
    }),
  },
  revokeSessions: { op: OP.sessionsRevoke, body: () => ({ device_ids: [1] }) },
  createAccount: { body: () => ({ manifest: bytes(300), invite: `spi1_${bytes(16)}` }) },
  putManifest: {
    path: ({ account }) => `/v1/accounts/${account.idText}/manifests/1`,
    body: () => ({ manifest: bytes(300) }),
  },
  vetoManifest: {
    op: OP.veto,
    path: ({ account }) => `/v1/accounts/${account.idText}/manifests/1`,
    body: ({ account }) => ({ account_id: account.idText, epoch: 1, hash: bytes(32) }),
  },
  vetoErasure: { op: OP.veto, body: ({ account }) => ({ account_id: account.idText, device_id: 1 }) },
  eraseAccount: {
    op: OP.accountDelete, body: ({ account }) => ({ account_id: account.idText, grant: bytes(32) }),
  },
  claimHandle: {
    body: ({ device }) => ({ handle: 'ada', binding: b64u(handleBinding(device, 'ada', 0)) }),
  },
  releaseHandle: { op: OP.handleRelease, body: () => ({ handle: 'ada', grant: bytes(32) }) },
  lookUpHandle: { body: () => ({ handle: 'ada' }) },
  beginTransaction: { body: ({ account }) => ({ purpose: 'link', account_id: account.idText }) },
  startChallenge: {
    path: ({ txn }) => `/v1/txns/${txn.txn_id}/challenges`,
    body: () => ({ kind: 'code' }),
    others: () => [{ kind: 'password', ke1: b64u(Buffer.concat([ELEMENT, ciphertext(32), ELEMENT])) }],
  },
  answerChallenge: {
    path: ({ txn, asked }) => `/v1/txns/${txn.txn_id}/challenges/${asked.challenge_id}`,
    body: () => ({ answer: '123456' }),
    others: () => [{ credential: { ...credential(), response: { ...signed(), signature: bytes(64) } } }],
  },
  beginLink: {
    body: ({ account }) => ({
      entry: linkEntry(), name: 'phone', account_id: account.idText, grant: bytes(32),
    }),
  },
  sayOnLink: { path: onLink('messages'), body: () => ({ version: 1, body: bytes(40) }) },
  claimLink: { path: onLink('claim'), body: () => ({ version: 1 }) },
  putCandidate: { path: onLink('candidate'), body: () => ({ version: 1, manifest: bytes(300) }) },
  signLink: { path: onLink('signed'), body: () => ({ version: 1, signature: bytes(64) }) },
  denyLink: { path: onLink('deny'), body: () => ({}) },
  readChainByRecoveryKey: {
    body: ({ account }) => ({
      account_id: account.idText, challenge: bytes(48), signature: bytes(64), since: 0,
    }),
  },
  putRecoveryContact: {
    op: OP.sharePut,
    path: () => '/v1/recovery/contacts/1',
    body: () => ({ slot: 1, share: bytes(32), label: bytes(9), grant: bytes(32) }),
  },
  removeRecoveryContact: {
    op: OP.sharePut,
    path: () => '/v1/recovery/contacts/1',
    body: () => ({ slot: 1, grant: bytes(32) }),
  },
  beginRecovery: {
    body: ({ account }) => ({ account_id: account.idText, public_key: bytes(32), grant: bytes(32) }),
  },
  cancelRecovery: { op: OP.veto, body: () => ({ recovery_id: bytes(16) }) },
  answerRecovery: { path: onRecovery('answer'), body: () => ({ exchange: 1, random: bytes(32) }) },
  sendRecoveryPacket: {
    path: onRecovery('packet'), body: () => ({ exchange: 1, slot: 1, packet: bytes(80) }),
  },
  pollRecovery: { path: onRecovery('poll'), body: () => ({ token: bytes(32) }) },
  beginRecoveryExchange: {
    path: onRecovery('exchange'), body: () => ({ token: bytes(32), exchange: 1, commit: bytes(32) }),
  },
  revealRecovery: {
    path: onRecovery('reveal'), body: () => ({ token: bytes(32), exchange: 1, random: bytes(32) }),
  },
  releaseRecovery: { path: onRecovery('release'), body: () => ({ token: bytes(32) }) },
  enrolFactor: {
    op: OP.factorEnrol,
    body: () => ({ kind: 'totp', label: bytes(9), grant: bytes(32) }),
    others: () => [{ kind: 'password', request: b64u(ELEMENT), grant: bytes(32) }],
  },
  removeFactor: { op: OP.factorRemove, body: () => ({ factor_id: bytes(16), grant: bytes(32) }) },
  confirmFactor: {
    op: OP.factorEnrol,
    body: () => ({ factor_id: bytes(16), answer: '123456' }),
    others: () => [
      { factor_id: bytes(16), record: b64u(Buffer.concat([ELEMENT, ciphertext(160)])) },
      { factor_id: bytes(16), credential: { ...credential(), response: signed() } },
    ],
  },
  sendEnvelopes: {
    body: ({ account, device }) => ({
      id: b64u(envelopeId()), ttl: 60, urgent: true, online_only: false, account_id: account.idText,
      epoch: 0, shared_body: bytes(60), recipients: [{ device_pub: device.pubText, prefix: bytes(9) }],
    }),
  },
  commitToGroup: {
    body: ({ device }) => ({
      id: b64u(envelopeId()), ttl: 60, urgent: true, commit: bytes(60), recipients: [device.pubText],
      welcome: { body: bytes(60), recipients: [device.pubText] },
    }),
  },
  sendWelcome: {
    body: () => ({ id: b64u(envelopeId()), ttl: 60, urgent: false, welcome: bytes(60) }),
  },
  resetGroup: {
    op: OP.mlsReset, body: () => ({ group_id: bytes(16), epoch: 1, commit: bytes(32) }),
  },
  acknowledge: { body: () => ({ seqs: [1, 2] }), also: 200 },
  putKeys: {
    op: OP.keysPut,
    body: () => ({ registration_id: 7, slots: { [EC]: [{ id: 1, key: bytes(33) }] }, replace: [EC] }),
    within: `slots.${EC}`,
  },
  deleteKeys: { op: OP.keysDelete, body: () => ({ slots: { [EC]: [1] } }) },
  checkKeys: { body: () => ({ digest: bytes(32) }) },
  claimKeys: {
    body: ({ account }) => ({ account_id: account.idText, devices: [1], slots: [EC], since: 0 }),
  },
};

const withBody = operations.filter(({ path, spec }) => path.startsWith('/v1/') && spec.requestBody);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

// What of an account's report must stay: a refused request is none of its business.
async function stateOf(device) {
  return ok(await device.call('GET', '/v1/account/report'));
}

const post = (operation, call, world, body) => {
  const target = call.path?.(world) ?? operation.path;
  const options = { agent, text: textOf(body) };
  return call.op !== undefined ? world.device.command(call.op, operation.method, target, body, options)
    : world.device.call(operation.method, target, {
      agent, body: options.text, headers: { 'content-type': 'application/json' },
    });
};

const shown = (body) => textOf(body).slice(0, 200);

test('every call with a body is tried', () => {
  withBody.forEach(({ spec }) => assert.ok(spec.operationId in CALLS, spec.operationId));
});

const set = {
  rate_device: '0', rate_account: '0', rate_address: '0', rate_challenges: '0', rate_failures: '0',
  rate_registrations: '0', rate_lookups: '0', rate_handles: '0', rate_groups: '0',
};

suite('what is wrong in a body', { set }, (it) => {
  for (const operation of withBody) {
    const call = CALLS[operation.spec.operationId];
    it(`is refused and changes nothing: ${operation.method} ${operation.path}`, async (relay) => {
      const account = await relay.account();
      const device = account.first;
      const { json: txn } = await begin(relay, 'link', { account_id: account.idText });
      const { json: asked } = await challenge(relay, txn, 'code');
      const world = { account, device, txn, asked };
      const schema = resolve(operation.spec.requestBody.content['application/json'].schema);
      const before = await stateOf(device);
      const bodies = [call.body(world), ...call.others?.() ?? []];
      const spoiled = bodies.flatMap((body) => [...bad(schema, body)]);
      for (const { value, statuses, member, isUnreadable } of spoiled) {
        const answer = await post(operation, call, world, value);
        const said = `${shown(value)} -> ${answer.status} ${answer.body.toString().slice(0, 200)}`;
        const isHarmless = answer.status === call.also && statuses.includes(404);
        assert.ok(statuses.includes(answer.status) || isHarmless, said);
        if (answer.status === 400) {
          assert.equal(answer.code, 'malformed', said);
          const wanted = isUnreadable ? '' : member ?? '';
          assert.ok([wanted, call.within].includes(answer.json.member)
            || answer.json.member.endsWith(`.${wanted}`), said);
        }
      }
      assert.ok(spoiled.length > 0);
      assert.deepEqual(await stateOf(device), before);
      for (const body of bodies) {
        const good = await post(operation, call, world, body);
        assert.notEqual(good.code, 'malformed', good.body.toString());
      }
    });
  }
});

// Of what stands in a path: all that is no value of its form.
// Two of them make it another path, which is not found.
const ODD = ['%00', '%C3%A9', '..'];
const BAD_IDS = [...ODD, 'A', 'AA', `${bytes(16)}A`, `${bytes(16)}==`, bytes(17), `${bytes(15)}!`, 'A'.repeat(4000), '-1'];

suite('what is wrong in a path or a query', { set }, (it) => {
  for (const operation of operations.filter(({ path }) => /^\/v1\/.*\{/.test(path))) {
    it(`is refused: ${operation.method} ${operation.path}`, async (relay) => {
      const { first, idText } = await relay.account();
      const good = { account_id: idText, epoch: '1', txn_id: bytes(16), challenge_id: bytes(16) };
      const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const call = CALLS[operation.spec.operationId];
      const body = call && textOf(call.body({ account: { idText }, device: first }));
      for (const name of names) {
        for (const value of BAD_IDS) {
          const values = { ...good, [name]: value };
          const target = operation.path.replace(/\{(\w+)\}/g, (_, each) => values[each]);
          const answer = await first.call(operation.method, target, {
            agent, body, headers: body && { 'content-type': 'application/json' }, unchecked: ODD.includes(value),
          });
          const said = `${target.slice(0, 200)} -> ${answer.status} ${answer.body.toString().slice(0, 200)}`;
          assert.ok([400, 401, 404].includes(answer.status), said);
        }
      }
    });
  }

  it('is refused: GET /v1/account/log', async (relay) => {
    const { first } = await relay.account();
    for (const query of ['after=', 'after=x', 'after=-1', 'after=1.5', 'after=1e3',
      'after=1&after=2', 'before=1', 'after=%00', '=1']) {
      const answer = await first.call('GET', `/v1/account/log?${query}`, { agent });
      assert.ok([400, 422].includes(answer.status), `${query} -> ${answer.status}`);
    }
  });
});

// SPDX-License-Identifier: Apache-2.0
// Generated tests.  SEALPOST_E2E_RUNS multiplies their number.
import fc from 'fast-check';
import { b64u } from './support/bytes.mjs';
import {
  Acknowledge, AddDevice, Model, Read, RemoveDevice, Restart, Revoke, Send, SendListed, Stream,
  World,
} from './support/model.mjs';
import { scene, suite } from './support/scene.mjs';

const SCALE = Number(process.env.SEALPOST_E2E_RUNS ?? 1);
const bytes = (size) => fc.uint8Array({ minLength: size, maxLength: size }).map(b64u);
const flag = fc.boolean();

// Members as the contract wants them, and as it does not.
const MEMBERS = {
  '/v1/auth/challenge': {},
  '/v1/auth/session': {
    account_id: bytes(32), device_id: fc.integer({ min: 1, max: 127 }), challenge: bytes(48),
    signature: bytes(64),
  },
  '/v1/accounts': {
    manifest: fc.uint8Array({ maxLength: 400 }).map(b64u), invite: fc.string(),
  },
  '/v1/envelopes': {
    id: bytes(16), ttl: fc.integer({ min: 0, max: 3_000_000 }), urgent: flag, online_only: flag,
    account_id: bytes(32), epoch: fc.nat(), shared_body: fc.uint8Array().map(b64u),
    recipients: fc.array(fc.record({
      device_pub: bytes(32), body: fc.uint8Array().map(b64u), prefix: fc.uint8Array().map(b64u),
    }, { requiredKeys: ['device_pub'] }), { maxLength: 5 }),
  },
  '/v1/mailbox/ack': {
    seqs: fc.array(fc.maxSafeNat(), { maxLength: 20 }), up_to: fc.maxSafeNat(),
  },
};

const odd = fc.oneof(fc.jsonValue(), fc.string(), fc.double().map(String), fc.constant(-1));

function bodies(members) {
  const good = fc.record(members, { requiredKeys: [] });
  const spoiled = fc.tuple(good, fc.constantFrom(...Object.keys(members), 'extra'), odd)
    .map(([body, member, value]) => ({ ...body, [member]: value }));
  return fc.oneof(good.map(JSON.stringify), spoiled.map(JSON.stringify), fc.json(), fc.string());
}

suite('generated bodies', {}, (it) => {
  for (const [path, members] of Object.entries(MEMBERS)) {
    it(`of POST ${path} are answered as documented, never with 5xx`, async (relay) => {
      const { first } = await relay.account();
      // The client fails on any answer that openapi.yaml does not describe.
      await fc.assert(fc.asyncProperty(bodies(members), async (body) => {
        const { status } = await first.call('POST', path, {
          body, headers: { 'content-type': 'application/json' },
        });
        return status < 500;
      }), { numRuns: 150 * SCALE });
    });
  }

  it('of queries are answered as documented, never with 5xx', async (relay) => {
    const { first, idText } = await relay.account();
    const value = fc.oneof(fc.nat().map(String), fc.string().map(encodeURIComponent), odd.map(
      (each) => encodeURIComponent(String(each)),
    ));
    const name = fc.constantFrom('after', 'limit', 'max_bytes', 'since', 'x', '');
    const query = fc.array(fc.tuple(name, value).map((pair) => pair.join('=')), { maxLength: 3 });
    const path = fc.constantFrom('/v1/mailbox', `/v1/accounts/${idText}`);
    await fc.assert(fc.asyncProperty(path, query, async (target, pairs) => {
      const { status } = await first.call('GET', `${target}?${pairs.join('&')}`);
      return status < 500;
    }), { numRuns: 150 * SCALE });
  });
});

const account = fc.integer({ min: 0, max: 1 });
const steps = [
  fc.tuple(fc.nat(20), fc.nat(20), fc.nat(9)).map((choices) => new Send(...choices)),
  fc.tuple(fc.nat(20), account, fc.nat(9), fc.nat(1)).map((choices) => new SendListed(...choices)),
  fc.nat(20).map((choice) => new Read(choice)),
  fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 9 })).map(
    (choices) => new Acknowledge(...choices),
  ),
  fc.tuple(fc.nat(20), fc.nat(9)).map((choices) => new Stream(...choices)),
  account.map((choice) => new AddDevice(choice)),
  fc.tuple(account, fc.nat(5)).map((choices) => new RemoveDevice(...choices)),
  account.map((choice) => new Revoke(choice)),
];

scene('generated walks agree with the model', {}, async (relay) => {
  await fc.assert(fc.asyncProperty(fc.commands(steps, { maxCommands: 60, size: 'max' }),
    async (commands) => {
      const world = await World.create(relay);
      await fc.asyncModelRun(() => ({ model: new Model(), real: world }), commands);
    }), { numRuns: 25 * SCALE, endOnFailure: true });
});

scene('generated walks over restarts and crashes agree with the model', {}, async (relay) => {
  const all = [...steps, fc.boolean().map((crash) => new Restart(crash))];
  await fc.assert(fc.asyncProperty(fc.commands(all, { maxCommands: 40, size: 'max' }),
    async (commands) => {
      const world = await World.create(relay);
      await fc.asyncModelRun(() => ({ model: new Model(), real: world }), commands);
    }), { numRuns: 5 * SCALE, endOnFailure: true });
});

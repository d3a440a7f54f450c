// SPDX-License-Identifier: Apache-2.0
// What the operator sees of the directory: counts, no key material and nobody's name.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { b64u } from './support/bytes.mjs';
import { CTL, runToEnd } from './support/daemon.mjs';
import {
  EC, KYBER, LAST, numbered, oneTimeEc, people,
} from './support/prekeys.mjs';
import { assertProblem, assertStatus, ok, scene } from './support/scene.mjs';


const stats = (relay, id, ...options) => runToEnd(CTL, [
  'keys', 'stats', '--socket', relay.adminSocket, ...options, '--', id,
], { HOME: relay.dir });

async function stocked(relay) {
  const { signal, owner, claimant } = await people(relay, { devices: 2 });
  const slots = {
    [EC]: numbered(5, oneTimeEc), [KYBER]: [signal.kyber(1)], [LAST]: [signal.kyber(9)],
  };
  ok(await owner.first.putKeys(slots));
  for (let i = 0; i < 3; i++) {
    ok(await claimant.claim(owner, [EC, KYBER], { devices: [1] }));
  }
  return { owner, slots };
}

scene('the operator sees how many keys each device has left', {}, async (relay) => {
  const { owner, slots } = await stocked(relay);
  const { json, body } = await relay.admin('GET', `/admin/keys/${owner.idText}`);
  assert.deepEqual(json.devices.map((device) => device.device_id), [1, 2]);
  assert.deepEqual(json.devices[1].slots, {});
  const pools = json.devices[0].slots;
  assert.deepEqual(pools[EC], { count: 2, generation: 1, last_resort: false });
  assert.deepEqual(pools[KYBER], { count: 0, generation: 1, last_resort: true });
  assert.equal(pools[LAST].last_resort_uses, 2);
  Object.values(slots).flat().forEach(({ key }) => assert.ok(!String(body).includes(key)));

  const shown = await stats(relay, owner.idText, '--json');
  assert.equal(shown.code, 0, shown.stderr);
  assert.deepEqual(JSON.parse(shown.stdout), json);
  const lines = (await stats(relay, owner.idText)).stdout.split('\n');
  assert.match(lines[0], /^device +1 +signal\.last-kyber +1 key, last resort used 2 times$/);
  assert.match(lines[1], /^device +1 +signal\.one-time-ec +2 keys$/);
  assert.match(lines[2], /^device +1 +signal\.one-time-kyber +0 keys, has a last resort$/);
  assert.match(lines[3], /^device +2 +has no keys$/);
});

scene('the operator is told when there is no such account', {}, async (relay) => {
  const nobody = b64u(randomBytes(32));
  assertProblem(await relay.admin('GET', `/admin/keys/${nobody}`), 404, 'not_found');
  assertProblem(await relay.admin('GET', '/admin/keys/short'), 400, 'malformed', {
    member: 'account_id',
  });
  for (const id of [nobody, 'short']) {
    for (const command of ['keys stats', 'account show', 'account erase --yes']) {
      const { code, stdout, stderr } = await runToEnd(CTL, [
        ...command.split(' '), '--socket', relay.adminSocket, '--', id,
      ], { HOME: relay.dir });
      assert.deepEqual([code, stdout], [1, ''], command);
      assert.equal(stderr, `sealpost: this relay has no account with the id "${id}"; copy it from `
        + '"sealpost account list", and where several relays run here, name the right one\'s '
        + '--socket\n', command);
    }
  }
  const invite = await runToEnd(CTL, [
    'invite', 'revoke', '--socket', relay.adminSocket, '--', 'AAAA',
  ], { HOME: relay.dir });
  assert.equal(invite.code, 1);
  assert.match(invite.stderr, /^sealpost: this relay has no invite .*"sealpost invite list"/);
  const odd = await stats(relay, 'a/b');
  assert.equal(odd.code, 2);
  assert.match(odd.stderr, /^sealpost: "a\/b" is no id; copy it as it was listed/);
});

scene('counters tell of uploads, claims and last resorts', {}, async (relay) => {
  const { owner } = await stocked(relay);
  assertStatus(await owner.first.putKeys({ [EC]: [{ id: 1, key: 'AA' }] }), 422);
  const { metrics } = ok(await relay.admin('GET', '/admin/stats'));
  const seen = ['keys_uploaded', 'keys_refused', 'keys_claims', 'keys_claimed', 'keys_last_resort']
    .map((name) => metrics[name]);
  assert.deepEqual(seen, [1, 1, 3, 4, 2]);
});

scene('an owner\'s report counts what is held of its keys', {}, async (relay) => {
  const { owner } = await stocked(relay);
  const { devices } = ok(await owner.first.call('GET', '/v1/account/report'));
  assert.deepEqual(devices.map(({ keys }) => keys), [
    { slots: { [EC]: 2, [LAST]: 1 }, spent: 4 }, { slots: {}, spent: 0 },
  ]);
});

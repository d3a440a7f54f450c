// SPDX-License-Identifier: Apache-2.0
// What the operator may do about second factors: see kinds and dates, and remove one. Devices hear of it.
import assert from 'node:assert/strict';
import { b64u, ciphertext } from './support/bytes.mjs';
import { CTL, runToEnd } from './support/daemon.mjs';
import {
  assertProblem, assertStatus, ok, suite,
} from './support/scene.mjs';
import {
  begin, enrol, enrolApp, factorsOf, logOf,
} from './support/txns.mjs';

const pathOf = (account, factor) => `/admin/accounts/${account}/factors${factor === undefined ? '' : `/${factor}`}`;

const command = (relay, account, ...options) => runToEnd(CTL, ['account', 'factors', '--socket', relay.adminSocket,
  ...options, '--', account], { HOME: relay.dir });

suite('the operator', {}, (it) => {
  it('sees kinds and dates, and neither secrets nor labels', async (relay) => {
    const account = await relay.account();
    const label = b64u(ciphertext(40));
    const app = (await enrol(account.first, { kind: 'totp', label })).json;
    const set = (await enrol(account.first, { kind: 'recovery_code', label })).json;
    const { json, body } = await relay.admin('GET', pathOf(account.idText));
    const mine = (await factorsOf(account.first)).map(({ label: _, ...shown }) => shown);
    assert.deepEqual(json, { factors: mine });
    for (const secret of [label, app.secret, ...set.codes]) {
      assert.ok(!body.includes(secret));
    }
    const shown = await command(relay, account.idText, '--json');
    assert.deepEqual(JSON.parse(shown.stdout), json, shown.stderr);
    const { stdout } = await command(relay, account.idText);
    assert.match(stdout, new RegExp(`^${app.factor_id}  totp, not confirmed yet, since \\d{4}-\\d\\d-\\d\\d \\d\\d:00 UTC$`, 'm'));
    assert.match(stdout, new RegExp(`^${set.factor_id}  recovery_code, 10 codes are left, since \\d{4}-`, 'm'));
  });

  it('removes one, which is told to the devices and written into the log', async (relay) => {
    const account = await relay.account();
    const [second] = await account.grow(2);
    const app = await enrolApp(account.first);
    const stream = await second.open();
    const removed = await command(relay, account.idText, '--remove', app.factor_id);
    assert.deepEqual([removed.code, removed.stdout], [0, 'done\n'], removed.stderr);
    const what = { change: 'removed', factor_kind: 'totp', by: 'operator' };
    assert.deepEqual(await stream.event('factor.changed'), { kind: 'event', event: 'factor.changed', ...what });
    const { entry, at, ...rest } = (await logOf(second)).entries.at(-1);
    assert.deepEqual(rest, what);
    assert.ok(entry > 0 && at % 3600 === 0);
    assert.deepEqual(await factorsOf(account.first), []);
    assert.deepEqual((await begin(relay, 'stepup', { account_id: account.idText })).json.kinds, ['code']);
    assert.deepEqual(ok(await relay.admin('GET', pathOf(account.idText))), { factors: [] });
    assert.equal((await command(relay, account.idText)).stdout, 'no second factor is enrolled\n');
  });

  it('adds no device: the account has those that it had', async (relay) => {
    const account = await relay.account();
    const app = await enrolApp(account.first);
    const before = (await relay.admin('GET', `/admin/accounts/${account.idText}`)).json.devices;
    assertStatus(await relay.admin('DELETE', pathOf(account.idText, app.factor_id)), 204);
    assert.deepEqual((await relay.admin('GET', `/admin/accounts/${account.idText}`)).json.devices, before);
  });

  it('is told what there is not', async (relay) => {
    const { alice, bob, a } = await relay.pair();
    const app = await enrolApp(a);
    const nobody = b64u(ciphertext(32));
    const unknown = b64u(ciphertext(16));
    assertProblem(await relay.admin('GET', pathOf(nobody)), 404, 'not_found');
    assertProblem(await relay.admin('DELETE', pathOf(nobody, app.factor_id)), 404, 'not_found');
    assertProblem(await relay.admin('DELETE', pathOf(alice.idText, unknown)), 404, 'factor_unknown');
    assertProblem(await relay.admin('DELETE', pathOf(bob.idText, app.factor_id)), 404, 'factor_unknown');
    assertProblem(await relay.admin('GET', pathOf('short')), 400, 'malformed', { member: 'account_id' });
    assertProblem(await relay.admin('DELETE', pathOf('short', unknown)), 400, 'malformed', { member: 'account_id' });
    assertProblem(await relay.admin('DELETE', pathOf(alice.idText, 'short')), 400, 'malformed', { member: 'factor_id' });
    assert.equal((await factorsOf(a)).length, 1);

    for (const options of [[], ['--remove', unknown]]) {
      const { code, stdout, stderr } = await command(relay, nobody, ...options);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, /this relay has no account with the id/);
    }
    const none = await command(relay, alice.idText, '--remove', unknown);
    assert.equal(none.code, 1);
    assert.match(none.stderr, /404 factor_unknown/);
    const odd = await command(relay, alice.idText, '--remove', 'short');
    assert.equal(odd.code, 2);
    assert.match(odd.stderr, /"short" is no factor's id/);
  });
});

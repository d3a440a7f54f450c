// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { Account, recoveryKey } from './support/account.mjs';
import { b64u, fromB64u } from './support/bytes.mjs';
import { brokenRule } from './support/manifest_rules.mjs';
import { assertProblem, assertStatus, scene, suite } from './support/scene.mjs';

suite('registering where registration is open', {}, (it) => {
  it('gives back the account, epoch 0 and the hash that the client computed', async (relay) => {
    const account = new Account(relay);
    const made = await account.register();
    assertStatus(made, 201);
    assert.equal(made.json.account_id, account.idText);
    assert.equal(made.json.epoch, 0);
    assert.deepEqual(fromB64u(made.json.hash), account.head.hash);
  });

  it('needs no invite and does not mind one', async (relay) => {
    const answer = await new Account(relay).register({ invite: `spi1_${'A'.repeat(22)}` });
    assertStatus(answer, 201);
  });

  it('takes several devices and a recovery key at once', async (relay) => {
    const account = await relay.account({ devices: 3, recovery: recoveryKey() });
    await account.device(3).login();
    const page = await account.read(account.first);
    assert.equal(brokenRule(null, fromB64u(page.json.manifests[0])), 0);
  });

  it('is harmless when repeated: 200 with the present head', async (relay) => {
    const account = await relay.account();
    assertStatus(await account.register(), 200);
    await account.grow(2);
    const again = await account.register();
    assertStatus(again, 200);
    assert.equal(again.json.epoch, 1);
    assert.deepEqual(fromB64u(again.json.hash), account.head.hash);
  });

  it('is one account when the same bytes race', async (relay) => {
    const account = new Account(relay);
    const answers = await Promise.all(Array.from({ length: 8 }, () => account.register()));
    const counts = answers.map((each) => each.status).sort();
    assert.deepEqual(counts, [200, 200, 200, 200, 200, 200, 200, 201]);
  });

  it('names the rule that a first manifest breaks', async (relay) => {
    const account = new Account(relay);
    account.signed.bytes[account.signed.bytes.length - 1] ^= 1;
    assertProblem(await account.register(), 422, 'manifest_invalid', { rule: 2 });
  });

  it('refuses bytes that are no manifest with rule 1', async (relay) => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('SPM1'), Buffer.alloc(300, 7)]) {
      const answer = await relay.call('POST', '/v1/accounts', { json: { manifest: b64u(bytes) } });
      assertProblem(answer, 422, 'manifest_invalid', { rule: 1 });
    }
  });

  it('refuses a device key that stands in another account', async (relay) => {
    const standing = await relay.account();
    const thief = new Account(relay, { recovery: recoveryKey() });
    thief.devices[0].key = standing.first.key;
    thief.signed = thief.firstManifest();
    assertProblem(await thief.register(), 409, 'device_key_used');
  });
});

suite('registering where an invite is needed', { set: { registration: 'invite' } }, (it) => {
  it('works once for each use of the invite', async (relay) => {
    const invite = await relay.invite({ uses: 2 });
    assertStatus(await new Account(relay).register({ invite }), 201);
    assertStatus(await new Account(relay).register({ invite }), 201);
    assertProblem(await new Account(relay).register({ invite }), 403, 'invite_invalid');
  });

  it('uses up no invite when repeated', async (relay) => {
    const invite = await relay.invite({ uses: 2 });
    const account = new Account(relay);
    assertStatus(await account.register({ invite }), 201);
    assertStatus(await account.register({ invite }), 200);
    assertStatus(await account.register(), 200);
    assertStatus(await new Account(relay).register({ invite }), 201);
  });

  it('gives one use to one of many who race for it', async (relay) => {
    const invite = await relay.invite({ uses: 1 });
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => new Account(relay).register({ invite })),
    );
    assert.deepEqual(answers.map((each) => each.status).sort(), [201, 403, 403, 403, 403, 403]);
  });

  it('answers a missing, a wrong and a used invite alike', async (relay) => {
    const used = await relay.invite();
    assertStatus(await new Account(relay).register({ invite: used }), 201);
    const wrong = `spi1_${'B'.repeat(22)}`;
    const answers = [];
    for (const invite of [used, wrong]) {
      answers.push(await new Account(relay).register({ invite }));
    }
    answers.forEach((answer) => assertProblem(answer, 403, 'invite_invalid'));
    assert.deepEqual(answers[0].body, answers[1].body);
    assertProblem(await new Account(relay).register(), 403, 'invite_invalid');
  });

  it('uses up no invite for a manifest that is refused', async (relay) => {
    const invite = await relay.invite();
    const broken = new Account(relay);
    broken.signed.bytes[130] ^= 1;
    assertProblem(await broken.register({ invite }), 422, 'manifest_invalid');
    assertStatus(await new Account(relay).register({ invite }), 201);
  });

  it('is shown as a link under the base URL by the operator', async (relay) => {
    const answer = await relay.admin('POST', '/admin/invites', {
      json: { uses: 3, expires_in_s: 60, note: 'for Ada' },
    });
    assertStatus(answer, 201);
    assert.equal(answer.json.url, `${relay.baseUrl}/#${answer.json.invite}`);
  });
});

scene('an invite ends at its time', { set: { registration: 'invite' }, clock: true },
  async (relay) => {
    const invite = await relay.invite({ uses: 5, expires_in_s: 600 });
    assertStatus(await new Account(relay).register({ invite }), 201);
    relay.clock.advance(601);
    assertProblem(await new Account(relay).register({ invite }), 403, 'invite_invalid');
  });

scene('a closed relay takes no accounts, invited or not', { set: { registration: 'closed' } },
  async (relay) => {
    const invite = await relay.invite();
    assertProblem(await new Account(relay).register({ invite }), 403, 'registration_closed');
    assertProblem(await new Account(relay).register(), 403, 'registration_closed');
  });

suite('reading an account', {}, (it) => {
  it('gives every manifest from epoch 0, a chain that verifies', async (relay) => {
    const account = await relay.account();
    await account.grow(2);
    await account.grow(3);
    const { json } = await account.read(account.first);
    assert.equal(json.manifests.length, 3);
    assert.equal(json.more, false);
    assert.equal(json.epoch, 2);
    const chain = json.manifests.map(fromB64u);
    chain.forEach((signed, i) => assert.equal(brokenRule(i ? chain[i - 1] : null, signed), 0));
  });

  it('gives only what came after since', async (relay) => {
    const account = await relay.account();
    await account.grow(2);
    assert.equal((await account.read(account.first, '?since=0')).json.manifests.length, 1);
    const none = await account.read(account.first, '?since=1');
    assert.deepEqual([none.json.manifests, none.json.more, none.json.epoch], [[], false, 1]);
    assert.equal((await account.read(account.first, '?since=99')).json.manifests.length, 0);
  });

  it('comes in pages of 64', async (relay) => {
    const account = await relay.account();
    for (let i = 0; i < 66; i++) {
      await account.change({});
    }
    const first = (await account.read(account.first)).json;
    assert.deepEqual([first.manifests.length, first.more], [64, true]);
    const rest = (await account.read(account.first, '?since=63')).json;
    assert.deepEqual([rest.manifests.length, rest.more], [3, false]);
  });

  it('is open to any session that knows the id', async (relay) => {
    const { a, bob } = await relay.pair();
    assertStatus(await bob.read(a), 200);
  });

  it('is 404 for an account that never was', async (relay) => {
    const { a } = await relay.pair();
    const answer = await a.call('GET', `/v1/accounts/${b64u(Buffer.alloc(32, 9))}`);
    assertProblem(answer, 404, 'not_found');
  });

  it('refuses ids and epochs that are none', async (relay) => {
    const { a, alice } = await relay.pair();
    for (const path of ['/v1/accounts/abc', `/v1/accounts/${alice.idText}=`]) {
      assertProblem(await a.call('GET', path), 400, 'malformed', { member: 'account_id' });
    }
    for (const since of ['', 'x', '-1', '1e3', '0x1', '9007199254740993']) {
      const answer = await alice.read(a, `?since=${since}`);
      assert.ok([400, 422].includes(answer.status), `since=${since}: ${answer.status}`);
      assert.equal(answer.json.member, 'since');
    }
    assertProblem(await alice.read(a, '?sins=1'), 400, 'malformed', { member: 'sins' });
  });
});

suite('the report', {}, (it) => {
  it('tells the caller what is held on the account', async (relay) => {
    const { a, b, alice, bob } = await relay.pair();
    assertStatus(await b.send([a]), 201);
    const { json } = await a.call('GET', '/v1/account/report');
    assert.equal(json.account_id, alice.idText);
    const text = JSON.stringify(json);
    assert.ok(text.includes(a.pubText), 'the device key is part of it');
    assert.ok(!text.includes(bob.idText) && !text.includes(b.pubText), 'nothing of the sender is');
  });
});

// SPDX-License-Identifier: Apache-2.0
// The reference device and handles: it binds them, and believes nobody's binding unverified.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { b64u, fromB64u } from './support/bytes.mjs';
import { verifySignature } from './support/keys.mjs';
import { Liar } from './support/liar.mjs';
import { manifestHash, parseManifest } from './support/manifest.mjs';
import { Program } from './support/program.mjs';
import { Relay } from './support/relay.mjs';
import { ok } from './support/scene.mjs';
import { handleBinding, handleBytes } from './support/signing.mjs';
import { urlOf } from './support/tls.mjs';

const TIMEOUT_MS = 180_000;
const [REFUSED, USAGE, UNVERIFIED] = [1, 2, 4];

// A relay behind a liar, who is honest at first, and two programs that are registered there.
async function begin(t) {
  const liar = await Liar.open();
  t.after(() => liar.close());
  const relay = await Relay.start(t, { set: { base_url: urlOf(liar.port), hold_time: '0' } });
  liar.target = relay.port;
  const [ada, bob] = [new Program(relay, 'ada'), new Program(relay, 'bob')];
  await ada.register();
  await bob.register();
  return { liar, relay, ada, bob };
}

const handles = (name, body) => test(name, { timeout: TIMEOUT_MS }, async (t) => body(await begin(t)));

async function assertRefused(program, words, code, reason) {
  const { code: found, stdout, stderr } = await program.try(...words);
  assert.equal(found, code, stderr);
  assert.match(stderr, reason);
  assert.equal(stdout, '');
}

handles('a name is bound, found by others and given up', async ({ relay, ada, bob }) => {
  assert.equal(await ada.run('handle set', ['Ada.L']), 'ada.l is this account\'s\n');
  assert.match(await ada.run('handle set', ['ada.l']), /was this account's by the same binding/);
  assert.equal(await bob.run('handle lookup', ['ADA.l']), `${ada.accountText}\n`);
  assert.deepEqual(await bob.json('handle lookup', ['ada.l']), {
    handle: 'ada.l', account_id: ada.accountText, seq: 0, device_id: 1,
  });
  const { first: stranger } = await relay.account();
  const { binding } = ok(await stranger.call('POST', '/v1/handles/lookup', { json: { handle: 'ada.l' } }));
  const { manifests } = ok(await stranger.call('GET', `/v1/accounts/${ada.accountText}`));
  const [device] = parseManifest(fromB64u(manifests[0])).devices;
  const signed = handleBytes('ada.l', 0, ada.accountId);
  assert.ok(verifySignature(device.pub, signed, fromB64u(binding).subarray(signed.length + 4)));

  assert.match(await ada.run('handle release', ['ada.l']), /ada\.l is nobody's now/);
  await assertRefused(bob, ['handle lookup', ['ada.l']], REFUSED, /404 handle_unknown/);
  await assertRefused(ada, ['handle release', ['ada.l']], REFUSED, /404 handle_unknown/);
});

handles('the account that gave a name up has it back by the next binding', async ({ ada, bob }) => {
  await ada.run('handle set', ['lady']);
  await ada.run('handle release', ['lady']);
  await assertRefused(bob, ['handle set', ['lady']], REFUSED, /409 handle_taken/);
  await ada.run('handle set', ['lady']);
  assert.equal((await bob.json('handle lookup', ['lady'])).seq, 1);
});

handles('a name that is none is told before anything is asked', async ({ liar, ada }) => {
  liar.asked.length = 0;
  for (const name of ['a', 'a'.repeat(33), 'no spaces', 'grüße', '']) {
    for (const command of ['handle set', 'handle release', 'handle lookup']) {
      await assertRefused(ada, [command, [name]], USAGE, /is no handle: it is 2 to 32 of/);
    }
  }
  assert.deepEqual(liar.asked, []);
});

handles('a device that is no admin may not bind, and is told so', async ({ relay, ada }) => {
  const second = new Program(relay, 'second');
  await ada.add(second);
  await assertRefused(second, ['handle set', ['mine']], REFUSED, /403 not_admin/);
});

handles('a binding is believed after its signer has left', async ({ relay, liar, ada, bob }) => {
  const second = new Program(relay, 'second');
  await ada.add(second, ['--admin']);
  await second.run('handle set', ['ours']);
  assert.equal((await bob.json('handle lookup', ['ours'])).device_id, 2);
  await ada.run('manifest remove', ['2']);
  assert.equal(await bob.run('handle lookup', ['ours']), `${ada.accountText}\n`);
  const path = `/v1/accounts/${ada.accountText}`;
  liar.lie(path, (page) => (page.manifests.length === 0 ? page : { ...page, manifests: page.manifests.slice(0, 2) }));
  await assertRefused(bob, ['handle lookup', ['ours']], UNVERIFIED, /do NOT trust the device list/);
});

handles('a list that moves on between two looks at it is no lie', async ({ relay, liar, ada, bob }) => {
  const second = new Program(relay, 'second');
  await ada.add(second, ['--admin']);
  await second.run('handle set', ['ours']);
  await ada.run('manifest remove', ['2']);
  await ada.add(new Program(relay, 'third'));
  let looks = 0;
  liar.lie(`/v1/accounts/${ada.accountText}`, (page) => {
    looks++;
    if (looks > 1) {
      return page;
    }
    const manifests = page.manifests.slice(0, 3); // as it was before the third came
    const { body } = parseManifest(fromB64u(manifests[2]));
    return { ...page, manifests, epoch: 2, hash: b64u(manifestHash(body)) };
  });
  assert.equal(await bob.run('handle lookup', ['ours']), `${ada.accountText}\n`);
  assert.equal(looks, 2);
});

handles('what the relay made up about a name is not believed', async ({ relay, liar, ada, bob }) => {
  await ada.run('handle set', ['ada']);
  await bob.run('handle set', ['bob']);
  const account = await relay.account();
  const [plain] = await account.grow(2);
  const { first: stranger } = await relay.account();
  const answerOf = async (handle) => ok(await stranger.call('POST', '/v1/handles/lookup', { json: { handle } }));
  const bound = (device, handle, options) => ({
    account_id: device.account.idText, binding: b64u(handleBinding(device, handle, 0, options)),
  });
  const [adas, bobs] = [await answerOf('ada'), await answerOf('bob')];
  const lies = {
    'another account beside the binding': { ...adas, account_id: bobs.account_id },
    'the binding of another name': bobs,
    'a binding that is cut short': { ...adas, binding: adas.binding.slice(0, -4) },
    'a binding by a device that is no admin': bound(plain, 'ada'),
    'a binding by a key that is not the device\'s': bound(account.first, 'ada', { key: plain.key }),
    'nothing': {},
  };
  for (const [name, lie] of Object.entries(lies)) {
    liar.lie('/v1/handles/lookup', () => lie, 'POST');
    const { code, stdout, stderr } = await bob.try('handle lookup', ['ada']);
    assert.equal(code, UNVERIFIED, name);
    assert.match(stderr, /do NOT believe the relay/, name);
    assert.equal(stdout, '', name);
  }
  liar.lie('/v1/handles/lookup', () => bound(account.first, 'ada'), 'POST');
  assert.equal(await bob.run('handle lookup', ['ada']), `${account.idText}\n`, 'one that holds is');
});

handles('a relay that names the seq that was signed is not signed for again', async ({ liar, ada }) => {
  await ada.run('handle set', ['name']);
  await ada.run('handle release', ['name']);
  for (const seq of [0, -1, 2 ** 53, 'x']) {
    liar.asked.length = 0;
    liar.lie('/v1/handles', (answer) => ({ ...answer, seq }), 'POST');
    await assertRefused(ada, ['handle set', ['name']], REFUSED, /409 handle_seq/);
    assert.equal(liar.asked.filter((line) => line === 'POST /v1/handles').length, 1);
  }
});

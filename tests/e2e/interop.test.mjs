// SPDX-License-Identifier: Apache-2.0
// The sealpost program and this client on one relay: two implementations, one contract.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Account } from './support/account.mjs';
import { envelopeId, fromB64u } from './support/bytes.mjs';
import { CTL, runToEnd } from './support/daemon.mjs';
import { Forwarder } from './support/forwarder.mjs';
import { parseManifest } from './support/manifest.mjs';
import { brokenRule } from './support/manifest_rules.mjs';
import { Program } from './support/program.mjs';
import { Relay } from './support/relay.mjs';
import { BoxKey, KEY_TYPE, openMessage, sealMessage } from './support/sealed_box.mjs';
import { assertStatus } from './support/scene.mjs';
import { urlOf } from './support/tls.mjs';

async function start(t) {
  const forwarder = await Forwarder.open();
  const relay = await Relay.start(t, {
    set: { base_url: urlOf(forwarder.port), registration: 'invite' },
  });
  t.after(() => forwarder.close());
  forwarder.target = relay.port;
  return relay;
}

async function chainOf(asker, accountText) {
  const page = await asker.call('GET', `/v1/accounts/${accountText}`);
  assertStatus(page, 200);
  const chain = page.json.manifests.map(fromB64u);
  chain.forEach((signed, i) => assert.equal(brokenRule(i ? chain[i - 1] : null, signed), 0));
  return parseManifest(chain.at(-1));
}

// A registered account of this client whose device can open sealed boxes.
async function nodeAccount(relay) {
  const account = new Account(relay);
  const box = new BoxKey();
  account.first.keys = [{ type: KEY_TYPE, bytes: box.pub }];
  account.signed = account.firstManifest();
  account.setHead(account.signed.body, 0);
  assertStatus(await account.register({ invite: await relay.invite() }), 201);
  await account.first.login();
  return { account, device: account.first, box };
}

const test120 = (name, body) => test(name, { timeout: 180_000 }, body);

test120('the program registers by an invite, and its manifest verifies here', async (t) => {
  const relay = await start(t);
  const program = new Program(relay, 'ada');
  await program.register(await relay.invite());
  const { device } = await nodeAccount(relay);
  const head = await chainOf(device, program.accountText);
  assert.deepEqual(head.accountId, program.accountId);
  assert.ok(head.devices[0].keys.some((key) => key.type === KEY_TYPE));
});

for (const way of [[], ['--stream']]) {
  test120(`mail goes both ways ${way.length ? 'over the stream' : 'over HTTP'}`, async (t) => {
    const relay = await start(t);
    const program = new Program(relay, 'ada');
    await program.register(await relay.invite());
    const { account, device, box } = await nodeAccount(relay);
    const head = await chainOf(device, program.accountText);
    const [theirs] = head.devices;

    await program.run('send', [account.idText, 'Grüße von C'], way);
    const [item] = (await device.mailbox()).envelopes;
    const body = fromB64u(item.body);
    assert.equal(body.length, 256, 'it fills a size bucket');
    const message = openMessage(box, body, device.pub, fromB64u(item.id));
    assert.equal(message.content.toString(), 'Grüße von C');
    assert.deepEqual(message.accountId, program.accountId);
    assert.ok(message.isPadded && message.isSignedBy(theirs.pub));

    const id = envelopeId();
    const boxPub = theirs.keys.find((key) => key.type === KEY_TYPE).bytes;
    const sealed = sealMessage(device, theirs.pub, boxPub, id, Buffer.from('Grüße von Node'));
    const recipients = [{ pub: theirs.pub, body: sealed }];
    const stream = await device.open();
    const epoch = Number(head.epoch);
    const sent = await stream.send(recipients, { id, accountId: program.accountId, epoch });
    assert.equal(sent.status, 201);
    const lines = (await program.run('receive', [], ['--json'])).trim().split('\n').map(JSON.parse);
    assert.equal(lines.length, 1);
    assert.deepEqual([lines[0].text, lines[0].verified, lines[0].account_id],
      ['Grüße von Node', true, account.idText]);
    assert.equal((await program.run('receive', [], ['--json'])).trim(), '', 'it was acknowledged');
  });
}

test120('the program tells mail that its sender did not sign', async (t) => {
  const relay = await start(t);
  const program = new Program(relay, 'ada');
  await program.register(await relay.invite());
  const { account, device } = await nodeAccount(relay);
  const [theirs] = (await chainOf(device, program.accountText)).devices;
  const boxPub = theirs.keys.find((key) => key.type === KEY_TYPE).bytes;
  const forger = Object.assign(Object.create(device), { key: new Account(relay).first.key });
  Object.defineProperty(forger, 'account', { value: account });
  const id = envelopeId();
  const sealed = sealMessage(forger, theirs.pub, boxPub, id, Buffer.from('not me'));
  const stream = await device.open();
  await stream.send([{ pub: theirs.pub, body: sealed }], { id });
  const { stdout } = await runToEnd(CTL, ['device', 'receive', '--json', '--dir', program.dir], {
    HOME: program.dir,
  });
  assert.equal(JSON.parse(stdout.trim()).verified, false);
});

test120('two devices of the program make one account, and the chain verifies here', async (t) => {
  const relay = await start(t);
  const [first, second] = [new Program(relay, 'one'), new Program(relay, 'two')];
  await first.register(await relay.invite());
  await first.add(second);
  const { account, device, box } = await nodeAccount(relay);
  const head = await chainOf(device, first.accountText);
  assert.equal(head.devices.length, 2);
  await second.run('send', [account.idText, 'from the second']);
  const [item] = (await device.mailbox()).envelopes;
  const message = openMessage(box, fromB64u(item.body), device.pub, fromB64u(item.id));
  assert.equal(message.deviceId, head.devices[1].id);
  assert.ok(message.isSignedBy(head.devices[1].pub));
  await first.run('manifest remove', [String(head.devices[1].id)]);
  assert.equal((await chainOf(device, first.accountText)).devices.length, 1);
});

test120('the operator\'s commands do what the administrator\'s calls do', async (t) => {
  const relay = await start(t);
  const operate = async (command, options = [], words = []) => {
    const all = [...command.split(' '), '--json', '--socket', relay.adminSocket, ...options,
      '--', ...words];
    const { code, stdout, stderr } = await runToEnd(CTL, all, { HOME: relay.dir });
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  };
  const made = await operate('invite create', ['--uses', '2', '--note', 'two']);
  const account = new Account(relay);
  assertStatus(await account.register({ invite: made.invite }), 201);
  assert.ok(JSON.stringify(await operate('account list')).includes(account.idText));
  assert.ok(JSON.stringify(await operate('account show', [], [account.idText])).includes(
    account.first.pubText,
  ));
  assert.ok((await operate('stats')).accounts === 1);
});

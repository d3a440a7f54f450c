// SPDX-License-Identifier: Apache-2.0
// Links: a new device comes into an account, and nothing else does.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { b64u, fromB64u, hex } from './support/bytes.mjs';
import {
  NewDevice, OldDevice, Refused, codeOf, commitOf, entryBytes, entryHash, linkByCode, parseUri,
  uriOf,
} from './support/links.mjs';
import { ADMIN } from './support/manifest.mjs';
import { Raw } from './support/raw.mjs';
import {
  assertProblem, assertStatus, bareAnswer, ok, scene, suite,
} from './support/scene.mjs';
import { OP, handleBinding } from './support/signing.mjs';
import { enrolApp, grantOf, logOf } from './support/txns.mjs';

const HOUR_S = 3600;
const SIGNAL_KEY = { type: 1, bytes: Buffer.concat([Buffer.from([5]), randomBytes(32)]) };
const whom = (account) => ({ account_id: account.idText });

let made = 0;
const newName = () => `link-${process.pid}-${++made}`;

test('this client makes what the vectors say', () => {
  const vectors = JSON.parse(readFileSync(new URL('../vectors/link.json', import.meta.url)));
  for (const { entry, hash, link_id: id, uri } of vectors.entries) {
    assert.equal(entryHash(hex(entry)).toString('hex'), hash);
    assert.equal(uriOf(hex(hash), hex(id)), uri);
    assert.deepEqual(parseUri(uri), { eN: hex(hash), linkId: b64u(hex(id)) });
  }
  for (const each of vectors.exchanges) {
    const [eN, rN] = [hex(each.entry_hash), hex(each.new_random)];
    assert.equal(commitOf(rN, eN).toString('hex'), each.commit);
    assert.equal(codeOf({
      accountId: hex(each.account_id), eN, oldPub: hex(each.old_device_pub), rN,
      rE: hex(each.old_random),
    }), each.code);
  }
});

// Begun, claimed by the account's first device, with the entry in hand.
async function claimed(account, comer = new NewDevice(account.relay)) {
  await comer.link();
  const old = new OldDevice(account.first, comer.id);
  await old.scan(comer.uri);
  await old.claim();
  return { comer, old };
}

async function withCandidate(account, comer) {
  const sides = await claimed(account, comer);
  const candidate = sides.old.candidate();
  ok(await sides.old.put(candidate));
  return { ...sides, candidate, view: await sides.comer.read() };
}

suite('a link', {}, (it) => {
  it('brings a device by QR code, with its keys', async (relay) => {
    const account = await relay.account();
    const stream = await account.first.open();
    await stream.event('caught_up');
    const comer = new NewDevice(relay, { keys: [SIGNAL_KEY] });
    const device = await linkByCode(account.first, comer);
    assert.equal((await stream.event('link.approved')).link_id, comer.id);
    assert.equal((await stream.event('manifest.changed')).epoch, 1);
    const { json } = await account.read(device);
    assert.equal(json.epoch, 1);
    const { bytes } = { bytes: fromB64u(json.manifests.at(-1)) };
    assert.ok(bytes.includes(entryBytes(comer.key.pub, []).subarray(0, 32)));
    assertStatus(await account.first.send([device]), 201);
    assert.equal((await device.mailbox()).envelopes.length, 1);
    const { entries } = await logOf(account.first);
    assert.deepEqual(entries.map(({ change, device_id: id }) => [change, id]), [['link_approved', 1]]);
    const view = await comer.read();
    assert.deepEqual([view.state, view.device_id, view.account_id], ['done', 1, account.idText]);
    const report = ok(await device.call('GET', '/v1/account/report'));
    assert.deepEqual([report.links, report.link_prompts, report.log_entries], [1, 0, 1]);
  });

  it('brings a device by six digits', async (relay) => {
    const account = await relay.account();
    const comer = await new NewDevice(relay).link();
    await comer.commit();
    const old = new OldDevice(account.first, comer.id);
    const [shown, wanted] = await Promise.all([comer.digits(), old.digits()]);
    assert.match(shown, /^\d{6}$/);
    assert.equal(shown, wanted);
    ok(await old.put());
    const signed = ok(await comer.sign(await comer.until('candidate'), account.idText));
    assert.deepEqual([signed.state, signed.epoch], ['done', 1]);
    assert.deepEqual(ok(await comer.step('/signed', { version: comer.version - 1, signature: b64u(randomBytes(64)) })),
      signed, 'an answer that was lost is the same again');
  });

  it('asks the devices of an account, which approve it', async (relay) => {
    const account = await relay.account();
    const [second] = await account.grow(2);
    const handle = newName();
    assertStatus(await account.first.call('POST', '/v1/handles', {
      json: { handle, binding: b64u(handleBinding(account.first, handle, 0)) },
    }), 201);
    const streams = [await account.first.open(), await second.open()];
    const comer = await new NewDevice(relay).link({ handle: handle.toUpperCase(), name: 'Ada\'s phone' });
    for (const stream of streams) {
      assert.deepEqual(await stream.event('link.requested'), {
        kind: 'event', event: 'link.requested', link_id: comer.id, name: 'Ada\'s phone',
        expires_at: comer.expiresAt,
      });
    }
    const { links } = ok(await second.call('GET', '/v1/links'));
    assert.deepEqual(links, [{
      link_id: comer.id, state: 'created', version: 1, expires_at: comer.expiresAt, name: 'Ada\'s phone',
    }]);
    const old = new OldDevice(account.first, comer.id);
    await old.scan(comer.uri);
    await old.claim();
    assert.equal(ok(await second.call('GET', '/v1/links')).links[0].device_id, 1);
    ok(await old.put());
    ok(await comer.sign(await comer.until('candidate')));
    assert.deepEqual(ok(await second.call('GET', '/v1/links')).links, []);
    assert.deepEqual((await logOf(second)).entries.map(({ change }) => change),
      ['link_requested', 'link_approved']);
  });

  it('is denied by either side, and by any device of the account', async (relay) => {
    const account = await relay.account();
    const [second] = await account.grow(2);
    const stream = await account.first.open();
    const first = await claimed(account);
    assert.equal(ok(await new OldDevice(second, first.comer.id).deny()).state, 'denied');
    assert.deepEqual(await stream.event('link.denied'), {
      kind: 'event', event: 'link.denied', link_id: first.comer.id, device_id: 2,
    });
    assert.equal(ok(await first.old.deny()).state, 'denied');
    assert.equal((await first.comer.read()).state, 'denied');
    const other = await claimed(account);
    assert.equal(ok(await other.comer.call('POST', '/deny', { json: {} })).state, 'denied');
    assert.deepEqual(await stream.event('link.denied'), {
      kind: 'event', event: 'link.denied', link_id: other.comer.id,
    });
    assertProblem(await other.old.put(other.old.candidate()), 409, 'link_conflict', { state: 'denied' });
    const done = await withCandidate(account);
    ok(await done.comer.sign(done.view));
    assertProblem(await done.old.deny(), 409, 'link_conflict', { state: 'done' });
  });

  it('waits for a change', async (relay) => {
    const account = await relay.account();
    const comer = await new NewDevice(relay).link();
    const old = new OldDevice(account.first, comer.id);
    await old.read();
    const waiting = [comer.wait(), old.wait()];
    await relay.metricReaches('link_waits', 2);
    await comer.step('/messages', { body: b64u(Buffer.from('commit')) });
    for (const view of await Promise.all(waiting)) {
      assert.deepEqual([view.version, view.messages.length], [2, 1]);
    }
    // Nothing new: it is answered when its time is over; another version at once.
    assert.equal((await comer.read('?wait=1&version=2')).version, 2);
    assert.equal((await comer.read('?wait=60&version=1')).version, 2);
    assert.equal((await comer.read('?wait=60')).version, 2);
    await relay.metricReaches('link_waits', 0);
  });

  it('lets a few wait, and the oldest go for another', async (relay) => {
    const comer = await new NewDevice(relay).link();
    const answered = [];
    const waiting = Array.from({ length: 5 }, (_, i) => comer.read('?wait=60&version=1')
      .then(() => answered.push(i)));
    await Promise.race(waiting);
    assert.equal(answered.length, 1);
    ok(await comer.call('POST', '/deny', { json: {} }));
    await Promise.all(waiting);
    await relay.metricReaches('link_waits', 0);
  });

  it('forgets a wait whose client has gone', async (relay) => {
    const comer = await new NewDevice(relay).link();
    const raw = await Raw.to({ port: relay.port, host: '127.0.0.1' });
    raw.write(`GET /v1/links/${comer.id}?wait=60&version=1 HTTP/1.1\r\nHost: relay.example\r\n`
      + `Authorization: Bearer ${comer.token}\r\n\r\n`);
    await relay.metricReaches('link_waits', 1);
    raw.destroy();
    await relay.metricReaches('link_waits', 0);
  });

  it('takes each step from whose it is, and once', async (relay) => {
    const account = await relay.account();
    const [plain] = await account.grow(2);
    const stranger = (await relay.account()).first;
    const comer = await new NewDevice(relay).link();
    const [old, others] = [new OldDevice(account.first, comer.id), new OldDevice(stranger, comer.id)];
    await old.read();
    const of = (device) => Object.assign(new OldDevice(device, comer.id), { version: 1 });
    assertProblem(await of(plain).step('/claim'), 403, 'not_admin');
    assertProblem(await old.step('/claim', { version: 2 }), 409, 'link_conflict',
      { state: 'created', version: 1 });
    await others.read(); // the id is what the QR code carries
    await old.claim();
    assertProblem(await others.step('/claim'), 404, 'link_unknown');
    assertProblem(await others.call('GET', ''), 404, 'link_unknown');
    assertProblem(await others.call('POST', '/deny', { json: {} }), 404, 'link_unknown');
    assertProblem(await of(plain).step('/claim', { version: 2 }), 403, 'not_admin');
    assertProblem(await of(plain).step('/messages', { version: 2, body: 'AAAA' }), 409, 'link_conflict');
    assertProblem(await of(plain).step('/candidate', { version: 2, manifest: b64u(account.signed.bytes) }),
      409, 'link_conflict');
    const thief = Object.assign(new NewDevice(relay), { ...comer, token: `spl1_${'A'.repeat(43)}` });
    thief.key = comer.key;
    assertProblem(await thief.call('GET', ''), 404, 'link_unknown');
    assertProblem(await thief.step('/messages', { body: 'AAAA' }), 404, 'link_unknown');
    assertProblem(await thief.step('/signed', { signature: b64u(randomBytes(64)) }), 404, 'link_unknown');
    assertProblem(await thief.call('POST', '/deny', { json: {} }), 404, 'link_unknown');
    assertProblem(await relay.call('GET', `/v1/links/${comer.id}`, { token: 'spl1_x' }), 404, 'link_unknown');
    assertProblem(await old.step('/signed', { signature: b64u(randomBytes(64)) }), 404, 'link_unknown');
    for (const path of ['/claim', '/candidate']) {
      assertProblem(await comer.step(path), 401, 'session_invalid');
    }
    for (const [method, path] of [['GET', ''], ['POST', '/messages'], ['POST', '/signed'], ['POST', '/deny']]) {
      assertProblem(await relay.call(method, `/v1/links/${comer.id}${path}`), 401, 'session_invalid');
    }
    const nobody = new OldDevice(account.first, b64u(randomBytes(16)));
    nobody.version = 1;
    for (const answer of [await nobody.call('GET', ''), await nobody.step('/claim'), await nobody.deny(),
      await nobody.step('/messages', { body: 'AAAA' }),
      await nobody.step('/candidate', { manifest: b64u(account.signed.bytes) })]) {
      assertProblem(answer, 404, 'link_unknown');
    }
  });

  it('refuses values that cannot be', async (relay) => {
    const account = await relay.account();
    const comer = new NewDevice(relay);
    const refused = async (fields, member, status = 422, code = 'value_invalid') => assertProblem(
      await comer.begin(fields), status, code, { member },
    );
    await refused({ entry: b64u(Buffer.concat([comer.entry, Buffer.from([0])])) }, 'entry');
    await refused({ entry: b64u(Buffer.alloc(33)) }, 'entry');
    await refused({ entry: '' }, 'entry');
    await refused({ entry: 7 }, 'entry', 400, 'malformed');
    await refused({ name: '' }, 'name');
    await refused({ name: 'ä'.repeat(33) }, 'name');
    await refused({ name: 'a\nb' }, 'name');
    await refused({ handle: 'x' }, 'handle');
    await refused({ handle: 'someone', ...whom(account) }, 'handle');
    await refused({ account_id: 'AAAA' }, 'account_id', 400, 'malformed');
    await refused({ grant: b64u(randomBytes(32)) }, 'grant');
    await refused({ more: 1 }, 'more', 400, 'malformed');
    const { old } = await claimed(account, comer);
    await comer.read();
    for (const query of ['?wait=61', '?wait=-1', '?version=x', '?more=1']) {
      assert.ok([400, 422].includes((await comer.call('GET', query)).status), query);
    }
    assertProblem(await comer.call('GET', '?wait=61'), 422, 'value_invalid', { member: 'wait' });
    for (const body of ['', b64u(Buffer.alloc(4097))]) {
      assertProblem(await comer.step('/messages', { body }), 422, 'value_invalid', { member: 'body' });
    }
    assertProblem(await old.step('/claim', { version: 0 }), 422, 'value_invalid', { member: 'version' });
    assertProblem(await comer.step('/messages'), 400, 'malformed', { member: 'body' });
    assertProblem(await comer.step('/signed', { signature: 'AAAA' }), 400, 'malformed', { member: 'signature' });
    assertProblem(await comer.step('/signed', { version: 0, signature: b64u(Buffer.alloc(64)) }), 422, 'value_invalid');
    assertProblem(await old.step('/candidate', { version: 0, manifest: 'AAAA' }), 422, 'value_invalid');
    assertProblem(await old.step('/candidate', { manifest: 'AAAA' }), 422, 'manifest_invalid', { rule: 1 });
    ok(await comer.step('/messages', { body: b64u(Buffer.alloc(4096)) }));
  });

  it('takes a few messages, and a few claims of an account', async (relay) => {
    const account = await relay.account();
    const comer = await new NewDevice(relay).link();
    for (let i = 0; i < 2; i++) {
      ok(await comer.say(Buffer.from([i])));
    }
    assertProblem(await comer.say(Buffer.from([2])), 409, 'link_limit');
    const links = await Promise.all(Array.from({ length: 9 }, () => new NewDevice(relay).link()));
    const answers = [];
    for (const { id } of links) {
      answers.push(await Object.assign(new OldDevice(account.first, id), { version: 1 }).step('/claim'));
    }
    answers.slice(0, 8).forEach((answer) => assertStatus(answer, 200));
    assertProblem(answers[8], 409, 'link_limit');
  });

  it('lets in no ghost', async (relay) => {
    const account = await relay.account();
    const [second] = await account.grow(2);
    await account.change({ devices: [account.first, Object.assign(second, { flags: ADMIN })] });
    const { comer, old } = await claimed(account);
    const ghost = new NewDevice(relay);
    // Another device than the link's; a further one; more power for another; by another admin; unsigned.
    assertProblem(await old.put(old.candidate({ entry: ghost.entry })), 422, 'candidate_invalid');
    const further = account.newDevice(9);
    const honest = old.candidate();
    assertProblem(await old.put(account.next({
      devices: [...honest.devices, further], signers: [{ signer: 1, key: account.first.key }],
    })), 422, 'candidate_invalid');
    assertProblem(await old.put(account.next({
      devices: [account.first, { ...second, pub: second.pub, flags: 0 }, honest.devices.at(-1)],
      signers: [{ signer: 1, key: account.first.key }],
    })), 422, 'candidate_invalid');
    assertProblem(await old.put(old.candidate({ change: { signers: [{ signer: 2, key: second.key }] } })),
      422, 'candidate_invalid');
    assertProblem(await old.put(old.candidate({ change: { signers: [] } })), 422, 'candidate_invalid');
    assertProblem(await old.put(old.candidate({ change: { signers: [{ signer: 1, key: second.key }] } })),
      422, 'manifest_invalid', { rule: 5 });
    assertProblem(await old.put(old.candidate({ change: { prevHash: randomBytes(32) } })), 409, 'manifest_conflict');
    ok(await old.put(honest));
    // The new device signs for nobody else, and nobody for it.
    const view = await comer.read();
    assert.throws(() => comer.signatureOf(view, b64u(randomBytes(32))), Refused);
    const foreign = b64u(ghost.key.sign(Buffer.from('anything')));
    assertProblem(await comer.step('/signed', { signature: foreign }), 422, 'manifest_invalid', { rule: 5 });
    assert.equal((await account.read(account.first)).json.epoch, 2);
    ok(await comer.sign(view));
    assert.equal((await account.read(account.first)).json.epoch, 3);
  });

  it('is refused a key that was used, and a head that moved', async (relay) => {
    const account = await relay.account();
    const { first: foreign } = await relay.account();
    const taken = new NewDevice(relay);
    taken.key = foreign.key;
    taken.entry = entryBytes(foreign.pub, []);
    taken.eN = entryHash(taken.entry);
    const used = await withCandidate(account, taken);
    assertProblem(await used.comer.sign(used.view), 409, 'device_key_used');
    const moved = await withCandidate(account);
    await account.grow(5);
    assertProblem(await moved.comer.sign(moved.view), 409, 'manifest_conflict', { epoch: 1 });
    ok(await moved.old.put(moved.old.candidate()));
    ok(await moved.comer.sign(await moved.comer.read()));
  });

  it('of two approvers one claims', async (relay) => {
    const account = await relay.account();
    const [second] = await account.grow(2);
    await account.change({ devices: [account.first, Object.assign(second, { flags: ADMIN })] });
    for (let round = 0; round < 3; round++) {
      const comer = await new NewDevice(relay).link();
      const sides = [account.first, second].map((device) => Object.assign(new OldDevice(device, comer.id), { version: 1 }));
      const answers = await Promise.all(sides.map((side) => side.step('/claim')));
      assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
      assertProblem(answers.find(({ status }) => status === 409), 409, 'link_conflict', { state: 'claimed', version: 2 });
    }
  });

  it('refuses what a removed approver signed', async (relay) => {
    const account = await relay.account();
    const [second] = await account.grow(2);
    await account.change({ devices: [account.first, Object.assign(second, { flags: ADMIN })] });
    const comer = await new NewDevice(relay).link();
    const old = new OldDevice(second, comer.id);
    await old.scan(comer.uri);
    await old.claim();
    ok(await old.put());
    await account.change({ remove: [2], signers: [{ signer: 2, key: second.key }, { signer: 1, key: account.first.key }] });
    assertProblem(await comer.sign(await comer.read()), 409, 'manifest_conflict');
    assertProblem(await old.put(), 401, 'session_invalid');
  });

  it('goes on when something is held no more', async (relay) => {
    const account = await relay.account();
    const [second] = await account.grow(2);
    await account.change({ devices: [account.first, Object.assign(second, { flags: ADMIN })] });
    const { comer, view } = await withCandidate(account);
    const removal = account.next({ remove: [1], signers: [{ signer: 2, key: second.key }] });
    assertStatus(await account.put(removal), 202);
    assertProblem(await comer.sign(view), 409, 'manifest_held');
    assertStatus(await account.first.command(OP.accountDelete, 'DELETE', '/v1/account', whom(account)), 202);
  });
});

// The relay in the middle: it shows each side an entry, or messages, of its own.
suite('a relay that is between', {}, (it) => {
  it('is found by the code, whose entry it changes', async (relay) => {
    const account = await relay.account();
    const [honest, ghost] = [await new NewDevice(relay).link(), await new NewDevice(relay).link()];
    const old = new OldDevice(account.first);
    const { eN } = parseUri(honest.uri);
    await assert.rejects(() => old.scan(uriOf(eN, fromB64u(ghost.id))), Refused);
  });

  it('shows other digits when it puts a device of its own in between', async (relay) => {
    const [account, own] = [await relay.account(), await relay.account()];
    const honest = await new NewDevice(relay).link();
    await honest.commit();
    // To the honest new device it is an old one; to the old device it is a new one.
    const ghost = await new NewDevice(relay).link();
    await ghost.commit();
    const [shown, wanted, forHonest] = await Promise.all([
      honest.digits(), new OldDevice(account.first, ghost.id).digits(),
      new OldDevice(own.first, honest.id).digits(),
      ghost.digits(),
    ]);
    assert.equal(shown, forHonest);
    assert.notEqual(shown, wanted, 'one in a million');
    // Whoever compares denies, and the ghost is not let in.
    ok(await new OldDevice(account.first, ghost.id).deny());
    assert.equal((await ghost.read()).state, 'denied');
    assert.equal((await account.read(account.first)).json.epoch, 0);
  });

  it('is found when it reveals what it did not commit to', async (relay) => {
    const account = await relay.account();
    const ghost = await new NewDevice(relay).link();
    await ghost.commit();
    const old = new OldDevice(account.first, ghost.id);
    const refused = assert.rejects(() => old.digits(), Refused);
    await ghost.until('claimed');
    for (let view = await ghost.read(); view.messages.length < 2; view = await ghost.wait());
    ghost.rN = randomBytes(32);
    ok(await ghost.say(ghost.rN));
    await refused;
  });
});

suite('prompts', {}, (it) => {
  it('are three an hour, for whom there is not, too', async (relay) => {
    const account = await relay.account();
    const strangers = Array.from({ length: 30 }, () => ({ handle: newName() }));
    const asked = [];
    for (const stranger of strangers) {
      asked.push({ stranger, first: await new NewDevice(relay).begin(stranger) });
    }
    const free = asked.filter(({ first }) => first.status === 201);
    const closed = asked.filter(({ first }) => first.status !== 201);
    assert.ok(free.length > 0 && closed.length > 0, 'some seem to have a factor, some do not');
    closed.forEach(({ first }) => assertProblem(first, 403, 'grant_required'));
    assertProblem(await new NewDevice(relay).begin(closed[0].stranger), 403, 'grant_required');
    ok(await new NewDevice(relay).link(whom(account)).then((comer) => comer.call('GET', '')));
    const decoy = await new NewDevice(relay).link(free[0].stranger);
    assert.deepEqual((await decoy.read()).state, 'created');
    for (const target of [free[0].stranger, whom(account)]) {
      const answers = [];
      for (let i = 0; i < 3; i++) {
        answers.push(await new NewDevice(relay).begin(target));
      }
      const limited = answers.find(({ status }) => status === 429);
      assertProblem(limited, 429, 'rate_limited');
      assert.ok(limited.json.retry_after > HOUR_S - 120 && limited.json.retry_after <= HOUR_S);
    }
    const both = [await new NewDevice(relay).begin(free[0].stranger), await new NewDevice(relay).begin(whom(account))];
    const [one, two] = both.map(bareAnswer);
    assert.deepEqual([one.status, Object.keys(one.headers)], [two.status, Object.keys(two.headers)]);
    assert.equal(ok(await account.first.call('GET', '/v1/links')).links.length, 3);
    await linkByCode(account.first); // a QR code asks nobody
  });

  it('need a grant where a factor is enrolled, once each', async (relay) => {
    const account = await relay.account();
    const wrong = { ...whom(account), grant: b64u(randomBytes(32)) };
    assertProblem(await new NewDevice(relay).begin(wrong), 403, 'grant_required');
    await enrolApp(account.first);
    assertProblem(await new NewDevice(relay).begin(whom(account)), 403, 'grant_required');
    const shown = async () => ok(await account.first.call('GET', '/v1/account/challenges')).challenges.at(-1).code;
    const grant = await grantOf(account.first, 'link', 'code', shown);
    const stepup = await grantOf(account.first, 'recover', 'code', shown);
    assertProblem(await new NewDevice(relay).begin({ ...whom(account), grant: stepup }), 403, 'grant_required');
    await new NewDevice(relay).link({ ...whom(account), grant });
    assertProblem(await new NewDevice(relay).begin({ ...whom(account), grant }), 403, 'grant_required');
  });
});

scene('a link lives ten minutes', { clock: true }, async (relay) => {
  const account = await relay.account();
  const stream = await account.first.open();
  const { comer, view, old } = await withCandidate(account);
  const waiting = comer.wait();
  await relay.metricReaches('link_waits', 1);
  relay.clock.advance(601);
  assert.deepEqual(await stream.event('link.expired'), {
    kind: 'event', event: 'link.expired', link_id: comer.id,
  });
  assert.equal((await waiting).state, 'expired');
  assertProblem(await comer.sign(view), 409, 'link_conflict', { state: 'expired' });
  assertProblem(await old.deny(), 409, 'link_conflict', { state: 'expired' });
  assert.equal((await comer.read()).state, 'expired');
  assert.equal((await account.read(account.first)).json.epoch, 0);
  assert.deepEqual((await logOf(account.first)).entries.map(({ change }) => change), ['link_expired']);
  relay.clock.advance(601);
  await relay.metricReaches('links_expired_total', 1);
});

scene('an address begins so many links', { set: { rate_links: '2' } }, async (relay) => {
  for (let i = 0; i < 2; i++) {
    await new NewDevice(relay).link();
  }
  const limited = await new NewDevice(relay).begin();
  assertProblem(limited, 429, 'rate_limited');
  assert.ok(limited.json.retry_after > 60);
});

scene('a relay that stops answers who waits', {}, async (relay) => {
  const comer = await new NewDevice(relay).link();
  const waiting = comer.wait();
  await relay.metricReaches('link_waits', 1);
  await relay.stop();
  assert.equal((await waiting).state, 'created');
});

// SPDX-License-Identifier: Apache-2.0
// Recovery: by the key on paper, and by a contact, with a client that was written from the contract.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { recoveryKey } from './support/account.mjs';
import { b64u, ciphertext, fromB64u } from './support/bytes.mjs';
import { SigningKey } from './support/keys.mjs';
import {
  Asker, Helper, beginRecovery, cancel, commitOf, contactsOf, digitsOf, entryOf, meet, putContact,
  readChain, recoveriesOf, recoveryManifest, releaseWhenDue, removeContact, seedOf, shareWith,
  signingKeyOf,
} from './support/recovery.mjs';
import { BoxKey } from './support/sealed_box.mjs';
import { appCode, enrol, enrolApp, grantOf, logOf } from './support/txns.mjs';
import { assertProblem, assertStatus, bareAnswer, ok, scene, suite } from './support/scene.mjs';
import { OP, handleBinding } from './support/signing.mjs';

const DAY_S = 86_400;
const WEEK_S = 7 * DAY_S;
const clock = true;
const MANY = { rate_recoveries: '0' };
const set = MANY;
const SHORT = { set: { ...MANY, recovery_wait: '1' } };
const whom = (account) => ({ account_id: account.idText });
const id16 = () => b64u(ciphertext(16));
const id32 = () => b64u(ciphertext(32));

let made = 0;
const newName = () => `lost-${process.pid}-${++made}`;
const name = async (device) => {
  const handle = newName();
  assertStatus(await device.call('POST', '/v1/handles', {
    json: { handle, binding: b64u(handleBinding(device, handle, 0)) },
  }), 201);
  return handle;
};

// An owner with a recovery key, and somebody who can help.
async function people(relay) {
  const owner = await relay.account({ recovery: recoveryKey() });
  const friend = (await relay.account()).first;
  return { owner, friend };
}

suite('the recovery key', { set }, (it) => {
  it('reads the chain and writes the next list, without a session', async (relay) => {
    const paper = randomBytes(16);
    const owner = await relay.account({ recovery: new SigningKey(seedOf(paper)) });
    const handle = await name(owner.first);
    const lost = await owner.first.open();
    await lost.caughtUp();
    const key = signingKeyOf(seedOf(paper));
    const chain = ok(await readChain(relay, { handle: handle.toUpperCase() }, key));
    assert.deepEqual(chain, ok(await readChain(relay, whom(owner), key)));
    assert.equal(chain.account_id, owner.idText);
    assert.deepEqual(chain.manifests, [b64u(owner.signed.bytes)]);
    const next = recoveryManifest(owner, key);
    assertStatus(await owner.put(next), 201);
    await next.device.login();
    assert.equal((await lost.event('recovery.done')).event, 'recovery.done');
    assert.equal((await lost.event('manifest.changed')).epoch, 1);
    assert.equal((await lost.closed).code, 4403);
    const { entries } = await logOf(next.device);
    assert.deepEqual(entries.map(({ change }) => change), ['recovery_done']);
    const rest = ok(await readChain(relay, whom(owner), key, { since: 0 }));
    assert.deepEqual([rest.epoch, rest.manifests], [1, [b64u(next.bytes)]]);
  });

  it('shows nothing to whoever has another', async (relay) => {
    const { owner } = await people(relay);
    const plain = await relay.account();
    const handle = await name(owner.first);
    const key = new SigningKey();
    const answers = [];
    for (const asked of [whom(owner), whom(plain), { account_id: id32() }, { handle },
      { handle: newName() }]) {
      const answer = await readChain(relay, asked, key);
      assertProblem(answer, 401, 'auth_failed');
      answers.push(bareAnswer(answer));
    }
    answers.forEach((answer) => assert.deepEqual(answer, answers[0]));
    const good = owner.recovery;
    const stale = { challenge: b64u(ciphertext(48)) };
    assertProblem(await readChain(relay, whom(owner), good, stale), 401, 'auth_failed');
    assertProblem(await readChain(relay, whom(owner), owner.first.key), 401, 'auth_failed');
    assertProblem(await readChain(relay, { handle }, good, { handle: newName() }), 401,
      'auth_failed');
    ok(await readChain(relay, { handle }, good));
  });

  it('is asked for in one way', async (relay) => {
    const { owner } = await people(relay);
    const key = owner.recovery;
    assertProblem(await readChain(relay, whom(owner), key, { handle: 'ada' }), 422,
      'value_invalid', { member: 'handle' });
    assertProblem(await readChain(relay, { handle: 'A!' }, key), 422, 'value_invalid',
      { member: 'handle' });
    for (const [member, value] of [['challenge', 'AA'], ['signature', 7], ['account_id', 'AA'],
      ['since', 'x']]) {
      assertProblem(await readChain(relay, whom(owner), key, { [member]: value }), 400,
        'malformed', { member });
    }
    assertProblem(await readChain(relay, whom(owner), key, { since: -1 }), 422, 'value_invalid',
      { member: 'since' });
  });

  it('that is a new one ends the shares of the old one', async (relay) => {
    const { owner } = await people(relay);
    const next = recoveryKey();
    await shareWith(owner.first, 1);
    const signers = [{ signer: 0, key: owner.recovery }, { signer: 1, key: owner.first.key },
      { signer: 0xffffffff, key: next }];
    await owner.change({ recoveryPub: owner.recovery.pub });
    assert.equal((await contactsOf(owner.first)).length, 1);
    await owner.change({ recoveryPub: next.pub, signers });
    assert.deepEqual(await contactsOf(owner.first), []);
  });
});

scene('wrong recovery keys are ten an hour from an address', {}, async (relay) => {
  const { owner } = await people(relay);
  for (let i = 0; i < 10; i++) {
    ok(await readChain(relay, whom(owner), owner.recovery));
  }
  for (let i = 0; i < 10; i++) {
    assertProblem(await readChain(relay, whom(owner), new SigningKey()), 401, 'auth_failed');
  }
  assertProblem(await readChain(relay, whom(owner), owner.recovery), 429, 'rate_limited');
  assertProblem(await beginRecovery(relay, whom(owner)), 429, 'rate_limited');
});

suite('recovery contacts', { set }, (it) => {
  it('have five slots, which an admin device fills and empties', async (relay) => {
    const { owner } = await people(relay);
    const { first } = owner;
    const [second] = await owner.grow(2);
    const stream = await second.open();
    const label = b64u(ciphertext(40));
    for (const slot of [5, 1]) {
      assertStatus(await putContact(first, slot, { label }), 204);
      assert.deepEqual(await stream.event('recovery.contact'), {
        kind: 'event', event: 'recovery.contact', change: 'put', device_id: 1,
      });
    }
    assertStatus(await putContact(first, 3), 204);
    const contacts = await contactsOf(second);
    assert.deepEqual(contacts.map(({ slot, label: shown }) => [slot, shown]),
      [[1, label], [3, ''], [5, label]]);
    assertStatus(await removeContact(first, 5), 204);
    await stream.event('recovery.contact');
    assert.equal((await stream.event('recovery.contact')).change, 'removed');
    assertProblem(await removeContact(first, 5), 404, 'contact_unknown');
    const report = ok(await second.call('GET', '/v1/account/report'));
    assert.deepEqual(report.recovery_contacts, await contactsOf(first));
    assert.deepEqual((await logOf(second)).entries.map(({ change }) => change),
      ['contact_put', 'contact_put', 'contact_put', 'contact_removed']);
  });

  it('are commands of an admin device, once each', async (relay) => {
    const { owner } = await people(relay);
    const { first } = owner;
    const [plain] = await owner.grow(2);
    assertProblem(await putContact(plain, 1), 403, 'not_admin');
    assertProblem(await removeContact(plain, 1), 403, 'not_admin');
    const seq = ++first.commandSeq;
    assertStatus(await putContact(first, 1, {}, { seq }), 204);
    assertProblem(await putContact(first, 1, {}, { seq }), 409, 'command_replayed',
      { last_seq: seq });
    assertProblem(await removeContact(first, 1, {}, { seq }), 409, 'command_replayed');
    for (const method of ['PUT', 'DELETE']) {
      const json = { slot: 1, share: id32() };
      assertProblem(await first.call(method, '/v1/recovery/contacts/1', { json }), 401,
        'command_invalid');
      assertProblem(await relay.call(method, '/v1/recovery/contacts/1', { json }), 401,
        'session_invalid');
    }
    assertProblem(await relay.call('GET', '/v1/recovery/contacts'), 401, 'session_invalid');
  });

  it('need a step-up where a factor is enrolled', async (relay) => {
    const { owner } = await people(relay);
    const { first } = owner;
    await shareWith(first, 1);
    const app = await enrolApp(first);
    for (const grant of [undefined, id32()]) {
      assertProblem(await putContact(first, 1, { grant }), 403, 'stepup_required');
      assertProblem(await removeContact(first, 1, { grant }), 403, 'stepup_required');
    }
    const grant = await grantOf(first, 'stepup', 'totp', appCode(app.secret, relay, 1));
    assertStatus(await putContact(first, 1, { grant }), 204);
    assertProblem(await putContact(first, 1, { grant }), 403, 'stepup_required');
  });

  it('refuse what cannot be', async (relay) => {
    const { owner: { first } } = await people(relay);
    for (const slot of [0, 6, -1]) {
      const path = Math.max(slot, 0);
      assertProblem(await putContact(first, slot, {}, { path }), 422, 'value_invalid',
        { member: 'slot' });
    }
    assertProblem(await putContact(first, 1, {}, { path: 2 }), 422, 'value_invalid',
      { member: 'slot' });
    assertProblem(await putContact(first, 1, {}, { path: 'x' }), 400, 'malformed',
      { member: 'slot' });
    assertProblem(await putContact(first, 1, { slot: '1' }), 400, 'malformed', { member: 'slot' });
    assertProblem(await putContact(first, 1, { share: 'AA' }), 400, 'malformed',
      { member: 'share' });
    assertProblem(await putContact(first, 1, { share: undefined }), 400, 'malformed',
      { member: 'share' });
    assertProblem(await putContact(first, 1, { label: b64u(ciphertext(257)) }), 422,
      'value_invalid', { member: 'label' });
    assertProblem(await putContact(first, 1, { grant: 'AA' }), 400, 'malformed',
      { member: 'grant' });
    assertProblem(await removeContact(first, 1, { share: id32() }), 400, 'malformed',
      { member: 'share' });
    assertProblem(await removeContact(first, 6), 422, 'value_invalid', { member: 'slot' });
  });
});

suite('a recovery', { set }, (it) => {
  it('is told to every device, and vetoed by any of them', async (relay) => {
    const { owner } = await people(relay);
    const [second] = await owner.grow(2);
    const handle = await name(owner.first);
    const stream = await second.open();
    const asker = new Asker(relay);
    const begun = await asker.begin({ handle });
    assert.ok(begun.expires_at - begun.wait_until <= WEEK_S - DAY_S);
    assert.ok(begun.expires_at - begun.wait_until >= WEEK_S - DAY_S - 1); // rounded up
    const event = {
      kind: 'event', event: 'recovery.requested', recovery_id: asker.id,
      wait_until: begun.wait_until, expires_at: begun.expires_at,
    };
    assert.deepEqual(await stream.event('recovery.requested'), event);
    const late = await owner.first.open();
    assert.deepEqual(await late.event('recovery.requested'), event);
    const [shown] = await recoveriesOf(second);
    assert.deepEqual([shown.recovery_id, shown.state, shown.wait_until],
      [asker.id, 'open', begun.wait_until]);
    assert.deepEqual(ok(await second.call('GET', '/v1/account/report')).recoveries, [shown]);
    assertProblem(await beginRecovery(relay, whom(owner)), 409, 'recovery_open',
      { expires_at: begun.expires_at });
    assertStatus(await cancel(second, asker.id), 204);
    for (const each of [stream, late]) {
      assert.deepEqual(await each.event('recovery.cancelled'), {
        kind: 'event', event: 'recovery.cancelled', recovery_id: asker.id, device_id: 2,
      });
    }
    assertProblem(await cancel(owner.first, asker.id), 409, 'recovery_ended',
      { state: 'cancelled' });
    assert.equal((await asker.poll()).state, 'cancelled');
    for (const answer of [await asker.release(), await asker.exchange(), await asker.withdraw()]) {
      assertProblem(answer, 409, 'recovery_ended', { state: 'cancelled' });
    }
    const { entries } = await logOf(owner.first);
    assert.deepEqual(entries.map(({ entry, at, ...rest }) => rest),
      [{ change: 'recovery_requested' }, { change: 'recovery_cancelled', device_id: 2 }]);
    await new Asker(relay).begin(whom(owner));
  });

  it('waits for a day, whatever the contact has sent', async (relay) => {
    const { owner, friend } = await people(relay);
    const share = await shareWith(owner.first, 2);
    const asker = new Asker(relay);
    const { wait_until: until } = await asker.begin(whom(owner));
    await meet(asker, new Helper(friend, asker.id), share);
    assert.equal((await asker.poll()).packet, true);
    assertProblem(await asker.release(), 409, 'recovery_waiting', { wait_until: until });
  });

  it('is withdrawn by who asked, and by nobody else', async (relay) => {
    const { owner, friend } = await people(relay);
    const asker = new Asker(relay);
    await asker.begin(whom(owner));
    assertProblem(await cancel(friend, asker.id), 404, 'recovery_unknown');
    const { token } = asker;
    asker.token = id32();
    for (const answer of [await asker.withdraw(), await asker.release(), await asker.exchange(),
      await asker.post('poll'), await asker.post('reveal', { exchange: 1, random: id32() })]) {
      assertProblem(answer, 404, 'recovery_unknown');
    }
    asker.token = token;
    assertStatus(await asker.withdraw(), 204);
    assert.equal((await asker.poll()).state, 'cancelled');
    assert.equal((await recoveriesOf(owner.first))[0].state, 'cancelled');
  });

  it('has steps in turn, and five exchanges', async (relay) => {
    const { owner, friend } = await people(relay);
    const asker = new Asker(relay);
    const helper = new Helper(friend, asker.id);
    await asker.begin(whom(owner));
    helper.id = asker.id;
    assertProblem(await helper.post('answer', { exchange: 1, random: id32() }), 409,
      'recovery_turn');
    assertStatus(await asker.exchange(), 204);
    assertProblem(await asker.post('reveal', { exchange: 1, random: id32() }), 409,
      'recovery_turn');
    assertProblem(await asker.post('exchange', { exchange: 3, commit: id32() }), 409,
      'recovery_turn');
    assertStatus(await helper.answer(), 204);
    assertProblem(await new Helper(owner.first, asker.id).answer(), 409, 'recovery_turn');
    assertProblem(await helper.post('packet', { exchange: 1, slot: 1, packet: id32() }), 409,
      'recovery_turn');
    assertProblem(await asker.release(), 409, 'recovery_waiting');
    for (let i = 0; i < 4; i++) {
      assertStatus(await asker.exchange(), 204);
    }
    assertProblem(await asker.exchange(), 409, 'recovery_exchanges');
  });

  it('refuses what cannot be', async (relay) => {
    const { owner, friend } = await people(relay);
    const begin = (fields) => beginRecovery(relay, {}, fields);
    assertProblem(await begin({}), 400, 'malformed', { member: 'account_id' });
    assertProblem(await begin({ ...whom(owner), handle: 'ada' }), 422, 'value_invalid',
      { member: 'handle' });
    assertProblem(await begin({ handle: '-' }), 422, 'value_invalid', { member: 'handle' });
    assertProblem(await begin({ ...whom(owner), public_key: 'AA' }), 400, 'malformed',
      { member: 'public_key' });
    assertProblem(await begin({ ...whom(owner), grant: 'AA' }), 400, 'malformed',
      { member: 'grant' });
    const asker = new Asker(relay);
    await asker.begin(whom(owner));
    await asker.exchange();
    const helper = new Helper(friend, asker.id);
    await helper.answer();
    for (const what of ['poll', 'exchange', 'reveal', 'release']) {
      assertProblem(await asker.post(what, { token: 'AA' }), 400, 'malformed',
        { member: 'token' });
    }
    assertProblem(await asker.post('exchange', { exchange: 0, commit: id32() }), 422,
      'value_invalid', { member: 'exchange' });
    assertProblem(await asker.post('exchange', { exchange: 2, commit: 'AA' }), 400, 'malformed',
      { member: 'commit' });
    assertProblem(await asker.post('reveal', { exchange: 1001, random: id32() }), 422,
      'value_invalid', { member: 'exchange' });
    assertProblem(await asker.post('reveal', { exchange: 1, random: 'AA' }), 400, 'malformed',
      { member: 'random' });
    await asker.reveal();
    assertProblem(await helper.post('answer', { exchange: 0, random: id32() }), 422,
      'value_invalid', { member: 'exchange' });
    assertProblem(await helper.post('answer', { exchange: 1 }), 400, 'malformed',
      { member: 'random' });
    const packet = (fields) => helper.post('packet', {
      exchange: 1, slot: 1, packet: id32(), ...fields,
    });
    for (const slot of [0, 6]) {
      assertProblem(await packet({ slot }), 422, 'value_invalid', { member: 'slot' });
    }
    for (const size of [0, 4097]) {
      assertProblem(await packet({ packet: b64u(ciphertext(size)) }), 422, 'value_invalid',
        { member: 'packet' });
    }
    assertProblem(await packet({ packet: '=' }), 400, 'malformed', { member: 'packet' });
    assertStatus(await packet({ packet: b64u(ciphertext(4096)) }), 204);
    const path = '/v1/recoveries';
    for (const [what, by] of [['poll', relay], ['exchange', relay], ['reveal', relay],
      ['release', relay], ['answer', friend], ['packet', friend]]) {
      assertProblem(await by.call('POST', `${path}/x/${what}`, { json: {} }), 400, 'malformed',
        { member: 'recovery_id' });
      assertProblem(await by.call('POST', `${path}/${id16()}/${what}`, {
        json: what === 'poll' || what === 'release' ? { token: id32() }
          : what === 'exchange' ? { token: id32(), exchange: 1, commit: id32() }
            : what === 'reveal' ? { token: id32(), exchange: 1, random: id32() }
              : what === 'answer' ? { exchange: 1, random: id32() }
                : { exchange: 1, slot: 1, packet: id32() },
      }), 404, 'recovery_unknown');
    }
    assertProblem(await friend.call('GET', `${path}/x`), 400, 'malformed',
      { member: 'recovery_id' });
    assertProblem(await friend.call('GET', `${path}/${id16()}`), 404, 'recovery_unknown');
    for (const each of ['', `/${asker.id}`]) {
      assertProblem(await relay.call('GET', `${path}${each}`), 401, 'session_invalid');
    }
    for (const what of ['answer', 'packet']) {
      assertProblem(await relay.call('POST', `${path}/${asker.id}/${what}`, { json: {} }), 401,
        'session_invalid');
    }
    assertProblem(await relay.call('DELETE', path, { json: { recovery_id: asker.id } }), 400,
      'malformed', { member: 'token' });
    assertProblem(await owner.first.call('DELETE', path, { json: { recovery_id: asker.id } }),
      401, 'command_invalid');
    assertProblem(await cancel(owner.first, 'AA'), 400, 'malformed', { member: 'recovery_id' });
    const seq = ++owner.first.commandSeq;
    assertStatus(await putContact(owner.first, 1, {}, { seq }), 204);
    assertProblem(await cancel(owner.first, asker.id, { seq }), 409, 'command_replayed',
      { last_seq: seq });
    assertProblem(await cancel(owner.first, asker.id, { token: `sp1_${id32()}` }), 401,
      'session_invalid');
    assertStatus(await cancel(owner.first, asker.id), 204);
    for (const answer of [await helper.post('answer', { exchange: 1, random: id32() }),
      await packet({}), await asker.post('reveal', {
      exchange: 1, random: id32(),
    })]) {
      assertProblem(answer, 409, 'recovery_ended', { state: 'cancelled' });
    }
  });

  it('needs a grant where a factor is enrolled', async (relay) => {
    const { owner } = await people(relay);
    const { first } = owner;
    const app = await enrolApp(first);
    for (const grant of [undefined, id32(),
      await grantOf(first, 'link', 'totp', appCode(app.secret, relay, 1))]) {
      assertProblem(await beginRecovery(relay, whom(owner), { grant }), 403, 'grant_required');
    }
    const byCode = await enrol(first, { kind: 'recovery_code' });
    assertProblem(byCode, 403, 'stepup_required');
  });

  it('of whom there is not is answered alike', async (relay) => {
    const { owner, friend } = await people(relay);
    const names = await Promise.all(Array.from({ length: 12 }, async () => {
      const handle = newName();
      const answer = await beginRecovery(relay, { handle });
      return { handle, answer };
    }));
    const { answer, handle } = names.find(({ answer: { status } }) => status === 201);
    const real = await beginRecovery(relay, whom(owner));
    const bare = (each) => {
      const { json: { recovery_id: id, token } } = each;
      assert.deepEqual([id.length, token.length], [22, 43]);
      return { ...bareAnswer(each), body: Object.keys(each.json) };
    };
    assert.deepEqual(bare(answer), bare(real));
    assertProblem(await beginRecovery(relay, { handle }), 409, 'recovery_open');
    const asker = new Asker(relay);
    Object.assign(asker, { id: answer.json.recovery_id, token: answer.json.token });
    assertStatus(await asker.exchange(), 204);
    assert.equal((await new Helper(friend, asker.id).look()).exchange, 1);
    assertProblem(await asker.release(), 409, 'recovery_waiting');
    assertStatus(await asker.withdraw(), 204);
    for (const { answer: each } of names.filter(({ answer: { status } }) => status !== 201)) {
      assertProblem(each, 403, 'grant_required'); // as one who has a factor
    }
  });

  it('is three a day for an account', async (relay) => {
    const { owner } = await people(relay);
    for (let i = 0; i < 3; i++) {
      const asker = new Asker(relay);
      await asker.begin(whom(owner));
      assertStatus(await asker.withdraw(), 204);
    }
    const refused = await beginRecovery(relay, whom(owner));
    assertProblem(refused, 429, 'rate_limited');
    assert.ok(refused.json.retry_after > DAY_S - 120 && refused.json.retry_after <= DAY_S);
  });
});

suite('by a contact', SHORT, (it) => {
  it('an account whose devices are all lost has a new one', async (relay) => {
    const { owner, friend } = await people(relay);
    const other = (await relay.account()).first;
    const handle = await name(owner.first);
    const shares = [await shareWith(owner.first, 1), await shareWith(owner.first, 4)];
    const lost = await owner.first.open();
    await lost.caughtUp();
    const asker = new Asker(relay);
    await asker.begin({ handle });
    await lost.event('recovery.requested');
    await meet(asker, new Helper(friend, asker.id), shares[1]);
    const released = ok(await releaseWhenDue(asker));
    assert.equal(released.slot, 4);
    assert.equal((await lost.event('recovery.released')).recovery_id, asker.id);
    const seed = asker.open(released);
    assert.deepEqual(seed, owner.recovery.seed);
    assertProblem(await asker.release(), 409, 'recovery_ended', { state: 'released' });
    const key = signingKeyOf(seed);
    ok(await readChain(relay, { handle }, key));
    const next = recoveryManifest(owner, key);
    assertStatus(await owner.put(next), 201);
    await next.device.login();
    assert.equal((await lost.event('recovery.done')).event, 'recovery.done');
    assert.equal((await lost.closed).code, 4403);
    assert.deepEqual((await recoveriesOf(next.device)).map(({ state }) => state), ['done']);
    assert.equal((await contactsOf(next.device)).length, 2);
    const { entries } = await logOf(next.device);
    assert.deepEqual(entries.map(({ change }) => change).slice(2),
      ['recovery_requested', 'recovery_released', 'recovery_done']);
    assert.ok(entries.slice(2).every((entry) => entry.device_id === undefined));
    const again = new Asker(relay);
    await again.begin({ handle });
    await meet(again, new Helper(other, again.id), shares[0]);
    assert.deepEqual(again.open(ok(await releaseWhenDue(again))), owner.recovery.seed);
  });

  it('is none where the contact has sent nothing', async (relay) => {
    const { owner } = await people(relay);
    const asker = new Asker(relay);
    await asker.begin(whom(owner));
    assertProblem(await releaseWhenDue(asker), 409, 'recovery_turn');
  });

  it('gets nothing of an erased account, or of an empty slot', async (relay) => {
    const { owner, friend } = await people(relay);
    const share = await shareWith(owner.first, 1);
    const empty = Buffer.from(share);
    empty[32] = 2;
    const asker = new Asker(relay);
    await asker.begin(whom(owner));
    await meet(asker, new Helper(friend, asker.id), empty);
    const released = ok(await releaseWhenDue(asker));
    assert.equal(fromB64u(released.share).length, 32);
    assert.equal(asker.open(released), null);
    const second = new Asker(relay);
    await second.begin(whom(owner));
    await meet(second, new Helper(friend, second.id), share);
    assertStatus(await owner.first.command(OP.accountDelete, 'DELETE', '/v1/account',
      { account_id: owner.idText }), 204);
    assert.equal(second.open(ok(await releaseWhenDue(second))), null);
  });

  // The relay shows the contact another key than that of who asks, and opens its packet itself.
  it('is seen through where a relay swaps the key', async (relay) => {
    const { owner, friend } = await people(relay);
    const asker = new Asker(relay);
    await asker.begin(whom(owner));
    await asker.exchange();
    const helper = new Helper(friend, asker.id);
    const look = helper.look.bind(helper);
    const liar = { box: new BoxKey(), random: randomBytes(32) };
    const entry = entryOf(fromB64u(asker.id), liar.box.pub);
    helper.look = async () => ({
      ...await look(), public_key: b64u(liar.box.pub), random: b64u(liar.random),
      commit: b64u(commitOf(liar.random, entry)),
    });
    assertStatus(await helper.answer(), 204);
    const mine = await asker.reveal();
    assert.equal(await helper.digits(), digitsOf(entry, liar.random, helper.random));
    assert.notEqual(await helper.digits(), mine);
    helper.look = async () => ({ ...await look(), random: b64u(randomBytes(32)) });
    assert.equal(await helper.digits(), null); // it is not what was committed to
  });
});

scene('a recovery is over after a week', { set, clock }, async (relay) => {
  const { owner } = await people(relay);
  const asker = new Asker(relay);
  await asker.begin(whom(owner));
  relay.clock.advance(WEEK_S - 60);
  assert.equal((await asker.poll()).state, 'open');
  relay.clock.advance(61);
  assertProblem(await asker.post('poll'), 404, 'recovery_unknown');
  await owner.first.login();
  assert.deepEqual(await recoveriesOf(owner.first), []);
  assertStatus(await beginRecovery(relay, whom(owner)), 201);
});

// What came due while nobody could object waits for the devices to come back.
scene('a relay whose clock jumped waits on', { set, clock }, async (relay) => {
  const { owner, friend } = await people(relay);
  const share = await shareWith(owner.first, 1);
  const asker = new Asker(relay);
  const { wait_until: until } = await asker.begin(whom(owner));
  await meet(asker, new Helper(friend, asker.id), share);
  relay.clock.advance(DAY_S + 1);
  const refused = await asker.release();
  assertProblem(refused, 409, 'recovery_waiting');
  assert.ok(refused.json.wait_until > until);
  assert.ok(refused.json.wait_until <= until + 310);
});

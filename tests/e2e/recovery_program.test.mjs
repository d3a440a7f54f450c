// SPDX-License-Identifier: Apache-2.0
// The sealpost program recovers an account: by the key on paper, and with a contact.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { b64u } from './support/bytes.mjs';
import { BoxKey } from './support/sealed_box.mjs';
import { Liar } from './support/liar.mjs';
import { Program } from './support/program.mjs';
import { keyText } from './support/recovery.mjs';
import { Relay } from './support/relay.mjs';
import { trustOptions, urlOf } from './support/tls.mjs';
import { appCode, wrongAppCode } from './support/txns.mjs';

const TIMEOUT_MS = 180_000;
const [REFUSED, USAGE, UNVERIFIED, LOCAL] = [1, 2, 4, 5];
const KEY = /^([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$/m;
const DIGITS = /tell your contact these digits: (\d{3} \d{3})/;

// A relay behind a liar, who is honest at first.
async function begin(t, options = {}) {
  const liar = await Liar.open();
  t.after(() => liar.close());
  const relay = await Relay.start(t, {
    set: { base_url: urlOf(liar.port), recovery_wait: '0', rate_recoveries: '0' }, ...options,
  });
  liar.target = relay.port;
  const programs = (...names) => names.map((name) => new Program(relay, name));
  return { liar, relay, programs };
}

const programs = (name, body) => test(name, { timeout: TIMEOUT_MS },
  async (t) => body(await begin(t)));
const at = (relay) => ['--url', relay.baseUrl, ...trustOptions()];

async function makeKey(program) {
  return KEY.exec(await program.run('recovery-key'))[0];
}

async function finished(talk, ...lines) {
  const { code, stdout, stderr } = await talk.end(...lines);
  assert.equal(code, 0, stderr);
  return stdout;
}

// Two programs, of which the second keeps a share of the first's key.
async function befriended(setting) {
  const [ada, bob] = setting.programs('ada', 'bob');
  await ada.register();
  await bob.register();
  const key = await makeKey(ada);
  assert.match(await finished(ada.talk('contact add', [bob.accountText]), key), /^slot 1: /);
  assert.match(await bob.run('receive'), /sealpost:recovery-share\?/);
  return { ada, bob, key };
}

programs('a key is shown once, and makes a new device the only one', async ({ relay, programs: of }) => {
  const [ada, next, other] = of('ada', 'next', 'other');
  await ada.register();
  await ada.run('handle set', ['ada']);
  const key = await makeKey(ada);
  const shown = await ada.json('manifest show');
  assert.deepEqual([shown.epoch, shown.recovery], [1, true]);

  const typed = key.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o');
  const said = await finished(next.talk('recover', ['ada'], at(relay)), typed);
  assert.match(said, /^device 2 is the only one of your account now:$/m);
  assert.match(said, new RegExp(`^${ada.accountText}$`, 'm'));
  const list = await next.json('manifest show');
  assert.deepEqual(list.devices.map(({ device_id: id, admin }) => [id, admin]), [[2, true]]);
  assert.equal((await ada.try('report')).code, REFUSED); // its device has left

  const again = await next.talk('recover', ['ada']).end(typed);
  assert.equal(again.code, LOCAL);
  assert.match(again.stderr, /has an account already/);
  const third = JSON.parse(await finished(
    other.talk('recover', [ada.accountText], [...at(relay), '--json']), key,
  ));
  assert.deepEqual(third, { account_id: ada.accountText, device_id: 1 });
});

programs('a key is replaced by who has the one that stands', async ({ programs: of, relay }) => {
  const [ada, next] = of('ada', 'next');
  await ada.register();
  const first = await makeKey(ada);
  const wrong = keyText(Buffer.alloc(16, 9));
  const refused = await ada.talk('recovery-key').end(wrong);
  assert.equal(refused.code, REFUSED);
  assert.equal(refused.stdout, '');
  const second = KEY.exec(await finished(ada.talk('recovery-key'), first))[0];
  assert.notEqual(second, first);
  const old = await next.talk('recover', [ada.accountText], at(relay)).end(first);
  assert.equal(old.code, REFUSED);
  assert.match(old.stderr, /no such account with this recovery key/);
  await finished(next.talk('recover', [ada.accountText]), second);
});

programs('where there are several admins each signs the first key', async ({ programs: of, relay }) => {
  const [ada, two, next] = of('ada', 'two', 'next');
  await ada.register();
  await ada.add(two, ['--admin']);
  const [key, draft] = (await ada.run('recovery-key')).trim().split('\n');
  assert.equal((await ada.json('manifest show')).recovery, false);
  const signed = await two.run('manifest sign', [two.file('draft', `${draft}\n`)]);
  await two.run('manifest put', [two.file('signed', signed)]);
  await finished(next.talk('recover', [ada.accountText], at(relay)), key);
});

programs('what is no key is refused before anything is asked', async ({ liar, programs: of, relay }) => {
  const [next] = of('next');
  for (const typed of ['', 'ZZZZ', keyText(Buffer.alloc(16, 1)).replace(/.$/, (c) => (c === 'A' ? 'B' : 'A'))]) {
    const { code, stderr } = await next.talk('recover', ['ada'], at(relay)).end(typed);
    assert.equal(code, USAGE);
    assert.match(stderr, /no recovery key/);
  }
  const nobody = await next.talk('recover', ['Not a name!'], at(relay)).end();
  assert.equal(nobody.code, USAGE);
  assert.ok(!liar.asked.some((asked) => asked.includes('recovery')));
});

programs('another chain than that of the key is not believed', async ({ liar, programs: of, relay }) => {
  const [ada, mallory, next] = of('ada', 'mallory', 'next');
  await ada.register();
  await mallory.register();
  const [key, hers] = [await makeKey(ada), await makeKey(mallory)];
  let answer = null;
  liar.lie('/v1/recovery/chain', (json) => { answer = json; return json; }, 'POST');
  const [spy] = of('spy');
  await finished(spy.talk('recover', [mallory.accountText], at(relay)), hers);
  liar.lie('/v1/recovery/chain', () => answer, 'POST');
  await ada.run('handle set', ['ada']);
  for (const [who, reason] of [['ada', /its recovery key is another one/],
    [ada.accountText, /it is of another account/]]) {
    const { code, stderr } = await next.talk('recover', [who], at(relay)).end(key);
    assert.equal(code, UNVERIFIED);
    assert.match(stderr, reason);
  }
});

programs('a contact helps once the digits are alike', async (setting) => {
  const { relay, programs: of } = setting;
  const { ada, bob } = await befriended(setting);
  const [next] = of('next');
  const { recovery_id: id } = await next.json('recovery ask', [ada.accountText], at(relay));
  assert.match(await ada.run('recovery show'), new RegExp(`^${id} open, waits until `));
  assert.equal((await next.try('recovery ask', [ada.accountText])).code, LOCAL); // begun already

  const meeting = next.talk('recovery meet');
  await meeting.until(/^ready/);
  const wrong = bob.talk('contact help', [id, ada.accountText]);
  await meeting.until(DIGITS);
  const refused = await wrong.end('000 000x');
  assert.equal(refused.code, UNVERIFIED);
  assert.match(refused.stderr, /these digits are others. Nothing was sent/);
  meeting.child.kill();
  await meeting.ended;

  const second = next.talk('recovery meet');
  await second.until(/^ready/);
  const helping = bob.talk('contact help', [id, ada.accountText]);
  const digits = DIGITS.exec((await second.until(DIGITS)).at(-1))[1];
  assert.match(await finished(helping, digits), /^your share was sent/m);
  assert.match(await finished(second), /^your contact has sent its share/m);

  assert.match(await next.run('recovery finish'), /^device 2 is the only one/m);
  assert.equal((await next.try('recovery finish')).code, LOCAL);
  assert.equal((await ada.try('recovery show')).code, REFUSED);
  assert.match(await next.run('recovery show'), new RegExp(`^${id} done`));
  assert.match(await next.run('contact list'), /^slot 1 was filled by another device of yours$/m);
});

programs('a relay that swaps the key is seen through', async (setting) => {
  const { liar, relay, programs: of } = setting;
  const { ada, bob } = await befriended(setting);
  const [next] = of('next');
  const { recovery_id: id } = await next.json('recovery ask', [ada.accountText], at(relay));
  const swapped = b64u(new BoxKey().pub);
  liar.lie(`/v1/recoveries/${id}`, (json) => ({ ...json, public_key: swapped }));
  const meeting = next.talk('recovery meet');
  await meeting.until(/^ready/);
  const helping = bob.talk('contact help', [id, ada.accountText]);
  const digits = DIGITS.exec((await meeting.until(DIGITS)).at(-1))[1];
  const { code, stderr } = await helping.end(digits);
  assert.equal(code, UNVERIFIED);
  assert.match(stderr, /not what was committed to/);
  assert.ok(!liar.asked.some((asked) => asked.endsWith('/packet')));
  await ada.run('recovery cancel', [id]);
  const ended = await meeting.end();
  assert.equal(ended.code, REFUSED);
  assert.match(ended.stderr, /the recovery is over: cancelled/);
});

programs('contacts are listed, removed, and of other people', async (setting) => {
  const { ada, bob, key } = await befriended(setting);
  assert.equal(await ada.run('contact list'), `slot 1 ${bob.accountText}\n`);
  const self = await ada.talk('contact add', [ada.accountText]).end(key);
  assert.equal(self.code, USAGE);
  assert.match(self.stderr, /somebody else/);
  const wrong = await ada.talk('contact add', [bob.accountText]).end(keyText(Buffer.alloc(16, 2)));
  assert.equal(wrong.code, REFUSED);
  assert.match(await ada.run('contact remove', ['1']), /^slot 1 is empty/);
  assert.match(await ada.run('contact list'), /^you have no recovery contacts$/m);
  assert.equal((await ada.try('contact remove', ['1'])).code, REFUSED);
  assert.equal((await ada.try('contact remove', ['6'])).code, USAGE);
  const none = await ada.try('contact help', [b64u(Buffer.alloc(16)), bob.accountText]);
  assert.equal(none.code, LOCAL);
  assert.match(none.stderr, /keeps no recovery share/);
  assert.equal((await ada.try('contact help', ['x', bob.accountText])).code, USAGE);
});

test('where a second factor is enrolled, contacts and who asks show it', { timeout: TIMEOUT_MS }, async (t) => {
  const { relay, programs: of } = await begin(t, { clock: true });
  const [ada, bob, next] = of('ada', 'bob', 'next');
  await ada.register();
  await bob.register();
  const key = await makeKey(ada);
  const adding = ada.talk('factors add totp', [], ['--json']);
  const { secret } = await adding.json();
  await finished(adding, appCode(secret, relay));
  const code = () => {
    relay.clock.advance(60); // a code is good once
    return appCode(secret, relay);
  };

  const wrong = ['--code', wrongAppCode(secret, relay)];
  assert.equal((await ada.talk('contact add', [bob.accountText], wrong).end(key)).code, REFUSED);
  assert.deepEqual(await ada.json('contact list'), []);
  assert.match(await finished(ada.talk('contact add', [bob.accountText], ['--code', code()]), key), /^slot 1: /);

  assert.equal((await next.try('recovery ask', [ada.accountText], [...at(relay), ...wrong])).code, REFUSED);
  const { recovery_id: id } = await next.json('recovery ask', [ada.accountText], ['--code', code()]);
  const [asked] = await ada.json('recovery show');
  assert.equal(asked.recovery_id, id);
  await ada.run('recovery cancel', [id]);
  await ada.run('contact remove', ['1'], ['--code', code()]);
  assert.deepEqual(await ada.json('contact list'), []);
});

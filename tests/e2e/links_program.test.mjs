// SPDX-License-Identifier: Apache-2.0
// The sealpost program on both sides of a link, against each other, against this client, and against a
// relay that is between.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { b64u, fromB64u } from './support/bytes.mjs';
import { CTL, SANITIZER_ENV } from './support/daemon.mjs';
import { Inbox } from './support/inbox.mjs';
import { Liar } from './support/liar.mjs';
import { NewDevice, OldDevice, parseUri } from './support/links.mjs';
import { Program } from './support/program.mjs';
import { readLines } from './support/qr.mjs';
import { Relay } from './support/relay.mjs';
import { ok } from './support/scene.mjs';
import { trustOptions, urlOf } from './support/tls.mjs';
import { appCode, wrongAppCode } from './support/txns.mjs';

const TIMEOUT_MS = 180_000;
const [REFUSED, USAGE, UNVERIFIED, LOCAL] = [1, 2, 4, 5];

// The program while it runs: its lines, what is typed to it, its end.
class Running {
  constructor(program, command, words = [], options = []) {
    const all = ['device', ...command.split(' '), '--dir', program.dir, ...options, '--', ...words];
    this.child = spawn(CTL, all, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, ...SANITIZER_ENV, HOME: program.dir },
    });
    this.lines = new Inbox((line) => line);
    this.stderr = '';
    createInterface({ input: this.child.stdout }).on('line', (line) => this.lines.push(line));
    this.child.stderr.on('data', (chunk) => { this.stderr += chunk; });
    this.ended = new Promise((done) => {
      this.child.on('close', (code, signal) => {
        this.lines.end(`the program ended with ${signal ?? code}: ${this.stderr}`);
        done(signal ?? code);
      });
    });
  }

  async event(name) {
    const line = await this.lines.take((each) => JSON.parse(each).event === name, `waiting for ${name}`);
    return JSON.parse(line);
  }

  line() {
    return this.lines.take(() => true, 'waiting for a line');
  }

  type(text) {
    this.child.stdin.end(`${text}\n`);
  }

  async endsWith(code, pattern) {
    assert.equal(await this.ended, code, this.stderr);
    assert.match(this.stderr, pattern);
  }
}

async function start(t) {
  const liar = await Liar.open();
  t.after(() => liar.close());
  const relay = await Relay.start(t, { set: { base_url: urlOf(liar.port) } });
  liar.target = relay.port;
  const one = new Program(relay, 'one');
  await one.register();
  return { relay, liar, one, two: new Program(relay, 'two') };
}

const where = (relay) => ['--url', relay.baseUrl, ...trustOptions()];
const link = (relay, program, ...options) => new Running(program, 'link', [],
  ['--json', ...where(relay), ...options]);

test('a device is linked by the text of its QR code', { timeout: TIMEOUT_MS }, async (t) => {
  const { relay, one, two } = await start(t);
  const comer = link(relay, two, '--name', 'Ada\'s phone');
  const { uri, link_id: id } = await comer.event('link');
  assert.match(uri, /^sealpost:link\?[A-Za-z0-9_-]{64}$/);
  const approved = await one.json('approve', [uri], ['--admin', '--id', '7']);
  assert.deepEqual(approved, { device_id: 7, epoch: 1, name: 'Ada\'s phone' });
  assert.deepEqual(await comer.event('linked'), {
    event: 'linked', account_id: one.accountText, device_id: 7,
  });
  assert.equal(await comer.ended, 0, comer.stderr);
  await one.run('send', [one.accountText, 'for both']);
  assert.match(await two.run('receive'), /for both/);
  const shown = await two.json('manifest show');
  assert.equal(shown.epoch, 1);
  // It stands in its account now; the link is over.
  await link(relay, two).endsWith(LOCAL, /belongs to an account already/);
  const again = await one.try('approve', [uri]);
  assert.equal(again.code, REFUSED);
  assert.match(again.stderr, /not open any more: it is done/);
  assert.equal((await one.try('approve', [id.slice(1)])).code, USAGE);
  assert.equal((await one.try('approve', ['sealpost:link?AAAA'])).code, USAGE);
});

test('a device is linked by six digits, asked for by its account', { timeout: TIMEOUT_MS }, async (t) => {
  const { relay, one, two } = await start(t);
  const comer = link(relay, two, '--digits', '--account', one.accountText, '--name', 'tablet');
  const { link_id: id, link: text } = await comer.event('link');
  assert.equal(text, id);
  const { links } = await one.json('links');
  assert.deepEqual(links.map(({ link_id, name, state }) => [link_id, name, state]), [[id, 'tablet', 'created']]);
  assert.equal(await one.run('links'), `${id}  created  tablet\n`);
  const approving = new Running(one, 'approve', [id]);
  const { digits } = await comer.event('digits');
  approving.type(` ${digits.slice(0, 3)} ${digits.slice(3)}`);
  assert.match(await approving.line(), /^device 2 \(tablet\) is in your account, epoch 1$/);
  assert.equal(await approving.ended, 0, approving.stderr);
  assert.match(approving.stderr, /calls itself "tablet" asks to be added/);
  assert.equal((await comer.event('linked')).device_id, 2);
  assert.equal(await comer.ended, 0, comer.stderr);
  await two.run('session');
});

test('an account that has a second factor is asked by who shows it', { timeout: TIMEOUT_MS }, async (t) => {
  const { relay, one, two } = await start(t);
  const adding = one.talk('factors add totp', [], ['--json']);
  const { secret } = await adding.json();
  assert.equal((await adding.end(appCode(secret, relay))).code, 0);
  const asking = (code) => link(relay, two, '--digits', '--account', one.accountText, '--code', code);
  await asking(wrongAppCode(secret, relay)).endsWith(REFUSED, /that is wrong/);
  assert.deepEqual((await one.json('links')).links, []);
  const comer = asking(appCode(secret, relay, 1));
  const { link_id: id } = await comer.event('link');
  assert.deepEqual((await one.json('links')).links.map(({ link_id: each }) => each), [id]);
  await one.run('deny', [id]);
  await comer.endsWith(REFUSED, /was denied/);
});

test('digits that differ, and a denial, end a link', { timeout: TIMEOUT_MS }, async (t) => {
  const { relay, one, two } = await start(t);
  const comer = link(relay, two, '--digits');
  const approving = new Running(one, 'approve', [(await comer.event('link')).link_id]);
  const { digits } = await comer.event('digits');
  approving.type(String((Number(digits) + 1) % 1_000_000).padStart(6, '0'));
  await approving.endsWith(UNVERIFIED, /nothing was signed, and the link was ended: the digits differ/);
  await comer.endsWith(REFUSED, /was denied/);
  // The folder is nobody's still: another link may be tried, with its code drawn, and denied.
  const other = new Running(two, 'link', [], where(relay));
  const drawn = [];
  while (!drawn.at(-1)?.startsWith('sealpost:link?')) {
    drawn.push(await other.line());
  }
  const uri = drawn.pop();
  assert.equal(Buffer.from(readLines(drawn)).toString(), uri);
  const id = parseUri(uri).linkId;
  await one.run('deny', [uri]);
  await other.endsWith(REFUSED, /was denied/);
  assert.equal((await one.try('approve', [id])).code, REFUSED);
  const shown = await one.json('manifest show');
  assert.equal(shown.epoch, 0);
});

test('the program and this client let each other in', { timeout: TIMEOUT_MS }, async (t) => {
  const { relay, one, two } = await start(t);
  const ours = await new NewDevice(relay).link({ name: 'ours' });
  const approving = new Running(one, 'approve', [ours.uri]);
  ok(await ours.sign(await ours.until('candidate'), one.accountText));
  assert.equal(await approving.ended, 0, approving.stderr);

  const byDigits = await new NewDevice(relay).link({ name: 'by digits' });
  await byDigits.commit();
  const second = new Running(one, 'approve', [byDigits.id]);
  second.type(await byDigits.digits());
  ok(await byDigits.sign(await byDigits.until('candidate')));
  assert.equal(await second.ended, 0, second.stderr);

  const account = await relay.account();
  const comer = link(relay, two, '--digits', '--account', account.idText);
  const old = new OldDevice(account.first, (await comer.event('link')).link_id);
  const wanted = await old.digits();
  assert.equal((await comer.event('digits')).digits, wanted);
  ok(await old.put());
  assert.equal((await comer.event('linked')).account_id, account.idText);
  assert.equal(await comer.ended, 0, comer.stderr);
});

test('a relay that is between is found, by either side', { timeout: TIMEOUT_MS }, async (t) => {
  const { relay, liar, one, two } = await start(t);
  const ghost = new NewDevice(relay);
  const ghostEntry = (view) => ({ ...view, entry: b64u(ghost.entry) });

  // Another entry than that of the QR code; or of what was committed to.
  const byCode = link(relay, two);
  const { uri, link_id: first } = await byCode.event('link');
  liar.lie(`/v1/links/${first}`, ghostEntry);
  await new Running(one, 'approve', [uri]).endsWith(UNVERIFIED, /not the one of the QR code/);
  await byCode.endsWith(REFUSED, /was denied/);
  const byDigits = link(relay, two, '--digits');
  const { link_id: second } = await byDigits.event('link');
  liar.lie(`/v1/links/${second}`, ghostEntry);
  await new Running(one, 'approve', [second]).endsWith(UNVERIFIED, /not the one that it committed to/);
  await byDigits.endsWith(REFUSED, /was denied/);

  // Another entry once the digits are on their way: what is signed is what they were of.
  const byTurn = link(relay, two, '--digits');
  const { link_id: turned } = await byTurn.event('link');
  liar.lie(`/v1/links/${turned}`, (view) => (view.messages.length === 3 ? ghostEntry(view) : view));
  const turning = new Running(one, 'approve', [turned]);
  turning.type((await byTurn.event('digits')).digits);
  await turning.endsWith(UNVERIFIED, /shows another device now/);
  await byTurn.endsWith(REFUSED, /was denied/);
  assert.ok(!liar.asked.includes(`POST /v1/links/${turned}/candidate`), 'nothing was signed');

  // Another account, to the new device: other digits.
  const other = await relay.account();
  const third = link(relay, two, '--digits');
  const { link_id: thirdId } = await third.event('link');
  liar.lie(`/v1/links/${thirdId}`, (view) => (view.account_id
    ? { ...view, account_id: other.idText } : view));
  const approving = new Running(one, 'approve', [thirdId]);
  approving.type((await third.event('digits')).digits);
  await approving.endsWith(UNVERIFIED, /the digits differ/);
  await third.endsWith(REFUSED, /was denied/);
  liar.honest();

  // A candidate of the operator's account, when the link changes in any way; or one that nobody signed.
  const lured = link(relay, two, '--account', one.accountText);
  const { link_id: fourth } = await lured.event('link');
  const old = new OldDevice(other.first, fourth);
  liar.lie(`/v1/links/${fourth}`, (view) => {
    old.entry = fromB64u(view.entry);
    return {
      ...view, state: 'candidate', version: 3, device_id: 1, device_pub: other.first.pubText,
      account_id: other.idText, manifest: b64u(old.candidate().bytes),
    };
  });
  await one.run('deny', [fourth]);
  await lured.endsWith(UNVERIFIED, /was not signed: it is another account's/);
  liar.honest();
  const unsigned = link(relay, two);
  const { uri: fifth, link_id: fifthId } = await unsigned.event('link');
  liar.lie(`/v1/links/${fifthId}`, (view) => {
    if (view.manifest === undefined || view.state !== 'candidate') {
      return view;
    }
    const bytes = fromB64u(view.manifest);
    bytes[bytes.length - 1] ^= 1;
    return { ...view, manifest: b64u(bytes) };
  });
  const late = new Running(one, 'approve', [fifth]);
  await unsigned.endsWith(UNVERIFIED, /no admin device that has claimed the link has signed it/);
  await late.endsWith(REFUSED, /was denied/);
  const shown = await one.json('manifest show');
  assert.equal(shown.epoch, 0);
});

// SPDX-License-Identifier: Apache-2.0
// The reference device and second factors: it enrols, shows and removes them, and steps up by them.
import assert from 'node:assert/strict';
import {
  after, before, beforeEach, describe, it,
} from 'node:test';
import { b64u, ciphertext } from './support/bytes.mjs';
import { CTL, runToEnd } from './support/daemon.mjs';
import { Liar } from './support/liar.mjs';
import { scanned } from './support/otp.mjs';
import { Program } from './support/program.mjs';
import { readPrinted } from './support/qr.mjs';
import { Relay } from './support/relay.mjs';
import { ok } from './support/scene.mjs';
import {
  answer, appCode, appTime, begin, challenge, wrongAppCode,
} from './support/txns.mjs';
import { urlOf } from './support/tls.mjs';

const TIMEOUT_MS = 180_000;
const [DONE, REFUSED, USAGE, NETWORK] = [0, 1, 2, 3];
const ID = /^[A-Za-z0-9_-]{22}$/;
const ESCAPE = '\x1b[2J';

let liar;
let relay;
let made = 0;

before(async () => {
  liar = await Liar.open();
  relay = new Relay({ set: { base_url: urlOf(liar.port), hold_time: '0' } });
  await relay.up();
  liar.target = relay.port;
});
beforeEach(() => liar.honest());
after(async () => {
  liar.close();
  await relay.dispose();
});

async function registered() {
  const program = new Program(relay, `device-${++made}`);
  await program.register();
  return program;
}

const scene = (name, body) => it(name, { timeout: TIMEOUT_MS }, async () => body(await registered()));

// Have an app that is confirmed by the code of now: { factor_id, secret, uri }.
async function addApp(program, options = []) {
  const talk = program.talk('factors add totp', [], ['--json', ...options]);
  const app = await talk.json();
  const { code, stderr } = await talk.end(appCode(app.secret, relay));
  assert.equal(code, DONE, stderr);
  return app;
}

const addCodes = (program) => program.json('factors add recovery-codes');
const nextCode = (app) => appCode(app.secret, relay, 1);

describe('an app', () => {
  scene('is scanned, confirmed by its first code and listed by the name it was given', async (ada) => {
    const talk = ada.talk('factors add totp', [], ['--json', '--name', 'Ada\'s phone']);
    const app = await talk.json();
    assert.match(app.factor_id, ID);
    const uri = new URL(app.uri);
    assert.deepEqual([uri.protocol, uri.host, decodeURIComponent(uri.pathname)],
      ['otpauth:', 'totp', '/127.0.0.1:Ada\'s phone']);
    assert.deepEqual(Object.fromEntries(uri.searchParams), {
      secret: app.secret, issuer: '127.0.0.1', algorithm: 'SHA1', digits: '6', period: '30',
    });
    const [pending] = await ada.json('factors');
    assert.deepEqual([pending.confirmed, pending.name], [false, 'Ada\'s phone']);
    talk.say(scanned(app.uri, appTime(relay)));
    assert.deepEqual(await talk.json(), { factor_id: app.factor_id, confirmed: true });
    assert.equal((await talk.end()).code, DONE);

    const [factor] = await ada.json('factors');
    assert.deepEqual([factor.factor_id, factor.kind, factor.confirmed, factor.name],
      [app.factor_id, 'totp', true, 'Ada\'s phone']);
    assert.match(await ada.run('factors'), new RegExp(
      `^${app.factor_id}  totp, since \\d{4}-\\d\\d-\\d\\d \\d\\d:00 UTC  Ada's phone\n$`,
    ));
    const second = new Program(relay, `device-${++made}`);
    await ada.add(second);
    assert.equal((await second.json('factors'))[0].name, undefined, 'only its own device opens it');
  });

  scene('is shown as a QR code, in what the locale has', async (ada) => {
    for (const [options, locale, isAscii] of [[[], 'C.UTF-8', false], [['--ascii'], 'C.UTF-8', true], [[], 'C', true]]) {
      const talk = ada.talk('factors add totp', [], options, { LC_ALL: locale });
      const printed = (await talk.until(/^It is shown only now\.$/)).join('\n');
      const [uri] = printed.split('\n');
      assert.equal(readPrinted(printed)?.toString(), uri);
      assert.equal(!/[^\x00-\x7f]/.test(printed), isAscii);
      const { secret } = Object.fromEntries(new URL(uri).searchParams);
      assert.ok(printed.includes(` ${secret.match(/.{4}/g).join(' ')}`));
      assert.equal((await talk.end()).code, USAGE, 'no first code came');
    }
  });

  scene('is confirmed later when its first code did not come', async (ada) => {
    const talk = ada.talk('factors add totp', [], ['--json']);
    const app = await talk.json();
    const given = await talk.end('12345', ...new Array(5).fill(wrongAppCode(app.secret, relay)));
    assert.equal(given.code, REFUSED);
    assert.match(given.stderr, /a code is six digits\n/);
    assert.equal(given.stderr.match(/that is not the code of now/g).length, 4, 'it asks for five');
    assert.match(given.stderr, new RegExp(`not confirmed; within the hour, "sealpost device factors confirm ${app.factor_id}" does`));
    assert.match(await ada.run('factors'), /totp, not confirmed yet, since /);

    const late = ada.talk('factors confirm', [app.factor_id]);
    const { code, stdout } = await late.end(appCode(app.secret, relay));
    assert.deepEqual([code, stdout], [DONE, `${app.factor_id} is confirmed\n`]);
    const again = await ada.talk('factors confirm', [app.factor_id]).end(nextCode(app));
    assert.equal(again.code, REFUSED);
    assert.match(again.stderr, /404 factor_unknown/);
  });
});

describe('recovery codes', () => {
  scene('are shown once, counted and made anew by one of them', async (ada) => {
    const first = await addCodes(ada);
    assert.equal(new Set(first.codes).size, 10);
    assert.match(await ada.run('factors'), /recovery_code, 10 codes are left, since /);
    const refused = await ada.try('factors add recovery-codes');
    assert.equal(refused.code, USAGE);
    assert.match(refused.stderr, /there are recovery codes, 10 of them not used.*add --replace/);

    const talk = ada.talk('factors add recovery-codes', [], ['--replace']);
    const typed = first.codes[3].toLowerCase().replaceAll('-', ' ');
    const { code, stdout, stderr } = await talk.end('no code', 'UUUU-UUUU-UUUU-UUUU', typed);
    assert.equal(code, DONE, stderr);
    assert.equal(stderr.match(/that has not the form of a recovery_code/g).length, 2);
    const second = stdout.trimEnd().split('\n');
    assert.equal(second.length, 10);
    second.forEach((each) => assert.match(each, /^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/));
    assert.ok(!second.some((each) => first.codes.includes(each)));
    assert.match(stderr, /They are shown only now/);

    const old = await ada.talk('factors remove', [first.factor_id]).end(first.codes[4]);
    assert.equal(old.code, REFUSED, 'that set is gone, and so is its id');
    const [{ factor_id: id }] = await ada.json('factors');
    const wrong = await ada.talk('factors remove', [id], ['--json']).end(first.codes[5], second[0]);
    assert.equal(wrong.code, DONE, wrong.stderr);
    assert.match(wrong.stderr, /that is wrong, or was used before \(each is good once\); 4 tries are left/);
    assert.deepEqual(JSON.parse(wrong.stdout), { factor_id: id, removed: true });
    assert.deepEqual(await ada.json('factors'), []);
    assert.equal(await ada.run('factors'), 'no second factor is enrolled\n');
  });
});

describe('a step-up', () => {
  scene('is asked for where a factor is enrolled, and by the code on the command line', async (ada) => {
    await ada.run('handle set', [`name-${made}`]);
    const app = await addApp(ada);
    const nobody = await ada.try('handle release', [`name-${made}`]);
    assert.equal(nobody.code, USAGE);
    assert.match(nobody.stderr, /no answer came from standard input/);
    const wrong = await ada.try('handle release', [`name-${made}`], ['--code', wrongAppCode(app.secret, relay)]);
    assert.equal(wrong.code, REFUSED);
    assert.match(wrong.stderr, /that is wrong/);
    assert.match(await ada.run('handle release', [`name-${made}`], ['--code', nextCode(app)]), /is nobody's now/);
  });

  scene('goes before the erasure of the account', async (ada) => {
    const { codes } = await addCodes(ada);
    const { code, stdout, stderr } = await ada.talk('erase', [], ['--yes']).end(codes[0]);
    assert.deepEqual([code, stdout], [DONE, 'the account is erased\n'], stderr);
  });

  scene('is by the kind that is named', async (ada) => {
    await addApp(ada);
    assert.equal((await ada.try('factors remove', [b64u(ciphertext(16))])).code, REFUSED, 'nothing to step up for');
    const [{ factor_id: id }] = await ada.json('factors');
    const none = await ada.try('factors remove', [id], ['--kind', 'recovery_code']);
    assert.equal(none.code, USAGE);
    assert.match(none.stderr, /no recovery_code is enrolled/);
  });

  scene('adds a second app, and recovery codes, beside the first', async (ada) => {
    const app = await addApp(ada);
    const { codes } = await ada.json('factors add recovery-codes', [], ['--code', nextCode(app)]);
    const talk = ada.talk('factors add totp', [], ['--json', '--kind', 'recovery_code']);
    talk.say(codes[0]);
    const second = await talk.json();
    assert.equal((await talk.end(appCode(second.secret, relay))).code, DONE);
    assert.equal((await ada.json('factors')).length, 3);
    assert.match(await ada.run('factors log'), new RegExp([
      'totp enrolled by device 1', 'totp used to stepup', 'recovery_code enrolled by device 1',
      'recovery_code used to stepup', 'totp enrolled by device 1',
    ].map((line) => `^ *\\d+  \\d{4}-\\d\\d-\\d\\d \\d\\d:00 UTC  ${line}\\n`).join(''), 'm'));
  });

  it('takes nothing that is secret for long from the command line', { timeout: TIMEOUT_MS }, async () => {
    const ada = await registered();
    const { codes } = await addCodes(ada);
    const [{ factor_id: id }] = await ada.json('factors');
    liar.asked.length = 0;
    for (const options of [['--code', codes[0]], ['--code', '12345'], ['--kind', 'webauthn'], ['--kind', ''],
      ['--code', '123456', '--kind', 'recovery_code']]) {
      const { code, stderr, stdout } = await ada.try('factors remove', [id], options);
      assert.deepEqual([code, stdout], [USAGE, ''], options.join(' '));
      assert.match(stderr, /--code|--kind/);
    }
    assert.deepEqual(liar.asked, []);
  });
});

describe('a device', () => {
  scene('shows the digits that another one is asked for', async (ada) => {
    assert.equal(await ada.run('factors code'), 'nobody asks for a code\n');
    const txn = (await begin(relay, 'link', { account_id: ada.accountText })).json;
    const asked = (await challenge(relay, txn, 'code')).json;
    const [shown] = await ada.json('factors code');
    assert.deepEqual([shown.challenge_id, shown.purpose], [asked.challenge_id, 'link']);
    const [, digits] = /^(\d{6}) {2}for whoever wants to link, until \d{4}-/.exec(await ada.run('factors code'));
    assert.equal(digits, shown.code);
    ok(await answer(relay, txn, asked, digits));
    assert.equal(await ada.run('factors code'), 'nobody asks for a code\n');
    assert.equal((await ada.json('factors log')).at(-1).factor_kind, 'code');
  });

  scene('reads the log on from where it ended', async (ada) => {
    assert.equal(await ada.run('factors log'), 'nothing has happened\n');
    await addCodes(ada);
    const [entry] = await ada.json('factors log');
    assert.equal(entry.change, 'enrolled');
    assert.deepEqual(await ada.json('factors log', [], ['--after', `${entry.entry}`]), []);
    assert.equal((await ada.try('factors log', [], ['--after', 'x'])).code, USAGE);
  });

  scene('sees what the operator removed', async (ada) => {
    const { factor_id: id } = await addCodes(ada);
    const { code } = await runToEnd(CTL, ['account', 'factors', '--socket', relay.adminSocket, '--remove', id, '--',
      ada.accountText], { HOME: ada.dir });
    assert.equal(code, DONE);
    assert.match(await ada.run('factors log'), /recovery_code removed by the operator\n$/);
  });

  scene('that is no admin may not enrol, and is told so', async (ada) => {
    const second = new Program(relay, `device-${++made}`);
    await ada.add(second);
    const refused = await second.try('factors add recovery-codes');
    assert.equal(refused.code, REFUSED);
    assert.match(refused.stderr, /403 not_admin/);
  });

  scene('is told what is no factor\'s id and what is no name before anything is asked', async (ada) => {
    liar.asked.length = 0;
    for (const [command, words, options] of [['factors remove', ['short'], []], ['factors confirm', ['a b'], []],
      ['factors add totp', [], ['--name', 'a:b']], ['factors add recovery-codes', [], ['--name', ESCAPE]],
      ['factors add totp', [], ['--name', 'x'.repeat(65)]]]) {
      const { code, stdout } = await ada.try(command, words, options);
      assert.deepEqual([code, stdout], [USAGE, ''], command);
    }
    assert.deepEqual(liar.asked, []);
  });

  it('says that security keys want a browser', { timeout: TIMEOUT_MS }, async () => {
    const { stdout } = await runToEnd(CTL, ['device', 'factors', '--help']);
    assert.match(stdout, /WebAuthn.*browser/);
  });
});

describe('a relay that lies', () => {
  const factors = '/v1/factors';
  const refusing = async (program, command, words = [], options = []) => {
    const { code, stdout, stderr } = await program.talk(command, words, options).end('000000');
    assert.equal(code, NETWORK, stderr);
    assert.equal(stdout, '');
    assert.ok(!stderr.includes('\x1b'));
    return stderr;
  };

  scene('shows no terminal what it obeys', async (ada) => {
    for (const lie of [{ secret: `${ESCAPE}${'A'.repeat(28)}` }, { secret: 'A' }, { factor_id: ESCAPE }]) {
      liar.lie(factors, (json) => ({ ...json, ...lie }), 'POST');
      assert.match(await refusing(ada, 'factors add totp'), /has no (secret|factor) of the form/);
    }
    for (const codes of [[], [ESCAPE], new Array(10).fill(ESCAPE.padEnd(19, 'A')), new Array(11).fill('0000-0000-0000-0000')]) {
      liar.lie(factors, (json) => ({ ...json, codes }), 'POST');
      assert.match(await refusing(ada, 'factors add recovery-codes', [], ['--replace']), /no recovery codes of the form/);
      const path = `/admin/accounts/${ada.accountText}/factors`;
      const [set] = ok(await relay.admin('GET', path)).factors.filter(({ kind }) => kind === 'recovery_code');
      await relay.admin('DELETE', `${path}/${set.factor_id}`);
    }
    liar.lie(factors, () => ({ factors: [{ factor_id: ESCAPE, kind: ESCAPE, label: ESCAPE, confirmed: ESCAPE }, 7] }));
    assert.match(await ada.run('factors'), /^\? {2}\?, not confirmed yet, since .*\n\? {2}\?.*\n$/);
    liar.lie('/v1/account/challenges', () => ({ challenges: [{ code: ESCAPE, purpose: ESCAPE }] }));
    assert.match(await ada.run('factors code'), /^\? {2}for whoever wants to \?, until /);
    liar.lie('/v1/account/log', () => ({ entries: [{ entry: 0, change: ESCAPE, by: ESCAPE, purpose: ESCAPE }], more: true }));
    assert.match(await ada.run('factors log'), /\? \? by the \? to \?\n$/);
  });

  scene('about a step-up gets no further', async (ada) => {
    await addCodes(ada);
    const [{ factor_id: id }] = await ada.json('factors');
    const remove = (options) => refusing(ada, 'factors remove', [id], options);
    liar.lie('/v1/txns', (json) => ({ ...json, txn_id: '../../x' }), 'POST');
    assert.match(await remove(), /has no transaction of the form/);
    liar.lie('/v1/txns', (json) => ({ ...json, kinds: ['webauthn'] }), 'POST');
    const { code, stderr } = await ada.try('factors remove', [id]);
    assert.equal(code, USAGE);
    assert.match(stderr, /only a browser can show \(webauthn\)/);
  });
});

it('nothing that is secret is in the relay\'s log', { timeout: TIMEOUT_MS }, async () => {
  const ada = await registered();
  const app = await addApp(ada);
  const { codes } = await ada.json('factors add recovery-codes', [], ['--code', nextCode(app)]);
  for (const secret of [app.secret, app.factor_id, ...codes]) {
    assert.ok(!relay.daemon.text.includes(secret));
  }
});

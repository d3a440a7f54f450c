// SPDX-License-Identifier: Apache-2.0
// The reference device and an account's password: the relay never sees it, and it is proved for a step-up.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  after, before, beforeEach, it,
} from 'node:test';
import { b64u } from './support/bytes.mjs';
import { CTL, SANITIZER_ENV } from './support/daemon.mjs';
import { Liar } from './support/liar.mjs';
import { Program } from './support/program.mjs';
import { Relay } from './support/relay.mjs';
import { urlOf } from './support/tls.mjs';

const TIMEOUT_MS = 180_000;
const [DONE, REFUSED, USAGE, NETWORK] = [0, 1, 2, 3];
const [OLD, NEW] = ['correct horse battery staple', 'grüße an den anderen Klepper'];

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

const scene = (name, body) => it(name, { timeout: TIMEOUT_MS }, async () => {
  const program = new Program(relay, `device-${++made}`);
  await program.register();
  await body(program);
});

const add = (program, lines, options = []) => program.talk('factors add password', [], options).end(...lines);

scene('is set, listed, proved for a step-up and removed', async (ada) => {
  const { code, stdout, stderr } = await add(ada, [OLD], ['--json', '--name', 'on paper']);
  assert.equal(code, DONE, stderr);
  const { factor_id: id, confirmed } = JSON.parse(stdout);
  assert.equal(confirmed, true);
  const [factor] = await ada.json('factors');
  assert.deepEqual([factor.factor_id, factor.kind, factor.confirmed, factor.name], [id, 'password', true, 'on paper']);
  assert.match(await ada.run('factors'), new RegExp(`^${id}  password, since .*  on paper\n$`));

  const wrong = await ada.talk('factors remove', [id]).end('', NEW, OLD);
  assert.equal(wrong.code, DONE, wrong.stderr);
  assert.match(wrong.stderr, /a password has 1 to 255 bytes\n/);
  assert.match(wrong.stderr, /that is not the password, or it was set by a program that stretches/);
  assert.deepEqual(await ada.json('factors'), []);
  assert.match(await ada.run('factors log'), new RegExp([
    'password enrolled by device 1', 'password used to stepup', 'password removed by device 1',
  ].map((line) => `  ${line}\n.*`).join('')));
});

scene('takes the place of the one that was', async (ada) => {
  assert.equal((await add(ada, [OLD])).code, DONE);
  const { code, stdout, stderr } = await add(ada, [NEW, OLD]);
  assert.equal(code, DONE, stderr);
  const [factor, ...others] = await ada.json('factors');
  assert.deepEqual(others, []);
  assert.equal(stdout, `${factor.factor_id} is confirmed\n`);
  const old = await ada.talk('factors remove', [factor.factor_id]).end(OLD, OLD, OLD, NEW);
  assert.equal(old.code, REFUSED, 'after three it asks no more');
  assert.equal((await ada.talk('factors remove', [factor.factor_id], ['--kind', 'password']).end(NEW)).code, DONE);
});

scene('is asked for as often as is of use, and before the relay is', async (ada) => {
  liar.asked.length = 0;
  for (const short of ['', 'seven..']) {
    const { code, stdout, stderr } = await add(ada, [short]);
    assert.deepEqual([code, stdout], [USAGE, '']);
    assert.match(stderr, /a password has 8 to 255 bytes/);
  }
  assert.match((await add(ada, [])).stderr, /no answer came from standard input/);
  assert.deepEqual(liar.asked, []);
});

// At a terminal: says each answer when it is asked for, and returns all that was shown.
async function atTerminal(ada, answers) {
  const child = spawn('script', ['-qec', `'${CTL}' device factors add password --dir '${ada.dir}'`, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'], env: { PATH: process.env.PATH, HOME: ada.dir, ...SANITIZER_ENV },
  });
  let shown = '';
  let from = 0;
  child.stdout.setEncoding('utf8').on('data', (text) => {
    shown += text;
    const [question, answer] = answers[0] ?? [];
    const at = question === undefined ? -1 : shown.indexOf(question, from);
    if (at >= 0) {
      from = at + question.length;
      answers.shift();
      child.stdin.write(`${answer}\n`);
    }
  });
  const code = await new Promise((done) => { child.on('close', done); });
  return { code, shown };
}

scene('is asked for twice at a terminal, and never shown', async (ada) => {
  const other = await atTerminal(ada, [['A new password: ', OLD], ['The same again: ', NEW]]);
  assert.equal(other.code, USAGE);
  assert.match(other.shown, /the two are not the same/);
  const same = await atTerminal(ada, [['A new password: ', OLD], ['The same again: ', OLD]]);
  assert.equal(same.code, DONE, same.shown);
  assert.match(same.shown, / is confirmed/);
  [OLD, NEW].forEach((password) => assert.ok(!`${other.shown}${same.shown}`.includes(password)));
});

scene('is not given to a relay that answers oddly', async (ada) => {
  for (const response of [undefined, 'x', b64u(Buffer.alloc(64))]) {
    liar.lie('/v1/factors', (json) => ({ ...json, response }), 'POST');
    const { code, stdout, stderr } = await add(ada, [OLD]);
    assert.deepEqual([code, stdout], [NETWORK, ''], stderr);
    assert.match(stderr, /no response of the form|no element of its group/);
  }
});

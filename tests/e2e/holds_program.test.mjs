// SPDX-License-Identifier: Apache-2.0
// The sealpost program shows what is held, and vetoes it.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CTL, runToEnd } from './support/daemon.mjs';
import { Forwarder } from './support/forwarder.mjs';
import { Relay } from './support/relay.mjs';
import { trustOptions, urlOf } from './support/tls.mjs';

async function start(t) {
  const forwarder = await Forwarder.open();
  const relay = await Relay.start(t, { set: { base_url: urlOf(forwarder.port) } });
  t.after(() => forwarder.close());
  forwarder.target = relay.port;
  return relay;
}

function programOf(relay, name) {
  const dir = join(relay.dir, name);
  mkdirSync(dir, { mode: 0o700 });
  const end = (...words) => runToEnd(CTL, ['device', ...words, '--dir', dir], { HOME: dir });
  const run = async (...words) => {
    const { code, stdout, stderr } = await end(...words);
    assert.equal(code, 0, `${words.join(' ')}: ${stderr}`);
    return stdout;
  };
  const file = (text) => {
    const path = join(dir, 'draft');
    writeFileSync(path, text);
    return path;
  };
  return { end, run, file };
}

// Let admin add another program's device to its account.
async function add(relay, admin, other, ...options) {
  await other.run('init', '--url', relay.baseUrl, ...trustOptions());
  const entry = await other.run('entry');
  const draft = await admin.run('manifest', 'add', ...options, admin.file(entry));
  const signed = await other.run('manifest', 'sign', other.file(draft));
  await other.run('manifest', 'put', other.file(signed));
}

test('what one admin wants against another is shown and vetoed', { timeout: 180_000 }, async (t) => {
  const relay = await start(t);
  const [one, two, three] = ['one', 'two', 'three'].map((name) => programOf(relay, name));
  await one.run('register', '--url', relay.baseUrl, ...trustOptions());
  await add(relay, one, two, '--admin');
  await add(relay, one, three);
  assert.match(await three.run('holds'), /^nothing is held$/m);

  assert.match(await two.run('manifest', 'remove', '1'), /^epoch 3 is held; /m);
  const shown = await three.run('holds');
  assert.match(shown, /^device 2 wants epoch 3, held until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/m);
  assert.match(shown, /^ {2}removes device 1, an admin$/m);
  const [held] = JSON.parse(await three.run('holds', '--json'));
  assert.deepEqual([held.kind, held.device_id, held.epoch], ['manifest', 2, 3]);

  const denied = await one.end('veto', '2');
  assert.equal(denied.code, 1);
  assert.match(denied.stderr, /removes this device/);
  assert.equal((await three.end('veto', '0')).code, 2);
  const nothing = await three.end('veto', '9');
  assert.equal(nothing.code, 1);
  assert.match(nothing.stderr, /nothing is held that device 9 wants/);
  assert.match(await three.run('veto', '2'), /^vetoed: the new list$/m);
  assert.match(await three.run('holds'), /^nothing is held$/m);

  assert.match(await one.run('erase', '--yes'), /its erasure is held/);
  assert.match(await two.run('holds'), /^device 1 wants the account erased, held until /m);
  assert.match(await two.run('veto', '1'), /^vetoed: the erasure$/m);
  await three.run('report');
});

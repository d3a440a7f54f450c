// SPDX-License-Identifier: Apache-2.0
// A unix socket for clients, where a proxy on the same machine connects.
import assert from 'node:assert/strict';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BINARY, runToEnd } from './support/daemon.mjs';
import { call } from './support/http.mjs';
import { Relay } from './support/relay.mjs';
import { assertStatus, scene } from './support/scene.mjs';

const plain = () => ({ tls: false });

// Have the relay listen on a socket alone, with these options.
async function listenOn(relay, path, set = {}) {
  await relay.stop();
  relay.options.set = { ...relay.options.set, listen: `unix:${path}`, ...set };
  await relay.up();
}

const ask = (socketPath) => call({ socketPath }, 'GET', '/v1/server');
const modeOf = (path) => statSync(path).mode & 0o777;

scene('clients may come by a unix socket alone', plain(), async (relay) => {
  const path = join(relay.dir, 'clients.sock');
  await listenOn(relay, path);
  assertStatus(await ask(path), 200);
  assert.equal(modeOf(path), 0o660);
  await relay.stop();
  assert.ok(!existsSync(path), 'removed at the end');
});

scene('its mode and group are those that are set', plain(), async (relay) => {
  const path = join(relay.dir, 'clients.sock');
  const group = process.getuid() === 0 ? 4242 : process.getgroups().at(-1);
  await listenOn(relay, path, { listen_mode: '0606', listen_group: String(group) });
  assert.equal(modeOf(path), 0o606);
  assert.equal(statSync(path).gid, group);
  assert.equal(modeOf(relay.adminSocket), 0o600, 'the operator\'s own is not touched');
});

scene('what a killed daemon left is replaced', plain(), async (relay) => {
  const path = join(relay.dir, 'clients.sock');
  await listenOn(relay, path);
  await relay.kill();
  assert.ok(existsSync(path));
  await relay.up();
  assertStatus(await ask(path), 200);
});

scene('a socket that another daemon has is not taken', plain(), async (relay, t) => {
  const path = join(relay.dir, 'clients.sock');
  await listenOn(relay, path);
  const other = new Relay({ tls: false, set: { listen: `unix:${path}` } });
  t.after(() => other.dispose());
  const { code, stderr } = await runToEnd(BINARY, other.arguments());
  assert.notEqual(code, 0);
  assert.match(stderr, /clients\.sock is in use: stop the program/);
  assertStatus(await ask(path), 200);
});

scene('what stands in its way, and a group that there is none of, is told', plain(), async (relay) => {
  await relay.stop();
  const path = join(relay.dir, 'in-the-way');
  writeFileSync(path, 'kept');
  const start = async (set) => {
    relay.options.set = { listen: `unix:${path}`, ...set };
    return runToEnd(BINARY, relay.arguments());
  };
  assert.match((await start()).stderr, /exists and is not a socket/);
  assert.ok(existsSync(path));
  const other = await start({ listen: `unix:${path}2`, listen_group: 'no-such-group' });
  assert.match(other.stderr, /cannot give .* to the group no-such-group/);
  assert.ok(!existsSync(`${path}2`));
  const nowhere = await start({ listen: `unix:${relay.dir}/none/s` });
  assert.match(nowhere.stderr, /its folder is missing/);
});

test('a mode or a group that is none is refused at the start', async () => {
  for (const set of ['listen_mode=0888', 'listen_mode=0044', 'listen_group=a/b']) {
    const { code, stderr } = await runToEnd(BINARY, ['--check-config', '--set',
      'base_url=https://relay.example', '--set', set]);
    assert.equal(code, 78, set);
    assert.match(stderr, new RegExp(set.split('=')[0]));
  }
});

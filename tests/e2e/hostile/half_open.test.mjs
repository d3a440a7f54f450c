// SPDX-License-Identifier: Apache-2.0
// A peer whose network is gone says nothing, not even goodbye.  The network is one
// that the test makes: a namespace, and a cable to it that is cut.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { untilStreams, upgradeHead } from '../support/crowd.mjs';
import { assertStatus, scene } from '../support/scene.mjs';

const PING_S = 45;
const name = `sealpost-${process.pid}`;
const cable = [`sp${process.pid}a`, `sp${process.pid}b`];
// Of the block for tests of network devices (RFC 2544): nobody is there.
const OURS = '198.18.250.1';
const THEIRS = '198.18.250.2';

function ip(...args) {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  assert.equal(status, 0, `ip ${args.join(' ')}: ${stderr}`);
}

const canMakeNetworks = () => spawnSync('unshare', ['--net', 'true']).status === 0;

function layCable(t) {
  ip('netns', 'add', name);
  t.after(() => ip('netns', 'del', name)); // its end of the cable goes with it, and ours
  ip('link', 'add', cable[0], 'type', 'veth', 'peer', 'name', cable[1], 'netns', name);
  ip('address', 'add', `${OURS}/30`, 'dev', cable[0]);
  ip('link', 'set', cable[0], 'up');
  ip('-n', name, 'address', 'add', `${THEIRS}/30`, 'dev', cable[1]);
  ip('-n', name, 'link', 'set', cable[1], 'up');
}

// A program at the far end that opens a stream and says when it has caught up.
const FAR_END = `
  const socket = require('node:net').connect(Number(process.argv[1]), '${OURS}');
  socket.write(Buffer.from(process.argv[2], 'base64url'));
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    if (text.includes('"caught_up"')) console.log('caught up');
  });`;

async function farStream(t, relay, device) {
  const head = Buffer.from(upgradeHead(device.token)).toString('base64url');
  const child = spawn('ip', ['netns', 'exec', name, process.execPath, '-e', FAR_END,
    String(relay.port), head], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  await once(createInterface({ input: child.stdout }), 'line');
}

scene('a peer whose network is gone is found by two pings', { clock: true }, async (relay, t) => {
  if (!canMakeNetworks()) {
    t.skip('this needs a user who may make network namespaces');
    return;
  }
  const { a, b } = await relay.pair();
  layCable(t);
  await relay.stop();
  relay.options.set = { listen: `127.0.0.1:0,${OURS}:0` };
  await relay.up();
  const places = relay.daemon.lines.filter(({ fields }) => fields.name === 'clients');
  const far = { ...relay, port: Number(places.at(-1).fields.port) };
  await farStream(t, far, a);
  const near = await b.open();
  await untilStreams(relay, 2);

  ip('link', 'set', cable[0], 'down');
  assertStatus(await b.send([a]), 201);
  relay.clock.advance(PING_S);
  await near.barrier();
  assert.equal(await relay.metric('streams_open'), 2);
  relay.clock.advance(PING_S);
  await untilStreams(relay, 1);
  await near.barrier();
  assert.equal((await a.mailbox()).envelopes.length, 1, 'its mail waits for it');
});

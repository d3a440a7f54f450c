// SPDX-License-Identifier: Apache-2.0
// The sealpost program against a relay that lies about who has which devices.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Account } from './support/account.mjs';
import { b64u } from './support/bytes.mjs';
import { CTL, runToEnd } from './support/daemon.mjs';
import { Device } from './support/device.mjs';
import { Liar } from './support/liar.mjs';
import { manifestHash } from './support/manifest.mjs';
import { Relay } from './support/relay.mjs';
import { BoxKey, KEY_TYPE } from './support/sealed_box.mjs';
import { assertStatus } from './support/scene.mjs';
import { trustOptions, urlOf } from './support/tls.mjs';

const UNVERIFIED = 4;
const TIMEOUT_MS = 180_000;

// The program as one device, and bob, whom it writes to: both on an honest relay behind a liar.
class Story {
  static async begin(t) {
    const story = new Story();
    story.liar = await Liar.open();
    t.after(() => story.liar.close());
    const set = { base_url: urlOf(story.liar.port), registration: 'open' };
    story.relay = await Relay.start(t, { set });
    story.liar.target = story.relay.port;
    story.dir = join(story.relay.dir, 'program');
    story.bob = new Account(story.relay);
    story.bob.first.keys = [{ type: KEY_TYPE, bytes: new BoxKey().pub }];
    story.bob.signed = story.bob.firstManifest();
    story.bob.setHead(story.bob.signed.body, 0);
    assertStatus(await story.bob.register(), 201);
    await story.bob.first.login();
    return story;
  }

  run(...args) {
    return runToEnd(CTL, ['device', ...args, '--dir', this.dir], { HOME: this.dir });
  }

  async do(...args) {
    const { code, stdout, stderr } = await this.run(...args);
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return { stdout, stderr };
  }

  register() {
    return this.do('register', '--url', this.relay.baseUrl, ...trustOptions());
  }

  lieAboutBob(change) {
    this.liar.lie(`/v1/accounts/${this.bob.idText}`, change);
  }

  // Sending to bob is refused as unverified, and nothing reached the relay.
  async assertRefused(reason) {
    const { code, stdout, stderr } = await this.run('send', this.bob.idText, 'secret');
    assert.equal(code, UNVERIFIED, stderr);
    assert.match(stderr, reason);
    assert.equal(stdout, '');
    const posted = this.liar.asked.filter((line) => line.startsWith('POST /v1/envelopes'));
    assert.equal(posted.length, this.sent ?? 0);
    const verify = await this.run('accounts', 'verify', this.bob.idText);
    assert.equal(verify.code, UNVERIFIED);
  }

  async send() {
    await this.do('send', this.bob.idText, 'hello');
    this.sent = (this.sent ?? 0) + 1;
  }
}

const lies = (name, body) => test(name, { timeout: TIMEOUT_MS }, async (t) => {
  const story = await Story.begin(t);
  await body(story);
});

// What the relay would show if `manifest` were the head, after the honest ones.
const withHead = (answer, manifest) => ({
  ...answer,
  epoch: manifest.epoch,
  hash: b64u(manifestHash(manifest.body)),
  manifests: [...answer.manifests, b64u(manifest.bytes)],
});

function ghostOf(account) {
  const ghost = new Device(account, { id: 2, flags: 0, addedEpoch: 1 });
  ghost.keys = [{ type: KEY_TYPE, bytes: new BoxKey().pub }];
  return ghost;
}

lies('a ghost device that only itself signed gets no mail', async (story) => {
  await story.register();
  const ghost = ghostOf(story.bob);
  const forged = story.bob.next({ add: [ghost], signers: [{ signer: 2, key: ghost.key }] });
  story.lieAboutBob((answer) => withHead(answer, forged));
  await story.assertRefused(/do NOT trust/);
});

lies('a ghost device signed with a key that is not the admin\'s gets no mail', async (story) => {
  await story.register();
  await story.send();
  const ghost = ghostOf(story.bob);
  const signers = [{ signer: 1, key: ghost.key }, { signer: 2, key: ghost.key }];
  const forged = story.bob.next({ add: [ghost], signers });
  story.lieAboutBob((answer) => withHead(answer, forged));
  await story.assertRefused(/do NOT trust/);
});

lies('another account in place of the one that was named gets no mail', async (story) => {
  await story.register();
  const mallory = new Account(story.relay);
  story.lieAboutBob((answer) => ({
    ...answer,
    hash: b64u(manifestHash(mallory.signed.body)),
    manifests: [b64u(mallory.signed.bytes)],
  }));
  await story.assertRefused(/another account/);
});

lies('a list that was changed since is not believed when it goes back', async (story) => {
  await story.register();
  const ghost = ghostOf(story.bob);
  await story.bob.change({ add: [ghost] });
  await story.send();
  await story.bob.change({ remove: [2] });
  await story.send();
  story.lieAboutBob((answer) => ({ ...answer, epoch: 1, manifests: [] }));
  await story.assertRefused(/older device list/);
});

lies('a fork of a list that was seen is not believed though it is well signed', async (story) => {
  await story.register();
  const [one, other] = [ghostOf(story.bob), ghostOf(story.bob)];
  const fork = story.bob.next({ add: [other] });
  await story.bob.change({ add: [one] });
  await story.send();
  story.lieAboutBob((answer) => ({
    ...answer, epoch: 1, hash: b64u(manifestHash(fork.body)), manifests: [],
  }));
  await story.assertRefused(/another device list/);
});

lies('a head that is withheld is noticed by its hash', async (story) => {
  await story.register();
  await story.bob.change({ add: [ghostOf(story.bob)] });
  story.lieAboutBob((answer) => ({ ...answer, manifests: answer.manifests.slice(0, 1) }));
  await story.assertRefused(/do NOT trust/);
});

lies('nothing is signed for a relay that names another base URL', async (story) => {
  story.liar.lie('/v1/server', (answer) => ({ ...answer, base_url: 'https://relay.example' }));
  const { code, stderr } = await story.run('register', '--url', story.relay.baseUrl,
    ...trustOptions());
  assert.equal(code, UNVERIFIED, stderr);
  assert.match(stderr, /nothing was signed/);
  assert.deepEqual(story.liar.asked.filter((line) => !line.endsWith('/v1/server')), []);
});

lies('a new epoch of the own account raises an alert that names the device', async (story) => {
  await story.register();
  const { stdout } = await story.do('manifest', 'show', '--json');
  const dir = `${story.dir}-2`;
  const run = (...args) => runToEnd(CTL, ['device', ...args, '--dir', dir], { HOME: dir });
  const made = await run('init', '--url', story.relay.baseUrl, ...trustOptions());
  const path = (name) => join(story.relay.dir, name);
  writeFileSync(path('entry'), (await run('entry')).stdout);
  writeFileSync(path('draft'), (await story.do('manifest', 'add', path('entry'))).stdout);
  writeFileSync(path('signed'), (await run('manifest', 'sign', path('draft'))).stdout);
  await story.do('manifest', 'put', path('signed'));
  const shown = await story.do('manifest', 'show', '--json');
  assert.match(shown.stderr, /ALERT.*epoch, 1/);
  assert.ok(shown.stderr.includes(`added device 2 with key ${made.stdout.trim()}`));
  assert.equal(JSON.parse(stdout).epoch, 0);
  assert.equal(JSON.parse(shown.stdout).epoch, 1);
  assert.ok(!(await story.do('manifest', 'show')).stderr.includes('ALERT'), 'it is told once');
});

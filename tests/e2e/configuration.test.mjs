// SPDX-License-Identifier: Apache-2.0
// The configuration as its operator meets it: the folder beside the file, what a slip of the
// pen hears, and a reload that is taken whole or not at all.
import assert from 'node:assert/strict';
import {
  chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BINARY, CTL, runToEnd } from './support/daemon.mjs';
import { Relay } from './support/relay.mjs';
import { assertProblem, assertStatus, scene } from './support/scene.mjs';
import { selfSigned } from './support/tls.mjs';

const BASE = 'base_url = "https://relay.example"';

function folder(t) {
  const dir = mkdtempSync(join(tmpdir(), 'sealpost-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function write(path, ...lines) {
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 });
  return path;
}

// A file and a folder beside it, and what --check-config or another says of them.
function place(t) {
  const dir = folder(t);
  const path = join(dir, 'sealpost.conf');
  const inFolder = (name) => join(dir, 'conf.d', name);
  mkdirSync(join(dir, 'conf.d'), { mode: 0o755 });
  const ask = (what = '--check-config', ...more) => runToEnd(BINARY, ['--config', path, ...more, what]);
  return { dir, path, inFolder, ask };
}

// The daemon on a file of its own, besides which --set has what tests need.
async function onFile(relay, ...lines) {
  await relay.stop();
  const path = write(join(relay.dir, 'sealpost.conf'), ...lines);
  relay.options = { ...relay.options, args: ['--config', path] };
  await relay.up();
  return path;
}

test('files of conf.d come after the main one, by the bytes of their names, and are told', async (t) => {
  const { path, inFolder, ask } = place(t);
  write(path, BASE, 'name = "Main"', 'drain_time = 3s', 'log_level = debug');
  write(inFolder('10-later.conf'), 'name = "Ten"');
  write(inFolder('9-latest.conf'), '', 'name = "Nine"', 'drain_time = 4s');
  write(inFolder('99-not.conf.dpkg-new'), 'nonsense');
  const { code, stdout, stderr } = await ask('--print-config', '--set', 'head_timeout=7');
  assert.equal(code, 0, stderr);
  assert.ok(stdout.includes(`\nname = "Nine"  # ${inFolder('9-latest.conf')}:2\n`), stdout);
  assert.ok(stdout.includes(`\ndrain_time = 4s  # ${inFolder('9-latest.conf')}:3\n`));
  assert.ok(stdout.includes(`\nlog_level = debug  # ${path}:4\n`));
  assert.match(stdout, /^head_timeout = 7s {2}# --set$/m);
  assert.match(stdout, /^body_timeout = 1m {2}# default$/m);
  const names = [...stdout.matchAll(/^(\w+) = .* {2}# \S+$/gm)].map(([, name]) => name);
  assert.equal(names.length, stdout.trimEnd().split('\n').length, 'each line has an origin');
});

test('what others may write is refused with what to run', async (t) => {
  const { dir, path, inFolder, ask } = place(t);
  write(path, BASE);
  write(inFolder('a.conf'), 'name = "Ours"');
  const refused = async (what, mode, usual) => {
    chmodSync(what, mode);
    const { code, stderr } = await ask();
    assert.equal(code, 78);
    assert.ok(stderr.endsWith(`run: chmod o-w ${what}\n`), stderr);
    chmodSync(what, usual);
  };
  await refused(path, 0o666, 0o640);
  await refused(inFolder('a.conf'), 0o602, 0o640);
  await refused(join(dir, 'conf.d'), 0o777, 0o755);
  assert.equal((await ask()).code, 0);
});

test('files that options name are told with the line that names them', async (t) => {
  const { dir, path, inFolder, ask } = place(t);
  const { cert, key } = selfSigned(join(dir, 'pair'));
  const tls = ['tls_listen = "127.0.0.1:0"', `tls_cert = "${cert}"`];
  write(path, BASE, ...tls);
  write(inFolder('tls.conf'), '# the key', `tls_key = "${dir}/none.pem"`);
  const missing = await ask();
  assert.equal(missing.code, 78);
  assert.equal(missing.stderr, `sealpostd: ${inFolder('tls.conf')}:2: tls_key: ${dir}/none.pem: `
    + 'cannot be read (No such file or directory); check tls_key and the permissions\n');
  write(inFolder('tls.conf'), `tls_key = "${key}"`);
  assert.equal((await ask()).code, 0);
  write(path, BASE, tls[0], `tls_cert = "${key}"`);
  const odd = await ask();
  assert.ok(odd.stderr.startsWith(`sealpostd: ${path}:3: tls_cert: ${key}: holds no certificate`),
    odd.stderr);
});

test('slips in the commands\' own words hear what was meant, and no value is repeated', async () => {
  const cases = [
    [BINARY, ['--chek-config'], /there is no option --chek-config; did you mean --check-config\?/],
    [BINARY, ['--print'], /did you mean --print-config\?/],
    [BINARY, ['--lsiten=hidden'], /--lsiten; did you mean --set listen=VALUE\?/],
    [BINARY, ['--storage', 'hidden'], /did you mean --set storage=VALUE\?/],
    [BINARY, ['--zzz=hidden'], /there is no option --zzz\n/],
    [BINARY, ['-x'], /there is no option -x\n/],
    [BINARY, ['--check-config=hidden'], /--check-config takes no value/],
    [BINARY, ['--check-config', '--set'], /--set wants a value behind it/],
    [BINARY, ['storage=hidden'], /unknown argument storage; options begin with --/],
    [BINARY, Array(65).fill(['--set', 'name=x']).flat(), /more than 64 times --set; write a file/],
    [CTL, ['stats', '--jsno'], /did you mean --json\?/],
    [CTL, ['invite', 'craate'], /did you mean "sealpost invite create"\?/],
  ];
  for (const [binary, args, wanted] of cases) {
    const { code, stderr } = await runToEnd(binary, args);
    assert.equal(code, binary === BINARY ? 64 : 2, `${args}`);
    assert.match(stderr, wanted);
    assert.ok(!stderr.includes('hidden'));
  }
});

scene('a reload logs what was, what is, and what waits for a restart', {}, async (relay) => {
  const path = await onFile(relay, 'name = "Before"', 'mailbox_max_bytes = 1M');
  write(path, 'name = "After \\"us\\""', 'mailbox_max_bytes = 2M', 'max_connections = 500',
    'hsts_max_age = 1d');
  relay.daemon.signal('SIGHUP');
  const name = await relay.daemon.line('config.changed', { option: 'name' });
  assert.deepEqual([name.fields.old, name.fields.new], ['Before', 'After "us"']);
  const bytes = await relay.daemon.line('config.changed', { option: 'mailbox_max_bytes' });
  assert.deepEqual([bytes.fields.old, bytes.fields.new], ['1M', '2M']);
  const most = await relay.daemon.line('config.needs_restart', { option: 'max_connections' });
  assert.deepEqual([most.fields.old, most.fields.new], ['10000', '500']);
  assert.equal(most.fields.level, 'warn');
  const done = await relay.daemon.line('config.reloaded');
  assert.deepEqual([done.fields.changed, done.fields.needs_restart], ['2', '2']);
  relay.daemon.signal('SIGHUP'); // nothing new: what waits is told again, what was taken is not
  const again = await relay.daemon.line('config.reloaded');
  assert.deepEqual([again.fields.changed, again.fields.needs_restart], ['0', '2']);
});

scene('a password is not in what a reload logs', {}, async (relay) => {
  const path = await onFile(relay, '# nothing yet');
  const own = relay.arguments().find((each) => each.startsWith('storage='));
  if (own) {
    return; // the database of these tests is named by --set, which counts more
  }
  for (const word of ['hidden1', 'hidden2']) {
    write(path, `storage = "postgresql://relay:${word}@db.relay.example/x"`);
    relay.daemon.signal('SIGHUP');
    const { fields } = await relay.daemon.line('config.needs_restart', { option: 'storage' });
    assert.equal(fields.new, 'postgresql://relay:***@db.relay.example/x');
    await relay.daemon.line('config.reloaded');
  }
  write(path, 'storage = "postgresql://relay:hidden3@db.relay.example/x');
  relay.daemon.signal('SIGHUP');
  await relay.daemon.line('config.refused');
  assert.ok(!relay.daemon.text.includes('hidden'));
});

scene('a reload with one bad option changes nothing at all', {}, async (relay) => {
  const before = ['name = "Before"', 'mailbox_max_envelopes = 3', 'size_buckets = off',
    'registration = open', 'log_level = info'];
  const path = await onFile(relay, ...before);
  const conf = join(relay.dir, 'conf.d');
  mkdirSync(conf, { mode: 0o755 });
  const shown = async () => (await relay.call('GET', '/v1/server')).json;
  const was = await shown();
  const fresh = ['name = "After"', 'mailbox_max_envelopes = 30', 'size_buckets = enforce',
    'log_level = error', 'max_connections = 500'];
  write(path, ...fresh);
  for (const [bad, wanted] of [
    ['rate_device = plenty', /:2: rate_device must be a number from/],
    ['idle_device_close_days = 1', /:2: idle_device_close_days is 1 days, but/],
    ['handles_per_acount = 4', /:2: there is no option handles_per_acount; did you mean handles_per_account\?/],
    ['cors_origins = "app"', /:2: cors_origins = "app": it must begin/],
  ]) {
    write(join(conf, 'bad.conf'), '# mine', bad);
    relay.daemon.signal('SIGHUP');
    const { fields } = await relay.daemon.line('config.refused');
    assert.ok(fields.reason.startsWith(join(conf, 'bad.conf')), fields.reason);
    assert.match(fields.reason, wanted);
    assert.equal(fields.effect, 'the old configuration stays');
    assert.deepEqual(await shown(), was);
  }
  assert.ok(!relay.daemon.text.includes('config.changed'));
  assert.ok(!relay.daemon.text.includes('config.needs_restart'));
  assert.ok(!relay.daemon.text.includes('config.reloaded'));
  const { a, b } = await relay.pair();
  for (let i = 0; i < 3; i++) {
    assertStatus(await a.send([b]), 201);
  }
  assertProblem(await a.send([b]), 507, 'mailbox_full');
  write(join(conf, 'bad.conf'), 'log_level = info'); // and once it is good, it is taken
  relay.daemon.signal('SIGHUP');
  await relay.daemon.line('config.reloaded');
  assert.equal((await shown()).name, 'After');
});

test('a reload that names a pair which cannot be served changes nothing', async (t) => {
  const dir = folder(t);
  const one = selfSigned(join(dir, 'one'), 'one.example');
  const two = selfSigned(join(dir, 'two'), 'two.example');
  const path = join(dir, 'sealpost.conf');
  const lines = (pair, name) => write(path, `name = "${name}"`, `tls_cert = "${pair.cert}"`, `tls_key = "${pair.key}"`);
  lines(one, 'Before');
  const relay = new Relay({ args: ['--config', path] });
  t.after(() => relay.dispose());
  relay.listeners = () => ({ listen: '127.0.0.1:0', tls_listen: '127.0.0.1:0' });
  await relay.up();
  const name = async () => (await relay.call('GET', '/v1/server')).json.name;
  for (const [pair, wanted] of [
    [{ cert: one.cert, key: two.key }, /sealpost\.conf:3: tls_key: .*does not belong to the cert/],
    [{ cert: join(dir, 'none.pem'), key: two.key }, /sealpost\.conf:2: tls_cert: .*none\.pem: cannot be read/],
    [{ cert: '', key: '' }, /sealpost\.conf:2: tls_cert = "": tls_listen needs a certificate/],
  ]) {
    lines(pair, 'After');
    relay.daemon.signal('SIGHUP');
    const { fields } = await relay.daemon.line('config.refused');
    assert.match(fields.reason, wanted);
    assert.equal(await name(), 'Before');
  }
  assert.ok(!relay.daemon.text.includes('tls.refused'));
  assert.ok(!relay.daemon.text.includes('config.changed'));
  lines(two, 'After');
  relay.daemon.signal('SIGHUP');
  await relay.daemon.line('tls.reloaded');
  await relay.daemon.line('config.reloaded');
  assert.equal(await name(), 'After');
});

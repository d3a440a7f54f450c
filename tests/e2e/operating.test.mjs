// SPDX-License-Identifier: Apache-2.0
// The daemon as its operator meets it.
import assert from 'node:assert/strict';
import {
  existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BINARY, runToEnd } from './support/daemon.mjs';
import { call } from './support/http.mjs';
import { assertProblem, assertStatus, scene, suite } from './support/scene.mjs';

const BASE = ['--set', 'base_url=https://relay.example'];

function folder(t) {
  const dir = mkdtempSync(join(tmpdir(), 'sealpost-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test('--check-config writes nothing', async (t) => {
  const dir = folder(t);
  const at = (name) => join(dir, name);
  const sets = [`data_dir=${at('data')}`, `key_dir=${at('keys')}`, `admin_socket=${at('a.sock')}`];
  mkdirSync(at('data'), { mode: 0o700 });
  const args = [...BASE, ...sets.flatMap((each) => ['--set', each]), '--check-config'];
  const { code, stderr } = await runToEnd(BINARY, args);
  assert.equal(code, 0, stderr);
  assert.deepEqual(readdirSync(dir), ['data']);
  assert.deepEqual(readdirSync(at('data')), []);
});

test('--check-config says how much memory the configuration allows', async () => {
  const allows = async (...sets) => {
    const args = [...BASE, ...sets.flatMap((each) => ['--set', each]), '--check-config'];
    const { code, stdout, stderr } = await runToEnd(BINARY, args);
    assert.equal(code, 0, stderr);
    const [, total, parts] = /^memory at most (\d+) MiB: (.*)\n$/.exec(stdout);
    const sum = parts.split(', ').reduce((all, part) => all + Number(/ (\d+)$/.exec(part)[1]), 0);
    assert.ok(Math.abs(sum - Number(total)) <= 12, 'each part is rounded up');
    return Number(total);
  };
  const usual = await allows();
  assert.ok(usual < 1100, `${usual} MiB by default`);
  const queued = await allows('store_queue_bytes=1G');
  assert.ok(queued >= usual + 2 * 992, 'twice what the queue grew by, at least');
  assert.ok(await allows('output_total_max=1G') > usual + 959);
  assert.ok(await allows('max_connections=100000') > usual);
});

test('a place to listen past a pooler is checked, and its password is not shown', async () => {
  const check = (...sets) => runToEnd(BINARY, [...BASE, ...sets.flatMap((each) => ['--set', each]), '--check-config']);
  const url = 'postgresql://a:hidden@db.relay.example/sealpost';
  const useless = await check(`postgres_listen_url=${url}`);
  assert.equal(useless.code, 78);
  assert.match(useless.stderr, /postgres_listen_url .*there is nothing to hear/);
  assert.ok(!useless.stderr.includes('hidden'));
  const odd = await check(`storage=${url}`, 'postgres_listen_url=sqlite:');
  assert.match(odd.stderr, /postgres_listen_url .*write postgresql:/);
  assert.equal((await check(`storage=${url}`, `postgres_listen_url=${url}`)).code, 0);
  const shown = await runToEnd(BINARY, [...BASE, '--set', `storage=${url}`, '--set', `postgres_listen_url=${url}`, '--print-config']);
  assert.ok(!shown.stdout.includes('hidden'));
});

test('a mistake is named with file, line and the nearest option', async (t) => {
  const path = join(folder(t), 'sealpost.conf');
  writeFileSync(path, '# mine\nbase_url = "https://relay.example"\nregistraton = open\n');
  const { code, stderr } = await runToEnd(BINARY, ['--config', path, '--check-config']);
  assert.notEqual(code, 0);
  assert.match(stderr, /sealpost\.conf:3/);
  assert.match(stderr, /registraton.*registration/);
});

test('mistakes of --set and of the environment are named', async () => {
  const cases = [
    [['--set', 'namee=x'], {}, /namee.*name/], [['--set', 'head_timeout=0'], {}, /head_timeout/],
    [['--set', 'registration=maybe'], {}, /registration.*open/],
    [[], { SEALPOST_LOG_LEVEL: 'loud' }, /SEALPOST_LOG_LEVEL/],
    [['--set', 'base_url=https://Relay.example/'], {}, /base_url/],
    [['--set', 'listen=127.0.0.1:99999'], {}, /listen/],
  ];
  for (const [args, environment, wanted] of cases) {
    const all = [...BASE, ...args, '--check-config'];
    const { code, stderr } = await runToEnd(BINARY, all, environment);
    assert.notEqual(code, 0, `${args}`);
    assert.match(stderr, wanted);
  }
});

test('a configuration without a base URL is refused', async () => {
  const { code, stderr } = await runToEnd(BINARY, ['--check-config']);
  assert.notEqual(code, 0);
  assert.match(stderr, /base_url/);
});

test('--print-config tells every value and where it comes from', async (t) => {
  const dir = folder(t);
  const path = join(dir, 'sealpost.conf');
  writeFileSync(path, 'base_url = "https://relay.example"\nname = "Ours"\n');
  writeFileSync(join(dir, 'secret'), 'open\n');
  const { code, stdout } = await runToEnd(
    BINARY, ['--config', path, '--set', 'drain_time=3s', '--print-config'],
    { SEALPOST_LOG_LEVEL: 'debug', SEALPOST_REGISTRATION_FILE: join(dir, 'secret') },
  );
  assert.equal(code, 0);
  assert.match(stdout, /^name = "?Ours"?\s+# .*sealpost\.conf/m);
  assert.match(stdout, /^drain_time = "?3s?"?\s+# .*--set/m);
  assert.match(stdout, /^log_level = "?debug"?\s+# .*SEALPOST_LOG_LEVEL/m);
  assert.match(stdout, /^registration = "?open"?\s+# .*SEALPOST_REGISTRATION_FILE/m);
  assert.match(stdout, /^dedup_max = "?1000000"?\s+# .*default/m);
  const printed = join(dir, 'printed.conf');
  writeFileSync(printed, stdout);
  const again = await runToEnd(BINARY, ['--config', printed, '--check-config']);
  assert.equal(again.code, 0, again.stderr);
});

test('the printed default file is a configuration once it has a base URL', async (t) => {
  const { stdout } = await runToEnd(BINARY, ['--print-default-config']);
  const path = join(folder(t), 'sealpost.conf');
  writeFileSync(path, stdout);
  const { code, stderr } = await runToEnd(BINARY, ['--config', path, ...BASE, '--check-config']);
  assert.equal(code, 0, stderr);
});

test('--help and --version say so and end well', async () => {
  const help = await runToEnd(BINARY, ['--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /--check-config/);
  assert.match((await runToEnd(BINARY, ['--version'])).stdout, /^sealpostd \d+\.\d+\.\d+\n$/);
  assert.notEqual((await runToEnd(BINARY, ['--nonsense'])).code, 0);
});

suite('the operator\'s listener', {}, (it) => {
  it('tells health, readiness and metrics', async (relay) => {
    assertStatus(await relay.ops('/healthz'), 200);
    assertStatus(await relay.ops('/readyz'), 200);
    const metrics = await relay.ops('/metrics');
    assertStatus(metrics, 200);
    assert.match(metrics.headers['content-type'], /^text\/plain; version=0\.0\.4/);
    assert.doesNotMatch(metrics.body.toString(), /# EOF/);
  });

  it('speaks OpenMetrics to whoever accepts it', async (relay) => {
    const accept = 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5';
    const metrics = await relay.ops('/metrics', { headers: { accept } });
    assertStatus(metrics, 200);
    assert.match(metrics.headers['content-type'], /^application\/openmetrics-text; version=1/);
    assert.match(metrics.body.toString(), /# EOF\n$/);
  });

  it('counts what happens', async (relay) => {
    const before = await relay.metric('envelopes_accepted_total');
    const { a, b } = await relay.pair();
    assertStatus(await a.send([b]), 201);
    assert.equal(await relay.metric('envelopes_accepted_total'), before + 1);
    const stream = await b.open({ autoAck: true });
    await stream.caughtUp();
    await stream.barrier();
    assert.equal(await relay.metric('streams_open'), 1);
    assert.ok(await relay.metric('envelopes_acknowledged_total') >= 1);
  });

  it('has no label and no word about people', async (relay) => {
    const { a, b, alice } = await relay.pair();
    assertStatus(await a.send([b]), 201);
    const text = (await relay.ops('/metrics')).body.toString();
    for (const secret of [a.pubText, alice.idText, a.token]) {
      assert.ok(!text.includes(secret));
    }
    const labels = [...text.matchAll(/\{(\w+)=/g)].map(([, name]) => name);
    assert.deepEqual([...new Set(labels)].filter((name) => name !== 'le'), []);
  });

  it('serves nothing else', async (relay) => {
    for (const path of ['/v1/server', '/admin/stats', '/']) {
      const answer = await relay.ops(path, { unchecked: true });
      assertProblem(answer, 404, 'not_found');
    }
  });
});

suite('the administrator\'s socket', { set: { registration: 'invite' } }, (it) => {
  it('is for its owner alone', async (relay) => {
    assert.equal(statSync(relay.adminSocket).mode & 0o777, 0o600);
  });

  it('lists and takes back invites', async (relay) => {
    const invite = await relay.invite({ note: 'für Grace' });
    const { json } = await relay.admin('GET', '/admin/invites');
    const mine = json.invites.find(({ note }) => note === 'für Grace');
    assert.deepEqual([mine.uses_left, mine.uses], [1, 1]);
    assert.ok(!JSON.stringify(json).includes(invite), 'the secret is not shown again');
    assertStatus(await relay.admin('DELETE', `/admin/invites/${mine.id}`), 204);
    assertStatus(await relay.admin('DELETE', `/admin/invites/${mine.id}`), 404);
    await assert.rejects(relay.account({ invite }), /invite_invalid/);
  });

  it('lists, shows and erases accounts', async (relay) => {
    const account = await relay.account({ invite: await relay.invite() });
    const { json } = await relay.admin('GET', '/admin/accounts?limit=1000');
    const listed = json.accounts.find(({ account_id: id }) => id === account.idText);
    const shown = await relay.admin('GET', `/admin/accounts/${account.idText}`);
    assert.deepEqual([listed.created_day, listed.seen_day],
      [shown.json.created_day, shown.json.seen_day]);
    assert.equal(shown.json.devices.length, 1);
    assertStatus(await relay.admin('DELETE', `/admin/accounts/${account.idText}`), 204);
    assertStatus(await relay.admin('GET', `/admin/accounts/${account.idText}`), 404);
    assertProblem(await account.first.call('GET', '/v1/mailbox'), 401, 'session_invalid');
  });

  it('tells queues and counts', async (relay) => {
    const account = await relay.account({ invite: await relay.invite() });
    assertStatus(await account.first.send([account.first]), 201);
    const { json } = await relay.admin('GET', `/admin/queues?account=${account.idText}`);
    assert.deepEqual(json.queues.map(({ envelopes, stream }) => [envelopes, stream]), [[1, false]]);
    const stats = (await relay.admin('GET', '/admin/stats')).json;
    assert.ok(stats.accounts >= 1 && stats.envelopes >= 1 && stats.sessions >= 1);
  });
});

scene('a socket file left by a crash is no obstacle, and none is left by a stop', {},
  async (relay) => {
    await relay.kill();
    assert.ok(existsSync(relay.adminSocket));
    await relay.up();
    assertStatus(await relay.admin('GET', '/admin/stats'), 200);
    await relay.stop();
    assert.ok(!existsSync(relay.adminSocket));
  });

scene('clients may come by a unix socket', {}, async (relay) => {
  await relay.stop();
  const socketPath = join(relay.dir, 'clients.sock');
  relay.options = { set: { listen: `unix:${socketPath}` } };
  await relay.up();
  assertStatus(await call({ socketPath }, 'GET', '/v1/server'), 200);
});

async function withFile(relay, lines) {
  writeFileSync(join(relay.dir, 'sealpost.conf'), `${lines.join('\n')}\n`);
}

scene('SIGHUP applies what can be applied, and tells the rest', {}, async (relay) => {
  await relay.stop();
  const path = join(relay.dir, 'sealpost.conf');
  const base = [`name = "Before"`];
  await withFile(relay, base);
  relay.options = { args: ['--config', path] };
  await relay.up();
  assert.equal((await relay.call('GET', '/v1/server')).json.name, 'Before');
  await withFile(relay, ['name = "After"', 'max_connections = 500', 'mailbox_max_envelopes = 3']);
  relay.daemon.signal('SIGHUP');
  await relay.daemon.line('config.changed', { option: 'name' });
  await relay.daemon.line('config.needs_restart', { option: 'max_connections' });
  await relay.daemon.line('config.reloaded');
  const { json } = await relay.call('GET', '/v1/server');
  assert.deepEqual([json.name, json.limits.mailbox_envelopes], ['After', 3]);
  const { a, b } = await relay.pair();
  for (let i = 0; i < 3; i++) {
    assertStatus(await a.send([b]), 201);
  }
  assertProblem(await a.send([b]), 507, 'mailbox_full');
});

scene('a bad file leaves the old configuration', {}, async (relay) => {
  await relay.stop();
  await withFile(relay, ['name = "Before"']);
  relay.options = { args: ['--config', join(relay.dir, 'sealpost.conf')] };
  await relay.up();
  await withFile(relay, ['name = "After"', 'mailbox_max_envelopes = plenty']);
  relay.daemon.signal('SIGHUP');
  const line = await relay.daemon.line('config.refused');
  assert.match(line.fields.reason, /sealpost\.conf:2/);
  assert.equal((await relay.call('GET', '/v1/server')).json.name, 'Before');
});

scene('no more connections than allowed are taken, and the rest wait or are closed',
  { set: { max_connections: '10' } }, async (relay) => {
    const { first } = await relay.account();
    const stream = await first.open();
    await stream.caughtUp();
    const { Raw } = await import('./support/raw.mjs');
    const idle = await Promise.all(Array.from({ length: 9 }, () => Raw.open(relay.port)));
    const extra = await Raw.open(relay.port);
    await extra.toEnd();
    await stream.barrier();
    idle.forEach((each) => each.destroy());
    assertStatus(await relay.ops('/healthz'), 200);
  });

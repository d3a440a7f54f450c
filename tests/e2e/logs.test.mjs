// SPDX-License-Identifier: Apache-2.0
// Canaries: what must never be in the log, the metrics or, plain, in the database.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Authenticator, ORIGIN } from './support/authenticator.mjs';
import {
  b64u, ciphertext, envelopeId, fromB64u,
} from './support/bytes.mjs';
import { Daemon } from './support/daemon.mjs';
import { grantByPassword, setPassword } from './support/passwords.mjs';
import { assertProblem, assertStatus, scene } from './support/scene.mjs';
import { OP } from './support/signing.mjs';
import {
  appCode, confirm, enrol, enrolApp, grantOf,
} from './support/txns.mjs';

// Every form in which bytes could be written down.
const forms = (bytes) => [
  bytes.toString('hex'), bytes.toString('hex').toUpperCase(), b64u(bytes),
  bytes.toString('base64'), bytes.toString('latin1'),
];

// The bytes that letters of an alphabet of 32 stand for.
const of32 = (alphabet, text) => Buffer.from([...text]
  .map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('')
  .match(/.{8}/g).map((bits) => parseInt(bits, 2)));

// A security key, registered by a step-up of the password.
async function showKey(device) {
  const key = new Authenticator();
  const grant = await grantByPassword(device, 'stepup', 'canary of a password');
  const { json: { factor_id: id, public_key: options } } = await enrol(device, { kind: 'webauthn', grant });
  const { clientData, authData } = key.create(fromB64u(options.challenge));
  const response = { clientDataJSON: b64u(clientData), authenticatorData: b64u(authData) };
  assertStatus(await confirm(device, { factor_id: id, credential: { id: b64u(key.id), response } }), 204);
  return key;
}

// Second factors of a device, each used: what a person knows, and the bytes of it.
async function showFactors(device) {
  const app = await enrolApp(device);
  const grant = await grantOf(device, 'stepup', 'totp', appCode(app.secret, device.relay, 1));
  const { json: { codes } } = await enrol(device, { kind: 'recovery_code', grant });
  const last = await grantOf(device, 'link', 'recovery_code', codes[0]);
  const stepup = await grantOf(device, 'stepup', 'recovery_code', codes[1]);
  const { record, exportKey } = await setPassword(device, 'canary of a password', { grant: stepup });
  const key = await showKey(device);
  const plain = codes.map((code) => code.replaceAll('-', ''));
  return [
    app.secret, of32('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', app.secret),
    ...codes, ...plain, ...plain.map((code) => of32('0123456789ABCDEFGHJKMNPQRSTVWXYZ', code)),
    ...[grant, last, record, exportKey].flatMap((each) => [each, Buffer.from(each, 'base64url')]),
    'canary of a password', key.id, key.key,
  ];
}

async function live(relay) {
  const invite = await relay.invite({ note: 'canary-note' });
  const alice = await relay.account({ invite });
  const bob = await relay.account({ invite: await relay.invite() });
  const [a, b] = [alice.first, bob.first];
  const body = ciphertext(120);
  const id = envelopeId();
  assertStatus(await a.send([b], { id, body }), 201);
  const stream = await b.open();
  const mail = await stream.deliver();
  assertStatus(await a.send([b], { body: ciphertext(98_305) }), 413);
  assertProblem(await a.call('GET', `/v1/accounts/${bob.idText}?since=x`), 400, 'malformed');
  assertProblem(await relay.call('GET', '/v1/mailbox', { token: `${a.token}x` }), 401,
    'session_invalid');
  const wrong = await a.session(await a.challenge(), { audience: 'http://canary.example' });
  assertProblem(wrong, 401, 'auth_failed');
  await relay.call('GET', `/v1/none/${a.token}`, { unchecked: true });
  await relay.call('GET', `/v1/server?token=${a.token}`, { unchecked: true });
  await relay.call('GET', '/v1/server', { headers: { 'x-canary': a.token } });
  const command = await a.command(OP.sessionsRevoke, 'POST', '/v1/sessions/revoke', {});
  assertStatus(command, 200);
  const factors = await showFactors(a);
  const malformed = await relay.call('POST', '/v1/auth/challenge', {
    json: { [a.token]: 1 },
  });
  assertProblem(malformed, 400, 'malformed');
  await stream.ack([mail.seq]);
  await stream.close();
  return { invite, alice, bob, a, b, body, id, factors };
}

scene('the log at its most talkative names nobody and holds no secret',
  { set: { log_level: 'debug', registration: 'invite', webauthn_origins: ORIGIN } }, async (relay) => {
    const { invite, alice, bob, a, b, body, id, factors } = await live(relay);
    await relay.stop();
    const log = relay.daemon.text;
    assert.ok(relay.daemon.lines.length > 20, 'it did talk');
    const canaries = {
      'a token': [a.token.slice(4), b.token.slice(4)],
      'an invite': [invite.slice(5)],
      'a body': forms(body).map((each) => each.slice(0, 40)),
      'an account': [...forms(alice.id), ...forms(bob.id)],
      'a device key': [...forms(a.pub), ...forms(b.pub)],
      'an envelope id': forms(id),
      'a factor or a grant': factors.flatMap((each) => (Buffer.isBuffer(each) ? forms(each) : each)),
      'an address': ['127.0.0.1:', '"127.0.0.1"', 'peer=127.0.0.1'],
    };
    for (const [what, texts] of Object.entries(canaries)) {
      texts.forEach((text) => assert.ok(!log.includes(text), `${what} is in the log: ${text}`));
    }
  });

test('the log as JSON has one object a line, with the same members', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'sealpost-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const sets = ['base_url=https://relay.example', `data_dir=${dir}`, 'log_format=json',
    `admin_socket=${join(dir, 'a.sock')}`, 'listen=127.0.0.1:0', 'ops_listen=', 'ballast_bytes=0'];
  const daemon = new Daemon(sets.flatMap((each) => ['--set', each]));
  await daemon.log.take(({ raw }) => JSON.parse(raw).event === 'ready', 'the line of readiness');
  await daemon.stop();
  const lines = daemon.lines.map(({ raw }) => JSON.parse(raw));
  assert.ok(lines.some(({ event, name, port }) => event === 'listen' && name === 'clients'
    && Number(port) > 0));
  lines.forEach((line) => assert.ok(line.event && line.level && line.ts, JSON.stringify(line)));
});

scene('the database holds no token, invite, factor or address, and no body that was acknowledged',
  { set: { registration: 'invite', storage: 'sqlite:', webauthn_origins: ORIGIN } }, async (relay) => {
    const { invite, a, b, body, factors } = await live(relay);
    await relay.stop();
    const files = readdirSync(relay.dataDir).map((name) => join(relay.dataDir, name));
    const all = Buffer.concat(files.map((path) => readFileSync(path)));
    assert.ok(all.includes(a.pub), 'the search would find something');
    const secrets = [
      a.token, b.token, Buffer.from(a.token.slice(4), 'base64url'), invite,
      Buffer.from(invite.slice(5), 'base64url'), '127.0.0.1', body,
      ...factors,
    ];
    secrets.forEach((secret, i) => assert.ok(!all.includes(secret), `secret ${i} is on disk`));
  });

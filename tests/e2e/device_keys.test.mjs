// SPDX-License-Identifier: Apache-2.0
// The reference device and the directory of keys: what it publishes libsignal uses, what it claims
// it verifies, whatever the relay says.
import assert from 'node:assert/strict';
import {
  createHash, createPrivateKey, createPublicKey, randomBytes, randomUUID,
} from 'node:crypto';
import {
  existsSync, readFileSync, rmSync, statSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Account } from './support/account.mjs';
import { b64u, fromB64u } from './support/bytes.mjs';
import { Liar } from './support/liar.mjs';
import { libsignal } from './support/libsignal.mjs';
import { manifestHash, parseManifest } from './support/manifest.mjs';
import {
  EC, KYBER, LAST, SIGNED, SignalKeys, numbered, oneTimeEc,
} from './support/prekeys.mjs';
import { Program } from './support/program.mjs';
import { Relay } from './support/relay.mjs';
import { assertStatus, ok } from './support/scene.mjs';
import { SignalPeer, person } from './support/signal_peer.mjs';
import { Identities } from './support/signal_stores.mjs';
import { urlOf } from './support/tls.mjs';

const {
  IdentityKeyPair, KEMKeyPair, KyberPreKeyRecord, PreKeyRecord, PrivateKey, PublicKey, SignedPreKeyRecord,
} = libsignal;

const TIMEOUT_MS = 180_000;
const [REFUSED, USAGE, NETWORK, UNVERIFIED, LOCAL] = [1, 2, 3, 4, 5];
const DAY_AGO = Date.now() - 86_400_000;
const X25519_PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');

// A relay behind a liar, who is honest at first, and one program that is registered there.
async function begin(t) {
  const liar = await Liar.open();
  t.after(() => liar.close());
  const relay = await Relay.start(t, { set: { base_url: urlOf(liar.port) } });
  liar.target = relay.port;
  const program = new Program(relay, 'program');
  await program.register();
  return { liar, relay, program };
}

const keys = (name, body) => test(name, { timeout: TIMEOUT_MS }, async (t) => body(await begin(t), t));

// A key as the directory takes it: nobody looks into Kyber keys but whoever uses them.
const kyber = (id) => ({ id, key: b64u(Buffer.concat([Buffer.from([8]), randomBytes(1568)])) });
const kyberFile = (program, slots) => program.file('kyber.json', JSON.stringify(slots));

const held = (stock, slot) => stock.slots[slot].count;
const headOf = async (asker, accountText) => {
  const page = ok(await asker.call('GET', `/v1/accounts/${accountText}`));
  return parseManifest(fromB64u(page.manifests.at(-1)));
};
const identityOf = (manifest) => manifest.devices[0].keys.find(({ type }) => type === 1).bytes;

// The private key of X25519 that goes with an Ed25519 seed (RFC 8032 section 5.1.5).
function agreementKey(seed) {
  const scalar = createHash('sha512').update(seed).digest().subarray(0, 32);
  scalar[0] &= 248;
  scalar[31] = (scalar[31] & 127) | 64;
  return scalar;
}

// What the program's folder says it is, for libsignal; kyber: pairs and signatures by slot.
function peerOf(program, pairs, signatureOf) {
  const state = program.kept('device.json');
  const { registration_id: registration, slots } = program.kept('prekeys.json');
  const secret = PrivateKey.deserialize(agreementKey(fromB64u(state.identity_seed)));
  const identity = new IdentityKeyPair(secret.getPublicKey(), secret);
  const peer = new SignalPeer({ id: 1 }, randomUUID(), { identity });
  peer.identities = new Identities(identity, registration);
  for (const { id, key, secret: each } of slots[EC]) {
    peer.preKeys.savePreKey(id, PreKeyRecord.new(id, PublicKey.deserialize(fromB64u(key)),
      PrivateKey.deserialize(fromB64u(each))));
  }
  for (const { id, key, secret: each } of slots[SIGNED]) {
    peer.signedPreKeys.saveSignedPreKey(id, SignedPreKeyRecord.new(id, DAY_AGO,
      PublicKey.deserialize(fromB64u(key)), PrivateKey.deserialize(fromB64u(each)), signatureOf(SIGNED, id)));
  }
  for (const [id, pair] of pairs) {
    peer.kyberPreKeys.saveKyberPreKey(id, KyberPreKeyRecord.new(id, DAY_AGO, pair, signatureOf(KYBER, id)));
  }
  return peer;
}

keys('libsignal begins a session with what the program published', async ({ relay, program }) => {
  const pairs = [KEMKeyPair.generate(), KEMKeyPair.generate()];
  const publicKey = (pair) => b64u(pair.getPublicKey().serialize());
  const file = kyberFile(program, {
    [KYBER]: [{ id: 7, key: publicKey(pairs[0]) }], [LAST]: [{ id: 8, key: publicKey(pairs[1]) }],
  });
  const stock = await program.json('publish', [], ['--kyber', file, '--count', '3']);
  assert.deepEqual([SIGNED, EC, KYBER, LAST].map((slot) => held(stock, slot)), [1, 3, 1, 1]);

  const { peers: [ada] } = await person(relay, 1);
  const head = await headOf(ada.device, program.accountText);
  const signal = { identity: { publicKey: PublicKey.deserialize(identityOf(head)) } };
  const account = { idText: program.accountText };
  for (const [round, kyberId] of [7, 8].entries()) { // with a key for single use, and with the last resort
    const [bundle] = await ada.claimOf({ account });
    assert.equal(bundle.keys[KYBER].id, kyberId);
    const signatureOf = (slot, id) => {
      assert.equal(bundle.keys[slot].id, id);
      return fromB64u(bundle.keys[slot].signature);
    };
    const bob = peerOf(program, [[kyberId, pairs[round]]], signatureOf);
    assert.equal(bundle.registration_id, program.kept('prekeys.json').registration_id);
    await ada.begin({ uuid: bob.uuid, signal }, bundle);
    assert.equal(await bob.decrypt(await ada.encrypt(bob, 'to a terminal')), 'to a terminal');
    assert.equal(await ada.decrypt(await bob.encrypt(ada, 'and back')), 'and back');
  }
});

keys('secrets are in the folder, for its owner alone, before the relay hears of a key', async ({ liar, program }) => {
  const path = join(program.dir, 'prekeys.json');
  let seen = null;
  liar.asking = (method, where) => {
    if (`${method} ${where}` === 'PUT /v1/keys') {
      seen = { ...program.kept('prekeys.json'), mode: statSync(path).mode & 0o777 };
    }
  };
  await program.run('publish', [], ['--count', '5']);
  assert.equal(seen.mode, 0o600);
  assert.deepEqual([seen.slots[SIGNED].length, seen.slots[EC].length], [1, 5]);
  for (const { key, secret, pending } of [...seen.slots[SIGNED], ...seen.slots[EC]]) {
    const pair = createPrivateKey({
      key: Buffer.concat([X25519_PKCS8, fromB64u(secret)]), format: 'der', type: 'pkcs8',
    });
    const spki = createPublicKey(pair).export({ format: 'der', type: 'spki' });
    assert.equal(key, b64u(Buffer.concat([Buffer.from([5]), spki.subarray(-32)])));
    assert.equal(pending, true);
  }
  const after = program.kept('prekeys.json').slots;
  assert.ok([...after[SIGNED], ...after[EC]].every(({ pending }) => pending === undefined));
});

const failure = {
  type: 'urn:sealpost:problem:internal', title: 'Internal error', status: 500, detail: 'The relay failed.',
};
const lost = { 'when the answer is lost': [() => null], 'when the relay fails after it has stored them': [() => failure, 500] };

Object.entries(lost).forEach(([when, [change, status]]) => keys(`${when} the same keys are sent again`, async ({ liar, program }) => {
  liar.lie('/v1/keys', change, 'PUT', status);
  const first = await program.try('publish', [], ['--count', '4']);
  assert.equal(first.code, NETWORK, first.stderr);
  assert.match(first.stderr, /the same command sends them again/);
  const before = program.kept('prekeys.json').slots;
  const unanswered = await program.json('keys');
  assert.deepEqual([unanswered.matches, unanswered.pending], [true, true], 'the relay has them');
  assert.match(await program.run('keys'), /an upload had no answer; the same/);
  liar.honest();
  const stock = await program.json('publish', [], ['--count', '4']);
  assert.deepEqual([held(stock, EC), held(stock, SIGNED)], [4, 1]);
  const after = program.kept('prekeys.json').slots;
  for (const slot of [EC, SIGNED]) {
    assert.deepEqual(after[slot].map(({ id }) => id), before[slot].map(({ id }) => id));
  }
  assert.deepEqual((({ matches, pending }) => [matches, pending])(await program.json('keys')), [true, false]);
}));

keys('a publish fills up what others took, and never uses an id twice', async ({ relay, program }) => {
  await program.run('publish', [], ['--count', '10']);
  const { first: stranger } = await relay.account();
  for (let i = 0; i < 3; i++) {
    ok(await stranger.claim({ idText: program.accountText }, [EC]));
  }
  const stock = await program.json('publish', [], ['--count', '10']);
  assert.equal(held(stock, EC), 10);
  const { slots } = program.kept('prekeys.json');
  const ids = [...slots[EC], ...slots[SIGNED]].map(({ id }) => id);
  assert.equal(new Set(ids).size, 10 + 3 + 2);
  assert.match(await program.run('publish'), /^signal\.one-time-ec +100 keys$/m);
});

keys('the program knows its keys at the relay from others', async ({ relay, program }) => {
  const matches = async () => (await program.json('keys')).matches;
  assert.match(await program.run('keys'), /no keys of this device/);
  await program.run('publish', [], ['--count', '5', '--kyber', kyberFile(program, {
    [KYBER]: numbered(3, kyber, 40).reverse(), [LAST]: [kyber(1)],
  })]);
  assert.equal(await matches(), true);
  const { first: stranger } = await relay.account();
  ok(await stranger.claim({ idText: program.accountText }, [EC, KYBER, SIGNED]));
  assert.equal(await matches(), true, 'the oldest have gone');
  assert.match(await program.run('keys'), /these are the keys that this device put there/);

  const copy = new Program(relay, 'copy'); // as from a backup
  ['device.json', 'prekeys.json'].forEach((name) => copy.file(name, readFileSync(join(program.dir, name))));
  await copy.run('publish', [], ['--count', '20']);
  assert.equal(await matches(), false);
  const shown = await program.run('keys');
  assert.match(shown, /NOT the newest keys .* That is normal when somebody claimed one just now/);
  await program.run('publish', [], ['--count', '6', '--replace']);
  assert.equal(await matches(), true);
  const stock = await program.json('keys');
  assert.deepEqual([held(stock, EC), held(stock, KYBER)], [6, 2]);
});

keys('keys of a file are sent again when they are replaced by themselves', async ({ relay, program }) => {
  const three = numbered(3, kyber, 5);
  const file = kyberFile(program, { [KYBER]: three });
  await program.run('publish', [], ['--kyber', file]);
  assert.equal(held(await program.json('publish', [], ['--kyber', file]), KYBER), 3, 'they are there');
  const other = program.file('two.json', JSON.stringify({ [KYBER]: [three[2], three[0]] }));
  await program.run('publish', [], ['--kyber', other, '--replace']);
  const { first: stranger } = await relay.account();
  ok(await stranger.claim({ idText: program.accountText }, [KYBER]));
  const stock = await program.json('keys');
  assert.deepEqual([held(stock, KYBER), stock.matches], [1, true]);
});

keys('what the relay refuses is forgotten, and why is said', async ({ program }) => {
  for (const from of [1, 101]) {
    const file = kyberFile(program, { [KYBER]: numbered(100, kyber, from) });
    await program.run('publish', [], ['--kyber', file]);
  }
  const before = program.kept('prekeys.json');
  const file = kyberFile(program, { [KYBER]: numbered(100, kyber, 201) });
  const { code, stderr } = await program.try('publish', [], ['--kyber', file]);
  assert.equal(code, REFUSED);
  assert.match(stderr, /409 keys_full, signal\.one-time-kyber/);
  assert.deepEqual(program.kept('prekeys.json'), before);
  assert.equal((await program.json('keys')).matches, true);
});

const badFiles = {
  'no JSON': ['{', /no JSON object with lists/],
  'another slot': [{ [EC]: [] }, /no JSON object with lists/],
  'a number for a list': [{ [KYBER]: 5 }, /no JSON object with lists/],
  'a key that is short': [{ [KYBER]: [{ id: 1, key: b64u(Buffer.alloc(1568, 8)) }] }, /key 1: .*1569 bytes/],
  'a key of another type': [{ [LAST]: [{ id: 1, key: b64u(Buffer.alloc(1569, 5)) }] }, /last-kyber, key 1: .*0x08/],
  'a member that it does not know': [{ [KYBER]: [kyber(1), { ...kyber(2), secret: 'AA' }] }, /key 2: .*nothing else/],
  'an id out of range': [{ [KYBER]: [kyber(2 ** 32)] }, /an id of 32 bits/],
  'an id twice': [{ [KYBER]: [kyber(3), kyber(3)] }, /key 2: its id is there twice/],
  'two last resorts': [{ [LAST]: [kyber(1), kyber(2)] }, /one last resort/],
  'too many': [{ [KYBER]: numbered(101, kyber) }, /at most 100/],
  'a signature by somebody': [{ [KYBER]: [{ ...kyber(1), signature: b64u(randomBytes(64)) }] },
    /not by this device's Signal identity key/],
};

keys('a file of keys that is wrong is named, and nothing is uploaded', async ({ liar, program }) => {
  for (const [name, [content, reason]] of Object.entries(badFiles)) {
    const file = program.file('bad.json', typeof content === 'string' ? content : JSON.stringify(content));
    const { code, stderr } = await program.try('publish', [], ['--kyber', file]);
    assert.equal(code, USAGE, name);
    assert.match(stderr, reason, name);
  }
  const missing = await program.try('publish', [], ['--kyber', join(program.dir, 'none.json')]);
  assert.match(missing.stderr, /cannot read .*none\.json/);
  assert.ok(!existsSync(join(program.dir, 'prekeys.json')));
  await program.run('publish', [], ['--kyber', kyberFile(program, { [KYBER]: [kyber(1)] })]);
  const again = await program.try('publish', [], ['--kyber', kyberFile(program, { [KYBER]: [kyber(1)] })]);
  assert.equal(again.code, USAGE);
  assert.match(again.stderr, /id 1 of signal\.one-time-kyber is that of another key/);
  assert.equal(liar.asked.filter((line) => line === 'PUT /v1/keys').length, 1);
});

keys('a device of an older program is told what to do', async ({ relay, liar, program }) => {
  const { identity_seed: seed, ...state } = program.kept('device.json');
  const write = (content) => writeFileSync(join(program.dir, 'device.json'), JSON.stringify(content));
  const refused = async (reason) => {
    const { code, stderr } = await program.try('publish');
    assert.equal(code, LOCAL);
    assert.match(stderr, reason);
  };
  write(state);
  await refused(/made before devices had a Signal identity key.*sealpost device init/);
  write({ ...state, identity_seed: b64u(randomBytes(32)) });
  await refused(/does not have this device with its Signal identity key/);
  assert.ok(!liar.asked.includes('PUT /v1/keys'));
  write({ ...state, identity_seed: seed });
  const second = new Program(relay, 'second'); // and that works
  await program.add(second);
  await second.run('publish', [], ['--count', '1']);
});

keys('a damaged file of keys is not written over', async ({ program }) => {
  program.file('prekeys.json', '{"registration_id":1}');
  for (const command of ['publish', 'keys']) {
    const { code, stderr } = await program.try(command);
    assert.equal(code, LOCAL);
    assert.match(stderr, /prekeys\.json is damaged/);
  }
  assert.deepEqual(program.kept('prekeys.json'), { registration_id: 1 });
});

keys('of two that publish from one folder at once the second is turned away', async ({ liar, program }) => {
  let second = null;
  liar.asking = async (method, where) => {
    if (`${method} ${where}` === 'GET /v1/keys' && second === null) { // the first has read what it keeps
      second = {};
      second = await program.try('publish', [], ['--count', '7']);
    }
  };
  await program.run('publish', [], ['--count', '5']);
  assert.equal(second.code, LOCAL, second.stderr);
  assert.match(second.stderr, /another sealpost is at work in .*: try again when it is done/);
  assert.equal(program.kept('prekeys.json').slots[EC].length, 5);
  assert.equal((await program.json('keys')).matches, true);
  assert.match(await program.run('publish', [], ['--count', '7']), /^signal\.one-time-ec +7 keys$/m);
});

keys('keys at the relay whose file was lost are not left there', async ({ liar, program }) => {
  await program.run('publish', [], ['--count', '3']);
  rmSync(join(program.dir, 'prekeys.json'));
  liar.asked.length = 0;
  const { code, stderr } = await program.try('publish', [], ['--count', '3']);
  assert.equal(code, LOCAL);
  assert.match(stderr, /their secrets are not in .*--replace/);
  assert.ok(!liar.asked.includes('PUT /v1/keys'));
  assert.equal((await program.json('keys')).matches, false);
  const stock = await program.json('publish', [], ['--count', '3', '--replace']);
  assert.deepEqual([held(stock, EC), held(stock, SIGNED)], [3, 1]);
  assert.equal((await program.json('keys')).matches, true);
});

keys('the file of keys of another device is not used', async ({ relay, program }) => {
  const other = new Program(relay, 'other');
  await other.register();
  await other.run('publish', [], ['--count', '1']);
  program.file('prekeys.json', JSON.stringify(other.kept('prekeys.json')));
  for (const command of ['publish', 'keys']) {
    const { code, stderr } = await program.try(command);
    assert.equal(code, LOCAL);
    assert.match(stderr, /prekeys\.json is another device's; take it from a backup/);
  }
});

// Somebody of this client with a Signal identity and keys in the directory.
async function owner(relay, devices = 1) {
  const signal = new SignalKeys();
  const account = await relay.account({ keys: [signal.entry], devices });
  const uploads = {
    [SIGNED]: [signal.signedEc(11)], [EC]: numbered(3, oneTimeEc), [KYBER]: [signal.kyber(21)],
    [LAST]: [signal.kyber(31)],
  };
  for (const device of account.devices) {
    await device.login();
    ok(await device.putKeys(uploads, { registration_id: 100 + device.id }));
  }
  return { account, signal, uploads };
}

keys('the program takes keys of each device and says what they are', async ({ relay, program }) => {
  const { account, signal, uploads } = await owner(relay, 2);
  const claim = await program.json('claim', [account.idText]);
  assert.deepEqual([claim.account_id, claim.epoch], [account.idText, 0]);
  assert.deepEqual(claim.devices, account.devices.map((device) => ({
    device_id: device.id, device_pub: device.pubText, registration_id: 100 + device.id,
    identity: b64u(signal.entry.bytes),
    keys: {
      [SIGNED]: { ...uploads[SIGNED][0], last_resort: false, verified: true },
      [EC]: { ...uploads[EC][0], last_resort: false, verified: false },
      [KYBER]: { ...uploads[KYBER][0], last_resort: false, verified: true },
    },
  })));
  const shown = await program.run('claim', [account.idText], ['--device', '2']);
  assert.match(shown, /^device   2  signal\.signed-ec +11  [\w-]{44}, verified$/m);
  assert.match(shown, /^device   2  signal\.one-time-ec +2  [\w-]{44}, not signed$/m);
  assert.match(shown, /^device   2  signal\.one-time-kyber +31  SHA-256 [\w-]{43}, verified, last resort$/m);
  assert.doesNotMatch(shown, /device   1/);
  const { slots } = ok(await account.first.call('GET', '/v1/keys'));
  assert.equal(slots[EC].count, 2, 'only one was taken of the first');
});

keys('devices that are not there or have nothing are said', async ({ relay, liar, program }) => {
  const bare = await relay.account();
  assert.match(await program.run('claim', [bare.idText]), /^device   1  has no keys$/m);
  assert.match(await program.run('claim', [program.accountText]), /no other device/);
  liar.asked.length = 0;
  const { code, stderr } = await program.try('claim', [bare.idText], ['--device', '9']);
  assert.equal(code, USAGE);
  assert.match(stderr, /no device 9/);
  assert.equal((await program.try('claim', [bare.idText], ['--device', '128'])).code, USAGE);
  assert.equal((await program.try('claim', ['nobody'])).code, USAGE);
  assert.ok(!liar.asked.includes('POST /v1/keys/claim'));
  const unknown = await program.try('claim', [b64u(randomBytes(32))]);
  assert.equal(unknown.code, REFUSED);
});

keys('the list is verified before the claim, and as its answer shows it', async ({ relay, liar, program }) => {
  const { account } = await owner(relay);
  const next = account.next({ add: [account.newDevice(2)] });
  liar.lie('/v1/keys/claim', (answer) => ({
    ...answer, epoch: next.epoch, hash: b64u(manifestHash(next.body)), manifests: [b64u(next.bytes)],
  }), 'POST');
  liar.asked.length = 0;
  assert.equal((await program.json('claim', [account.idText])).epoch, 1);
  assert.deepEqual(liar.asked, [`GET /v1/accounts/${account.idText}`, 'POST /v1/keys/claim']);
  const { code, stderr } = await program.try('manifest show', [account.idText]);
  assert.equal(code, UNVERIFIED);
  assert.match(stderr, /older device list/, 'what was shown once is kept');
});

// What a relay could put into a claim's answer; each is refused.
const lies = {
  'a key of its own': ({ devices: [device] }) => {
    const mine = new SignalKeys();
    device.keys[SIGNED] = { ...mine.signedEc(11), last_resort: false };
  },
  'a Kyber key of its own': ({ devices: [device] }) => {
    device.keys[KYBER] = { ...new SignalKeys().kyber(21), last_resort: false };
  },
  'the signature of another key': ({ devices: [device] }) => {
    device.keys[SIGNED].signature = device.keys[KYBER].signature;
  },
  'no signature': ({ devices: [device] }) => {
    delete device.keys[SIGNED].signature;
  },
  'a key that is short': ({ devices: [device] }) => {
    device.keys[EC] = { id: 1, key: b64u(Buffer.alloc(30, 5)), last_resort: false };
  },
  'a key of another type': ({ devices: [device] }) => {
    device.keys[EC] = { id: 1, key: b64u(Buffer.alloc(33, 6)), last_resort: false };
  },
  'a device that is not in the list': ({ devices: [device] }) => {
    device.device_id = 2;
  },
  'a device with another key': ({ devices: [device] }) => {
    device.device_pub = b64u(randomBytes(32));
  },
  'a device twice': ({ devices }) => {
    devices.push(devices[0]);
  },
  'no devices': (answer) => {
    delete answer.devices;
  },
  'an id that is none': ({ devices: [device] }) => {
    device.keys[SIGNED].id = -1;
  },
};

keys('keys that the relay put in itself are refused', async ({ relay, liar, program }) => {
  const { account } = await owner(relay);
  await program.run('claim', [account.idText]);
  for (const [name, change] of Object.entries(lies)) {
    liar.lie('/v1/keys/claim', (answer) => {
      change(answer);
      return answer;
    }, 'POST');
    for (const options of [[], ['--json'], ['--device', '1']]) {
      const { code, stdout, stderr } = await program.try('claim', [account.idText], options);
      assert.equal(code, UNVERIFIED, `${name}: ${stderr}`);
      assert.match(stderr, /do NOT use the keys/, name);
      assert.equal(stdout, '', name);
    }
  }
});

keys('a device that was not asked for, and a list that is forged, are refused', async ({ relay, liar, program }) => {
  const { account } = await owner(relay, 2);
  liar.lie('/v1/keys/claim', ({ devices, ...answer }) => ({
    ...answer, devices: devices.map((device) => ({ ...device, device_id: 2, device_pub: account.device(2).pubText })),
  }), 'POST');
  assert.equal((await program.try('claim', [account.idText], ['--device', '1'])).code, UNVERIFIED);

  const ghost = account.newDevice(3);
  const forged = account.next({ add: [ghost], signers: [{ signer: 3, key: ghost.key }] });
  liar.lie('/v1/keys/claim', (answer) => ({
    ...answer, epoch: forged.epoch, hash: b64u(manifestHash(forged.body)), manifests: [b64u(forged.bytes)],
  }), 'POST');
  const { code, stdout, stderr } = await program.try('claim', [account.idText]);
  assert.equal(code, UNVERIFIED);
  assert.match(stderr, /do NOT trust the device list/);
  assert.equal(stdout, '');
});

keys('signed keys of a device without identity are refused', async ({ relay, liar, program }) => {
  const bare = new Account(relay);
  assertStatus(await bare.register(), 201);
  const signal = new SignalKeys();
  liar.lie('/v1/keys/claim', ({ devices: [device], ...answer }) => ({
    ...answer, devices: [{ ...device, keys: { [SIGNED]: { ...signal.signedEc(1), last_resort: false } } }],
  }), 'POST');
  const { code, stderr } = await program.try('claim', [bare.idText]);
  assert.equal(code, UNVERIFIED);
  assert.match(stderr, /no Signal identity key to verify them with/);
});

keys('two programs find each other\'s keys', async ({ relay, program }) => {
  const other = new Program(relay, 'other');
  await other.register();
  await other.run('publish', [], ['--count', '2']);
  const { devices: [device] } = await program.json('claim', [other.accountText]);
  const published = other.kept('prekeys.json').slots;
  assert.equal(device.keys[SIGNED].key, published[SIGNED][0].key);
  assert.equal(device.keys[EC].key, published[EC][0].key);
  assert.equal(device.registration_id, other.kept('prekeys.json').registration_id);
});

// SPDX-License-Identifier: Apache-2.0
// Writes manifest_rules.json: for every clause of rules 1 to 7 a manifest that breaks it and
// nothing lower, and valid ones beside them.  Each verdict is claimed here by hand, and the
// generator stops when spm1.mjs finds another.  Seeds are fixed, so the file never changes by
// itself:  node tests/vectors/make_manifest_rules.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import * as spm1 from './spm1.mjs';
import * as curve from './ed25519.mjs';

const { ADMIN, DEHYDRATED, RECOVERY, NEW_RECOVERY, ZERO, u32 } = spm1;
const CREATED = 1767225600n;
const seedOf = (name) => spm1.sha256(Buffer.from(`sealpost vector ${name}`));
const pubOf = (name) => spm1.publicOf(seedOf(name));
const fill = (size, byte) => Buffer.alloc(size, byte);
const key = (type, bytes) => ({ type, key: bytes });
const signal = (byte) => key(1, Buffer.concat([fill(1, 5), fill(32, byte)]));
const mls = (byte) => key(2, fill(32, byte));
const device = (id, name, more = {}) =>
  ({ id, flags: 0, added: 0n, pub: pubOf(name), keys: [signal(id)], ...more });
const admin = (id, name, more = {}) => device(id, name, { flags: ADMIN, ...more });

// signers: [[number, seed name or 64 bytes or (message) => 64 bytes], ...], written as given.
function finish(fields, signers) {
  const body = spm1.encodeBody(fields);
  const message = spm1.messageOf(body);
  const signatures = signers.map(([signer, by]) => {
    const make = typeof by === 'function' ? by : (m) => spm1.signRaw(seedOf(by), m);
    return { signer, signature: Buffer.isBuffer(by) ? by : make(message) };
  });
  const block = spm1.encodeSignatures(signatures, fields.signatureCount);
  return { fields, body, bytes: Buffer.concat([body, block]) };
}

// A manifest of epoch 0 with its right account id.
function first(changes = {}, signers = [[0, 'recovery'], [1, 'one']]) {
  const fields = { epoch: 0n, created: CREATED, recovery: pubOf('recovery'),
    devices: [admin(1, 'one')], ...changes };
  fields.account ??= spm1.accountOf(spm1.encodeBody(fields));
  return finish(fields, signers);
}
// The successor of old with changes, by default signed by device 1.
function after(old, changes = {}, signers = [[1, 'one']]) {
  const fields = { ...old.fields, flags: 0, epoch: old.fields.epoch + 1n,
    created: old.fields.created + 3600n, prev: spm1.hashOf(old.body), ...changes };
  return finish(fields, signers);
}

const vectors = [], names = new Set();
function vector(name, old, next, expected) {
  const nextBytes = Buffer.isBuffer(next) ? next : next.bytes;
  const found = spm1.verdict(old && old.bytes, nextBytes);
  if (found !== expected) throw new Error(`${name}: claimed ${expected}, found ${found}`);
  if (names.has(name)) throw new Error(`${name}: twice`);
  names.add(name);
  vectors.push({ name, old: old ? old.bytes.toString('hex') : null,
    next: nextBytes.toString('hex'), verdict: expected });
}

// ---- Material -----------------------------------------------------------------------------
const good = first();
const noRecovery = { recovery: ZERO };
const bare = first(noRecovery, [[1, 'one']]);
const flip = (name, bit = 0) => (message) => {
  const signature = spm1.signRaw(seedOf(name), message);
  signature[32] ^= 1 << bit; // in S, and far below L
  return signature;
};
const stranger = (message) => spm1.signRaw(seedOf('stranger'), message);
const two = [admin(1, 'one'), device(2, 'two')];
const bothSign = [[0, 'recovery'], [1, 'one'], [2, 'two']];
const pair = first({ devices: two }, bothSign);
const admins = [admin(1, 'one'), admin(2, 'two')];
const adminPair = first({ devices: admins }, bothSign);
const barePair = first({ ...noRecovery, devices: [...admins, device(3, 'three')] },
  [[1, 'one'], [2, 'two'], [3, 'three']]);

const badPoints = {
  'of order 1': curve.encode(curve.IDENTITY),
  'of order 2': curve.encode(curve.multiply(4n, curve.TORSION)),
  'of order 4': curve.encode(curve.multiply(2n, curve.TORSION)),
  'of order 8': curve.encode(curve.TORSION),
  'of mixed order with a part of order 2':
    curve.encode(curve.add(curve.BASE, curve.multiply(4n, curve.TORSION))),
  'of mixed order with a part of order 4':
    curve.encode(curve.add(curve.BASE, curve.multiply(2n, curve.TORSION))),
  'of mixed order with a part of order 8': curve.encode(curve.add(curve.BASE, curve.TORSION)),
  'whose y is not below p': curve.encodeNumber(curve.P + 3n),
  'whose x is 0 with the sign of -0': curve.encodeNumber(1n | 1n << 255n),
  'that is not on the curve': curve.encodeNumber(2n),
};
if (curve.decode(badPoints['that is not on the curve']) !== null ||
    curve.decode(badPoints['whose y is not below p'], false) === null) {
  throw new Error('the bad points are not what they say');
}

// Signatures on which verifiers in the field disagree: each passes the laxest equation.
const r = curve.little(seedOf('r')) % curve.L;
const torsion = (n) => curve.multiply(n, curve.TORSION);
const withR = (name, ...how) => (message) => curve.signWithR(seedOf(name), message, ...how);
const identity = (bits) => curve.encodeNumber(bits);
const edges = {
  'R is the identity': (n) => withR(n, 0n),
  'R is the identity with y not below p': (n) =>
    withR(n, 0n, undefined, identity(curve.P + 1n)),
  'R is the identity with the sign of -0': (n) =>
    withR(n, 0n, undefined, identity(1n | 1n << 255n)),
  'R is the identity with y not below p and the sign of -0': (n) =>
    withR(n, 0n, undefined, identity(curve.P + 1n | 1n << 255n)),
  'R is of order 2': (n) => withR(n, 0n, torsion(4n)),
  'R is of order 2 with the sign of -0': (n) =>
    withR(n, 0n, undefined, identity(curve.P - 1n | 1n << 255n)),
  'R is of order 4': (n) => withR(n, 0n, torsion(2n)),
  'R is of order 4 with y not below p': (n) => withR(n, 0n, undefined, identity(curve.P)),
  'R is of order 8': (n) => withR(n, 0n, torsion(1n)),
  'R is of mixed order with a part of order 2': (n) => withR(n, r, torsion(4n)),
  'R is of mixed order with a part of order 4': (n) => withR(n, r, torsion(2n)),
  'R is of mixed order with a part of order 8': (n) => withR(n, r, torsion(3n)),
  'S is L more': (n) => plusL(n, 1n),
  'S is 14 L more': (n) => plusL(n, 14n),
};
function plusL(name, times) {
  return (message) => {
    const signature = spm1.signRaw(seedOf(name), message);
    const scalar = curve.little(signature.subarray(32)) + times * curve.L;
    return Buffer.concat([signature.subarray(0, 32), curve.encodeNumber(scalar)]);
  };
}
function lax(name, make) {
  return (message) => {
    const signature = make(message);
    if (!curve.laxVerify(pubOf(name), message, signature)) throw new Error('refused by all');
    return signature;
  };
}

// ---- Rule 1: the form ---------------------------------------------------------------------
const form = (name, changes, signers) => vector(name, null, first(changes, signers), 1);
const formDevice = (name, more, rest) =>
  form(name, { devices: [admin(1, 'one', more)], ...rest });
const formKeys = (name, ...keys) => formDevice(name, { keys });

vector('form: nothing at all', null, Buffer.alloc(0), 1);
form('form: another magic', { magic: 'SPM2' });
form('form: an unknown flag', { flags: 2 });
form('form: the highest flag', { flags: 0x81 });
form('form: no device', { devices: [] }, [[0, 'recovery']]);
form('form: the first reserved byte is set', { reserved: 0x0100 });
form('form: the second reserved byte is set', { reserved: 1 });
form('form: created is a second late', { created: CREATED + 1n });
form('form: created is a second early', { created: CREATED - 1n });
form('form: created is half an hour off', { created: CREATED + 1800n });
for (const [where, size] of [['in the magic', 3], ['before the device', 120],
  ['in the device', 150], ['in a key', good.body.length - 1],
  ['before the signatures', good.body.length], ['in a signature', good.bytes.length - 1]]) {
  vector(`form: cut ${where}`, null, good.bytes.subarray(0, size), 1);
}
vector('form: a byte after the end', null, Buffer.concat([good.bytes, fill(1, 0)]), 1);
form('form: fewer devices than the count says', { deviceCount: 2 });
form('form: more devices than the count says', { devices: two, deviceCount: 1 }, bothSign);

formDevice('form: device 0', { id: 0 });
formDevice('form: device 128', { id: 128 });
formDevice('form: device 2^32 - 1', { id: 0xffffffff });
form('form: devices in descending order', { devices: [device(2, 'two'), admin(1, 'one')] },
  bothSign);
form('form: a device number twice', { devices: [admin(1, 'one'), device(1, 'two')] });
formDevice('form: an unknown device flag', { flags: ADMIN | 4 });
formDevice('form: the highest device flag', { flags: ADMIN | 0x80 });
form('form: no admin and no recovery key', { ...noRecovery, devices: [device(1, 'one')] },
  [[1, 'one']]);
const many = (count, more) => Array.from({ length: count }, (_, i) =>
  device(i + 1, `many ${i + 1}`, { flags: i === 0 ? ADMIN : 0, ...more?.(i) }));
const manySign = (count) => [[0, 'recovery'],
  ...Array.from({ length: count }, (_, i) => [i + 1, `many ${i + 1}`])];
form('form: 33 devices', { devices: many(33) }, manySign(33));
for (const [what, pub] of Object.entries(badPoints)) {
  formDevice(`form: device_pub is a point ${what}`, { pub });
  form(`form: recovery_pub is a point ${what}`, { recovery: pub });
}

// The worst of them: a key of mixed order under which OpenSSL and libsodium accept a signature.
const mixedPub = curve.mixedPublicOf(seedOf('mixed'));
const mixedSign = (message) => {
  const signature = curve.signWithMixedKey(seedOf('mixed'), message);
  if (!spm1.plainVerify(mixedPub, message, signature)) throw new Error('refused by all');
  return signature;
};
form('form: device_pub is of mixed order and its signature passes',
  { devices: [admin(1, 'one', { pub: mixedPub })] }, [[0, 'recovery'], [1, mixedSign]]);
form('form: recovery_pub is of mixed order and its signature passes', { recovery: mixedPub },
  [[0, mixedSign], [1, 'one']]);

const priv = (type, size) => key(type, fill(size, 7));
formKeys('form: nine keys', ...Array.from({ length: 9 }, (_, i) => priv(0x8000 + i, 1)));
formDevice('form: fewer keys than the count says', { keyCount: 2 });
formDevice('form: more keys than the count says', { keys: [signal(1), mls(1)], keyCount: 1 });
formKeys('form: key type 0', priv(0, 32));
formKeys('form: key type 4', priv(4, 32));
formKeys('form: key type 0x7FFF', priv(0x7fff, 32));
formKeys('form: keys in descending order', mls(1), signal(1));
formKeys('form: a key type twice', mls(1), mls(2));
formKeys('form: a private-use key type twice', priv(0x8000, 1), priv(0x8000, 1));
formKeys('form: a Signal key of 32 bytes', key(1, fill(32, 5)));
formKeys('form: a Signal key of 34 bytes', key(1, fill(34, 5)));
formKeys('form: a Signal key of another kind', key(1, Buffer.concat([fill(1, 6), fill(32, 1)])));
formKeys('form: an MLS key of 31 bytes', priv(2, 31));
formKeys('form: an MLS key of 33 bytes', priv(2, 33));
formKeys('form: an HPKE key of 31 bytes', priv(3, 31));
formKeys('form: an HPKE key of 33 bytes', priv(3, 33));
formKeys('form: an MLS key of no bytes', priv(2, 0));
formKeys('form: a private-use key of no bytes', priv(0x8000, 0));
formKeys('form: a private-use key of 2049 bytes', priv(0xffff, 2049));
formKeys('form: a key as long as its length can say', { ...priv(0x8000, 64), size: 0xffff });

form('form: signatures in descending order', {}, [[1, 'one'], [0, 'recovery']]);
form('form: a signer twice', {}, [[0, 'recovery'], [1, 'one'], [1, 'one']]);
form('form: the recovery key signs twice', {}, [[0, 'recovery'], [0, 'recovery'], [1, 'one']]);
form('form: signer 128', {}, [[0, 'recovery'], [1, 'one'], [128, 'one']]);
form('form: signer 2^32 - 2', {}, [[0, 'recovery'], [1, 'one'], [0xfffffffe, 'one']]);
form('form: fewer signatures than the count says', { signatureCount: 3 });
form('form: more signatures than the count says', { signatureCount: 1 });

// 65,536 bytes are the most: 31 private-use keys and what is left over in the last.
function ofSize(size) {
  const fields = (last) => ({ devices: many(32, (i) => ({
    keys: i < 30 ? [priv(0x8000, 2048)] : i === 30 ? [priv(0x8000, last)] : [] })) });
  const least = first(fields(1), manySign(32)).bytes.length;
  const built = first(fields(1 + size - least), manySign(32));
  if (built.bytes.length !== size) throw new Error('the size is missed');
  return built;
}
vector('form: 65,536 bytes are allowed', null, ofSize(65536), 0);
vector('form: 65,537 bytes', null, ofSize(65537), 1);

vector('form: created may be 0', null, first({ created: 0n }), 0);
vector('form: created may be in the far future', null, first({ created: 3600n * 2n ** 52n }), 0);
vector('form: a device may have no keys', null, first({ devices: [admin(1, 'one',
  { keys: [] })] }), 0);
vector('form: a device may have eight keys of all types', null, first({ devices: [admin(1, 'one',
  { keys: [signal(1), mls(1), key(3, fill(32, 9)), priv(0x8000, 1), priv(0x8001, 2048),
    priv(0x8002, 2), priv(0xfffe, 3), priv(0xffff, 4)] })] }), 0);
vector('form: no admin is needed with a recovery key', null,
  first({ devices: [device(1, 'one')] }), 0);
vector('form: a device may be dehydrated and an admin', null,
  first({ devices: [device(1, 'one', { flags: ADMIN | DEHYDRATED })] }), 0);
vector('form: 127 is a device number', null, first({ devices: [admin(127, 'one')] },
  [[0, 'recovery'], [127, 'one']]), 0);

// ---- Rule 2: the first --------------------------------------------------------------------
vector('first: with a recovery key', null, good, 0);
vector('first: without a recovery key', null, bare, 0);
vector('first: three devices', null, barePair, 0);
const refuseFirst = (name, changes, signers) => vector(name, null, first(changes, signers), 2);
refuseFirst('first: an account id of its own choice', { account: fill(32, 1) });
refuseFirst('first: an account id of zeros', { account: ZERO });
refuseFirst('first: the account id of another manifest', { account: bare.fields.account });
refuseFirst('first: the account id is its hash', { account: spm1.hashOf(good.body) });
refuseFirst('first: the flag RECOVERY', { flags: RECOVERY });
refuseFirst('first: prev_hash is set', { prev: fill(32, 1) });
refuseFirst('first: epoch 1', { epoch: 1n });
refuseFirst('first: a device added at epoch 1', { devices: [admin(1, 'one', { added: 1n })] });
refuseFirst('first: the second device added at epoch 1',
  { devices: [admin(1, 'one'), device(2, 'two', { added: 1n })] }, bothSign);
refuseFirst('first: nobody signs', {}, []);
refuseFirst('first: its device does not sign', {}, [[0, 'recovery']]);
refuseFirst('first: one of two devices does not sign', { devices: two },
  [[0, 'recovery'], [1, 'one']]);
refuseFirst('first: the recovery key does not sign', {}, [[1, 'one']]);
refuseFirst('first: signer 0 without a recovery key', noRecovery, [[0, 'recovery'], [1, 'one']]);
refuseFirst('first: signer 0 is another key', {}, [[0, stranger], [1, 'one']]);
refuseFirst('first: a device signs with another key', {}, [[0, 'recovery'], [1, stranger]]);
refuseFirst('first: a wrong signature of its device', {}, [[0, 'recovery'], [1, flip('one')]]);
refuseFirst('first: a wrong signature of the recovery key', {},
  [[0, flip('recovery')], [1, 'one']]);
refuseFirst('first: the incoming recovery key signs', {},
  [[0, 'recovery'], [1, 'one'], [NEW_RECOVERY, 'recovery']]);
refuseFirst('first: the incoming recovery key signs in place of the recovery key', {},
  [[1, 'one'], [NEW_RECOVERY, 'recovery']]);
refuseFirst('first: a signature over the body without its label', {}, [[0, 'recovery'],
  [1, (m) => spm1.signRaw(seedOf('one'), m.subarray(m.indexOf(0) + 1))]]);
refuseFirst('first: a signature over the hash', {}, [[0, 'recovery'],
  [1, (m) => spm1.signRaw(seedOf('one'), spm1.hashOf(m.subarray(m.indexOf(0) + 1)))]]);
refuseFirst('first: a wrong signature beside a stranger', {},
  [[0, 'recovery'], [1, flip('one')], [9, 'nine']]);
for (const [what, make] of Object.entries(edges)) {
  refuseFirst(`first: ${what} in the signature of its device`, {},
    [[0, 'recovery'], [1, lax('one', make('one'))]]);
  refuseFirst(`first: ${what} in the signature of the recovery key`, {},
    [[0, lax('recovery', make('recovery'))], [1, 'one']]);
}
const sameKey = [admin(1, 'one'), device(2, 'one')];
vector('first: two devices with one key', null,
  first({ devices: sameKey }, [[0, 'recovery'], [1, 'one'], [2, 'one']]), 5);
vector('first: a signer that is not in it', null,
  first({}, [[0, 'recovery'], [1, 'one'], [9, 'nine']]), 5);

// ---- Rule 3: the chain --------------------------------------------------------------------
vector('chain: the next epoch', good, after(good), 0);
const refuseChain = (name, old, changes) => vector(name, old, after(old, changes), 3);
refuseChain('chain: another account', good, { account: bare.fields.account });
refuseChain('chain: the same epoch', good, { epoch: 0n });
refuseChain('chain: an epoch is skipped', good, { epoch: 2n });
refuseChain('chain: an epoch back', after(good), { epoch: 0n });
refuseChain('chain: the highest epoch', good, { epoch: 2n ** 64n - 1n });
refuseChain('chain: prev_hash of zeros', good, { prev: ZERO });
refuseChain('chain: prev_hash is off by a bit', good,
  { prev: Buffer.from(spm1.hashOf(good.body).map((b, i) => (i === 31 ? b ^ 1 : b))) });
refuseChain('chain: prev_hash of what was before the last', after(good),
  { prev: spm1.hashOf(good.body) });
refuseChain('chain: prev_hash covers the signatures', good, { prev: spm1.hashOf(good.bytes) });
refuseChain('chain: prev_hash without its label', good, { prev: spm1.sha256(good.body) });
vector('chain: the first manifest again', good, good, 3);
vector('chain: nothing follows the highest epoch',
  after(good, { epoch: 2n ** 64n - 1n }),
  after(after(good, { epoch: 2n ** 64n - 1n }), { epoch: 0n }), 3);
vector('chain: skipped, and nobody signs', good, after(good, { epoch: 2n }, []), 3);
vector('chain: created may go back', good, after(good, { created: 0n }), 0);

// ---- Rule 4: authority --------------------------------------------------------------------
const three = device(3, 'three', { added: 1n });
const withThree = { devices: [...two, three] };
const promoted = { devices: [admin(1, 'one'), admin(2, 'two')] };
const refuseAuthority = (name, old, changes, signers) =>
  vector(name, old, after(old, changes, signers), 4);
refuseAuthority('authority: nobody signs', good, {}, []);
refuseAuthority('authority: a device that is no admin', pair, {}, [[2, 'two']]);
refuseAuthority('authority: a device that makes itself an admin', pair, promoted, [[2, 'two']]);
refuseAuthority('authority: a new device that comes as an admin', pair,
  { devices: [...two, { ...three, flags: ADMIN }] }, [[3, 'three']]);
refuseAuthority('authority: a new device and one that is no admin', pair, withThree,
  [[2, 'two'], [3, 'three']]);
refuseAuthority('authority: the flag RECOVERY with an admin only', pair, { flags: RECOVERY },
  [[1, 'one']]);
refuseAuthority('authority: the flag RECOVERY with all devices', adminPair, { flags: RECOVERY },
  [[1, 'one'], [2, 'two']]);
refuseAuthority('authority: signer 0 where there is no recovery key', bare, {},
  [[0, 'recovery']]);
refuseAuthority('authority: the flag RECOVERY where there is no recovery key', bare,
  { flags: RECOVERY }, [[0, 'recovery'], [1, 'one']]);
refuseAuthority('authority: signer 0 is a recovery key only now', bare,
  { recovery: pubOf('recovery') }, [[0, 'recovery'], [NEW_RECOVERY, 'recovery']]);
refuseAuthority('authority: signer 0 is the new recovery key', good,
  { recovery: pubOf('new recovery') }, [[0, 'new recovery'], [NEW_RECOVERY, 'new recovery']]);
refuseAuthority('authority: the incoming recovery key alone', good,
  { recovery: pubOf('new recovery') }, [[NEW_RECOVERY, 'new recovery']]);
refuseAuthority('authority: a wrong signature of the recovery key', good, {},
  [[0, flip('recovery')]]);
refuseAuthority('authority: the flag RECOVERY with a wrong signature of the recovery key', good,
  { flags: RECOVERY }, [[0, flip('recovery')], [1, 'one']]);
refuseAuthority('authority: the recovery key signed another body', good, {},
  [[0, () => spm1.signRaw(seedOf('recovery'), spm1.messageOf(good.body))]]);
refuseAuthority('authority: a stranger', good, {}, [[9, 'nine']]);
for (const [what, make] of Object.entries(edges)) {
  refuseAuthority(`authority: ${what} in the signature of the recovery key`, good,
    { flags: RECOVERY }, [[0, lax('recovery', make('recovery'))]]);
}
vector('authority: the recovery key with the flag', pair,
  after(pair, { flags: RECOVERY, devices: [admin(1, 'one')] }, [[0, 'recovery']]), 0);
vector('authority: the recovery key without the flag', pair,
  after(pair, { devices: [admin(1, 'one')] }, [[0, 'recovery']]), 0);
vector('authority: the recovery key with the flag, and an admin', pair,
  after(pair, { flags: RECOVERY }, [[0, 'recovery'], [1, 'one']]), 0);
vector('authority: an admin that removes itself', adminPair,
  after(adminPair, { devices: [admin(2, 'two')] }), 0);
vector('authority: an admin that removes another', adminPair,
  after(adminPair, { devices: [admin(1, 'one')] }), 0);
vector('authority: an admin that makes another device one', pair, after(pair, promoted), 0);
vector('authority: the recovery key makes all devices new', pair, after(pair,
  { flags: RECOVERY, devices: [admin(3, 'three', { added: 1n })] },
  [[0, 'recovery'], [3, 'three']]), 0);

// ---- Rule 5: signatures and devices -------------------------------------------------------
const refuseSignatures = (name, old, changes, signers) =>
  vector(name, old, after(old, changes, signers), 5);
const withTwo = { devices: [admin(1, 'one'), device(2, 'two', { added: 1n })] };
vector('signatures: a new device', good, after(good, withTwo, [[1, 'one'], [2, 'two']]), 0);
vector('signatures: a removed device may sign', pair,
  after(pair, { devices: [admin(1, 'one')] }, [[1, 'one'], [2, 'two']]), 0);
vector('signatures: everybody may sign', pair, after(pair, {}, bothSign), 0);
vector('signatures: a removed number is given anew an epoch later',
  after(pair, { devices: [admin(1, 'one')] }),
  after(after(pair, { devices: [admin(1, 'one')] }),
    { devices: [admin(1, 'one'), device(2, 'new two', { added: 2n })] },
    [[1, 'one'], [2, 'new two']]), 0);

refuseSignatures('signatures: a wrong one of the only admin', good, {}, [[1, flip('one')]]);
refuseSignatures('signatures: the admin signed another body', good, {},
  [[1, () => spm1.signRaw(seedOf('one'), spm1.messageOf(good.body))]]);
refuseSignatures('signatures: another key signs for the admin', good, {}, [[1, stranger]]);
refuseSignatures('signatures: a wrong one beside a right admin', pair, {},
  [[1, 'one'], [2, flip('two')]]);
refuseSignatures('signatures: a wrong one of a removed device', pair,
  { devices: [admin(1, 'one')] }, [[1, 'one'], [2, flip('two')]]);
refuseSignatures('signatures: a wrong one of the recovery key beside a right admin', good, {},
  [[0, flip('recovery')], [1, 'one']]);
refuseSignatures('signatures: a wrong one of the admin beside the right recovery key', good,
  { flags: RECOVERY }, [[0, 'recovery'], [1, flip('one')]]);
refuseSignatures('signatures: signer 0 where there is no recovery key', bare, {},
  [[0, 'recovery'], [1, 'one']]);
refuseSignatures('signatures: signer 0 is a recovery key only now', bare,
  { recovery: pubOf('recovery') }, [[0, 'recovery'], [1, 'one'], [NEW_RECOVERY, 'recovery']]);
refuseSignatures('signatures: signer 0 is the new recovery key', good,
  { recovery: pubOf('new recovery') },
  [[0, 'new recovery'], [1, 'one'], [NEW_RECOVERY, 'new recovery']]);
refuseSignatures('signatures: a signer that is in neither', good, {}, [[1, 'one'], [9, 'nine']]);
refuseSignatures('signatures: a signer that was removed before',
  after(pair, { devices: [admin(1, 'one')] }), {}, [[1, 'one'], [2, 'two']]);
refuseSignatures('signatures: all 129 signers there can be', good,
  { recovery: pubOf('new recovery') }, [[0, 'recovery'], [1, 'one'],
    ...Array.from({ length: 126 }, (_, i) => [i + 2, fill(64, 0)]),
    [NEW_RECOVERY, 'new recovery']]);

refuseSignatures('signatures: the incoming recovery key where none comes', good, {},
  [[1, 'one'], [NEW_RECOVERY, 'recovery']]);
refuseSignatures('signatures: the incoming recovery key where there is none', bare, {},
  [[1, 'one'], [NEW_RECOVERY, 'recovery']]);
refuseSignatures('signatures: the incoming recovery key where it is zeroed', good, noRecovery,
  [[0, 'recovery'], [1, 'one'], [NEW_RECOVERY, 'recovery']]);
refuseSignatures('signatures: the incoming recovery key is the old one', good,
  { recovery: pubOf('new recovery') }, [[0, 'recovery'], [NEW_RECOVERY, 'recovery']]);
refuseSignatures('signatures: a wrong one of the incoming recovery key', good,
  { recovery: pubOf('new recovery') }, [[0, 'recovery'], [NEW_RECOVERY, flip('new recovery')]]);

refuseSignatures('signatures: a new device does not sign', good, withTwo, [[1, 'one']]);
refuseSignatures('signatures: a new device does not sign for the recovery key', good,
  { ...withTwo, flags: RECOVERY }, [[0, 'recovery']]);
refuseSignatures('signatures: one of two new devices does not sign', good,
  { devices: [...withTwo.devices, three] }, [[1, 'one'], [3, 'three']]);
refuseSignatures('signatures: a wrong one of a new device', good, withTwo,
  [[1, 'one'], [2, flip('two')]]);
refuseSignatures('signatures: the admin signs for a new device', good, withTwo,
  [[1, 'one'], [2, 'one']]);
refuseSignatures('signatures: a new device was added an epoch ago', good,
  { devices: [admin(1, 'one'), device(2, 'two', { added: 0n })] }, [[1, 'one'], [2, 'two']]);
refuseSignatures('signatures: a new device is added an epoch from now', good,
  { devices: [admin(1, 'one'), device(2, 'two', { added: 2n })] }, [[1, 'one'], [2, 'two']]);
refuseSignatures('signatures: a survivor has another device_pub, signed by the old', pair,
  { devices: [admin(1, 'one'), device(2, 'new two')] }, [[1, 'one'], [2, 'two']]);
refuseSignatures('signatures: a survivor has another device_pub, signed by the new', pair,
  { devices: [admin(1, 'one'), device(2, 'new two')] }, [[1, 'one'], [2, 'new two']]);
refuseSignatures('signatures: a survivor has another device_pub and does not sign', pair,
  { devices: [admin(1, 'one'), device(2, 'new two')] }, [[1, 'one']]);
refuseSignatures('signatures: a removed number is given anew at once', pair,
  { devices: [admin(1, 'one'), device(2, 'new two', { added: 1n })] },
  [[1, 'one'], [2, 'new two']]);
refuseSignatures('signatures: the recovery key gives a number anew at once', pair,
  { flags: RECOVERY, devices: [admin(1, 'new one', { added: 1n })] },
  [[0, 'recovery'], [1, 'new one']]);
refuseSignatures('signatures: a survivor was added now', pair,
  { devices: [admin(1, 'one'), device(2, 'two', { added: 1n })] }, [[1, 'one'], [2, 'two']]);
refuseSignatures('signatures: the admin was added now', good,
  { devices: [admin(1, 'one', { added: 1n })] });
refuseSignatures('signatures: a new device has the key of a survivor', good,
  { devices: [admin(1, 'one'), device(2, 'one', { added: 1n })] }, [[1, 'one'], [2, 'one']]);
refuseSignatures('signatures: two new devices have one key', good,
  { devices: [admin(1, 'one'), device(2, 'two', { added: 1n }), device(3, 'two', { added: 1n })] },
  [[1, 'one'], [2, 'two'], [3, 'two']]);
refuseSignatures('signatures: wrong, and keys changed without their device', pair,
  { devices: [admin(1, 'one'), device(2, 'two', { keys: [] })] }, [[1, flip('one')]]);
refuseSignatures('signatures: wrong, and the recovery key changed by an admin', good,
  { recovery: pubOf('new recovery') }, [[1, flip('one')], [NEW_RECOVERY, 'new recovery']]);
for (const [what, make] of Object.entries(edges)) {
  refuseSignatures(`signatures: ${what} in that of the admin`, good, {},
    [[1, lax('one', make('one'))]]);
  refuseSignatures(`signatures: ${what} in that of a new device`, good, withTwo,
    [[1, 'one'], [2, lax('two', make('two'))]]);
  refuseSignatures(`signatures: ${what} in that of the incoming recovery key`, good,
    { recovery: pubOf('new recovery') },
    [[0, 'recovery'], [NEW_RECOVERY, lax('new recovery', make('new recovery'))]]);
}

// ---- Rule 6: keys -------------------------------------------------------------------------
const twoHas = (...keys) => ({ devices: [admin(1, 'one'), device(2, 'two', { keys })] });
const refuseKeys = (name, changes, signers) => vector(name, pair, after(pair, changes, signers), 6);
refuseKeys('keys: another one', twoHas(signal(99)));
refuseKeys('keys: one more', twoHas(signal(2), mls(2)));
refuseKeys('keys: one less', twoHas());
refuseKeys('keys: the same bytes as another type', twoHas(key(0x8000, signal(2).key)));
refuseKeys('keys: the recovery key changes them', { ...twoHas(signal(99)), flags: RECOVERY },
  [[0, 'recovery']]);
refuseKeys('keys: of the admin, by the recovery key',
  { devices: [admin(1, 'one', { keys: [] }), device(2, 'two')] }, [[0, 'recovery'], [2, 'two']]);
vector('keys: of another admin, by an admin', adminPair, after(adminPair,
  { devices: [admin(1, 'one'), admin(2, 'two', { keys: [] })] }), 6);
vector('keys: changed, and the recovery key too, by an admin', pair, after(pair,
  { ...twoHas(signal(99)), recovery: pubOf('new recovery') },
  [[1, 'one'], [NEW_RECOVERY, 'new recovery']]), 6);
vector('keys: changed by their device', pair,
  after(pair, twoHas(signal(99), mls(1)), [[1, 'one'], [2, 'two']]), 0);
vector('keys: changed by the admin whose they are', pair,
  after(pair, { devices: [admin(1, 'one', { keys: [mls(7)] }), device(2, 'two')] }), 0);
vector('keys: the flags of a device are the admin\'s to change', pair, after(pair,
  { devices: [admin(1, 'one'), device(2, 'two', { flags: ADMIN | DEHYDRATED })] }), 0);

// ---- Rule 7: the recovery key -------------------------------------------------------------
const newKey = { recovery: pubOf('new recovery') };
const setKey = { recovery: pubOf('recovery') };
const byNew = [NEW_RECOVERY, 'new recovery'];
const incoming = [NEW_RECOVERY, 'recovery'];
const refuseRecovery = (name, old, changes, signers) =>
  vector(name, old, after(old, changes, signers), 7);
vector('recovery: set for the first time', bare, after(bare, setKey, [[1, 'one'], incoming]), 0);
vector('recovery: set by both admins, without the device that is none', barePair,
  after(barePair, setKey, [[1, 'one'], [2, 'two'], incoming]), 0);
vector('recovery: set by both admins while one leaves', barePair, after(barePair,
  { ...setKey, devices: [admin(1, 'one'), device(3, 'three')] },
  [[1, 'one'], [2, 'two'], incoming]), 0);
vector('recovery: set by all admins there were, while another comes', bare, after(bare,
  { ...setKey, devices: [admin(1, 'one'), admin(2, 'two', { added: 1n })] },
  [[1, 'one'], [2, 'two'], incoming]), 0);
vector('recovery: set as the last admin steps down', bare, after(bare,
  { ...setKey, devices: [device(1, 'one')] }, [[1, 'one'], incoming]), 0);
vector('recovery: changed', good, after(good, newKey, [[0, 'recovery'], byNew]), 0);
vector('recovery: changed with the flag', good,
  after(good, { ...newKey, flags: RECOVERY }, [[0, 'recovery'], byNew]), 0);
vector('recovery: changed, and an admin signs too', good,
  after(good, newKey, [[0, 'recovery'], [1, 'one'], byNew]), 0);
vector('recovery: zeroed', good, after(good, noRecovery, [[0, 'recovery']]), 0);
vector('recovery: zeroed, and an admin signs too', good,
  after(good, noRecovery, [[0, 'recovery'], [1, 'one']]), 0);
vector('recovery: set again after it was zeroed', after(good, noRecovery, [[0, 'recovery']]),
  after(after(good, noRecovery, [[0, 'recovery']]), newKey, [[1, 'one'], byNew]), 0);
vector('recovery: kept through an epoch of an admin', adminPair,
  after(adminPair, { devices: [admin(1, 'one')] }), 0);

refuseRecovery('recovery: set without the signature of the new key', bare, setKey, [[1, 'one']]);
refuseRecovery('recovery: set by one admin of two', barePair, setKey, [[1, 'one'], incoming]);
refuseRecovery('recovery: set by one admin of two and a device that is none', barePair, setKey,
  [[1, 'one'], [3, 'three'], incoming]);
refuseRecovery('recovery: set while the other admin is removed', barePair,
  { ...setKey, devices: [admin(1, 'one'), device(3, 'three')] }, [[1, 'one'], incoming]);
refuseRecovery('recovery: set while the other admin is made none', barePair,
  { ...setKey, devices: [admin(1, 'one'), device(2, 'two'), device(3, 'three')] },
  [[1, 'one'], incoming]);
refuseRecovery('recovery: set by all admins without the new key', barePair, setKey,
  [[1, 'one'], [2, 'two']]);
refuseRecovery('recovery: set by one admin and one that it adds', barePair,
  { ...setKey, devices: [admin(1, 'one'), admin(2, 'two'), device(3, 'three'),
    admin(4, 'four', { added: 1n })] }, [[1, 'one'], [4, 'four'], incoming]);
refuseRecovery('recovery: changed by an admin', good, newKey, [[1, 'one']]);
refuseRecovery('recovery: changed by an admin and the new key', good, newKey,
  [[1, 'one'], byNew]);
refuseRecovery('recovery: changed by all admins and the new key', adminPair, newKey,
  [[1, 'one'], [2, 'two'], byNew]);
refuseRecovery('recovery: changed by the old key alone', good, newKey, [[0, 'recovery']]);
refuseRecovery('recovery: changed by the old key and an admin', good, newKey,
  [[0, 'recovery'], [1, 'one']]);
refuseRecovery('recovery: changed by the old key alone with the flag', good,
  { ...newKey, flags: RECOVERY }, [[0, 'recovery']]);
refuseRecovery('recovery: zeroed by an admin', good, noRecovery, [[1, 'one']]);
refuseRecovery('recovery: zeroed by all admins', adminPair, noRecovery,
  [[1, 'one'], [2, 'two']]);
vector('recovery: zeroed with no admin left', good, after(good,
  { ...noRecovery, devices: [device(1, 'one')] }, [[0, 'recovery']]), 1);

// ---- Out ----------------------------------------------------------------------------------
const supplied = JSON.parse(readFileSync(new URL('manifest.json', import.meta.url)));
supplied.manifests.reduce((old, { signed }) => {
  const next = { bytes: Buffer.from(signed, 'hex') };
  if (spm1.verdict(old && old.bytes, next.bytes) !== 0) throw new Error('manifest.json');
  return next;
}, null);
const lines = vectors.map((v) => ' ' + JSON.stringify(v));
writeFileSync(new URL('manifest_rules.json', import.meta.url),
  `{"vectors":[\n${lines.join(',\n')}\n]}\n`);
console.log(`${vectors.length} vectors`);

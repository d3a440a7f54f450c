// SPDX-License-Identifier: Apache-2.0
// A second implementation of SPM1 (server/api/manifest.md), independent of common/manifest*.c:
// it asks every rule by itself and names the lowest that is broken.
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { L, isValidPoint, little } from './ed25519.mjs';

export const NEW_RECOVERY = 0xffffffff;
export const ADMIN = 1, DEHYDRATED = 2, RECOVERY = 1;
export const ZERO = Buffer.alloc(32);
const label = (text) => Buffer.from(text + '\0');
export const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
export const u8 = (n) => Buffer.from([n]);
export const u16 = (n) => { const b = Buffer.alloc(2); b.writeUInt16BE(n); return b; };
export const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };
export const u64 = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(n)); return b; };

// Keys.
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const privateKey = (seed) =>
  createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
export const publicOf = (seed) =>
  createPublicKey(privateKey(seed)).export({ format: 'der', type: 'spki' }).subarray(12);
export const signRaw = (seed, message) => sign(null, message, privateKey(seed));

const points = new Map(); // the check costs milliseconds, and the same keys come again and again
export function pointIsGood(bytes) {
  const name = bytes.toString('hex');
  if (!points.has(name)) points.set(name, isValidPoint(bytes));
  return points.get(name);
}
export function plainVerify(pub, message, signature) {
  const key = { key: Buffer.concat([SPKI, pub]), format: 'der', type: 'spki' };
  return verify(null, message, createPublicKey(key), signature);
}
export const strictVerify = (pub, message, signature) =>
  pointIsGood(pub) && pointIsGood(signature.subarray(0, 32)) &&
  little(signature.subarray(32)) < L && plainVerify(pub, message, signature);

// Writing.  Counts and lengths that are not given are the true ones, so a vector can lie.
export function encodeBody(m) {
  const parts = [Buffer.from(m.magic ?? 'SPM1'), u8(m.flags ?? 0),
    u8(m.deviceCount ?? m.devices.length), u16(m.reserved ?? 0), u64(m.epoch), u64(m.created),
    m.account ?? ZERO, m.prev ?? ZERO, m.recovery ?? ZERO];
  for (const d of m.devices) {
    parts.push(u32(d.id), u8(d.flags ?? 0), u8(d.keyCount ?? d.keys.length), u64(d.added), d.pub);
    for (const k of d.keys) parts.push(u16(k.type), u16(k.size ?? k.key.length), k.key);
  }
  return Buffer.concat(parts);
}
export const encodeSignatures = (signatures, count = signatures.length) =>
  Buffer.concat([u8(count), ...signatures.flatMap((s) => [u32(s.signer), s.signature])]);
export const hashOf = (body) => sha256(label('sealpost/manifest-hash/1'), body);
export const messageOf = (body) => Buffer.concat([label('sealpost/manifest-sig/1'), body]);
export const accountOf = (body) =>
  sha256(label('sealpost/account/1'), body.subarray(0, 24), ZERO, body.subarray(56));

// Reading: rule 1.
class Malformed extends Error {}
const need = (condition, what) => { if (!condition) throw new Malformed(what); };

class Reader {
  constructor(bytes) { this.bytes = bytes; this.at = 0; }
  take(size) {
    need(this.at + size <= this.bytes.length, 'cut short');
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }
  number(size) { return Number(this.take(size).readUIntBE(0, size)); }
  long() { return this.take(8).readBigUInt64BE(); }
}

const KEY_SIZES = { 1: [33, 33], 2: [32, 32], 3: [32, 32] };
function parseKey(r) {
  const type = r.number(2), key = r.take(r.number(2));
  const [least, most] = KEY_SIZES[type] ?? (type >= 0x8000 ? [1, 2048] : [1, 0]);
  need(key.length >= least && key.length <= most, 'key');
  need(type !== 1 || key[0] === 5, 'signal key');
  return { type, key };
}
const isAscending = (list) => list.every((n, i) => i === 0 || list[i - 1] < n);

function parseDevice(r) {
  const d = { id: r.number(4), flags: r.number(1) };
  const count = r.number(1);
  Object.assign(d, { added: r.long(), pub: r.take(32), keys: [] });
  need(d.id >= 1 && d.id <= 127 && d.flags <= 3 && count <= 8, 'device');
  need(pointIsGood(d.pub), 'device_pub');
  while (d.keys.length < count) d.keys.push(parseKey(r));
  need(isAscending(d.keys.map((k) => k.type)), 'order of keys');
  return d;
}

export function parse(bytes) {
  need(bytes.length <= 65536, 'size');
  const r = new Reader(bytes);
  need(r.take(4).toString('latin1') === 'SPM1', 'magic');
  const m = { flags: r.number(1) };
  const count = r.number(1);
  need(m.flags <= 1 && count >= 1 && count <= 32 && r.number(2) === 0, 'head');
  m.epoch = r.long();
  need(r.long() % 3600n === 0n, 'created');
  Object.assign(m, { account: r.take(32), prev: r.take(32), recovery: r.take(32), devices: [] });
  m.hasRecovery = !m.recovery.equals(ZERO);
  need(!m.hasRecovery || pointIsGood(m.recovery), 'recovery_pub');
  while (m.devices.length < count) m.devices.push(parseDevice(r));
  need(isAscending(m.devices.map((d) => d.id)), 'order of devices');
  need(m.hasRecovery || m.devices.some((d) => d.flags & ADMIN), 'no admin');
  m.body = bytes.subarray(0, r.at);
  m.signatures = new Map();
  for (let left = r.number(1), before = -1; left > 0; left--) {
    const signer = r.number(4);
    need(signer > before && (signer <= 127 || signer === NEW_RECOVERY), 'signer');
    m.signatures.set(before = signer, r.take(64));
  }
  need(r.at === bytes.length, 'bytes after the end');
  return m;
}

// Rules 2 to 7: each is a question by itself.
const deviceOf = (m, id) => m.devices.find((d) => d.id === id);
function signs(m, signer, pub) {
  const signature = m.signatures.get(signer);
  return signature !== undefined && pub !== undefined && !pub.equals(ZERO) &&
    strictVerify(pub, messageOf(m.body), signature);
}
const uniquePubs = (m) => new Set(m.devices.map((d) => d.pub.toString('hex'))).size ===
  m.devices.length;
const keysText = (d) => d.keys.map((k) => `${k.type}:${k.key.toString('hex')}`).join();

const firstRules = {
  2: (m) => m.epoch === 0n && m.flags === 0 && m.prev.equals(ZERO) &&
    m.account.equals(accountOf(m.body)) && m.devices.every((d) => d.added === 0n) &&
    m.devices.every((d) => signs(m, d.id, d.pub)) && !m.signatures.has(NEW_RECOVERY) &&
    (m.hasRecovery ? signs(m, 0, m.recovery) : !m.signatures.has(0)),
  5: (m) => uniquePubs(m) &&
    [...m.signatures.keys()].every((s) => s === 0 || s === NEW_RECOVERY || deviceOf(m, s)),
};

function holdsRule5(old, next) {
  const differs = !old.recovery.equals(next.recovery);
  const keyFor = (s) => {
    if (s === 0) return old.recovery;
    if (s === NEW_RECOVERY) return differs ? next.recovery : undefined;
    return (deviceOf(old, s) ?? deviceOf(next, s))?.pub;
  };
  const signers = [...next.signatures.keys()];
  const newcomers = next.devices.filter((d) => !deviceOf(old, d.id));
  const survivors = next.devices.filter((d) => deviceOf(old, d.id));
  return uniquePubs(next) && signers.every((s) => signs(next, s, keyFor(s))) &&
    newcomers.every((d) => d.added === next.epoch && signers.includes(d.id)) &&
    survivors.every((d) => {
      const before = deviceOf(old, d.id);
      return d.added === before.added && d.pub.equals(before.pub);
    });
}

const nextRules = {
  3: (old, next) => next.account.equals(old.account) && next.epoch === old.epoch + 1n &&
    next.prev.equals(hashOf(old.body)),
  4: (old, next) => signs(next, 0, old.recovery) || (!(next.flags & RECOVERY) &&
    old.devices.some((d) => d.flags & ADMIN && next.signatures.has(d.id))),
  5: holdsRule5,
  6: (old, next) => next.devices.every((d) => {
    const before = deviceOf(old, d.id);
    return !before || keysText(before) === keysText(d) || next.signatures.has(d.id);
  }),
  7: (old, next) => {
    const has = (s) => next.signatures.has(s);
    if (old.recovery.equals(next.recovery)) return true;
    if (!old.hasRecovery) {
      return has(NEW_RECOVERY) && old.devices.every((d) => !(d.flags & ADMIN) || has(d.id));
    }
    return has(0) && (!next.hasRecovery || has(NEW_RECOVERY));
  },
};

// The number of the lowest broken rule, 0 when none is.
export function verdict(oldBytes, nextBytes) {
  const old = oldBytes && parse(oldBytes);
  let next;
  try {
    next = parse(nextBytes);
  } catch (error) {
    if (error instanceof Malformed) return 1;
    throw error;
  }
  const rules = old ? nextRules : firstRules;
  const broken = Object.keys(rules).filter((n) => !(old ? rules[n](old, next) : rules[n](next)));
  return broken.length === 0 ? 0 : Math.min(...broken.map(Number));
}

// SPDX-License-Identifier: Apache-2.0
// The validity rules 1 to 7 of manifests, as a client runs them.  brokenRule
// gives the lowest number that fails, or 0.
import {
  ADMIN, DEHYDRATED, RECOVERY, SIGNER_INCOMING, SIGNER_RECOVERY, ZERO32, accountIdOf,
  parseManifest, signatureInput,
} from './manifest.mjs';
import { isGoodPoint, verifySignature } from './keys.mjs';

const KEY_SIZES = new Map([[1, 33], [2, 32], [3, 32]]);
const PRIVATE_USE = 0x8000;

const isRising = (numbers) => numbers.every((n, i) => i === 0 || numbers[i - 1] < n);
const find = (manifest, id) => manifest.devices.find((device) => device.id === id);
const isAdmin = (device) => device !== undefined && (device.flags & ADMIN) !== 0;
const hasRecovery = (manifest) => !manifest.recoveryPub.equals(ZERO32);

function isKeyValid({ type, bytes }) {
  if (type >= PRIVATE_USE) {
    return bytes.length >= 1 && bytes.length <= 2048;
  }
  return KEY_SIZES.get(type) === bytes.length && (type !== 1 || bytes[0] === 0x05);
}

function isDeviceValid(device) {
  return device.id >= 1 && device.id <= 127 && (device.flags & ~(ADMIN | DEHYDRATED)) === 0
    && isGoodPoint(device.pub) && device.keys.length <= 8
    && isRising(device.keys.map((key) => key.type))
    && device.keys.every(isKeyValid);
}

function isWellFormed(manifest, size) {
  const ids = manifest.devices.map((device) => device.id);
  return size <= 65536 && manifest.magic === 'SPM1' && (manifest.flags & ~RECOVERY) === 0
    && manifest.reserved === 0 && manifest.devices.length >= 1 && manifest.devices.length <= 32
    && manifest.created % 3600n === 0n && isRising(ids)
    && manifest.devices.every(isDeviceValid)
    && isRising(manifest.signatures.map((signature) => signature.signer))
    && manifest.signatures.every(({ signer }) => signer <= 127 || signer === SIGNER_INCOMING)
    && (!hasRecovery(manifest) || isGoodPoint(manifest.recoveryPub))
    && (hasRecovery(manifest) || manifest.devices.some(isAdmin));
}

function keyOf(old, fresh, signer) {
  if (signer === SIGNER_RECOVERY) {
    return (old ?? fresh).recoveryPub;
  }
  if (signer === SIGNER_INCOMING) {
    return fresh.recoveryPub;
  }
  return ((old && find(old, signer)) ?? find(fresh, signer))?.pub;
}

function isSignedBy(old, fresh, signer) {
  const signature = fresh.signatures.find((each) => each.signer === signer);
  const key = keyOf(old, fresh, signer);
  return signature !== undefined && key !== undefined && !key.equals(ZERO32)
    && verifySignature(key, signatureInput(fresh.body), signature.bytes);
}

function isFirstValid(fresh) {
  const signers = fresh.devices.map((device) => device.id);
  if (hasRecovery(fresh)) {
    signers.push(SIGNER_RECOVERY);
  }
  const present = fresh.signatures.map(({ signer }) => signer);
  return fresh.epoch === 0n && fresh.accountId.equals(accountIdOf(fresh.body))
    && fresh.flags === 0 && fresh.prevHash.equals(ZERO32)
    && fresh.devices.every((device) => device.addedEpoch === 0n)
    && signers.every((signer) => isSignedBy(null, fresh, signer))
    && !present.includes(SIGNER_INCOMING)
    && present.includes(SIGNER_RECOVERY) === hasRecovery(fresh);
}

const areKeysUnique = (manifest) => new Set(
  manifest.devices.map((device) => device.pub.toString('hex')),
).size === manifest.devices.length;

// What rule 5 asks of a first manifest.
const isFirstConsistent = (fresh) => areKeysUnique(fresh) && fresh.signatures.every(
  ({ signer }) => signer === SIGNER_RECOVERY || find(fresh, signer) !== undefined,
);

const isSuccessor = (old, fresh) => fresh.accountId.equals(old.accountId)
  && fresh.epoch === old.epoch + 1n && fresh.prevHash.equals(old.hash);

function hasAuthority(old, fresh) {
  const byRecovery = isSignedBy(old, fresh, SIGNER_RECOVERY);
  if ((fresh.flags & RECOVERY) !== 0) {
    return byRecovery;
  }
  return byRecovery || old.devices.some(
    (device) => isAdmin(device) && fresh.signatures.some(({ signer }) => signer === device.id),
  );
}

function areSignaturesGood(old, fresh) {
  return fresh.signatures.every(({ signer }) => isSignedBy(old, fresh, signer)
    && (signer !== SIGNER_INCOMING || !fresh.recoveryPub.equals(old.recoveryPub)));
}

function areDevicesConsistent(old, fresh) {
  return areKeysUnique(fresh) && fresh.devices.every((device) => {
    const before = find(old, device.id);
    if (before === undefined) {
      return device.addedEpoch === fresh.epoch && isSignedBy(old, fresh, device.id);
    }
    return before.pub.equals(device.pub) && before.addedEpoch === device.addedEpoch;
  });
}

const keyList = (device) => JSON.stringify(
  device.keys.map((key) => [key.type, key.bytes.toString('hex')]),
);

const areKeyListsOwn = (old, fresh) => fresh.devices.every((device) => {
  const before = find(old, device.id);
  return before === undefined || keyList(before) === keyList(device)
    || isSignedBy(old, fresh, device.id);
});

function isRecoveryChangeAllowed(old, fresh) {
  if (fresh.recoveryPub.equals(old.recoveryPub)) {
    return true;
  }
  if (!hasRecovery(fresh)) {
    return isSignedBy(old, fresh, SIGNER_RECOVERY);
  }
  const incoming = isSignedBy(old, fresh, SIGNER_INCOMING);
  if (hasRecovery(old)) {
    return incoming && isSignedBy(old, fresh, SIGNER_RECOVERY);
  }
  return incoming && old.devices.filter(isAdmin).every(
    (device) => isSignedBy(old, fresh, device.id),
  );
}

const FIRST_RULES = [[2, isFirstValid], [5, isFirstConsistent]];
const LATER_RULES = [
  [3, isSuccessor], [4, hasAuthority],
  [5, (old, fresh) => areSignaturesGood(old, fresh) && areDevicesConsistent(old, fresh)],
  [6, areKeyListsOwn], [7, isRecoveryChangeAllowed],
];

// old: the signed bytes of the head, or null for epoch 0.
export function brokenRule(old, signed) {
  let fresh;
  try {
    fresh = parseManifest(signed);
  } catch {
    return 1;
  }
  if (!isWellFormed(fresh, signed.length)) {
    return 1;
  }
  if (old === null) {
    return FIRST_RULES.find(([, holds]) => !holds(fresh))?.[0] ?? 0;
  }
  const before = parseManifest(old);
  return LATER_RULES.find(([, holds]) => !holds(before, fresh))?.[0] ?? 0;
}

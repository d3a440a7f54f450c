// SPDX-License-Identifier: Apache-2.0
// Writes ../../vectors/mls.json: KeyPackages, messages and Welcomes as ts-mls makes them, with what
// it says of them itself. Its keys are random, so each run writes other bytes.
// From tests/e2e:  node support/make_mls_vectors.mjs
import { writeFileSync } from 'node:fs';
import * as mls from 'ts-mls';
import { encodeKeyPackage, makeKeyPackageRef } from 'ts-mls/keyPackage.js';
import './webcrypto.mjs';

const FILE = new URL('../../vectors/mls.json', import.meta.url);
const LAST_RESORT = { extensionType: 0x000a, extensionData: new Uint8Array() };
const SUITES = {
  'X25519 AES-128': 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519',
  'X25519 ChaCha20': 'MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519',
  'X-Wing AES-256': 'MLS_256_XWING_AES256GCM_SHA512_Ed25519',
  'X-Wing ChaCha20': 'MLS_256_XWING_CHACHA20POLY1305_SHA512_Ed25519',
  P256: 'MLS_128_DHKEMP256_AES128GCM_SHA256_P256',
  P384: 'MLS_256_DHKEMP384_AES256GCM_SHA384_P384',
};
const UNVERIFIED = new Set(['P256', 'P384']);

const text = (words) => new TextEncoder().encode(words);
const hex = (bytes) => Buffer.from(bytes).toString('hex');
const basic = (name) => ({ credentialType: 'basic', identity: text(name) });
const suiteOf = (name) => mls.getCiphersuiteImpl(mls.getCiphersuiteFromName(SUITES[name]));

async function makeMember(suite, name, { credential, lifetime, extensions, leaf } = {}) {
  return mls.generateKeyPackage(credential ?? basic(name), mls.defaultCapabilities(),
    lifetime ?? mls.defaultLifetime, extensions ?? [], suite, leaf ?? []);
}

async function describe(name, suiteName, options = {}) {
  const suite = await suiteOf(suiteName);
  const { publicPackage: made } = await makeMember(suite, 'device@relay.example', options);
  const { notBefore, notAfter } = made.leafNode.lifetime;
  return {
    name: `${suiteName}${name}`,
    suite: mls.ciphersuites[SUITES[suiteName]],
    verified: !UNVERIFIED.has(suiteName),
    package: hex(encodeKeyPackage(made)),
    reference: hex(await makeKeyPackageRef(made, suite.hash)),
    init_key: hex(made.initKey),
    signature_key: hex(made.leafNode.signaturePublicKey),
    not_before: String(notBefore),
    not_after: String(notAfter),
    last_resort: (options.extensions ?? []).includes(LAST_RESORT),
  };
}

async function describePackages() {
  const lifetime = { notBefore: 1767225600n, notAfter: 1775001600n };
  const certificates = [new Uint8Array(300).fill(0x30), new Uint8Array(20).fill(0x31)];
  const found = [];
  for (const suiteName of Object.keys(SUITES)) {
    found.push(await describe('', suiteName));
    found.push(await describe(', last resort', suiteName, { lifetime, extensions: [LAST_RESORT] }));
  }
  const first = 'X25519 AES-128';
  found.push(await describe(', x509', first, { credential: { credentialType: 'x509', certificates } }));
  found.push(await describe(', last resort among others', first, {
    extensions: [{ extensionType: 0x5a5a, extensionData: text('grease') }, LAST_RESORT,
      { extensionType: 0xf001, extensionData: new Uint8Array(100) }],
  }));
  found.push(await describe(', last resort in the leaf alone', first, { leaf: [LAST_RESORT] }));
  return found;
}

const privateOf = (privateMessage) =>
  ({ privateMessage, wireformat: 'mls_private_message', version: 'mls10' });
const publicOf = (publicMessage) =>
  ({ publicMessage, wireformat: 'mls_public_message', version: 'mls10' });
const message = (name, made, state, contentType) => ({
  name,
  message: hex(mls.encodeMlsMessage(made)),
  wire_format: { mls_public_message: 1, mls_private_message: 2 }[made.wireformat],
  group_id: hex(state.groupContext.groupId),
  epoch: String(state.groupContext.epoch),
  content_type: mls.contentTypes[contentType],
});

// The commit that adds members, as both forms, and its Welcome.
async function add(state, suite, members, wireAsPublicMessage) {
  const extraProposals = members.map(({ publicPackage: keyPackage }) =>
    ({ proposalType: 'add', add: { keyPackage } }));
  return mls.createCommit({ state, cipherSuite: suite },
    { extraProposals, wireAsPublicMessage, ratchetTreeExtension: true });
}

async function describeWelcome(suiteName, { welcome }, members, suite) {
  return {
    name: `${suiteName}, ${members.length}`,
    message: hex(mls.encodeMlsMessage({ welcome, wireformat: 'mls_welcome', version: 'mls10' })),
    suite: mls.ciphersuites[SUITES[suiteName]],
    members: await Promise.all(members.map(async ({ publicPackage }) =>
      hex(await makeKeyPackageRef(publicPackage, suite.hash)))),
  };
}

async function describeGroup(suiteName, groupId) {
  const suite = await suiteOf(suiteName);
  const creator = await makeMember(suite, 'creator');
  const empty = await mls.createGroup(groupId, creator.publicPackage, creator.privatePackage, [], suite);
  const one = [await makeMember(suite, 'one')];
  const three = [];
  for (const name of ['two', 'three', 'four']) {
    three.push(await makeMember(suite, name));
  }
  const first = await add(empty, suite, one, true);
  const second = await add(first.newState, suite, three, false);
  const state = second.newState;
  const open = await mls.createProposal(state, true, { proposalType: 'remove', remove: { removed: 1 } }, suite);
  const sealed = await mls.createProposal(state, false, { proposalType: 'remove', remove: { removed: 1 } }, suite);
  const spoken = await mls.createApplicationMessage(state, text('hello'), suite, text('for all to see'));
  const info = await mls.createGroupInfoWithExternalPubAndRatchetTree(state, [], suite);
  const stranger = await makeMember(suite, 'stranger');
  const asking = await mls.proposeAddExternal(info, stranger.publicPackage, stranger.privatePackage, suite);
  const joining = await mls.joinGroupExternal(info, stranger.publicPackage, stranger.privatePackage, false, suite);
  return {
    messages: [
      message(`${suiteName}, public commit`, first.commit, empty, 'commit'),
      message(`${suiteName}, private commit`, second.commit, first.newState, 'commit'),
      message(`${suiteName}, public proposal`, open.message, state, 'proposal'),
      message(`${suiteName}, private proposal`, sealed.message, state, 'proposal'),
      message(`${suiteName}, application`, privateOf(spoken.privateMessage), state, 'application'),
      message(`${suiteName}, proposal of a stranger`, asking, state, 'proposal'),
      message(`${suiteName}, commit of a stranger`, publicOf(joining.publicMessage), state, 'commit'),
    ],
    welcomes: [await describeWelcome(suiteName, first, one, suite),
      await describeWelcome(suiteName, second, three, suite)],
    group_info: hex(mls.encodeMlsMessage({ groupInfo: info, wireformat: 'mls_group_info', version: 'mls10' })),
    key_package: hex(mls.encodeMlsMessage({
      keyPackage: stranger.publicPackage, wireformat: 'mls_key_package', version: 'mls10',
    })),
  };
}

const small = await describeGroup('X25519 AES-128', text('a group'));
const large = await describeGroup('X-Wing AES-256', new Uint8Array(70).fill(7));
writeFileSync(FILE, JSON.stringify({
  about: 'made by ts-mls with tests/e2e/support/make_mls_vectors.mjs; instants are Unix seconds',
  key_packages: await describePackages(),
  messages: [...small.messages, ...large.messages],
  welcomes: [...small.welcomes, ...large.welcomes],
  group_info: small.group_info,
  key_package_message: small.key_package,
}, null, 1) + '\n');

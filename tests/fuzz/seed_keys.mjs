// SPDX-License-Identifier: Apache-2.0
// Writes the corpora of fuzz_keypackage.c, fuzz_mlsmessage.c and fuzz_xeddsa.c from the vectors.
// node tests/fuzz/seed_keys.mjs
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const MOST = 4096; // the fuzzer does better with small inputs
const read = (name) => JSON.parse(readFileSync(new URL(`../vectors/${name}`, import.meta.url)));
function seed(noun, name, hex) {
  const folder = new URL(`corpus/${noun}/`, import.meta.url);
  const bytes = Buffer.from(hex, 'hex');
  mkdirSync(folder, { recursive: true });
  if (bytes.length <= MOST) {
    writeFileSync(new URL(name.replace(/[^A-Za-z0-9]+/g, '-').toLowerCase(), folder), bytes);
  }
}

const mls = read('mls.json');
for (const { name, package: bytes } of mls.key_packages) {
  seed('keypackage', name, bytes);
}
for (const { name, package: bytes } of read('mls_odd.json').vectors) {
  seed('keypackage', `odd ${name}`, bytes);
}
for (const { name, message } of mls.messages) {
  seed('mlsmessage', name, message);
}
for (const { name, message } of mls.welcomes) {
  seed('mlsmessage', `welcome ${name}`, message);
}
seed('mlsmessage', 'group info', mls.group_info);
seed('mlsmessage', 'key package', mls.key_package_message);
read('xeddsa.json').vectors.slice(0, 60).forEach(({ pub, sig, msg }, i) => {
  if (msg.length < 200 && i % 4 === 0) seed('xeddsa', `libsignal ${i}`, pub.slice(2) + sig + msg);
});
for (const { name, u, sig, msg } of read('xeddsa_odd.json').vectors) {
  seed('xeddsa', name, u + sig + msg);
}

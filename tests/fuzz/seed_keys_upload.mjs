// SPDX-License-Identifier: Apache-2.0
// Writes the corpus of fuzz_keys_upload.c: a body, a zero byte, the identity keys under which its keys
// are good at the target's time.  node tests/fuzz/seed_keys_upload.mjs
import { mkdirSync, writeFileSync } from 'node:fs';
import {
  EC, KYBER, LAST, MLS, MlsKeys, SIGNED, SignalKeys, numbered, oneTimeEc,
} from '../e2e/support/prekeys.mjs';
import { b64u } from '../e2e/support/bytes.mjs';

const NOW_S = 1_800_000_000;
const DAY_S = 86_400;
const folder = new URL('corpus/keys_upload/', import.meta.url);
const signal = new SignalKeys();
const mls = await MlsKeys.create();
const identity = Buffer.concat([Buffer.from([0]), signal.entry.bytes, mls.entry.bytes]);

function seed(name, body, keys = identity) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  writeFileSync(new URL(name, folder), Buffer.concat([Buffer.from(text), keys]));
}

const lifetime = (notBefore, notAfter) => ({
  lifetime: { notBefore: NOW_S + notBefore, notAfter: NOW_S + notAfter },
});
const month = lifetime(-10, 30 * DAY_S);
const ec = oneTimeEc(7);
const signed = signal.signedEc(8);
const good = await mls.keyPackage(month);
const opaque = (id, bytes, fields = {}) => ({ id, key: b64u(Buffer.alloc(bytes, id)), ...fields });

mkdirSync(folder, { recursive: true });
seed('nothing', { slots: {} });
seed('empty', '', Buffer.alloc(0));
seed('registration', { registration_id: 4294967295, slots: { [EC]: [] } });
seed('one_time_ec', { slots: { [EC]: numbered(3, oneTimeEc) } });
seed('signed_ec', { slots: { [SIGNED]: [signed] } });
seed('kyber', { slots: { [KYBER]: [signal.kyber(1)], [LAST]: [signal.kyber(2)] } });
seed('key_package', { slots: { [MLS]: [good] } });
seed('key_package_last_resort', { slots: { [MLS]: [good, await mls.keyPackage({ ...month, extensionLastResort: true })] } });
seed('key_package_last_resort_said', { slots: { [MLS]: [{ ...good, last_resort: true }] } });
seed('key_package_over', { slots: { [MLS]: [await mls.keyPackage(lifetime(-20, -10))] } });
seed('key_package_not_yet', { slots: { [MLS]: [await mls.keyPackage(lifetime(7200, 9000))] } });
seed('key_package_of_another', { slots: { [MLS]: [await (await MlsKeys.create()).keyPackage(month)] } });
seed('key_package_other_id', { slots: { [MLS]: [{ ...good, id: b64u(Buffer.alloc(32)) }] } });
seed('key_package_unknown_suite', {
  slots: { [MLS]: [{ id: b64u(Buffer.alloc(64, 1)), key: b64u(Buffer.from('0001f00120'.padEnd(600, '5a'), 'hex')) }] },
});
seed('all_slots', {
  registration_id: 0,
  slots: {
    [EC]: [ec], [SIGNED]: [signed], [MLS]: [good],
    'x.note': [opaque(1, 1)], 'x.post': [opaque(2, 9), opaque(3, 5, { last_resort: true })],
    'x.spare': [opaque(4, 3, { signature: b64u(Buffer.alloc(64)) })],
  },
});
seed('replace', { slots: { [EC]: [ec], 'x.post': [opaque(2, 9)] }, replace: [EC] });
seed('replace_with_nothing', { slots: { [EC]: [] }, replace: [EC] });
seed('replace_twice', { slots: { [EC]: [ec] }, replace: [EC, EC] });
seed('replace_unknown', { slots: { [EC]: [ec] }, replace: ['x.none', 7] });
seed('seventeen_are_two_turns', { slots: { 'x.post': numbered(17, (id) => opaque(id, 1)) } });
seed('a_hundred_and_one', { slots: { 'x.post': numbered(101, (id) => opaque(id, 1)) } });
seed('two_static', { slots: { 'x.note': [opaque(1, 1), opaque(2, 1)] } });
seed('two_last_resorts', { slots: { 'x.post': [1, 2].map((id) => opaque(id, 1, { last_resort: true })) } });
seed('same_id_twice', { slots: { 'x.post': [opaque(5, 1), opaque(6, 2), opaque(5, 3)] } });
seed('ids_out_of_range', { slots: { [EC]: [{ ...ec, id: -1 }] } });
seed('id_above_32_bits', { slots: { [EC]: [{ ...ec, id: 4294967296 }] } });
seed('id_as_text', { slots: { [EC]: [{ ...ec, id: '7' }] } });
seed('last_resort_that_is_none', { slots: { [EC]: [{ ...ec, last_resort: true }] } });
seed('short_key', { slots: { [EC]: [{ id: 1, key: 'BQ' }] } });
seed('other_type', { slots: { [EC]: [{ id: 1, key: b64u(Buffer.alloc(33)) }] } });
seed('no_signature', { slots: { [SIGNED]: [{ id: 8, key: signed.key }] } });
seed('short_signature', { slots: { [SIGNED]: [{ ...signed, signature: 'AAAA' }] } });
seed('wrong_signature', { slots: { [SIGNED]: [{ ...signed, signature: b64u(Buffer.alloc(64, 1)) }] } });
seed('unwanted_signature', { slots: { [EC]: [{ ...ec, signature: signed.signature }] } });
seed('no_identity', { slots: { [SIGNED]: [signed] } }, Buffer.alloc(0));
seed('identity_cut', { slots: { [SIGNED]: [signed] } }, identity.subarray(0, 20));
seed('unknown_slot', { slots: { 'x.none': [] } });
seed('odd_slot', '{"slots":{"\\u0001\\"x\\ud83d\\ude00":[]}}');
seed('unknown_member', { slots: { [EC]: [{ ...ec, note: 'x' }] } });
seed('unknown_member_above', { slots: { [EC]: [ec] }, note: 1 });
seed('slot_twice', `{"slots":{"${EC}":[],"${EC}":[]}}`);
seed('no_array', { slots: { [EC]: {} } });
seed('no_object', { slots: { [EC]: [1] } });
seed('padded_key', { slots: { [EC]: [{ id: 1, key: 'AA==' }] } });
seed('remove_slots', { slots: [EC, MLS, 'x.note'] });
seed('remove_slot_twice', { slots: [EC, EC] });
seed('remove_ids', { slots: { [EC]: [1, 2, 4294967295, -1], [MLS]: [good.id, ''] } });
seed('remove_too_many', { slots: { [EC]: numbered(257, (id) => id) } });
seed('remove_wrong_ids', { slots: { [EC]: ['1'] } });

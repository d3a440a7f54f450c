/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule 1: the form.  Everything that can be said of one manifest without
 * verifying a signature is said here, so that the rules after it work on values
 * that are in range and in order.
 */
#include "common/manifest.h"

#include <assert.h>
#include <string.h>

#include "common/check.h"
#include "common/crypto.h"
#include "common/manifest_private.h"
#include "common/wire.h"

enum {
    MAGIC_BYTES = 4,
    CREATED_STEP_S = 3600,
    SIGNAL_KEY_FIRST_BYTE = 0x05, /* libsignal's mark of a Curve25519 key */
};

static_assert(MANIFEST_SIGNERS <= UINT8_MAX, "n_sigs is one byte");
static_assert(MANIFEST_PREV_OFFSET + MANIFEST_HASH_BYTES + CRYPTO_PUBLIC_BYTES ==
                  MANIFEST_HEAD_BYTES,
              "the layout");

static const uint8_t magic[MAGIC_BYTES] = { 'S', 'P', 'M', '1' };
static const uint8_t zeros[32];

static void take(struct wire *wire, void *out, size_t size)
{
    struct bytes field = wire_bytes(wire, size);

    if (field.size == size) {
        memcpy(out, field.at, size);
    }
}

static bool read_head(struct wire *wire, struct manifest *out)
{
    struct bytes mark = wire_bytes(wire, MAGIC_BYTES);

    out->flags = wire_u8(wire);
    out->device_count = wire_u8(wire);
    uint16_t reserved = wire_u16(wire);
    out->epoch = wire_u64(wire);
    out->created = wire_u64(wire);
    take(wire, out->account.raw, sizeof out->account.raw);
    take(wire, out->prev.raw, sizeof out->prev.raw);
    take(wire, out->recovery_pub, sizeof out->recovery_pub);
    if (wire_is_bad(wire) || !bytes_equal(mark, bytes_of(magic, sizeof magic))) {
        return false;
    }
    out->has_recovery = memcmp(out->recovery_pub, zeros, sizeof zeros) != 0;
    return (out->flags & ~MANIFEST_FLAG_RECOVERY) == 0 && reserved == 0 && out->device_count >= 1 &&
           out->device_count <= LIMIT_MANIFEST_DEVICES && out->created % CREATED_STEP_S == 0;
}

static bool key_is_well_formed(const struct manifest_key *key)
{
    switch (key->type) {
    case MANIFEST_KEY_SIGNAL:
        return key->key.size == 33 && key->key.at[0] == SIGNAL_KEY_FIRST_BYTE;
    case MANIFEST_KEY_MLS:
    case MANIFEST_KEY_HPKE:
        return key->key.size == 32;
    default:
        return key->type >= MANIFEST_KEY_PRIVATE && key->key.size >= 1 &&
               key->key.size <= LIMIT_PRIVATE_KEY_BYTES;
    }
}

bool manifest_read_keys(struct wire *wire, struct manifest_device *device)
{
    for (size_t i = 0; i < device->key_count; i++) {
        struct manifest_key *key = &device->keys[i];

        key->type = wire_u16(wire);
        key->key = wire_bytes(wire, wire_u16(wire));
        if (wire_is_bad(wire) || !key_is_well_formed(key) ||
            (i > 0 && key->type <= device->keys[i - 1].type)) {
            return false;
        }
    }
    return true;
}

/* after is the number of the device before it, or 0. */
static bool read_device(struct wire *wire, uint32_t after, struct manifest_device *device)
{
    const uint8_t known_flags = MANIFEST_DEVICE_ADMIN | MANIFEST_DEVICE_DEHYDRATED;

    device->device_id = wire_u32(wire);
    device->flags = wire_u8(wire);
    device->key_count = wire_u8(wire);
    device->added_epoch = wire_u64(wire);
    take(wire, device->pub.raw, sizeof device->pub.raw);
    return !wire_is_bad(wire) && device->device_id > after &&
           device->device_id <= LIMIT_DEVICE_ID && (device->flags & ~known_flags) == 0 &&
           device->key_count <= LIMIT_DEVICE_KEYS && manifest_read_keys(wire, device);
}

static bool read_devices(struct wire *wire, struct manifest *out)
{
    bool any_admin = false;
    uint32_t after = 0;

    for (size_t i = 0; i < out->device_count; i++) {
        struct manifest_device *device = &out->devices[i];

        if (!read_device(wire, after, device)) {
            return false;
        }
        after = device->device_id;
        any_admin = any_admin || (device->flags & MANIFEST_DEVICE_ADMIN) != 0;
    }
    return any_admin || out->has_recovery;
}

static bool read_signatures(struct wire *wire, struct manifest *out)
{
    out->signature_count = wire_u8(wire);
    if (wire_is_bad(wire) || out->signature_count > MANIFEST_SIGNERS) {
        return false;
    }
    for (size_t i = 0; i < out->signature_count; i++) {
        struct manifest_signature *signature = &out->signatures[i];

        signature->signer = wire_u32(wire);
        signature->signature = wire_bytes(wire, CRYPTO_SIGNATURE_BYTES).at;
        if (wire_is_bad(wire) ||
            (signature->signer > LIMIT_DEVICE_ID &&
             signature->signer != MANIFEST_SIGNER_NEW_RECOVERY) ||
            (i > 0 && signature->signer <= out->signatures[i - 1].signer)) {
            return false;
        }
    }
    return true;
}

/* All of rule 1 but the points. */
static bool read_form(struct bytes input, struct manifest *out)
{
    struct wire wire = wire_of(input);

    if (input.size > LIMIT_MANIFEST_BYTES || !read_head(&wire, out) || !read_devices(&wire, out)) {
        return false;
    }
    out->body = bytes_of(input.at, input.size - wire.left);
    out->signed_bytes = input;
    return read_signatures(&wire, out) && wire.left == 0;
}

static bool points_are_valid(const struct manifest *manifest)
{
    bool valid = !manifest->has_recovery || crypto_point_is_valid(manifest->recovery_pub);

    for (size_t i = 0; i < manifest->device_count && valid; i++) {
        valid = crypto_point_is_valid(manifest->devices[i].pub.raw);
    }
    return valid;
}

enum manifest_verdict manifest_parse(struct bytes input, struct manifest *out)
{
    struct manifest read = { 0 };

    if (!read_form(input, &read) || !points_are_valid(&read)) {
        return MANIFEST_RULE_1_FORM;
    }
    *out = read;
    return MANIFEST_VALID;
}

bool manifest_parse_stored(struct bytes input, struct bytes hash, struct manifest *out)
{
    struct manifest read = { 0 };
    struct manifest_hash is;

    if (!read_form(input, &read)) {
        return false;
    }
    manifest_hash_of(read.body, &is);
    if (!bytes_equal(hash, bytes_of(is.raw, sizeof is.raw))) {
        return false;
    }
    *out = read;
    return true;
}

void manifest_hash_of(struct bytes body, struct manifest_hash *out)
{
    static const char label[] = "sealpost/manifest-hash/1";
    const struct bytes parts[] = { bytes_of(label, sizeof label), body };

    CHECK(body.size >= MANIFEST_HEAD_BYTES);
    crypto_sha256(parts, sizeof parts / sizeof parts[0], out->raw);
}

void manifest_account_of(struct bytes first_body, struct account_id *out)
{
    static const char label[] = "sealpost/account/1";

    CHECK(first_body.size >= MANIFEST_HEAD_BYTES);
    const struct bytes parts[] = {
        bytes_of(label, sizeof label),
        bytes_of(first_body.at, MANIFEST_ACCOUNT_OFFSET),
        bytes_of(zeros, ACCOUNT_ID_BYTES),
        bytes_of(first_body.at + MANIFEST_PREV_OFFSET, first_body.size - MANIFEST_PREV_OFFSET),
    };
    crypto_sha256(parts, sizeof parts / sizeof parts[0], out->raw);
}

const struct manifest_device *manifest_find(const struct manifest *manifest, uint32_t device_id)
{
    for (size_t i = 0; i < manifest->device_count; i++) {
        if (manifest->devices[i].device_id == device_id) {
            return &manifest->devices[i];
        }
    }
    return NULL;
}

const struct manifest_device *manifest_find_pub(const struct manifest *manifest,
                                                const struct device_pub *pub)
{
    for (size_t i = 0; i < manifest->device_count; i++) {
        if (memcmp(manifest->devices[i].pub.raw, pub->raw, sizeof pub->raw) == 0) {
            return &manifest->devices[i];
        }
    }
    return NULL;
}

struct bytes manifest_find_key(const struct manifest_device *device, uint16_t type)
{
    for (size_t i = 0; i < device->key_count; i++) {
        if (device->keys[i].type == type) {
            return device->keys[i].key;
        }
    }
    return bytes_of(NULL, 0);
}

const char *manifest_verdict_text(enum manifest_verdict verdict)
{
    switch (verdict) {
    case MANIFEST_VALID:
        return "The manifest is valid.";
    case MANIFEST_RULE_1_FORM:
        return "The bytes are not a well-formed manifest: check lengths, order, flags and points.";
    case MANIFEST_RULE_2_FIRST:
        return "A first manifest needs its own account id and the signature of every key in it.";
    case MANIFEST_RULE_3_CHAIN:
        return "The account id, the epoch or prev_hash does not continue the head: fetch it again.";
    case MANIFEST_RULE_4_AUTHORITY:
        return "No ADMIN device of the head and no standing recovery key signed.";
    case MANIFEST_RULE_5_SIGNATURES:
        return "A signature is wrong, missing or a stranger's, or a device is not carried over.";
    case MANIFEST_RULE_6_KEYS:
        return "The keys of a device changed and that device did not sign.";
    case MANIFEST_RULE_7_RECOVERY:
        return "The recovery key changed without the signatures that this needs.";
    }
    return "The verdict is unknown.";
}

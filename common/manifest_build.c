/* SPDX-License-Identifier: Apache-2.0 */
/* The writing half of the format that manifest.c reads. */
#include <stdint.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/limits.h"
#include "common/manifest.h"
#include "common/manifest_private.h"

static const uint8_t no_key[32];

static void append_head(const struct manifest *manifest, struct buf *out)
{
    buf_append_text(out, "SPM1");
    buf_append_u8(out, manifest->flags);
    buf_append_u8(out, manifest->device_count);
    buf_append_u16(out, 0);
    buf_append_u64(out, manifest->epoch);
    buf_append_u64(out, manifest->created);
    buf_append(out, bytes_of(manifest->account.raw, sizeof manifest->account.raw));
    buf_append(out, bytes_of(manifest->prev.raw, sizeof manifest->prev.raw));
    buf_append(out,
               bytes_of(manifest->has_recovery ? manifest->recovery_pub : no_key, sizeof no_key));
}

void manifest_append_keys(const struct manifest_device *device, struct buf *out)
{
    CHECK(device->key_count <= LIMIT_DEVICE_KEYS);
    for (size_t i = 0; i < device->key_count; i++) {
        CHECK(device->keys[i].key.size <= UINT16_MAX);
        buf_append_u16(out, device->keys[i].type);
        buf_append_u16(out, (uint16_t)device->keys[i].key.size);
        buf_append(out, device->keys[i].key);
    }
}

static void append_device(const struct manifest_device *device, struct buf *out)
{
    buf_append_u32(out, device->device_id);
    buf_append_u8(out, device->flags);
    buf_append_u8(out, device->key_count);
    buf_append_u64(out, device->added_epoch);
    buf_append(out, bytes_of(device->pub.raw, sizeof device->pub.raw));
    manifest_append_keys(device, out);
}

void manifest_build_body(const struct manifest *manifest, struct buf *out)
{
    static const struct account_id none;
    size_t start = out->size;

    CHECK(manifest->device_count <= LIMIT_MANIFEST_DEVICES);
    append_head(manifest, out);
    for (size_t i = 0; i < manifest->device_count; i++) {
        append_device(&manifest->devices[i], out);
    }
    if (manifest->epoch == 0 && memcmp(&manifest->account, &none, sizeof none) == 0) {
        struct account_id account;

        manifest_account_of(bytes_of(out->at + start, out->size - start), &account);
        memcpy(out->at + start + MANIFEST_ACCOUNT_OFFSET, account.raw, sizeof account.raw);
    }
}

void manifest_signed_message(struct bytes body, struct buf *out)
{
    static const char label[] = "sealpost/manifest-sig/1";

    buf_reserve(out, sizeof label + body.size);
    buf_append(out, bytes_of(label, sizeof label));
    buf_append(out, body);
}

void manifest_sign(const uint8_t seed[32], struct bytes body, uint8_t out[64])
{
    struct buf message = { 0 };

    manifest_signed_message(body, &message);
    crypto_make_signature(seed, buf_view(&message), out);
    buf_clear(&message);
}

void manifest_append_signatures(struct buf *out, const struct manifest_signature *signatures,
                                size_t count)
{
    CHECK(count <= MANIFEST_SIGNERS);
    buf_append_u8(out, (uint8_t)count);
    for (size_t i = 0; i < count; i++) {
        CHECK(i == 0 || signatures[i].signer > signatures[i - 1].signer);
        buf_append_u32(out, signatures[i].signer);
        buf_append(out, bytes_of(signatures[i].signature, CRYPTO_SIGNATURE_BYTES));
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/message.h"

#include <string.h>

#include "common/check.h"
#include "common/mem.h"
#include "common/wire.h"

enum {
    VERSION = 1
};

static const char label[] = "sealpost/device-message/1"; /* signed with its NUL */

size_t message_bucket(size_t size)
{
    static const size_t buckets[] = {
        256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 98304
    };

    for (size_t i = 0; i < sizeof buckets / sizeof buckets[0]; i++) {
        if (size <= buckets[i]) {
            return buckets[i];
        }
    }
    return 0;
}

struct signed_parts {
    const struct device_pub *target;
    const struct envelope_id *id;
    const struct account_id *account;
    uint32_t device_id;
    struct bytes content;
};

static void signed_bytes(const struct signed_parts *parts, struct buf *out)
{
    buf_append(out, bytes_of(label, sizeof label));
    buf_append(out, bytes_of(parts->target->raw, sizeof parts->target->raw));
    buf_append(out, bytes_of(parts->id->raw, sizeof parts->id->raw));
    buf_append(out, bytes_of(parts->account->raw, sizeof parts->account->raw));
    buf_append_u32(out, parts->device_id);
    buf_append(out, parts->content);
}

/* Append the plain text, padded for its box to fill a bucket. */
static void plain_build(const struct message_sender *sender, const struct signed_parts *parts,
                        struct buf *out)
{
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    struct buf to_sign = { 0 };

    signed_bytes(parts, &to_sign);
    crypto_make_signature(sender->seed, buf_view(&to_sign), signature);
    buf_clear(&to_sign);
    buf_append_u8(out, VERSION);
    buf_append(out, bytes_of(parts->account->raw, sizeof parts->account->raw));
    buf_append_u32(out, parts->device_id);
    buf_append_u32(out, (uint32_t)parts->content.size);
    buf_append(out, bytes_of(signature, sizeof signature));
    CHECK(out->size == MESSAGE_HEAD_BYTES);
    buf_append(out, parts->content);
    size_t wanted = message_bucket(out->size + CRYPTO_SEAL_BYTES) - CRYPTO_SEAL_BYTES;
    size_t padding = wanted - out->size;
    buf_reserve(out, padding + 1);
    memset(out->at + out->size, 0, padding);
    out->size = wanted;
}

bool message_seal(const struct message_sender *sender, const struct message_target *target,
                  const struct envelope_id *id, struct bytes content, struct buf *out_body)
{
    const struct signed_parts parts = {
        .target = &target->pub,
        .id = id,
        .account = &sender->account,
        .device_id = sender->device_id,
        .content = content,
    };
    struct buf plain = { 0 };

    if (content.size > MESSAGE_CONTENT_MAX) {
        return false;
    }
    plain_build(sender, &parts, &plain);
    buf_reserve(out_body, plain.size + CRYPTO_SEAL_BYTES);
    bool is_sealed =
        crypto_seal_box(target->box_public, buf_view(&plain), out_body->at + out_body->size);
    if (is_sealed) {
        out_body->size += plain.size + CRYPTO_SEAL_BYTES;
    }
    mem_wipe(plain.at, plain.size);
    buf_clear(&plain);
    return is_sealed;
}

static bool plain_parse(struct bytes plain, struct message *out)
{
    struct wire wire = wire_of(plain);
    uint8_t version = wire_u8(&wire);
    struct bytes account = wire_bytes(&wire, sizeof out->account.raw);
    uint32_t device_id = wire_u32(&wire);
    uint32_t size = wire_u32(&wire);
    struct bytes signature = wire_bytes(&wire, CRYPTO_SIGNATURE_BYTES);
    struct bytes content = wire_bytes(&wire, size);

    if (wire_is_bad(&wire) || version != VERSION) {
        return false;
    }
    memcpy(out->account.raw, account.at, sizeof out->account.raw);
    out->device_id = device_id;
    out->signature = signature.at;
    out->content = content;
    return true;
}

bool message_open(const uint8_t box_public[32], const uint8_t box_secret[32], struct bytes body,
                  struct buf *plain, struct message *out)
{
    if (body.size < CRYPTO_SEAL_BYTES + MESSAGE_HEAD_BYTES) {
        return false;
    }
    buf_empty(plain);
    buf_reserve(plain, body.size);
    if (!crypto_open_box(box_public, box_secret, body, plain->at)) {
        return false;
    }
    plain->size = body.size - CRYPTO_SEAL_BYTES;
    return plain_parse(buf_view(plain), out);
}

bool message_verify(const struct message *message, const struct device_pub *sender_pub,
                    const struct device_pub *target, const struct envelope_id *id)
{
    const struct signed_parts parts = {
        .target = target,
        .id = id,
        .account = &message->account,
        .device_id = message->device_id,
        .content = message->content,
    };
    struct buf to_verify = { 0 };

    signed_bytes(&parts, &to_verify);
    bool is_good = crypto_verify(sender_pub->raw, buf_view(&to_verify), message->signature);
    buf_clear(&to_verify);
    return is_good;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/body.h"

#include <string.h>

static void put_i64(uint8_t *at, int64_t value)
{
    for (int i = 0; i < 8; i++) {
        at[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
    }
}

static void body_tag(struct bytes body, int64_t mailbox, int64_t seq, uint8_t out[CRYPTO_TAG_BYTES])
{
    uint8_t place[16] = { 0 };
    struct bytes parts[2] = { bytes_of(place, sizeof place), body };

    put_i64(place, mailbox);
    put_i64(place + 8, seq);
    crypto_tag(parts, 2, out);
}

void body_finish(uint8_t *stored, size_t size, int64_t mailbox, int64_t seq)
{
    size_t body_size = size - BODY_OVERHEAD_BYTES;

    stored[0] = BODY_FORMAT_PLAIN;
    body_tag(bytes_of(stored + 1, body_size), mailbox, seq, stored + 1 + body_size);
}

struct bytes body_inside(struct bytes stored)
{
    return bytes_of(stored.at + 1, stored.size - BODY_OVERHEAD_BYTES);
}

bool body_open(struct bytes stored, int64_t mailbox, int64_t seq, struct bytes *out)
{
    uint8_t tag[CRYPTO_TAG_BYTES];
    struct bytes inside;

    if (stored.size < BODY_OVERHEAD_BYTES || stored.at[0] != BODY_FORMAT_PLAIN) {
        return false;
    }
    inside = body_inside(stored);
    body_tag(inside, mailbox, seq, tag);
    if (memcmp(tag, inside.at + inside.size, sizeof tag) != 0) {
        return false;
    }
    *out = inside;
    return true;
}

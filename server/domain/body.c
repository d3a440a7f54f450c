/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/body.h"

#include <string.h>

static void put_i64(uint8_t *at, int64_t value)
{
    for (int i = 0; i < 8; i++) {
        at[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
    }
}

/* What a body is bound to, beside its bytes. */
struct place {
    uint8_t raw[8 + ENVELOPE_ID_BYTES];
    size_t size;
};

static struct place place_of_seq(int64_t mailbox, int64_t seq)
{
    struct place place = { .size = 16 };

    put_i64(place.raw, mailbox);
    put_i64(place.raw + 8, seq);
    return place;
}

static struct place place_of_id(int64_t mailbox, const struct envelope_id *id)
{
    struct place place = { .size = 8 + ENVELOPE_ID_BYTES };

    put_i64(place.raw, mailbox);
    memcpy(place.raw + 8, id->raw, ENVELOPE_ID_BYTES);
    return place;
}

static void body_tag(struct bytes body, const struct place *place, uint8_t out[CRYPTO_TAG_BYTES])
{
    struct bytes parts[2] = { bytes_of(place->raw, place->size), body };

    crypto_tag(parts, 2, out);
}

static void finish(uint8_t *stored, size_t size, uint8_t format, const struct place *place)
{
    size_t body_size = size - BODY_OVERHEAD_BYTES;

    stored[0] = format;
    body_tag(bytes_of(stored + 1, body_size), place, stored + 1 + body_size);
}

void body_finish(uint8_t *stored, size_t size, int64_t mailbox, int64_t seq)
{
    struct place place = place_of_seq(mailbox, seq);

    finish(stored, size, BODY_FORMAT_NUMBERED, &place);
}

void body_finish_named(uint8_t *stored, size_t size, int64_t mailbox, const struct envelope_id *id)
{
    struct place place = place_of_id(mailbox, id);

    finish(stored, size, BODY_FORMAT_NAMED, &place);
}

struct bytes body_inside(struct bytes stored)
{
    return bytes_of(stored.at + 1, stored.size - BODY_OVERHEAD_BYTES);
}

static bool open_form(struct bytes stored, uint8_t format, const struct place *place,
                      struct bytes *out)
{
    uint8_t tag[CRYPTO_TAG_BYTES];
    struct bytes inside;

    if (stored.size < BODY_OVERHEAD_BYTES || stored.at[0] != format) {
        return false;
    }
    inside = body_inside(stored);
    body_tag(inside, place, tag);
    if (memcmp(tag, inside.at + inside.size, sizeof tag) != 0) {
        return false;
    }
    *out = inside;
    return true;
}

bool body_open(struct bytes stored, int64_t mailbox, int64_t seq, struct bytes *out)
{
    struct place place = place_of_seq(mailbox, seq);

    return open_form(stored, BODY_FORMAT_NUMBERED, &place, out);
}

bool body_open_named(struct bytes stored, int64_t mailbox, const struct envelope_id *id,
                     struct bytes *out)
{
    struct place place = place_of_id(mailbox, id);

    return open_form(stored, BODY_FORMAT_NAMED, &place, out);
}

bool body_is_named(struct bytes stored)
{
    return stored.size > 0 && stored.at[0] == BODY_FORMAT_NAMED;
}

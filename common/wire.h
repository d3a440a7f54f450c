/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of big-endian fields that cannot run over the end.  Read fields one
 * after the other and ask wire_is_bad once at the end: a read past the end
 * yields zero (or an empty view) and marks the reader bad for good.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

struct wire {
    const uint8_t *at;
    size_t left;
    bool bad;
};

static inline struct wire wire_of(struct bytes value)
{
    return (struct wire){ .at = value.at, .left = value.size, .bad = false };
}

/* Take the next count bytes.  The view lives as long as the bytes read from. */
static inline struct bytes wire_bytes(struct wire *wire, size_t count)
{
    if (wire->bad || count > wire->left) {
        wire->bad = true;
        return bytes_of(NULL, 0);
    }
    struct bytes taken = bytes_of(wire->at, count);
    wire->at += count;
    wire->left -= count;
    return taken;
}

static inline uint64_t wire_uint(struct wire *wire, size_t width)
{
    struct bytes field = wire_bytes(wire, width);
    uint64_t value = 0;

    for (size_t i = 0; i < field.size; i++) {
        value = value << 8 | field.at[i];
    }
    return value;
}

static inline uint8_t wire_u8(struct wire *wire)
{
    return (uint8_t)wire_uint(wire, 1);
}

static inline uint16_t wire_u16(struct wire *wire)
{
    return (uint16_t)wire_uint(wire, 2);
}

static inline uint32_t wire_u32(struct wire *wire)
{
    return (uint32_t)wire_uint(wire, 4);
}

static inline uint64_t wire_u64(struct wire *wire)
{
    return wire_uint(wire, 8);
}

/* Say whether a read ran over the end. */
static inline bool wire_is_bad(const struct wire *wire)
{
    return wire->bad;
}

/* Say whether all was read and nothing ran over: the message has exactly its fields. */
static inline bool wire_is_done(const struct wire *wire)
{
    return !wire->bad && wire->left == 0;
}

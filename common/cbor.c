/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cbor.h"

#include <stddef.h>
#include <stdint.h>

/* RFC 8949 section 3.1. */
enum major {
    MAJOR_UNSIGNED = 0,
    MAJOR_NEGATIVE,
    MAJOR_BYTES,
    MAJOR_TEXT,
    MAJOR_ARRAY,
    MAJOR_MAP,
    MAJOR_TAG,
    MAJOR_SIMPLE,
};

enum {
    MAJOR_BITS = 5,
    INFO_MASK = 0x1f,
    INFO_U8 = 24, /* the argument is in the bytes that follow; below, it is the info itself */
    INFO_U64 = 27,
};

/* False for an indefinite length and for what is reserved. */
static bool read_argument(struct wire *wire, unsigned info, uint64_t *out)
{
    if (info > INFO_U64) {
        return false;
    }
    *out = info < INFO_U8 ? info : wire_uint(wire, (size_t)1 << (info - INFO_U8));
    return !wire_is_bad(wire);
}

/* Each item has a byte at least: a count beyond what is left is refused before anything is done. */
static bool skip_items(struct wire *wire, uint64_t count, uint64_t factor, int depth)
{
    if (count > wire->left / factor) {
        return false;
    }
    for (uint64_t i = 0; i < count * factor; i++) {
        if (!cbor_skip(wire, depth)) {
            return false;
        }
    }
    return true;
}

bool cbor_skip(struct wire *wire, int depth)
{
    uint8_t first = wire_u8(wire);
    uint64_t argument;

    if (wire_is_bad(wire) || !read_argument(wire, first & INFO_MASK, &argument)) {
        return false;
    }
    switch ((enum major)(first >> MAJOR_BITS)) {
    case MAJOR_UNSIGNED:
    case MAJOR_NEGATIVE:
    case MAJOR_SIMPLE:
        return true;
    case MAJOR_BYTES:
    case MAJOR_TEXT:
        (void)wire_bytes(wire, argument);
        return !wire_is_bad(wire);
    case MAJOR_ARRAY:
        return depth > 0 && skip_items(wire, argument, 1, depth - 1);
    case MAJOR_MAP:
        return depth > 0 && skip_items(wire, argument, 2, depth - 1);
    case MAJOR_TAG:
        return false;
    }
    return false;
}

bool cbor_is_map(struct bytes bytes)
{
    struct wire wire = wire_of(bytes);

    return bytes.size > 0 && bytes.at[0] >> MAJOR_BITS == MAJOR_MAP &&
           cbor_skip(&wire, CBOR_DEPTH_MAX) && wire_is_done(&wire);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "common/tlsvec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/check.h"

enum {
    ONE_BYTE_MAX = 0x3F,
    TWO_BYTES_MAX = 0x3FFF,
    TWO_BYTES_MARK = 0x4000,
};
#define FOUR_BYTES_MARK UINT32_C(0x80000000)

/* Read the length before a vector; 0 and a bad reader when there is none in its shortest form. */
static size_t take_length(struct wire *wire)
{
    uint8_t first = wire_u8(wire);
    size_t more = (size_t)1 << (first >> 6); /* bytes of the whole length */
    size_t least = more == 1 ? 0 : more == 2 ? ONE_BYTE_MAX + 1 : TWO_BYTES_MAX + 1;
    uint64_t length = first & ONE_BYTE_MAX;

    length = length << (8 * (more - 1)) | wire_uint(wire, more - 1);
    if (wire_is_bad(wire) || more > sizeof(uint32_t) || length < least) {
        wire->bad = true;
        return 0;
    }
    return (size_t)length;
}

struct bytes tlsvec_take(struct wire *wire)
{
    return wire_bytes(wire, take_length(wire));
}

struct wire tlsvec_enter(struct wire *wire)
{
    struct wire inner = wire_of(tlsvec_take(wire));

    inner.bad = wire_is_bad(wire);
    return inner;
}

void tlsvec_append(struct buf *out, struct bytes value)
{
    CHECK(value.size <= TLSVEC_MAX_BYTES);
    if (value.size <= ONE_BYTE_MAX) {
        buf_append_u8(out, (uint8_t)value.size);
    } else if (value.size <= TWO_BYTES_MAX) {
        buf_append_u16(out, (uint16_t)(TWO_BYTES_MARK | value.size));
    } else {
        buf_append_u32(out, FOUR_BYTES_MARK | (uint32_t)value.size);
    }
    buf_append(out, value);
}

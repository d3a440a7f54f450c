/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever is accepted as text is the one text of its bytes, and the bytes come
 * back from their text.  A table-free decoder of one digit at a time must agree.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Say whether text is strict, bit by bit: RFC 4648 sections 3.5 and 5. */
static bool is_strict(const uint8_t *text, size_t size)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t spare_bits = size * 6 % 8;
    size_t last = 0;

    for (size_t i = 0; i < size; i++) {
        const char *digit = memchr(alphabet, text[i], sizeof alphabet - 1);
        if (digit == NULL) {
            return false;
        }
        last = (size_t)(digit - alphabet);
    }
    return size % 4 != 1 && (last & ((UINT32_C(1) << spare_bits) - 1)) == 0;
}

static void try_as_text(struct bytes text)
{
    struct buf value = { .at = NULL };
    struct buf again = { .at = NULL };
    struct buf exact = { .at = NULL };
    bool strict = is_strict(text.at, text.size);

    buf_append_u8(&value, 'x');
    CHECK(base64url_decode(text, &value) == strict);
    CHECK(value.at[0] == 'x');
    CHECK(value.size == 1 + (strict ? base64url_decoded_max(text.size) : 0));
    buf_drop_front(&value, 1);
    if (strict) {
        base64url_encode(buf_view(&value), &again);
        CHECK(bytes_equal(buf_view(&again), text));
    }
    buf_reserve(&exact, base64url_decoded_max(text.size) + 1);
    CHECK(base64url_decode_exact(text, exact.at, base64url_decoded_max(text.size)) == strict);
    CHECK(!base64url_decode_exact(text, exact.at, base64url_decoded_max(text.size) + 1));
    CHECK(!strict || value.size == 0 || memcmp(exact.at, value.at, value.size) == 0);
    buf_clear(&exact);
    buf_clear(&again);
    buf_clear(&value);
}

static void try_as_bytes(struct bytes value)
{
    struct buf text = { .at = NULL };
    struct buf back = { .at = NULL };

    base64url_encode(value, &text);
    CHECK(is_strict(text.at, text.size));
    CHECK(base64url_decode(buf_view(&text), &back));
    CHECK(bytes_equal(buf_view(&back), value));
    buf_clear(&back);
    buf_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_as_text(bytes_of(data, size));
    try_as_bytes(bytes_of(data, size));
    return 0;
}

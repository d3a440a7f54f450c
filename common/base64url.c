/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four characters hold three bytes; two or three at the end hold one or two, and
 * the bits left over are zero.  One character alone at the end holds nothing.
 */
#include "common/base64url.h"

#include <stdint.h>

/* No digit has this bit. */
enum {
    BAD = 0x80
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The digit that each ASCII character stands for. */
static const uint8_t digits[128] = {
    /* clang-format off */
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD, 62, BAD, BAD,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, BAD, BAD, BAD, BAD, BAD, BAD,
    BAD, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, BAD, BAD, BAD, BAD, 63,
    BAD, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, BAD, BAD, BAD, BAD, BAD,
    /* clang-format on */
};

static uint32_t base64url_digit(uint8_t character)
{
    return character < sizeof digits ? digits[character] : BAD;
}

/* Decode count characters (2 to 4) to count - 1 bytes. */
static bool base64url_decode_group(const uint8_t *text, size_t count, uint8_t *out)
{
    uint32_t bits = 0;
    uint32_t seen = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t digit = base64url_digit(text[i]);
        seen |= digit;
        bits |= digit << (18 - 6 * i);
    }
    if ((seen & BAD) != 0) {
        return false;
    }
    for (size_t i = 0; i + 1 < count; i++) {
        out[i] = (uint8_t)(bits >> (16 - 8 * i));
    }
    return (bits & (UINT32_C(0xffffff) >> (8 * (count - 1)))) == 0;
}

/* Decode text to its bytes at out, which has room for them; false when it is not strict. */
static bool base64url_decode_at(struct bytes text, uint8_t *out)
{
    size_t rest = text.size % 4;
    const uint8_t *at = text.at;

    if (rest == 1) {
        return false;
    }
    for (size_t left = text.size / 4; left > 0; left--) {
        if (!base64url_decode_group(at, 4, out)) {
            return false;
        }
        at += 4;
        out += 3;
    }
    return rest == 0 || base64url_decode_group(at, rest, out);
}

size_t base64url_decoded_max(size_t text_size)
{
    return text_size / 4 * 3 + text_size % 4 * 3 / 4;
}

bool base64url_decode(struct bytes text, struct buf *out)
{
    size_t size = base64url_decoded_max(text.size);

    if (size == 0) { /* and out may have no bytes to point at */
        return text.size == 0;
    }
    buf_reserve(out, size);
    if (!base64url_decode_at(text, out->at + out->size)) {
        return false;
    }
    out->size += size;
    return true;
}

bool base64url_decode_exact(struct bytes text, void *out, size_t size)
{
    return base64url_decoded_max(text.size) == size && base64url_decode_at(text, out);
}

/* Write the text of count bytes (1 to 3) at out: count + 1 characters. */
static void base64url_encode_group(const uint8_t *at, size_t count, uint8_t *out)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < count; i++) {
        bits |= (uint32_t)at[i] << (16 - 8 * i);
    }
    for (size_t i = 0; i <= count; i++) {
        out[i] = (uint8_t)alphabet[bits >> (18 - 6 * i) & 63];
    }
}

void base64url_encode(struct bytes value, struct buf *out)
{
    size_t rest = value.size % 3;

    buf_reserve(out, value.size / 3 * 4 + 4);
    for (size_t done = 0; done + rest < value.size; done += 3) {
        base64url_encode_group(value.at + done, 3, out->at + out->size);
        out->size += 4;
    }
    if (rest > 0) {
        base64url_encode_group(value.at + value.size - rest, rest, out->at + out->size);
        out->size += rest + 1;
    }
}

char *base64url_text(struct bytes value)
{
    struct buf text = { .at = NULL };

    base64url_encode(value, &text);
    buf_append_u8(&text, '\0');
    return (char *)text.at;
}

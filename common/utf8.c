/* SPDX-License-Identifier: Apache-2.0 */
#include "common/utf8.h"

#include <stdint.h>

/* What the second byte may be after a first one; the third and fourth are 80 to bf. */
static size_t utf8_lead(uint8_t first, uint8_t *low, uint8_t *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) {
        return 2;
    }
    if (first >= 0xe0 && first <= 0xef) {
        *low = first == 0xe0 ? 0xa0 : *low;
        *high = first == 0xed ? 0x9f : *high;
        return 3;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        *low = first == 0xf0 ? 0x90 : *low;
        *high = first == 0xf4 ? 0x8f : *high;
        return 4;
    }
    return 0;
}

size_t utf8_character(struct bytes text)
{
    uint8_t low;
    uint8_t high;
    size_t size;

    if (text.size == 0) {
        return 0;
    }
    if (text.at[0] < 0x80) {
        return 1;
    }
    size = utf8_lead(text.at[0], &low, &high);
    if (size == 0 || size > text.size || text.at[1] < low || text.at[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if ((text.at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return size;
}

bool utf8_is_valid(struct bytes text)
{
    size_t at = 0;

    while (at < text.size) {
        size_t size = utf8_character(bytes_of(text.at + at, text.size - at));
        if (size == 0) {
            return false;
        }
        at += size;
    }
    return true;
}

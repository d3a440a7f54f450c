/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decimal numbers in headers, paths and queries, strictly: digits only, no sign,
 * no spaces, no leading zero, so that a number has one text.  Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

/* Read text as a number from 0 to max; false, and *out unchanged, when it is not one. */
static inline bool decimal_parse(struct bytes text, int64_t max, int64_t *out)
{
    int64_t value = 0;

    if (text.size == 0 || (text.size > 1 && text.at[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        int digit = text.at[i] - '0';

        if (digit < 0 || digit > 9 || digit > max || value > (max - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

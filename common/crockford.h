/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crockford's base32, for what people write down and type: digits and upper-case letters
 * without I, L, O and U.  Pure; any thread.
 */
#pragma once

#include <stdint.h>

enum {
    CROCKFORD_BITS = 5 /* in a letter */
};

/* The letter of a value below 32. */
char crockford_letter(unsigned value);

/*
 * The value of a letter as a person typed it: upper or lower case, O for 0, I or L for 1.
 * -1: it is none; U is none.
 */
int crockford_value(uint8_t typed);

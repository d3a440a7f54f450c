/* SPDX-License-Identifier: Apache-2.0 */
/* Well-formed UTF-8 (RFC 3629; Unicode table 3-7): no overlong forms, no surrogates. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/bytes.h"

/* The text of U+FFFD, which stands for a byte that belongs to no character. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Return how many bytes (1 to 4) the first character of text has; 0 when there is none. */
size_t utf8_character(struct bytes text);

/* Say whether text is characters to its end. */
bool utf8_is_valid(struct bytes text);

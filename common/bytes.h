/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct bytes is a borrowed view: it owns nothing and is passed by value.
 * Whoever returns one says how long it stays valid.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *at; /* may be NULL only when size is 0 */
    size_t size;       /* in bytes */
};

static inline struct bytes bytes_of(const void *at, size_t size)
{
    return (struct bytes){ .at = at, .size = size };
}

/* View a NUL-terminated text, less its NUL. */
static inline struct bytes bytes_text(const char *text)
{
    return (struct bytes){ .at = (const uint8_t *)text, .size = strlen(text) };
}

/* Say whether both hold the same bytes.  Not for secrets: see crypto_equal. */
static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

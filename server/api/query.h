/* SPDX-License-Identifier: Apache-2.0 */
/* Query parameters: each function answers the exchange itself when it returns false. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct exchange;

/* Say whether the query has no other names than names (NULL-ended). */
bool query_knows_only(struct exchange *exchange, const char *const *names);

/* Read a decimal number between min and max into *out; absent: *out stays and it is true. */
bool query_int(struct exchange *exchange, const char *name, int64_t min, int64_t max, int64_t *out);

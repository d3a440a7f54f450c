/* SPDX-License-Identifier: Apache-2.0 */
/* The rows behind keys_census.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "server/domain/keys_sql.h"
#include "server/store/store.h"

struct keys_census_row {
    int64_t mailbox;
    struct bytes slot; /* borrowed from rows; at most KEY_SLOTS_NAME_BYTES */
    int64_t count;     /* keys for single use that can be handed out; at most LIMIT_KEYS_PER_CALL */
};

/* Ask for the pools behind after, by mailbox and slot, at most limit of them. */
struct store_batch *keys_census_sql_ask(const struct keys_pool_name *after, int64_t now_s,
                                        int64_t limit);
bool keys_census_sql_pool(struct store_rows *rows, struct keys_census_row *out);

/* SPDX-License-Identifier: Apache-2.0 */
/* What devices have in the directory, counted; never key material. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "server/domain/domain.h"
#include "server/domain/keys.h"
#include "server/store/store.h"

enum {
    KEYS_STOCK_STATEMENTS = 4
};

/* Ask for the stock of a device; its statements are the last KEYS_STOCK_STATEMENTS of the batch. */
void keys_stock_sql_ask(struct store_batch *batch, int64_t mailbox, int64_t now_s);

/* Fill *out from the statements that begin at `at`.  slots tell which slot stands in for which. */
void keys_stock_sql_fill(struct store_rows *rows, size_t at, const struct slots *slots,
                         int64_t now_s, struct keys_stock *out);

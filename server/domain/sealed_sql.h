/* SPDX-License-Identifier: Apache-2.0 */
/* The rows behind reseal.c; nobody outside the room includes this. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "server/domain/sealed.h"
#include "server/store/store.h"

struct sealed_row {
    struct bytes key;    /* of the row */
    struct bytes sealed; /* the value, or as much of it as was asked for; empty: there is none */
};

/* Read up to limit rows whose keys are above after, in order: whole values, or their heads alone. */
struct store_batch *sealed_sql_page(enum sealed_column column, struct bytes after, int64_t limit);
struct store_batch *sealed_sql_heads(enum sealed_column column, struct bytes after, int64_t limit);
bool sealed_sql_row(struct store_rows *rows, struct sealed_row *out);

/* Put sealed into the row where old still stands; a row that was changed meanwhile stays. */
void sealed_sql_put(struct store_batch *batch, enum sealed_column column,
                    const struct sealed_row *old, struct bytes sealed);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns that hold exactly one value of a fixed size, as only this program writes them; and
 * lists of numbers, which go to PostgreSQL as one text: "1,2,3".
 */
#pragma once

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/buf.h"
#include "common/check.h"
#include "server/store/store.h"

/* Copy a column of the current row that holds exactly size bytes. */
static inline void columns_exact(const struct store_rows *rows, int column, void *out, size_t size)
{
    struct bytes value = store_rows_bytes(rows, column);

    CHECK(value.size == size);
    memcpy(out, value.at, size);
}

/* A column of the current row, borrowed; empty where it is NULL. */
static inline struct bytes columns_or_empty(const struct store_rows *rows, int column)
{
    if (store_rows_is_null(rows, column)) {
        return (struct bytes){ 0 };
    }
    return store_rows_bytes(rows, column);
}

/* Bind a list of count numbers. */
static inline void columns_bind_list(struct store_batch *batch, const int64_t *numbers,
                                     size_t count)
{
    struct buf text = { 0 };

    for (size_t i = 0; i < count; i++) {
        buf_append_format(&text, "%s%" PRId64, i == 0 ? "" : ",", numbers[i]);
    }
    store_bind_text(batch, buf_view(&text));
    buf_clear(&text);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Columns that hold exactly one value of a fixed size, as only this program writes them. */
#pragma once

#include <stddef.h>
#include <string.h>

#include "common/check.h"
#include "server/store/store.h"

/* Copy a column of the current row that holds exactly size bytes. */
static inline void columns_exact(const struct store_rows *rows, int column, void *out, size_t size)
{
    struct bytes value = store_rows_bytes(rows, column);

    CHECK(value.size == size);
    memcpy(out, value.at, size);
}

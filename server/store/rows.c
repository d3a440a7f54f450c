/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows lie in the arena of their batch.  A value of another kind than was asked
 * for, which only a damaged file or a wrong statement yields, reads as empty or
 * as 0: what a disk returns must not end the process.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/check.h"
#include "server/store/arena.h"
#include "server/store/store.h"
#include "server/store/store_private.h"

void store_batch_forget_rows(struct store_batch *batch)
{
    arena_rewind(&batch->arena, batch->before_rows);
    for (size_t i = 0; i < batch->step_count; i++) {
        batch->steps[i].first_row = NULL;
        batch->steps[i].last_row = NULL;
        batch->steps[i].changed = 0;
    }
    batch->rows = (struct store_rows){ .batch = batch };
}

struct store_row *store_batch_add_row(struct store_batch *batch, struct store_step *step,
                                      int column_count)
{
    size_t size = sizeof(struct store_row) + (size_t)column_count * sizeof(struct store_value);
    struct store_row *row = arena_take(&batch->arena, size);

    row->next = NULL;
    row->column_count = column_count;
    if (step->last_row == NULL) {
        step->first_row = row;
    } else {
        step->last_row->next = row;
    }
    step->last_row = row;
    return row;
}

void store_rows_select(struct store_rows *rows, size_t index)
{
    CHECK(index < rows->batch->step_count);
    rows->step = index;
    rows->row = NULL;
    rows->is_started = false;
}

bool store_rows_next(struct store_rows *rows)
{
    if (!rows->is_started) {
        rows->is_started = true;
        rows->row =
            rows->step < rows->batch->step_count ? rows->batch->steps[rows->step].first_row : NULL;
    } else if (rows->row != NULL) {
        rows->row = rows->row->next;
    }
    return rows->row != NULL;
}

static const struct store_value *rows_value(const struct store_rows *rows, int column)
{
    CHECK(rows->row != NULL);
    CHECK(column >= 0 && column < rows->row->column_count);
    return &rows->row->columns[column];
}

struct bytes store_rows_bytes(const struct store_rows *rows, int column)
{
    const struct store_value *value = rows_value(rows, column);

    if (value->kind == VALUE_BYTES || value->kind == VALUE_TEXT) {
        return value->bytes;
    }
    return bytes_of(NULL, 0);
}

int64_t store_rows_int(const struct store_rows *rows, int column)
{
    const struct store_value *value = rows_value(rows, column);

    return value->kind == VALUE_INT ? value->number : 0;
}

bool store_rows_is_null(const struct store_rows *rows, int column)
{
    return rows_value(rows, column)->kind == VALUE_NULL;
}

int64_t store_rows_changed(const struct store_rows *rows)
{
    return rows->step < rows->batch->step_count ? rows->batch->steps[rows->step].changed : 0;
}

size_t store_rows_refused_at(const struct store_rows *rows)
{
    return rows->refused_at;
}

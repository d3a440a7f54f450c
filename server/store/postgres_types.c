/* SPDX-License-Identifier: Apache-2.0 */
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "server/store/postgres_gather_private.h"
#include "server/store/postgres_types_private.h"
#include "server/store/store_private.h"

Oid postgres_type_of(enum store_value_kind kind)
{
    switch (kind) {
    case VALUE_NULL:
        return 0;
    case VALUE_INT:
        return POSTGRES_INT8;
    case VALUE_BYTES:
        return POSTGRES_BYTEA;
    case VALUE_TEXT:
        return POSTGRES_TEXT;
    }
    CHECK_UNREACHABLE();
}

Oid postgres_array_of(enum store_value_kind kind)
{
    switch (kind) {
    case VALUE_NULL:
        return 0;
    case VALUE_INT:
        return POSTGRES_INT8_ARRAY;
    case VALUE_BYTES:
        return POSTGRES_BYTEA_ARRAY;
    case VALUE_TEXT:
        return POSTGRES_TEXT_ARRAY;
    }
    CHECK_UNREACHABLE();
}

void postgres_put_int8(uint8_t out[POSTGRES_INT8_BYTES], int64_t number)
{
    uint64_t left = (uint64_t)number;

    for (int i = POSTGRES_INT8_BYTES - 1; i >= 0; i--) {
        out[i] = (uint8_t)left;
        left >>= 8;
    }
}

static void types_put_head(struct buf *out, Oid type, size_t count)
{
    buf_append_u32(out, 1); /* dimensions */
    buf_append_u32(out, 0); /* no NULL among them */
    buf_append_u32(out, type);
    buf_append_u32(out, (uint32_t)count);
    buf_append_u32(out, 1); /* number of the first */
}

void postgres_put_int8_array(struct buf *out, const int64_t *keys, size_t count)
{
    types_put_head(out, POSTGRES_INT8, count);
    for (size_t i = 0; i < count; i++) {
        buf_append_u32(out, POSTGRES_INT8_BYTES);
        buf_append_u64(out, (uint64_t)keys[i]);
    }
}

static const struct store_value *types_bound(const struct postgres_gather_item *item, size_t at)
{
    const struct store_param *param = item->batch->steps[item->step].first_param;

    for (size_t i = 0; i < at; i++) {
        param = param->next;
    }
    return &param->value;
}

void postgres_put_gathered(struct buf *out, const struct postgres_gather *gather, size_t at)
{
    types_put_head(out, postgres_type_of(types_bound(&gather->items[0], at)->kind), gather->count);
    for (size_t i = 0; i < gather->count; i++) {
        const struct store_value *value = types_bound(&gather->items[i], at);
        if (value->kind == VALUE_INT) {
            buf_append_u32(out, POSTGRES_INT8_BYTES);
            buf_append_u64(out, (uint64_t)value->number);
        } else {
            buf_append_u32(out, (uint32_t)value->bytes.size);
            buf_append(out, value->bytes);
        }
    }
}

/* A signed big-endian integer of size bytes, at most eight. */
static int64_t types_get_int(const uint8_t *at, int size)
{
    uint64_t number = size > 0 && (at[0] & 0x80) != 0 ? UINT64_MAX : 0;

    for (int i = 0; i < size; i++) {
        number = number << 8 | at[i];
    }
    return (int64_t)number;
}

static bool types_get(const PGresult *result, int row, int column, struct store_batch *batch,
                      struct store_value *out)
{
    const char *at = PQgetvalue(result, row, column);
    int size = PQgetlength(result, row, column);

    *out = (struct store_value){ .kind = VALUE_NULL };
    if (PQgetisnull(result, row, column) == 1) {
        return true;
    }
    switch (PQftype(result, column)) {
    case POSTGRES_BOOL:
    case POSTGRES_INT2:
    case POSTGRES_INT4:
    case POSTGRES_INT8:
        out->kind = VALUE_INT;
        out->number = types_get_int((const uint8_t *)at, size);
        return size <= POSTGRES_INT8_BYTES;
    case POSTGRES_BYTEA:
    case POSTGRES_TEXT:
    case POSTGRES_VARCHAR:
        out->kind = PQftype(result, column) == POSTGRES_BYTEA ? VALUE_BYTES : VALUE_TEXT;
        out->bytes = store_batch_copy(batch, bytes_of(at, (size_t)size));
        return true;
    default:
        return false;
    }
}

/* Of the columns from number first on. */
static bool types_get_row(PGresult *result, int row, int first, struct store_batch *batch,
                          struct store_row *out)
{
    for (int i = 0; i < out->column_count; i++) {
        if (!types_get(result, row, first + i, batch, &out->columns[i])) {
            return false;
        }
    }
    return true;
}

bool postgres_keep_rows(PGresult *result, struct store_batch *batch, struct store_step *step)
{
    int row_count = PQntuples(result);
    int column_count = PQnfields(result);

    if (PQresultStatus(result) == PGRES_COMMAND_OK) {
        step->changed = strtoll(PQcmdTuples(result), NULL, 10);
        return true;
    }
    for (int i = 0; i < row_count; i++) {
        struct store_row *row = store_batch_add_row(batch, step, column_count);
        if (!types_get_row(result, i, 0, batch, row)) {
            return false;
        }
    }
    return true;
}

/* The item that a row is of; NULL when it names none. */
static const struct postgres_gather_item *types_item_of(const PGresult *result, int row,
                                                        const struct postgres_gather *gather)
{
    const uint8_t *at = (const uint8_t *)PQgetvalue(result, row, 0);
    int size = PQgetlength(result, row, 0);

    if (PQftype(result, 0) != POSTGRES_INT8 || size != POSTGRES_INT8_BYTES) {
        return NULL;
    }
    int64_t number = types_get_int(at, size);
    return number < 1 || number > (int64_t)gather->count ? NULL : &gather->items[number - 1];
}

bool postgres_keep_gathered(PGresult *result, const struct postgres_gather *gather)
{
    int row_count = PQntuples(result);
    int column_count = PQnfields(result);

    for (int i = 0; i < row_count; i++) {
        const struct postgres_gather_item *item = types_item_of(result, i, gather);
        if (item == NULL) {
            return false;
        }
        struct store_row *row =
            store_batch_add_row(item->batch, &item->batch->steps[item->step], column_count - 1);
        if (!types_get_row(result, i, 1, item->batch, row)) {
            return false;
        }
    }
    return PQresultStatus(result) == PGRES_TUPLES_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
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

void postgres_put_int8(uint8_t out[POSTGRES_INT8_BYTES], int64_t number)
{
    uint64_t left = (uint64_t)number;

    for (int i = POSTGRES_INT8_BYTES - 1; i >= 0; i--) {
        out[i] = (uint8_t)left;
        left >>= 8;
    }
}

void postgres_put_int8_array(struct buf *out, const int64_t *keys, size_t count)
{
    buf_append_u32(out, 1); /* dimensions */
    buf_append_u32(out, 0); /* no NULL among them */
    buf_append_u32(out, POSTGRES_INT8);
    buf_append_u32(out, (uint32_t)count);
    buf_append_u32(out, 1); /* number of the first */
    for (size_t i = 0; i < count; i++) {
        buf_append_u32(out, POSTGRES_INT8_BYTES);
        buf_append_u64(out, (uint64_t)keys[i]);
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

static bool types_get_row(PGresult *result, int row, struct store_batch *batch,
                          struct store_row *out)
{
    for (int i = 0; i < out->column_count; i++) {
        if (!types_get(result, row, i, batch, &out->columns[i])) {
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
        if (!types_get_row(result, i, batch, row)) {
            return false;
        }
    }
    return true;
}

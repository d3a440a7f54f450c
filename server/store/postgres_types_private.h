/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values in the binary format of the protocol: integers big-endian, byte strings
 * and texts as they are.  Type numbers are those of pg_type, fixed for good.
 */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/store/store_private.h"

enum {
    POSTGRES_BOOL = 16,
    POSTGRES_BYTEA = 17,
    POSTGRES_INT8 = 20,
    POSTGRES_INT2 = 21,
    POSTGRES_INT4 = 23,
    POSTGRES_TEXT = 25,
    POSTGRES_VARCHAR = 1043,
    POSTGRES_BYTEA_ARRAY = 1001,
    POSTGRES_TEXT_ARRAY = 1009,
    POSTGRES_INT8_ARRAY = 1016,
    POSTGRES_INT8_BYTES = 8,
    POSTGRES_ARRAY_HEAD_BYTES = 20,
    POSTGRES_ARRAY_ITEM_BYTES = 12
};

struct buf;
struct postgres_gather;

/* The type of parameters of this kind; 0 for NULL, which has any. */
Oid postgres_type_of(enum store_value_kind kind);

/* The type of an array of such values; 0 for NULL. */
Oid postgres_array_of(enum store_value_kind kind);

/* Write number as int8. */
void postgres_put_int8(uint8_t out[POSTGRES_INT8_BYTES], int64_t number);

/* Append keys as an array of int8. */
void postgres_put_int8_array(struct buf *out, const int64_t *keys, size_t count);

/*
 * Keep the rows of result, or the number of rows it changed, in step of batch.
 * False when a column has a type that no statement of ours should yield.
 */
bool postgres_keep_rows(PGresult *result, struct store_batch *batch, struct store_step *step);

/* Append what is bound as parameter number `at` of all items as an array, the first is 0. */
void postgres_put_gathered(struct buf *out, const struct postgres_gather *gather, size_t at);

/*
 * Keep each row of result in the step that its first column tells.  False when that is none, or a
 * column has a type that no statement of ours should yield.
 */
bool postgres_keep_gathered(PGresult *result, const struct postgres_gather *gather);

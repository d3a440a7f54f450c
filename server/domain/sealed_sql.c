/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four statements a column.  What is put is compared with what was read, so nothing that
 * changed meanwhile is lost.  On PostgreSQL it waits for nobody, so that nobody waits for
 * it in a circle: a row that is locked is left for the next walk.
 */
#include "server/domain/sealed_sql.h"

#include <assert.h>

#include "common/check.h"
#include "common/seal.h"

/* A value of nothing at all is as long, so it can be told what sealed it; the text below has it, too. */
static_assert((int)SEAL_OVERHEAD_BYTES == 45, "the head of a value");

#define PAGE(table, key, column)                                              \
    {                                                                         \
        .name = "sealed.page_" table,                                         \
        .sql = "SELECT " key ", " column " FROM " table " WHERE " key " > $1" \
               " ORDER BY " key " LIMIT $2",                                  \
    }

#define HEADS(table, key, column)                                                    \
    {                                                                                \
        .name = "sealed.heads_" table,                                               \
        .sql = "SELECT " key ", substr(" column ", 1, 45) FROM " table " WHERE " key \
               " > $1 ORDER BY " key " LIMIT $2",                                    \
    }

#define PUT(table, key, column)                                                 \
    {                                                                           \
        .name = "sealed.put_" table,                                            \
        .sql_sqlite = "UPDATE " table " SET " column " = $3 WHERE " key " = $1" \
                      " AND " column " = $2",                                   \
        .sql_postgres = "UPDATE " table " SET " column " = $3 WHERE " key " IN" \
                        " (SELECT " key " FROM " table " WHERE " key " = $1"    \
                        " AND " column " = $2 FOR UPDATE SKIP LOCKED)",         \
    }

#define STATEMENTS(table, key, column)                                        \
    {                                                                         \
        .page = PAGE(table, key, column), .heads = HEADS(table, key, column), \
        .put = PUT(table, key, column)                                        \
    }

static const struct {
    struct store_stmt page, heads, put;
} columns[SEALED_COLUMNS] = {
    [SEALED_FACTOR_SECRET] = STATEMENTS("factors", "factor_id", "secret"),
    [SEALED_CODE] = STATEMENTS("txn_challenges", "challenge_id", "code"),
    [SEALED_BINDING] = STATEMENTS("handles", "handle_key", "binding"),
    [SEALED_SHARE] = STATEMENTS("recovery_contacts", "contact_id", "share"),
};

static struct store_batch *ask(const struct store_stmt *stmt, struct bytes after, int64_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, stmt);
    store_bind_bytes(batch, after);
    store_bind_int(batch, limit);
    return batch;
}

struct store_batch *sealed_sql_page(enum sealed_column column, struct bytes after, int64_t limit)
{
    CHECK(column < SEALED_COLUMNS);
    return ask(&columns[column].page, after, limit);
}

struct store_batch *sealed_sql_heads(enum sealed_column column, struct bytes after, int64_t limit)
{
    CHECK(column < SEALED_COLUMNS);
    return ask(&columns[column].heads, after, limit);
}

bool sealed_sql_row(struct store_rows *rows, struct sealed_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    out->key = store_rows_bytes(rows, 0);
    CHECK(out->key.size <= SEALED_ROW_KEY_BYTES);
    out->sealed = (struct bytes){ 0 };
    if (!store_rows_is_null(rows, 1)) {
        out->sealed = store_rows_bytes(rows, 1);
    }
    return true;
}

void sealed_sql_put(struct store_batch *batch, enum sealed_column column,
                    const struct sealed_row *old, struct bytes sealed)
{
    CHECK(column < SEALED_COLUMNS);
    store_batch_add(batch, &columns[column].put);
    store_bind_bytes(batch, old->key);
    store_bind_bytes(batch, old->sealed);
    store_bind_bytes(batch, sealed);
}

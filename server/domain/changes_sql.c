/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Only where the store is shared, so this is PostgreSQL's own dialect.
 *
 * Whoever notes a change writes the row of the relay first and holds it until the
 * commit.  So numbers are given in the order of commits and none is left out, as
 * an identity column would: who has read up to a number has missed nothing below.
 * The minute is the database's, for it is compared with no other clock.
 */
#include "server/domain/changes_sql.h"

#include "server/store/store.h"

#define MINUTE "CAST(floor(extract(epoch FROM now()) / 60) AS bigint)"

static const struct store_stmt note = {
    .name = "changes.note",
    .sql = "WITH n AS (UPDATE relay SET changes = changes + 1 WHERE one = 1 RETURNING changes)"
           " INSERT INTO changes (change, daemon, kind, account, minute, details)"
           " SELECT changes, $1, $2, $3, " MINUTE ", $4 FROM n",
};

static const struct store_stmt note_session = {
    .name = "changes.note_session",
    .sql = "WITH s AS (SELECT account FROM sessions WHERE token_hash = $3),"
           " n AS (UPDATE relay SET changes = changes + 1"
           "  WHERE one = 1 AND EXISTS (SELECT 1 FROM s) RETURNING changes)"
           " INSERT INTO changes (change, daemon, kind, account, minute, details)"
           " SELECT n.changes, $1, $2, s.account, " MINUTE ", $4 FROM n, s",
};

static const struct store_stmt ask_last = {
    .name = "changes.ask_last",
    .sql = "SELECT changes FROM relay WHERE one = 1",
};

static const struct store_stmt ask = {
    .name = "changes.ask",
    .sql = "SELECT change, daemon, kind, account, details FROM changes"
           " WHERE change > $1 ORDER BY change LIMIT $2",
};

static const struct store_stmt purge = {
    .name = "changes.purge",
    .sql = "DELETE FROM changes WHERE change IN"
           " (SELECT change FROM changes WHERE minute < " MINUTE " - 60 LIMIT $1)"
           " RETURNING change",
};

void changes_sql_note(struct store_batch *batch, const struct change_row *row)
{
    store_batch_add(batch, &note);
    store_bind_int(batch, row->daemon);
    store_bind_int(batch, row->kind);
    store_bind_int(batch, row->account);
    store_bind_bytes(batch, row->details);
}

void changes_sql_note_session(struct store_batch *batch, const struct change_row *row,
                              const struct session_hash *hash)
{
    store_batch_add(batch, &note_session);
    store_bind_int(batch, row->daemon);
    store_bind_int(batch, row->kind);
    store_bind_bytes(batch, bytes_of(hash->raw, sizeof hash->raw));
    store_bind_bytes(batch, row->details);
}

struct store_batch *changes_sql_ask(int64_t after)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &ask_last);
    store_batch_add(batch, &ask);
    store_bind_int(batch, after);
    store_bind_int(batch, CHANGES_READ_AT_ONCE);
    return batch;
}

int64_t changes_sql_last(struct store_rows *rows)
{
    return store_rows_next(rows) ? store_rows_int(rows, 0) : 0;
}

bool changes_sql_row(struct store_rows *rows, struct change_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    out->change = store_rows_int(rows, 0);
    out->daemon = store_rows_int(rows, 1);
    out->kind = store_rows_int(rows, 2);
    out->account = store_rows_int(rows, 3);
    out->details = store_rows_bytes(rows, 4);
    return true;
}

struct store_batch *changes_sql_purge(int64_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &purge);
    store_bind_int(batch, limit);
    return batch;
}

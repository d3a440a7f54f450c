/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/key_register_sql.h"

#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "server/domain/columns.h"

/* PostgreSQL's own: the first number tells these locks from others. */
static const struct store_stmt lock = {
    .name = "key_files.lock",
    .sql = "SELECT key FROM unnest(CAST($1 AS BIGINT[])) AS key"
           " WHERE pg_advisory_xact_lock(1802793330, CAST(key AS INTEGER)) IS NOT NULL",
};

static const struct store_stmt clear = {
    .name = "key_holders.clear",
    .sql = "DELETE FROM key_holders WHERE daemon = $1 OR seen_at < $2",
};

static const struct store_stmt note = {
    .name = "key_files.note",
    .sql = "INSERT INTO key_files (purpose, key_id, fingerprint, state, since)"
           " VALUES ($1, $2, $3, 0, $4) ON CONFLICT (purpose, key_id) DO NOTHING",
};

static const struct store_stmt hold = {
    .name = "key_holders.hold",
    .sql = "INSERT INTO key_holders (daemon, purpose, key_id, is_used, seen_at)"
           " SELECT $1, purpose, key_id, $4, $5 FROM key_files"
           " WHERE purpose = $2 AND key_id = $3 AND fingerprint = $6",
};

/* Of daemons that run: d is any of its rows. */
#define LACKS                                                            \
    " FROM key_holders d WHERE d.seen_at >= $1 AND NOT EXISTS (SELECT 1" \
    " FROM key_holders h WHERE h.daemon = d.daemon"                      \
    " AND h.purpose = key_files.purpose AND h.key_id = key_files.key_id)"

static const struct store_stmt enforce = {
    .name = "key_files.enforce",
    .sql = "UPDATE key_files SET state = 1, since = $2 WHERE state = 0"
           " AND NOT EXISTS (SELECT 1" LACKS ")",
};

static const struct store_stmt ask = {
    .name = "key_files.ask",
    .sql = "SELECT purpose, key_id, fingerprint, state, since,"
           " (SELECT count(DISTINCT d.daemon)" LACKS "),"
           " (SELECT count(*) FROM key_holders u WHERE u.seen_at >= $1 AND u.is_used = 1"
           "  AND u.purpose = key_files.purpose AND u.key_id = key_files.key_id)"
           " FROM key_files ORDER BY purpose, key_id LIMIT $2",
};

static const struct store_stmt expect_retire = {
    .name = "key_files.expect_retire",
    .sql = "UPDATE key_files SET state = 2, since = $4 WHERE purpose = $2 AND key_id = $3"
           " AND state = 1 AND EXISTS (SELECT 1 FROM key_files n WHERE n.purpose = $2"
           "  AND n.key_id > $3 AND n.state = 1)"
           " AND NOT EXISTS (SELECT 1 FROM key_holders u WHERE u.seen_at >= $1"
           "  AND u.is_used = 1 AND u.purpose = $2 AND u.key_id <= $3)",
};

static const struct store_stmt forget = {
    .name = "key_files.forget",
    .sql = "DELETE FROM key_files WHERE purpose = $1 AND key_id = $2",
};

static const struct store_stmt leave = {
    .name = "key_holders.leave",
    .sql = "DELETE FROM key_holders WHERE daemon = $1",
};

void key_register_sql_lock(struct store_batch *batch)
{
    store_batch_lock(batch, &lock, 0);
}

void key_register_sql_clear(struct store_batch *batch, const struct key_asker *asker)
{
    store_batch_add(batch, &clear);
    store_bind_int(batch, asker->daemon);
    store_bind_int(batch, asker->gone_s);
}

void key_register_sql_hold(struct store_batch *batch, const struct key_asker *asker,
                           const struct key_held *held)
{
    const struct bytes fingerprint = bytes_of(held->fingerprint, sizeof held->fingerprint);

    store_batch_add(batch, &note);
    store_bind_text(batch, bytes_text(held->purpose));
    store_bind_int(batch, held->id);
    store_bind_bytes(batch, fingerprint);
    store_bind_int(batch, asker->now_s);
    store_batch_add(batch, &hold);
    store_bind_int(batch, asker->daemon);
    store_bind_text(batch, bytes_text(held->purpose));
    store_bind_int(batch, held->id);
    store_bind_int(batch, held->is_used ? 1 : 0);
    store_bind_int(batch, asker->now_s);
    store_bind_bytes(batch, fingerprint);
}

void key_register_sql_enforce(struct store_batch *batch, const struct key_asker *asker)
{
    store_batch_add(batch, &enforce);
    store_bind_int(batch, asker->alive_s);
    store_bind_int(batch, asker->now_s);
}

void key_register_sql_ask(struct store_batch *batch, const struct key_asker *asker)
{
    store_batch_add(batch, &ask);
    store_bind_int(batch, asker->alive_s);
    store_bind_int(batch, KEY_REGISTER_MAX);
}

bool key_register_sql_row(struct store_rows *rows, struct key_row *out)
{
    struct bytes purpose;

    if (!store_rows_next(rows)) {
        return false;
    }
    memset(out, 0, sizeof *out);
    purpose = store_rows_bytes(rows, 0);
    CHECK(purpose.size < sizeof out->purpose);
    memcpy(out->purpose, purpose.at, purpose.size);
    out->id = (uint32_t)store_rows_int(rows, 1);
    columns_exact(rows, 2, out->fingerprint, sizeof out->fingerprint);
    out->state = (enum key_state)store_rows_int(rows, 3);
    out->since = store_rows_int(rows, 4);
    out->lacking = store_rows_int(rows, 5);
    out->using_it = store_rows_int(rows, 6);
    return true;
}

void key_register_sql_expect_retire(struct store_batch *batch, const struct key_asker *asker,
                                    const char *purpose, uint32_t id)
{
    store_batch_expect(batch, &expect_retire);
    store_bind_int(batch, asker->alive_s);
    store_bind_text(batch, bytes_text(purpose));
    store_bind_int(batch, id);
    store_bind_int(batch, asker->now_s);
}

void key_register_sql_forget(struct store_batch *batch, const char *purpose, uint32_t id)
{
    store_batch_add(batch, &forget);
    store_bind_text(batch, bytes_text(purpose));
    store_bind_int(batch, id);
}

void key_register_sql_leave(struct store_batch *batch, int64_t daemon)
{
    store_batch_add(batch, &leave);
    store_bind_int(batch, daemon);
}

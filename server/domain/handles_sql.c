/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/handles_sql.h"

#include "server/domain/columns.h"
#include "server/domain/handles.h"
#include "server/store/store.h"

/*
 * It writes the account's row, though nothing in it changes: so no manifest and no erasure comes
 * between, and two claims of one account are counted one after the other.
 */
static const struct store_stmt expect_signer = {
    .name = "handles.expect_signer",
    .sql = "UPDATE accounts SET epoch = epoch WHERE account = $1 AND EXISTS"
           " (SELECT 1 FROM devices WHERE account = $1 AND device_id = $2 AND device_pub = $3"
           " AND flags % 2 = 1) RETURNING 1",
};

static const struct store_stmt expect_room = {
    .name = "handles.expect_room",
    .sql = "SELECT 1 WHERE (SELECT count(*) FROM handles WHERE account = $1 AND handle_key <> $2)"
           " < $3",
};

/* A name that never was begins at 0.  Of two that come at once the second finds the first's row. */
static const struct store_stmt put = {
    .name = "handles.put",
    .sql = "INSERT INTO handles (handle_key, account, seq, binding, owner_hash, free_day)"
           " SELECT $1, $2, $3, $4, NULL, 0"
           " WHERE $3 = 0 OR EXISTS (SELECT 1 FROM handles WHERE handle_key = $1)"
           " ON CONFLICT (handle_key) DO UPDATE SET account = excluded.account,"
           " seq = excluded.seq, binding = excluded.binding, owner_hash = NULL, free_day = 0"
           " WHERE handles.seq + 1 = excluded.seq AND (handles.account = excluded.account OR"
           " (handles.account = 0 AND (handles.free_day <= $6 OR handles.owner_hash = $5)))"
           " RETURNING 1",
};

static const struct store_stmt ask = {
    .name = "handles.ask",
    .sql = "SELECT account, seq, free_day, owner_hash FROM handles WHERE handle_key = $1",
};

static const struct store_stmt release = {
    .name = "handles.release",
    .sql = "UPDATE handles SET account = 0, binding = NULL, owner_hash = $3, free_day = $4"
           " WHERE handle_key = $1 AND account = $2 RETURNING 1",
};

static const struct store_stmt release_all = {
    .name = "handles.release_all",
    .sql = "UPDATE handles SET account = 0, binding = NULL, free_day = $2 WHERE account = $1",
};

static const struct store_stmt find = {
    .name = "handles.find",
    .sql = "SELECT a.account_id, h.binding"
           " FROM handles h JOIN accounts a ON a.account = h.account WHERE h.handle_key = $1",
};

static const struct store_stmt ask_account = {
    .name = "handles.ask_account",
    .sql = "SELECT h.handle_key, h.seq, h.binding"
           " FROM accounts a JOIN handles h ON h.account = a.account"
           " WHERE a.account_id = $1 ORDER BY h.handle_key",
};

/* On PostgreSQL a purge waits for nobody, so that nobody waits for it in a circle. */
static const struct store_stmt purge = {
    .name = "handles.purge",
    .sql_sqlite = "UPDATE handles SET owner_hash = NULL, free_day = 0 WHERE handle_key IN"
                  " (SELECT handle_key FROM handles WHERE free_day > 0 AND free_day <= $1"
                  " LIMIT $2) RETURNING 1",
    .sql_postgres = "UPDATE handles SET owner_hash = NULL, free_day = 0 WHERE handle_key IN"
                    " (SELECT handle_key FROM handles WHERE free_day > 0 AND free_day <= $1"
                    " LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING 1",
};

static void bind_key(struct store_batch *batch, const struct handle_key *key)
{
    store_bind_bytes(batch, bytes_of(key->raw, sizeof key->raw));
}

void handles_sql_expect_signer(struct store_batch *batch, int64_t account, uint32_t device_id,
                               const struct device_pub *pub)
{
    store_batch_expect(batch, &expect_signer);
    store_bind_int(batch, account);
    store_bind_int(batch, device_id);
    store_bind_bytes(batch, bytes_of(pub->raw, sizeof pub->raw));
}

void handles_sql_expect_room(struct store_batch *batch, int64_t account,
                             const struct handle_key *key, int64_t max)
{
    store_batch_expect(batch, &expect_room);
    store_bind_int(batch, account);
    bind_key(batch, key);
    store_bind_int(batch, max);
}

void handles_sql_put(struct store_batch *batch, const struct handles_put *order)
{
    store_batch_expect(batch, &put);
    bind_key(batch, order->key);
    store_bind_int(batch, order->account);
    store_bind_int(batch, order->seq);
    store_bind_bytes(batch, order->sealed);
    store_bind_bytes(batch, bytes_of(order->owner, CRYPTO_SHA256_BYTES));
    store_bind_int(batch, order->today);
}

void handles_sql_ask(struct store_batch *batch, const struct handle_key *key)
{
    store_batch_add(batch, &ask);
    bind_key(batch, key);
}

bool handles_sql_row(struct store_rows *rows, struct handles_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    out->account = store_rows_int(rows, 0);
    out->seq = store_rows_int(rows, 1);
    out->free_day = store_rows_int(rows, 2);
    out->owner_known = !store_rows_is_null(rows, 3);
    if (out->owner_known) {
        columns_exact(rows, 3, out->owner, sizeof out->owner);
    }
    return true;
}

void handles_sql_release(struct store_batch *batch, const struct handle_key *key, int64_t account,
                         const uint8_t *owner, int64_t free_day)
{
    store_batch_expect(batch, &release);
    bind_key(batch, key);
    store_bind_int(batch, account);
    store_bind_bytes(batch, bytes_of(owner, CRYPTO_SHA256_BYTES));
    store_bind_int(batch, free_day);
}

void handles_sql_release_all(struct store_batch *batch, int64_t account, int64_t free_day)
{
    store_batch_add(batch, &release_all);
    store_bind_int(batch, account);
    store_bind_int(batch, free_day);
}

struct store_batch *handles_sql_find(const struct handle_key *key)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &find);
    bind_key(batch, key);
    return batch;
}

bool handles_sql_found(struct store_rows *rows, struct account_id *out_account_id,
                       struct bytes *out_sealed)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    columns_exact(rows, 0, out_account_id->raw, sizeof out_account_id->raw);
    *out_sealed = store_rows_bytes(rows, 1);
    return true;
}

void handles_sql_ask_account(struct store_batch *batch, const struct account_id *account_id)
{
    store_batch_add(batch, &ask_account);
    store_bind_bytes(batch, bytes_of(account_id->raw, sizeof account_id->raw));
}

bool handles_sql_next(struct store_rows *rows, struct handle_key *out_key, int64_t *out_seq,
                      struct bytes *out_sealed)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    columns_exact(rows, 0, out_key->raw, sizeof out_key->raw);
    *out_seq = store_rows_int(rows, 1);
    *out_sealed = store_rows_bytes(rows, 2);
    return true;
}

struct store_batch *handles_sql_purge(int64_t today, size_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &purge);
    store_bind_int(batch, today);
    store_bind_int(batch, (int64_t)limit);
    return batch;
}

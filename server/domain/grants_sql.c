/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/grants_sql.h"

#include "common/bytes.h"
#include "server/domain/factors_sql.h"
#include "server/store/store.h"

static const struct store_stmt put = {
    .name = "grants.put",
    .sql = "INSERT INTO grants (grant_hash, account, purpose, kind, expires_at)"
           " VALUES ($1, $2, $3, $4, $5)",
};

static const struct store_stmt expect = {
    .name = "grants.expect",
    .sql = "DELETE FROM grants WHERE account = $1 AND grant_hash = $2 AND purpose = $3"
           " AND expires_at > $4 AND (kind <> 0 OR NOT " FACTORS_SQL_ENROLLED ") RETURNING 1",
};

static const struct store_stmt expect_any = {
    .name = "grants.expect_any",
    .sql = "DELETE FROM grants WHERE account = $1 AND grant_hash = $2 AND purpose = $3"
           " AND expires_at > $4 RETURNING 1",
};

static const struct store_stmt expect_none_needed = {
    .name = "grants.expect_none_needed",
    .sql = "SELECT 1 WHERE NOT " FACTORS_SQL_ENROLLED,
};

static const struct store_stmt end_account = {
    .name = "grants.end_account",
    .sql = "DELETE FROM grants WHERE account = $1",
};

static const struct store_stmt purge = {
    .name = "grants.purge",
    .sql_sqlite = "DELETE FROM grants WHERE grant_hash IN"
                  " (SELECT grant_hash FROM grants WHERE expires_at <= $1 LIMIT $2) RETURNING 1",
    .sql_postgres = "DELETE FROM grants WHERE grant_hash IN"
                    " (SELECT grant_hash FROM grants WHERE expires_at <= $1 LIMIT $2"
                    " FOR UPDATE SKIP LOCKED) RETURNING 1", /* waits for nobody */
};

static void bind_hash(struct store_batch *batch, const uint8_t *hash)
{
    store_bind_bytes(batch, bytes_of(hash, CRYPTO_SHA256_BYTES));
}

void grants_sql_put(struct store_batch *batch, const struct grants_row *row)
{
    store_batch_add(batch, &put);
    bind_hash(batch, row->hash);
    store_bind_int(batch, row->account);
    store_bind_int(batch, (int64_t)row->purpose);
    store_bind_int(batch, (int64_t)row->kind);
    store_bind_int(batch, row->expires_at);
}

static void bind_use(struct store_batch *batch, const uint8_t *hash, int64_t account,
                     enum txn_purpose purpose, int64_t now_s)
{
    store_bind_int(batch, account);
    bind_hash(batch, hash);
    store_bind_int(batch, (int64_t)purpose);
    store_bind_int(batch, now_s);
}

void grants_sql_expect(struct store_batch *batch, const uint8_t hash[CRYPTO_SHA256_BYTES],
                       int64_t account, enum txn_purpose purpose, int64_t now_s)
{
    store_batch_expect(batch, &expect);
    bind_use(batch, hash, account, purpose, now_s);
}

void grants_sql_expect_any(struct store_batch *batch, const uint8_t hash[CRYPTO_SHA256_BYTES],
                           int64_t account, enum txn_purpose purpose, int64_t now_s)
{
    store_batch_expect(batch, &expect_any);
    bind_use(batch, hash, account, purpose, now_s);
}

void grants_sql_expect_none_needed(struct store_batch *batch, int64_t account)
{
    store_batch_expect(batch, &expect_none_needed);
    store_bind_int(batch, account);
}

void grants_sql_end_account(struct store_batch *batch, int64_t account)
{
    store_batch_add(batch, &end_account);
    store_bind_int(batch, account);
}

struct store_batch *grants_sql_purge(int64_t now_s, size_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &purge);
    store_bind_int(batch, now_s);
    store_bind_int(batch, (int64_t)limit);
    return batch;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All of a claim runs under the lock of the device's row, or alone on SQLite: so
 * the key that is noted as spent is the one that is deleted, and whether the last
 * resort is due is asked before anything is taken.
 */
#include "server/domain/keys_claim_sql.h"

#include <string.h>

#include "common/limits.h"
#include "server/domain/columns.h"
#include "server/domain/domain.h"
#include "server/store/store.h"

#define GENERATION "(SELECT generation FROM relay WHERE one = 1)"
#define IN_STOCK                                     \
    " k.mailbox = $1 AND k.kind = 0 AND k.slot = $2" \
    " AND k.generation = " GENERATION " AND (k.expires_at = 0 OR k.expires_at > $3)"
#define OLDEST "(SELECT k.number FROM keys k WHERE" IN_STOCK " ORDER BY k.number LIMIT 1)"

static const struct store_stmt ask_registrations = {
    .name = "keys_claim.registrations",
    .sql = "SELECT mailbox, registration_id FROM devices"
           " WHERE account = $1 AND registration_id IS NOT NULL",
};

static const struct store_stmt ask_static = {
    .name = "keys_claim.static",
    .sql = "SELECT id, key, signature, flags, uses, first_use_day FROM keys"
           " WHERE mailbox = $1 AND slot = $2 AND kind = 2",
};

static const struct store_stmt use_last = {
    .name = "keys_claim.use_last",
    .sql = "UPDATE keys SET uses = uses + 1,"
           " first_use_day = CASE WHEN uses = 0 THEN $5 ELSE first_use_day END"
           " WHERE mailbox = $1 AND slot = $4 AND kind = 1"
           " AND (expires_at = 0 OR expires_at > $3)"
           " AND ($2 = '' OR NOT EXISTS (SELECT 1 FROM keys k WHERE" IN_STOCK "))"
           " RETURNING id, key, signature, flags, uses, first_use_day",
};

/* Whose a KeyPackage was: its Welcome names it (welcomes.h). */
static const struct store_stmt note_taken = {
    .name = "keys_claim.note_taken",
    .sql = "INSERT INTO mls_references (reference, mailbox, free_day)"
           " SELECT id, mailbox, $4 FROM keys WHERE number = " OLDEST
           " ON CONFLICT (reference) DO UPDATE SET mailbox = excluded.mailbox,"
           " free_day = excluded.free_day",
};

static const struct store_stmt note_last = {
    .name = "keys_claim.note_last",
    .sql = "INSERT INTO mls_references (reference, mailbox, free_day)"
           " SELECT id, mailbox, $3 FROM keys WHERE mailbox = $1 AND slot = $2 AND kind = 1"
           " AND uses > 0"
           " ON CONFLICT (reference) DO UPDATE SET mailbox = excluded.mailbox,"
           " free_day = excluded.free_day",
};

static const struct store_stmt spend = {
    .name = "keys_claim.spend",
    .sql = "INSERT INTO spent_keys (mailbox, key_hash, day)"
           " SELECT mailbox, key_hash, $4 FROM keys WHERE number = " OLDEST
           " ON CONFLICT (mailbox, key_hash) DO NOTHING",
};

static const struct store_stmt take = {
    .name = "keys_claim.take",
    .sql = "DELETE FROM keys WHERE number = " OLDEST
           " RETURNING id, key, signature, flags, uses, first_use_day",
};

/* A full pool costs no more than one that is nearly low: counting ends there. */
static const struct store_stmt note_low = {
    .name = "keys_claim.note_low",
    .sql = "UPDATE key_pools SET low = 1 WHERE mailbox = $1 AND slot = $2 AND low = 0"
           " AND (SELECT count(*) FROM (SELECT 1 FROM keys k WHERE" IN_STOCK " LIMIT $4) few) < $4"
           " RETURNING (SELECT count(*) FROM keys k WHERE" IN_STOCK "),"
           " (SELECT device_pub FROM devices WHERE mailbox = $1)",
};

void keys_claim_sql_ask_registrations(struct store_batch *batch, int64_t account)
{
    store_batch_add(batch, &ask_registrations);
    store_bind_int(batch, account);
}

bool keys_claim_sql_registration(struct store_rows *rows, int64_t *out_mailbox,
                                 uint32_t *out_registration_id)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    *out_mailbox = store_rows_int(rows, 0);
    *out_registration_id = (uint32_t)store_rows_int(rows, 1);
    return true;
}

static void add_for_pool(struct store_batch *batch, const struct store_stmt *stmt,
                         const struct keys_pool_name *pool)
{
    store_batch_add(batch, stmt);
    store_bind_int(batch, pool->mailbox);
    store_bind_text(batch, bytes_text(pool->slot));
}

void keys_claim_sql_ask_static(struct store_batch *batch, const struct keys_pool_name *pool)
{
    add_for_pool(batch, &ask_static, pool);
}

static bool is_of_mls(const struct keys_pool_name *pool)
{
    return strcmp(pool->slot, "mls.keypackage") == 0;
}

static int64_t free_day(int64_t now_s)
{
    return now_s * 1000 / DOMAIN_DAY_MS + LIMIT_REFERENCE_DAYS + 1;
}

void keys_claim_sql_use_last(struct store_batch *batch, const struct keys_pool_name *pool,
                             const char *unless, int64_t now_s)
{
    store_batch_add(batch, &use_last);
    store_bind_int(batch, pool->mailbox);
    store_bind_text(batch, bytes_text(unless == NULL ? "" : unless));
    store_bind_int(batch, now_s);
    store_bind_text(batch, bytes_text(pool->slot));
    store_bind_int(batch, now_s * 1000 / DOMAIN_DAY_MS);
    if (is_of_mls(pool)) {
        add_for_pool(batch, &note_last, pool);
        store_bind_int(batch, free_day(now_s));
    }
}

void keys_claim_sql_take(struct store_batch *batch, const struct keys_pool_name *pool,
                         int64_t now_s)
{
    if (is_of_mls(pool)) {
        add_for_pool(batch, &note_taken, pool);
        store_bind_int(batch, now_s);
        store_bind_int(batch, free_day(now_s));
    }
    add_for_pool(batch, &spend, pool);
    store_bind_int(batch, now_s);
    store_bind_int(batch, now_s * 1000 / DOMAIN_DAY_MS);
    add_for_pool(batch, &take, pool);
    store_bind_int(batch, now_s);
}

bool keys_claim_sql_key(struct store_rows *rows, struct keys_claim_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    out->id = store_rows_bytes(rows, 0);
    out->key = store_rows_bytes(rows, 1);
    out->signature = store_rows_bytes(rows, 2);
    out->is_unverified = (store_rows_int(rows, 3) & KEYS_FLAG_UNVERIFIED) != 0;
    out->uses = store_rows_int(rows, 4);
    out->first_use_day = store_rows_int(rows, 5);
    return true;
}

void keys_claim_sql_note_low(struct store_batch *batch, const struct keys_pool_name *pool,
                             int64_t now_s)
{
    add_for_pool(batch, &note_low, pool);
    store_bind_int(batch, now_s);
    store_bind_int(batch, LIMIT_KEYS_LOW);
}

bool keys_claim_sql_low(struct store_rows *rows, struct keys_low_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    out->count = store_rows_int(rows, 0);
    columns_exact(rows, 1, out->pub.raw, sizeof out->pub.raw);
    return true;
}

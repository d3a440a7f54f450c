/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/holds_sql.h"

#include "common/bytes.h"
#include "server/domain/columns.h"
#include "server/store/store.h"

static const struct store_stmt insert = {
    .name = "holds.insert",
    .sql = "INSERT INTO holds"
           " (account, kind, signer, epoch, hash, signed, removes, made_ms, held_until, generation)"
           " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 WHERE NOT EXISTS"
           " (SELECT 1 FROM holds WHERE account = $1 AND kind = $2 AND kind = 0 AND hash = $5)"
           " ON CONFLICT DO NOTHING RETURNING 1",
};

static const struct store_stmt expect_free = {
    .name = "holds.expect_free",
    .sql = "SELECT 1 WHERE NOT EXISTS"
           " (SELECT 1 FROM holds WHERE account = $1 AND (kind <> 0 OR hash <> $2))",
};

static const struct store_stmt expect_held = {
    .name = "holds.expect_held",
    .sql = "SELECT 1 FROM holds WHERE account = $1 AND kind = $2 AND signer = $3 AND hash = $4"
           " AND made_ms = $5",
};

static const struct store_stmt take = {
    .name = "holds.take",
    .sql = "DELETE FROM holds WHERE account = $1 AND kind = $2 AND signer = $3 AND hash = $4"
           " AND made_ms = $5 RETURNING 1",
};

static const struct store_stmt veto = {
    .name = "holds.veto",
    .sql = "DELETE FROM holds WHERE account = $1 AND kind = $2 AND signer = $3 AND hash = $4"
           " AND made_ms = $5 AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.account = $1"
           "  AND substr(h.removes, CAST($6 AS INTEGER) + 1, 1) = $7) RETURNING 1",
};

static const struct store_stmt renew = {
    .name = "holds.renew",
    .sql = "UPDATE holds SET held_until = $6, generation = $7 WHERE account = $1 AND kind = $2"
           " AND signer = $3 AND hash = $4 AND made_ms = $5 RETURNING 1",
};

static const struct store_stmt clear = {
    .name = "holds.clear",
    .sql = "DELETE FROM holds WHERE account = $1",
};

#define COLUMNS                                                                            \
    "a.account_id, h.kind, h.signer, h.epoch, h.hash, h.removes, h.made_ms, h.held_until," \
    " h.generation"
#define FROM " FROM accounts a JOIN holds h ON h.account = a.account"

static const struct store_stmt ask = {
    .name = "holds.ask",
    .sql = "SELECT " COLUMNS FROM " WHERE a.account_id = $1"
           " ORDER BY h.held_until, h.made_ms, h.kind, h.signer",
};

static const struct store_stmt ask_whole = {
    .name = "holds.ask_whole",
    .sql = "SELECT " COLUMNS ", h.signed" FROM " WHERE a.account_id = $1"
           " ORDER BY h.held_until, h.made_ms, h.kind, h.signer",
};

static const struct store_stmt ask_due = {
    .name = "holds.ask_due",
    .sql = "SELECT " COLUMNS ", h.signed" FROM " WHERE h.held_until <= $1"
           " ORDER BY h.held_until, h.made_ms, h.kind, h.signer LIMIT $2",
};

static struct bytes hash_of(const struct hold *hold)
{
    return bytes_of(hold->hash.raw, hold->kind == HOLD_MANIFEST ? sizeof hold->hash.raw : 0);
}

static void bind_name(struct store_batch *batch, int64_t account, const struct hold *hold)
{
    store_bind_int(batch, account);
    store_bind_int(batch, hold->kind);
    store_bind_int(batch, hold->signer);
}

/* The name, and that it is the one that was read. */
static void bind_one(struct store_batch *batch, int64_t account, const struct hold *hold)
{
    bind_name(batch, account, hold);
    store_bind_bytes(batch, hash_of(hold));
    store_bind_int(batch, hold->made_ms);
}

void holds_sql_insert(struct store_batch *batch, int64_t account, const struct hold *hold)
{
    store_batch_expect(batch, &insert);
    bind_name(batch, account, hold);
    store_bind_int(batch, (int64_t)hold->epoch);
    store_bind_bytes(batch, hash_of(hold));
    store_bind_bytes(batch, hold->signed_bytes);
    store_bind_bytes(batch, bytes_of(hold->removes, sizeof hold->removes));
    store_bind_int(batch, hold->made_ms);
    store_bind_int(batch, hold->held_until);
    store_bind_int(batch, hold->generation);
}

void holds_sql_expect_free(struct store_batch *batch, int64_t account,
                           const struct manifest_hash *hash)
{
    store_batch_expect(batch, &expect_free);
    store_bind_int(batch, account);
    store_bind_bytes(batch, bytes_of(hash->raw, sizeof hash->raw));
}

void holds_sql_expect_held(struct store_batch *batch, int64_t account, const struct hold *hold)
{
    store_batch_expect(batch, &expect_held);
    bind_one(batch, account, hold);
}

void holds_sql_take(struct store_batch *batch, int64_t account, const struct hold *hold)
{
    store_batch_expect(batch, &take);
    bind_one(batch, account, hold);
}

void holds_sql_veto(struct store_batch *batch, int64_t account, const struct hold *hold,
                    uint32_t device_id)
{
    static const uint8_t removed = 1;

    store_batch_expect(batch, &veto);
    bind_one(batch, account, hold);
    store_bind_int(batch, device_id);
    store_bind_bytes(batch, bytes_of(&removed, sizeof removed));
}

void holds_sql_renew(struct store_batch *batch, int64_t account, const struct hold *hold)
{
    store_batch_expect(batch, &renew);
    bind_one(batch, account, hold);
    store_bind_int(batch, hold->held_until);
    store_bind_int(batch, hold->generation);
}

void holds_sql_clear(struct store_batch *batch, int64_t account)
{
    store_batch_add(batch, &clear);
    store_bind_int(batch, account);
}

static void ask_of(struct store_batch *batch, const struct store_stmt *stmt,
                   const struct account_id *account_id)
{
    store_batch_add(batch, stmt);
    store_bind_bytes(batch, bytes_of(account_id->raw, sizeof account_id->raw));
}

void holds_sql_ask(struct store_batch *batch, const struct account_id *account_id)
{
    ask_of(batch, &ask, account_id);
}

void holds_sql_ask_whole(struct store_batch *batch, const struct account_id *account_id)
{
    ask_of(batch, &ask_whole, account_id);
}

struct store_batch *holds_sql_ask_due(int64_t now_s)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &ask_due);
    store_bind_int(batch, now_s);
    store_bind_int(batch, HOLDS_DUE_AT_ONCE);
    return batch;
}

static bool next(struct store_rows *rows, struct hold *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    *out = (struct hold){ .kind = (enum hold_kind)store_rows_int(rows, 1),
                          .signer = (uint32_t)store_rows_int(rows, 2),
                          .epoch = (uint64_t)store_rows_int(rows, 3),
                          .made_ms = store_rows_int(rows, 6),
                          .held_until = store_rows_int(rows, 7),
                          .generation = store_rows_int(rows, 8) };
    columns_exact(rows, 0, out->account_id.raw, sizeof out->account_id.raw);
    if (out->kind == HOLD_MANIFEST) {
        columns_exact(rows, 4, out->hash.raw, sizeof out->hash.raw);
    }
    columns_exact(rows, 5, out->removes, sizeof out->removes);
    return true;
}

bool holds_sql_next(struct store_rows *rows, struct hold *out)
{
    return next(rows, out);
}

bool holds_sql_next_whole(struct store_rows *rows, struct hold *out)
{
    if (!next(rows, out)) {
        return false;
    }
    out->signed_bytes = store_rows_bytes(rows, 9);
    return true;
}

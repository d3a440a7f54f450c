/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/accounts_sql.h"

#include "common/bytes.h"
#include "server/domain/columns.h"
#include "server/store/store.h"

static const struct store_stmt ask = {
    .name = "accounts.ask",
    .sql = "SELECT account, epoch, head_hash FROM accounts WHERE account_id = $1",
};

static const struct store_stmt ask_erased = {
    .name = "accounts.ask_erased",
    .sql = "SELECT 1 FROM erased_accounts WHERE account_hash = $1",
};

static const struct store_stmt insert = {
    .name = "accounts.insert",
    .sql = "INSERT INTO accounts (account_id, epoch, head_hash, created_day, seen_day)"
           " SELECT $1, 0, $2, $3, $3"
           " WHERE NOT EXISTS (SELECT 1 FROM erased_accounts WHERE account_hash = $4)"
           " ON CONFLICT (account_id) DO NOTHING RETURNING account",
};

/*
 * Where daemons share the database the insert may have waited for the one that erases the account,
 * and has looked before that committed: so look again.
 */
static const struct store_stmt expect_not_erased = {
    .name = "accounts.expect_not_erased",
    .sql = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM erased_accounts WHERE account_hash = $1)",
};

static const struct store_stmt advance = {
    .name = "accounts.advance",
    .sql = "UPDATE accounts SET epoch = epoch + 1, head_hash = $4"
           " WHERE account = $1 AND epoch = $2 AND head_hash = $3 RETURNING 1",
};

static const struct store_stmt expect_head = {
    .name = "accounts.expect_head",
    .sql = "UPDATE accounts SET epoch = epoch"
           " WHERE account = $1 AND epoch = $2 AND head_hash = $3 RETURNING 1",
};

/* It writes the account's row, though nothing in it changes, so that no manifest comes between. */
static const struct store_stmt expect_admin = {
    .name = "accounts.expect_admin",
    .sql = "UPDATE accounts SET epoch = epoch WHERE account = $1 AND (EXISTS"
           " (SELECT 1 FROM devices WHERE mailbox = $2 AND account = $1 AND flags % 2 = 1)"
           " OR NOT EXISTS (SELECT 1 FROM devices WHERE account = $1 AND flags % 2 = 1))"
           " RETURNING 1",
};

static const struct store_stmt expect_there = {
    .name = "accounts.expect_there",
    .sql = "UPDATE accounts SET epoch = epoch WHERE account = $1 RETURNING 1",
};

static const struct store_stmt erase = {
    .name = "accounts.erase",
    .sql = "DELETE FROM accounts WHERE account = $1 AND epoch = $2 AND head_hash = $3"
           " AND ($4 = 0 OR seen_day < $4) RETURNING 1",
};

static const struct store_stmt erase_manifests = {
    .name = "accounts.erase_manifests",
    .sql = "DELETE FROM manifests WHERE account = $1",
};

static const struct store_stmt note_erased = {
    .name = "accounts.note_erased",
    .sql = "INSERT INTO erased_accounts (account_hash, erased_day) VALUES ($1, $2)"
           " ON CONFLICT (account_hash) DO NOTHING",
};

static const struct store_stmt list = {
    .name = "accounts.list",
    .sql = "SELECT a.account, a.account_id, a.epoch, a.created_day, a.seen_day,"
           " (SELECT count(*) FROM devices d WHERE d.account = a.account)"
           " FROM accounts a WHERE a.account > $1 ORDER BY a.account LIMIT $2",
};

static const struct store_stmt idle = {
    .name = "accounts.idle",
    .sql = "SELECT account_id FROM accounts WHERE seen_day < $1 LIMIT $2",
};

static void bind_left(struct store_batch *batch, const struct left_hash *hash)
{
    store_bind_bytes(batch, bytes_of(hash->raw, sizeof hash->raw));
}

static void bind_hash(struct store_batch *batch, const struct manifest_hash *hash)
{
    store_bind_bytes(batch, bytes_of(hash->raw, sizeof hash->raw));
}

static void bind_account(struct store_batch *batch, const struct account_id *account_id)
{
    store_bind_bytes(batch, bytes_of(account_id->raw, sizeof account_id->raw));
}

void accounts_sql_ask(struct store_batch *batch, const struct account_id *account_id)
{
    store_batch_add(batch, &ask);
    bind_account(batch, account_id);
}

bool accounts_sql_row(struct store_rows *rows, struct accounts_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    out->account = store_rows_int(rows, 0);
    out->epoch = (uint64_t)store_rows_int(rows, 1);
    columns_exact(rows, 2, out->hash.raw, sizeof out->hash.raw);
    return true;
}

void accounts_sql_ask_erased(struct store_batch *batch, const struct left_hash *hash)
{
    store_batch_add(batch, &ask_erased);
    bind_left(batch, hash);
}

void accounts_sql_insert(struct store_batch *batch, const struct account_id *account_id,
                         const struct manifest_hash *hash, const struct left_hash *left,
                         int64_t day)
{
    store_batch_expect(batch, &insert);
    bind_account(batch, account_id);
    bind_hash(batch, hash);
    store_bind_int(batch, day);
    bind_left(batch, left);
    store_batch_expect(batch, &expect_not_erased);
    bind_left(batch, left);
}

void accounts_sql_advance(struct store_batch *batch, const struct accounts_row *old,
                          const struct manifest_hash *hash)
{
    store_batch_expect(batch, &advance);
    store_bind_int(batch, old->account);
    store_bind_int(batch, (int64_t)old->epoch);
    bind_hash(batch, &old->hash);
    bind_hash(batch, hash);
}

void accounts_sql_expect_head(struct store_batch *batch, const struct accounts_row *row)
{
    store_batch_expect(batch, &expect_head);
    store_bind_int(batch, row->account);
    store_bind_int(batch, (int64_t)row->epoch);
    bind_hash(batch, &row->hash);
}

void accounts_sql_expect_admin(struct store_batch *batch, int64_t account, int64_t mailbox)
{
    store_batch_expect(batch, &expect_admin);
    store_bind_int(batch, account);
    store_bind_int(batch, mailbox);
}

void accounts_sql_expect_there(struct store_batch *batch, int64_t account)
{
    store_batch_expect(batch, &expect_there);
    store_bind_int(batch, account);
}

void accounts_sql_erase(struct store_batch *batch, const struct accounts_row *row,
                        int64_t seen_before_day)
{
    store_batch_expect(batch, &erase);
    store_bind_int(batch, row->account);
    store_bind_int(batch, (int64_t)row->epoch);
    bind_hash(batch, &row->hash);
    store_bind_int(batch, seen_before_day);
}

void accounts_sql_erase_manifests(struct store_batch *batch, int64_t account)
{
    store_batch_add(batch, &erase_manifests);
    store_bind_int(batch, account);
}

void accounts_sql_note_erased(struct store_batch *batch, const struct left_hash *hash, int64_t day)
{
    store_batch_add(batch, &note_erased);
    bind_left(batch, hash);
    store_bind_int(batch, day);
}

struct store_batch *accounts_sql_list(int64_t after, int64_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &list);
    store_bind_int(batch, after);
    store_bind_int(batch, limit);
    return batch;
}

bool accounts_sql_next(struct store_rows *rows, struct accounts_entry *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    out->account = store_rows_int(rows, 0);
    columns_exact(rows, 1, out->account_id.raw, sizeof out->account_id.raw);
    out->epoch = (uint64_t)store_rows_int(rows, 2);
    out->created_day = store_rows_int(rows, 3);
    out->seen_day = store_rows_int(rows, 4);
    out->device_count = store_rows_int(rows, 5);
    return true;
}

struct store_batch *accounts_sql_idle(int64_t before_day, int64_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &idle);
    store_bind_int(batch, before_day);
    store_bind_int(batch, limit);
    return batch;
}

bool accounts_sql_next_idle(struct store_rows *rows, struct account_id *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    columns_exact(rows, 0, out->raw, sizeof out->raw);
    return true;
}

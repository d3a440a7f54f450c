/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/factors_sql.h"

#include "server/domain/columns.h"
#include "server/store/store.h"

#define SECRETS "SELECT f.factor_id, f.kind, f.secret, f.counter FROM factors f"

static const struct store_stmt ask_secrets = {
    .name = "factors.ask_secrets",
    .sql = SECRETS " WHERE f.account = $1 AND f.kind = $2 AND f.is_confirmed = 1"
                   " ORDER BY f.factor_id",
};

static const struct store_stmt ask_secrets_of = {
    .name = "factors.ask_secrets_of",
    .sql = SECRETS " JOIN txns t ON t.account = f.account AND t.account > 0"
                   " WHERE t.txn_id = $1 AND f.kind = $2 AND f.is_confirmed = 1"
                   " ORDER BY f.factor_id",
};

static const struct store_stmt ask_named = {
    .name = "factors.ask_named",
    .sql = SECRETS " WHERE f.account = $1 AND f.name = $2 AND f.is_confirmed = 1",
};

static const struct store_stmt ask_pending = {
    .name = "factors.ask_pending",
    .sql = SECRETS " WHERE f.account = $1 AND f.factor_id = $2 AND f.is_confirmed = 0",
};

static const struct store_stmt expect_step = {
    .name = "factors.expect_step",
    .sql = "UPDATE factors SET counter = $2"
           " WHERE factor_id = $1 AND is_confirmed = 1 AND counter < $2",
};

static const struct store_stmt expect_signature = {
    .name = "factors.expect_signature",
    .sql = "UPDATE factors SET counter = $2, secret = $3 WHERE factor_id = $1 AND is_confirmed = 1"
           " AND (counter < $2 OR (counter = 0 AND $2 = 0))",
};

static const struct store_stmt expect_confirmed = {
    .name = "factors.expect_confirmed",
    .sql = "SELECT 1 FROM factors WHERE factor_id = $1 AND is_confirmed = 1",
};

static const struct store_stmt expect_no_name = {
    .name = "factors.expect_no_name",
    .sql = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM factors WHERE account = $1 AND name = $2)",
};

static const struct store_stmt expect_confirm = {
    .name = "factors.expect_confirm",
    .sql = "UPDATE factors SET is_confirmed = 1, secret = $3, name = $4, counter = $5"
           " WHERE account = $1 AND factor_id = $2 AND is_confirmed = 0"
           " AND (is_stepped_up = 1 OR NOT " FACTORS_SQL_ENROLLED ")",
};

static const struct store_stmt end_others = {
    .name = "factors.end_others",
    .sql = "DELETE FROM factors WHERE account = $1 AND kind = $2 AND factor_id <> $3",
};

/* The batch holds the account's row, so two of one account are counted one after the other. */
static const struct store_stmt put = {
    .name = "factors.put",
    .sql =
        "INSERT INTO factors (factor_id, account, kind, is_confirmed, is_stepped_up, label, secret,"
        " counter, created_at) SELECT $2, $1, $3, $4, CASE WHEN " FACTORS_SQL_ENROLLED
        " THEN 1 ELSE 0 END, $5, $6, $7, $8"
        " WHERE (SELECT count(*) FROM factors WHERE account = $1 AND kind = $3) < $9",
};

static const struct store_stmt expect_remove = {
    .name = "factors.expect_remove",
    .sql = "DELETE FROM factors WHERE account = $1 AND factor_id = $2",
};

static const struct store_stmt ask_kind = {
    .name = "factors.ask_kind",
    .sql = "SELECT kind FROM factors WHERE account = $1 AND factor_id = $2",
};

static const struct store_stmt ask_whose = {
    .name = "factors.ask_whose",
    .sql = "SELECT a.account, COALESCE(f.kind, -1) FROM accounts a LEFT JOIN factors f"
           " ON f.account = a.account AND f.factor_id = $2 WHERE a.account_id = $1",
};

static const struct store_stmt list = {
    .name = "factors.list",
    .sql = "SELECT f.factor_id, f.kind, f.is_confirmed, f.label, f.created_at,"
           " (SELECT count(*) FROM recovery_codes r WHERE r.account = f.account)"
           " FROM accounts a JOIN factors f ON f.account = a.account WHERE a.account_id = $1"
           " ORDER BY f.created_at, f.factor_id",
};

static const struct store_stmt put_recovery_code = {
    .name = "recovery_codes.put",
    .sql = "INSERT INTO recovery_codes (code_hash, account) VALUES ($1, $2)",
};

static const struct store_stmt ask_recovery_code = {
    .name = "recovery_codes.ask",
    .sql = "SELECT 1 FROM recovery_codes WHERE code_hash = $1 AND account = $2",
};

static const struct store_stmt expect_recovery_code = {
    .name = "recovery_codes.expect",
    .sql = "DELETE FROM recovery_codes WHERE code_hash = $1 AND account = $2 RETURNING 1",
};

static const struct store_stmt end_recovery_codes = {
    .name = "factors.end_recovery_codes",
    .sql = "DELETE FROM factors WHERE account = $1 AND kind = 2",
};

static const struct store_stmt end_loose_codes = {
    .name = "recovery_codes.end_loose",
    .sql = "DELETE FROM recovery_codes WHERE account = $1 AND NOT EXISTS"
           " (SELECT 1 FROM factors WHERE account = $1 AND kind = 2)",
};

static const struct store_stmt end_codes = {
    .name = "recovery_codes.end_account",
    .sql = "DELETE FROM recovery_codes WHERE account = $1",
};

static const struct store_stmt end_account = {
    .name = "factors.end_account",
    .sql = "DELETE FROM factors WHERE account = $1",
};

/* On PostgreSQL a purge waits for nobody, so that nobody waits for it in a circle. */
static const struct store_stmt purge = {
    .name = "factors.purge",
    .sql_sqlite = "DELETE FROM factors WHERE factor_id IN (SELECT factor_id FROM factors"
                  " WHERE is_confirmed = 0 AND created_at <= $1 LIMIT $2) RETURNING 1",
    .sql_postgres = "DELETE FROM factors WHERE factor_id IN (SELECT factor_id FROM factors"
                    " WHERE is_confirmed = 0 AND created_at <= $1 LIMIT $2"
                    " FOR UPDATE SKIP LOCKED) RETURNING 1",
};

static void bind_factor(struct store_batch *batch, const struct factor_id *id)
{
    store_bind_bytes(batch, bytes_of(id->raw, sizeof id->raw));
}

static void add_of_account(struct store_batch *batch, const struct store_stmt *stmt,
                           int64_t account)
{
    store_batch_add(batch, stmt);
    store_bind_int(batch, account);
}

static void bind_name(struct store_batch *batch, const uint8_t name[CRYPTO_SHA256_BYTES])
{
    store_bind_bytes(batch, bytes_of(name, CRYPTO_SHA256_BYTES));
}

static void bind_or_null(struct store_batch *batch, struct bytes value)
{
    if (value.size == 0) {
        store_bind_null(batch);
    } else {
        store_bind_bytes(batch, value);
    }
}

void factors_sql_ask_secrets(struct store_batch *batch, int64_t account, enum factor_kind kind)
{
    add_of_account(batch, &ask_secrets, account);
    store_bind_int(batch, (int64_t)kind);
}

void factors_sql_ask_secrets_of(struct store_batch *batch, const struct txn_id *txn_id,
                                enum factor_kind kind)
{
    store_batch_add(batch, &ask_secrets_of);
    store_bind_bytes(batch, bytes_of(txn_id->raw, sizeof txn_id->raw));
    store_bind_int(batch, (int64_t)kind);
}

void factors_sql_ask_named(struct store_batch *batch, int64_t account,
                           const uint8_t name[CRYPTO_SHA256_BYTES])
{
    add_of_account(batch, &ask_named, account);
    bind_name(batch, name);
}

void factors_sql_ask_pending(struct store_batch *batch, int64_t account,
                             const struct factor_id *factor_id)
{
    add_of_account(batch, &ask_pending, account);
    bind_factor(batch, factor_id);
}

bool factors_sql_next_secret(struct store_rows *rows, struct factors_secret_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    columns_exact(rows, 0, out->factor_id.raw, sizeof out->factor_id.raw);
    out->kind = (enum factor_kind)store_rows_int(rows, 1);
    out->secret = columns_or_empty(rows, 2);
    out->counter = store_rows_int(rows, 3);
    return true;
}

void factors_sql_expect_step(struct store_batch *batch, const struct factor_id *factor_id,
                             int64_t step)
{
    store_batch_expect(batch, &expect_step);
    bind_factor(batch, factor_id);
    store_bind_int(batch, step);
}

void factors_sql_expect_signature(struct store_batch *batch, const struct factor_id *factor_id,
                                  int64_t counter, struct bytes secret)
{
    store_batch_expect(batch, &expect_signature);
    bind_factor(batch, factor_id);
    store_bind_int(batch, counter);
    store_bind_bytes(batch, secret);
}

void factors_sql_expect_confirmed(struct store_batch *batch, const struct factor_id *factor_id)
{
    store_batch_expect(batch, &expect_confirmed);
    bind_factor(batch, factor_id);
}

void factors_sql_expect_no_name(struct store_batch *batch, int64_t account,
                                const uint8_t name[CRYPTO_SHA256_BYTES])
{
    store_batch_expect(batch, &expect_no_name);
    store_bind_int(batch, account);
    bind_name(batch, name);
}

void factors_sql_expect_confirm(struct store_batch *batch, int64_t account,
                                const struct factor_id *factor_id,
                                const struct factors_confirmed *confirmed)
{
    store_batch_expect(batch, &expect_confirm);
    store_bind_int(batch, account);
    bind_factor(batch, factor_id);
    store_bind_bytes(batch, confirmed->secret);
    bind_or_null(batch, confirmed->name);
    store_bind_int(batch, confirmed->counter);
}

void factors_sql_end_others(struct store_batch *batch, int64_t account, enum factor_kind kind,
                            const struct factor_id *factor_id)
{
    add_of_account(batch, &end_others, account);
    store_bind_int(batch, (int64_t)kind);
    bind_factor(batch, factor_id);
}

void factors_sql_put(struct store_batch *batch, const struct factors_row *row, int64_t max)
{
    store_batch_expect(batch, &put);
    store_bind_int(batch, row->account);
    bind_factor(batch, &row->factor_id);
    store_bind_int(batch, (int64_t)row->kind);
    store_bind_int(batch, row->is_confirmed ? 1 : 0);
    store_bind_bytes(batch, row->label);
    bind_or_null(batch, row->secret);
    store_bind_int(batch, row->counter);
    store_bind_int(batch, row->created_at);
    store_bind_int(batch, max);
}

void factors_sql_expect_remove(struct store_batch *batch, int64_t account,
                               const struct factor_id *factor_id)
{
    store_batch_expect(batch, &expect_remove);
    store_bind_int(batch, account);
    bind_factor(batch, factor_id);
}

void factors_sql_ask_kind(struct store_batch *batch, int64_t account,
                          const struct factor_id *factor_id)
{
    add_of_account(batch, &ask_kind, account);
    bind_factor(batch, factor_id);
}

bool factors_sql_kind(struct store_rows *rows, enum factor_kind *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    *out = (enum factor_kind)store_rows_int(rows, 0);
    return true;
}

void factors_sql_ask_whose(struct store_batch *batch, const struct account_id *account_id,
                           const struct factor_id *factor_id)
{
    store_batch_add(batch, &ask_whose);
    store_bind_bytes(batch, bytes_of(account_id->raw, sizeof account_id->raw));
    bind_factor(batch, factor_id);
}

bool factors_sql_whose(struct store_rows *rows, int64_t *out_account, bool *out_has_factor,
                       enum factor_kind *out_kind)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    *out_account = store_rows_int(rows, 0);
    *out_has_factor = store_rows_int(rows, 1) >= 0;
    if (*out_has_factor) {
        *out_kind = (enum factor_kind)store_rows_int(rows, 1);
    }
    return true;
}

void factors_sql_list(struct store_batch *batch, const struct account_id *account_id)
{
    store_batch_add(batch, &list);
    store_bind_bytes(batch, bytes_of(account_id->raw, sizeof account_id->raw));
}

bool factors_sql_next(struct store_rows *rows, struct factors_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    *out = (struct factors_row){ .kind = (enum factor_kind)store_rows_int(rows, 1),
                                 .is_confirmed = store_rows_int(rows, 2) != 0,
                                 .label = store_rows_bytes(rows, 3),
                                 .created_at = store_rows_int(rows, 4),
                                 .codes_left = store_rows_int(rows, 5) };
    columns_exact(rows, 0, out->factor_id.raw, sizeof out->factor_id.raw);
    return true;
}

static void bind_code(struct store_batch *batch, int64_t account, const uint8_t *hash)
{
    store_bind_bytes(batch, bytes_of(hash, CRYPTO_SHA256_BYTES));
    store_bind_int(batch, account);
}

void factors_sql_put_recovery_code(struct store_batch *batch, int64_t account,
                                   const uint8_t hash[CRYPTO_SHA256_BYTES])
{
    store_batch_add(batch, &put_recovery_code);
    bind_code(batch, account, hash);
}

void factors_sql_ask_recovery_code(struct store_batch *batch, int64_t account,
                                   const uint8_t hash[CRYPTO_SHA256_BYTES])
{
    store_batch_add(batch, &ask_recovery_code);
    bind_code(batch, account, hash);
}

void factors_sql_expect_recovery_code(struct store_batch *batch, int64_t account,
                                      const uint8_t hash[CRYPTO_SHA256_BYTES])
{
    store_batch_expect(batch, &expect_recovery_code);
    bind_code(batch, account, hash);
}

void factors_sql_end_recovery_codes(struct store_batch *batch, int64_t account)
{
    add_of_account(batch, &end_recovery_codes, account);
}

void factors_sql_end_loose_codes(struct store_batch *batch, int64_t account)
{
    add_of_account(batch, &end_loose_codes, account);
}

void factors_sql_end_account(struct store_batch *batch, int64_t account)
{
    add_of_account(batch, &end_codes, account);
    add_of_account(batch, &end_account, account);
}

struct store_batch *factors_sql_purge(int64_t before_s, size_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &purge);
    store_bind_int(batch, before_s);
    store_bind_int(batch, (int64_t)limit);
    return batch;
}

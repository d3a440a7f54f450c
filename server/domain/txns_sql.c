/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guess is counted by two expected statements under a lock of its subject, or
 * alone on SQLite: so counting before is as good as a unique index, however many
 * guesses come at once and on however many daemons.
 */
#include "server/domain/txns_sql.h"

#include "common/limits.h"
#include "server/domain/columns.h"
#include "server/domain/handles.h"
#include "server/store/store.h"

enum {
    LOCKS = 256
};

/* A row in any case, so that what is counted is counted for nobody, too: of account 0, which has none. */
#define ACCOUNT "coalesce(a.account, 0)"

#define CONFIRMED(kind)                                                                 \
    " (SELECT count(*) FROM factors f WHERE f.account = " ACCOUNT " AND f.kind = " kind \
    " AND f.is_confirmed = 1),"

#define ENROLLED   \
    CONFIRMED("1") \
    CONFIRMED("3") \
    CONFIRMED("4") " (SELECT count(*) FROM recovery_codes c WHERE c.account = " ACCOUNT ")"

static const struct store_stmt find_account = {
    .name = "txns.find_account",
    .sql = "SELECT " ACCOUNT ", a.account_id," ENROLLED
           " FROM (SELECT 1 AS one) o LEFT JOIN accounts a ON a.account_id = $1",
};

static const struct store_stmt find_handle = {
    .name = "txns.find_handle",
    .sql = "SELECT " ACCOUNT ", a.account_id," ENROLLED
           " FROM (SELECT 1 AS one) o LEFT JOIN handles h ON h.handle_key = $1"
           " LEFT JOIN accounts a ON a.account = h.account",
};

static const struct store_stmt put = {
    .name = "txns.put",
    .sql = "INSERT INTO txns (txn_id, subject, account, purpose, kinds, challenges_left, is_done,"
           " expires_at) VALUES ($1, $2, $3, $4, $5, $6, 0, $7)",
};

static const struct store_stmt ask = {
    .name = "txns.ask",
    .sql = "SELECT t.subject, t.account, t.purpose, t.kinds, t.expires_at, a.account_id"
           " FROM txns t LEFT JOIN accounts a ON a.account = t.account"
           " WHERE t.txn_id = $1 AND t.is_done = 0 AND t.expires_at > $2",
};

/*
 * Only where the store is shared, so this is PostgreSQL's own dialect.  A subject is no row, for
 * anybody can ask for names that nobody has: so what is locked is a number, of few, for the server
 * has little room for such locks.  The keys come in ascending order.
 */
static const struct store_stmt lock = {
    .name = "guesses.lock",
    .sql = "SELECT key FROM unnest(CAST($1 AS BIGINT[])) AS key"
           " WHERE pg_advisory_xact_lock(1735751539, CAST(key AS INTEGER)) IS NOT NULL",
};

static const struct store_stmt expect_challenge = {
    .name = "txns.expect_challenge",
    .sql = "UPDATE txns SET challenges_left = challenges_left - 1 WHERE txn_id = $1"
           " AND challenges_left > 0 AND is_done = 0 AND expires_at > $2",
};

static const struct store_stmt put_challenge = {
    .name = "txn_challenges.put",
    .sql = "INSERT INTO txn_challenges (challenge_id, txn_id, subject, account, purpose, kind,"
           " verifier, code, factor_id, attempts_left, used, created_at, expires_at)"
           " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, $12"
           " WHERE (SELECT count(*) FROM txn_challenges WHERE subject = $3"
           " AND kind = $6 AND created_at > $13) < $14",
};

/* Of a transaction that is not done. */
#define CHALLENGE                                                                     \
    "SELECT c.challenge_id, c.txn_id, c.subject, c.account, c.purpose, c.kind,"       \
    " c.verifier, c.code, c.attempts_left, c.created_at, c.expires_at, a.account_id," \
    " c.factor_id"                                                                    \
    " FROM txn_challenges c JOIN txns t ON t.txn_id = c.txn_id AND t.is_done = 0"     \
    " LEFT JOIN accounts a ON a.account = c.account"

static const struct store_stmt ask_challenge = {
    .name = "txn_challenges.ask",
    .sql = CHALLENGE " WHERE c.challenge_id = $1 AND c.txn_id = $2 AND c.used = 0"
                     " AND c.attempts_left > 0 AND c.expires_at > $3",
};

static const struct store_stmt expect_try = {
    .name = "txn_challenges.expect_try",
    .sql = "UPDATE txn_challenges SET attempts_left = attempts_left - 1 WHERE challenge_id = $1"
           " AND attempts_left > 0 AND used = 0 AND expires_at > $2 RETURNING attempts_left",
};

static const struct store_stmt expect_guess = {
    .name = "guesses.expect",
    .sql = "INSERT INTO guesses (guess, subject, guessed_at) SELECT $1, $2, $3"
           " WHERE (SELECT count(*) FROM guesses WHERE subject = $2 AND guessed_at > $4) < $5"
           " AND (SELECT count(*) FROM guesses WHERE subject = $2 AND guessed_at > $6) < $7",
};

static const struct store_stmt give_back = {
    .name = "guesses.give_back",
    .sql = "DELETE FROM guesses WHERE guess = $1",
};

static const struct store_stmt expect_use_challenge = {
    .name = "txn_challenges.expect_use",
    .sql = "UPDATE txn_challenges SET used = 1, code = NULL WHERE challenge_id = $1 AND used = 0"
           " AND account = $2",
};

static const struct store_stmt expect_use = {
    .name = "txns.expect_use",
    .sql = "UPDATE txns SET is_done = 1 WHERE txn_id = $1 AND is_done = 0",
};

static const struct store_stmt ask_challenges = {
    .name = "txn_challenges.ask_of_kind",
    .sql = "SELECT created_at FROM txn_challenges WHERE subject = $1 AND kind = $2"
           " AND created_at > $3 ORDER BY created_at DESC",
};

static const struct store_stmt ask_guesses = {
    .name = "guesses.ask",
    .sql = "SELECT guessed_at FROM guesses WHERE subject = $1 ORDER BY guessed_at DESC LIMIT $2",
};

static const struct store_stmt ask_shown = {
    .name = "txn_challenges.ask_shown",
    .sql = CHALLENGE " WHERE c.account = $1 AND c.account > 0 AND c.code IS NOT NULL"
                     " AND c.attempts_left > 0 AND c.expires_at > $2 ORDER BY c.created_at",
};

static const struct store_stmt ask_shown_one = {
    .name = "txn_challenges.ask_shown_one",
    .sql = CHALLENGE " WHERE c.challenge_id = $1 AND c.account > 0 AND c.code IS NOT NULL"
                     " AND c.attempts_left > 0 AND c.expires_at > $2",
};

static void bind_txn(struct store_batch *batch, const struct txn_id *id)
{
    store_bind_bytes(batch, bytes_of(id->raw, sizeof id->raw));
}

static void bind_challenge(struct store_batch *batch, const struct txn_challenge_id *id)
{
    store_bind_bytes(batch, bytes_of(id->raw, sizeof id->raw));
}

static void bind_or_null(struct store_batch *batch, struct bytes value)
{
    if (value.size == 0) {
        store_bind_null(batch);
    } else {
        store_bind_bytes(batch, value);
    }
}

struct store_batch *txns_sql_find_account(const struct account_id *account_id)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &find_account);
    store_bind_bytes(batch, bytes_of(account_id->raw, sizeof account_id->raw));
    return batch;
}

struct store_batch *txns_sql_find_handle(const struct handle_key *key)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &find_handle);
    store_bind_bytes(batch, bytes_of(key->raw, sizeof key->raw));
    return batch;
}

static uint32_t bit_of(enum factor_kind kind, int64_t count)
{
    return count > 0 ? UINT32_C(1) << kind : 0;
}

bool txns_sql_person(struct store_rows *rows, struct txns_person *out)
{
    if (!store_rows_next(rows) || store_rows_is_null(rows, 1)) {
        return false;
    }
    out->account = store_rows_int(rows, 0);
    columns_exact(rows, 1, out->account_id.raw, sizeof out->account_id.raw);
    out->enrolled = bit_of(FACTOR_TOTP, store_rows_int(rows, 2)) |
                    bit_of(FACTOR_PASSWORD, store_rows_int(rows, 3)) |
                    bit_of(FACTOR_WEBAUTHN, store_rows_int(rows, 4)) |
                    bit_of(FACTOR_RECOVERY_CODE, store_rows_int(rows, 5));
    return true;
}

void txns_sql_put(struct store_batch *batch, const struct txns_row *row, int64_t challenges)
{
    store_batch_add(batch, &put);
    bind_txn(batch, &row->txn_id);
    store_bind_int(batch, row->subject);
    store_bind_int(batch, row->account);
    store_bind_int(batch, (int64_t)row->purpose);
    store_bind_int(batch, row->kinds);
    store_bind_int(batch, challenges);
    store_bind_int(batch, row->expires_at);
}

struct store_batch *txns_sql_ask(const struct txn_id *txn_id, int64_t now_s)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &ask);
    bind_txn(batch, txn_id);
    store_bind_int(batch, now_s);
    return batch;
}

/* The account id of a row that may have none: then its account is nobody's either. */
static int64_t read_account(const struct store_rows *rows, int64_t account, int column,
                            struct account_id *out)
{
    if (account == 0 || store_rows_is_null(rows, column)) {
        return 0;
    }
    columns_exact(rows, column, out->raw, sizeof out->raw);
    return account;
}

bool txns_sql_row(struct store_rows *rows, struct txns_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    out->subject = store_rows_int(rows, 0);
    out->account = read_account(rows, store_rows_int(rows, 1), 5, &out->account_id);
    out->purpose = (enum txn_purpose)store_rows_int(rows, 2);
    out->kinds = (uint32_t)store_rows_int(rows, 3);
    out->expires_at = store_rows_int(rows, 4);
    return true;
}

void txns_sql_lock(struct store_batch *batch, int64_t subject)
{
    store_batch_lock(batch, &lock, subject % LOCKS);
}

void txns_sql_expect_challenge(struct store_batch *batch, const struct txn_id *txn_id,
                               int64_t now_s)
{
    store_batch_expect(batch, &expect_challenge);
    bind_txn(batch, txn_id);
    store_bind_int(batch, now_s);
}

void txns_sql_put_challenge(struct store_batch *batch, const struct txns_challenge_row *row,
                            int64_t since, int64_t max)
{
    store_batch_expect(batch, &put_challenge);
    bind_challenge(batch, &row->challenge_id);
    bind_txn(batch, &row->txn_id);
    store_bind_int(batch, row->subject);
    store_bind_int(batch, row->account);
    store_bind_int(batch, (int64_t)row->purpose);
    store_bind_int(batch, (int64_t)row->kind);
    bind_or_null(batch, row->verifier);
    bind_or_null(batch, row->code);
    bind_or_null(batch, bytes_of(row->factor_id.raw, row->has_factor ? FACTOR_ID_BYTES : 0));
    store_bind_int(batch, row->attempts_left);
    store_bind_int(batch, row->created_at);
    store_bind_int(batch, row->expires_at);
    store_bind_int(batch, since);
    store_bind_int(batch, max);
}

struct store_batch *txns_sql_ask_challenge(const struct txn_id *txn_id,
                                           const struct txn_challenge_id *challenge_id,
                                           int64_t now_s)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &ask_challenge);
    bind_challenge(batch, challenge_id);
    bind_txn(batch, txn_id);
    store_bind_int(batch, now_s);
    return batch;
}

bool txns_sql_challenge(struct store_rows *rows, struct txns_challenge_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    columns_exact(rows, 0, out->challenge_id.raw, sizeof out->challenge_id.raw);
    columns_exact(rows, 1, out->txn_id.raw, sizeof out->txn_id.raw);
    out->subject = store_rows_int(rows, 2);
    out->account = read_account(rows, store_rows_int(rows, 3), 11, &out->account_id);
    out->purpose = (enum txn_purpose)store_rows_int(rows, 4);
    out->kind = (enum factor_kind)store_rows_int(rows, 5);
    out->has_factor = !store_rows_is_null(rows, 12);
    if (out->has_factor) {
        columns_exact(rows, 12, out->factor_id.raw, sizeof out->factor_id.raw);
    }
    out->verifier = columns_or_empty(rows, 6);
    out->code = columns_or_empty(rows, 7);
    out->attempts_left = store_rows_int(rows, 8);
    out->created_at = store_rows_int(rows, 9);
    out->expires_at = store_rows_int(rows, 10);
    return true;
}

void txns_sql_expect_try(struct store_batch *batch, const struct txn_challenge_id *challenge_id,
                         int64_t now_s)
{
    store_batch_expect(batch, &expect_try);
    bind_challenge(batch, challenge_id);
    store_bind_int(batch, now_s);
}

int64_t txns_sql_tries_left(struct store_rows *rows)
{
    return store_rows_next(rows) ? store_rows_int(rows, 0) : 0;
}

void txns_sql_expect_guess(struct store_batch *batch, const struct txns_guess_row *row)
{
    store_batch_expect(batch, &expect_guess);
    store_bind_bytes(batch, bytes_of(row->guess, sizeof row->guess));
    store_bind_int(batch, row->subject);
    store_bind_int(batch, row->now_s);
    store_bind_int(batch, row->now_s - LIMIT_GUESS_DAY_S);
    store_bind_int(batch, LIMIT_GUESSES_DAY);
    store_bind_int(batch, row->now_s - LIMIT_GUESS_MONTH_S);
    store_bind_int(batch, LIMIT_GUESSES_MONTH);
}

void txns_sql_give_back(struct store_batch *batch, const struct txns_guess_row *row)
{
    store_batch_add(batch, &give_back);
    store_bind_bytes(batch, bytes_of(row->guess, sizeof row->guess));
}

void txns_sql_expect_use(struct store_batch *batch, const struct txns_challenge_row *row)
{
    store_batch_expect(batch, &expect_use_challenge);
    bind_challenge(batch, &row->challenge_id);
    store_bind_int(batch, row->account);
    store_batch_expect(batch, &expect_use);
    bind_txn(batch, &row->txn_id);
}

struct store_batch *txns_sql_ask_challenges(int64_t subject, enum factor_kind kind, int64_t since)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &ask_challenges);
    store_bind_int(batch, subject);
    store_bind_int(batch, (int64_t)kind);
    store_bind_int(batch, since);
    return batch;
}

struct store_batch *txns_sql_ask_guesses(int64_t subject)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &ask_guesses);
    store_bind_int(batch, subject);
    store_bind_int(batch, LIMIT_GUESSES_MONTH);
    return batch;
}

bool txns_sql_next_time(struct store_rows *rows, int64_t *out_at)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    *out_at = store_rows_int(rows, 0);
    return true;
}

struct store_batch *txns_sql_ask_shown(int64_t account, int64_t now_s)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &ask_shown);
    store_bind_int(batch, account);
    store_bind_int(batch, now_s);
    return batch;
}

struct store_batch *txns_sql_ask_shown_one(const struct txn_challenge_id *challenge_id,
                                           int64_t now_s)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &ask_shown_one);
    bind_challenge(batch, challenge_id);
    store_bind_int(batch, now_s);
    return batch;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What ends and what removes rows of transactions, their challenges and guesses. */
#include <stddef.h>
#include <stdint.h>

#include "server/domain/txns_sql.h"
#include "server/store/store.h"

static const struct store_stmt end_guesses = {
    .name = "guesses.end_subject",
    .sql = "DELETE FROM guesses WHERE subject = $1",
};

static const struct store_stmt end_challenges = {
    .name = "txn_challenges.end_account",
    .sql = "UPDATE txn_challenges SET account = 0, code = NULL WHERE account = $1 AND account > 0",
};

static const struct store_stmt end = {
    .name = "txns.end_account",
    .sql = "UPDATE txns SET account = 0 WHERE account = $1 AND account > 0",
};

/* On PostgreSQL a purge waits for nobody, so that nobody waits for it in a circle. */
static const struct store_stmt purge = {
    .name = "txns.purge",
    .sql_sqlite = "DELETE FROM txns WHERE txn_id IN"
                  " (SELECT txn_id FROM txns WHERE expires_at <= $1 LIMIT $2) RETURNING 1",
    .sql_postgres = "DELETE FROM txns WHERE txn_id IN"
                    " (SELECT txn_id FROM txns WHERE expires_at <= $1 LIMIT $2"
                    " FOR UPDATE SKIP LOCKED) RETURNING 1",
};

static const struct store_stmt purge_challenges = {
    .name = "txn_challenges.purge",
    .sql_sqlite = "DELETE FROM txn_challenges WHERE challenge_id IN (SELECT challenge_id"
                  " FROM txn_challenges WHERE created_at <= $1 LIMIT $2) RETURNING 1",
    .sql_postgres = "DELETE FROM txn_challenges WHERE challenge_id IN (SELECT challenge_id"
                    " FROM txn_challenges WHERE created_at <= $1 LIMIT $2"
                    " FOR UPDATE SKIP LOCKED) RETURNING 1",
};

static const struct store_stmt purge_guesses = {
    .name = "guesses.purge",
    .sql_sqlite = "DELETE FROM guesses WHERE guess IN"
                  " (SELECT guess FROM guesses WHERE guessed_at <= $1 LIMIT $2) RETURNING 1",
    .sql_postgres = "DELETE FROM guesses WHERE guess IN"
                    " (SELECT guess FROM guesses WHERE guessed_at <= $1 LIMIT $2"
                    " FOR UPDATE SKIP LOCKED) RETURNING 1",
};

void txns_sql_end_account(struct store_batch *batch, int64_t account, int64_t subject)
{
    store_batch_add(batch, &end_challenges);
    store_bind_int(batch, account);
    store_batch_add(batch, &end);
    store_bind_int(batch, account);
    store_batch_add(batch, &end_guesses);
    store_bind_int(batch, subject);
}

static struct store_batch *purge_by(const struct store_stmt *stmt, int64_t until_s, size_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, stmt);
    store_bind_int(batch, until_s);
    store_bind_int(batch, (int64_t)limit);
    return batch;
}

struct store_batch *txns_sql_purge(int64_t now_s, size_t limit)
{
    return purge_by(&purge, now_s, limit);
}

struct store_batch *txns_sql_purge_challenges(int64_t before_s, size_t limit)
{
    return purge_by(&purge_challenges, before_s, limit);
}

struct store_batch *txns_sql_purge_guesses(int64_t before_s, size_t limit)
{
    return purge_by(&purge_guesses, before_s, limit);
}

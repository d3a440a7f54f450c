/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What moves a request on stands in the WHERE of the one write that does it: so of a veto, an
 * expiry and two releases one finds the row.
 */
#include "server/domain/recoveries_sql.h"

#include "common/limits.h"
#include "server/domain/columns.h"
#include "server/store/store.h"

static const struct store_stmt hold_account = {
    .name = "recoveries.hold_account",
    .sql = "UPDATE accounts SET epoch = epoch WHERE account = $1",
};

static const struct store_stmt put = {
    .name = "recoveries.put",
    .sql = "INSERT INTO recoveries (recovery_id, token_hash, subject, account, state, public_key,"
           " exchange, contact, slot, created_at, wait_until, expires_at, generation)"
           " SELECT $1, $2, $3, $4, 0, $5, 0, 0, 0, $6, $7, $8, $9"
           " WHERE ($4 = 0 OR EXISTS (SELECT 1 FROM accounts WHERE account = $4))"
           " AND NOT EXISTS (SELECT 1 FROM recoveries WHERE subject = $3 AND state = 0"
           " AND expires_at > $6)"
           " AND (SELECT count(*) FROM recoveries WHERE subject = $3 AND created_at > $10) < $11",
};

static const struct store_stmt ask_subject = {
    .name = "recoveries.ask_subject",
    .sql = "SELECT state, created_at, expires_at FROM recoveries WHERE subject = $1"
           " ORDER BY created_at DESC",
};

#define VIEW                                                                            \
    "r.recovery_id, r.state, r.public_key, r.exchange, r.commitment, r.contact_random," \
    " r.random, r.packet, r.created_at, r.wait_until, r.expires_at"

static const struct store_stmt ask = {
    .name = "recoveries.ask",
    .sql = "SELECT " VIEW ", r.token_hash, r.subject, r.account, a.account_id, r.contact, r.slot,"
           " c.share, r.generation FROM recoveries r"
           " LEFT JOIN accounts a ON a.account = r.account"
           " LEFT JOIN recovery_contacts c ON c.account = r.account AND c.slot = r.slot"
           " WHERE r.recovery_id = $1 AND r.expires_at > $2",
};

static const struct store_stmt list = {
    .name = "recoveries.list",
    .sql = "SELECT " VIEW " FROM accounts a JOIN recoveries r ON r.account = a.account"
           " WHERE a.account_id = $1 AND r.account > 0 AND r.expires_at > $2"
           " ORDER BY r.created_at DESC, r.recovery_id",
};

#define OPEN " WHERE recovery_id = $1 AND account = $2 AND state = 0"

static const struct store_stmt exchange = {
    .name = "recoveries.exchange",
    .sql = "UPDATE recoveries SET exchange = $3 + 1, commitment = $4, contact_random = NULL,"
           " random = NULL, contact = 0, slot = 0, packet = NULL" OPEN " AND exchange = $3",
};

static const struct store_stmt answer = {
    .name = "recoveries.answer",
    .sql = "UPDATE recoveries SET contact_random = $4, contact = $5" OPEN " AND exchange = $3"
           " AND contact_random IS NULL",
};

static const struct store_stmt reveal = {
    .name = "recoveries.reveal",
    .sql = "UPDATE recoveries SET random = $4" OPEN " AND exchange = $3"
           " AND contact_random IS NOT NULL AND random IS NULL",
};

static const struct store_stmt put_packet = {
    .name = "recoveries.packet",
    .sql = "UPDATE recoveries SET slot = $4, packet = $5" OPEN " AND exchange = $3"
           " AND random IS NOT NULL AND contact = $6 AND packet IS NULL",
};

#define NOTHING_LEFT \
    "commitment = NULL, contact_random = NULL, random = NULL, contact = 0, packet = NULL"

static const struct store_stmt end = {
    .name = "recoveries.end",
    .sql = "UPDATE recoveries SET state = $3, " NOTHING_LEFT OPEN,
};

/* Not by a daemon that has not heard yet that the database was put back: see renew. */
static const struct store_stmt release = {
    .name = "recoveries.release",
    .sql = "UPDATE recoveries SET state = $3, " NOTHING_LEFT OPEN
           " AND packet = $4 AND slot = $5 AND wait_until = $6"
           " AND generation >= (SELECT r.generation FROM relay r WHERE r.one = 1)",
};

static const struct store_stmt renew = {
    .name = "recoveries.renew",
    .sql = "UPDATE recoveries SET wait_until = $3, generation = $4" OPEN " AND generation < $4",
};

static const struct store_stmt done = {
    .name = "recoveries.done",
    .sql = "UPDATE recoveries SET state = 3, " NOTHING_LEFT
           " WHERE account = $1 AND account > 0 AND state IN (0, 2)",
};

static const struct store_stmt end_account = {
    .name = "recoveries.end_account",
    .sql = "UPDATE recoveries SET account = 0 WHERE account = $1 AND account > 0",
};

/* On PostgreSQL a purge waits for nobody, so that nobody waits for it in a circle. */
static const struct store_stmt purge = {
    .name = "recoveries.purge",
    .sql_sqlite = "DELETE FROM recoveries WHERE recovery_id IN"
                  " (SELECT recovery_id FROM recoveries WHERE expires_at <= $1 LIMIT $2)"
                  " RETURNING 1",
    .sql_postgres = "DELETE FROM recoveries WHERE recovery_id IN"
                    " (SELECT recovery_id FROM recoveries WHERE expires_at <= $1 LIMIT $2"
                    " FOR UPDATE SKIP LOCKED) RETURNING 1",
};

static void bind_id(struct store_batch *batch, const struct recovery_id *id)
{
    store_bind_bytes(batch, bytes_of(id->raw, sizeof id->raw));
}

void recoveries_sql_hold_account(struct store_batch *batch, int64_t account)
{
    store_batch_add(batch, &hold_account);
    store_bind_int(batch, account);
}

void recoveries_sql_put(struct store_batch *batch, const struct recoveries_row *row)
{
    store_batch_expect(batch, &put);
    bind_id(batch, &row->view.recovery_id);
    store_bind_bytes(batch, bytes_of(row->token_hash, sizeof row->token_hash));
    store_bind_int(batch, row->subject);
    store_bind_int(batch, row->account);
    store_bind_bytes(batch, bytes_of(row->view.public_key, sizeof row->view.public_key));
    store_bind_int(batch, row->view.created_at);
    store_bind_int(batch, row->view.wait_until);
    store_bind_int(batch, row->view.expires_at);
    store_bind_int(batch, row->generation);
    store_bind_int(batch, row->view.created_at - LIMIT_RECOVERY_DAY_S);
    store_bind_int(batch, LIMIT_RECOVERIES_DAY);
}

struct store_batch *recoveries_sql_ask_subject(int64_t subject)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &ask_subject);
    store_bind_int(batch, subject);
    return batch;
}

bool recoveries_sql_next_of_subject(struct store_rows *rows, struct recoveries_view *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    *out = (struct recoveries_view){ .state = (enum recoveries_state)store_rows_int(rows, 0),
                                     .created_at = store_rows_int(rows, 1),
                                     .expires_at = store_rows_int(rows, 2) };
    return true;
}

struct store_batch *recoveries_sql_ask(const struct recovery_id *id, int64_t now_s)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &ask);
    bind_id(batch, id);
    store_bind_int(batch, now_s);
    return batch;
}

/* Read a column of exactly size bytes; false where it is NULL. */
static bool read_exact(const struct store_rows *rows, int column, void *out, size_t size)
{
    if (store_rows_is_null(rows, column)) {
        return false;
    }
    columns_exact(rows, column, out, size);
    return true;
}

static void read_view(const struct store_rows *rows, struct recoveries_view *out)
{
    *out = (struct recoveries_view){ .state = (enum recoveries_state)store_rows_int(rows, 1),
                                     .exchange = store_rows_int(rows, 3),
                                     .has_packet = !store_rows_is_null(rows, 7),
                                     .created_at = store_rows_int(rows, 8),
                                     .wait_until = store_rows_int(rows, 9),
                                     .expires_at = store_rows_int(rows, 10) };
    columns_exact(rows, 0, out->recovery_id.raw, sizeof out->recovery_id.raw);
    columns_exact(rows, 2, out->public_key, sizeof out->public_key);
    out->has_commit = read_exact(rows, 4, out->commit.raw, sizeof out->commit.raw);
    out->has_contact_random =
        read_exact(rows, 5, out->contact_random.raw, sizeof out->contact_random.raw);
    out->has_random = read_exact(rows, 6, out->random.raw, sizeof out->random.raw);
}

bool recoveries_sql_row(struct store_rows *rows, struct recoveries_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    *out = (struct recoveries_row){ .subject = store_rows_int(rows, 12),
                                    .account = store_rows_int(rows, 13),
                                    .contact = store_rows_int(rows, 15),
                                    .slot = store_rows_int(rows, 16),
                                    .packet = columns_or_empty(rows, 7),
                                    .sealed_share = columns_or_empty(rows, 17),
                                    .generation = store_rows_int(rows, 18) };
    read_view(rows, &out->view);
    columns_exact(rows, 11, out->token_hash, sizeof out->token_hash);
    if (out->account != 0 &&
        !read_exact(rows, 14, out->account_id.raw, sizeof out->account_id.raw)) {
        out->account = 0;
    }
    return true;
}

static void expect_open(struct store_batch *batch, const struct store_stmt *stmt,
                        const struct recoveries_row *row)
{
    store_batch_expect(batch, stmt);
    bind_id(batch, &row->view.recovery_id);
    store_bind_int(batch, row->account);
}

void recoveries_sql_exchange(struct store_batch *batch, const struct recoveries_row *row,
                             const struct sas_commit *commit)
{
    expect_open(batch, &exchange, row);
    store_bind_int(batch, row->view.exchange);
    store_bind_bytes(batch, bytes_of(commit->raw, sizeof commit->raw));
}

void recoveries_sql_reveal(struct store_batch *batch, const struct recoveries_row *row,
                           const struct sas_random *random)
{
    expect_open(batch, &reveal, row);
    store_bind_int(batch, row->view.exchange);
    store_bind_bytes(batch, bytes_of(random->raw, sizeof random->raw));
}

void recoveries_sql_answer(struct store_batch *batch, const struct recoveries_row *row,
                           const struct sas_random *random, int64_t mailbox)
{
    expect_open(batch, &answer, row);
    store_bind_int(batch, row->view.exchange);
    store_bind_bytes(batch, bytes_of(random->raw, sizeof random->raw));
    store_bind_int(batch, mailbox);
}

void recoveries_sql_packet(struct store_batch *batch, const struct recoveries_row *row,
                           int64_t slot, struct bytes packet)
{
    expect_open(batch, &put_packet, row);
    store_bind_int(batch, row->view.exchange);
    store_bind_int(batch, slot);
    store_bind_bytes(batch, packet);
    store_bind_int(batch, row->contact);
}

void recoveries_sql_end(struct store_batch *batch, const struct recoveries_row *row,
                        enum recoveries_state state)
{
    bool is_release = state == RECOVERIES_STATE_RELEASED;

    expect_open(batch, is_release ? &release : &end, row);
    store_bind_int(batch, (int64_t)state);
    if (is_release) {
        store_bind_bytes(batch, row->packet);
        store_bind_int(batch, row->slot);
        store_bind_int(batch, row->view.wait_until);
    }
}

void recoveries_sql_renew(struct store_batch *batch, const struct recoveries_row *row,
                          int64_t until, int64_t generation)
{
    expect_open(batch, &renew, row);
    store_bind_int(batch, until);
    store_bind_int(batch, generation);
}

static void add_of_account(struct store_batch *batch, const struct store_stmt *stmt,
                           int64_t account)
{
    store_batch_add(batch, stmt);
    store_bind_int(batch, account);
}

void recoveries_sql_done(struct store_batch *batch, int64_t account)
{
    add_of_account(batch, &done, account);
}

void recoveries_sql_end_account(struct store_batch *batch, int64_t account)
{
    add_of_account(batch, &end_account, account);
}

void recoveries_sql_list(struct store_batch *batch, const struct account_id *account_id,
                         int64_t now_s)
{
    store_batch_add(batch, &list);
    store_bind_bytes(batch, bytes_of(account_id->raw, sizeof account_id->raw));
    store_bind_int(batch, now_s);
}

bool recoveries_sql_next(struct store_rows *rows, struct recoveries_view *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    read_view(rows, out);
    return true;
}

struct store_batch *recoveries_sql_purge(int64_t now_s, size_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &purge);
    store_bind_int(batch, now_s);
    store_bind_int(batch, (int64_t)limit);
    return batch;
}

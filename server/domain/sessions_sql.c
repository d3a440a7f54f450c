/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/sessions_sql.h"

#include "common/bytes.h"
#include "server/domain/columns.h"
#include "server/store/store.h"

#define ENDED " RETURNING token_hash, expires_at"

static const struct store_stmt device = {
    .name = "sessions.device",
    .sql = "SELECT d.mailbox, d.account, d.added_epoch, d.device_pub"
           " FROM accounts a JOIN devices d ON d.account = a.account"
           " WHERE a.account_id = $1 AND d.device_id = $2",
};

static const struct store_stmt seen = {
    .name = "sessions.seen",
    .sql = "UPDATE devices SET idle_state = 0,"
           " seen_day = CASE WHEN seen_day > $1 THEN seen_day ELSE $1 END"
           " WHERE mailbox = $2 AND account = $3 AND device_id = $4 AND added_epoch = $5"
           " RETURNING 1",
};

static const struct store_stmt insert = {
    .name = "sessions.insert",
    .sql = "INSERT INTO sessions (token_hash, mailbox, account, device_id, added_epoch, expires_at)"
           " VALUES ($1, $2, $3, $4, $5, $6)",
};

static const struct store_stmt account_seen = {
    .name = "sessions.account_seen",
    .sql = "UPDATE accounts SET seen_day = CASE WHEN seen_day > $1 THEN seen_day ELSE $1 END"
           " WHERE account = $2 RETURNING epoch",
};

static const struct store_stmt find = {
    .name = "sessions.find",
    .sql = "SELECT s.mailbox, s.account, s.device_id, s.added_epoch, s.expires_at, d.device_pub,"
           " a.account_id"
           " FROM sessions s JOIN devices d ON d.mailbox = s.mailbox"
           " JOIN accounts a ON a.account = s.account"
           " WHERE s.token_hash = $1 AND d.account = s.account AND d.device_id = s.device_id"
           " AND d.added_epoch = s.added_epoch",
};

static const struct store_stmt end = {
    .name = "sessions.end",
    .sql = "DELETE FROM sessions WHERE token_hash = $1" ENDED,
};

static const struct store_stmt end_others = {
    .name = "sessions.end_others",
    .sql = "DELETE FROM sessions WHERE account = $1 AND token_hash <> $2" ENDED,
};

static const struct store_stmt end_device = {
    .name = "sessions.end_device",
    .sql = "DELETE FROM sessions WHERE account = $1 AND device_id = $2" ENDED,
};

static const struct store_stmt end_account = {
    .name = "sessions.end_account",
    .sql = "DELETE FROM sessions WHERE account = $1" ENDED,
};

static const struct store_stmt purge = {
    .name = "sessions.purge",
    .sql = "DELETE FROM sessions WHERE token_hash IN"
           " (SELECT token_hash FROM sessions WHERE expires_at <= $1 LIMIT $2)" ENDED,
};

static void bind_hash(struct store_batch *batch, const struct session_hash *hash)
{
    store_bind_bytes(batch, bytes_of(hash->raw, sizeof hash->raw));
}

struct store_batch *sessions_sql_device(const struct account_id *account_id, uint32_t device_id)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &device);
    store_bind_bytes(batch, bytes_of(account_id->raw, sizeof account_id->raw));
    store_bind_int(batch, device_id);
    return batch;
}

bool sessions_sql_device_of(struct store_rows *rows, struct session *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    out->mailbox = store_rows_int(rows, 0);
    out->account = store_rows_int(rows, 1);
    out->added_epoch = (uint64_t)store_rows_int(rows, 2);
    columns_exact(rows, 3, out->device_pub.raw, sizeof out->device_pub.raw);
    return true;
}

void sessions_sql_seen(struct store_batch *batch, const struct session *session, int64_t day)
{
    store_batch_expect(batch, &seen);
    store_bind_int(batch, day);
    store_bind_int(batch, session->mailbox);
    store_bind_int(batch, session->account);
    store_bind_int(batch, session->device_id);
    store_bind_int(batch, (int64_t)session->added_epoch);
}

void sessions_sql_insert(struct store_batch *batch, const struct session *session)
{
    store_batch_add(batch, &insert);
    bind_hash(batch, &session->token_hash);
    store_bind_int(batch, session->mailbox);
    store_bind_int(batch, session->account);
    store_bind_int(batch, session->device_id);
    store_bind_int(batch, (int64_t)session->added_epoch);
    store_bind_int(batch, session->expires_at);
}

void sessions_sql_account_seen(struct store_batch *batch, int64_t account, int64_t day)
{
    store_batch_add(batch, &account_seen);
    store_bind_int(batch, day);
    store_bind_int(batch, account);
}

struct store_batch *sessions_sql_find(const struct session_hash *hash)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &find);
    bind_hash(batch, hash);
    return batch;
}

bool sessions_sql_found(struct store_rows *rows, struct session *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    out->mailbox = store_rows_int(rows, 0);
    out->account = store_rows_int(rows, 1);
    out->device_id = (uint32_t)store_rows_int(rows, 2);
    out->added_epoch = (uint64_t)store_rows_int(rows, 3);
    out->expires_at = store_rows_int(rows, 4);
    columns_exact(rows, 5, out->device_pub.raw, sizeof out->device_pub.raw);
    columns_exact(rows, 6, out->account_id.raw, sizeof out->account_id.raw);
    return true;
}

void sessions_sql_end(struct store_batch *batch, const struct session_hash *hash)
{
    store_batch_add(batch, &end);
    bind_hash(batch, hash);
}

void sessions_sql_end_others(struct store_batch *batch, int64_t account,
                             const struct session_hash *spared)
{
    store_batch_add(batch, &end_others);
    store_bind_int(batch, account);
    bind_hash(batch, spared);
}

void sessions_sql_end_device(struct store_batch *batch, int64_t account, uint32_t device_id)
{
    store_batch_add(batch, &end_device);
    store_bind_int(batch, account);
    store_bind_int(batch, device_id);
}

void sessions_sql_end_account(struct store_batch *batch, int64_t account)
{
    store_batch_add(batch, &end_account);
    store_bind_int(batch, account);
}

struct store_batch *sessions_sql_purge(int64_t now_s, int64_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &purge);
    store_bind_int(batch, now_s);
    store_bind_int(batch, limit);
    return batch;
}

bool sessions_sql_next_ended(struct store_rows *rows, struct session_hash *out_hash,
                             int64_t *out_expires_at)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    columns_exact(rows, 0, out_hash->raw, sizeof out_hash->raw);
    *out_expires_at = store_rows_int(rows, 1);
    return true;
}

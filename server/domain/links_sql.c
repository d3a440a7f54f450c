/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every change of a link is one UPDATE of its row, guarded by the version that was
 * seen, by who may and by the time.  So whatever races for it comes one after the
 * other, and all but one change no row, which refuses their batches.
 */
#include "server/domain/links_sql.h"

#include "common/limits.h"
#include "server/domain/columns.h"
#include "server/store/store.h"

static const struct store_stmt put = {
    .name = "links.put",
    .sql = "INSERT INTO links (link_id, token_hash, subject, account, state, version, entry, name,"
           " device_id, mailbox, expires_at) SELECT $1, $2, $3, $4, 0, 1, $5, $6, 0, 0, $7"
           " WHERE (SELECT count(*) FROM links WHERE expires_at > $8) < $9",
};

#define COLUMNS                                                                           \
    "l.link_id, l.token_hash, l.subject, l.account, l.state, l.version, l.entry, l.name," \
    " l.device_id, l.mailbox, l.device_pub, l.candidate, l.expires_at, a.account_id"      \
    " FROM links l LEFT JOIN accounts a ON a.account = l.account"

static const struct store_stmt ask = {
    .name = "links.ask",
    .sql = "SELECT " COLUMNS " WHERE l.link_id = $1",
};

static const struct store_stmt ask_messages = {
    .name = "link_messages.ask",
    .sql = "SELECT is_new, body FROM link_messages WHERE link_id = $1 ORDER BY number",
};

static const struct store_stmt list = {
    .name = "links.list",
    .sql = "SELECT " COLUMNS " WHERE l.account = $1 AND l.account > 0 AND l.state < 4"
           " AND l.expires_at > $2 ORDER BY l.expires_at, l.link_id LIMIT $3",
};

static const struct store_stmt ask_over = {
    .name = "links.ask_over",
    .sql = "SELECT " COLUMNS " WHERE l.expires_at <= $1 AND l.account > 0 AND l.state < 4"
           " ORDER BY l.expires_at LIMIT $2",
};

static const struct store_stmt say_new = {
    .name = "links.say_new",
    .sql = "UPDATE links SET version = version + 1 WHERE link_id = $1 AND version = $2"
           " AND expires_at > $3 AND state IN (0, 1) AND token_hash = $4 RETURNING state",
};

static const struct store_stmt say_old = {
    .name = "links.say_old",
    .sql = "UPDATE links SET version = version + 1 WHERE link_id = $1 AND version = $2"
           " AND expires_at > $3 AND state = 1 AND mailbox = $4 RETURNING state",
};

static const struct store_stmt put_message = {
    .name = "link_messages.put",
    .sql = "INSERT INTO link_messages (link_id, number, is_new, body) SELECT $1, $2, $3, $4"
           " WHERE (SELECT count(*) FROM link_messages WHERE link_id = $1) <"
           " (SELECT CASE WHEN state = 0 THEN $5 ELSE $6 END FROM links WHERE link_id = $1)",
};

static const struct store_stmt claim = {
    .name = "links.claim",
    .sql = "UPDATE links SET state = 1, version = version + 1, account = $4, mailbox = $5,"
           " device_id = $6, device_pub = $7 WHERE link_id = $1 AND version = $2"
           " AND expires_at > $3 AND state = 0"
           " AND ((subject = 0 AND account = 0) OR account = $4)"
           " AND (SELECT count(*) FROM links c WHERE c.account = $4 AND c.account > 0"
           "  AND c.mailbox > 0 AND c.state < 4 AND c.expires_at > $3) < $8",
};

static const struct store_stmt deny = {
    .name = "links.deny",
    .sql = "UPDATE links SET state = 6, version = version + 1,"
           " account = CASE WHEN account = 0 AND subject = 0 THEN $5 ELSE account END"
           " WHERE link_id = $1 AND version = $2 AND expires_at > $3 AND state < 4"
           " AND account = $4",
};

static const struct store_stmt candidate = {
    .name = "links.candidate",
    .sql = "UPDATE links SET state = 2, version = version + 1, candidate = $5"
           " WHERE link_id = $1 AND version = $2 AND expires_at > $3 AND state IN (1, 2)"
           " AND mailbox = $4",
};

static const struct store_stmt finish = {
    .name = "links.finish",
    .sql = "UPDATE links SET state = 4, version = version + 1"
           " WHERE link_id = $1 AND version = $2 AND expires_at > $3 AND state = 2",
};

static const struct store_stmt expire = {
    .name = "links.expire",
    .sql = "UPDATE links SET state = 5, version = version + 1"
           " WHERE link_id = $1 AND version = $2 AND expires_at <= $3 AND state < 4",
};

/*
 * Those who ask a subject hold its lock (txns_sql_lock), or are alone on SQLite: so counting before
 * is as good as a unique index.
 */
static const struct store_stmt prompt = {
    .name = "link_prompts.put",
    .sql = "INSERT INTO link_prompts (link_id, subject, prompted_at) SELECT $1, $2, $3"
           " WHERE (SELECT count(*) FROM link_prompts WHERE subject = $2 AND prompted_at > $4)"
           " < $5",
};

static const struct store_stmt ask_prompts = {
    .name = "link_prompts.ask",
    .sql = "SELECT prompted_at FROM link_prompts WHERE subject = $1"
           " ORDER BY prompted_at DESC LIMIT $2",
};

static const struct store_stmt end_account = {
    .name = "links.end_account",
    .sql = "UPDATE links SET version = version + 1, account = 0,"
           " state = CASE WHEN state IN (1, 2, 3) THEN 6 ELSE state END"
           " WHERE account = $1 AND account > 0",
};

static const struct store_stmt end_prompts = {
    .name = "link_prompts.end_subject",
    .sql = "DELETE FROM link_prompts WHERE subject = $1",
};

/* On PostgreSQL a purge waits for nobody, so that nobody waits for it in a circle. */
static const struct store_stmt purge = {
    .name = "links.purge",
    .sql_sqlite = "DELETE FROM links WHERE link_id IN"
                  " (SELECT link_id FROM links WHERE expires_at <= $1 LIMIT $2) RETURNING 1",
    .sql_postgres = "DELETE FROM links WHERE link_id IN"
                    " (SELECT link_id FROM links WHERE expires_at <= $1 LIMIT $2"
                    " FOR UPDATE SKIP LOCKED) RETURNING 1",
};

static const struct store_stmt purge_messages = {
    .name = "link_messages.purge",
    .sql = "DELETE FROM link_messages WHERE NOT EXISTS"
           " (SELECT 1 FROM links l WHERE l.link_id = link_messages.link_id)",
};

static const struct store_stmt purge_prompts = {
    .name = "link_prompts.purge",
    .sql_sqlite = "DELETE FROM link_prompts WHERE link_id IN"
                  " (SELECT link_id FROM link_prompts WHERE prompted_at <= $1 LIMIT $2)"
                  " RETURNING 1",
    .sql_postgres = "DELETE FROM link_prompts WHERE link_id IN"
                    " (SELECT link_id FROM link_prompts WHERE prompted_at <= $1 LIMIT $2"
                    " FOR UPDATE SKIP LOCKED) RETURNING 1",
};

static void bind_link(struct store_batch *batch, const struct link_id *id)
{
    store_bind_bytes(batch, bytes_of(id->raw, sizeof id->raw));
}

static void bind_token(struct store_batch *batch, const struct link_token_hash *hash)
{
    store_bind_bytes(batch, bytes_of(hash->raw, sizeof hash->raw));
}

void links_sql_put(struct store_batch *batch, const struct links_row *row, int64_t now_s,
                   int64_t max)
{
    store_batch_expect(batch, &put);
    bind_link(batch, &row->link_id);
    bind_token(batch, &row->token_hash);
    store_bind_int(batch, row->subject);
    store_bind_int(batch, row->account);
    store_bind_bytes(batch, row->entry);
    if (row->name.size == 0) {
        store_bind_null(batch);
    } else {
        store_bind_text(batch, row->name);
    }
    store_bind_int(batch, row->expires_at);
    store_bind_int(batch, now_s);
    store_bind_int(batch, max);
}

void links_sql_ask(struct store_batch *batch, const struct link_id *link_id)
{
    store_batch_add(batch, &ask);
    bind_link(batch, link_id);
    store_batch_add(batch, &ask_messages);
    bind_link(batch, link_id);
}

bool links_sql_row(struct store_rows *rows, struct links_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    *out = (struct links_row){
        .subject = store_rows_int(rows, 2),
        .account = store_rows_int(rows, 3),
        .state = (enum link_state)store_rows_int(rows, 4),
        .version = store_rows_int(rows, 5),
        .entry = store_rows_bytes(rows, 6),
        .name = columns_or_empty(rows, 7),
        .device_id = (uint32_t)store_rows_int(rows, 8),
        .mailbox = store_rows_int(rows, 9),
        .candidate = columns_or_empty(rows, 11),
        .expires_at = store_rows_int(rows, 12),
    };
    columns_exact(rows, 0, out->link_id.raw, sizeof out->link_id.raw);
    columns_exact(rows, 1, out->token_hash.raw, sizeof out->token_hash.raw);
    if (!store_rows_is_null(rows, 10)) {
        columns_exact(rows, 10, out->device_pub.raw, sizeof out->device_pub.raw);
    }
    if (store_rows_is_null(rows, 13)) { /* it was erased meanwhile, or there was none */
        out->account = 0;
    } else {
        columns_exact(rows, 13, out->account_id.raw, sizeof out->account_id.raw);
    }
    return true;
}

bool links_sql_next_message(struct store_rows *rows, struct links_message *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    out->is_new = store_rows_int(rows, 0) != 0;
    out->body = store_rows_bytes(rows, 1);
    return true;
}

static void bind_change(struct store_batch *batch, const struct links_change *change)
{
    bind_link(batch, change->link_id);
    store_bind_int(batch, change->version);
    store_bind_int(batch, change->now_s);
}

static void add_message(struct store_batch *batch, const struct links_change *change, bool is_new,
                        struct bytes body)
{
    store_batch_expect(batch, &put_message);
    bind_link(batch, change->link_id);
    store_bind_int(batch, change->version);
    store_bind_int(batch, is_new ? 1 : 0);
    store_bind_bytes(batch, body);
    store_bind_int(batch, LIMIT_LINK_MESSAGES_CREATED);
    store_bind_int(batch, LIMIT_LINK_MESSAGES);
}

enum link_state links_sql_said(struct store_rows *rows)
{
    return store_rows_next(rows) ? (enum link_state)store_rows_int(rows, 0) : LINK_CREATED;
}

void links_sql_say_new(struct store_batch *batch, const struct links_change *change,
                       const struct link_token_hash *token_hash, struct bytes body)
{
    store_batch_expect(batch, &say_new);
    bind_change(batch, change);
    bind_token(batch, token_hash);
    add_message(batch, change, true, body);
}

void links_sql_say_old(struct store_batch *batch, const struct links_change *change,
                       int64_t mailbox, struct bytes body)
{
    store_batch_expect(batch, &say_old);
    bind_change(batch, change);
    store_bind_int(batch, mailbox);
    add_message(batch, change, false, body);
}

void links_sql_claim(struct store_batch *batch, const struct links_change *change,
                     const struct links_actor *actor, int64_t max)
{
    store_batch_expect(batch, &claim);
    bind_change(batch, change);
    store_bind_int(batch, actor->account);
    store_bind_int(batch, actor->mailbox);
    store_bind_int(batch, actor->device_id);
    store_bind_bytes(batch, bytes_of(actor->device_pub.raw, sizeof actor->device_pub.raw));
    store_bind_int(batch, max);
}

void links_sql_deny(struct store_batch *batch, const struct links_change *change, int64_t account,
                    int64_t by)
{
    store_batch_expect(batch, &deny);
    bind_change(batch, change);
    store_bind_int(batch, account);
    store_bind_int(batch, by);
}

void links_sql_candidate(struct store_batch *batch, const struct links_change *change,
                         int64_t mailbox, struct bytes signed_bytes)
{
    store_batch_expect(batch, &candidate);
    bind_change(batch, change);
    store_bind_int(batch, mailbox);
    store_bind_bytes(batch, signed_bytes);
}

void links_sql_finish(struct store_batch *batch, const struct links_change *change)
{
    store_batch_expect(batch, &finish);
    bind_change(batch, change);
}

void links_sql_expire(struct store_batch *batch, const struct links_change *change)
{
    store_batch_expect(batch, &expire);
    bind_change(batch, change);
}

void links_sql_prompt(struct store_batch *batch, const struct links_row *row, int64_t now_s)
{
    store_batch_expect(batch, &prompt);
    bind_link(batch, &row->link_id);
    store_bind_int(batch, row->subject);
    store_bind_int(batch, now_s);
    store_bind_int(batch, now_s - LIMIT_LINK_PROMPTS_S);
    store_bind_int(batch, LIMIT_LINK_PROMPTS);
}

bool links_sql_next_prompt(struct store_rows *rows, int64_t *out_at)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    *out_at = store_rows_int(rows, 0);
    return true;
}

void links_sql_end_account(struct store_batch *batch, int64_t account, int64_t subject)
{
    store_batch_add(batch, &end_account);
    store_bind_int(batch, account);
    store_batch_add(batch, &end_prompts);
    store_bind_int(batch, subject);
}

/* A batch of one statement with two numbers. */
static struct store_batch *batch_of(const struct store_stmt *stmt, int64_t first, int64_t second)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, stmt);
    store_bind_int(batch, first);
    store_bind_int(batch, second);
    return batch;
}

struct store_batch *links_sql_list(int64_t account, int64_t now_s, size_t limit)
{
    struct store_batch *batch = batch_of(&list, account, now_s);

    store_bind_int(batch, (int64_t)limit);
    return batch;
}

struct store_batch *links_sql_ask_over(int64_t now_s, size_t limit)
{
    return batch_of(&ask_over, now_s, (int64_t)limit);
}

struct store_batch *links_sql_ask_prompts(int64_t subject)
{
    return batch_of(&ask_prompts, subject, LIMIT_LINK_PROMPTS);
}

struct store_batch *links_sql_purge(int64_t before_s, size_t limit)
{
    struct store_batch *batch = batch_of(&purge, before_s, (int64_t)limit);

    store_batch_add(batch, &purge_messages);
    return batch;
}

struct store_batch *links_sql_purge_prompts(int64_t before_s, size_t limit)
{
    return batch_of(&purge_prompts, before_s, (int64_t)limit);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/envelopes_sql.h"

#include <string.h>

#include "common/check.h"

static const struct store_stmt expect_head = {
    .name = "envelopes.expect_head",
    .sql = "SELECT 1 FROM accounts WHERE account = $1 AND epoch = $2",
    .is_apart = true, /* no append touches an account */
};

static const struct store_stmt append = {
    .name = "envelopes.append",
    .sql = "INSERT INTO envelopes"
           " (seq, mailbox, kind, flags, minute, expires_at, own_ttl, tag, id, body)"
           " SELECT $1, mailbox, 0, $3, $4, $5, $6, $7, $8, $9 FROM devices"
           " WHERE mailbox = $2 AND idle_state < 2",
};

static const struct store_stmt append_gap = {
    .name = "gaps.append",
    .sql = "INSERT INTO envelopes"
           " (seq, mailbox, kind, flags, minute, expires_at, own_ttl, tag, id, body)"
           " SELECT $1, mailbox, 1, 0, $3, $4, 2, 0, $5, $6 FROM devices"
           " WHERE mailbox = $2",
};

static const struct store_stmt merge_gap = {
    .name = "gaps.merge",
    .sql = "UPDATE envelopes SET body = $3 WHERE seq = $1 AND mailbox = $2 AND kind = 1",
};

static const struct store_stmt lose = {
    .name = "envelopes.lose",
    .sql = "DELETE FROM envelopes WHERE seq = $1 AND mailbox = $2 AND kind = 0",
};

static const struct store_stmt recent = {
    .name = "envelopes.recent",
    .sql = "SELECT seq, mailbox, minute, kind, tag, id FROM envelopes WHERE seq < $1"
           " ORDER BY seq DESC LIMIT $2",
};

static const struct store_stmt expired = {
    .name = "envelopes.expired",
    .sql = "SELECT e.seq, e.mailbox, length(e.body), e.expires_at, d.device_pub"
           " FROM envelopes e JOIN devices d ON d.mailbox = e.mailbox"
           " WHERE e.own_ttl = 1 AND e.expires_at <= $1 ORDER BY e.expires_at LIMIT $2",
    /* There a seq counts in its mailbox alone, so an index finds those of the longest life, too. */
    .sql_postgres = "SELECT e.seq, e.mailbox, length(e.body), e.expires_at, d.device_pub"
                    " FROM envelopes e JOIN devices d ON d.mailbox = e.mailbox"
                    " WHERE e.own_ttl < 2 AND e.expires_at <= $1 ORDER BY e.expires_at LIMIT $2",
};

static const struct store_stmt oldest = {
    .name = "envelopes.oldest",
    .sql = "SELECT e.seq, e.mailbox, length(e.body), e.expires_at, d.device_pub"
           " FROM envelopes e JOIN devices d ON d.mailbox = e.mailbox"
           " WHERE e.seq >= $1 AND e.own_ttl = 0 ORDER BY e.seq LIMIT $2",
};

static const struct store_stmt oldest_of = {
    .name = "envelopes.oldest_of",
    .sql = "SELECT e.seq, e.mailbox, length(e.body), e.expires_at, d.device_pub"
           " FROM envelopes e JOIN devices d ON d.mailbox = e.mailbox"
           " WHERE e.mailbox = $1 AND e.kind = 0 ORDER BY e.seq LIMIT $2",
};

void envelopes_sql_expect_head(struct store_batch *batch, int64_t account, uint64_t epoch)
{
    store_batch_expect(batch, &expect_head);
    store_bind_int(batch, account);
    store_bind_int(batch, (int64_t)epoch);
}

void envelopes_sql_append(struct store_batch *batch, const struct envelope_row *row)
{
    store_batch_expect(batch, &append);
    store_bind_int(batch, row->seq);
    store_bind_int(batch, row->mailbox);
    store_bind_int(batch, row->flags);
    store_bind_int(batch, row->minute);
    store_bind_int(batch, row->expires_at);
    store_bind_int(batch, row->own_ttl);
    store_bind_int(batch, (int64_t)row->tag);
    store_bind_bytes(batch, bytes_of(row->id.raw, sizeof row->id.raw));
    store_bind_borrowed(batch, row->stored);
}

void envelopes_sql_append_gap(struct store_batch *batch, const struct envelope_row *row)
{
    store_batch_expect(batch, &append_gap);
    store_bind_int(batch, row->seq);
    store_bind_int(batch, row->mailbox);
    store_bind_int(batch, row->minute);
    store_bind_int(batch, row->expires_at);
    store_bind_bytes(batch, bytes_of(NULL, 0));
    store_bind_bytes(batch, row->stored);
}

void envelopes_sql_merge_gap(struct store_batch *batch, int64_t mailbox, int64_t seq,
                             struct bytes stored)
{
    store_batch_expect(batch, &merge_gap);
    store_bind_int(batch, seq);
    store_bind_int(batch, mailbox);
    store_bind_bytes(batch, stored);
}

void envelopes_sql_lose(struct store_batch *batch, int64_t mailbox, int64_t seq)
{
    store_batch_expect(batch, &lose);
    store_bind_int(batch, seq);
    store_bind_int(batch, mailbox);
}

void envelopes_sql_recent(struct store_batch *batch, int64_t below, int64_t limit)
{
    store_batch_add(batch, &recent);
    store_bind_int(batch, below);
    store_bind_int(batch, limit);
}

bool envelopes_sql_recent_row(struct store_rows *rows, struct envelope_head_row *out)
{
    struct bytes id;

    if (!store_rows_next(rows)) {
        return false;
    }
    memset(out, 0, sizeof *out);
    out->seq = store_rows_int(rows, 0);
    out->mailbox = store_rows_int(rows, 1);
    out->minute = store_rows_int(rows, 2);
    out->tag = (uint64_t)store_rows_int(rows, 4);
    id = store_rows_bytes(rows, 5);
    if (store_rows_int(rows, 3) == 0 && id.size == sizeof out->id.raw) {
        memcpy(out->id.raw, id.at, id.size);
    } else {
        out->mailbox = 0; /* a gap, or a damaged row: it has no name */
    }
    return true;
}

void envelopes_sql_expired(struct store_batch *batch, int64_t now_s, int64_t limit)
{
    store_batch_add(batch, &expired);
    store_bind_int(batch, now_s);
    store_bind_int(batch, limit);
}

void envelopes_sql_oldest(struct store_batch *batch, int64_t from_seq, int64_t limit)
{
    store_batch_add(batch, &oldest);
    store_bind_int(batch, from_seq);
    store_bind_int(batch, limit);
}

void envelopes_sql_oldest_of(struct store_batch *batch, int64_t mailbox, int64_t limit)
{
    store_batch_add(batch, &oldest_of);
    store_bind_int(batch, mailbox);
    store_bind_int(batch, limit);
}

bool envelopes_sql_loss_row(struct store_rows *rows, struct envelope_head_row *out,
                            int64_t *out_expires_at)
{
    struct bytes pub;

    if (!store_rows_next(rows)) {
        return false;
    }
    memset(out, 0, sizeof *out);
    out->seq = store_rows_int(rows, 0);
    out->mailbox = store_rows_int(rows, 1);
    out->stored_bytes = store_rows_int(rows, 2);
    *out_expires_at = store_rows_int(rows, 3);
    pub = store_rows_bytes(rows, 4);
    CHECK(pub.size == sizeof out->pub.raw);
    memcpy(out->pub.raw, pub.at, pub.size);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/mail_sql.h"

#include <string.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "server/domain/body.h"
#include "server/domain/envelopes_sql.h"
#include "server/domain/gaps.h"

static const struct store_stmt read_items = {
    .name = "mail.read",
    .sql = "SELECT seq, kind, flags, minute, id, body FROM envelopes"
           " WHERE mailbox = $1 AND seq > $2 AND expires_at > $3 ORDER BY seq LIMIT $4",
};

static const struct store_stmt ack = {
    .name = "envelopes.ack",
    .sql = "DELETE FROM envelopes WHERE seq = $1 AND mailbox = $2 RETURNING kind, length(body)",
};

/* What has expired may never have been shown: it stays, so that its gap comes. */
static const struct store_stmt ack_upto = {
    .name = "envelopes.ack_upto",
    .sql = "DELETE FROM envelopes WHERE mailbox = $1 AND seq <= $2 AND expires_at > $3"
           " RETURNING kind, length(body)",
};

/*
 * An expired item that was never sent may stand in the run: then its gap must still come.
 * What goes is known to the caller, so nothing is returned: that halves the cost.
 */
static const struct store_stmt ack_run = {
    .name = "envelopes.ack_run",
    .sql = "DELETE FROM envelopes WHERE mailbox = $1 AND seq BETWEEN $2 AND $3"
           " AND ($4, $5) = (SELECT count(*), sum(seq - $2) FROM envelopes"
           "  WHERE mailbox = $1 AND seq BETWEEN $2 AND $3)",
};

void mail_sql_read(struct store_batch *batch, int64_t mailbox, int64_t after, int64_t now_s,
                   int64_t limit)
{
    store_batch_add(batch, &read_items);
    store_bind_int(batch, mailbox);
    store_bind_int(batch, after);
    store_bind_int(batch, now_s);
    store_bind_int(batch, limit);
}

/* A gap that is numbered has no id. */
static bool take_id(struct bytes id, struct mail_item *out)
{
    if (id.size == sizeof out->id.raw) {
        memcpy(out->id.raw, id.at, id.size);
        return true;
    }
    return out->is_gap && id.size == 0;
}

static bool open_body(struct bytes stored, int64_t mailbox, const struct mail_item *item,
                      struct bytes *out)
{
    return body_is_named(stored) ? body_open_named(stored, mailbox, &item->id, out)
                                 : body_open(stored, mailbox, item->seq, out);
}

enum mail_row mail_sql_row(struct store_rows *rows, int64_t mailbox, struct mail_item *out)
{
    struct bytes stored;
    struct bytes body;
    bool is_shown = false;

    if (!store_rows_next(rows)) {
        return MAIL_ROW_NONE;
    }
    memset(out, 0, sizeof *out);
    out->seq = store_rows_int(rows, 0);
    out->is_gap = store_rows_int(rows, 1) == 1;
    out->urgent = (store_rows_int(rows, 2) & ENVELOPE_FLAG_URGENT) != 0;
    out->minute = store_rows_int(rows, 3);
    stored = store_rows_bytes(rows, 5);
    if (!take_id(store_rows_bytes(rows, 4), out) || !open_body(stored, mailbox, out, &body)) {
        return MAIL_ROW_DAMAGED;
    }
    if (!out->is_gap) {
        out->body = body;
        return MAIL_ROW_ITEM;
    }
    if (!gaps_decode(body, &out->gap)) {
        return MAIL_ROW_DAMAGED;
    }
    if (out->gap.from == 0) { /* it had no number yet when it was made */
        out->gap.from = out->seq;
        out->gap.to = out->seq;
    }
    is_shown = (store_rows_int(rows, 2) & ENVELOPE_FLAG_SHOWN) != 0;
    return body_is_named(stored) && !is_shown ? MAIL_ROW_GROWING : MAIL_ROW_ITEM;
}

void mail_sql_ack(struct store_batch *batch, int64_t mailbox, int64_t seq)
{
    store_batch_add(batch, &ack);
    store_bind_int(batch, seq);
    store_bind_int(batch, mailbox);
}

void mail_sql_ack_upto(struct store_batch *batch, int64_t mailbox, int64_t seq, int64_t now_s)
{
    store_batch_add(batch, &ack_upto);
    store_bind_int(batch, mailbox);
    store_bind_int(batch, seq);
    store_bind_int(batch, now_s);
}

void mail_sql_ack_run(struct store_batch *batch, int64_t mailbox, const struct mail_run *run)
{
    int64_t first = run->seqs[0];
    int64_t sum = 0;

    for (size_t i = 0; i < run->count; i++) {
        sum += run->seqs[i] - first;
    }
    store_batch_add(batch, &ack_run);
    store_bind_int(batch, mailbox);
    store_bind_int(batch, first);
    store_bind_int(batch, run->seqs[run->count - 1]);
    store_bind_int(batch, (int64_t)run->count);
    store_bind_int(batch, sum);
}

bool mail_sql_acked(struct store_rows *rows, bool *out_is_gap, int64_t *out_stored_bytes)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    *out_is_gap = store_rows_int(rows, 0) == 1;
    *out_stored_bytes = store_rows_int(rows, 1);
    return true;
}

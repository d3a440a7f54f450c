/* SPDX-License-Identifier: Apache-2.0 */
/* Only where the store is shared, so this is PostgreSQL's own dialect. */
#include "server/domain/mail_shared_sql.h"

#include <assert.h>

#include "server/domain/body.h"
#include "server/domain/columns.h"

static_assert(BODY_OVERHEAD_BYTES == 17, "the sum leaves out what is stored around a body");

#define COUNT_OUT                                                                         \
    " sums AS (SELECT count(*) AS items, count(*) FILTER (WHERE kind = 0) AS envelopes,"  \
    "  coalesce(sum(bytes) FILTER (WHERE kind = 0), 0) AS bytes FROM gone),"              \
    " box AS (UPDATE devices d SET waiting = d.waiting - sums.envelopes,"                 \
    "  waiting_bytes = d.waiting_bytes - sums.bytes FROM sums"                            \
    "  WHERE d.mailbox = $1 AND sums.envelopes > 0 RETURNING d.waiting, d.waiting_bytes)" \
    " SELECT sums.items, box.waiting, box.waiting_bytes FROM sums LEFT JOIN box ON 1 = 1"

static const struct store_stmt ack = {
    .name = "mail_shared.ack",
    .sql = "WITH gone AS (DELETE FROM envelopes WHERE mailbox = $1"
           "  AND seq = ANY(CAST(string_to_array($2, ',') AS bigint[]))"
           "  RETURNING kind, length(body) - 17 AS bytes)," COUNT_OUT,
};

static const struct store_stmt ack_upto = {
    .name = "mail_shared.ack_upto",
    .sql = "WITH gone AS (DELETE FROM envelopes WHERE mailbox = $1 AND seq <= $2"
           "  AND expires_at > $3"
           "  RETURNING kind, length(body) - 17 AS bytes)," COUNT_OUT,
};

void mail_shared_sql_ack(struct store_batch *batch, int64_t mailbox,
                         const struct mail_shared_seqs *seqs)
{
    store_batch_add(batch, &ack);
    store_bind_int(batch, mailbox);
    columns_bind_list(batch, seqs->at, seqs->count);
}

void mail_shared_sql_ack_upto(struct store_batch *batch, int64_t mailbox, int64_t seq,
                              int64_t now_s)
{
    store_batch_add(batch, &ack_upto);
    store_bind_int(batch, mailbox);
    store_bind_int(batch, seq);
    store_bind_int(batch, now_s);
}

void mail_shared_sql_acked(struct store_rows *rows, struct mail_shared_acked *out)
{
    if (!store_rows_next(rows)) {
        return;
    }
    out->items = store_rows_int(rows, 0);
    out->is_counted = !store_rows_is_null(rows, 1);
    if (out->is_counted) {
        out->waiting = store_rows_int(rows, 1);
        out->waiting_bytes = store_rows_int(rows, 2);
    }
}

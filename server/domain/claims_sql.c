/* SPDX-License-Identifier: Apache-2.0 */
/* Only where the store is shared, so this is PostgreSQL's own dialect. */
#include "server/domain/claims_sql.h"

#include "server/domain/columns.h"
#include "server/domain/hub.h"

static const struct store_stmt take = {
    .name = "claims.take",
    .sql = "UPDATE devices SET stream_of = $2 WHERE mailbox = $1"
           " RETURNING next_seq, waiting, waiting_bytes, idle_state",
};

static const struct store_stmt ask = {
    .name = "claims.ask",
    .sql = "SELECT mailbox, next_seq, stream_of FROM devices"
           " WHERE mailbox = ANY(CAST(string_to_array($1, ',') AS bigint[]))",
};

static const struct store_stmt ask_waiting = {
    .name = "claims.ask_waiting",
    .sql = "SELECT seq FROM envelopes WHERE mailbox = $1 ORDER BY seq LIMIT $2",
};

void claims_sql_take(struct store_batch *batch, int64_t mailbox, int64_t stream)
{
    store_batch_expect(batch, &take);
    store_bind_int(batch, mailbox);
    store_bind_int(batch, stream);
}

void claims_sql_ask(struct store_batch *batch, const int64_t *mailboxes, size_t count)
{
    store_batch_add(batch, &ask);
    columns_bind_list(batch, mailboxes, count);
}

bool claims_sql_row(struct store_rows *rows, struct claim_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    out->mailbox = store_rows_int(rows, 0);
    out->last = store_rows_int(rows, 1);
    out->stream = store_rows_int(rows, 2);
    return true;
}

void claims_sql_ask_waiting(struct store_batch *batch, int64_t mailbox)
{
    store_batch_add(batch, &ask_waiting);
    store_bind_int(batch, mailbox);
    store_bind_int(batch, HUB_WAITING_MAX);
}

int64_t claims_sql_waiting(struct store_rows *rows, int64_t *out_seqs, size_t *out_count)
{
    size_t count = 0;

    while (count < HUB_WAITING_MAX && store_rows_next(rows)) {
        out_seqs[count] = store_rows_int(rows, 0);
        count++;
    }
    *out_count = count;
    return count < HUB_WAITING_MAX ? INT64_MAX : out_seqs[count - 1];
}

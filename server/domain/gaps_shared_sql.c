/* SPDX-License-Identifier: Apache-2.0 */
/* Only where the store is shared, so this is PostgreSQL's own dialect. */
#include "server/domain/gaps_shared_sql.h"

#include "common/ids.h"
#include "server/store/store.h"

static const struct store_stmt append = {
    .name = "gaps_shared.append",
    .sql = "WITH place AS (UPDATE devices SET next_seq = greatest(next_seq,"
           "   (SELECT seq_floor FROM relay WHERE one = 1)) + 1"
           "  WHERE mailbox = $1 RETURNING mailbox, next_seq)"
           " INSERT INTO envelopes"
           " (seq, mailbox, kind, flags, minute, expires_at, own_ttl, tag, id, body)"
           " SELECT next_seq, mailbox, 1, 0, $2, $3, 2, 0, $4, $5 FROM place",
};

/* flags 0: no read has shown it. */
static const struct store_stmt merge = {
    .name = "gaps_shared.merge",
    .sql = "UPDATE envelopes SET body = $3"
           " WHERE mailbox = $1 AND kind = 1 AND flags = 0 AND id = $2 AND body = $4",
};

static const struct store_stmt show = {
    .name = "gaps_shared.show",
    .sql = "UPDATE envelopes SET flags = 2"
           " WHERE mailbox = $1 AND kind = 1 AND flags = 0 AND seq > $2 AND seq <= $3",
};

static void bind_row(struct store_batch *batch, const struct gap_row *row)
{
    store_bind_bytes(batch, bytes_of(row->name->raw, sizeof row->name->raw));
    store_bind_bytes(batch, row->stored);
}

void gaps_shared_sql_append(struct store_batch *batch, const struct gap_row *row, int64_t minute,
                            int64_t expires_at)
{
    store_batch_expect(batch, &append);
    store_bind_int(batch, row->mailbox);
    store_bind_int(batch, minute);
    store_bind_int(batch, expires_at);
    bind_row(batch, row);
}

void gaps_shared_sql_merge(struct store_batch *batch, const struct gap_row *row,
                           struct bytes before)
{
    store_batch_expect(batch, &merge);
    store_bind_int(batch, row->mailbox);
    bind_row(batch, row);
    store_bind_bytes(batch, before);
}

void gaps_shared_sql_show(struct store_batch *batch, int64_t mailbox, int64_t after, int64_t last)
{
    store_batch_add(batch, &show);
    store_bind_int(batch, mailbox);
    store_bind_int(batch, after);
    store_bind_int(batch, last);
}

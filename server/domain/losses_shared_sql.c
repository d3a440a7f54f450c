/* SPDX-License-Identifier: Apache-2.0 */
/* Only where the store is shared, so this is PostgreSQL's own dialect. */
#include "server/domain/losses_shared_sql.h"

#include <assert.h>

#include "common/check.h"
#include "server/domain/body.h"
#include "server/domain/columns.h"
#include "server/store/store.h"

static_assert(BODY_OVERHEAD_BYTES == 17, "the sum leaves out what is stored around a body");

/*
 * What the device acknowledged meanwhile is not there: then the count differs, and all is undone.
 * So it is when there is less than was thought, for then too much would go.
 */
static const struct store_stmt lose = {
    .name = "losses_shared.lose",
    .sql = "WITH gone AS (DELETE FROM envelopes WHERE mailbox = $1 AND kind = 0"
           "  AND seq = ANY(CAST(string_to_array($2, ',') AS bigint[]))"
           "  RETURNING length(body) - 17 AS bytes),"
           " sums AS (SELECT count(*) AS items, coalesce(sum(bytes), 0) AS bytes FROM gone)"
           " UPDATE devices d SET waiting = d.waiting - sums.items,"
           " waiting_bytes = d.waiting_bytes - sums.bytes FROM sums"
           " WHERE d.mailbox = $1 AND sums.items = $3 AND ($4 = 0 OR d.idle_state = 2)"
           " AND d.waiting >= $5 AND d.waiting_bytes >= $6"
           " RETURNING d.waiting, d.waiting_bytes",
};

void losses_shared_sql_lose(struct store_batch *batch, int64_t mailbox,
                            const struct loss_list *list, bool only_closed)
{
    store_batch_expect(batch, &lose);
    store_bind_int(batch, mailbox);
    columns_bind_list(batch, list->seqs, list->count);
    store_bind_int(batch, (int64_t)list->count);
    store_bind_int(batch, only_closed ? 1 : 0);
    store_bind_int(batch, list->waiting);
    store_bind_int(batch, list->waiting_bytes);
}

void losses_shared_sql_lost(struct store_rows *rows, int64_t *out_waiting, int64_t *out_bytes)
{
    CHECK(store_rows_next(rows)); /* it was expected */
    *out_waiting = store_rows_int(rows, 0);
    *out_bytes = store_rows_int(rows, 1);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/commands_sql.h"

#include "server/domain/sharing.h"
#include "server/store/store.h"

static const struct store_stmt spend = {
    .name = "commands.spend",
    .sql = "UPDATE devices SET command_seq = $1 WHERE mailbox = $2 AND command_seq < $1"
           " RETURNING 1",
};

static const struct store_stmt last = {
    .name = "commands.last",
    .sql = "SELECT command_seq FROM devices WHERE mailbox = $1",
};

void commands_sql_spend(struct store_batch *batch, int64_t mailbox, int64_t seq)
{
    sharing_lock(batch, mailbox); /* before other rows, so that no two wait in a circle */
    store_batch_expect(batch, &spend);
    store_bind_int(batch, seq);
    store_bind_int(batch, mailbox);
}

struct store_batch *commands_sql_last(int64_t mailbox)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &last);
    store_bind_int(batch, mailbox);
    return batch;
}

int64_t commands_sql_last_of(struct store_rows *rows)
{
    return store_rows_next(rows) ? store_rows_int(rows, 0) : -1;
}

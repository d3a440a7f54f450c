/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/welcomes_sql.h"

#include "server/domain/columns.h"
#include "server/store/store.h"

static const struct store_stmt ask = {
    .name = "welcomes.ask",
    .sql = "SELECT d.device_pub FROM mls_references r JOIN devices d ON d.mailbox = r.mailbox"
           " WHERE r.reference = $1",
};

static const struct store_stmt forget = {
    .name = "welcomes.forget",
    .sql = "DELETE FROM mls_references WHERE mailbox = $1",
};

/* On PostgreSQL a claim may note one again meanwhile: what is locked or was written stays. */
static const struct store_stmt purge = {
    .name = "welcomes.purge",
    .sql_sqlite =
        "DELETE FROM mls_references WHERE reference IN"
        " (SELECT reference FROM mls_references WHERE free_day <= $1 LIMIT $2) RETURNING 1",
    .sql_postgres = "DELETE FROM mls_references WHERE reference IN"
                    " (SELECT reference FROM mls_references WHERE free_day <= $1 LIMIT $2"
                    " FOR UPDATE SKIP LOCKED) RETURNING 1",
};

void welcomes_sql_ask(struct store_batch *batch, struct bytes reference)
{
    store_batch_add(batch, &ask);
    store_bind_bytes(batch, reference);
}

bool welcomes_sql_device(struct store_rows *rows, struct device_pub *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    columns_exact(rows, 0, out->raw, sizeof out->raw);
    return true;
}

void welcomes_sql_forget(struct store_batch *batch, int64_t mailbox)
{
    store_batch_add(batch, &forget);
    store_bind_int(batch, mailbox);
}

struct store_batch *welcomes_sql_purge(int64_t today, size_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &purge);
    store_bind_int(batch, today);
    store_bind_int(batch, (int64_t)limit);
    return batch;
}

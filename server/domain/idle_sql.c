/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/idle_sql.h"

#include <string.h>

#include "common/bytes.h"
#include "common/check.h"

static const struct store_stmt to_warn = {
    .name = "idle.to_warn",
    .sql = "SELECT d.mailbox, d.account, d.device_id, d.seen_day, d.device_pub, a.account_id"
           " FROM devices d JOIN accounts a ON a.account = d.account"
           " WHERE d.idle_state = 0 AND d.seen_day < $1 ORDER BY d.mailbox LIMIT $2",
};

static const struct store_stmt to_close = {
    .name = "idle.to_close",
    .sql = "SELECT d.mailbox, d.account, d.device_id, d.seen_day, d.device_pub, a.account_id"
           " FROM devices d JOIN accounts a ON a.account = d.account"
           " WHERE d.idle_state < 2 AND d.seen_day < $1 ORDER BY d.mailbox LIMIT $2",
};

static const struct store_stmt to_empty = {
    .name = "idle.to_empty",
    .sql = "SELECT d.mailbox, d.account, d.device_id, d.seen_day, d.device_pub, a.account_id"
           " FROM devices d JOIN accounts a ON a.account = d.account"
           " WHERE d.idle_state = 2 AND EXISTS"
           " (SELECT 1 FROM envelopes e WHERE e.mailbox = d.mailbox AND e.kind = 0)"
           " ORDER BY d.mailbox LIMIT $1",
};

static const struct store_stmt mark = {
    .name = "idle.mark",
    .sql = "UPDATE devices SET idle_state = $2 WHERE mailbox = $1 AND idle_state < $2"
           " AND seen_day < $3 RETURNING 1",
};

struct store_batch *idle_sql_find(int64_t warn_before_day, int64_t close_before_day, int64_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &to_warn);
    store_bind_int(batch, warn_before_day);
    store_bind_int(batch, limit);
    store_batch_add(batch, &to_close);
    store_bind_int(batch, close_before_day);
    store_bind_int(batch, limit);
    store_batch_add(batch, &to_empty);
    store_bind_int(batch, limit);
    return batch;
}

bool idle_sql_row(struct store_rows *rows, struct idle_row *out)
{
    struct bytes pub;
    struct bytes account_id;

    if (!store_rows_next(rows)) {
        return false;
    }
    out->mailbox = store_rows_int(rows, 0);
    out->account = store_rows_int(rows, 1);
    out->device_id = (uint32_t)store_rows_int(rows, 2);
    out->seen_day = store_rows_int(rows, 3);
    pub = store_rows_bytes(rows, 4);
    account_id = store_rows_bytes(rows, 5);
    CHECK(pub.size == sizeof out->pub.raw && account_id.size == sizeof out->account_id.raw);
    memcpy(out->pub.raw, pub.at, pub.size);
    memcpy(out->account_id.raw, account_id.at, account_id.size);
    return true;
}

void idle_sql_mark(struct store_batch *batch, int64_t mailbox, int64_t state, int64_t before_day)
{
    store_batch_add(batch, &mark);
    store_bind_int(batch, mailbox);
    store_bind_int(batch, state);
    store_bind_int(batch, before_day);
}

bool idle_sql_marked(struct store_rows *rows)
{
    return store_rows_next(rows);
}

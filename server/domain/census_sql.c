/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/census_sql.h"

#include <stdint.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "server/domain/body.h"

static const struct store_stmt count_all = {
    .name = "census.count",
    .sql = "SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM devices),"
           " (SELECT count(*) FROM envelopes WHERE kind = 0), (SELECT count(*) FROM sessions),"
           " (SELECT count(*) FROM holds)",
};

static const struct store_stmt queues = {
    .name = "census.queues",
    .sql = "SELECT a.account_id, d.device_pub, d.device_id, count(*), sum(length(e.body))"
           " FROM envelopes e JOIN devices d ON d.mailbox = e.mailbox"
           " JOIN accounts a ON a.account = d.account WHERE e.kind = 0"
           " GROUP BY d.mailbox, a.account_id, d.device_pub, d.device_id"
           " ORDER BY count(*) DESC LIMIT $1",
};

static const struct store_stmt queues_of = {
    .name = "census.queues_of",
    .sql = "SELECT a.account_id, d.device_pub, d.device_id,"
           " (SELECT count(*) FROM envelopes e WHERE e.mailbox = d.mailbox AND e.kind = 0),"
           " (SELECT coalesce(sum(length(e.body)), 0) FROM envelopes e"
           "  WHERE e.mailbox = d.mailbox AND e.kind = 0)"
           " FROM accounts a JOIN devices d ON d.account = a.account WHERE a.account_id = $1"
           " ORDER BY d.device_id",
};

struct store_batch *census_sql_count(void)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &count_all);
    return batch;
}

void census_sql_counted(struct store_rows *rows, struct census *out)
{
    CHECK(store_rows_next(rows));
    out->accounts = store_rows_int(rows, 0);
    out->devices = store_rows_int(rows, 1);
    out->envelopes = store_rows_int(rows, 2);
    out->sessions = store_rows_int(rows, 3);
    out->holds = store_rows_int(rows, 4);
}

struct store_batch *census_sql_queues(const struct account_id *account_id)
{
    struct store_batch *batch = store_batch_create();

    if (account_id == NULL) {
        store_batch_add(batch, &queues);
        store_bind_int(batch, CENSUS_QUEUES_MAX);
    } else {
        store_batch_add(batch, &queues_of);
        store_bind_bytes(batch, bytes_of(account_id->raw, sizeof account_id->raw));
    }
    return batch;
}

bool census_sql_queue(struct store_rows *rows, struct census_queue *out)
{
    struct bytes account_id;
    struct bytes pub;

    if (!store_rows_next(rows)) {
        return false;
    }
    account_id = store_rows_bytes(rows, 0);
    pub = store_rows_bytes(rows, 1);
    CHECK(account_id.size == sizeof out->account_id.raw && pub.size == sizeof out->device_pub.raw);
    memcpy(out->account_id.raw, account_id.at, account_id.size);
    memcpy(out->device_pub.raw, pub.at, pub.size);
    out->device_id = (uint32_t)store_rows_int(rows, 2);
    out->envelopes = store_rows_int(rows, 3);
    out->bytes = store_rows_int(rows, 4) - out->envelopes * (int64_t)BODY_OVERHEAD_BYTES;
    return true;
}

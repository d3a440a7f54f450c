/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/account_log_sql.h"

#include "server/domain/account_log.h"
#include "server/domain/factor_kinds.h"
#include "server/store/store.h"

static const struct store_stmt put = {
    .name = "account_log.put",
    .sql = "INSERT INTO account_log (account, event, kind, purpose, device_id, at)"
           " SELECT $1, $2, $3, $4, $5, $6 WHERE $1 > 0",
};

static const struct store_stmt list = {
    .name = "account_log.list",
    .sql = "SELECT entry, event, kind, purpose, device_id, at FROM account_log"
           " WHERE account = $1 AND entry > $2 ORDER BY entry LIMIT $3",
};

static const struct store_stmt end_account = {
    .name = "account_log.end_account",
    .sql = "DELETE FROM account_log WHERE account = $1",
};

static const struct store_stmt purge = {
    .name = "account_log.purge",
    .sql_sqlite = "DELETE FROM account_log WHERE entry IN"
                  " (SELECT entry FROM account_log WHERE at <= $1 LIMIT $2) RETURNING 1",
    .sql_postgres = "DELETE FROM account_log WHERE entry IN"
                    " (SELECT entry FROM account_log WHERE at <= $1 LIMIT $2"
                    " FOR UPDATE SKIP LOCKED) RETURNING 1", /* waits for nobody */
};

void account_log_sql_put(struct store_batch *batch, const struct account_log_entry *entry)
{
    store_batch_add(batch, &put);
    store_bind_int(batch, entry->account);
    store_bind_int(batch, (int64_t)entry->event);
    store_bind_int(batch, (int64_t)entry->kind);
    store_bind_int(batch, (int64_t)entry->purpose);
    store_bind_int(batch, entry->device_id);
    store_bind_int(batch, entry->at);
}

struct store_batch *account_log_sql_list(int64_t account, int64_t after, size_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &list);
    store_bind_int(batch, account);
    store_bind_int(batch, after);
    store_bind_int(batch, (int64_t)limit);
    return batch;
}

bool account_log_sql_next(struct store_rows *rows, struct account_log_entry *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    *out = (struct account_log_entry){
        .entry = store_rows_int(rows, 0),
        .event = (enum account_log_event)store_rows_int(rows, 1),
        .kind = (enum factor_kind)store_rows_int(rows, 2),
        .purpose = (enum txn_purpose)store_rows_int(rows, 3),
        .device_id = (uint32_t)store_rows_int(rows, 4),
        .at = store_rows_int(rows, 5),
    };
    return true;
}

void account_log_sql_end_account(struct store_batch *batch, int64_t account)
{
    store_batch_add(batch, &end_account);
    store_bind_int(batch, account);
}

struct store_batch *account_log_sql_purge(int64_t before_s, size_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &purge);
    store_bind_int(batch, before_s);
    store_bind_int(batch, (int64_t)limit);
    return batch;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/directory_sql.h"

#include "server/store/store.h"

static const struct store_stmt head = {
    .name = "directory.head",
    .sql = "SELECT a.account, m.signed, a.head_hash"
           " FROM accounts a JOIN manifests m ON m.account = a.account AND m.epoch = a.epoch"
           " WHERE a.account_id = $1",
};

static const struct store_stmt left = {
    .name = "directory.left",
    .sql = "SELECT 1 FROM left_devices WHERE key_hash = $1 AND account = $2",
};

struct store_batch *directory_sql_head(const struct account_id *account_id)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &head);
    store_bind_bytes(batch, bytes_of(account_id->raw, sizeof account_id->raw));
    return batch;
}

bool directory_sql_head_of(struct store_rows *rows, int64_t *out_account,
                           struct bytes *out_signed_bytes, struct bytes *out_hash)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    *out_account = store_rows_int(rows, 0);
    *out_signed_bytes = store_rows_bytes(rows, 1);
    *out_hash = store_rows_bytes(rows, 2);
    return true;
}

void directory_sql_left(struct store_batch *batch, const struct left_hash *hash, int64_t account)
{
    store_batch_add(batch, &left);
    store_bind_bytes(batch, bytes_of(hash->raw, sizeof hash->raw));
    store_bind_int(batch, account);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/manifests_sql.h"

#include "common/bytes.h"
#include "server/store/store.h"

static const struct store_stmt insert = {
    .name = "manifests.insert",
    .sql = "INSERT INTO manifests (account, epoch, hash, signed)"
           " SELECT account, $2, $3, $4 FROM accounts WHERE account_id = $1",
};

static const struct store_stmt ask_head = {
    .name = "manifests.ask_head",
    .sql = "SELECT m.signed"
           " FROM accounts a JOIN manifests m ON m.account = a.account AND m.epoch = a.epoch"
           " WHERE a.account_id = $1",
};

static const struct store_stmt ask_hash = {
    .name = "manifests.ask_hash",
    .sql = "SELECT m.hash FROM accounts a JOIN manifests m ON m.account = a.account"
           " WHERE a.account_id = $1 AND m.epoch = $2",
};

static const struct store_stmt ask_page = {
    .name = "manifests.ask_page",
    .sql = "SELECT m.epoch, m.signed FROM accounts a JOIN manifests m ON m.account = a.account"
           " WHERE a.account_id = $1 AND m.epoch > $2 ORDER BY m.epoch LIMIT $3",
};

static void bind_account(struct store_batch *batch, const struct account_id *account_id)
{
    store_bind_bytes(batch, bytes_of(account_id->raw, sizeof account_id->raw));
}

void manifests_sql_insert(struct store_batch *batch, const struct manifest *manifest,
                          const struct manifest_hash *hash)
{
    store_batch_add(batch, &insert);
    bind_account(batch, &manifest->account);
    store_bind_int(batch, (int64_t)manifest->epoch);
    store_bind_bytes(batch, bytes_of(hash->raw, sizeof hash->raw));
    store_bind_bytes(batch, manifest->signed_bytes);
}

void manifests_sql_ask_head(struct store_batch *batch, const struct account_id *account_id)
{
    store_batch_add(batch, &ask_head);
    bind_account(batch, account_id);
}

void manifests_sql_ask_hash(struct store_batch *batch, const struct account_id *account_id,
                            uint64_t epoch)
{
    store_batch_add(batch, &ask_hash);
    bind_account(batch, account_id);
    store_bind_int(batch, (int64_t)epoch);
}

void manifests_sql_ask_page(struct store_batch *batch, const struct account_id *account_id,
                            int64_t since, int64_t limit)
{
    store_batch_add(batch, &ask_page);
    bind_account(batch, account_id);
    store_bind_int(batch, since);
    store_bind_int(batch, limit);
}

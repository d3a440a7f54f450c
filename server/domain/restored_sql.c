/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/restored_sql.h"

#include "server/store/store.h"

static const struct store_stmt challenges = {
    .name = "restored.challenges",
    .sql = "UPDATE txn_challenges SET used = 1, code = NULL WHERE used = 0",
};

static const struct store_stmt txns = {
    .name = "restored.txns",
    .sql = "UPDATE txns SET is_done = 1 WHERE is_done = 0",
};

static const struct store_stmt grants = {
    .name = "restored.grants",
    .sql = "DELETE FROM grants",
};

void restored_sql_end(struct store_batch *batch)
{
    store_batch_add(batch, &challenges);
    store_batch_add(batch, &txns);
    store_batch_add(batch, &grants);
}

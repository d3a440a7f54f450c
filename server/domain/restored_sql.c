/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/restored_sql.h"

#include <stddef.h>

#include "server/store/store.h"

#define CHALLENGES "UPDATE txn_challenges SET used = 1, code = NULL WHERE used = 0"
#define TXNS "UPDATE txns SET is_done = 1 WHERE is_done = 0"
#define GRANTS "DELETE FROM grants"
#define BEHIND "EXISTS (SELECT 1 FROM relay WHERE one = 1 AND heartbeat < $1)"

static const struct store_stmt challenges = { .name = "restored.challenges", .sql = CHALLENGES };
static const struct store_stmt txns = { .name = "restored.txns", .sql = TXNS };
static const struct store_stmt grants = { .name = "restored.grants", .sql = GRANTS };

static const struct store_stmt behind[] = {
    { .name = "restored.challenges_behind", .sql = CHALLENGES " AND " BEHIND },
    { .name = "restored.txns_behind", .sql = TXNS " AND " BEHIND },
    { .name = "restored.grants_behind", .sql = GRANTS " WHERE " BEHIND },
};

void restored_sql_end(struct store_batch *batch)
{
    store_batch_add(batch, &challenges);
    store_batch_add(batch, &txns);
    store_batch_add(batch, &grants);
}

void restored_sql_end_if_behind(struct store_batch *batch, int64_t copy_heartbeat)
{
    for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++) {
        store_batch_add(batch, &behind[i]);
        store_bind_int(batch, copy_heartbeat);
    }
}

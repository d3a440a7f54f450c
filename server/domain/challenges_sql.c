/* SPDX-License-Identifier: Apache-2.0 */
/* The insert is the whole rule: whoever comes second yields no row. */
#include "server/domain/challenges_sql.h"

#include "server/store/store.h"

static const struct store_stmt spend = {
    .name = "challenges.spend",
    .sql = "INSERT INTO used_challenges (rand, expires_at) VALUES ($1, $2)"
           " ON CONFLICT (rand) DO NOTHING RETURNING 1",
};

static const struct store_stmt purge = {
    .name = "challenges.purge",
    .sql = "DELETE FROM used_challenges WHERE rand IN"
           " (SELECT rand FROM used_challenges WHERE expires_at < $1 LIMIT $2) RETURNING 1",
};

void challenges_sql_spend(struct store_batch *batch, struct bytes random, int64_t expires_at)
{
    store_batch_expect(batch, &spend);
    store_bind_bytes(batch, random);
    store_bind_int(batch, expires_at);
}

struct store_batch *challenges_sql_purge(int64_t before_s, int64_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &purge);
    store_bind_int(batch, before_s);
    store_bind_int(batch, limit);
    return batch;
}

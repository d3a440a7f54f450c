/* SPDX-License-Identifier: Apache-2.0 */
/* A pool costs a look at the index keys_stock, which ends where it counts as full. */
#include "server/domain/keys_census_sql.h"

#include "common/check.h"
#include "common/key_slots.h"
#include "common/limits.h"
#include "server/store/store.h"

static const struct store_stmt ask = {
    .name = "keys_census.pools",
    .sql = "SELECT p.mailbox, p.slot, (SELECT count(*) FROM (SELECT 1 FROM keys k"
           "  WHERE k.mailbox = p.mailbox AND k.kind = 0 AND k.slot = p.slot"
           "  AND k.generation = (SELECT generation FROM relay WHERE one = 1)"
           "  AND (k.expires_at = 0 OR k.expires_at > $3) LIMIT $4) counted)"
           " FROM key_pools p WHERE (p.mailbox, p.slot) > ($1, $2)"
           " ORDER BY p.mailbox, p.slot LIMIT $5",
};

struct store_batch *keys_census_sql_ask(const struct keys_pool_name *after, int64_t now_s,
                                        int64_t limit)
{
    struct store_batch *batch = store_batch_create();

    store_batch_add(batch, &ask);
    store_bind_int(batch, after->mailbox);
    store_bind_text(batch, bytes_text(after->slot));
    store_bind_int(batch, now_s);
    store_bind_int(batch, LIMIT_KEYS_PER_CALL);
    store_bind_int(batch, limit);
    return batch;
}

bool keys_census_sql_pool(struct store_rows *rows, struct keys_census_row *out)
{
    if (!store_rows_next(rows)) {
        return false;
    }
    out->mailbox = store_rows_int(rows, 0);
    out->slot = store_rows_bytes(rows, 1);
    CHECK(out->slot.size <= KEY_SLOTS_NAME_BYTES);
    out->count = store_rows_int(rows, 2);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/keys_census.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/key_slots.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/domain/domain.h"
#include "server/domain/keys_census_sql.h"
#include "server/domain/keys_sql.h"
#include "server/domain/slots.h"
#include "server/store/store.h"

struct keys_census {
    struct domain *domain;
    int64_t now_s;
    int64_t mailbox; /* of the last pool that was counted, and its slot */
    char slot[KEY_SLOTS_NAME_BYTES + 1];
    int64_t empty, low, half, full;
    domain_purged_fn *done;
    void *arg;
};

static void census_read(struct keys_census *census);

static void add(struct keys_census *census, const struct keys_census_row *row)
{
    const struct slot *slot = slots_find(census->domain->slots, row->slot);

    if (slot == NULL || slot->use != KEY_SLOTS_SINGLE) {
        return;
    }
    census->empty += row->count == 0;
    census->low += row->count > 0 && row->count < LIMIT_KEYS_LOW;
    census->half += row->count >= LIMIT_KEYS_LOW && row->count < LIMIT_KEYS_PER_CALL;
    census->full += row->count >= LIMIT_KEYS_PER_CALL;
}

/* Add a page and remember where it ended.  False when it was the last one. */
static bool add_page(struct keys_census *census, struct store_rows *rows)
{
    struct keys_census_row row;
    int count = 0;

    while (keys_census_sql_pool(rows, &row)) {
        add(census, &row);
        census->mailbox = row.mailbox;
        memset(census->slot, 0, sizeof census->slot);
        memcpy(census->slot, row.slot.at, row.slot.size);
        count++;
    }
    return count == DOMAIN_PURGE_ROWS;
}

static void finish(struct keys_census *census)
{
    census->done(census->arg, 0);
    free(census);
}

static void on_page(void *arg, enum store_status status, struct store_rows *rows)
{
    struct keys_census *census = arg;

    if (status != STORE_OK) {
        log_warn("keys.census", "status=%d", (int)status);
        finish(census);
    } else if (add_page(census, rows)) {
        census_read(census);
    } else {
        metrics_set(METRIC_key_pools_empty, census->empty);
        metrics_set(METRIC_key_pools_low, census->low);
        metrics_set(METRIC_key_pools_half, census->half);
        metrics_set(METRIC_key_pools_full, census->full);
        finish(census);
    }
}

static void census_read(struct keys_census *census)
{
    const struct keys_pool_name after = { census->mailbox, census->slot };
    struct store_batch *batch = keys_census_sql_ask(&after, census->now_s, DOMAIN_PURGE_ROWS);

    store_read(census->domain->store, &batch, on_page, census);
}

void keys_census_run(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    struct keys_census *census = mem_zeroed(1, sizeof *census);

    census->domain = domain;
    census->now_s = now_ms / 1000;
    census->done = done;
    census->arg = arg;
    census_read(census);
}

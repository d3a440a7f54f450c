/* SPDX-License-Identifier: Apache-2.0 */
/* A purge that fails is tried again at its next turn, so a line in the log is enough. */
#include "server/domain/purge.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/mem.h"
#include "server/store/store.h"

struct purge {
    struct domain *domain;
    struct purge_order order;
    int64_t now_ms;
};

static void on_purged(void *arg, enum store_status status, struct store_rows *rows)
{
    struct purge *purge = arg;
    size_t row_count = 0;

    if (status != STORE_OK) {
        log_warn(purge->order.event, "status=%d", (int)status);
    } else {
        while (store_rows_next(rows)) {
            row_count++;
        }
        store_rows_select(rows, 0);
        if (purge->order.gone != NULL) {
            purge->order.gone(purge->domain, rows, purge->now_ms);
        }
    }
    purge->order.done(purge->order.arg, row_count);
    free(purge);
}

void purge_run(struct domain *domain, struct store_batch **batch, const struct purge_order *order,
               int64_t now_ms)
{
    struct purge *purge = mem_zeroed(1, sizeof *purge);

    purge->domain = domain;
    purge->order = *order;
    purge->now_ms = now_ms;
    store_submit(domain->store, batch, on_purged, purge);
}

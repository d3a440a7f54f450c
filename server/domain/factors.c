/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/factors.h"

#include <stdlib.h>

#include "common/mem.h"
#include "server/domain/factors_sql.h"
#include "server/domain/purge.h"
#include "server/store/store.h"

enum {
    HOUR_S = 3600,
};

void factors_view_of(const struct factors_row *row, struct factors_view *out)
{
    *out = (struct factors_view){
        .factor_id = row->factor_id,
        .kind = row->kind,
        .is_confirmed = row->is_confirmed,
        .label = row->label,
        .created_at = row->created_at,
        .codes_left = row->kind == FACTOR_RECOVERY_CODE ? row->codes_left : 0,
    };
}

struct listing {
    factors_listed_fn *done;
    void *arg;
};

static void on_listed(void *arg, enum store_status status, struct store_rows *rows)
{
    struct listing *listing = arg;
    struct factors_view views[FACTORS_LIST_MAX];
    struct factors_row row;
    size_t count = 0;

    while (status == STORE_OK && count < FACTORS_LIST_MAX && factors_sql_next(rows, &row)) {
        factors_view_of(&row, &views[count]);
        count++;
    }
    listing->done(listing->arg, status == STORE_OK, views, count);
    free(listing);
}

void factors_list(struct domain *domain, const struct account_id *account_id,
                  factors_listed_fn *done, void *arg)
{
    struct listing *listing = mem_zeroed(1, sizeof *listing);
    struct store_batch *batch = store_batch_create();

    listing->done = done;
    listing->arg = arg;
    factors_sql_list(batch, account_id);
    store_read(domain->store, &batch, on_listed, listing);
}

void factors_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    const struct purge_order order = { .event = "factors.purge", .done = done, .arg = arg };
    int64_t before_s = now_ms / 1000 - LIMIT_FACTOR_PENDING_S - HOUR_S;
    struct store_batch *batch = factors_sql_purge(before_s, DOMAIN_PURGE_ROWS);

    purge_run(domain, &batch, &order, now_ms);
}

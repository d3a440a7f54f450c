/* SPDX-License-Identifier: Apache-2.0 */
/* READ (which kind) -> WRITE. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/domain/account_log.h"
#include "server/domain/domain.h"
#include "server/domain/factors.h"
#include "server/domain/factors_private.h"
#include "server/domain/factors_sql.h"
#include "server/domain/grants.h"
#include "server/store/store.h"

static void on_kind(void *arg, enum store_status status, struct store_rows *rows)
{
    struct factors_change *change = arg;
    struct store_batch *batch = NULL;

    if (status != STORE_OK) {
        factors_change_finish_with(change, FACTORS_UNAVAILABLE);
        return;
    }
    if (!factors_sql_kind(rows, &change->entry.kind)) {
        factors_change_finish_with(change, FACTORS_UNKNOWN);
        return;
    }
    batch = factors_change_batch(change);
    factors_change_means(change, batch, FACTORS_STEPUP);
    grants_expect_stepup(batch, change->order.account, change->order.grant, change->now_ms);
    factors_change_means(change, batch, FACTORS_UNKNOWN);
    factors_sql_expect_remove(batch, change->order.account, &change->order.factor_id);
    factors_sql_end_loose_codes(batch, change->order.account);
    change->is_told = true;
    factors_change_submit(change, batch);
}

void factors_remove(struct domain *domain, const struct factors_order *order, int64_t now_ms,
                    factors_done_fn *done, void *arg)
{
    struct factors_change *change = factors_change_create(domain, order, now_ms, done, arg);
    struct store_batch *batch = store_batch_create();

    change->entry.event = ACCOUNT_LOG_REMOVED;
    factors_sql_ask_kind(batch, order->account, &order->factor_id);
    store_read(domain->store, &batch, on_kind, change);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One step of a purge: run a batch whose first statement yields a row for each row it took. */
#pragma once

#include <stdint.h>

#include "server/domain/domain.h"

struct store_batch;
struct store_rows;

/* See the rows that were deleted, once they are; may be NULL. */
typedef void purge_rows_fn(struct domain *domain, struct store_rows *rows, int64_t now_ms);

struct purge_order {
    const char *event; /* names it in the log when it fails */
    purge_rows_fn *gone;
    domain_purged_fn *done;
    void *arg;
};

/* Submit *batch (stolen) and tell order->done how many rows went.  order is copied. */
void purge_run(struct domain *domain, struct store_batch **batch, const struct purge_order *order,
               int64_t now_ms);

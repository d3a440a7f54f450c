/* SPDX-License-Identifier: Apache-2.0 */
/* One page of a chain and its head, from one snapshot. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "common/limits.h"
#include "common/mem.h"
#include "server/domain/accounts_sql.h"
#include "server/domain/domain.h"
#include "server/domain/manifests.h"
#include "server/domain/manifests_sql.h"
#include "server/store/store.h"

struct listing {
    manifests_listed_fn *done;
    void *arg;
    int64_t since;
};

static void page_fill(struct manifests_page *page, int64_t since, struct store_rows *rows)
{
    uint64_t last = (uint64_t)since; /* -1 is one below 0, also here */

    store_rows_select(rows, 1);
    while (page->count < LIMIT_MANIFESTS_PAGE && store_rows_next(rows)) {
        last = (uint64_t)store_rows_int(rows, 0);
        page->manifests[page->count] = store_rows_bytes(rows, 1);
        page->count++;
    }
    page->more = page->count > 0 && last < page->epoch;
}

static void on_listed(void *arg, enum store_status status, struct store_rows *rows)
{
    struct listing *listing = arg;
    struct manifests_page page = { 0 };
    struct accounts_row row;

    if (status == STORE_OK && accounts_sql_row(rows, &row)) {
        page.epoch = row.epoch;
        page.hash = row.hash;
        page_fill(&page, listing->since, rows);
        listing->done(listing->arg, true, &page);
    } else {
        listing->done(listing->arg, status == STORE_OK, NULL);
    }
    free(listing);
}

void manifests_list(struct domain *domain, const struct account_id *account_id, int64_t since,
                    manifests_listed_fn *done, void *arg)
{
    struct listing *listing = mem_zeroed(1, sizeof *listing);
    struct store_batch *batch = store_batch_create();

    listing->done = done;
    listing->arg = arg;
    listing->since = since;
    accounts_sql_ask(batch, account_id);
    manifests_sql_ask_page(batch, account_id, since, LIMIT_MANIFESTS_PAGE);
    store_read(domain->store, &batch, on_listed, listing);
}

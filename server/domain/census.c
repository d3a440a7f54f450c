/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/census.h"

#include <stdlib.h>

#include "common/mem.h"
#include "server/domain/census_sql.h"
#include "server/domain/domain.h"
#include "server/store/store.h"

struct counting {
    census_counted_fn *done;
    void *arg;
};

struct queueing {
    census_queues_fn *done;
    void *arg;
    size_t count;
    struct census_queue queues[CENSUS_QUEUES_MAX];
};

static void on_counted(void *arg, enum store_status status, struct store_rows *rows)
{
    struct counting *counting = arg;
    struct census census = { 0 };

    if (status == STORE_OK) {
        census_sql_counted(rows, &census);
    }
    counting->done(counting->arg, status == STORE_OK ? &census : NULL);
    free(counting);
}

void census_count(struct domain *domain, census_counted_fn *done, void *arg)
{
    struct counting *counting = mem_zeroed(1, sizeof *counting);
    struct store_batch *batch = census_sql_count();

    counting->done = done;
    counting->arg = arg;
    store_read(domain->store, &batch, on_counted, counting);
}

static void on_queues(void *arg, enum store_status status, struct store_rows *rows)
{
    struct queueing *queueing = arg;

    while (status == STORE_OK && queueing->count < CENSUS_QUEUES_MAX &&
           census_sql_queue(rows, &queueing->queues[queueing->count])) {
        queueing->count++;
    }
    queueing->done(queueing->arg, status == STORE_OK ? queueing->queues : NULL, queueing->count);
    free(queueing);
}

void census_queues(struct domain *domain, const struct account_id *account_id,
                   census_queues_fn *done, void *arg)
{
    struct queueing *queueing = mem_zeroed(1, sizeof *queueing);
    struct store_batch *batch = census_sql_queues(account_id);

    queueing->done = done;
    queueing->arg = arg;
    store_read(domain->store, &batch, on_queues, queueing);
}

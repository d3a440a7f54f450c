/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's list of accounts, and the erasure of those that were left alone for long. */
#include <stdint.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/mem.h"
#include "server/domain/accounts.h"
#include "server/domain/accounts_sql.h"
#include "server/domain/domain.h"
#include "server/store/store.h"

enum {
    IDLE_STEP = 4 /* accounts erased in one step: each may delete many rows */
};

struct listing {
    accounts_listed_fn *done;
    void *arg;
    size_t limit;
};

static void on_listed(void *arg, enum store_status status, struct store_rows *rows)
{
    struct listing *listing = arg;
    struct accounts_entry *entries = mem_zeroed(listing->limit, sizeof *entries);
    size_t count = 0;

    while (status == STORE_OK && count < listing->limit &&
           accounts_sql_next(rows, &entries[count])) {
        count++;
    }
    listing->done(listing->arg, status == STORE_OK ? entries : NULL, count);
    free(entries);
    free(listing);
}

void accounts_list(struct domain *domain, int64_t after, int64_t limit, accounts_listed_fn *done,
                   void *arg)
{
    struct listing *listing = mem_zeroed(1, sizeof *listing);
    struct store_batch *batch = accounts_sql_list(after, limit);

    CHECK(limit >= 1 && limit <= ACCOUNTS_LIST_MAX);
    listing->done = done;
    listing->arg = arg;
    listing->limit = (size_t)limit;
    store_read(domain->store, &batch, on_listed, listing);
}

struct idle {
    struct domain *domain;
    int64_t now_ms;
    int64_t before_day;
    struct account_id accounts[IDLE_STEP];
    size_t count;
    size_t next;
    size_t erased;
    domain_purged_fn *done;
    void *arg;
};

static void idle_step(struct idle *idle);

static void on_erased(void *arg, const struct accounts_outcome *outcome)
{
    struct idle *idle = arg;

    if (outcome->result == ACCOUNTS_DONE) {
        idle->erased++;
    }
    idle_step(idle);
}

static void idle_step(struct idle *idle)
{
    struct accounts_erasure erasure = { .seen_before_day = idle->before_day };

    if (idle->next == idle->count) {
        if (idle->erased > 0) {
            log_info("accounts.idle", "erased=%zu", idle->erased);
        }
        idle->done(idle->arg, idle->erased);
        free(idle);
        return;
    }
    erasure.account_id = idle->accounts[idle->next];
    idle->next++;
    accounts_erase(idle->domain, &erasure, idle->now_ms, on_erased, idle);
}

static void on_idle(void *arg, enum store_status status, struct store_rows *rows)
{
    struct idle *idle = arg;

    while (status == STORE_OK && idle->count < IDLE_STEP &&
           accounts_sql_next_idle(rows, &idle->accounts[idle->count])) {
        idle->count++;
    }
    idle_step(idle);
}

void accounts_erase_idle(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    struct idle *idle = mem_zeroed(1, sizeof *idle);
    int64_t days = domain->settings.idle_account_days;
    struct store_batch *batch = NULL;

    idle->domain = domain;
    idle->now_ms = now_ms;
    idle->before_day = now_ms / DOMAIN_DAY_MS - days;
    idle->done = done;
    idle->arg = arg;
    /* With the setting off, no day is early enough. */
    batch = accounts_sql_idle(days == 0 ? INT64_MIN : idle->before_day, IDLE_STEP);
    store_read(domain->store, &batch, on_idle, idle);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/txns_wait.h"

#include <stdlib.h>

#include "common/limits.h"
#include "common/mem.h"
#include "server/domain/domain.h"
#include "server/domain/txns_sql.h"
#include "server/store/store.h"

struct waiting {
    const struct factor_rules *rules; /* of challenges */
    int64_t now_s;
    txns_wait_fn *done;
    void *arg;
};

static void finish(struct waiting *waiting, int64_t retry_s)
{
    waiting->done(waiting->arg, retry_s);
    free(waiting);
}

static struct waiting *waiting_create(int64_t now_ms, txns_wait_fn *done, void *arg)
{
    struct waiting *waiting = mem_zeroed(1, sizeof *waiting);

    waiting->now_s = now_ms / 1000;
    waiting->done = done;
    waiting->arg = arg;
    return waiting;
}

/* The sooner of two spans may be full; the later end counts. */
static void on_guesses(void *arg, enum store_status status, struct store_rows *rows)
{
    struct waiting *waiting = arg;
    int64_t free_at = waiting->now_s + 1;
    int64_t at = 0;

    if (status != STORE_OK) {
        finish(waiting, TXNS_WAIT_UNKNOWN);
        return;
    }
    for (int i = 1; txns_sql_next_time(rows, &at); i++) {
        int64_t span_s = i == LIMIT_GUESSES_DAY     ? LIMIT_GUESS_DAY_S
                         : i == LIMIT_GUESSES_MONTH ? LIMIT_GUESS_MONTH_S
                                                    : 0;
        free_at = span_s > 0 && at + span_s > free_at ? at + span_s : free_at;
    }
    finish(waiting, free_at - waiting->now_s);
}

void txns_wait_guesses(struct domain *domain, int64_t subject, int64_t now_ms, txns_wait_fn *done,
                       void *arg)
{
    struct store_batch *batch = txns_sql_ask_guesses(subject);

    store_read(domain->store, &batch, on_guesses, waiting_create(now_ms, done, arg));
}

/* The oldest of those that count makes room when its span is over. */
static void on_challenges(void *arg, enum store_status status, struct store_rows *rows)
{
    struct waiting *waiting = arg;
    int64_t at = waiting->now_s;
    int64_t oldest = waiting->now_s;
    int64_t counted = 0;

    if (status != STORE_OK) {
        finish(waiting, TXNS_WAIT_UNKNOWN);
        return;
    }
    while (counted < waiting->rules->started && txns_sql_next_time(rows, &at)) {
        oldest = at;
        counted++;
    }
    finish(waiting, oldest + waiting->rules->span_s - waiting->now_s);
}

void txns_wait_challenges(struct domain *domain, int64_t subject, enum factor_kind kind,
                          int64_t now_ms, txns_wait_fn *done, void *arg)
{
    struct waiting *waiting = waiting_create(now_ms, done, arg);
    struct store_batch *batch = NULL;

    waiting->rules = factor_rules_of(kind);
    batch = txns_sql_ask_challenges(subject, kind, waiting->now_s - waiting->rules->span_s);
    store_read(domain->store, &batch, on_challenges, waiting);
}

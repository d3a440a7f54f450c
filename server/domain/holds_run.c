/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doing what is due, one order after the other, each by the steps of a direct
 * call.  What the store could not do now stays and is tried at the next turn; what
 * cannot be done any more (a key of it was taken meanwhile) is dropped, and told.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/domain/accounts.h"
#include "server/domain/awake.h"
#include "server/domain/domain.h"
#include "server/domain/holds.h"
#include "server/domain/holds_sql.h"
#include "server/domain/holds_veto.h"
#include "server/domain/manifests.h"
#include "server/store/store.h"

struct run {
    struct domain *domain;
    int64_t now_ms;
    size_t count, next, done_count;
    const char *why; /* the last was dropped */
    struct hold holds[HOLDS_DUE_AT_ONCE];
    struct buf manifests[HOLDS_DUE_AT_ONCE]; /* their signed bytes */
    domain_purged_fn *done;
    void *arg;
};

static void run_step(struct run *run);

static void on_dropped(void *arg, const struct holds_outcome *outcome)
{
    if (outcome->result == HOLDS_VETOED) { /* it was there still, and has gone */
        log_warn("holds.dropped", "why=%s", ((struct run *)arg)->why);
    }
    run_step(arg);
}

static void drop(struct run *run, const char *why)
{
    run->why = why;
    holds_drop(run->domain, &run->holds[run->next - 1], on_dropped, run);
}

static void on_done(struct run *run)
{
    metrics_add(METRIC_holds_done, 1);
    run->done_count++;
    run_step(run);
}

static void on_put(void *arg, const struct manifests_outcome *outcome)
{
    struct run *run = arg;

    switch (outcome->result) {
    case MANIFESTS_STORED:
        on_done(run);
        return;
    case MANIFESTS_PRESENT: /* another daemon was faster, or a veto, or the recovery key, */
    case MANIFESTS_OVERTAKEN:
    case MANIFESTS_NOT_HELD:
    case MANIFESTS_ACCOUNT_UNKNOWN:
    case MANIFESTS_UNAVAILABLE: /* or it is for the next turn */
    case MANIFESTS_STORAGE_FULL:
        run_step(run);
        return;
    case MANIFESTS_INVALID:
    case MANIFESTS_ACCOUNT_DIFFERS:
    case MANIFESTS_EPOCH_DIFFERS:
    case MANIFESTS_CONFLICT:
    case MANIFESTS_HELD:
    case MANIFESTS_BLOCKED:
        drop(run, "no_successor");
        return;
    case MANIFESTS_KEY_USED:
        drop(run, "device_key_used");
        return;
    }
}

static void on_erased(void *arg, const struct accounts_outcome *outcome)
{
    if (outcome->result == ACCOUNTS_DONE) {
        on_done(arg);
    } else { /* it was vetoed or overtaken, or it is for the next turn */
        run_step(arg);
    }
}

static void on_renewed(void *arg, const struct holds_outcome *outcome)
{
    (void)outcome; /* what is as it was is tried again */
    run_step(arg);
}

static void finish(struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        buf_clear(&run->manifests[i]);
    }
    run->done(run->arg, run->done_count);
    free(run);
}

static void run_step(struct run *run)
{
    const struct hold *hold = &run->holds[run->next];

    if (run->next == run->count) {
        finish(run);
        return;
    }
    run->next++;
    if (hold->generation < run->domain->generation) { /* maybe it had been vetoed */
        holds_renew(run->domain, hold, run->now_ms, on_renewed, run);
    } else if (hold->kind == HOLD_MANIFEST) {
        manifests_put_held(run->domain, hold, run->now_ms, on_put, run);
    } else {
        accounts_erase(run->domain,
                       &(struct accounts_erasure){ .account_id = hold->account_id, .hold = hold },
                       run->now_ms, on_erased, run);
    }
}

static void on_due(void *arg, enum store_status status, struct store_rows *rows)
{
    struct run *run = arg;

    while (status == STORE_OK && run->count < HOLDS_DUE_AT_ONCE &&
           holds_sql_next_whole(rows, &run->holds[run->count])) {
        buf_append(&run->manifests[run->count], run->holds[run->count].signed_bytes);
        run->holds[run->count].signed_bytes = buf_view(&run->manifests[run->count]);
        run->count++;
    }
    run_step(run);
}

void holds_run(struct domain *domain, int64_t now_ms, int64_t awake_ms, domain_purged_fn *done,
               void *arg)
{
    int64_t hold_s = domain->settings.hold_s;
    int64_t grace_s = hold_s < AWAKE_GRACE_MAX_S ? hold_s : AWAKE_GRACE_MAX_S;
    struct store_batch *batch = NULL;
    struct run *run = NULL;

    if (now_ms < awake_ms + grace_s * 1000) {
        done(arg, 0);
        return;
    }
    run = mem_zeroed(1, sizeof *run);
    run->domain = domain;
    run->now_ms = now_ms;
    run->done = done;
    run->arg = arg;
    batch = holds_sql_ask_due(now_ms / 1000);
    store_read(domain->store, &batch, on_due, run);
}

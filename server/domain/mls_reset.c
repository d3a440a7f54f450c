/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay takes a commit that it cannot read.  When members find that it is
 * none, they are an epoch behind the relay, and it would take no other: so one of
 * those to whom it went, or who sent it, may put the epoch.  A reset that names
 * the commit it undoes comes too late when another has been taken since.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/metrics.h"
#include "server/domain/commands.h"
#include "server/domain/domain.h"
#include "server/domain/mls_groups.h"
#include "server/domain/mls_groups_sql.h"
#include "server/domain/purge.h"
#include "server/store/store.h"

enum {
    GUARD_SEQ = 0, /* the first statement of the write; the other is the reset */

    /* The statements of the read after a refusal. */
    READ_ROW = 0,
    READ_MEMBER,
};

struct reset {
    struct domain *domain;
    int64_t mailbox;
    struct mls_hash group;
    uint8_t member[MLS_MEMBER_BYTES];
    int64_t epoch;
    mls_done_fn *done;
    void *arg;
};

/* Tell the outcome; it is the last to use reset. */
static void finish(struct reset *reset, const struct mls_outcome *outcome)
{
    reset->done(reset->arg, outcome);
    free(reset);
}

static void finish_with(struct reset *reset, enum mls_result result)
{
    finish(reset, &(struct mls_outcome){ .result = result });
}

static void on_last(void *arg, bool ok, int64_t last_seq)
{
    struct reset *reset = arg;

    if (!ok || last_seq < 0) { /* the device is gone, and its session with it */
        finish_with(reset, MLS_UNAVAILABLE);
        return;
    }
    finish(reset, &(struct mls_outcome){ .result = MLS_REPLAYED, .last_seq = last_seq });
}

/* Who is no member hears nothing of the group, not even that there is one. */
static void on_asked(void *arg, enum store_status status, struct store_rows *rows)
{
    struct reset *reset = arg;
    struct mls_groups_row row;

    if (status != STORE_OK) {
        finish_with(reset, MLS_UNAVAILABLE);
        return;
    }
    if (!mls_groups_sql_row(rows, &row)) {
        finish_with(reset, MLS_UNKNOWN);
        return;
    }
    store_rows_select(rows, READ_MEMBER);
    if (!store_rows_next(rows)) {
        finish_with(reset, MLS_UNKNOWN);
        return;
    }
    finish(reset, &(struct mls_outcome){ .result = MLS_CONFLICT, .epoch = row.epoch });
}

static void ask(struct reset *reset)
{
    struct store_batch *batch = store_batch_create();

    mls_groups_sql_ask(batch, &reset->group);
    mls_groups_sql_ask_member(batch, &reset->group, reset->member);
    store_read(reset->domain->store, &batch, on_asked, reset);
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct reset *reset = arg;

    switch (status) {
    case STORE_OK:
        metrics_add(METRIC_mls_resets, 1);
        finish(reset, &(struct mls_outcome){ .result = MLS_SENT, .epoch = reset->epoch });
        return;
    case STORE_REFUSED:
        if (store_rows_refused_at(rows) == GUARD_SEQ) {
            commands_last(reset->domain, reset->mailbox, on_last, reset);
        } else {
            ask(reset);
        }
        return;
    case STORE_FULL:
        finish_with(reset, MLS_STORAGE_FULL);
        return;
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_UNCERTAIN:
    case STORE_BROKEN:
        finish_with(reset, MLS_UNAVAILABLE);
        return;
    }
}

void mls_groups_reset(struct domain *domain, const struct mls_reset *order, int64_t now_ms,
                      mls_done_fn *done, void *arg)
{
    struct reset *reset = mem_zeroed(1, sizeof *reset);
    struct store_batch *batch = store_batch_create();
    struct mls_hash commit;

    reset->domain = domain;
    reset->mailbox = order->guard->mailbox;
    reset->epoch = order->epoch;
    reset->done = done;
    reset->arg = arg;
    mls_groups_hash(domain, order->group_id, &reset->group);
    mls_groups_member(domain, &reset->group, &order->device_pub, reset->member);
    if (order->commit != NULL) {
        mls_groups_commit_hash(domain, order->commit, &commit);
    }
    commands_spend(batch, order->guard);
    mls_groups_sql_reset(batch,
                         &(struct mls_groups_step){
                             .group = &reset->group,
                             .commit = order->commit == NULL ? NULL : &commit,
                             .epoch = order->epoch,
                             .today = now_ms / DOMAIN_DAY_MS,
                         },
                         reset->member);
    store_submit(domain->store, &batch, on_written, reset);
}

void mls_groups_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    const struct purge_order order = { .event = "mls_groups.purge", .done = done, .arg = arg };
    int64_t before_day = now_ms / DOMAIN_DAY_MS - domain->settings.mls_group_days;
    struct store_batch *batch = mls_groups_sql_purge(before_day, DOMAIN_PURGE_ROWS);

    purge_run(domain, &batch, &order, now_ms);
}

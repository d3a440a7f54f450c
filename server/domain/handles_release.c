/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving a name up.  Its row stays: the seq of its last binding, so that no two
 * bindings of a name have one seq, and for a while the keyed hash of whose it was.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/crypto.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/domain/accounts_sql.h"
#include "server/domain/commands.h"
#include "server/domain/domain.h"
#include "server/domain/grants.h"
#include "server/domain/handles.h"
#include "server/domain/handles_sql.h"
#include "server/domain/purge.h"
#include "server/store/store.h"

/* What an expected statement of the write says when it yields nothing. */
enum guard {
    GUARD_SEQ = 0,
    GUARD_ADMIN,
    GUARD_STEPUP,
    GUARD_NAME,
    GUARD_COUNT
};

struct release {
    struct domain *domain;
    int64_t mailbox;
    handles_done_fn *done;
    void *arg;
};

/* Days are whole: a name is kept for at least as long as was set. */
int64_t handles_free_day(const struct domain *domain, int64_t now_ms)
{
    int64_t kept_days = domain->settings.handle_kept_days;

    return now_ms / DOMAIN_DAY_MS + (kept_days == 0 ? 0 : kept_days + 1);
}

static void finish(struct release *release, const struct handles_outcome *outcome)
{
    release->done(release->arg, outcome);
    free(release);
}

static void finish_with(struct release *release, enum handles_result result)
{
    finish(release, &(struct handles_outcome){ .result = result });
}

static void on_last(void *arg, bool ok, int64_t last_seq)
{
    struct release *release = arg;

    if (!ok || last_seq < 0) { /* the device is gone, and its session with it */
        finish_with(release, HANDLES_UNAVAILABLE);
        return;
    }
    finish(release, &(struct handles_outcome){ .result = HANDLES_REPLAYED, .last_seq = last_seq });
}

static void refuse(struct release *release, size_t refused_at)
{
    CHECK(refused_at < GUARD_COUNT);
    switch ((enum guard)refused_at) {
    case GUARD_SEQ:
        commands_last(release->domain, release->mailbox, on_last, release);
        return;
    case GUARD_ADMIN:
        finish_with(release, HANDLES_NOT_ADMIN);
        return;
    case GUARD_STEPUP:
        finish_with(release, HANDLES_STEPUP);
        return;
    case GUARD_NAME:
        finish_with(release, HANDLES_UNKNOWN);
        return;
    case GUARD_COUNT:
        break;
    }
    CHECK_UNREACHABLE();
}

static void on_released(void *arg, enum store_status status, struct store_rows *rows)
{
    struct release *release = arg;

    switch (status) {
    case STORE_OK:
        metrics_add(METRIC_handles_released, 1);
        finish_with(release, HANDLES_DONE);
        return;
    case STORE_REFUSED:
        refuse(release, store_rows_refused_at(rows));
        return;
    case STORE_FULL:
        finish_with(release, HANDLES_STORAGE_FULL);
        return;
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_UNCERTAIN:
    case STORE_BROKEN:
        finish_with(release, HANDLES_UNAVAILABLE);
        return;
    }
}

void handles_release(struct domain *domain, const struct handles_release *order, int64_t now_ms,
                     handles_done_fn *done, void *arg)
{
    struct release *release = mem_zeroed(1, sizeof *release);
    struct store_batch *batch = store_batch_create();
    uint8_t owner[CRYPTO_SHA256_BYTES];
    struct handle_key key;

    release->domain = domain;
    release->mailbox = order->guard->mailbox;
    release->done = done;
    release->arg = arg;
    handles_key(domain, &order->handle, &key);
    handles_owner(domain, &key, &order->account_id, owner);
    commands_spend(batch, order->guard);
    accounts_sql_expect_admin(batch, order->account, order->guard->mailbox);
    grants_expect_stepup(batch, order->account, order->grant, now_ms);
    handles_sql_release(batch, &key, order->account, owner, handles_free_day(domain, now_ms));
    store_submit(domain->store, &batch, on_released, release);
}

void handles_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    const struct purge_order order = { .event = "handles.purge", .done = done, .arg = arg };
    struct store_batch *batch = handles_sql_purge(now_ms / DOMAIN_DAY_MS, DOMAIN_PURGE_ROWS);

    purge_run(domain, &batch, &order, now_ms);
}

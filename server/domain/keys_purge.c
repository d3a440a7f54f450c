/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Letting go of what is over, a while later: a claim on another daemon that saw
 * the key alive would wait for the purge, find nothing, and answer that the pool
 * is empty.  The owner of a pool in which few are left by it hears so, as after a
 * claim: the pools are looked at behind the purge, in a batch of its own, for on
 * PostgreSQL a purge must not wait for a device's lock.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/key_slots.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/domain/domain.h"
#include "server/domain/keys.h"
#include "server/domain/keys_claim_sql.h"
#include "server/domain/keys_sql.h"
#include "server/domain/keys_tell.h"
#include "server/domain/purge.h"
#include "server/domain/sharing.h"
#include "server/domain/slots.h"
#include "server/store/store.h"

/* A pool of keys for single use of which some have expired. */
struct shrunk {
    int64_t mailbox;
    const struct slot *slot;
};

struct noting {
    struct domain *domain;
    size_t count;
    struct shrunk pools[DOMAIN_PURGE_ROWS];
};

static void on_noted(void *arg, enum store_status status, struct store_rows *rows)
{
    struct noting *noting = arg;
    struct keys_low_row low;

    if (status != STORE_OK) { /* the next claim says it */
        log_warn("keys.note_low", "status=%d", (int)status);
    }
    for (size_t i = 0; status == STORE_OK && i < noting->count; i++) {
        store_rows_select(rows, i);
        if (keys_claim_sql_low(rows, &low)) {
            keys_tell_low(noting->domain, &low.pub, noting->pools[i].slot, low.count);
        }
    }
    free(noting);
}

static void note_low(struct noting *noting, int64_t now_s)
{
    struct store_batch *batch = store_batch_create();

    for (size_t i = 0; i < noting->count; i++) {
        const struct shrunk *shrunk = &noting->pools[i];
        const struct keys_pool_name pool = { shrunk->mailbox, shrunk->slot->name };

        sharing_lock(batch, pool.mailbox);
        keys_claim_sql_note_low(batch, &pool, now_s);
    }
    store_submit(noting->domain->store, &batch, on_noted, noting);
}

static bool is_listed(const struct noting *noting, const struct shrunk *pool)
{
    for (size_t i = 0; i < noting->count; i++) {
        if (noting->pools[i].mailbox == pool->mailbox && noting->pools[i].slot == pool->slot) {
            return true;
        }
    }
    return false;
}

static void on_expired(struct domain *domain, struct store_rows *rows, int64_t now_ms)
{
    struct noting *noting = mem_zeroed(1, sizeof *noting);
    struct keys_expired_row row;

    noting->domain = domain;
    while (noting->count < DOMAIN_PURGE_ROWS && keys_sql_expired(rows, &row)) {
        const struct shrunk pool = { row.mailbox, slots_find(domain->slots, row.slot) };

        metrics_add(METRIC_keys_expired, 1);
        if (pool.slot != NULL && pool.slot->use == KEY_SLOTS_SINGLE && !is_listed(noting, &pool)) {
            noting->pools[noting->count] = pool;
            noting->count++;
        }
    }
    if (noting->count > 0) {
        note_low(noting, now_ms / 1000);
    } else {
        free(noting);
    }
}

void keys_purge_expired(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    const struct purge_order order = {
        .event = "keys.purge", .gone = on_expired, .done = done, .arg = arg
    };
    struct store_batch *batch =
        keys_sql_purge_expired(now_ms / 1000 - LIMIT_KEYS_OVER_S, DOMAIN_PURGE_ROWS);

    purge_run(domain, &batch, &order, now_ms);
}

void keys_purge_spent(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    const struct purge_order order = { .event = "spent_keys.purge", .done = done, .arg = arg };
    struct store_batch *batch =
        keys_sql_purge_spent(now_ms / DOMAIN_DAY_MS - LIMIT_SPENT_KEYS_DAYS, DOMAIN_PURGE_ROWS);

    purge_run(domain, &batch, &order, now_ms);
}

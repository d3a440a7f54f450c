/* SPDX-License-Identifier: Apache-2.0 */
/*
 * well <-> full, well -> broken, full -> broken.  Nothing leads out of broken:
 * see sqlite_group.c.  Read on any thread; changed by who has the writer's turn.
 */
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "common/check.h"
#include "common/log.h"
#include "server/store/sqlite_health_private.h"
#include "server/store/sqlite_private.h"
#include "server/store/store_private.h"

enum sqlite_health sqlite_health(const struct sqlite_store *store)
{
    return (enum sqlite_health)atomic_load(&store->health);
}

bool sqlite_health_is_ready(const struct store *base, const char **out_why)
{
    const struct sqlite_store *store = (const struct sqlite_store *)base;

    switch (sqlite_health(store)) {
    case HEALTH_WELL:
        return true;
    case HEALTH_FULL:
        *out_why = "the disk of the database is full: free some space";
        return false;
    case HEALTH_BROKEN:
        *out_why = "the disk failed a write or the database is damaged: see the log, then restart";
        return false;
    }
    CHECK_UNREACHABLE();
}

void sqlite_health_fill(struct sqlite_store *store)
{
    if (sqlite_health(store) != HEALTH_WELL) {
        return;
    }
    atomic_store(&store->health, HEALTH_FULL);
    sqlite_ballast_give_up(store);
    log_warn("store.full", "path=\"%s\" refused=inserts", store->path);
    CHECK(pthread_mutex_lock(&store->lock) == 0);
    store->is_checkpoint_due = true;
    CHECK(pthread_cond_signal(&store->checkpoint_wake) == 0);
    CHECK(pthread_mutex_unlock(&store->lock) == 0);
}

void sqlite_health_heal(struct sqlite_store *store)
{
    if (sqlite_health(store) == HEALTH_FULL) {
        atomic_store(&store->health, HEALTH_WELL);
        log_info("store.space", "path=\"%s\"", store->path);
    }
}

void sqlite_health_break(struct sqlite_store *store, const char *where, int result)
{
    if (sqlite_health(store) != HEALTH_BROKEN) {
        atomic_store(&store->health, HEALTH_BROKEN);
        log_error("store.broken", "path=\"%s\" at=%s result=%d why=\"%s\"", store->path, where,
                  result, sqlite3_errstr(result));
    }
}

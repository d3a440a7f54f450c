/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checkpoint thread moves the log's pages into the database file, so that
 * the writer never waits for that disk.  Beside a busy writer a passive
 * checkpoint never reaches the end of the log, and a log that never ends never
 * starts again: so the writer is then held for the short rest.
 *
 * Every truncate_ms in which something was written it gives free pages back to
 * the disk, a few at a time, and empties the log, so that deleted bytes are
 * gone from there too.  While the disk is full it does both every second and
 * then looks whether the ballast can be built again.
 */
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/check.h"
#include "common/clock.h"
#include "server/store/sqlite_conn_private.h"
#include "server/store/sqlite_health_private.h"
#include "server/store/sqlite_private.h"

enum {
    CHECKPOINT_READERS_MS = 50,    /* how long the held writer waits for old snapshots */
    CHECKPOINT_KEPT_PAGES = 2048,  /* free pages that are kept for the next inserts, */
    CHECKPOINT_KEPT_SHARE = 4,     /* or this part of the file if that is more */
    CHECKPOINT_VACUUM_STEPS = 256, /* of 64 pages: at most 64 MiB a round */
    CHECKPOINT_VACUUM_ROUND = 8,   /* steps between two checkpoints */
    CHECKPOINT_PASSES = 2
};

static enum sqlite_fault checkpoint_run_mode(struct sqlite_conn *conn, int mode, int *out_pages)
{
    int done = 0;

    return sqlite_conn_fault(conn,
                             sqlite3_wal_checkpoint_v2(conn->db, NULL, mode, out_pages, &done));
}

enum sqlite_fault sqlite_checkpoint_restart(struct sqlite_conn *conn)
{
    int pages = 0;

    return checkpoint_run_mode(conn, SQLITE_CHECKPOINT_RESTART, &pages);
}

enum sqlite_fault sqlite_checkpoint_truncate(struct sqlite_conn *conn)
{
    int pages = 0;

    return checkpoint_run_mode(conn, SQLITE_CHECKPOINT_TRUNCATE, &pages);
}

enum sqlite_fault sqlite_checkpoint_fill(struct sqlite_store *store, struct sqlite_conn *conn)
{
    sqlite_health_fill(store);
    return sqlite_checkpoint_restart(conn);
}

/* With the writer held.  Busy means an old snapshot or another program: next time. */
static void checkpoint_judge(struct sqlite_store *store, enum sqlite_fault fault)
{
    if (fault == FAULT_FULL && sqlite_health(store) == HEALTH_WELL) {
        fault = sqlite_checkpoint_fill(store, &store->checkpointer);
    }
    if (fault == FAULT_DISK) {
        sqlite_health_break(store, "checkpoint", store->checkpointer.result);
    }
}

static void checkpoint_shorten(struct sqlite_store *store)
{
    struct sqlite_conn *conn = &store->checkpointer;
    enum sqlite_fault fault = FAULT_NONE;
    int pages = 0;

    for (int i = 0; i < CHECKPOINT_PASSES && fault == FAULT_NONE; i++) {
        fault = checkpoint_run_mode(conn, SQLITE_CHECKPOINT_PASSIVE, &pages);
    }
    sqlite_writer_pause(store);
    if (fault == FAULT_NONE) {
        fault = checkpoint_run_mode(conn, SQLITE_CHECKPOINT_RESTART, &pages);
    }
    checkpoint_judge(store, fault);
    CHECK(pthread_mutex_lock(&store->lock) == 0);
    store->wal_mark = store->wal_step + (fault == FAULT_NONE ? 0 : pages);
    CHECK(pthread_mutex_unlock(&store->lock) == 0);
    sqlite_writer_resume(store);
}

static bool checkpoint_has_spare(struct sqlite_store *store, int64_t kept_pages)
{
    return sqlite_conn_number(&store->checkpointer, "PRAGMA freelist_count") > kept_pages;
}

/* One small step; false when there is no more to give back. */
static bool checkpoint_vacuum_step(struct sqlite_store *store, int64_t kept_pages)
{
    if (!checkpoint_has_spare(store, kept_pages)) {
        return false;
    }
    enum sqlite_fault fault =
        sqlite_conn_exec(&store->checkpointer, "PRAGMA incremental_vacuum(64)");
    checkpoint_judge(store, fault);
    return fault == FAULT_NONE;
}

static int64_t checkpoint_kept_pages(struct sqlite_store *store)
{
    int64_t share =
        sqlite_conn_number(&store->checkpointer, "PRAGMA page_count") / CHECKPOINT_KEPT_SHARE;

    return share > CHECKPOINT_KEPT_PAGES ? share : CHECKPOINT_KEPT_PAGES;
}

/* Give free pages back to the disk; moving pages lengthens the log, so it is moved away too. */
static void checkpoint_vacuum(struct sqlite_store *store)
{
    int64_t kept_pages = checkpoint_kept_pages(store);
    bool is_more = true;

    for (int i = 0; i < CHECKPOINT_VACUUM_STEPS && is_more; i++) {
        sqlite_writer_pause(store);
        is_more = checkpoint_vacuum_step(store, kept_pages);
        sqlite_writer_resume(store);
        if (is_more && i % CHECKPOINT_VACUUM_ROUND == 0) {
            checkpoint_shorten(store);
        }
    }
}

static void checkpoint_tidy(struct sqlite_store *store)
{
    int pages = 0;

    checkpoint_vacuum(store);
    (void)checkpoint_run_mode(&store->checkpointer, SQLITE_CHECKPOINT_PASSIVE, &pages);
    sqlite_writer_pause(store);
    if (sqlite_health(store) == HEALTH_WELL) {
        enum sqlite_fault fault = sqlite_checkpoint_truncate(&store->checkpointer);
        checkpoint_judge(store, fault);
        /* The writer is held: nobody else looks.  It may have freed pages since the vacuum. */
        store->is_wal_dirty =
            fault != FAULT_NONE || checkpoint_has_spare(store, checkpoint_kept_pages(store));
    }
    sqlite_writer_resume(store);
}

static int64_t checkpoint_log_bytes(const struct sqlite_store *store)
{
    char *path = sqlite_place_beside(store->path, "-wal");
    struct stat file;
    int64_t bytes = stat(path, &file) == 0 ? (int64_t)file.st_blocks * 512 : 0;

    free(path);
    return bytes;
}

/*
 * The disk is full: make room, and look whether there is some.  The log keeps
 * its blocks, which deletes need, until the ballast can take their place.  That
 * is tried by the clock alone, so that a disk at its brim does not flutter.
 */
static void checkpoint_recover(struct sqlite_store *store, bool is_time)
{
    struct sqlite_conn *conn = &store->checkpointer;
    bool is_more = true;

    sqlite_writer_pause(store);
    enum sqlite_fault fault = sqlite_checkpoint_restart(conn);
    checkpoint_judge(store, fault);
    for (int i = 0; i < CHECKPOINT_VACUUM_STEPS && is_more && fault == FAULT_NONE; i++) {
        is_more = checkpoint_vacuum_step(store, 0);
        fault = sqlite_checkpoint_restart(conn);
        checkpoint_judge(store, fault);
    }
    if (is_time && sqlite_health(store) == HEALTH_FULL && fault == FAULT_NONE &&
        sqlite_ballast_fits(store, checkpoint_log_bytes(store)) &&
        sqlite_checkpoint_truncate(conn) == FAULT_NONE && sqlite_ballast_build(store)) {
        sqlite_health_heal(store);
    }
    sqlite_writer_resume(store);
}

/* With the lock: wait until something is due or the time has come. */
static void checkpoint_wait(struct sqlite_store *store, int64_t until_ms)
{
    struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };
    int result = 0;

    while (!store->is_stopping && !store->is_checkpoint_due && result == 0) {
        result = pthread_cond_timedwait(&store->checkpoint_wake, &store->lock, &until);
    }
    store->is_checkpoint_due = false;
}

static void checkpoint_act(struct sqlite_store *store, bool is_time, bool is_dirty)
{
    switch (sqlite_health(store)) {
    case HEALTH_WELL:
        if (!is_time) {
            checkpoint_shorten(store);
        } else if (is_dirty) {
            checkpoint_tidy(store);
        }
        return;
    case HEALTH_FULL:
        checkpoint_recover(store, is_time);
        return;
    case HEALTH_BROKEN:
        return;
    }
}

/* With the lock, which is let go meanwhile: one wait and what is then to be done. */
static void checkpoint_turn(struct sqlite_store *store, int64_t *at_ms)
{
    checkpoint_wait(store, *at_ms);
    if (store->is_stopping) {
        return;
    }
    bool is_time = clock_steady_ms() >= *at_ms;
    bool is_dirty = store->is_wal_dirty;
    CHECK(pthread_mutex_unlock(&store->lock) == 0);
    checkpoint_act(store, is_time, is_dirty);
    if (is_time) {
        *at_ms = clock_steady_ms() + store->truncate_ms;
    }
    CHECK(pthread_mutex_lock(&store->lock) == 0);
    store->is_wal_long = false; /* whatever came of it: the writer tries on */
    CHECK(pthread_cond_signal(&store->writer_wake) == 0);
}

static void *checkpoint_run(void *arg)
{
    struct sqlite_store *store = arg;
    int64_t at_ms = clock_steady_ms() + store->truncate_ms;

    CHECK(pthread_mutex_lock(&store->lock) == 0);
    while (!store->is_stopping) {
        int64_t retry_at_ms = clock_steady_ms() + SQLITE_FULL_RETRY_MS;
        if (sqlite_health(store) == HEALTH_FULL && at_ms > retry_at_ms) {
            at_ms = retry_at_ms;
        }
        checkpoint_turn(store, &at_ms);
    }
    CHECK(pthread_mutex_unlock(&store->lock) == 0);
    return NULL;
}

bool sqlite_checkpoint_start(struct sqlite_store *store)
{
    (void)sqlite3_busy_timeout(store->checkpointer.db, CHECKPOINT_READERS_MS);
    store->is_checkpoint_running =
        sqlite_thread_start(&store->checkpoint_thread, checkpoint_run, store);
    return store->is_checkpoint_running;
}

void sqlite_checkpoint_stop(struct sqlite_store *store)
{
    if (store->is_checkpoint_running) {
        CHECK(pthread_join(store->checkpoint_thread, NULL) == 0);
        store->is_checkpoint_running = false;
    }
    if (store->checkpointer.db != NULL && sqlite_health(store) != HEALTH_BROKEN) {
        checkpoint_judge(store, sqlite_checkpoint_truncate(&store->checkpointer));
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer thread.  It takes the lock once a group: to fetch what waits, to
 * tell the checkpointer how long the log is, and to let it pass when it wants
 * the file for itself.
 */
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/check.h"
#include "server/store/sqlite_conn_private.h"
#include "server/store/sqlite_private.h"
#include "server/store/store_private.h"

void sqlite_list_append(struct sqlite_list *list, struct store_batch *batch)
{
    batch->next = NULL;
    if (list->first == NULL) {
        list->first = batch;
    } else {
        *list->tail = batch;
    }
    list->tail = &batch->next;
}

struct store_batch *sqlite_list_take(struct sqlite_list *list)
{
    struct store_batch *first = list->first;

    list->first = NULL;
    list->tail = NULL;
    return first;
}

void sqlite_writer_submit(struct store *base, struct store_batch *batch)
{
    struct sqlite_store *store = (struct sqlite_store *)base;

    CHECK(pthread_mutex_lock(&store->lock) == 0);
    sqlite_list_append(&store->queue, batch);
    CHECK(pthread_mutex_unlock(&store->lock) == 0);
    CHECK(pthread_cond_signal(&store->writer_wake) == 0);
}

/* With the lock: let the checkpointer pass. */
static void writer_yield(struct sqlite_store *store)
{
    while (store->is_pause_wanted || (store->is_wal_long && !store->is_stopping)) {
        store->is_writer_paused = true;
        CHECK(pthread_cond_signal(&store->pause_wake) == 0);
        CHECK(pthread_cond_wait(&store->writer_wake, &store->lock) == 0);
    }
    store->is_writer_paused = false;
}

/* With the lock: tell how long the log became. */
static void writer_report(struct sqlite_store *store)
{
    if (store->wal_pages == 0) {
        return;
    }
    store->is_wal_dirty = true;
    store->is_wal_long = store->wal_pages >= store->wal_limit;
    if (store->is_wal_long || (store->wal_pages >= store->wal_mark && !store->is_checkpoint_due)) {
        store->is_checkpoint_due = true;
        CHECK(pthread_cond_signal(&store->checkpoint_wake) == 0);
    }
    store->wal_pages = 0;
}

/* Wait for work; NULL: stop.  backlog is what was fetched and did not fit the last group. */
static struct store_batch *writer_fetch(struct sqlite_store *store, struct store_batch *backlog)
{
    struct store_batch *first = backlog;

    CHECK(pthread_mutex_lock(&store->lock) == 0);
    writer_report(store);
    writer_yield(store);
    while (first == NULL && store->queue.first == NULL && !store->is_stopping) {
        CHECK(pthread_cond_wait(&store->writer_wake, &store->lock) == 0);
        writer_yield(store);
    }
    if (first == NULL) {
        first = sqlite_list_take(&store->queue);
    }
    CHECK(pthread_mutex_unlock(&store->lock) == 0);
    return first;
}

/* Cut the list behind the group's last batch and return the rest. */
static struct store_batch *writer_cut(struct store_batch *first, int64_t group_bytes)
{
    int64_t bytes = first->queue_bytes;
    struct store_batch *last = first;

    while (last->next != NULL && bytes + last->next->queue_bytes <= group_bytes) {
        last = last->next;
        bytes += last->queue_bytes;
    }
    struct store_batch *rest = last->next;
    last->next = NULL;
    return rest;
}

static int on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
    struct sqlite_store *store = arg;

    (void)db;
    (void)name;
    store->wal_pages = pages;
    return SQLITE_OK;
}

static void *writer_run(void *arg)
{
    struct sqlite_store *store = arg;
    struct store_batch *rest = NULL;
    struct store_batch *first;

    while ((first = writer_fetch(store, rest)) != NULL) {
        rest = writer_cut(first, store->group_bytes);
        sqlite_group_run(store, first);
    }
    CHECK(pthread_mutex_lock(&store->lock) == 0);
    store->is_writer_paused = true; /* for good: the checkpointer need not wait */
    CHECK(pthread_cond_signal(&store->pause_wake) == 0);
    CHECK(pthread_mutex_unlock(&store->lock) == 0);
    return NULL;
}

bool sqlite_thread_start(pthread_t *out_thread, void *(*run)(void *arg), void *arg)
{
    sigset_t all;
    sigset_t before;

    CHECK(sigfillset(&all) == 0);
    CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0); /* signals are the loop's */
    bool is_started = pthread_create(out_thread, NULL, run, arg) == 0;
    CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return is_started;
}

bool sqlite_writer_start(struct sqlite_store *store)
{
    (void)sqlite3_wal_hook(store->writer.db, on_wal, store);
    store->wal_mark = store->wal_step;
    store->is_writer_running = sqlite_thread_start(&store->writer_thread, writer_run, store);
    return store->is_writer_running;
}

void sqlite_writer_stop(struct sqlite_store *store)
{
    if (!store->is_writer_running) {
        return;
    }
    CHECK(pthread_mutex_lock(&store->lock) == 0);
    store->is_stopping = true;
    CHECK(pthread_cond_signal(&store->writer_wake) == 0);
    CHECK(pthread_cond_signal(&store->checkpoint_wake) == 0);
    CHECK(pthread_mutex_unlock(&store->lock) == 0);
    CHECK(pthread_join(store->writer_thread, NULL) == 0);
    store->is_writer_running = false;
}

void sqlite_writer_pause(struct sqlite_store *store)
{
    CHECK(pthread_mutex_lock(&store->lock) == 0);
    store->is_pause_wanted = true;
    CHECK(pthread_cond_signal(&store->writer_wake) == 0);
    while (!store->is_writer_paused) {
        CHECK(pthread_cond_wait(&store->pause_wake, &store->lock) == 0);
    }
    CHECK(pthread_mutex_unlock(&store->lock) == 0);
}

void sqlite_writer_resume(struct sqlite_store *store)
{
    CHECK(pthread_mutex_lock(&store->lock) == 0);
    store->is_pause_wanted = false;
    CHECK(pthread_cond_signal(&store->writer_wake) == 0);
    CHECK(pthread_mutex_unlock(&store->lock) == 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reader threads.  A batch of several statements runs in one read transaction,
 * so all of them see one snapshot; it ends before the answer is posted, so that
 * no reader holds the log back while the loop is busy.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/check.h"
#include "common/loop.h"
#include "server/store/arena.h"
#include "server/store/sqlite_conn_private.h"
#include "server/store/sqlite_private.h"
#include "server/store/store.h"
#include "server/store/store_private.h"

void sqlite_reader_submit(struct store *base, struct store_batch *batch)
{
    struct sqlite_store *store = (struct sqlite_store *)base;

    CHECK(pthread_mutex_lock(&store->read_lock) == 0);
    sqlite_list_append(&store->reads, batch);
    CHECK(pthread_mutex_unlock(&store->read_lock) == 0);
    CHECK(pthread_cond_signal(&store->read_wake) == 0);
}

/* Count what a batch that was read takes until it is answered; readers wait for less.  Those that
 * wait for work are left asleep: each of them would cost the loop a system call an answer. */
static void reader_count(struct sqlite_store *store, size_t added, size_t removed)
{
    CHECK(pthread_mutex_lock(&store->read_lock) == 0);
    bool was_full = store->read_bytes >= SQLITE_READ_BYTES;
    store->read_bytes += added;
    store->read_bytes -= removed;
    bool has_room = was_full && store->read_bytes < SQLITE_READ_BYTES;
    CHECK(pthread_mutex_unlock(&store->read_lock) == 0);
    if (has_room) {
        CHECK(pthread_cond_broadcast(&store->read_wake) == 0);
    }
}

/* Loop thread. */
static void on_read(void *arg)
{
    struct store_batch *batch = arg;
    struct sqlite_store *store = (struct sqlite_store *)batch->store;
    size_t bytes = batch->arena.total_bytes;

    store_answer(batch);
    reader_count(store, 0, bytes);
}

static enum store_status reader_status(enum sqlite_fault fault, enum store_status own)
{
    switch (fault) {
    case FAULT_NONE:
        return own;
    case FAULT_BUSY:
    case FAULT_MEMORY:
        return STORE_BUSY;
    case FAULT_FULL:
        return STORE_FULL;
    case FAULT_CONFLICT:
    case FAULT_STATEMENT:
    case FAULT_DISK:
        return STORE_BROKEN;
    }
    CHECK_UNREACHABLE();
}

static void reader_run_batch(struct sqlite_conn *conn, struct store_batch *batch)
{
    bool is_many = batch->step_count > 1;
    enum sqlite_fault fault = is_many ? sqlite_conn_command(conn, COMMAND_BEGIN_READ) : FAULT_NONE;

    if (fault == FAULT_NONE) {
        fault = sqlite_run_batch(conn, batch);
    }
    if (sqlite_conn_in_transaction(conn)) {
        (void)sqlite_conn_command(conn, COMMAND_ROLLBACK);
    }
    batch->status = reader_status(fault, batch->status);
}

static struct store_batch *reader_fetch(struct sqlite_store *store)
{
    CHECK(pthread_mutex_lock(&store->read_lock) == 0);
    while ((store->reads.first == NULL || store->read_bytes >= SQLITE_READ_BYTES) &&
           !store->is_read_stopping) {
        CHECK(pthread_cond_wait(&store->read_wake, &store->read_lock) == 0);
    }
    struct store_batch *batch = store->reads.first;
    if (batch != NULL) {
        store->reads.first = batch->next;
        batch->next = NULL;
    }
    CHECK(pthread_mutex_unlock(&store->read_lock) == 0);
    return batch;
}

static void *reader_run(void *arg)
{
    struct sqlite_reader *reader = arg;
    struct store_batch *batch;

    while ((batch = reader_fetch(reader->store)) != NULL) {
        if (!batch->is_settled) {
            reader_run_batch(&reader->conn, batch);
        }
        reader_count(reader->store, batch->arena.total_bytes, 0);
        loop_post(reader->store->base.loop, on_read, batch);
    }
    return NULL;
}

bool sqlite_reader_start(struct sqlite_store *store, int count)
{
    CHECK(count >= 1 && count <= SQLITE_READERS_MAX);
    for (int i = 0; i < count; i++) {
        struct sqlite_reader *reader = &store->readers[i];
        reader->store = store;
        store->reader_count = i + 1;
        if (!sqlite_conn_open(&reader->conn, store->path, true)) {
            return false;
        }
        reader->is_running = sqlite_thread_start(&reader->thread, reader_run, reader);
        if (!reader->is_running) {
            return false;
        }
    }
    return true;
}

void sqlite_reader_stop(struct sqlite_store *store)
{
    CHECK(pthread_mutex_lock(&store->read_lock) == 0);
    store->is_read_stopping = true;
    CHECK(pthread_cond_broadcast(&store->read_wake) == 0);
    CHECK(pthread_mutex_unlock(&store->read_lock) == 0);
    for (int i = 0; i < store->reader_count; i++) {
        if (store->readers[i].is_running) {
            CHECK(pthread_join(store->readers[i].thread, NULL) == 0);
        }
        sqlite_conn_close(&store->readers[i].conn);
    }
    store->reader_count = 0;
}

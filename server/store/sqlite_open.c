/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening in order: place, ballast, connection, checkpoint, schema, threads.
 * The checkpoint comes before anything is read or answered: it writes the whole
 * log into the database file and syncs it.  So what an earlier process left in
 * the kernel's cache after a failed fsync is either on the disk now or refused.
 */
#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/check.h"
#include "common/log.h" /* IWYU pragma: keep */
#include "common/mem.h"
#include "server/store/migrations.h"
#include "server/store/sqlite.h"
#include "server/store/sqlite_conn_private.h"
#include "server/store/sqlite_health_private.h"
#include "server/store/sqlite_private.h"
#include "server/store/sqlite_vfs_private.h"
#include "server/store/store_private.h"

enum {
    OPEN_APPLICATION_ID = 0x534c5054
}; /* "SLPT" in the file's head */

static const struct store_ops sqlite_ops;

static const char *open_advice(int result)
{
    switch (result & 0xff) {
    case SQLITE_NOTADB:
        return "it is not a SQLite database: move it away, or correct storage";
    case SQLITE_CORRUPT:
        return "it is damaged: restore a backup";
    case SQLITE_FULL:
        return "the disk is full: free some space";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "another program holds it: end that one first";
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return "it or its folder cannot be written: look at owner, mode and mount";
    case SQLITE_IOERR:
        return "its disk fails to read or write: look at the kernel's log";
    default:
        return "SQLite refuses it";
    }
}

static bool open_fail(const struct sqlite_store *store, const struct sqlite_conn *conn,
                      char *out_error, size_t error_size)
{
    (void)snprintf(out_error, error_size, "cannot use the database %s: %s (%s)", store->path,
                   open_advice(conn->result), sqlite3_errstr(conn->result));
    return false;
}

/* Say whether the file is new or ours, and mark a new one. */
static bool open_check_owner(struct sqlite_store *store, char *out_error, size_t error_size)
{
    struct sqlite_conn *conn = &store->writer;
    int64_t id = sqlite_conn_number(conn, "PRAGMA application_id");
    int64_t version = sqlite_conn_number(conn, "PRAGMA schema_version");

    if (id < 0 || version < 0) {
        return open_fail(store, conn, out_error, error_size);
    }
    if (id == OPEN_APPLICATION_ID) {
        return true;
    }
    if (version != 0) {
        (void)snprintf(out_error, error_size,
                       "cannot use the database %s: it belongs to another program; correct storage",
                       store->path);
        return false;
    }
    if (sqlite_conn_exec(conn, "PRAGMA application_id=1397510228") != FAULT_NONE) {
        return open_fail(store, conn, out_error, error_size);
    }
    return true;
}

static bool open_database_once(struct sqlite_store *store, char *out_error, size_t error_size)
{
    struct sqlite_conn *conn = &store->writer;

    if (!sqlite_conn_open(conn, store->path, false)) {
        return open_fail(store, conn, out_error, error_size);
    }
    if (sqlite3_db_readonly(conn->db, "main") == 1) {
        conn->result = SQLITE_READONLY;
        return open_fail(store, conn, out_error, error_size);
    }
    if (sqlite_checkpoint_truncate(conn) != FAULT_NONE) {
        return open_fail(store, conn, out_error, error_size);
    }
    return open_check_owner(store, out_error, error_size) &&
           sqlite_schema_migrate(store, migrations_sqlite, out_error, error_size);
}

static bool open_database(struct sqlite_store *store, char *out_error, size_t error_size)
{
    if (open_database_once(store, out_error, error_size)) {
        return true;
    }
    if (sqlite_conn_fault(&store->writer, store->writer.result) != FAULT_FULL ||
        !store->ballast.is_held) {
        return false;
    }
    sqlite_ballast_give_up(store); /* that is what it is for */
    sqlite_conn_close(&store->writer);
    return open_database_once(store, out_error, error_size);
}

static bool open_threads(struct sqlite_store *store, int reader_count, char *out_error,
                         size_t error_size)
{
    if (!sqlite_conn_open(&store->checkpointer, store->path, false) ||
        sqlite_conn_exec(&store->checkpointer, "PRAGMA cache_size=-1024") != FAULT_NONE) {
        return open_fail(store, &store->checkpointer, out_error, error_size);
    }
    if (!sqlite_ballast_build(store)) {
        sqlite_health_fill(store); /* little space: begin as after STORE_FULL */
    }
    if (!sqlite_reader_start(store, reader_count) || !sqlite_writer_start(store) ||
        !sqlite_checkpoint_start(store)) {
        (void)snprintf(out_error, error_size,
                       "cannot start the threads of the database %s: raise the limits of"
                       " processes and files",
                       store->path);
        return false;
    }
    return true;
}

static void open_init_locks(struct sqlite_store *store)
{
    pthread_condattr_t steady;

    CHECK(pthread_condattr_init(&steady) == 0);
    CHECK(pthread_condattr_setclock(&steady, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_mutex_init(&store->lock, NULL) == 0);
    CHECK(pthread_mutex_init(&store->read_lock, NULL) == 0);
    CHECK(pthread_cond_init(&store->writer_wake, NULL) == 0);
    CHECK(pthread_cond_init(&store->pause_wake, NULL) == 0);
    CHECK(pthread_cond_init(&store->read_wake, NULL) == 0);
    CHECK(pthread_cond_init(&store->checkpoint_wake, &steady) == 0);
    CHECK(pthread_condattr_destroy(&steady) == 0);
}

/* Also for a store that was opened only in part. */
static void sqlite_destroy(struct store *base)
{
    struct sqlite_store *store = (struct sqlite_store *)base;

    sqlite_writer_stop(store);
    sqlite_reader_stop(store);
    sqlite_checkpoint_stop(store);
    sqlite_conn_close(&store->checkpointer);
    sqlite_conn_close(&store->writer);
    sqlite_vfs_clear(&store->vfs);
    sqlite_ballast_clear(&store->ballast);
    sqlite_place_leave(store);
    CHECK(pthread_cond_destroy(&store->checkpoint_wake) == 0);
    CHECK(pthread_cond_destroy(&store->read_wake) == 0);
    CHECK(pthread_cond_destroy(&store->pause_wake) == 0);
    CHECK(pthread_cond_destroy(&store->writer_wake) == 0);
    CHECK(pthread_mutex_destroy(&store->read_lock) == 0);
    CHECK(pthread_mutex_destroy(&store->lock) == 0);
    free(store->path);
    free(store);
}

static const struct store_ops sqlite_ops = {
    .submit = sqlite_writer_submit,
    .read = sqlite_reader_submit,
    .is_ready = sqlite_health_is_ready,
    .destroy = sqlite_destroy,
};

static struct sqlite_store *open_create(struct loop *loop, const struct sqlite_config *config)
{
    struct sqlite_store *store = mem_zeroed(1, sizeof *store);

    store_init(&store->base, &sqlite_ops, loop, config->queue_bytes);
    store->path = mem_text(config->path);
    store->truncate_ms = config->truncate_ms > 0 ? config->truncate_ms : SQLITE_TRUNCATE_MS;
    store->writer.no_store = config->no_store;
    store->lock_fd = -1;
    store->ballast.fd = -1;
    open_init_locks(store);
    return store;
}

struct store *sqlite_open(struct loop *loop, const struct sqlite_config *config, char *out_error,
                          size_t error_size)
{
    struct sqlite_store *store = open_create(loop, config);

    /* Without its global counters SQLite's allocator needs no lock; refused when a VFS was
     * registered before, which is only slower. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite_vfs_init(&store->vfs);
    store->writer.vfs = store->vfs.name;
    store->checkpointer.vfs = store->vfs.name;
    if (sqlite_place_prepare(store, out_error, error_size) &&
        sqlite_ballast_init(store, config->ballast_bytes, out_error, error_size) &&
        open_database(store, out_error, error_size) &&
        open_threads(store, config->reader_count, out_error, error_size)) {
#ifdef SEALPOST_PLANT_ACK_BEFORE_COMMIT
        log_warn("store.plant", "fault=ack-before-commit");
#endif
        return &store->base;
    }
    sqlite_destroy(&store->base);
    return NULL;
}

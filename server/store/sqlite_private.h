/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded engine inside.
 *
 *  loop thread --queue--> writer --loop_post, one a group--> loop thread
 *              --queue--> readers --loop_post, one a batch--> loop thread
 *                         checkpointer: beside the writer, and now and then in
 *                         its place (sqlite_writer_pause)
 *
 * One lock guards what the writer, the checkpointer and the loop share; the
 * readers have their own.  Each connection is used by one thread at a time.
 */
#pragma once

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/store/sqlite.h"
#include "server/store/sqlite_conn_private.h"
#include "server/store/sqlite_vfs_private.h"
#include "server/store/store_private.h"

struct migration;

enum {
    SQLITE_READERS_MAX = 8,
    SQLITE_BUSY_MS = 5000, /* an operator's tool may hold the file this long */
    SQLITE_PAGE_BYTES = 4096,
    SQLITE_GROUP_BYTES = 8388608, /* bounds the time of one commit and the dirty pages */
    SQLITE_WAL_PAGES = 4000,      /* checkpoint when the log grew by this many pages */
    SQLITE_TRUNCATE_MS = 60000,   /* deleted bytes leave the log after at most this long */
    SQLITE_FULL_RETRY_MS = 1000,  /* how often a full disk is looked at */
    SQLITE_READ_BYTES = 8388608,  /* of answers that the loop has not taken: then readers wait */
};

struct sqlite_list {
    struct store_batch *first;
    struct store_batch **tail; /* NULL: the list is empty */
};

struct sqlite_reader {
    struct sqlite_store *store;
    struct sqlite_conn conn;
    pthread_t thread;
    bool is_running;
};

struct sqlite_ballast {
    char *path;
    int fd;
    int64_t size; /* 0: there is none */
    bool is_held;
};

enum sqlite_health {
    HEALTH_WELL = 0,
    HEALTH_FULL,  /* only batches that free are run */
    HEALTH_BROKEN /* nothing is written any more until a restart */
};

struct sqlite_store {
    struct store base; /* first, so that struct store * points here too */
    char *path;
    int64_t truncate_ms;
    int lock_fd;
    atomic_int health;

    pthread_mutex_t lock;
    pthread_cond_t writer_wake;
    pthread_cond_t checkpoint_wake; /* waits by the steady clock */
    pthread_cond_t pause_wake;
    struct sqlite_list queue;
    bool is_stopping;
    bool is_pause_wanted;
    bool is_writer_paused;  /* between two groups and waiting, or gone */
    bool is_checkpoint_due; /* the log grew past wal_mark, or the disk is full */
    bool is_wal_long;       /* at wal_limit: the writer waits for a checkpoint */
    bool is_wal_dirty;      /* something was written since the log was emptied */
    int wal_mark;

    /* Set at the start, from the size of the ballast. */
    int wal_step;        /* pages by which the log grows between checkpoints */
    int wal_limit;       /* pages at which the writer waits for one */
    int64_t group_bytes; /* bytes of batches in one group */

    int wal_pages;         /* writer thread: pages in the log after the last commit */
    struct sqlite_vfs vfs; /* of the two that write */
    struct sqlite_conn writer;
    struct sqlite_conn checkpointer;
    struct sqlite_ballast ballast; /* whoever writes: the writer, or who paused it */
    pthread_t writer_thread;
    pthread_t checkpoint_thread;
    bool is_writer_running;
    bool is_checkpoint_running;

    pthread_mutex_t read_lock;
    pthread_cond_t read_wake;
    struct sqlite_list reads;
    size_t read_bytes; /* of what was read and not answered */
    bool is_read_stopping;
    struct sqlite_reader readers[SQLITE_READERS_MAX];
    int reader_count;
};

/* sqlite_place.c: the folder and the files, before SQLite sees them. */
char *sqlite_place_beside(const char *path, const char *suffix); /* a new text; free it */
bool sqlite_place_is_network(int64_t filesystem_magic);
bool sqlite_place_prepare(struct sqlite_store *store, char *out_error, size_t error_size);
void sqlite_place_leave(struct sqlite_store *store);

/* sqlite_group.c: run batches [first, NULL) as one commit and settle each. */
void sqlite_group_run(struct sqlite_store *store, struct store_batch *first);
/* Give batches back to the loop thread, in order. */
void sqlite_group_post(struct sqlite_store *store, struct store_batch *first);

/* sqlite_writer.c */
void sqlite_list_append(struct sqlite_list *list, struct store_batch *batch);
struct store_batch *sqlite_list_take(struct sqlite_list *list);
bool sqlite_thread_start(pthread_t *out_thread, void *(*run)(void *arg), void *arg);
bool sqlite_writer_start(struct sqlite_store *store);
void sqlite_writer_stop(struct sqlite_store *store);
void sqlite_writer_submit(struct store *base, struct store_batch *batch);
/* Hold the writer between two groups.  Checkpoint thread. */
void sqlite_writer_pause(struct sqlite_store *store);
void sqlite_writer_resume(struct sqlite_store *store);

/* sqlite_reader.c */
bool sqlite_reader_start(struct sqlite_store *store, int count);
void sqlite_reader_stop(struct sqlite_store *store);
void sqlite_reader_submit(struct store *base, struct store_batch *batch);

/* sqlite_checkpoint.c */
bool sqlite_checkpoint_start(struct sqlite_store *store);
void sqlite_checkpoint_stop(struct sqlite_store *store);
/* Move the whole log into the database file; the next write begins it anew, or it is emptied.
 * Nobody else may write meanwhile. */
enum sqlite_fault sqlite_checkpoint_restart(struct sqlite_conn *conn);
/* The disk is full: give the ballast up, for the pages of the log that lengthen the file first.
 * Behind them deletes can fill what is left of the disk and still be moved away.  Likewise. */
enum sqlite_fault sqlite_checkpoint_fill(struct sqlite_store *store, struct sqlite_conn *conn);
enum sqlite_fault sqlite_checkpoint_truncate(struct sqlite_conn *conn);

/* sqlite_schema.c: run migrations; false with a sentence in out_error. */
bool sqlite_schema_migrate(struct sqlite_store *store, const struct migration *migrations,
                           char *out_error, size_t error_size);

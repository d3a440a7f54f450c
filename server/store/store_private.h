/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engines share: how a batch looks inside, and what an engine must do.
 *
 * A batch is one arena: the batch itself, its statements, its parameters, and
 * the rows that came back, so a small batch is one allocation.  It belongs to
 * the loop thread until it is handed to the engine, then to the engine's thread
 * that runs it, and to the loop thread again from store_answer on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "server/store/arena.h"
#include "server/store/store.h"

struct loop;

enum store_value_kind {
    VALUE_NULL = 0,
    VALUE_INT,
    VALUE_BYTES,
    VALUE_TEXT
};

struct store_value {
    enum store_value_kind kind;
    int64_t number;
    struct bytes bytes;
};

struct store_param {
    struct store_param *next;
    struct store_value value;
};

struct store_row {
    struct store_row *next;
    int column_count;
    struct store_value columns[];
};

/* A key to lock, or to tell. */
struct store_key {
    struct store_key *next;
    int64_t key;
};

struct store_step {
    const struct store_stmt *stmt;
    bool is_expected;
    size_t param_count;
    struct store_param *first_param;
    struct store_row *first_row; /* what it yielded, in order */
    struct store_row *last_row;
    int64_t changed; /* rows written by a statement that returns none */
};

struct store_rows {
    const struct store_batch *batch;
    size_t step;
    const struct store_row *row; /* NULL before the first and after the last */
    bool is_started;
    size_t refused_at;
};

struct store_batch {
    struct store_batch *next; /* in a queue, or in a group */
    struct store *store;
    store_done_fn *done;
    void *arg;
    enum store_status status;
    bool is_read;
    bool is_settled;  /* status is final: not to be run */
    bool is_suspect;  /* it failed in a run that proved nothing: it runs behind a savepoint */
    int tries;        /* runs that came to nothing for no fault of its own */
    int64_t given_ms; /* steady time at which the shared engine got it */
    bool has_insert;  /* a statement may add rows: see store_batch_frees */
    int64_t queue_bytes;
    struct store_step *steps;
    size_t step_count;
    size_t step_room;
    struct store_param *last_param; /* of the last step */
    const struct store_stmt *lock;  /* NULL: no locks */
    struct store_key *locks;
    struct store_key *tells;
    struct arena arena;
    struct arena_mark before_rows;
    struct store_rows rows;
};

/*
 * What an engine does.  It gives every batch back through store_answer, the
 * written ones in the order they came, also those that came settled.
 */
struct store_ops {
    void (*submit)(struct store *store, struct store_batch *batch);
    void (*read)(struct store *store, struct store_batch *batch);
    bool (*is_ready)(const struct store *store, const char **out_why);
    bool (*hears)(const struct store *store); /* NULL: one daemon has the database to itself */
    void (*destroy)(struct store *store);     /* nothing waits any more */
};

/* The engine's own struct begins with this one.  Loop thread, except loop and ops. */
struct store {
    const struct store_ops *ops;
    struct loop *loop;
    int64_t queue_bound;
    int64_t queue_bytes;
    size_t waiting; /* batches given and not answered, reads too */
    bool is_pressed;
    bool is_closing;
    store_pressure_fn *on_pressure;
    void *pressure_arg;
    store_news_fn *on_news;
    void *news_arg;
};

/* Fill the shared part of an engine. */
void store_init(struct store *store, const struct store_ops *ops, struct loop *loop,
                int64_t queue_bound);

/* Give keys that others told to the listener, if there is one; count 0: anything.  Loop thread. */
void store_give_news(const struct store *store, const int64_t *keys, size_t count);

/* Answer a list of batches, linked by next, in that order, and destroy them.  Loop thread. */
void store_answer(struct store_batch *first);

/*
 * Say whether the batch may use the room that is kept for deletes when the disk
 * is full: its first statement deletes, or none of its statements inserts.
 */
bool store_batch_frees(const struct store_batch *batch);

/* Forget the rows of a run that was undone. */
void store_batch_forget_rows(struct store_batch *batch);

/* Append a row with room for column_count values to the result of step. */
struct store_row *store_batch_add_row(struct store_batch *batch, struct store_step *step,
                                      int column_count);

/* Copy value into the batch. */
struct bytes store_batch_copy(struct store_batch *batch, struct bytes value);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store runs transactions.  It does not know what they mean.
 *
 * A transaction is a value: a batch of statements and their parameters, built
 * on the loop thread and handed over whole.  No C code runs between its
 * statements, so a rule that guards a write stands in the write's own WHERE, or
 * in a statement added with store_batch_expect: a batch one of whose expected
 * statements yields or changes no row is undone whole and ends STORE_REFUSED.  That is
 * what lets SQLite run the batch on its writer thread, many batches to one
 * commit, and PostgreSQL run it down a pipeline without a round trip.
 *
 * Order: batches given to store_submit run, commit and are answered in the
 * order they were submitted.  A store_read sees every batch whose done had been
 * called before it was submitted; reads are in no order among themselves.
 *
 * Thread: everything here is called on, and calls back on, the loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "server/store/stmt.h" /* IWYU pragma: export */

struct store;
struct store_batch;
struct store_rows;

enum store_status {
    STORE_OK = 0,
    STORE_REFUSED,   /* an expected statement yielded no row; nothing was written */
    STORE_CONFLICT,  /* a constraint refused the batch; nothing was written */
    STORE_BUSY,      /* not run: engine down, or shutting down */
    STORE_FULL,      /* the disk is full; nothing was written */
    STORE_UNCERTAIN, /* sent, outcome unknown; resend only what is idempotent */
    STORE_BROKEN     /* our statement, the schema or the disk is wrong; the engine logged it */
};

/*
 * Hear how a batch ended.  Called exactly once for each batch, never before the
 * submit has returned, also at shutdown.  rows is borrowed until the function
 * returns and is NULL unless status is STORE_OK or STORE_REFUSED.
 */
typedef void store_done_fn(void *arg, enum store_status status, struct store_rows *rows);

/* Hear that the queue has filled past its bound (true) or drained again (false). */
typedef void store_pressure_fn(void *arg, bool full);

/*
 * Hear that commits of other daemons told keys (each once).  A count of 0 means that anything may
 * have been told: the engine could not listen for a while and can again, or it was too much to say.
 */
typedef void store_news_fn(void *arg, const int64_t *keys, size_t count);

/* Start an empty batch.  Give it to a submit, which destroys it. */
struct store_batch *store_batch_create(void);

/* Destroy a batch that was never submitted.  Takes NULL. */
void store_batch_destroy(struct store_batch *batch);

/* Append stmt; the binds that follow are its $1, $2, ...  stmt is borrowed for good. */
void store_batch_add(struct store_batch *batch, const struct store_stmt *stmt);

/*
 * Append stmt and refuse the whole batch when it yields no row, or, for a write
 * without RETURNING, when it changes none (which is the cheaper form).
 */
void store_batch_expect(struct store_batch *batch, const struct store_stmt *stmt);

/* Number of statements so far. */
size_t store_batch_size(const struct store_batch *batch);

void store_bind_bytes(struct store_batch *batch, struct bytes value);    /* copies */
void store_bind_borrowed(struct store_batch *batch, struct bytes value); /* until done */
void store_bind_text(struct store_batch *batch, struct bytes value);     /* copies; UTF-8 */
void store_bind_int(struct store_batch *batch, int64_t value);
void store_bind_null(struct store_batch *batch);

/*
 * Where daemons share the database: before anything of the batch runs, take lock for key, so that
 * its statements see what others committed under that lock.  lock has one parameter, an array of
 * bigint, and locks the rows of those keys in ascending order; the engine runs it once for all keys
 * of all batches of one commit.  Several keys a batch, one lock for all of them.
 */
void store_batch_lock(struct store_batch *batch, const struct store_stmt *lock, int64_t key);

/* Where daemons share the database: tell key to the others when the batch has committed. */
void store_batch_tell(struct store_batch *batch, int64_t key);

/* Run *batch as one transaction and tell done.  Steals *batch and sets it to NULL. */
void store_submit(struct store *store, struct store_batch **batch, store_done_fn *done, void *arg);

/* Run a batch that only reads, on one snapshot, beside the writer.  Steals *batch. */
void store_read(struct store *store, struct store_batch **batch, store_done_fn *done, void *arg);

/* Turn to the rows of statement index (0 is the first).  Rows start at statement 0. */
void store_rows_select(struct store_rows *rows, size_t index);

/* Step to the next row of the statement; false when there is none. */
bool store_rows_next(struct store_rows *rows);

/* Read column of the current row.  Views are borrowed until done returns. */
struct bytes store_rows_bytes(const struct store_rows *rows, int column);
int64_t store_rows_int(const struct store_rows *rows, int column);
bool store_rows_is_null(const struct store_rows *rows, int column);

/* Number of rows that a write without RETURNING changed; 0 for other statements. */
int64_t store_rows_changed(const struct store_rows *rows);

/* After STORE_REFUSED: the index of the expected statement that yielded nothing. */
size_t store_rows_refused_at(const struct store_rows *rows);

/*
 * Count bytes of what will be submitted soon into the write queue; the same with a minus once
 * it was submitted, or will not be.
 */
void store_expect(struct store *store, int64_t bytes);

/* Say whether twice the bound of the write queue waits: who wants more must come again. */
bool store_is_overfull(const struct store *store);

/* Tell fn when the write queue crosses its bound.  One listener. */
void store_set_pressure(struct store *store, store_pressure_fn *fn, void *arg);

/* Tell fn what other daemons told; never what this store's own batches did.  One listener. */
void store_set_news(struct store *store, store_news_fn *fn, void *arg);

/* Say whether other daemons may write to the same database. */
bool store_is_shared(const struct store *store);

/* Say whether what they tell is heard now; when it is not, look for yourself. */
bool store_hears(const struct store *store);

/* Say whether writes are being accepted, for /readyz; out_why (static text) when not. */
bool store_is_ready(const struct store *store, const char **out_why);

/* Answer all that waits, stop the engine, free it.  Runs loop turns until that is done. */
void store_destroy(struct store *store);

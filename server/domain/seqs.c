/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   read row -> write row (heartbeat, floor) -> load recent ids, newest first
 *   -> turn them round, so that the oldest make room first -> done
 *
 * The floor is written before the first number above it is given.  In one life
 * fewer than 2^28 numbers are given between two beats, so the next start's jump
 * clears whatever this life gave after its last beat.
 */
#include "server/domain/seqs.h"

#include <stdlib.h>

#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "server/domain/changes.h"
#include "server/domain/dedup.h"
#include "server/domain/domain.h"
#include "server/domain/envelopes_sql.h"
#include "server/domain/restored_sql.h"
#include "server/domain/seqs_sql.h"
#include "server/store/store.h"

enum {
    RECENT_ROWS = 10000
};

struct starting {
    struct domain *domain;
    seqs_started_fn *done;
    void *arg;
    int64_t now_ms;
    int64_t copy_heartbeat;
    int64_t loaded;
    size_t taken_up_at; /* where the store is shared: the statement that says how */
    struct seqs_start result;
};

struct beating {
    struct domain *domain;
    seqs_beat_fn *done;
    void *arg;
};

static void starting_end(struct starting *starting, bool ok)
{
    starting->result.ok = ok;
    starting->done(starting->arg, &starting->result);
    free(starting);
}

static void starting_load(struct starting *starting, int64_t below);

/* Take one page of ids; the seq of its last row, or 0 when there is no need for another. */
static int64_t starting_take(struct starting *starting, struct store_rows *rows)
{
    struct dedup *dedup = starting->domain->dedup;
    struct envelope_head_row row = { 0 };
    int64_t first_minute = (starting->now_ms - LIMIT_DEDUP_MS) / 60000;
    int64_t seen = 0;

    while (starting->loaded < (int64_t)dedup_max(dedup) && envelopes_sql_recent_row(rows, &row)) {
        struct dedup_name name = dedup_name_of(dedup, row.mailbox, &row.id, row.tag);
        seen++;
        if (row.minute < first_minute) {
            return 0;
        }
        if (row.mailbox != 0 && dedup_ask(dedup, &name, starting->now_ms) == DEDUP_NEW) {
            struct dedup_place place = dedup_begin(dedup, &name, row.minute * 60000 + 59999);
            dedup_end(dedup, &place, true);
            starting->loaded++;
        }
    }
    return seen < RECENT_ROWS ? 0 : row.seq;
}

static void on_recent(void *arg, enum store_status status, struct store_rows *rows)
{
    struct starting *starting = arg;
    int64_t below = 0;

    if (status != STORE_OK) {
        starting_end(starting, false);
        return;
    }
    below = starting_take(starting, rows);
    if (below == 0 || starting->loaded >= (int64_t)dedup_max(starting->domain->dedup)) {
        dedup_turn(starting->domain->dedup);
        starting_end(starting, true);
    } else {
        starting_load(starting, below);
    }
}

static void starting_load(struct starting *starting, int64_t below)
{
    struct store_batch *batch = store_batch_create();

    envelopes_sql_recent(batch, below, RECENT_ROWS);
    store_read(starting->domain->store, &batch, on_recent, starting);
}

static void on_taken_up(void *arg, enum store_status status, struct store_rows *rows)
{
    struct starting *starting = arg;
    struct relay_row row;

    if (status != STORE_OK || !seqs_sql_row(rows, &row)) {
        starting_end(starting, false);
        return;
    }
    starting->domain->next_seq = row.seq_floor + 1;
    starting->domain->generation = row.generation;
    starting->result.heartbeat = row.heartbeat;
    starting_load(starting, row.seq_floor + 1);
}

/* The first start may have died before it wrote its copy: its row says nothing. */
static bool is_restored(const struct relay_row *row, int64_t copy_heartbeat)
{
    return row->heartbeat < copy_heartbeat || (copy_heartbeat < 0 && row->heartbeat > 1);
}

static void take_up_restored(const struct starting *starting, struct relay_row *row)
{
    log_warn("relay.restored",
             "database_heartbeat=%lld copy_heartbeat=%lld effect=\"seqs jump, generation"
             " rises\"",
             (long long)row->heartbeat, (long long)starting->copy_heartbeat);
    row->generation++;
    if (row->heartbeat < starting->copy_heartbeat) {
        row->heartbeat = starting->copy_heartbeat;
    }
    row->seq_floor += INT64_C(1) << LIMIT_SEQ_RESTORE_BITS;
}

/* Where the store is shared: mailboxes give the numbers, and bring the ids of what waits. */
static void on_shared_row(void *arg, enum store_status status, struct store_rows *rows)
{
    struct starting *starting = arg;
    struct domain *domain = starting->domain;
    struct relay_row row = { 0 };
    bool ok = status == STORE_OK;

    if (ok) {
        store_rows_select(rows, starting->taken_up_at);
        ok = seqs_sql_taken_up(rows, &row, &starting->result.restored);
    }
    if (ok && starting->result.restored) {
        log_warn("relay.restored", "copy_heartbeat=%lld effect=\"seqs jump, generation rises\"",
                 (long long)starting->copy_heartbeat);
    }
    if (ok) {
        domain->next_seq = 1;
        domain->generation = row.generation;
        changes_begin(domain, row.changes);
        starting->result.heartbeat = row.heartbeat;
    }
    starting_end(starting, ok);
}

static void on_row(void *arg, enum store_status status, struct store_rows *rows)
{
    struct starting *starting = arg;
    struct relay_row row = { 0 };
    struct store_batch *batch = NULL;

    if (status == STORE_OK) {
        store_rows_select(rows, 1);
    }
    if (status != STORE_OK || !seqs_sql_row(rows, &row)) {
        starting_end(starting, false);
        return;
    }
    starting->result.restored = is_restored(&row, starting->copy_heartbeat);
    if (starting->result.restored) {
        take_up_restored(starting, &row);
    }
    row.heartbeat++;
    row.seq_floor += INT64_C(1) << LIMIT_SEQ_START_BITS;
    batch = seqs_sql_write(&row);
    if (starting->result.restored) {
        restored_sql_end(batch);
    }
    store_submit(starting->domain->store, &batch, on_taken_up, starting);
}

void seqs_start(struct domain *domain, int64_t copy_heartbeat, int64_t now_ms,
                seqs_started_fn *done, void *arg)
{
    struct starting *starting = mem_zeroed(1, sizeof *starting);
    int64_t today = now_ms / INT64_C(86400000);
    struct store_batch *batch = NULL;

    starting->domain = domain;
    starting->done = done;
    starting->arg = arg;
    starting->now_ms = now_ms;
    starting->copy_heartbeat = copy_heartbeat;
    if (domain->is_shared) {
        batch = seqs_sql_make(today);
        restored_sql_end_if_behind(batch, copy_heartbeat);
        starting->taken_up_at = store_batch_size(batch);
        seqs_sql_take_up(batch, copy_heartbeat);
        store_submit(domain->store, &batch, on_shared_row, starting);
    } else {
        batch = seqs_sql_read(today);
        store_submit(domain->store, &batch, on_row, starting);
    }
}

static void on_beat(void *arg, enum store_status status, struct store_rows *rows)
{
    struct beating *beating = arg;
    struct relay_row row = { 0 };

    if (status == STORE_OK && seqs_sql_row(rows, &row)) {
        beating->domain->generation = row.generation;
        beating->done(beating->arg, row.heartbeat);
    } else {
        beating->done(beating->arg, 0);
    }
    free(beating);
}

/* floor_step: what the floor rises by where mailboxes give the numbers; else it follows them. */
static void beat(struct domain *domain, int64_t floor_step, int64_t generation_step,
                 seqs_beat_fn *done, void *arg)
{
    struct beating *beating = mem_zeroed(1, sizeof *beating);
    struct store_batch *batch = domain->is_shared
                                    ? seqs_sql_beat_by(floor_step, generation_step)
                                    : seqs_sql_beat(domain->next_seq, generation_step);

    if (generation_step > 0) {
        restored_sql_end(batch);
    }
    beating->domain = domain;
    beating->done = done;
    beating->arg = arg;
    store_submit(domain->store, &batch, on_beat, beating);
}

void seqs_beat(struct domain *domain, seqs_beat_fn *done, void *arg)
{
    beat(domain, 0, 0, done, arg);
}

void seqs_declare_restored(struct domain *domain, seqs_beat_fn *done, void *arg)
{
    int64_t step = INT64_C(1) << LIMIT_SEQ_RESTORE_BITS;

    domain->next_seq += step;
    beat(domain, step, 1, done, arg);
}

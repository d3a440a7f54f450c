/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group is what waited when the writer was free: one transaction, one fsync.
 * Each batch of several statements has a savepoint, so a refused one is undone
 * alone.  A batch is answered from what the commit said, never before it.
 *
 * When the transaction fails as a whole nothing of it was written, and:
 *   no space          the ballast is given up, batches that insert end
 *                     STORE_FULL, the log is moved into the file, the others
 *                     run again, at last one by one
 *   input or output,  nothing is written by this process any more.  After a
 *   damage            failed fsync the kernel may hold pages that will never
 *                     reach the disk, so only a restart, which begins with a
 *                     checkpoint that writes the whole log anew, may go on.
 *                     A failed commit is STORE_UNCERTAIN, what had not come
 *                     that far is STORE_BUSY
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "server/store/sqlite_conn_private.h"
#include "server/store/sqlite_health_private.h"
#include "server/store/sqlite_private.h"
#include "server/store/store.h"
#include "server/store/store_private.h"

struct group {
    struct sqlite_store *store;
    struct sqlite_conn *conn;
    struct store_batch *first;
    struct store_batch *end;     /* the batch behind the last, or NULL */
    struct store_batch *culprit; /* the batch that failed; NULL: begin or commit did */
    bool is_at_commit;
    bool has_made_room; /* of a group of one: the log was moved away for it */
};

static void on_group(void *arg)
{
    store_answer(arg);
}

void sqlite_group_post(struct sqlite_store *store, struct store_batch *first)
{
    loop_post(store->base.loop, on_group, first);
}

static void batch_settle(struct store_batch *batch, enum store_status status)
{
    batch->status = status;
    batch->is_settled = true;
}

static void group_settle(const struct group *group, enum store_status status)
{
    for (struct store_batch *b = group->first; b != group->end; b = b->next) {
        if (!b->is_settled) {
            batch_settle(b, status);
        }
    }
}

static size_t group_open_count(const struct group *group)
{
    size_t count = 0;

    for (const struct store_batch *b = group->first; b != group->end; b = b->next) {
        count += b->is_settled ? 0 : 1;
    }
    return count;
}

/* Undo one batch whose outcome is its own. */
static enum sqlite_fault group_undo(struct sqlite_conn *conn, bool is_saved)
{
    if (!is_saved) {
        return FAULT_NONE; /* SQLite undid the one statement, or it wrote nothing */
    }
    enum sqlite_fault fault = sqlite_conn_command(conn, COMMAND_UNDO);
    return fault != FAULT_NONE ? fault : sqlite_conn_command(conn, COMMAND_RELEASE);
}

static enum sqlite_fault group_run_one(struct sqlite_conn *conn, struct store_batch *batch)
{
    bool is_saved = batch->step_count > 1;
    enum sqlite_fault fault = is_saved ? sqlite_conn_command(conn, COMMAND_SAVE) : FAULT_NONE;

    if (fault != FAULT_NONE) {
        return fault;
    }
    store_batch_forget_rows(batch);
    fault = sqlite_run_batch(conn, batch);
    if (fault == FAULT_NONE && batch->status == STORE_OK) {
        return is_saved ? sqlite_conn_command(conn, COMMAND_RELEASE) : FAULT_NONE;
    }
    if (fault == FAULT_CONFLICT) {
        batch->status = STORE_CONFLICT;
    } else if (fault == FAULT_STATEMENT) {
        batch->status = STORE_BROKEN;
    } else if (fault != FAULT_NONE) {
        return fault;
    }
    return sqlite_conn_in_transaction(conn) ? group_undo(conn, is_saved) : fault;
}

static enum sqlite_fault group_run_all(struct group *group)
{
    enum sqlite_fault fault = sqlite_conn_command(group->conn, COMMAND_BEGIN);

    for (struct store_batch *b = group->first; b != group->end && fault == FAULT_NONE;
         b = b->next) {
        if (!b->is_settled) {
            group->culprit = b;
            fault = group_run_one(group->conn, b);
        }
    }
    if (fault == FAULT_NONE) {
        group->culprit = NULL;
    }
    return fault;
}

static enum sqlite_fault group_commit(struct group *group)
{
    group->is_at_commit = true;
    enum sqlite_fault fault = sqlite_conn_command(group->conn, COMMAND_COMMIT);
    if (fault == FAULT_NONE) {
        metrics_add(METRIC_store_commits, 1);
    }
    return fault;
}

/* Run what is not settled as one transaction; on success all of it is settled. */
static enum sqlite_fault group_try(struct group *group)
{
    group->is_at_commit = false;
    group->culprit = NULL;
    if (group_open_count(group) == 0) {
        return FAULT_NONE;
    }
    enum sqlite_fault fault = group_run_all(group);
    if (fault == FAULT_NONE) {
        fault = group_commit(group);
    }
    if (fault == FAULT_NONE) {
        for (struct store_batch *b = group->first; b != group->end; b = b->next) {
            b->is_settled = true;
        }
    } else if (sqlite_conn_in_transaction(group->conn)) {
        int result = group->conn->result;
        (void)sqlite_conn_command(group->conn, COMMAND_ROLLBACK);
        group->conn->result = result;
    }
    return fault;
}

static void group_settle_inserts(const struct group *group)
{
    for (struct store_batch *b = group->first; b != group->end; b = b->next) {
        if (!b->is_settled && !store_batch_frees(b)) {
            batch_settle(b, STORE_FULL);
        }
    }
}

static void group_break(const struct group *group)
{
    if (group->is_at_commit) {
        group_settle(group, STORE_UNCERTAIN);
    } else if (group->culprit != NULL) {
        batch_settle(group->culprit, STORE_BROKEN);
    }
    group_settle(group, STORE_BUSY);
    sqlite_health_break(group->store, group->is_at_commit ? "commit" : "write",
                        group->conn->result);
}

/* Say whether the log was moved away. */
static bool group_judge_room(const struct group *group, enum sqlite_fault fault)
{
    if (fault == FAULT_DISK) {
        group_break(group);
    }
    return fault == FAULT_NONE;
}

/* Give the ballast up; then what frees runs alone; then the log is moved away for it. */
static bool group_judge_full(struct group *group)
{
    if (sqlite_health(group->store) == HEALTH_WELL) {
        group_settle_inserts(group);
        return group_judge_room(group, sqlite_checkpoint_fill(group->store, group->conn));
    }
    if (group_open_count(group) > 1) {
        return false; /* group_run_singly goes on */
    }
    if (!group->has_made_room) {
        group->has_made_room = true;
        if (group_judge_room(group, sqlite_checkpoint_restart(group->conn))) {
            return true;
        }
    }
    group_settle(group, STORE_FULL);
    return false;
}

/* Judge a failed try; true: what is not settled is to be run again. */
static bool group_judge(struct group *group, enum sqlite_fault fault)
{
    switch (fault) {
    case FAULT_NONE:
        return false;
    case FAULT_CONFLICT: /* the batch ended the whole transaction: the rest runs without it */
    case FAULT_STATEMENT:
        if (group->culprit == NULL) { /* begin or commit is refused: nothing can be written */
            group_break(group);
            return false;
        }
        group->culprit->is_settled = true;
        return true;
    case FAULT_FULL:
        return group_judge_full(group);
    case FAULT_BUSY:
        group_settle(group, STORE_BUSY);
        return false;
    case FAULT_MEMORY:
        if (!group->is_at_commit) {
            group_settle(group, STORE_BUSY);
            return false;
        }
        group_break(group);
        return false;
    case FAULT_DISK:
        group_break(group);
        return false;
    }
    CHECK_UNREACHABLE();
}

static void group_open(const struct group *group)
{
    switch (sqlite_health(group->store)) {
    case HEALTH_WELL:
        return;
    case HEALTH_FULL:
        group_settle_inserts(group);
        return;
    case HEALTH_BROKEN:
        group_settle(group, STORE_BUSY);
        return;
    }
}

static void group_run_range(struct group *group)
{
    bool is_again = true;

    while (is_again) {
        is_again = group_judge(group, group_try(group));
    }
}

/* Little room is left: what fits alone is done. */
static void group_run_singly(const struct group *group)
{
    for (struct store_batch *b = group->first; b != group->end; b = b->next) {
        if (!b->is_settled) {
            struct group single = *group;
            single.first = b;
            single.end = b->next;
            group_run_range(&single);
        }
    }
}

#ifdef SEALPOST_PLANT_ACK_BEFORE_COMMIT
/* A planted fault, to prove that the crash tests see it: the answer leaves before the commit. */
static bool group_answer_early(struct group *group)
{
    if (group_open_count(group) > 0 && group_run_all(group) != FAULT_NONE) {
        group_break(group);
    }
    sqlite_group_post(group->store, group->first);
    if (sqlite_conn_in_transaction(group->conn)) {
        (void)sqlite_conn_command(group->conn, COMMAND_COMMIT);
    }
    return true;
}
#else
static bool group_answer_early(const struct group *group)
{
    (void)group;
    return false;
}
#endif

void sqlite_group_run(struct sqlite_store *store, struct store_batch *first)
{
    struct group group = { .store = store, .conn = &store->writer, .first = first };
    int64_t began_us = clock_steady_us();

    group_open(&group);
    if (group_answer_early(&group)) {
        return;
    }
    group_run_range(&group);
    group_run_singly(&group);
    metrics_observe_us(METRIC_store_commit, clock_steady_us() - began_us);
    sqlite_group_post(store, first);
}

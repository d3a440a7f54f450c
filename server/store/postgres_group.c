/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One group on its way:
 *
 *   BEGIN, settings, locks, statements of a piece, sync
 *      all well -> the next piece, or: tell, COMMIT, sync -> answered
 *      the suspect failed -> ROLLBACK TO its savepoint, and on as above
 *      else -> ROLLBACK, sync; back to the front of the queue
 *
 * A connection that is lost before the COMMIT was sent has written nothing, so
 * the group runs again on the next one.  Afterwards nobody knows: STORE_UNCERTAIN.
 */
#include <libpq-fe.h>
#include <stdbool.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "server/store/postgres_commands_private.h"
#include "server/store/postgres_conn_private.h"
#include "server/store/postgres_fault_private.h"
#include "server/store/postgres_gather_private.h"
#include "server/store/postgres_list_private.h"
#include "server/store/postgres_private.h"
#include "server/store/store.h"
#include "server/store/store_private.h"

enum {
    TAG_PIECE = 0,
    TAG_COMMIT,
    TAG_ROLLBACK
};

/* Send batches from first up to the next suspect, which ends the piece. */
static void group_send_piece(struct postgres_conn *conn, struct postgres_group *group,
                             struct store_batch *first)
{
    struct store_batch *batch = first;
    struct postgres_arrangement arrangement = { .conn = conn };

    group->piece = first;
    group->suspect = NULL;
    group->is_unproven = false;
    for (; batch != NULL && group->suspect == NULL; batch = batch->next) {
        if (batch->is_settled) {
            continue;
        }
        if (batch->is_suspect) {
            postgres_arrange_end(&arrangement);
            postgres_conn_command(conn, COMMAND_SAVE);
            group->suspect = batch;
        }
        postgres_arrange_batch(&arrangement, batch);
    }
    postgres_arrange_end(&arrangement);
    postgres_arrangement_clear(&arrangement);
    group->rest = batch;
    postgres_conn_sync(conn, TAG_PIECE);
}

void postgres_group_begin(struct postgres_store *store)
{
    struct postgres_group *group = &store->writer.running;
    struct postgres_conn *conn = store->writer.conn;

    group->is_active = true;
    group->started_us = clock_steady_us();
    for (struct store_batch *batch = group->batches.first; batch != NULL; batch = batch->next) {
        if (!batch->is_settled) {
            store_batch_forget_rows(batch);
            batch->status = STORE_OK;
        }
    }
    postgres_conn_command(conn, COMMAND_BEGIN);
    postgres_conn_command(conn, COMMAND_SETTINGS);
    postgres_keys_lock(conn, group->batches.first);
    group_send_piece(conn, group, group->batches.first);
    postgres_conn_flush(conn);
}

static void group_commit(struct postgres_store *store)
{
    struct postgres_writer *writer = &store->writer;
    char payload[POSTGRES_PAYLOAD_BYTES];

    CHECK(!writer->committing.is_active);
    writer->committing = writer->running;
    writer->running = (struct postgres_group){ 0 };
    postgres_conn_command(writer->conn, COMMAND_NO_TIMEOUT);
    if (postgres_keys_payload(store->listener.self, writer->committing.batches.first, payload)) {
        postgres_conn_tell(writer->conn, payload);
    }
    postgres_conn_command(writer->conn, COMMAND_COMMIT);
    postgres_conn_sync(writer->conn, TAG_COMMIT);
}

static void group_go_on(struct postgres_store *store)
{
    struct postgres_group *group = &store->writer.running;

    if (group->rest != NULL) {
        group_send_piece(store->writer.conn, group, group->rest);
    } else {
        group_commit(store);
    }
    postgres_writer_pump(store); /* what waits goes right behind the COMMIT */
    postgres_conn_flush(store->writer.conn);
}

static void group_give_up_old(struct postgres_store *store)
{
    postgres_list_give_up_old(&store->writer.queue, loop_steady_ms(store->base.loop));
}

static void group_run_again(struct postgres_store *store)
{
    struct postgres_writer *writer = &store->writer;
    bool is_ours = writer->running.fault == FAULT_NONE; /* a batch's, then, not the server's */

    postgres_list_prepend(&writer->queue, &writer->running.batches);
    if (!is_ours) {
        group_give_up_old(store);
    }
    writer->running = (struct postgres_group){ 0 };
    postgres_conn_command(writer->conn, COMMAND_ROLLBACK);
    postgres_conn_sync(writer->conn, TAG_ROLLBACK);
    postgres_writer_pump(store);
    postgres_conn_flush(writer->conn);
}

static void group_on_piece(struct postgres_store *store)
{
    struct postgres_group *group = &store->writer.running;

    switch (postgres_verdict_of(&store->writer, group)) {
    case VERDICT_GOOD:
        if (group->suspect != NULL) {
            postgres_conn_command(store->writer.conn, COMMAND_RELEASE);
        }
        group_go_on(store);
        return;
    case VERDICT_UNDO:
        postgres_conn_command(store->writer.conn, COMMAND_UNDO);
        group_go_on(store);
        return;
    case VERDICT_AGAIN:
        group_run_again(store);
        return;
    case VERDICT_DROP:
        postgres_conn_drop(
            store->writer.conn,
            "the server refuses to go on; behind a pooler set postgres_prepared = no");
        return;
    }
    CHECK_UNREACHABLE();
}

static bool group_has_insert(const struct postgres_group *group)
{
    bool has_insert = false;

    for (const struct store_batch *batch = group->batches.first; batch != NULL;
         batch = batch->next) {
        has_insert = has_insert || (!batch->is_settled && batch->has_insert);
    }
    return has_insert;
}

static void group_answer(struct postgres_writer *writer, enum store_status status)
{
    struct store_batch *first = writer->committing.batches.first;

    for (struct store_batch *batch = first; batch != NULL; batch = batch->next) {
        if (!batch->is_settled) {
            postgres_step_settle(batch, status);
        }
    }
    writer->committing = (struct postgres_group){ 0 };
    store_answer(first);
}

static void group_on_commit(struct postgres_store *store)
{
    struct postgres_writer *writer = &store->writer;
    const struct postgres_group *group = &writer->committing;

    if (group->fault != FAULT_NONE) {
        postgres_conn_drop(writer->conn, "the server refuses a commit");
        return;
    }
    writer->is_full = writer->is_full && !group_has_insert(group);
    metrics_add(METRIC_store_commits, 1);
    metrics_observe_us(METRIC_store_commit, clock_steady_us() - group->started_us);
    group_answer(writer, STORE_OK);
    postgres_writer_pump(store);
}

static void group_on_sync(struct postgres_store *store, int tag)
{
    if (tag == TAG_COMMIT) {
        group_on_commit(store);
    } else if (tag == TAG_PIECE) {
        group_on_piece(store);
    } else {
        postgres_writer_pump(store); /* the connection may be free only now */
    }
}

static void group_note_fault(struct postgres_group *group, enum postgres_fault fault)
{
    if (group->fault == FAULT_NONE && fault != FAULT_SKIPPED) {
        group->fault = fault;
    }
}

/* The server answers COMMIT with ROLLBACK when the transaction had failed before. */
static enum postgres_fault group_commit_fault(PGresult *result)
{
    enum postgres_fault fault = postgres_fault_of(result);

    return fault == FAULT_NONE && strcmp(PQcmdStatus(result), "COMMIT") != 0 ? FAULT_AGAIN : fault;
}

static void group_on_command(struct postgres_writer *writer, enum postgres_command command,
                             PGresult *result)
{
    if (command == COMMAND_COMMIT) {
        group_note_fault(&writer->committing, group_commit_fault(result));
    } else if (command == COMMAND_NO_TIMEOUT || command == COMMAND_TELL) {
        group_note_fault(&writer->committing, postgres_fault_of(result));
    } else if (command != COMMAND_ROLLBACK) {
        group_note_fault(&writer->running, postgres_fault_of(result));
    }
}

/* What is about this batch alone is its verdict's; what is about all is the group's. */
static void group_on_step(struct postgres_group *group, const struct postgres_message *message,
                          PGresult *result)
{
    enum postgres_fault fault = postgres_fault_of(result);

    if (message->kind == MESSAGE_STEP || fault != FAULT_NONE) {
        fault = postgres_step_take(message->batch, message->step, result);
    }
    if (fault == FAULT_AGAIN || fault == FAULT_FULL || fault == FAULT_READ_ONLY ||
        fault == FAULT_LOST) {
        group_note_fault(group, fault);
    }
}

/* When several met an error, who was to blame for it shows when they run apart. */
static void group_on_gather(struct postgres_group *group, const struct postgres_message *message,
                            PGresult *result)
{
    const struct postgres_gather *gather = message->gather;
    enum postgres_fault fault = postgres_fault_of(result);

    if (message->kind == MESSAGE_GATHER || fault != FAULT_NONE) {
        fault = postgres_step_take_gathered(gather, result);
    }
    switch (fault) {
    case FAULT_NONE:
    case FAULT_SKIPPED:
        return;
    case FAULT_CONFLICT:
    case FAULT_STATEMENT:
        group->is_unproven = group->is_unproven || gather->is_of_several;
        return;
    case FAULT_BUSY: /* each of them alone might take as long */
        group_note_fault(group, gather->is_of_several ? fault : FAULT_NONE);
        return;
    case FAULT_AGAIN:
    case FAULT_FULL:
    case FAULT_READ_ONLY:
    case FAULT_LOST:
        group_note_fault(group, fault);
        return;
    }
}

static void group_on_lock(struct postgres_group *group, const struct postgres_message *message,
                          const PGresult *result)
{
    enum postgres_fault fault = postgres_fault_of(result);

    if (fault != FAULT_NONE && fault != FAULT_SKIPPED && group->fault == FAULT_NONE) {
        group->bad_lock = message->stmt;
    }
    group_note_fault(group, fault);
}

void postgres_group_result(struct postgres_store *store, const struct postgres_message *message,
                           PGresult *result)
{
    struct postgres_writer *writer = &store->writer;

    if (message->kind == MESSAGE_SYNC) {
        group_on_sync(store, message->tag);
    } else if (message->kind == MESSAGE_COMMAND) {
        group_on_command(writer, message->command, result);
    } else if (message->gather != NULL) {
        group_on_gather(&writer->running, message, result);
    } else if (message->batch != NULL) {
        group_on_step(&writer->running, message, result);
    } else {
        group_on_lock(&writer->running, message, result);
    }
}

void postgres_group_lost(struct postgres_store *store)
{
    struct postgres_writer *writer = &store->writer;
    enum postgres_fault fault = writer->committing.fault;
    bool is_unknown = writer->committing.is_active && (fault == FAULT_NONE || fault == FAULT_LOST);

    postgres_verdict_count_try(&writer->running.batches);
    postgres_list_prepend(&writer->queue, &writer->running.batches);
    writer->running = (struct postgres_group){ 0 };
    if (!is_unknown) {
        postgres_verdict_count_try(&writer->committing.batches);
        postgres_list_prepend(&writer->queue, &writer->committing.batches);
        writer->committing = (struct postgres_group){ 0 };
    }
    group_give_up_old(store);
    if (is_unknown) {
        group_answer(writer, STORE_UNCERTAIN);
    }
}

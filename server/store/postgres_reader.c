/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads: one batch a connection at a time, in one flight: BEGIN, its statements,
 * COMMIT.  A connection that is lost gives its batch back to the front of the queue.
 */
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/check.h"
#include "common/loop.h"
#include "server/store/postgres.h"
#include "server/store/postgres_commands_private.h"
#include "server/store/postgres_conn_private.h"
#include "server/store/postgres_fault_private.h"
#include "server/store/postgres_list_private.h"
#include "server/store/postgres_outage_private.h"
#include "server/store/postgres_private.h"
#include "server/store/store.h"
#include "server/store/store_private.h"

enum {
    TAG_READ = 0,
    TAG_ROLLBACK
};

static void reads_pump(struct postgres_store *store);

static void on_pump(void *arg)
{
    struct postgres_store *store = arg;

    store->reads.is_pump_posted = false;
    reads_pump(store);
}

/* For what must not happen before the submit has returned. */
static void reads_post(struct postgres_store *store)
{
    if (!store->reads.is_pump_posted) {
        store->reads.is_pump_posted = true;
        loop_post(store->base.loop, on_pump, store);
    }
}

static void reader_run(struct postgres_reader *reader, struct store_batch *batch)
{
    reader->batch = batch;
    reader->fault = FAULT_NONE;
    reader->is_failed = false;
    store_batch_forget_rows(batch);
    batch->status = STORE_OK;
    postgres_conn_command(reader->conn, COMMAND_BEGIN_READ);
    for (size_t i = 0; i < batch->step_count; i++) {
        postgres_conn_step(reader->conn, batch, i);
    }
    postgres_conn_command(reader->conn, COMMAND_COMMIT);
    postgres_conn_sync(reader->conn, TAG_READ);
    postgres_conn_flush(reader->conn);
}

static struct postgres_reader *reads_free(struct postgres_reads *reads)
{
    for (int i = 0; i < reads->count; i++) {
        struct postgres_reader *reader = &reads->readers[i];
        if (reader->batch == NULL && postgres_conn_is_free(reader->conn)) {
            return reader;
        }
    }
    return NULL;
}

static void reads_pump(struct postgres_store *store)
{
    struct postgres_reads *reads = &store->reads;
    struct postgres_reader *reader = NULL;
    int answered = 0;

    while (reads->queue.first != NULL && answered < POSTGRES_ANSWER_BATCHES) {
        struct store_batch *batch = reads->queue.first;
        if (!batch->is_settled && reads->outage.is_down) {
            postgres_step_settle(batch, STORE_BUSY);
        }
        if (batch->is_settled || !postgres_step_check(&store->texts, batch)) {
            answered++;
            store_answer(postgres_list_take(&reads->queue));
            continue;
        }
        reader = reads_free(reads);
        if (reader == NULL) {
            return;
        }
        reader_run(reader, postgres_list_take(&reads->queue));
    }
    if (reads->queue.first != NULL) {
        reads_post(store); /* the others in the next turn */
    }
}

void postgres_reader_submit(struct store *base, struct store_batch *batch)
{
    struct postgres_store *store = (struct postgres_store *)base;
    struct postgres_reads *reads = &store->reads;
    struct postgres_reader *reader = reads->queue.first == NULL ? reads_free(reads) : NULL;

    batch->given_ms = loop_steady_ms(base->loop);
    if (reader != NULL && !batch->is_settled && postgres_step_check(&store->texts, batch)) {
        reader_run(reader, batch);
        return;
    }
    postgres_list_append(&reads->queue, batch);
    reads_post(store);
}

static void on_ready(void *arg)
{
    struct postgres_reader *reader = arg;

    postgres_outage_end(&reader->store->reads.outage);
    reads_pump(reader->store);
}

static bool reads_is_any_ready(const struct postgres_reads *reads)
{
    for (int i = 0; i < reads->count; i++) {
        if (postgres_conn_is_ready(reads->readers[i].conn)) {
            return true;
        }
    }
    return false;
}

/* Put the batch before all others: it came before them.  Too often lost, it ends. */
static void reader_give_back(struct postgres_reader *reader)
{
    struct postgres_list one = { 0 };
    struct store_batch *batch = reader->batch;

    reader->batch = NULL;
    batch->tries++;
    if (batch->tries >= POSTGRES_TRIES) {
        postgres_step_settle(batch, STORE_BUSY);
    }
    postgres_list_append(&one, batch);
    postgres_list_prepend(&reader->store->reads.queue, &one);
}

static void on_lost(void *arg)
{
    struct postgres_reader *reader = arg;
    struct postgres_store *store = reader->store;

    if (reader->batch != NULL) {
        reader_give_back(reader);
    }
    postgres_list_give_up_old(&store->reads.queue, loop_steady_ms(store->base.loop));
    if (!reads_is_any_ready(&store->reads)) {
        postgres_outage_begin(&store->reads.outage);
    }
    reads_post(store); /* it may have been lost while the batch was being submitted */
}

static void reader_finish(struct postgres_reader *reader)
{
    struct store_batch *batch = reader->batch;

    if (reader->fault == FAULT_LOST) {
        postgres_conn_drop(reader->conn, "the server ends the connection");
        return;
    }
    if (reader->is_failed) {
        postgres_conn_command(reader->conn, COMMAND_ROLLBACK);
        postgres_conn_sync(reader->conn, TAG_ROLLBACK);
    }
    if (reader->fault == FAULT_AGAIN) {
        reader_give_back(reader);
        postgres_list_give_up_old(&reader->store->reads.queue,
                                  loop_steady_ms(reader->store->base.loop));
    } else {
        reader->batch = NULL;
        batch->status = batch->status == STORE_CONFLICT ? STORE_BROKEN : batch->status;
        store_answer(batch);
    }
    postgres_conn_flush(reader->conn);
    reads_pump(reader->store);
}

static void on_result(void *arg, const struct postgres_message *message, PGresult *result)
{
    struct postgres_reader *reader = arg;
    enum postgres_fault fault = postgres_fault_of(result);

    if (message->kind == MESSAGE_SYNC) {
        if (message->tag == TAG_READ) {
            reader_finish(reader);
        } else {
            reads_pump(reader->store); /* it may be free only now */
        }
        return;
    }
    if (message->kind == MESSAGE_STEP ||
        (message->kind == MESSAGE_PREPARE && fault != FAULT_NONE)) {
        fault = postgres_step_take(message->batch, message->step, result);
    }
    if (fault == FAULT_NONE || fault == FAULT_SKIPPED || reader->is_failed) {
        return;
    }
    if (message->kind == MESSAGE_COMMAND && reader->batch->status == STORE_OK) {
        reader->batch->status = STORE_BUSY;
    }
    reader->fault = fault;
    reader->is_failed = true;
}

static const struct postgres_conn_user reader_user = { .on_ready = on_ready,
                                                       .on_result = on_result,
                                                       .on_lost = on_lost };

static void on_down(void *arg)
{
    reads_pump(arg);
}

void postgres_reader_start(struct postgres_store *store, int count)
{
    struct postgres_reads *reads = &store->reads;

    CHECK(count >= 1 && count <= POSTGRES_READERS_MAX);
    postgres_outage_init(&reads->outage, store->base.loop, on_down, store);
    postgres_outage_begin(&reads->outage);
    for (int i = 0; i < count; i++) {
        struct postgres_reader *reader = &reads->readers[i];
        reader->store = store;
        reader->conn = postgres_conn_create(&store->shared, "read", &reader_user, reader);
        reads->count = i + 1;
    }
}

void postgres_reader_stop(struct postgres_store *store)
{
    for (int i = 0; i < store->reads.count; i++) {
        postgres_conn_destroy(store->reads.readers[i].conn);
    }
    store->reads.count = 0;
    postgres_outage_clear(&store->reads.outage);
}

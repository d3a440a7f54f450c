/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The write queue.  What waits when the write connection is free becomes one
 * group.  A group's statements are sent right behind the COMMIT of the one
 * before, so the server never waits for us while it syncs (not behind a pooler); its own COMMIT leaves
 * only when all of its answers are in.  So batches commit in their order.
 */
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/loop.h"
#include "server/store/postgres_conn_private.h"
#include "server/store/postgres_list_private.h"
#include "server/store/postgres_outage_private.h"
#include "server/store/postgres_private.h"
#include "server/store/store.h"
#include "server/store/store_private.h"

static void on_pump(void *arg)
{
    struct postgres_store *store = arg;

    store->writer.is_pump_posted = false;
    postgres_writer_pump(store);
}

static void writer_post(struct postgres_store *store)
{
    if (!store->writer.is_pump_posted) {
        store->writer.is_pump_posted = true;
        loop_post(store->base.loop, on_pump, store);
    }
}

/* Say whether the first of the queue is not to be run: settled, or without a server. */
static bool writer_is_first_over(const struct postgres_writer *writer)
{
    struct store_batch *first = writer->queue.first;

    if (first != NULL && !first->is_settled && writer->outage.is_down) {
        postgres_step_settle(first, STORE_BUSY);
    }
    return first != NULL && first->is_settled;
}

/*
 * Answer what is over at the front of the queue.  Nothing before it is under way.  An outage ends
 * thousands at once: those beyond a turn's number wait for the next turn.
 */
static void writer_answer_first(struct postgres_store *store)
{
    struct postgres_writer *writer = &store->writer;
    struct postgres_list done = { 0 };

    for (int i = 0; i < POSTGRES_ANSWER_BATCHES && writer_is_first_over(writer); i++) {
        postgres_list_append(&done, postgres_list_take(&writer->queue));
    }
    if (writer_is_first_over(writer)) {
        writer_post(store);
    }
    store_answer(done.first);
}

/* Move what fits from the queue to the group; false when none of it is to be run. */
static bool writer_gather(struct postgres_store *store, struct postgres_group *group)
{
    struct postgres_list *queue = &store->writer.queue;
    int64_t bytes = 0;
    int count = 0;
    bool is_any = false;

    while (queue->first != NULL && count < POSTGRES_GROUP_BATCHES &&
           (count == 0 || bytes + queue->first->queue_bytes <= POSTGRES_GROUP_BYTES)) {
        struct store_batch *batch = postgres_list_take(queue);
        bytes += batch->queue_bytes;
        count++;
        if (!batch->is_settled && postgres_step_check(&store->texts, batch)) {
            is_any = true;
        }
        postgres_list_append(&group->batches, batch);
    }
    return is_any;
}

void postgres_writer_pump(struct postgres_store *store)
{
    struct postgres_writer *writer = &store->writer;
    struct postgres_group group = { 0 };

    if (writer->running.is_active) {
        return;
    }
    if (!writer->committing.is_active) {
        writer_answer_first(store);
    }
    if (writer->queue.first == NULL || !postgres_conn_is_free(writer->conn)) {
        return;
    }
    if (writer_gather(store, &group)) {
        writer->running = group;
        postgres_group_begin(store);
        return;
    }
    postgres_list_prepend(&writer->queue, &group.batches);
    if (!writer->committing.is_active) {
        writer_answer_first(store);
        writer_post(store); /* there may be more behind them */
    }
}

/* Not at once: what else is submitted in this turn joins the group. */
void postgres_writer_submit(struct store *base, struct store_batch *batch)
{
    struct postgres_store *store = (struct postgres_store *)base;

    batch->given_ms = loop_steady_ms(base->loop);
    postgres_list_append(&store->writer.queue, batch);
    writer_post(store);
}

static void on_ready(void *arg)
{
    struct postgres_store *store = arg;

    postgres_outage_end(&store->writer.outage);
    postgres_writer_pump(store);
}

static void on_result(void *arg, const struct postgres_message *message, PGresult *result)
{
    postgres_group_result(arg, message, result);
}

static void on_lost(void *arg)
{
    struct postgres_store *store = arg;

    postgres_outage_begin(&store->writer.outage);
    postgres_group_lost(store);
    postgres_writer_pump(store);
}

static void on_down(void *arg)
{
    postgres_writer_pump(arg);
}

static const struct postgres_conn_user writer_user = { .on_ready = on_ready,
                                                       .on_result = on_result,
                                                       .on_lost = on_lost };

void postgres_writer_start(struct postgres_store *store)
{
    struct postgres_writer *writer = &store->writer;

    postgres_outage_init(&writer->outage, store->base.loop, on_down, store);
    postgres_outage_begin(&writer->outage);
    writer->conn = postgres_conn_create(&store->shared, "write", &writer_user, store);
}

void postgres_writer_stop(struct postgres_store *store)
{
    postgres_conn_destroy(store->writer.conn);
    postgres_outage_clear(&store->writer.outage);
}

bool postgres_writer_is_ready(const struct store *base, const char **out_why)
{
    const struct postgres_store *store = (const struct postgres_store *)base;

    if (!postgres_conn_is_ready(store->writer.conn) || store->reads.outage.is_begun ||
        store->reads.outage.is_down) {
        *out_why = "the database cannot be reached: see the log";
        return false;
    }
    if (store->writer.is_full) {
        *out_why = "the disk of the database is full: free some space";
        return false;
    }
    return true;
}

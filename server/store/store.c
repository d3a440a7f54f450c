/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine-neutral part of the store: the bound of the write queue, and the
 * count of batches that were not answered yet, which store_destroy waits for.
 */
#include "server/store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/check.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "server/store/arena.h"
#include "server/store/store_private.h"

enum {
    STORE_CLOSE_WAIT_MS = 1000
};

void store_init(struct store *store, const struct store_ops *ops, struct loop *loop,
                int64_t queue_bound)
{
    *store = (struct store){ .ops = ops, .loop = loop, .queue_bound = queue_bound };
}

void store_set_pressure(struct store *store, store_pressure_fn *fn, void *arg)
{
    store->on_pressure = fn;
    store->pressure_arg = arg;
}

void store_set_news(struct store *store, store_news_fn *fn, void *arg)
{
    store->on_news = fn;
    store->news_arg = arg;
}

void store_give_news(const struct store *store, const int64_t *keys, size_t count)
{
    if (store->on_news != NULL) {
        store->on_news(store->news_arg, keys, count);
    }
}

bool store_is_shared(const struct store *store)
{
    return store->ops->hears != NULL;
}

bool store_hears(const struct store *store)
{
    return store->ops->hears != NULL && store->ops->hears(store);
}

static void store_press(struct store *store, bool is_pressed)
{
    store->is_pressed = is_pressed;
    if (store->on_pressure != NULL) {
        store->on_pressure(store->pressure_arg, is_pressed);
    }
}

static void store_count_queue(struct store *store, int64_t delta)
{
    store->queue_bytes += delta;
    metrics_add(METRIC_store_queue_bytes, delta);
    if (!store->is_pressed && store->queue_bytes > store->queue_bound) {
        store_press(store, true);
    } else if (store->is_pressed && store->queue_bytes < store->queue_bound / 2) {
        store_press(store, false);
    }
}

void store_expect(struct store *store, int64_t bytes)
{
    store_count_queue(store, bytes);
}

bool store_is_overfull(const struct store *store)
{
    return store->queue_bytes > 2 * store->queue_bound;
}

static struct store_batch *store_take(struct store *store, struct store_batch **batch,
                                      store_done_fn *done, void *arg)
{
    struct store_batch *taken = *batch;

    CHECK(taken != NULL && done != NULL);
    *batch = NULL;
    taken->store = store;
    taken->done = done;
    taken->arg = arg;
    taken->before_rows = arena_marked(&taken->arena);
    taken->rows = (struct store_rows){ .batch = taken };
    if (store->is_closing) {
        taken->status = STORE_BUSY;
        taken->is_settled = true;
    }
    store->waiting++;
    return taken;
}

void store_submit(struct store *store, struct store_batch **batch, store_done_fn *done, void *arg)
{
    struct store_batch *taken = store_take(store, batch, done, arg);
    int64_t bytes = taken->queue_bytes + (int64_t)taken->arena.total_bytes;

    taken->queue_bytes = bytes;
    store->ops->submit(store, taken); /* from here on it is the engine's */
    store_count_queue(store, bytes);
}

void store_read(struct store *store, struct store_batch **batch, store_done_fn *done, void *arg)
{
    struct store_batch *taken = store_take(store, batch, done, arg);

    taken->is_read = true;
    store->ops->read(store, taken);
}

static void store_count_outcome(const struct store_batch *batch)
{
    switch (batch->status) {
    case STORE_OK:
        metrics_add(METRIC_store_batches, batch->is_read ? 0 : 1);
        return;
    case STORE_REFUSED:
    case STORE_CONFLICT:
        return;
    case STORE_BUSY:
    case STORE_FULL:
    case STORE_UNCERTAIN:
    case STORE_BROKEN:
        metrics_add(METRIC_store_failures, 1);
        return;
    }
    CHECK_UNREACHABLE();
}

static void store_answer_one(struct store_batch *batch)
{
    struct store *store = batch->store;
    bool has_rows = batch->status == STORE_OK || batch->status == STORE_REFUSED;

    store_count_outcome(batch);
    if (!batch->is_read) {
        store_count_queue(store, -batch->queue_bytes);
    }
    batch->done(batch->arg, batch->status, has_rows ? &batch->rows : NULL);
    store_batch_destroy(batch);
    store->waiting--;
}

void store_answer(struct store_batch *first)
{
    while (first != NULL) {
        struct store_batch *next = first->next;
        store_answer_one(first);
        first = next;
    }
}

bool store_is_ready(const struct store *store, const char **out_why)
{
    if (store->is_closing) {
        *out_why = "the store is shutting down";
        return false;
    }
    return store->ops->is_ready(store, out_why);
}

void store_destroy(struct store *store)
{
    if (store == NULL) {
        return;
    }
    store->is_closing = true;
    while (store->waiting > 0) {
        loop_turn(store->loop, STORE_CLOSE_WAIT_MS);
    }
    store->ops->destroy(store);
}

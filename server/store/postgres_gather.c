/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "server/store/arena.h"
#include "server/store/postgres_conn_private.h"
#include "server/store/postgres_gather_private.h"
#include "server/store/store.h"
#include "server/store/store_private.h"

enum {
    KEYS_WORD_BITS = 64
};

static size_t keys_bit(int64_t key)
{
    return (size_t)((uint64_t)key * UINT64_C(0x9e3779b97f4a7c15) >>
                    (KEYS_WORD_BITS - POSTGRES_KEYS_BITS));
}

static void keys_note(struct postgres_keys *keys, const struct store_batch *batch)
{
    for (const struct store_key *key = batch->locks; key != NULL; key = key->next) {
        size_t bit = keys_bit(key->key);
        keys->bits[bit / KEYS_WORD_BITS] |= UINT64_C(1) << bit % KEYS_WORD_BITS;
    }
}

/* Say whether a key of the batch may be among keys. */
static bool keys_meet(const struct postgres_keys *keys, const struct store_batch *batch)
{
    const struct store_key *key = batch->locks;
    bool is_met = false;

    for (; key != NULL && !is_met; key = key->next) {
        size_t bit = keys_bit(key->key);
        is_met = (keys->bits[bit / KEYS_WORD_BITS] >> bit % KEYS_WORD_BITS & 1) != 0;
    }
    return is_met;
}

static void items_add(struct buf *items, struct store_batch *batch, size_t step)
{
    const struct postgres_gather_item item = { .batch = batch, .step = step };

    buf_append(items, bytes_of(&item, sizeof item));
}

static const struct postgres_gather_item *items_of(const struct buf *items, size_t *out_count)
{
    *out_count = items->size / sizeof(struct postgres_gather_item);
    return (const struct postgres_gather_item *)(const void *)items->at;
}

static void gather_send(struct postgres_arrangement *arrangement)
{
    size_t count = 0;
    const struct postgres_gather_item *items = items_of(&arrangement->gathered, &count);
    struct postgres_gather *gather = arena_take(
        &items[0].batch->arena, sizeof *gather + count * sizeof(struct postgres_gather_item));

    gather->stmt = arrangement->stmt;
    gather->count = count;
    gather->is_of_several = items[0].batch != items[count - 1].batch;
    memcpy(gather->items, items, count * sizeof items[0]);
    postgres_conn_gather(arrangement->conn, gather);
}

void postgres_arrange_end(struct postgres_arrangement *arrangement)
{
    size_t count = 0;

    if (arrangement->gathered.size > 0) {
        gather_send(arrangement);
    }
    const struct postgres_gather_item *items = items_of(&arrangement->behind, &count);
    for (size_t i = 0; i < count; i++) {
        postgres_conn_step(arrangement->conn, items[i].batch, items[i].step);
    }
    buf_empty(&arrangement->gathered);
    buf_empty(&arrangement->behind);
    arrangement->stmt = NULL;
    arrangement->bytes = 0;
    arrangement->noted = NULL;
    arrangement->is_wall = false;
    arrangement->gathered_keys = (struct postgres_keys){ { 0 } };
    arrangement->behind_keys = (struct postgres_keys){ { 0 } };
}

static size_t step_bytes(const struct store_step *step)
{
    size_t bytes = 0;

    for (const struct store_param *param = step->first_param; param != NULL; param = param->next) {
        bytes += param->value.bytes.size;
    }
    return bytes;
}

static bool gather_takes(const struct postgres_arrangement *arrangement,
                         const struct store_batch *batch, const struct store_stmt *stmt)
{
    if (arrangement->stmt != NULL && arrangement->stmt != stmt) {
        return false;
    }
    return arrangement->bytes < POSTGRES_GATHER_BYTES &&
           arrangement->gathered.size <
               POSTGRES_GATHER_STEPS * sizeof(struct postgres_gather_item) &&
           !arrangement->is_wall && !keys_meet(&arrangement->behind_keys, batch);
}

static void arrange_gathered(struct postgres_arrangement *arrangement, struct store_batch *batch,
                             size_t step)
{
    const struct store_stmt *stmt = batch->steps[step].stmt;

    CHECK(batch->locks != NULL);
    if (!gather_takes(arrangement, batch, stmt)) {
        postgres_arrange_end(arrangement);
    }
    if (arrangement->noted != batch) {
        keys_note(&arrangement->gathered_keys, batch);
        arrangement->noted = batch;
    }
    arrangement->stmt = stmt;
    arrangement->bytes += step_bytes(&batch->steps[step]);
    items_add(&arrangement->gathered, batch, step);
}

static bool step_may_run(const struct postgres_arrangement *arrangement,
                         const struct store_batch *batch, bool is_apart)
{
    if (arrangement->gathered.size == 0) {
        return true;
    }
    return arrangement->behind.size == 0 &&
           (is_apart || (batch->locks != NULL && !keys_meet(&arrangement->gathered_keys, batch)));
}

static void arrange_other(struct postgres_arrangement *arrangement, struct store_batch *batch,
                          size_t step)
{
    bool is_apart = batch->steps[step].stmt->is_apart;

    if (step_may_run(arrangement, batch, is_apart)) {
        postgres_conn_step(arrangement->conn, batch, step);
        return;
    }
    items_add(&arrangement->behind, batch, step);
    if (!is_apart) {
        arrangement->is_wall = arrangement->is_wall || batch->locks == NULL;
        keys_note(&arrangement->behind_keys, batch);
    }
}

void postgres_arrange_batch(struct postgres_arrangement *arrangement, struct store_batch *batch)
{
    for (size_t i = 0; i < batch->step_count; i++) {
        if (batch->steps[i].stmt->sql_gathered != NULL) {
            arrange_gathered(arrangement, batch, i);
        } else {
            arrange_other(arrangement, batch, i);
        }
    }
}

void postgres_arrangement_clear(struct postgres_arrangement *arrangement)
{
    buf_clear(&arrangement->gathered);
    buf_clear(&arrangement->behind);
}

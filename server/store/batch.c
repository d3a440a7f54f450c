/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/bytes.h"
#include "common/check.h"
#include "server/store/arena.h"
#include "server/store/store.h"
#include "server/store/store_private.h"

/* A send of one small envelope, or an ack, with its rows, fits the first chunk. */
enum {
    BATCH_CHUNK_BYTES = 2048,
    BATCH_STEPS = 4
};

struct store_batch *store_batch_create(void)
{
    struct arena arena;

    arena_init(&arena, BATCH_CHUNK_BYTES);
    struct store_batch *batch = arena_take(&arena, sizeof *batch);
    memset(batch, 0, sizeof *batch);
    batch->step_room = BATCH_STEPS;
    batch->steps = arena_take(&arena, BATCH_STEPS * sizeof *batch->steps);
    batch->arena = arena; /* from here on it owns the chunk that it lies in */
    return batch;
}

void store_batch_destroy(struct store_batch *batch)
{
    if (batch != NULL) {
        struct arena arena = batch->arena;
        arena_clear(&arena);
    }
}

static void batch_make_room(struct store_batch *batch)
{
    size_t room = batch->step_room * 2;
    struct store_step *steps = arena_take(&batch->arena, room * sizeof *steps);

    memcpy(steps, batch->steps, batch->step_count * sizeof *steps);
    batch->steps = steps;
    batch->step_room = room;
}

/* What kind of statement it is matters to SQLite alone: see store_batch_frees. */
static bool stmt_begins_with(const struct store_stmt *stmt, const char *verb)
{
    const char *sql = stmt->sql != NULL ? stmt->sql : stmt->sql_sqlite;

    sql = sql != NULL ? sql : stmt->sql_gathered;
    return strncasecmp(sql, verb, strlen(verb)) == 0;
}

static bool stmt_inserts(const struct store_stmt *stmt)
{
    return !stmt_begins_with(stmt, "DELETE") && !stmt_begins_with(stmt, "UPDATE") &&
           !stmt_begins_with(stmt, "SELECT");
}

static void batch_append(struct store_batch *batch, const struct store_stmt *stmt, bool is_expected)
{
    if (batch->step_count == batch->step_room) {
        batch_make_room(batch);
    }
    batch->has_insert = batch->has_insert || stmt_inserts(stmt);
    batch->steps[batch->step_count++] =
        (struct store_step){ .stmt = stmt, .is_expected = is_expected };
    batch->last_param = NULL;
}

void store_batch_add(struct store_batch *batch, const struct store_stmt *stmt)
{
    batch_append(batch, stmt, false);
}

void store_batch_expect(struct store_batch *batch, const struct store_stmt *stmt)
{
    batch_append(batch, stmt, true);
}

size_t store_batch_size(const struct store_batch *batch)
{
    return batch->step_count;
}

static void batch_bind(struct store_batch *batch, struct store_value value)
{
    CHECK(batch->step_count > 0);
    struct store_step *step = &batch->steps[batch->step_count - 1];
    struct store_param *param = arena_take(&batch->arena, sizeof *param);

    param->next = NULL;
    param->value = value;
    if (batch->last_param == NULL) {
        step->first_param = param;
    } else {
        batch->last_param->next = param;
    }
    batch->last_param = param;
    step->param_count++;
}

struct bytes store_batch_copy(struct store_batch *batch, struct bytes value)
{
    uint8_t *copy = arena_take(&batch->arena, value.size);

    if (value.size > 0) {
        memcpy(copy, value.at, value.size);
    }
    return bytes_of(copy, value.size);
}

void store_bind_bytes(struct store_batch *batch, struct bytes value)
{
    struct bytes copy = store_batch_copy(batch, value);

    batch_bind(batch, (struct store_value){ .kind = VALUE_BYTES, .bytes = copy });
}

void store_bind_borrowed(struct store_batch *batch, struct bytes value)
{
    batch->queue_bytes += (int64_t)value.size;
    batch_bind(batch, (struct store_value){ .kind = VALUE_BYTES, .bytes = value });
}

void store_bind_text(struct store_batch *batch, struct bytes value)
{
    struct bytes copy = store_batch_copy(batch, value);

    batch_bind(batch, (struct store_value){ .kind = VALUE_TEXT, .bytes = copy });
}

void store_bind_int(struct store_batch *batch, int64_t value)
{
    batch_bind(batch, (struct store_value){ .kind = VALUE_INT, .number = value });
}

void store_bind_null(struct store_batch *batch)
{
    batch_bind(batch, (struct store_value){ .kind = VALUE_NULL });
}

static void batch_note_key(struct store_batch *batch, struct store_key **list, int64_t key)
{
    struct store_key *noted = arena_take(&batch->arena, sizeof *noted);

    *noted = (struct store_key){ .next = *list, .key = key };
    *list = noted;
}

void store_batch_lock(struct store_batch *batch, const struct store_stmt *lock, int64_t key)
{
    CHECK(batch->lock == NULL || batch->lock == lock);
    batch->lock = lock;
    batch_note_key(batch, &batch->locks, key);
}

void store_batch_tell(struct store_batch *batch, int64_t key)
{
    batch_note_key(batch, &batch->tells, key);
}

bool store_batch_frees(const struct store_batch *batch)
{
    return !batch->has_insert || stmt_begins_with(batch->steps[0].stmt, "DELETE");
}

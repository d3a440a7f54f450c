/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   settle   WRITE (what I hold; put in force what all hold) and read -> follow the rows
 *              -> WRITE again, when this daemon makes with another key now -> tell
 *
 * What a daemon says that it makes with is true at once and written later: its batches
 * commit in their order, so nothing made with the older key comes behind that row.
 */
#include "server/domain/key_register.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/mem.h"
#include "server/domain/changes.h"
#include "server/domain/domain.h"
#include "server/domain/key_register_private.h"
#include "server/domain/key_register_sql.h"
#include "server/store/store.h"

enum {
    GONE_S = 180 /* a daemon that has not been seen for this long does not run: three beats */
};

/* Rows as they were read; whoever holds one frees it. */
struct row_list {
    struct key_row *rows;
    size_t count;
};

static struct row_list take_rows(struct store_rows *rows)
{
    struct row_list list = { .rows = mem_zeroed(KEY_REGISTER_MAX, sizeof *list.rows) };

    while (list.count < KEY_REGISTER_MAX && key_register_sql_row(rows, &list.rows[list.count])) {
        list.count++;
    }
    return list;
}

struct key_asker key_register_asker(const struct domain *domain, int64_t now_ms)
{
    int64_t now_s = now_ms / 1000;
    bool is_shared = store_is_shared(domain->store);

    return (struct key_asker){
        .daemon = domain->life,
        .now_s = now_s,
        .alive_s = is_shared ? now_s - GONE_S : 0,
        .gone_s = is_shared ? now_s - GONE_S : INT64_MAX, /* what was before is a life that ended */
    };
}

struct key_register *key_register_create(struct domain *domain, const struct key_keeper *keeper)
{
    struct key_register *keys = mem_zeroed(1, sizeof *keys);

    keys->domain = domain;
    keys->keeper = *keeper;
    return keys;
}

void key_register_destroy(struct key_register *keys)
{
    free(keys);
}

const struct key_row *key_register_newest(const struct key_row *rows, size_t count,
                                          const char *purpose)
{
    const struct key_row *newest = NULL;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].purpose, purpose) == 0 && rows[i].state == KEY_IN_FORCE &&
            (newest == NULL || rows[i].id > newest->id)) {
            newest = &rows[i];
        }
    }
    return newest;
}

struct reading {
    key_register_fn *done;
    void *arg;
};

static void on_read(void *arg, enum store_status status, struct store_rows *rows)
{
    struct reading *reading = arg;
    struct row_list list = { .count = 0 };

    if (status == STORE_OK) {
        list = take_rows(rows);
    }
    reading->done(reading->arg, status == STORE_OK, list.rows, list.count);
    free(list.rows);
    free(reading);
}

void key_register_read(struct domain *domain, int64_t now_ms, key_register_fn *done, void *arg)
{
    struct reading *reading = mem_zeroed(1, sizeof *reading);
    struct store_batch *batch = store_batch_create();
    const struct key_asker asker = key_register_asker(domain, now_ms);

    reading->done = done;
    reading->arg = arg;
    key_register_sql_ask(batch, &asker);
    store_read(domain->store, &batch, on_read, reading);
}

struct settling {
    struct key_register *keys;
    struct key_held held[KEY_REGISTER_HELD_MAX];
    size_t held_count;
    int64_t now_ms;
    bool was_repeated;
    bool tells; /* the other daemons */
    key_register_fn *done;
    void *arg;
};

static void settle_write(struct settling *settling);

static const struct key_held *held_of(const struct settling *settling, const struct key_row *row)
{
    for (size_t i = 0; i < settling->held_count; i++) {
        const struct key_held *held = &settling->held[i];
        if (held->id == row->id && strcmp(held->purpose, row->purpose) == 0 &&
            memcmp(held->fingerprint, row->fingerprint, sizeof held->fingerprint) == 0) {
            return held;
        }
    }
    return NULL;
}

static bool keeps_purpose(const struct settling *settling, const char *purpose)
{
    for (size_t i = 0; i < settling->held_count; i++) {
        if (strcmp(settling->held[i].purpose, purpose) == 0) {
            return true;
        }
    }
    return false; /* a newer version's */
}

/* What was dropped elsewhere goes here, too, but not its file: a row deletes no file. */
static void drop_retired(const struct settling *settling, const struct row_list *list)
{
    const struct key_keeper *keeper = &settling->keys->keeper;

    for (size_t i = 0; i < list->count; i++) {
        const struct key_row *row = &list->rows[i];
        const struct key_held *held = held_of(settling, row);
        if (row->state == KEY_RETIRED && held != NULL && !held->is_used) {
            char error[KEY_CHANGE_ERROR_BYTES];
            (void)keeper->drop(keeper->arg, row->purpose, row->id, false, error, sizeof error);
        }
    }
}

/* Tell once what is missing, until something else is. */
static void tell_missing(const struct settling *settling, const struct row_list *list)
{
    struct key_register *keys = settling->keys;
    uint32_t missed = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct key_row *row = &list->rows[i];
        if (row->state != KEY_RETIRED && keeps_purpose(settling, row->purpose) &&
            held_of(settling, row) == NULL) {
            missed = missed * 31 + row->id + 1;
        }
    }
    if (missed == keys->missed) {
        return;
    }
    keys->missed = missed;
    for (size_t i = 0; i < list->count; i++) {
        const struct key_row *row = &list->rows[i];
        if (row->state != KEY_RETIRED && keeps_purpose(settling, row->purpose) &&
            held_of(settling, row) == NULL) {
            keys->keeper.miss(keys->keeper.arg, row->purpose, row->id);
        }
    }
}

/* Make with the newest key of each purpose that is in force.  True: one of them is another now. */
static bool use_newest(const struct settling *settling, const struct row_list *list)
{
    const struct key_keeper *keeper = &settling->keys->keeper;
    bool changed = false;

    for (size_t i = 0; i < list->count; i++) {
        const struct key_row *row = &list->rows[i];
        const struct key_held *held = held_of(settling, row);
        if (held != NULL && !held->is_used &&
            key_register_newest(list->rows, list->count, row->purpose) == row) {
            keeper->use(keeper->arg, row->purpose, row->id);
            changed = true;
        }
    }
    return changed;
}

static void settle_end(struct settling *settling, bool ok, const struct row_list *list)
{
    settling->keys->is_unsettled = !ok;
    settling->done(settling->arg, ok, list->rows, list->count);
    free(settling);
}

static void on_settled(void *arg, enum store_status status, struct store_rows *rows)
{
    struct settling *settling = arg;
    struct row_list list = { .count = 0 };

    if (status != STORE_OK) {
        settle_end(settling, false, &list);
        return;
    }
    store_rows_select(rows, 2 + 2 * settling->held_count);
    list = take_rows(rows);
    tell_missing(settling, &list);
    if (use_newest(settling, &list) && !settling->was_repeated && !settling->keys->has_left) {
        settling->was_repeated = true;
        settling->tells = true;
        settle_write(settling);
    } else {
        drop_retired(settling, &list);
        settle_end(settling, true, &list);
    }
    free(list.rows);
}

static void settle_write(struct settling *settling)
{
    struct key_register *keys = settling->keys;
    struct store_batch *batch = store_batch_create();
    const struct key_asker asker = key_register_asker(keys->domain, settling->now_ms);

    settling->held_count = keys->keeper.list(keys->keeper.arg, settling->held);
    CHECK(settling->held_count <= KEY_REGISTER_HELD_MAX);
    key_register_sql_lock(batch);
    key_register_sql_clear(batch, &asker);
    for (size_t i = 0; i < settling->held_count; i++) {
        key_register_sql_hold(batch, &asker, &settling->held[i]);
    }
    key_register_sql_enforce(batch, &asker);
    key_register_sql_ask(batch, &asker);
    if (settling->tells) {
        changes_note_key_files(keys->domain, batch);
    }
    store_submit(keys->domain->store, &batch, on_settled, settling);
}

static struct settling *settling_create(struct key_register *keys, int64_t now_ms,
                                        key_register_fn *done, void *arg)
{
    struct settling *settling = mem_zeroed(1, sizeof *settling);

    settling->keys = keys;
    settling->now_ms = now_ms;
    settling->done = done;
    settling->arg = arg;
    return settling;
}

void key_register_settle(struct key_register *keys, int64_t now_ms, key_register_fn *done,
                         void *arg)
{
    settle_write(settling_create(keys, now_ms, done, arg));
}

void key_register_settle_all(struct key_register *keys, int64_t now_ms, key_register_fn *done,
                             void *arg)
{
    struct settling *settling = settling_create(keys, now_ms, done, arg);

    settling->tells = true;
    settle_write(settling);
}

static void on_followed(void *arg, bool ok, const struct key_row *rows, size_t count)
{
    struct key_register *keys = arg;

    (void)ok;
    (void)rows;
    (void)count;
    keys->is_following = false;
    if (keys->follows_again) {
        key_register_follow(keys, keys->follow_ms);
    }
}

/* However often it is asked for meanwhile, it is done once more. */
void key_register_follow(struct key_register *keys, int64_t now_ms)
{
    keys->follow_ms = now_ms;
    keys->follows_again = keys->is_following;
    if (!keys->is_following && !keys->has_left) {
        keys->is_following = true;
        key_register_settle(keys, now_ms, on_followed, keys);
    }
}

void key_register_beat(struct key_register *keys, int64_t now_ms)
{
    if (keys->domain->is_shared || keys->is_unsettled) {
        key_register_follow(keys, now_ms);
    }
}

struct forgetting {
    key_register_done_fn *done;
    void *arg;
};

static void on_forgotten(void *arg, enum store_status status, struct store_rows *rows)
{
    struct forgetting *forgetting = arg;

    (void)rows;
    forgetting->done(forgetting->arg, status == STORE_OK);
    free(forgetting);
}

static void submit_forgetting(struct domain *domain, struct store_batch *batch,
                              key_register_done_fn *done, void *arg)
{
    struct forgetting *forgetting = mem_zeroed(1, sizeof *forgetting);

    forgetting->done = done;
    forgetting->arg = arg;
    store_submit(domain->store, &batch, on_forgotten, forgetting);
}

void key_register_forget(struct domain *domain, const char *purpose, uint32_t id,
                         key_register_done_fn *done, void *arg)
{
    struct store_batch *batch = store_batch_create();

    key_register_sql_lock(batch);
    key_register_sql_forget(batch, purpose, id);
    submit_forgetting(domain, batch, done, arg);
}

void key_register_leave(struct key_register *keys, key_register_done_fn *done, void *arg)
{
    struct store_batch *batch = store_batch_create();

    keys->has_left = true;
    key_register_sql_leave(batch, keys->domain->life);
    submit_forgetting(keys->domain, batch, done, arg);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   rotate   settle -> the next id -> MAKE the file -> settle -> answer
 *   retire   settle -> nobody makes with it -> COUNT what it sealed -> WRITE -> delete the file
 *
 * The file is durable before its row: a row whose file a crash took would keep the relay
 * from starting.  Of retiring it is the other way round, and a second call deletes a file
 * that stayed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "server/domain/changes.h"
#include "server/domain/domain.h"
#include "server/domain/key_register.h"
#include "server/domain/key_register_private.h"
#include "server/domain/key_register_sql.h"
#include "server/domain/reseal.h"
#include "server/store/store.h"

static const char seal_purpose[] = "seal";

enum {
    CLOCKS_S = 60 /* daemons' clocks may differ by this much */
};

struct changing {
    struct key_register *keys;
    char purpose[KEY_PURPOSE_BYTES];
    int64_t now_ms;
    key_change_fn *done;
    void *arg;
    struct key_change_outcome outcome;
};

static void finish(struct changing *changing, enum key_change result)
{
    changing->outcome.result = result;
    changing->done(changing->arg, &changing->outcome);
    free(changing);
}

static struct changing *changing_create(struct key_register *keys, const char *purpose,
                                        int64_t now_ms, key_change_fn *done, void *arg)
{
    struct changing *changing = mem_zeroed(1, sizeof *changing);

    changing->keys = keys;
    (void)snprintf(changing->purpose, sizeof changing->purpose, "%s", purpose);
    changing->now_ms = now_ms;
    changing->done = done;
    changing->arg = arg;
    return changing;
}

/* False, with the change finished, when keys of the purpose cannot be changed. */
static bool may_change(struct changing *changing)
{
    const struct key_keeper *keeper = &changing->keys->keeper;
    bool known = false;

    changing->outcome.why = keeper->fixed(keeper->arg, changing->purpose, &known);
    if (!known) {
        finish(changing, KEY_CHANGE_UNKNOWN);
    } else if (changing->outcome.why != NULL) {
        finish(changing, KEY_CHANGE_FIXED);
    } else {
        return true;
    }
    return false;
}

static const struct key_row *row_of(const struct changing *changing, const struct key_row *rows,
                                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].id == changing->outcome.id && strcmp(rows[i].purpose, changing->purpose) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static void on_made(void *arg, bool ok, const struct key_row *rows, size_t count)
{
    struct changing *changing = arg;
    const struct key_row *row = row_of(changing, rows, count);

    if (!ok || row == NULL) { /* the next settling, within a minute, notes the file */
        finish(changing, KEY_CHANGE_UNAVAILABLE);
        return;
    }
    changing->outcome.in_force = row->state == KEY_IN_FORCE;
    changing->outcome.lacking = row->lacking;
    finish(changing, KEY_CHANGE_DONE);
}

/* What stands there of the purpose; its last key in *out_last, or 0. */
static size_t unretired(const struct changing *changing, const struct key_row *rows, size_t count,
                        const struct key_row **out_last)
{
    size_t unretired = 0;

    *out_last = NULL;
    for (size_t i = 0; i < count; i++) { /* by id */
        if (strcmp(rows[i].purpose, changing->purpose) == 0) {
            unretired += rows[i].state == KEY_RETIRED ? 0 : 1;
            *out_last = &rows[i];
        }
    }
    return unretired;
}

static void on_rotating(void *arg, bool ok, const struct key_row *rows, size_t count)
{
    struct changing *changing = arg;
    const struct key_keeper *keeper = &changing->keys->keeper;
    struct key_change_outcome *outcome = &changing->outcome;
    const struct key_row *last = NULL;

    if (!ok || count == KEY_REGISTER_MAX) {
        finish(changing, KEY_CHANGE_UNAVAILABLE);
        return;
    }
    if (unretired(changing, rows, count, &last) >= KEY_UNRETIRED_MAX ||
        (last != NULL && last->id == UINT32_MAX)) {
        finish(changing, KEY_CHANGE_TOO_MANY);
        return;
    }
    outcome->id = last == NULL ? 1 : last->id;
    if (last != NULL && last->state == KEY_AWAITED) {
        outcome->lacking = last->lacking;
        finish(changing, KEY_CHANGE_AWAITED);
        return;
    }
    outcome->id += last == NULL ? 0 : 1;
    if (!keeper->make(keeper->arg, changing->purpose, outcome->id, outcome->error,
                      sizeof outcome->error)) {
        finish(changing, KEY_CHANGE_FILE);
        return;
    }
    key_register_settle_all(changing->keys, changing->now_ms, on_made, changing);
}

void key_change_rotate(struct key_register *keys, const char *purpose, int64_t now_ms,
                       key_change_fn *done, void *arg)
{
    struct changing *changing = changing_create(keys, purpose, now_ms, done, arg);

    if (may_change(changing)) {
        key_register_settle(keys, now_ms, on_rotating, changing);
    }
}

/* The row says so already: what is left is the file. */
static void drop_file(struct changing *changing)
{
    const struct key_keeper *keeper = &changing->keys->keeper;
    struct key_change_outcome *outcome = &changing->outcome;

    if (keeper->drop(keeper->arg, changing->purpose, outcome->id, true, outcome->error,
                     sizeof outcome->error)) {
        outcome->error[0] = '\0';
    }
    finish(changing, KEY_CHANGE_DONE);
}

static void on_retired(void *arg, enum store_status status, struct store_rows *rows)
{
    struct changing *changing = arg;

    (void)rows;
    switch (status) {
    case STORE_OK:
        log_info("key.retired", "purpose=%s id=%u", changing->purpose, changing->outcome.id);
        drop_file(changing);
        return;
    case STORE_REFUSED:
        finish(changing, KEY_CHANGE_IN_USE);
        return;
    case STORE_FULL:
        finish(changing, KEY_CHANGE_STORAGE_FULL);
        return;
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_UNCERTAIN:
    case STORE_BROKEN:
        finish(changing, KEY_CHANGE_UNAVAILABLE);
        return;
    }
}

static void retire(struct changing *changing)
{
    struct domain *domain = changing->keys->domain;
    struct store_batch *batch = store_batch_create();
    const struct key_asker asker = key_register_asker(domain, changing->now_ms);

    key_register_sql_lock(batch);
    key_register_sql_expect_retire(batch, &asker, changing->purpose, changing->outcome.id);
    changes_note_key_files(domain, batch);
    store_submit(domain->store, &batch, on_retired, changing);
}

static void on_counted(void *arg, bool ok, const struct reseal_count *counts, size_t count)
{
    struct changing *changing = arg;
    struct key_change_outcome *outcome = &changing->outcome;

    if (!ok) {
        finish(changing, KEY_CHANGE_UNAVAILABLE);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (counts[i].key_id == outcome->id) {
            outcome->row_count = counts[i].row_count;
        }
    }
    if (outcome->row_count > 0) {
        reseal_begin(changing->keys->domain->reseal);
        finish(changing, KEY_CHANGE_NEEDED);
    } else {
        retire(changing);
    }
}

/* Nobody makes with it any more: so what it made only gets less. */
static void look_for_need(struct changing *changing, const struct key_row *newest)
{
    int64_t good_until = newest->since + LIMIT_CHALLENGE_S + CLOCKS_S;
    int64_t now_s = changing->now_ms / 1000;

    if (strcmp(changing->purpose, seal_purpose) == 0) {
        reseal_count(changing->keys->domain, on_counted, changing);
    } else if (now_s < good_until) {
        changing->outcome.retry_s = good_until - now_s;
        finish(changing, KEY_CHANGE_RECENT);
    } else {
        retire(changing);
    }
}

static bool is_used(const struct changing *changing, const struct key_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].purpose, changing->purpose) == 0 && rows[i].id <= changing->outcome.id &&
            rows[i].using_it > 0) {
            return true;
        }
    }
    return false;
}

static void on_retiring(void *arg, bool ok, const struct key_row *rows, size_t count)
{
    struct changing *changing = arg;
    const struct key_row *newest = key_register_newest(rows, count, changing->purpose);
    const struct key_row *row = row_of(changing, rows, count);

    if (!ok) {
        finish(changing, KEY_CHANGE_UNAVAILABLE);
    } else if (row == NULL) {
        finish(changing, KEY_CHANGE_UNKNOWN);
    } else if (row->state == KEY_RETIRED) {
        drop_file(changing);
    } else if (row->state == KEY_AWAITED) {
        changing->outcome.lacking = row->lacking;
        finish(changing, KEY_CHANGE_AWAITED);
    } else if (newest == NULL || newest->id <= row->id || is_used(changing, rows, count)) {
        finish(changing, KEY_CHANGE_IN_USE);
    } else {
        look_for_need(changing, newest);
    }
}

void key_change_retire(struct key_register *keys, const char *purpose, uint32_t id, int64_t now_ms,
                       key_change_fn *done, void *arg)
{
    struct changing *changing = changing_create(keys, purpose, now_ms, done, arg);

    changing->outcome.id = id;
    if (may_change(changing)) {
        key_register_settle(keys, now_ms, on_retiring, changing);
    }
}

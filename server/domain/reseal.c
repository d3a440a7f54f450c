/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   READ a page -> open and seal what is under another key -> WRITE -> READ the next page
 *
 * A page is small, since all of it is opened in one turn of the loop.  Where a walk stands
 * is kept in memory alone: what it has done shows in the rows.
 */
#include "server/domain/reseal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/seal.h"
#include "server/domain/domain.h"
#include "server/domain/sealed.h"
#include "server/domain/sealed_sql.h"
#include "server/store/store.h"

enum {
    PAGE_ROWS = 64,
    COUNT_ROWS = 2000
};

/* Where a walk over all columns stands. */
struct place {
    enum sealed_column column;
    uint8_t key[SEALED_ROW_KEY_BYTES]; /* of the last row */
    size_t key_size;
};

struct reseal {
    struct domain *domain;
    struct place at;
    bool is_walking;
    bool again;     /* another walk was asked for */
    bool is_broken; /* the last walk ended early */
    bool page_is_last;
    int64_t tried; /* rows of the batch under way */
    int64_t resealed, left, unreadable;
    uint32_t missing_key; /* one that rows want and that is not here; 0: none */
    struct reseal_state last;
};

static void walk_on(struct reseal *reseal);

struct reseal *reseal_create(struct domain *domain)
{
    struct reseal *reseal = mem_zeroed(1, sizeof *reseal);

    reseal->domain = domain;
    return reseal;
}

void reseal_destroy(struct reseal *reseal)
{
    free(reseal);
}

static void place_move(struct place *place, struct bytes key)
{
    memcpy(place->key, key.at, key.size);
    place->key_size = key.size;
}

static void place_next_column(struct place *place)
{
    place->column++;
    place->key_size = 0;
}

static void walk_start(struct reseal *reseal)
{
    reseal->is_walking = true;
    reseal->is_broken = false;
    reseal->at = (struct place){ 0 };
    reseal->resealed = 0;
    reseal->left = 0;
    reseal->unreadable = 0;
    reseal->missing_key = 0;
    walk_on(reseal);
}

static void tell(const struct reseal *reseal)
{
    uint32_t key = seal_key_in_use(reseal->domain->seal);

    metrics_set(METRIC_seal_rows_old, reseal->left);
    metrics_set(METRIC_seal_rows_unreadable, reseal->unreadable);
    if (reseal->resealed > 0 || reseal->left > 0) {
        log_info("seal.resealed", "rows=%" PRId64 " left=%" PRId64 " key=%" PRIu32,
                 reseal->resealed, reseal->left, key);
    }
    if (reseal->unreadable > 0 && reseal->missing_key != 0) {
        log_error("seal.unreadable",
                  "rows=%" PRId64 " why=\"seal-%" PRIu32 ".key is not in key_dir; put it back from"
                  " your copy of the keys and reload\"",
                  reseal->unreadable, reseal->missing_key);
    } else if (reseal->unreadable > 0) {
        log_error("seal.unreadable", "rows=%" PRId64 " why=damaged", reseal->unreadable);
    }
}

static void walk_end(struct reseal *reseal, bool whole)
{
    reseal->is_walking = false;
    reseal->is_broken = !whole;
    if (whole) {
        reseal->last.left = reseal->left;
        reseal->last.unreadable = reseal->unreadable;
        tell(reseal);
    } else {
        log_warn("seal.reseal_stopped", "rows=%" PRId64 " effect=\"it goes on within a minute\"",
                 reseal->resealed);
    }
    if (whole && reseal->again) {
        reseal->again = false;
        walk_start(reseal);
    }
}

/* Put the row's value, sealed anew, into batch.  False when it cannot be opened. */
static bool reseal_row(struct reseal *reseal, const struct sealed_row *row,
                       struct store_batch *batch)
{
    const struct seal *seal = reseal->domain->seal;
    const struct seal_place place = sealed_place(reseal->at.column, row->key);
    struct buf plain = { 0 };
    struct buf sealed = { 0 };
    bool good = seal_open(seal, &place, row->sealed, &plain);

    if (good) {
        seal_close(seal, &place, buf_view(&plain), &sealed);
        sealed_sql_put(batch, reseal->at.column, row, buf_view(&sealed));
    } else if (!seal_has_key(seal, seal_key_of(row->sealed))) {
        reseal->missing_key = seal_key_of(row->sealed);
    }
    mem_wipe(plain.at, plain.size);
    buf_clear(&plain);
    buf_clear(&sealed);
    return good;
}

/* Read a page into a batch that writes; NULL when there is nothing to write. */
static struct store_batch *take_page(struct reseal *reseal, struct store_rows *rows)
{
    uint32_t wanted = seal_key_in_use(reseal->domain->seal);
    struct store_batch *batch = store_batch_create();
    struct sealed_row row;
    int count = 0;

    reseal->tried = 0;
    for (; sealed_sql_row(rows, &row); count++) {
        place_move(&reseal->at, row.key);
        if (row.sealed.size == 0 || seal_key_of(row.sealed) == wanted) {
            continue;
        }
        if (reseal_row(reseal, &row, batch)) {
            reseal->tried++;
        } else {
            reseal->unreadable++;
        }
    }
    reseal->page_is_last = count < PAGE_ROWS;
    if (reseal->tried == 0) {
        store_batch_destroy(batch);
        return NULL;
    }
    return batch;
}

static void page_done(struct reseal *reseal)
{
    if (reseal->page_is_last) {
        place_next_column(&reseal->at);
    }
    walk_on(reseal);
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct reseal *reseal = arg;
    int64_t changed = 0;

    if (status != STORE_OK) {
        walk_end(reseal, false);
        return;
    }
    for (int64_t i = 0; i < reseal->tried; i++) {
        store_rows_select(rows, (size_t)i);
        changed += store_rows_changed(rows);
    }
    reseal->resealed += changed;
    reseal->left += reseal->tried - changed;
    metrics_add(METRIC_seal_resealed, changed);
    page_done(reseal);
}

static void on_page(void *arg, enum store_status status, struct store_rows *rows)
{
    struct reseal *reseal = arg;
    struct store_batch *batch = NULL;

    if (status != STORE_OK) {
        walk_end(reseal, false);
        return;
    }
    batch = take_page(reseal, rows);
    if (batch != NULL) {
        store_submit(reseal->domain->store, &batch, on_written, reseal);
    } else {
        page_done(reseal);
    }
}

static void walk_on(struct reseal *reseal)
{
    struct store_batch *batch = NULL;

    if (reseal->at.column == SEALED_COLUMNS) {
        walk_end(reseal, true);
        return;
    }
    batch = sealed_sql_page(reseal->at.column, bytes_of(reseal->at.key, reseal->at.key_size),
                            PAGE_ROWS);
    store_read(reseal->domain->store, &batch, on_page, reseal);
}

void reseal_begin(struct reseal *reseal)
{
    if (reseal->is_walking) {
        reseal->again = true;
    } else {
        walk_start(reseal);
    }
}

void reseal_go_on(struct reseal *reseal)
{
    if (!reseal->is_walking && (reseal->is_broken || reseal->last.left > 0)) {
        walk_start(reseal);
    }
}

struct reseal_state reseal_state(const struct reseal *reseal)
{
    struct reseal_state state = reseal->last;

    state.is_walking = reseal->is_walking;
    return state;
}

struct counting {
    struct domain *domain;
    struct place at;
    struct reseal_count counts[RESEAL_KEYS_MAX];
    size_t count;
    reseal_counted_fn *done;
    void *arg;
};

static void count_on(struct counting *counting);

static void count_end(struct counting *counting, bool ok)
{
    counting->done(counting->arg, ok, counting->counts, counting->count);
    free(counting);
}

static struct reseal_count *count_of(struct counting *counting, uint32_t key_id)
{
    for (size_t i = 0; i < counting->count; i++) {
        if (counting->counts[i].key_id == key_id) {
            return &counting->counts[i];
        }
    }
    if (counting->count == RESEAL_KEYS_MAX) {
        return &counting->counts[0];
    }
    counting->counts[counting->count].key_id = key_id;
    return &counting->counts[counting->count++];
}

static void on_heads(void *arg, enum store_status status, struct store_rows *rows)
{
    struct counting *counting = arg;
    struct sealed_row row;
    int count = 0;

    if (status != STORE_OK) {
        count_end(counting, false);
        return;
    }
    for (; sealed_sql_row(rows, &row); count++) {
        place_move(&counting->at, row.key);
        if (row.sealed.size > 0) {
            count_of(counting, seal_key_of(row.sealed))->row_count++;
        }
    }
    if (count < COUNT_ROWS) {
        place_next_column(&counting->at);
    }
    count_on(counting);
}

static void count_on(struct counting *counting)
{
    struct store_batch *batch = NULL;

    if (counting->at.column == SEALED_COLUMNS) {
        count_end(counting, true);
        return;
    }
    batch = sealed_sql_heads(counting->at.column, bytes_of(counting->at.key, counting->at.key_size),
                             COUNT_ROWS);
    store_read(counting->domain->store, &batch, on_heads, counting);
}

void reseal_count(struct domain *domain, reseal_counted_fn *done, void *arg)
{
    struct counting *counting = mem_zeroed(1, sizeof *counting);

    counting->domain = domain;
    counting->done = done;
    counting->arg = arg;
    counting->count = 1; /* the first is of id 0 */
    count_on(counting);
}

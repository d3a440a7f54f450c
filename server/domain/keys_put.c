/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/key_slots.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/domain/accounts_sql.h"
#include "server/domain/commands.h"
#include "server/domain/domain.h"
#include "server/domain/keys.h"
#include "server/domain/keys_private.h"
#include "server/domain/keys_sql.h"
#include "server/domain/keys_stock_sql.h"
#include "server/domain/sharing.h"
#include "server/domain/slots.h"
#include "server/store/store.h"

enum {
    TRIES_MAX = 10, /* of a device that races with itself, one gets through each time */

    /* The statements of the read. */
    READ_OWNER = 0,
    READ_HELD
};

struct put {
    struct domain *domain;
    struct keys_owner owner;
    struct keys_parcel *parcel;
    bool removes;
    int64_t now_ms;
    struct keys_owner_row row;
    struct keys_judged judged;
    size_t stock_at;
    int tries;
    keys_done_fn *done;
    void *arg;
};

static void put_read(struct put *put);

struct keys_parcel *keys_parcel_create(size_t room)
{
    struct keys_parcel *parcel = mem_zeroed(1, sizeof *parcel);

    parcel->objects = mem_zeroed(room, sizeof *parcel->objects);
    return parcel;
}

void keys_parcel_destroy(struct keys_parcel *parcel)
{
    if (parcel != NULL) {
        buf_clear(&parcel->bytes);
        free(parcel->objects);
        free(parcel);
    }
}

/* A store that does not answer refuses nobody. */
static void count_outcome(const struct put *put, enum keys_result result)
{
    if (put->removes || result == KEYS_UNAVAILABLE || result == KEYS_STORAGE_FULL) {
        return;
    }
    metrics_add(result == KEYS_DONE ? METRIC_keys_uploaded : METRIC_keys_refused, 1);
}

/* Tell the outcome; it is the last to use put. */
static void finish(struct put *put, const struct keys_outcome *outcome)
{
    count_outcome(put, outcome->result);
    put->done(put->arg, outcome);
    keys_judged_clear(&put->judged);
    keys_parcel_destroy(put->parcel);
    free(put);
}

static void finish_with(struct put *put, enum keys_result result)
{
    const struct keys_outcome outcome = { .result = result, .last_seq = put->row.command_seq };

    finish(put, &outcome);
}

static void finish_done(struct put *put, struct store_rows *rows)
{
    struct keys_stock *stock = mem_zeroed(1, sizeof *stock);
    const struct keys_outcome outcome = { .result = KEYS_DONE, .stock = stock };

    keys_stock_sql_fill(rows, put->stock_at, put->domain->slots, put->now_ms / 1000, stock);
    finish(put, &outcome);
    free(stock);
}

/* What it was judged under has moved on. */
static void try_again(struct put *put)
{
    put->tries++;
    if (put->tries < TRIES_MAX) {
        put_read(put);
    } else {
        finish_with(put, KEYS_UNAVAILABLE);
    }
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct put *put = arg;

    switch (status) {
    case STORE_OK:
        finish_done(put, rows);
        return;
    case STORE_REFUSED:
    case STORE_CONFLICT:
        try_again(put);
        return;
    case STORE_FULL:
        finish_with(put, KEYS_STORAGE_FULL);
        return;
    case STORE_UNCERTAIN:
    case STORE_BUSY:
    case STORE_BROKEN:
        finish_with(put, KEYS_UNAVAILABLE);
        return;
    }
}

/* A static key or a last resort takes the place of the one before. */
static void write_key(struct put *put, struct store_batch *batch, const struct keys_pool_name *pool,
                      size_t at)
{
    const struct keys_judged *judged = &put->judged;
    const struct keys_new_row row = { .object = &put->parcel->objects[at],
                                      .facts = &judged->facts[at],
                                      .hash = judged->hashes[at],
                                      .day = put->now_ms / DOMAIN_DAY_MS };

    if (row.facts->use != KEY_SLOTS_SINGLE) {
        keys_sql_drop_use(batch, pool, row.facts->use);
    }
    keys_sql_insert(batch, pool, &row);
}

static void write_pile(struct put *put, struct store_batch *batch, const struct keys_pile *pile)
{
    const struct keys_pool_name pool = { put->owner.guard.mailbox, pile->slot->name };

    keys_sql_put_pool(batch, &pool, pile->whole);
    keys_sql_drop_stale(batch, &pool, put->now_ms / DOMAIN_DAY_MS);
    if (pile->whole) {
        keys_sql_drop_all(batch, &pool);
    }
    for (size_t i = pile->first; i < pile->first + pile->count; i++) {
        if (!put->judged.is_there[i]) {
            write_key(put, batch, &pool, i);
        }
    }
    keys_sql_note_low(batch, &pool, put->now_ms / 1000);
}

static void write_removal(struct put *put, struct store_batch *batch, const struct keys_pile *pile)
{
    const struct keys_pool_name pool = { put->owner.guard.mailbox, pile->slot->name };

    if (pile->whole) {
        keys_sql_drop_all(batch, &pool);
    }
    for (size_t i = pile->first; i < pile->first + pile->count; i++) {
        keys_sql_drop_id(batch, &pool, put->parcel->objects[i].id);
    }
    keys_sql_note_low(batch, &pool, put->now_ms / 1000);
}

static void put_write(struct put *put)
{
    struct store_batch *batch = store_batch_create();
    int64_t mailbox = put->owner.guard.mailbox;

    keys_sql_expect_seq(batch, mailbox, put->row.command_seq);
    commands_spend(batch, &put->owner.guard);
    keys_sql_expect_head(batch, &put->row.head);
    if (put->parcel->has_registration) {
        keys_sql_set_registration(batch, mailbox, put->parcel->registration_id);
    }
    for (size_t i = 0; i < put->parcel->pile_count; i++) {
        if (put->removes) {
            write_removal(put, batch, &put->parcel->piles[i]);
        } else {
            write_pile(put, batch, &put->parcel->piles[i]);
        }
    }
    put->stock_at = store_batch_size(batch);
    keys_stock_sql_ask(batch, mailbox, put->now_ms / 1000);
    store_submit(put->domain->store, &batch, on_written, put);
}

static struct bytes copy_identity(const struct manifest_device *device, uint16_t type,
                                  uint8_t *room)
{
    struct bytes key = manifest_find_key(device, type);

    if (key.size > 0) {
        memcpy(room, key.at, key.size);
    }
    return bytes_of(room, key.size);
}

/* False when the manifest, which was valid when it was stored, is not. */
static bool take_identity(struct put *put)
{
    struct manifest *manifest = mem_raw(sizeof *manifest);
    struct keys_judged *judged = &put->judged;
    bool valid = manifest_parse(put->row.manifest, manifest) == MANIFEST_VALID;
    const struct manifest_device *device =
        valid ? manifest_find(manifest, put->owner.device_id) : NULL;

    if (device != NULL) {
        judged->identity.signal = copy_identity(device, MANIFEST_KEY_SIGNAL, judged->identity_raw);
        judged->identity.mls =
            copy_identity(device, MANIFEST_KEY_MLS, judged->identity_raw + LIMIT_PRIVATE_KEY_BYTES);
    }
    free(manifest);
    put->row.manifest = bytes_of(NULL, 0); /* it goes with the rows */
    if (!valid) {
        log_error("manifests.damaged", "account=%lld", (long long)put->row.head.account);
    }
    return valid;
}

static void take_held(struct put *put, struct store_rows *rows)
{
    struct keys_judged *judged = &put->judged;
    struct keys_row row;
    size_t count = 0;
    size_t id_bytes = 0;

    while (keys_sql_held(rows, &row)) {
        count++;
        id_bytes += row.id.size;
    }
    judged->held = mem_zeroed(count, sizeof *judged->held);
    buf_reserve(&judged->ids, id_bytes + 1);
    store_rows_select(rows, READ_HELD);
    while (judged->held_count < count && keys_sql_held(rows, &row)) {
        struct keys_held *held = &judged->held[judged->held_count];
        size_t at = judged->ids.size;

        buf_append(&judged->ids, row.id);
        held->id = bytes_of(judged->ids.at + at, row.id.size);
        held->slot = slots_find(put->domain->slots, row.slot);
        memcpy(held->hash, row.hash, sizeof held->hash);
        held->use = row.use;
        held->stale = row.stale;
        judged->held_count++;
    }
}

static void put_judge_some(struct put *put);

static void on_paused(void *arg, enum store_status status, struct store_rows *rows)
{
    struct put *put = arg;

    (void)rows;
    if (status == STORE_OK) {
        put_judge_some(put);
    } else if (status == STORE_REFUSED) {
        try_again(put);
    } else {
        finish_with(put, KEYS_UNAVAILABLE);
    }
}

/*
 * Verifying takes long.  Between its parts the store is asked whether the rest is in vain: the
 * others have a turn meanwhile, and the answer comes also at shutdown.
 */
static void put_judge_some(struct put *put)
{
    struct store_batch *batch = NULL;

    if (!keys_judge_some(&put->judged)) {
        batch = store_batch_create();
        keys_sql_expect_seq(batch, put->owner.guard.mailbox, put->row.command_seq);
        store_read(put->domain->store, &batch, on_paused, put);
    } else if (put->judged.outcome.result == KEYS_DONE) {
        put_write(put);
    } else {
        finish(put, &put->judged.outcome);
    }
}

static void put_judge(struct put *put, struct store_rows *rows)
{
    struct keys_judged *judged = &put->judged;

    judged->parcel = put->parcel;
    judged->now_s = put->now_ms / 1000;
    if (!take_identity(put)) {
        finish_with(put, KEYS_UNAVAILABLE);
        return;
    }
    store_rows_select(rows, READ_HELD);
    take_held(put, rows);
    keys_judge_begin(judged);
    put_judge_some(put);
}

static void on_read(void *arg, enum store_status status, struct store_rows *rows)
{
    struct put *put = arg;

    if (status != STORE_OK) {
        finish_with(put, KEYS_UNAVAILABLE);
    } else if (!keys_sql_owner(rows, &put->row)) {
        finish_with(put, KEYS_GONE);
    } else if (put->owner.guard.seq <= put->row.command_seq) {
        finish_with(put, KEYS_REPLAYED);
    } else if (put->removes) {
        put_write(put);
    } else {
        put_judge(put, rows);
    }
}

static void put_read(struct put *put)
{
    struct store_batch *batch = store_batch_create();

    keys_judged_clear(&put->judged);
    keys_sql_ask_owner(batch, put->owner.guard.mailbox);
    if (!put->removes) {
        keys_sql_ask_held(batch, put->owner.guard.mailbox);
    }
    store_read(put->domain->store, &batch, on_read, put);
}

void keys_follow_identity(const struct domain *domain, struct store_batch *batch, int64_t mailbox,
                          const struct manifest_device *before, const struct manifest_device *after)
{
    for (size_t i = 0; i < slots_count(domain->slots); i++) {
        const struct slot *slot = slots_at(domain->slots, i);
        const struct keys_pool_name pool = { mailbox, slot->name };

        if (slot->identity != 0 && !bytes_equal(manifest_find_key(before, slot->identity),
                                                manifest_find_key(after, slot->identity))) {
            sharing_lock(batch, mailbox);
            keys_sql_drop_all(batch, &pool);
        }
    }
}

static struct put *put_create(struct domain *domain, const struct keys_owner *owner,
                              struct keys_parcel **parcel, keys_done_fn *done, void *arg)
{
    struct put *put = mem_zeroed(1, sizeof *put);

    put->domain = domain;
    put->owner = *owner;
    put->parcel = *parcel;
    put->done = done;
    put->arg = arg;
    *parcel = NULL;
    return put;
}

void keys_put(struct domain *domain, const struct keys_owner *owner, struct keys_parcel **parcel,
              int64_t now_ms, keys_done_fn *done, void *arg)
{
    struct put *put = put_create(domain, owner, parcel, done, arg);

    put->now_ms = now_ms;
    put_read(put);
}

void keys_remove(struct domain *domain, const struct keys_owner *owner, struct keys_parcel **parcel,
                 int64_t now_ms, keys_done_fn *done, void *arg)
{
    struct put *put = put_create(domain, owner, parcel, done, arg);

    put->now_ms = now_ms;
    put->removes = true;
    put_read(put);
}

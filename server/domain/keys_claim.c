/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   READ (head, devices) -> unknown
 *                        -> WRITE (head as read, keys) -> done
 *                                                      -> READ (the head moved on)
 *
 * For each device and slot the batch has at most: the last resort, unless there
 * are others; the oldest key; and whether few are left.  Which of them yields a
 * key is the answer.
 */
#include "server/domain/keys_claim.h"

#include <stdlib.h>
#include <string.h>

#include "common/key_slots.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/domain/accounts_sql.h"
#include "server/domain/devices_sql.h"
#include "server/domain/domain.h"
#include "server/domain/keys_claim_sql.h"
#include "server/domain/keys_sql.h"
#include "server/domain/keys_tell.h"
#include "server/domain/limits.h"
#include "server/domain/manifests_sql.h"
#include "server/domain/sharing.h"
#include "server/store/store.h"

enum {
    WRITES_MAX = 3,

    /* The statements of the read. */
    READ_ROW = 0,
    READ_DEVICES,

    /* The first statements of the write. */
    WRITE_HEAD = 0,
    WRITE_CHAIN,
    WRITE_REGISTRATIONS
};

/* A device whose keys are claimed. */
struct target {
    struct devices_row row;
    bool drained; /* nothing is taken: last resorts are served */
    bool charged;
};

/* What is claimed of one device in one slot: the statements that may yield, 0: none. */
struct part {
    struct target *target;
    const struct slot *slot;
    const struct slot *stand_in;
    size_t kept_at;  /* static key, or last resort */
    size_t taken_at; /* key for single use */
    size_t low_at;
};

struct claiming {
    struct domain *domain;
    struct keys_claim_order order;
    int64_t now_ms;
    keys_claimed_fn *done;
    void *arg;
    int writes;
    struct accounts_row row;
    size_t target_count;
    struct target targets[LIMIT_MANIFEST_DEVICES];
    size_t part_count;
    struct part *parts;
    struct keys_claim_outcome outcome;
    struct keys_claimed_device *devices;
};

static void claiming_read(struct claiming *claiming);

/* The two rates of a target; names are built in room. */
struct drain {
    uint8_t pair[ACCOUNT_ID_BYTES + DEVICE_PUB_BYTES];
    struct limits_ask asks[2];
};

static void drain_of(const struct claiming *claiming, const struct target *target,
                     struct drain *out)
{
    memcpy(out->pair, claiming->order.claimant.raw, ACCOUNT_ID_BYTES);
    memcpy(out->pair + ACCOUNT_ID_BYTES, target->row.pub.raw, DEVICE_PUB_BYTES);
    out->asks[0] = (struct limits_ask){ .class = LIMITS_CLAIM_PAIR,
                                        .name = bytes_of(out->pair, sizeof out->pair),
                                        .tokens = 1 };
    out->asks[1] =
        (struct limits_ask){ .class = LIMITS_CLAIM_TARGET,
                             .name = bytes_of(target->row.pub.raw, sizeof target->row.pub.raw),
                             .tokens = 1 };
}

/* Static keys and last resorts are for everybody: asking for these alone drains nobody. */
static bool asks_for_single_use(const struct keys_claim_order *order)
{
    for (size_t i = 0; i < order->slot_count; i++) {
        if (order->slots[i]->use == KEY_SLOTS_SINGLE) {
            return true;
        }
    }
    return false;
}

static void charge(struct claiming *claiming, struct target *target)
{
    struct drain drain;

    if (!asks_for_single_use(&claiming->order)) {
        return;
    }
    drain_of(claiming, target, &drain);
    target->drained = limits_take(claiming->domain->limits, drain.asks, 2, claiming->now_ms) > 0;
    target->charged = !target->drained;
}

/* Where nothing was taken, nothing was drained. */
static void give_back(struct claiming *claiming)
{
    struct drain drain;

    for (size_t i = 0; i < claiming->target_count; i++) {
        struct target *target = &claiming->targets[i];

        if (target->charged) {
            drain_of(claiming, target, &drain);
            limits_give_back(claiming->domain->limits, &drain.asks[0], claiming->now_ms);
            limits_give_back(claiming->domain->limits, &drain.asks[1], claiming->now_ms);
            target->charged = false;
        }
    }
}

/* Tell the outcome; it is the last to use claiming. */
static void finish(struct claiming *claiming, enum keys_claim_result result)
{
    claiming->outcome.result = result;
    claiming->done(claiming->arg, &claiming->outcome);
    free(claiming->parts);
    free(claiming->devices);
    free(claiming);
}

static void take_chain(struct claiming *claiming, struct store_rows *rows)
{
    struct keys_claim_outcome *outcome = &claiming->outcome;
    uint64_t last = claiming->row.epoch;

    store_rows_select(rows, WRITE_CHAIN);
    while (outcome->manifest_count < LIMIT_MANIFESTS_PAGE && store_rows_next(rows)) {
        uint64_t epoch = (uint64_t)store_rows_int(rows, 0);

        if (epoch <= claiming->row.epoch) { /* a later one may have come, beside the devices */
            last = epoch;
            outcome->manifests[outcome->manifest_count] = store_rows_bytes(rows, 1);
            outcome->manifest_count++;
        }
    }
    outcome->more = last < claiming->row.epoch;
    outcome->epoch = claiming->row.epoch;
    outcome->hash = claiming->row.hash;
}

static void take_registration(struct claiming *claiming, int64_t mailbox, uint32_t registration_id)
{
    for (size_t i = 0; i < claiming->target_count; i++) {
        if (claiming->targets[i].row.mailbox == mailbox) {
            claiming->devices[i].has_registration = true;
            claiming->devices[i].registration_id = registration_id;
        }
    }
}

static void take_devices(struct claiming *claiming, struct store_rows *rows)
{
    int64_t mailbox = 0;
    uint32_t registration_id = 0;

    claiming->devices = mem_zeroed(claiming->target_count, sizeof *claiming->devices);
    claiming->outcome.devices = claiming->devices;
    claiming->outcome.device_count = claiming->target_count;
    for (size_t i = 0; i < claiming->target_count; i++) {
        claiming->devices[i].device_id = claiming->targets[i].row.device_id;
        claiming->devices[i].device_pub = claiming->targets[i].row.pub;
    }
    store_rows_select(rows, WRITE_REGISTRATIONS);
    while (keys_claim_sql_registration(rows, &mailbox, &registration_id)) {
        take_registration(claiming, mailbox, registration_id);
    }
}

static void add_key(struct claiming *claiming, const struct part *part,
                    const struct keys_claim_row *row, bool is_last_resort)
{
    struct keys_claimed_device *device = &claiming->devices[part->target - claiming->targets];

    device->keys[device->key_count] = (struct keys_claimed_key){
        .slot = part->slot,
        .id = row->id,
        .key = row->key,
        .signature = row->signature,
        .is_last_resort = is_last_resort,
        .is_unverified = row->is_unverified,
    };
    device->key_count++;
}

static void take_part(struct claiming *claiming, const struct part *part, struct store_rows *rows)
{
    const struct device_pub *pub = &part->target->row.pub;
    struct keys_claim_row row;
    struct keys_low_row low;

    store_rows_select(rows, part->kept_at);
    if (part->kept_at > 0 && keys_claim_sql_key(rows, &row)) {
        bool is_last_resort = part->slot->use != KEY_SLOTS_STATIC;
        add_key(claiming, part, &row, is_last_resort);
        if (is_last_resort) {
            keys_tell_last_resort(claiming->domain, pub, part->stand_in, row.uses,
                                  row.first_use_day);
        }
    }
    store_rows_select(rows, part->taken_at);
    if (part->taken_at > 0 && keys_claim_sql_key(rows, &row)) {
        add_key(claiming, part, &row, false);
        metrics_add(METRIC_keys_claimed, 1);
    }
    store_rows_select(rows, part->low_at);
    if (part->low_at > 0 && keys_claim_sql_low(rows, &low)) {
        keys_tell_low(claiming->domain, pub, part->slot, low.count);
    }
}

static void take_all(struct claiming *claiming, struct store_rows *rows)
{
    take_chain(claiming, rows);
    take_devices(claiming, rows);
    for (size_t i = 0; i < claiming->part_count; i++) {
        take_part(claiming, &claiming->parts[i], rows);
    }
    metrics_add(METRIC_keys_claims, 1);
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct claiming *claiming = arg;

    if (status != STORE_OK && status != STORE_UNCERTAIN) {
        give_back(claiming);
    }
    switch (status) {
    case STORE_OK:
        take_all(claiming, rows);
        finish(claiming, KEYS_CLAIM_DONE);
        return;
    case STORE_REFUSED:
    case STORE_CONFLICT:
        if (claiming->writes < WRITES_MAX) {
            claiming_read(claiming);
            return;
        }
        finish(claiming, KEYS_CLAIM_UNAVAILABLE);
        return;
    case STORE_FULL:
        finish(claiming, KEYS_CLAIM_STORAGE_FULL);
        return;
    case STORE_UNCERTAIN:
    case STORE_BUSY:
    case STORE_BROKEN:
        finish(claiming, KEYS_CLAIM_UNAVAILABLE);
        return;
    }
}

static void write_part(struct claiming *claiming, struct store_batch *batch, struct part *part)
{
    const struct keys_pool_name pool = { part->target->row.mailbox, part->slot->name };
    struct keys_pool_name kept = pool;
    bool takes = part->slot->use == KEY_SLOTS_SINGLE && !part->target->drained;
    int64_t now_s = claiming->now_ms / 1000;

    part->stand_in = slots_stand_in(claiming->domain->slots, part->slot);
    if (part->slot->use == KEY_SLOTS_STATIC) {
        part->kept_at = store_batch_size(batch);
        keys_claim_sql_ask_static(batch, &pool);
    } else if (part->stand_in != NULL) {
        kept.slot = part->stand_in->name;
        part->kept_at = store_batch_size(batch);
        keys_claim_sql_use_last(batch, &kept, takes ? part->slot->name : NULL, now_s);
    }
    if (takes) {
        keys_claim_sql_take(batch, &pool, now_s);
        part->taken_at = store_batch_size(batch) - 1;
        part->low_at = store_batch_size(batch);
        keys_claim_sql_note_low(batch, &pool, now_s);
    }
}

static void claiming_write(struct claiming *claiming)
{
    const struct keys_claim_order *order = &claiming->order;
    struct store_batch *batch = store_batch_create();

    claiming->writes++;
    free(claiming->parts);
    claiming->parts =
        mem_zeroed(claiming->target_count * order->slot_count, sizeof *claiming->parts);
    claiming->part_count = 0;
    keys_sql_expect_head(batch, &claiming->row);
    manifests_sql_ask_page(batch, &order->account_id, order->since, LIMIT_MANIFESTS_PAGE);
    keys_claim_sql_ask_registrations(batch, claiming->row.account);
    for (size_t i = 0; i < claiming->target_count; i++) {
        sharing_lock(batch, claiming->targets[i].row.mailbox);
        charge(claiming, &claiming->targets[i]);
        for (size_t j = 0; j < order->slot_count; j++) {
            struct part *part = &claiming->parts[claiming->part_count];
            part->target = &claiming->targets[i];
            part->slot = order->slots[j];
            write_part(claiming, batch, part);
            claiming->part_count++;
        }
    }
    store_submit(claiming->domain->store, &batch, on_written, claiming);
}

static bool is_wanted(const struct keys_claim_order *order, const struct devices_row *row)
{
    if (order->device_count == 0) {
        return memcmp(order->claimant_pub.raw, row->pub.raw, sizeof row->pub.raw) != 0;
    }
    for (size_t i = 0; i < order->device_count; i++) {
        if (order->devices[i] == row->device_id) {
            return true;
        }
    }
    return false;
}

static void on_read(void *arg, enum store_status status, struct store_rows *rows)
{
    struct claiming *claiming = arg;
    struct devices_row row;

    if (status != STORE_OK) {
        finish(claiming, KEYS_CLAIM_UNAVAILABLE);
        return;
    }
    if (!accounts_sql_row(rows, &claiming->row)) {
        finish(claiming, KEYS_CLAIM_UNKNOWN);
        return;
    }
    store_rows_select(rows, READ_DEVICES);
    while (claiming->target_count < LIMIT_MANIFEST_DEVICES && devices_sql_next(rows, &row)) {
        if (is_wanted(&claiming->order, &row)) {
            claiming->targets[claiming->target_count] = (struct target){ .row = row };
            claiming->target_count++;
        }
    }
    claiming_write(claiming);
}

static void claiming_read(struct claiming *claiming)
{
    struct store_batch *batch = store_batch_create();

    claiming->target_count = 0;
    accounts_sql_ask(batch, &claiming->order.account_id);
    devices_sql_ask_all(batch, &claiming->order.account_id);
    store_read(claiming->domain->store, &batch, on_read, claiming);
}

void keys_claim(struct domain *domain, const struct keys_claim_order *order, int64_t now_ms,
                keys_claimed_fn *done, void *arg)
{
    struct claiming *claiming = mem_zeroed(1, sizeof *claiming);

    claiming->domain = domain;
    claiming->order = *order;
    claiming->now_ms = now_ms;
    claiming->done = done;
    claiming->arg = arg;
    claiming_read(claiming);
}

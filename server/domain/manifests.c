/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A successor: read the head and all that it would change, check, write by a
 * compare-and-swap on the head that was read.  A write that is refused lost a
 * race, so the reading begins again; what it finds is then the answer.
 *
 *   READ -> answer        (unknown, present, conflict, invalid, key used, blocked)
 *        -> HOLD  -> HELD -> the devices are told
 *                 -> READ (refused, as below)
 *        -> WRITE -> STORED -> memory, streams and events follow
 *                 -> READ (refused, a few times at most)
 */
#include "server/domain/manifests.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/domain/accounts_sql.h"
#include "server/domain/changes.h"
#include "server/domain/columns.h"
#include "server/domain/devices_sql.h"
#include "server/domain/domain.h"
#include "server/domain/holds.h"
#include "server/domain/holds_sql.h"
#include "server/domain/keys.h"
#include "server/domain/left.h"
#include "server/domain/manifests_follow.h"
#include "server/domain/manifests_private.h"
#include "server/domain/manifests_sql.h"
#include "server/domain/sessions_sql.h"
#include "server/store/store.h"

enum {
    WRITES_MAX = 3 /* a manifest that loses more races than this is told to come again */
};

/* Tell the outcome; it is the last to use put. */
static void finish(struct put *put, const struct manifests_outcome *outcome)
{
    switch (outcome->result) {
    case MANIFESTS_STORED:
        metrics_add(METRIC_manifests_accepted, 1);
        break;
    case MANIFESTS_INVALID:
    case MANIFESTS_ACCOUNT_DIFFERS:
    case MANIFESTS_EPOCH_DIFFERS:
    case MANIFESTS_CONFLICT:
    case MANIFESTS_BLOCKED:
    case MANIFESTS_KEY_USED:
        metrics_add(METRIC_manifests_refused, 1);
        break;
    case MANIFESTS_HELD:
    case MANIFESTS_OVERTAKEN:
    case MANIFESTS_NOT_HELD:
    case MANIFESTS_PRESENT:
    case MANIFESTS_ACCOUNT_UNKNOWN:
    case MANIFESTS_UNAVAILABLE:
    case MANIFESTS_STORAGE_FULL:
        break;
    }
    put->done(put->arg, outcome);
    buf_clear(&put->bytes);
    free(put);
}

void put_finish(struct put *put, enum manifests_result result)
{
    const struct manifests_outcome outcome = { .result = result,
                                               .epoch = put->next.epoch,
                                               .hash = put->hash };

    finish(put, &outcome);
}

static void finish_invalid(struct put *put, enum manifest_verdict verdict)
{
    const struct manifests_outcome outcome = { .result = MANIFESTS_INVALID, .verdict = verdict };

    finish(put, &outcome);
}

void put_finish_until(struct put *put, enum manifests_result result, int64_t held_until)
{
    finish(put, &(struct manifests_outcome){ .result = result, .held_until = held_until });
}

/* A write lost a race: look again, unless that was often enough. */
void put_again(struct put *put)
{
    if (put->writes < WRITES_MAX) {
        put_read(put);
    } else {
        put_finish(put, MANIFESTS_UNAVAILABLE);
    }
}

static void refuse(struct put *put, size_t refused_at)
{
    if (refused_at >= put->rider_at && refused_at < put->rider_end) {
        put_finish(put, MANIFESTS_OVERTAKEN);
    } else {
        put_again(put);
    }
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct put *put = arg;

    switch (status) {
    case STORE_OK:
        put_tell_recovery(put);
        manifests_follow(put->domain, &put->change, rows, put->now_ms);
        put_finish(put, MANIFESTS_STORED);
        return;
    case STORE_REFUSED:
        refuse(put, store_rows_refused_at(rows));
        return;
    case STORE_CONFLICT:
        put_again(put);
        return;
    case STORE_FULL:
        put_finish(put, MANIFESTS_STORAGE_FULL);
        return;
    case STORE_UNCERTAIN:
        manifests_doubt(put->domain, &put->change);
        put_finish(put, MANIFESTS_UNAVAILABLE);
        return;
    case STORE_BUSY:
    case STORE_BROKEN:
        put_finish(put, MANIFESTS_UNAVAILABLE);
        return;
    }
}

/* What becomes of a device of the old head. */
static void write_old_device(struct put *put, struct store_batch *batch,
                             const struct devices_row *device, const struct manifest *old)
{
    const struct manifest_device *after = manifest_find(&put->next, device->device_id);
    const struct manifest_device *before = manifest_find(old, device->device_id);
    struct left_hash left;

    if (after == NULL) {
        left_device(put->domain, &device->pub, &left);
        devices_sql_leave(batch, &left, put->row.account);
        devices_sql_remove(batch, device->mailbox);
        put->change.removed[put->change.removed_count] = device->pub;
        put->change.removed_count++;
        return;
    }
    if (before == NULL || before->flags != after->flags) {
        devices_sql_set_flags(batch, device->mailbox, after->flags);
    }
    if (before != NULL) {
        keys_follow_identity(put->domain, batch, device->mailbox, before, after);
    }
}

static void write_new_devices(struct put *put, struct store_batch *batch,
                              const struct manifest *old)
{
    int64_t day = put->now_ms / DOMAIN_DAY_MS;
    struct left_hash left;

    for (size_t i = 0; i < put->next.device_count; i++) {
        const struct manifest_device *device = &put->next.devices[i];

        if (manifest_find(old, device->device_id) == NULL) {
            left_device(put->domain, &device->pub, &left);
            devices_sql_insert(batch, &put->next.account, device, &left, day);
        }
    }
}

static void write_session_ends(struct put *put, struct store_batch *batch,
                               const struct devices_row *devices, size_t count)
{
    put->change.sessions_at = store_batch_size(batch);
    for (size_t i = 0; i < count; i++) {
        if (manifest_find(&put->next, devices[i].device_id) == NULL) {
            sessions_sql_end_device(batch, put->row.account, devices[i].device_id);
        }
    }
    put->change.sessions_end = store_batch_size(batch);
}

static void put_write(struct put *put, const struct manifest *old,
                      const struct devices_row *devices, size_t device_count)
{
    struct store_batch *batch = store_batch_create();

    put->writes++;
    manifests_change_begin(&put->change, old, &put->next, &put->hash);
    accounts_sql_advance(batch, &put->row, &put->hash);
    put_end_holds(put, batch);
    manifests_sql_insert(batch, &put->next, &put->hash);
    write_session_ends(put, batch, devices, device_count);
    for (size_t i = 0; i < device_count; i++) {
        write_old_device(put, batch, &devices[i], old);
    }
    write_new_devices(put, batch, old);
    put_end_recoveries(put, batch, old);
    put->rider_at = store_batch_size(batch);
    if (put->rider.add != NULL) {
        put->rider.add(put->rider.arg, batch);
    }
    put->rider_end = store_batch_size(batch);
    changes_note_head(put->domain, batch,
                      &(struct changes_head){ .account = put->row.account,
                                              .account_id = put->next.account,
                                              .epoch = put->next.epoch,
                                              .hash = put->hash });
    store_submit(put->domain->store, &batch, on_written, put);
}

/* Say whether a device that is new in next brings a key that stands or stood elsewhere. */
static bool brings_used_key(const struct put *put, const struct manifest *old,
                            struct store_rows *rows)
{
    for (size_t i = 0; i < put->next.device_count; i++) {
        store_rows_select(rows, READ_KEYS + i);
        if (manifest_find(old, put->next.devices[i].device_id) == NULL && store_rows_next(rows)) {
            return true;
        }
    }
    return false;
}

/* The manifest is valid and brings no used key: store it, or hold it. */
static void put_place(struct put *put, const struct manifest *old, struct store_rows *rows)
{
    bool owed = !put->by_hold && put->domain->settings.hold_s > 0 && holds_owed(old, &put->next);
    enum manifests_result obstacle = MANIFESTS_STORED;
    struct devices_row devices[LIMIT_MANIFEST_DEVICES];
    int64_t held_until = 0;
    size_t count = 0;

    if (owed) {
        holds_of_manifest(put->domain, old, &put->next, put->now_ms, &put->hold);
        obstacle = put_holding_obstacle(put, rows, &held_until);
    } else {
        obstacle = put_storing_obstacle(put, rows, &held_until);
    }
    if (obstacle != MANIFESTS_STORED) {
        put_finish_until(put, obstacle, held_until);
        return;
    }
    if (owed) {
        put_hold(put, old);
        return;
    }
    store_rows_select(rows, READ_DEVICES);
    while (count < LIMIT_MANIFEST_DEVICES && devices_sql_next(rows, &devices[count])) {
        count++;
    }
    put_write(put, old, devices, count);
}

/* The head is the predecessor by number and hash: check the manifest, and place it. */
static void put_check(struct put *put, const struct manifest *old, struct store_rows *rows)
{
    enum manifest_verdict verdict = manifest_check_next(old, &put->next);

    if (verdict != MANIFEST_VALID) {
        finish_invalid(put, verdict);
        return;
    }
    if (brings_used_key(put, old, rows)) {
        put_finish(put, MANIFESTS_KEY_USED);
        return;
    }
    put_place(put, old, rows);
}

static bool stands_already(const struct put *put, struct store_rows *rows)
{
    struct manifest_hash hash;

    store_rows_select(rows, READ_SAME);
    if (!store_rows_next(rows)) {
        return false;
    }
    columns_exact(rows, 0, hash.raw, sizeof hash.raw);
    return memcmp(hash.raw, put->hash.raw, sizeof hash.raw) == 0;
}

static void finish_conflict(struct put *put, struct bytes head)
{
    const struct manifests_outcome outcome = {
        .result = MANIFESTS_CONFLICT, .epoch = put->row.epoch, .hash = put->row.hash, .head = head
    };

    finish(put, &outcome);
}

static void put_judge(struct put *put, struct store_rows *rows)
{
    struct manifest *old = NULL;
    struct bytes head = { 0 };

    if (stands_already(put, rows)) {
        put_finish(put, MANIFESTS_PRESENT);
        return;
    }
    store_rows_select(rows, READ_HEAD);
    if (store_rows_next(rows)) {
        head = store_rows_bytes(rows, 0);
    }
    if (put->next.epoch != put->row.epoch + 1 ||
        memcmp(put->next.prev.raw, put->row.hash.raw, sizeof put->row.hash.raw) != 0) {
        finish_conflict(put, head);
        return;
    }
    old = mem_raw(sizeof *old);
    if (manifest_parse(head, old) == MANIFEST_VALID) {
        put_check(put, old, rows);
    } else { /* it was valid when it was stored: the database is damaged */
        log_error("manifests.damaged", "account=%lld", (long long)put->row.account);
        put_finish(put, MANIFESTS_UNAVAILABLE);
    }
    free(old);
}

static void on_read(void *arg, enum store_status status, struct store_rows *rows)
{
    struct put *put = arg;

    if (status != STORE_OK) {
        put_finish(put, MANIFESTS_UNAVAILABLE);
    } else if (!accounts_sql_row(rows, &put->row)) {
        put_finish(put, MANIFESTS_ACCOUNT_UNKNOWN);
    } else {
        put_judge(put, rows);
    }
}

void put_read(struct put *put)
{
    const struct account_id *account_id = &put->next.account;
    struct store_batch *batch = store_batch_create();
    struct left_hash left;

    accounts_sql_ask(batch, account_id);
    manifests_sql_ask_head(batch, account_id);
    manifests_sql_ask_hash(batch, account_id, put->next.epoch);
    devices_sql_ask_all(batch, account_id);
    holds_sql_ask(batch, account_id);
    for (size_t i = 0; i < put->next.device_count; i++) {
        left_device(put->domain, &put->next.devices[i].pub, &left);
        devices_sql_ask_used(batch, &put->next.devices[i].pub, &left);
    }
    store_read(put->domain->store, &batch, on_read, put);
}

struct put *put_create(struct domain *domain, struct bytes signed_bytes, int64_t now_ms,
                       manifests_put_fn *done, void *arg)
{
    struct put *put = mem_zeroed(1, sizeof *put);

    put->domain = domain;
    put->now_ms = now_ms;
    put->done = done;
    put->arg = arg;
    buf_append(&put->bytes, signed_bytes);
    return put;
}

void manifests_put(struct domain *domain, const struct manifests_order *order, int64_t now_ms,
                   manifests_put_fn *done, void *arg)
{
    struct put *put = put_create(domain, order->signed_bytes, now_ms, done, arg);
    enum manifest_verdict verdict = manifest_parse(buf_view(&put->bytes), &put->next);

    put->rider = order->rider;
    if (verdict != MANIFEST_VALID) {
        finish_invalid(put, verdict);
    } else if (memcmp(put->next.account.raw, order->account_id.raw, sizeof order->account_id.raw) !=
               0) {
        put_finish(put, MANIFESTS_ACCOUNT_DIFFERS);
    } else if (put->next.epoch != order->epoch) {
        put_finish(put, MANIFESTS_EPOCH_DIFFERS);
    } else {
        manifest_hash_of(put->next.body, &put->hash);
        put_read(put);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   READ -> answer            (unknown, denied, not signed, replayed)
 *        -> WRITE -> VETOED
 *                 -> READ     (refused: done, vetoed or held anew meanwhile; a few times at most)
 */
#include "server/domain/holds_veto.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/limits.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/sigbytes.h"
#include "server/domain/accounts_sql.h"
#include "server/domain/changes.h"
#include "server/domain/commands.h"
#include "server/domain/devices_sql.h"
#include "server/domain/domain.h"
#include "server/domain/holds_sql.h"
#include "server/domain/hub.h"
#include "server/domain/manifests_sql.h"
#include "server/store/store.h"

enum {
    WRITES_MAX = 3,

    /* The statements of the read, in order. */
    READ_ROW = 0,
    READ_HOLDS,
    READ_HEAD,
    READ_DEVICES,
};

enum who {
    BY_DEVICE = 0,
    BY_RECOVERY_KEY,
    BY_RELAY,
    RENEWED_BY_RELAY
};

struct veto {
    struct domain *domain;
    enum who who;
    struct hold hold; /* what is vetoed: its name, then the row that was found */
    struct command_guard guard;
    uint32_t device_id;
    struct command command;
    struct buf payload;
    int64_t now_ms;
    struct accounts_row row;
    struct device_pub heard[LIMIT_MANIFEST_DEVICES];
    size_t heard_count;
    int writes;
    holds_done_fn *done;
    void *arg;
};

static void veto_read(struct veto *veto);

/* Tell the outcome; it is the last to use veto. */
static void finish(struct veto *veto, enum holds_result result, int64_t last_seq)
{
    veto->done(veto->arg, &(struct holds_outcome){ .result = result, .last_seq = last_seq });
    buf_clear(&veto->payload);
    free(veto);
}

static void on_last(void *arg, bool ok, int64_t last_seq)
{
    if (!ok || last_seq < 0) { /* the device is gone, and its session with it */
        finish(arg, HOLDS_UNAVAILABLE, 0);
    } else {
        finish(arg, HOLDS_REPLAYED, last_seq);
    }
}

static void refuse(struct veto *veto, size_t refused_at)
{
    if (veto->who == BY_DEVICE && refused_at == 0) {
        commands_last(veto->domain, veto->guard.mailbox, on_last, veto);
    } else if (veto->writes < WRITES_MAX) {
        veto_read(veto);
    } else {
        finish(veto, HOLDS_UNAVAILABLE, 0);
    }
}

static void fill_event(const struct veto *veto, struct hub_event *out)
{
    holds_event(&veto->hold, veto->who == RENEWED_BY_RELAY ? HOLDS_BEGUN : HOLDS_DROPPED, out);
}

static void tell(const struct veto *veto)
{
    struct hub_event event;

    fill_event(veto, &event);
    for (size_t i = 0; i < veto->heard_count; i++) {
        hub_tell(veto->domain->hub, &veto->heard[i], &event);
    }
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct veto *veto = arg;

    switch (status) {
    case STORE_OK:
        metrics_add(METRIC_holds_vetoed, veto->who <= BY_RECOVERY_KEY ? 1 : 0);
        tell(veto);
        finish(veto, HOLDS_VETOED, 0);
        return;
    case STORE_REFUSED:
        refuse(veto, store_rows_refused_at(rows));
        return;
    case STORE_CONFLICT:
    case STORE_FULL:
    case STORE_BUSY:
    case STORE_UNCERTAIN:
    case STORE_BROKEN:
        finish(veto, HOLDS_UNAVAILABLE, 0);
        return;
    }
}

static void veto_write(struct veto *veto)
{
    struct store_batch *batch = store_batch_create();
    struct hub_event event;

    veto->writes++;
    if (veto->who == BY_DEVICE) {
        commands_spend(batch, &veto->guard);
    }
    accounts_sql_expect_head(batch, &veto->row);
    switch (veto->who) {
    case BY_DEVICE:
        holds_sql_veto(batch, veto->row.account, &veto->hold, veto->device_id);
        break;
    case BY_RECOVERY_KEY:
    case BY_RELAY:
        holds_sql_take(batch, veto->row.account, &veto->hold);
        break;
    case RENEWED_BY_RELAY:
        veto->hold.generation = veto->domain->generation;
        veto->hold.held_until = holds_until(veto->domain, veto->now_ms);
        holds_sql_renew(batch, veto->row.account, &veto->hold);
        break;
    }
    fill_event(veto, &event);
    changes_note_hold(veto->domain, batch, veto->row.account, &event);
    store_submit(veto->domain->store, &batch, on_written, veto);
}

static bool is_meant(const struct veto *veto, const struct hold *hold)
{
    const struct hold *meant = &veto->hold;

    if (hold->kind != meant->kind) {
        return false;
    }
    if (hold->kind == HOLD_ERASURE) {
        return hold->signer == meant->signer;
    }
    return hold->epoch == meant->epoch &&
           memcmp(hold->hash.raw, meant->hash.raw, sizeof hold->hash.raw) == 0;
}

/* Find what is meant, and whether a held epoch removes the device. */
static bool find(struct veto *veto, struct store_rows *rows, bool *out_removed)
{
    struct hold hold;
    bool found = false;

    *out_removed = false;
    store_rows_select(rows, READ_HOLDS);
    while (holds_sql_next(rows, &hold)) {
        if (!found && is_meant(veto, &hold)) {
            found = true;
            veto->hold = hold;
        }
        *out_removed = *out_removed || hold.removes[veto->device_id] != 0;
    }
    return found;
}

/* The signature of the recovery key of the head that was read. */
static enum command_verdict check_recovery(const struct veto *veto, struct store_rows *rows)
{
    struct manifest *head = mem_raw(sizeof *head);
    enum command_verdict verdict = COMMAND_INVALID;
    struct device_pub pub;

    store_rows_select(rows, READ_HEAD);
    if (store_rows_next(rows) &&
        manifest_parse(store_rows_bytes(rows, 0), head) == MANIFEST_VALID && head->has_recovery) {
        memcpy(pub.raw, head->recovery_pub, sizeof pub.raw);
        verdict = commands_check(veto->domain, &veto->command,
                                 &(struct command_claim){ .account_id = &veto->hold.account_id,
                                                          .device_pub = &pub,
                                                          .device_id = MANIFEST_SIGNER_RECOVERY,
                                                          .op = COMMAND_RECOVERY_VETO,
                                                          .payload = buf_view(&veto->payload) },
                                 veto->now_ms);
    }
    free(head);
    return verdict;
}

/* False when the recovery key may not, and the veto is finished. */
static bool recovery_passes(struct veto *veto, struct store_rows *rows)
{
    switch (check_recovery(veto, rows)) {
    case COMMAND_FINE:
        break;
    case COMMAND_INVALID:
        finish(veto, HOLDS_COMMAND_INVALID, 0);
        return false;
    case COMMAND_CLOCK:
        finish(veto, HOLDS_COMMAND_CLOCK, 0);
        return false;
    }
    return true;
}

static void judge(struct veto *veto, struct store_rows *rows)
{
    bool removed = false;

    if (veto->who == BY_RECOVERY_KEY && !recovery_passes(veto, rows)) {
        return;
    }
    if (!find(veto, rows, &removed)) {
        finish(veto, HOLDS_UNKNOWN, 0);
        return;
    }
    if (veto->who == BY_DEVICE && removed) {
        finish(veto, HOLDS_DENIED, 0);
        return;
    }
    if (veto->who == BY_RECOVERY_KEY && veto->command.seq <= veto->hold.made_ms) {
        finish(veto, HOLDS_REPLAYED, veto->hold.made_ms);
        return;
    }
    veto_write(veto);
}

static void on_read(void *arg, enum store_status status, struct store_rows *rows)
{
    struct veto *veto = arg;
    struct devices_row device;

    if (status != STORE_OK) {
        finish(veto, HOLDS_UNAVAILABLE, 0);
        return;
    }
    if (!accounts_sql_row(rows, &veto->row)) {
        finish(veto, HOLDS_UNKNOWN, 0);
        return;
    }
    store_rows_select(rows, READ_DEVICES);
    veto->heard_count = 0;
    while (veto->heard_count < LIMIT_MANIFEST_DEVICES && devices_sql_next(rows, &device)) {
        veto->heard[veto->heard_count] = device.pub;
        veto->heard_count++;
    }
    judge(veto, rows);
}

static void veto_read(struct veto *veto)
{
    struct store_batch *batch = store_batch_create();

    accounts_sql_ask(batch, &veto->hold.account_id);
    holds_sql_ask(batch, &veto->hold.account_id);
    manifests_sql_ask_head(batch, &veto->hold.account_id);
    devices_sql_ask_all(batch, &veto->hold.account_id);
    store_read(veto->domain->store, &batch, on_read, veto);
}

static struct veto *veto_create(struct domain *domain, enum who who, int64_t now_ms,
                                holds_done_fn *done, void *arg)
{
    struct veto *veto = mem_zeroed(1, sizeof *veto);

    veto->domain = domain;
    veto->who = who;
    veto->now_ms = now_ms;
    veto->done = done;
    veto->arg = arg;
    return veto;
}

void holds_veto(struct domain *domain, const struct holds_veto *order, int64_t now_ms,
                holds_done_fn *done, void *arg)
{
    enum who who = order->guard != NULL ? BY_DEVICE : BY_RECOVERY_KEY;
    struct veto *veto = veto_create(domain, who, now_ms, done, arg);

    veto->hold = (struct hold){ .kind = order->kind,
                                .account_id = order->account_id,
                                .epoch = order->epoch,
                                .hash = order->hash,
                                .signer = order->signer };
    if (order->guard != NULL) {
        veto->guard = *order->guard;
        veto->device_id = order->device_id;
    } else {
        veto->command = *order->command;
        buf_append(&veto->payload, order->payload);
    }
    veto_read(veto);
}

void holds_drop(struct domain *domain, const struct hold *hold, holds_done_fn *done, void *arg)
{
    struct veto *veto = veto_create(domain, BY_RELAY, 0, done, arg);

    veto->hold = *hold;
    veto_read(veto);
}

void holds_renew(struct domain *domain, const struct hold *hold, int64_t now_ms,
                 holds_done_fn *done, void *arg)
{
    struct veto *veto = veto_create(domain, RENEWED_BY_RELAY, now_ms, done, arg);

    veto->hold = *hold;
    veto_read(veto);
}

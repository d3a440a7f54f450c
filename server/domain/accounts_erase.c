/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Erasure.  The keyed hashes of the device keys are made here, from the devices
 * that were read, so the write expects that the head has not moved since; when
 * it has, the reading begins again.  By a command, the command's seq and the
 * ADMIN bit and a step-up are guards of the same write, or of the one that holds the erasure.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/ids.h"
#include "common/limits.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/domain/account_log_sql.h"
#include "server/domain/accounts.h"
#include "server/domain/accounts_sql.h"
#include "server/domain/changes.h"
#include "server/domain/commands.h"
#include "server/domain/devices_sql.h"
#include "server/domain/directory.h"
#include "server/domain/domain.h"
#include "server/domain/factors_sql.h"
#include "server/domain/grants.h"
#include "server/domain/handles.h"
#include "server/domain/handles_sql.h"
#include "server/domain/holds.h"
#include "server/domain/holds_sql.h"
#include "server/domain/hub.h"
#include "server/domain/left.h"
#include "server/domain/links_sql.h"
#include "server/domain/mailboxes.h"
#include "server/domain/recoveries_sql.h"
#include "server/domain/recovery_contacts_sql.h"
#include "server/domain/sessions.h"
#include "server/domain/sessions_sql.h"
#include "server/domain/txns.h"
#include "server/domain/txns_sql.h"
#include "server/store/store.h"

enum {
    WRITES_MAX = 3, /* heads that may move under one erasure before it is given up */

    /* The statements of the read, in order. */
    READ_ROW = 0,
    READ_DEVICES,
    READ_HOLDS,
};

/* What an expected statement of the write says when it yields nothing. */
enum guard {
    GUARD_SEQ = 0,
    GUARD_ADMIN,
    GUARD_STEPUP,
    GUARD_HEAD,
    GUARD_HOLD,
    GUARD_COUNT
};

struct erasure {
    struct domain *domain;
    struct account_id account_id;
    bool by_command;
    struct command_guard guard;
    bool by_hold;
    struct hold hold; /* that is done, or that is put */
    bool has_grant;
    struct grant grant;
    int64_t seen_before_day;
    int64_t now_ms;
    struct accounts_row row;
    struct devices_row devices[LIMIT_MANIFEST_DEVICES];
    size_t device_count;
    size_t sessions_at; /* the statement that yields ended sessions */
    int writes;
    accounts_done_fn *done;
    void *arg;
};

static void erasure_read(struct erasure *erasure);

static void erasure_destroy(struct erasure *erasure)
{
    mem_wipe(&erasure->grant, sizeof erasure->grant);
    free(erasure);
}

/* Tell the outcome; it is the last to use erasure. */
static void finish(struct erasure *erasure, enum accounts_result result, int64_t last_seq)
{
    const struct accounts_outcome outcome = { .result = result, .last_seq = last_seq };

    erasure->done(erasure->arg, &outcome);
    erasure_destroy(erasure);
}

static void finish_held(struct erasure *erasure, int64_t held_until)
{
    erasure->done(erasure->arg,
                  &(struct accounts_outcome){ .result = ACCOUNTS_HELD, .held_until = held_until });
    erasure_destroy(erasure);
}

static void on_last(void *arg, bool ok, int64_t last_seq)
{
    struct erasure *erasure = arg;

    if (!ok) {
        finish(erasure, ACCOUNTS_UNAVAILABLE, 0);
    } else if (last_seq < 0) {
        finish(erasure, ACCOUNTS_UNKNOWN, 0);
    } else {
        finish(erasure, ACCOUNTS_REPLAYED, last_seq);
    }
}

static void refuse(struct erasure *erasure, size_t refused_at)
{
    size_t guard = erasure->by_command ? refused_at : GUARD_HEAD + refused_at;

    CHECK(guard < GUARD_COUNT);
    if (guard == GUARD_SEQ) {
        commands_last(erasure->domain, erasure->guard.mailbox, on_last, erasure);
    } else if (guard == GUARD_ADMIN) {
        finish(erasure, ACCOUNTS_NOT_ADMIN, 0);
    } else if (guard == GUARD_STEPUP) {
        finish(erasure, ACCOUNTS_STEPUP, 0);
    } else if ((guard == GUARD_HOLD && erasure->by_hold) || erasure->seen_before_day != 0) {
        finish(erasure, ACCOUNTS_UNKNOWN, 0); /* vetoed or overtaken; or idle, and not any more */
    } else if (erasure->writes < WRITES_MAX) {
        erasure_read(erasure);
    } else {
        finish(erasure, ACCOUNTS_UNAVAILABLE, 0);
    }
}

/* Let memory and streams follow what was committed. */
static void follow(struct erasure *erasure, struct store_rows *rows)
{
    struct domain *domain = erasure->domain;

    store_rows_select(rows, erasure->sessions_at);
    directory_forget(domain, &erasure->account_id);
    for (size_t i = 0; i < erasure->device_count; i++) {
        mailboxes_forget(domain->mailboxes, &erasure->devices[i].pub);
        hub_end_device(domain->hub, &erasure->devices[i].pub, HUB_END_REVOKED);
    }
    (void)sessions_dropped(domain, rows, erasure->now_ms);
}

/* Memory forgets whatever may have been erased; streams prove themselves anew. */
static void doubt(struct erasure *erasure)
{
    struct domain *domain = erasure->domain;

    directory_forget(domain, &erasure->account_id);
    sessions_forget_all(domain);
    for (size_t i = 0; i < erasure->device_count; i++) {
        mailboxes_forget(domain->mailboxes, &erasure->devices[i].pub);
        hub_end_device(domain->hub, &erasure->devices[i].pub, HUB_END_SESSION);
    }
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct erasure *erasure = arg;

    switch (status) {
    case STORE_OK:
        follow(erasure, rows);
        finish(erasure, ACCOUNTS_DONE, 0);
        return;
    case STORE_REFUSED:
        refuse(erasure, store_rows_refused_at(rows));
        return;
    case STORE_FULL:
        finish(erasure, ACCOUNTS_STORAGE_FULL, 0);
        return;
    case STORE_UNCERTAIN:
        doubt(erasure);
        finish(erasure, ACCOUNTS_UNAVAILABLE, 0);
        return;
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_BROKEN:
        finish(erasure, ACCOUNTS_UNAVAILABLE, 0);
        return;
    }
}

static void tell_held(const struct erasure *erasure)
{
    struct hub_event event;

    holds_event(&erasure->hold, HOLDS_BEGUN, &event);
    for (size_t i = 0; i < erasure->device_count; i++) {
        hub_tell(erasure->domain->hub, &erasure->devices[i].pub, &event);
    }
}

static void on_held(void *arg, enum store_status status, struct store_rows *rows)
{
    struct erasure *erasure = arg;

    switch (status) {
    case STORE_OK:
        tell_held(erasure);
        metrics_add(METRIC_erasures_held, 1);
        finish_held(erasure, erasure->hold.held_until);
        return;
    case STORE_REFUSED:
        refuse(erasure, store_rows_refused_at(rows));
        return;
    case STORE_FULL:
        finish(erasure, ACCOUNTS_STORAGE_FULL, 0);
        return;
    case STORE_UNCERTAIN: /* ordered again, it is found held; nobody vetoes what was not told */
        tell_held(erasure);
        finish(erasure, ACCOUNTS_UNAVAILABLE, 0);
        return;
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_BROKEN:
        finish(erasure, ACCOUNTS_UNAVAILABLE, 0);
        return;
    }
}

static void on_repeated(void *arg, enum store_status status, struct store_rows *rows)
{
    struct erasure *erasure = arg;

    switch (status) {
    case STORE_OK:
        finish_held(erasure, erasure->hold.held_until);
        return;
    case STORE_REFUSED:
        refuse(erasure, store_rows_refused_at(rows) == 0 ? GUARD_SEQ : GUARD_HOLD);
        return;
    case STORE_CONFLICT:
    case STORE_FULL:
    case STORE_UNCERTAIN:
    case STORE_BUSY:
    case STORE_BROKEN:
        finish(erasure, ACCOUNTS_UNAVAILABLE, 0);
        return;
    }
}

/* It is held already.  The command is used up, or it could order anew after a veto. */
static void erasure_repeat(struct erasure *erasure)
{
    struct store_batch *batch = store_batch_create();

    erasure->writes++;
    commands_spend(batch, &erasure->guard);
    accounts_sql_expect_head(batch, &erasure->row);
    holds_sql_expect_held(batch, erasure->row.account, &erasure->hold);
    store_submit(erasure->domain->store, &batch, on_repeated, erasure);
}

static void erasure_hold(struct erasure *erasure)
{
    struct store_batch *batch = store_batch_create();
    int64_t account = erasure->row.account;
    struct hub_event event;

    erasure->writes++;
    commands_spend(batch, &erasure->guard);
    accounts_sql_expect_admin(batch, account, erasure->guard.mailbox);
    grants_expect_stepup(batch, account, erasure->has_grant ? &erasure->grant : NULL,
                         erasure->now_ms);
    accounts_sql_expect_head(batch, &erasure->row);
    holds_sql_insert(batch, account, &erasure->hold);
    holds_event(&erasure->hold, HOLDS_BEGUN, &event);
    changes_note_hold(erasure->domain, batch, account, &event);
    store_submit(erasure->domain->store, &batch, on_held, erasure);
}

static void erasure_write(struct erasure *erasure)
{
    struct store_batch *batch = store_batch_create();
    int64_t account = erasure->row.account;
    struct left_hash left;

    erasure->writes++;
    if (erasure->by_command) {
        commands_spend(batch, &erasure->guard);
        accounts_sql_expect_admin(batch, account, erasure->guard.mailbox);
        grants_expect_stepup(batch, account, erasure->has_grant ? &erasure->grant : NULL,
                             erasure->now_ms);
    }
    accounts_sql_erase(batch, &erasure->row, erasure->seen_before_day);
    if (erasure->by_hold) {
        holds_sql_take(batch, account, &erasure->hold);
    }
    holds_sql_clear(batch, account);
    left_account(erasure->domain, &erasure->account_id, &left);
    accounts_sql_note_erased(batch, &left, erasure->now_ms / DOMAIN_DAY_MS);
    devices_sql_detach_left(batch, account);
    for (size_t i = 0; i < erasure->device_count; i++) {
        left_device(erasure->domain, &erasure->devices[i].pub, &left);
        devices_sql_leave(batch, &left, 0);
        devices_sql_remove(batch, erasure->devices[i].mailbox);
    }
    accounts_sql_erase_manifests(batch, account);
    txns_sql_end_account(batch, account, txns_subject(erasure->domain, &erasure->account_id));
    links_sql_end_account(batch, account, txns_subject(erasure->domain, &erasure->account_id));
    factors_sql_end_account(batch, account);
    recoveries_sql_end_account(batch, account); /* before the log: see txns_sql_end_account */
    recovery_contacts_sql_end_account(batch, account);
    grants_end_account(batch, account);
    account_log_sql_end_account(batch, account);
    handles_sql_release_all(batch, account, handles_free_day(erasure->domain, erasure->now_ms));
    erasure->sessions_at = store_batch_size(batch);
    sessions_sql_end_account(batch, account);
    changes_note_erased(
        erasure->domain, batch,
        &(struct changes_head){ .account = account, .account_id = erasure->account_id });
    store_submit(erasure->domain->store, &batch, on_written, erasure);
}

/* Number of the device that commands, 0 when it is gone; and whether another one is ADMIN. */
static uint32_t commander(const struct erasure *erasure, bool *out_other_admin)
{
    uint32_t device_id = 0;

    *out_other_admin = false;
    for (size_t i = 0; i < erasure->device_count; i++) {
        const struct devices_row *device = &erasure->devices[i];

        if (device->mailbox == erasure->guard.mailbox) {
            device_id = device->device_id;
        } else if ((device->flags & MANIFEST_DEVICE_ADMIN) != 0) {
            *out_other_admin = true;
        }
    }
    return device_id;
}

/* Find the erasure that device signer ordered before. */
static bool is_held(struct store_rows *rows, uint32_t signer, struct hold *out)
{
    store_rows_select(rows, READ_HOLDS);
    while (holds_sql_next(rows, out)) {
        if (out->kind == HOLD_ERASURE && out->signer == signer) {
            return true;
        }
    }
    return false;
}

static void erasure_place(struct erasure *erasure, struct store_rows *rows)
{
    bool other_admin = false;
    uint32_t device_id = commander(erasure, &other_admin);

    if (!erasure->by_command || !other_admin || erasure->domain->settings.hold_s == 0) {
        erasure_write(erasure);
    } else if (is_held(rows, device_id, &erasure->hold)) {
        erasure_repeat(erasure);
    } else {
        holds_of_erasure(erasure->domain, &erasure->account_id, device_id, erasure->now_ms,
                         &erasure->hold);
        erasure_hold(erasure);
    }
}

static void on_read(void *arg, enum store_status status, struct store_rows *rows)
{
    struct erasure *erasure = arg;

    if (status != STORE_OK) {
        finish(erasure, ACCOUNTS_UNAVAILABLE, 0);
        return;
    }
    if (!accounts_sql_row(rows, &erasure->row)) {
        finish(erasure, ACCOUNTS_UNKNOWN, 0);
        return;
    }
    store_rows_select(rows, READ_DEVICES);
    erasure->device_count = 0;
    while (erasure->device_count < LIMIT_MANIFEST_DEVICES &&
           devices_sql_next(rows, &erasure->devices[erasure->device_count])) {
        erasure->device_count++;
    }
    erasure_place(erasure, rows);
}

static void erasure_read(struct erasure *erasure)
{
    struct store_batch *batch = store_batch_create();

    accounts_sql_ask(batch, &erasure->account_id);
    devices_sql_ask_all(batch, &erasure->account_id);
    holds_sql_ask(batch, &erasure->account_id);
    store_read(erasure->domain->store, &batch, on_read, erasure);
}

void accounts_erase(struct domain *domain, const struct accounts_erasure *order, int64_t now_ms,
                    accounts_done_fn *done, void *arg)
{
    struct erasure *erasure = mem_zeroed(1, sizeof *erasure);

    erasure->domain = domain;
    erasure->account_id = order->account_id;
    erasure->by_command = order->guard != NULL;
    if (order->guard != NULL) {
        erasure->guard = *order->guard;
    }
    if (order->hold != NULL) {
        erasure->by_hold = true;
        erasure->hold = *order->hold;
    }
    if (order->grant != NULL) {
        erasure->has_grant = true;
        erasure->grant = *order->grant;
    }
    erasure->seen_before_day = order->seen_before_day;
    erasure->now_ms = now_ms;
    erasure->done = done;
    erasure->arg = arg;
    erasure_read(erasure);
}

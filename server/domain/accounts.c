/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registration: read what stands in the way, say so, else write with every one
 * of these reasons as a guard.  A write that is refused lost a race, so the
 * reading begins again; what it finds is then the answer.  Reading first keeps
 * hopeless registrations, which strangers may send, away from the writer.
 *
 *   READ -> answer        (present, erased, key used, closed, invite invalid)
 *        -> WRITE -> DONE
 *                 -> READ (refused, a few times at most)
 */
#include "server/domain/accounts.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/domain/accounts_sql.h"
#include "server/domain/devices_sql.h"
#include "server/domain/invites.h"
#include "server/domain/left.h"
#include "server/domain/manifests_sql.h"
#include "server/store/store.h"

enum {
    WRITES_MAX = 3, /* a registration that loses more races than this is told to come again */

    /* The statements of the read, in order. */
    READ_ROW = 0,
    READ_ERASED,
    READ_INVITE,
    READ_KEYS, /* one for each device */
};

struct registration {
    struct domain *domain;
    struct buf bytes; /* the signed manifest, which the parsed one borrows */
    struct manifest manifest;
    struct manifest_hash hash;
    struct left_hash left; /* of the account */
    struct invite_hash invite;
    bool invite_given;
    bool invite_needed; /* as the setting was when it came */
    int writes;
    int64_t now_ms;
    accounts_done_fn *done;
    void *arg;
};

static void registration_read(struct registration *registration);

/* Tell the outcome; it is the last to use registration. */
static void finish(struct registration *registration, const struct accounts_outcome *outcome)
{
    registration->done(registration->arg, outcome);
    buf_clear(&registration->bytes);
    free(registration);
}

static void finish_with(struct registration *registration, enum accounts_result result)
{
    const struct accounts_outcome outcome = { .result = result };

    finish(registration, &outcome);
}

static void finish_at_head(struct registration *registration, enum accounts_result result,
                           uint64_t epoch, const struct manifest_hash *hash)
{
    const struct accounts_outcome outcome = {
        .result = result,
        .account_id = registration->manifest.account,
        .epoch = epoch,
        .hash = *hash,
    };

    finish(registration, &outcome);
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct registration *registration = arg;

    (void)rows;
    switch (status) {
    case STORE_OK:
        metrics_add(METRIC_accounts_created, 1);
        finish_at_head(registration, ACCOUNTS_DONE, 0, &registration->hash);
        return;
    case STORE_REFUSED:
    case STORE_CONFLICT:
        if (registration->writes < WRITES_MAX) {
            registration_read(registration);
            return;
        }
        finish_with(registration, ACCOUNTS_UNAVAILABLE);
        return;
    case STORE_FULL:
        finish_with(registration, ACCOUNTS_STORAGE_FULL);
        return;
    case STORE_BUSY:
    case STORE_UNCERTAIN:
    case STORE_BROKEN:
        finish_with(registration, ACCOUNTS_UNAVAILABLE);
        return;
    }
}

static void registration_write(struct registration *registration)
{
    const struct manifest *manifest = &registration->manifest;
    struct store_batch *batch = store_batch_create();
    int64_t day = registration->now_ms / DOMAIN_DAY_MS;
    struct left_hash left;

    registration->writes++;
    if (registration->invite_needed) {
        invites_spend(batch, &registration->invite, registration->now_ms / 1000);
    }
    accounts_sql_insert(batch, &manifest->account, &registration->hash, &registration->left, day);
    manifests_sql_insert(batch, manifest, &registration->hash);
    for (size_t i = 0; i < manifest->device_count; i++) {
        left_device(registration->domain, &manifest->devices[i].pub, &left);
        devices_sql_insert(batch, &manifest->account, &manifest->devices[i], &left, day);
    }
    store_submit(registration->domain->store, &batch, on_written, registration);
}

static bool has_row(struct store_rows *rows, size_t index)
{
    store_rows_select(rows, index);
    return store_rows_next(rows);
}

/* What stands in the way of a write, or ACCOUNTS_DONE. */
static enum accounts_result obstacle(const struct registration *registration,
                                     struct store_rows *rows)
{
    if (has_row(rows, READ_ERASED)) {
        return ACCOUNTS_ERASED;
    }
    for (size_t i = 0; i < registration->manifest.device_count; i++) {
        if (has_row(rows, READ_KEYS + i)) {
            return ACCOUNTS_KEY_USED;
        }
    }
    if (registration->domain->settings.registration == DOMAIN_CLOSED) {
        return ACCOUNTS_REGISTRATION_CLOSED;
    }
    if (registration->invite_needed &&
        (!registration->invite_given || !has_row(rows, READ_INVITE))) {
        return ACCOUNTS_INVITE_INVALID;
    }
    return ACCOUNTS_DONE;
}

static void on_read(void *arg, enum store_status status, struct store_rows *rows)
{
    struct registration *registration = arg;
    struct accounts_row row;
    enum accounts_result result = ACCOUNTS_UNAVAILABLE;

    if (status != STORE_OK) {
        finish_with(registration, ACCOUNTS_UNAVAILABLE);
        return;
    }
    if (accounts_sql_row(rows, &row)) {
        finish_at_head(registration, ACCOUNTS_PRESENT, row.epoch, &row.hash);
        return;
    }
    result = obstacle(registration, rows);
    if (result != ACCOUNTS_DONE) {
        finish_with(registration, result);
        return;
    }
    registration_write(registration);
}

static void registration_read(struct registration *registration)
{
    const struct manifest *manifest = &registration->manifest;
    struct store_batch *batch = store_batch_create();
    struct left_hash left;

    accounts_sql_ask(batch, &manifest->account);
    accounts_sql_ask_erased(batch, &registration->left);
    invites_ask(batch, &registration->invite, registration->now_ms / 1000);
    for (size_t i = 0; i < manifest->device_count; i++) {
        left_device(registration->domain, &manifest->devices[i].pub, &left);
        devices_sql_ask_used(batch, &manifest->devices[i].pub, &left);
    }
    store_read(registration->domain->store, &batch, on_read, registration);
}

void accounts_register(struct domain *domain, struct bytes manifest, struct bytes invite,
                       int64_t now_ms, accounts_done_fn *done, void *arg)
{
    struct registration *registration = mem_zeroed(1, sizeof *registration);
    struct accounts_outcome outcome = { .result = ACCOUNTS_MANIFEST_INVALID };

    registration->domain = domain;
    registration->now_ms = now_ms;
    registration->done = done;
    registration->arg = arg;
    buf_append(&registration->bytes, manifest);
    outcome.verdict = manifest_parse(buf_view(&registration->bytes), &registration->manifest);
    if (outcome.verdict == MANIFEST_VALID) {
        outcome.verdict = manifest_check_first(&registration->manifest);
    }
    if (outcome.verdict != MANIFEST_VALID) {
        metrics_add(METRIC_manifests_refused, 1);
        finish(registration, &outcome);
        return;
    }
    manifest_hash_of(registration->manifest.body, &registration->hash);
    left_account(domain, &registration->manifest.account, &registration->left);
    registration->invite_given = invites_parse(invite, &registration->invite);
    registration->invite_needed = domain->settings.registration == DOMAIN_INVITE;
    registration_read(registration);
}

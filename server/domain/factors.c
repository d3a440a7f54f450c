/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   enrol    WRITE -> done, or why not
 *   confirm  READ (the secret) -> judged -> WRITE
 *   remove   READ (which kind) -> WRITE
 *
 * Every write begins with the command's seq, the ADMIN bit, which holds the
 * account's row, and, but for a confirmation, the step-up: so no other change of the
 * account's factors comes between.
 */
#include "server/domain/factors.h"

#include <stdlib.h>

#include "common/buf.h"
#include "common/check.h"
#include "common/mem.h"
#include "common/random.h"
#include "common/recovery_code.h"
#include "common/totp.h"
#include "server/domain/account_log.h"
#include "server/domain/accounts_sql.h"
#include "server/domain/commands.h"
#include "server/domain/factor_secret.h"
#include "server/domain/factors_sql.h"
#include "server/domain/grants.h"
#include "server/domain/purge.h"
#include "server/store/store.h"

enum {
    HOUR_S = 3600,
};

/* What an expected statement of the write says when it yields nothing; what comes last is `last`. */
enum guard {
    GUARD_SEQ = 0,
    GUARD_ADMIN,
    GUARD_STEPUP
};

struct change {
    struct domain *domain;
    struct factors_order order; /* its pointers are to what is below, or NULL */
    struct command_guard guard;
    struct grant grant;
    struct account_log_entry entry;
    bool is_told;             /* entry is noted and told */
    enum factors_result last; /* what it means when the last guard refuses */
    size_t last_at;
    uint8_t secret[TOTP_SECRET_BYTES];
    struct recovery_code codes[RECOVERY_CODE_COUNT];
    int64_t now_ms;
    factors_done_fn *done;
    void *arg;
};

static void finish(struct change *change, const struct factors_outcome *outcome)
{
    change->done(change->arg, outcome);
    mem_wipe(change, sizeof *change);
    free(change);
}

static void finish_with(struct change *change, enum factors_result result)
{
    finish(change, &(struct factors_outcome){ .result = result });
}

static void on_last(void *arg, bool ok, int64_t last_seq)
{
    struct change *change = arg;

    if (!ok || last_seq < 0) { /* the device is gone, and its session with it */
        finish_with(change, FACTORS_UNAVAILABLE);
        return;
    }
    finish(change, &(struct factors_outcome){ .result = FACTORS_REPLAYED, .last_seq = last_seq });
}

static void refuse(struct change *change, size_t refused_at)
{
    if (refused_at == GUARD_SEQ) {
        commands_last(change->domain, change->guard.mailbox, on_last, change);
    } else if (refused_at == GUARD_ADMIN) {
        finish_with(change, FACTORS_NOT_ADMIN);
    } else if (refused_at == change->last_at) {
        finish_with(change, change->last);
    } else {
        CHECK(refused_at == GUARD_STEPUP);
        finish_with(change, FACTORS_STEPUP);
    }
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct change *change = arg;

    switch (status) {
    case STORE_OK:
        if (change->is_told) {
            account_log_tell(change->domain, &change->entry);
        }
        finish(change, &(struct factors_outcome){ .result = FACTORS_DONE,
                                                  .factor_id = change->order.factor_id,
                                                  .secret = change->secret,
                                                  .codes = change->codes });
        return;
    case STORE_REFUSED:
        refuse(change, store_rows_refused_at(rows));
        return;
    case STORE_FULL:
        finish_with(change, FACTORS_STORAGE_FULL);
        return;
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_UNCERTAIN:
    case STORE_BROKEN:
        finish_with(change, FACTORS_UNAVAILABLE);
        return;
    }
}

static struct store_batch *guarded_batch(const struct change *change)
{
    struct store_batch *batch = store_batch_create();

    commands_spend(batch, &change->guard);
    accounts_sql_expect_admin(batch, change->order.account, change->guard.mailbox);
    return batch;
}

static void submit(struct change *change, struct store_batch *batch)
{
    if (change->is_told) {
        account_log_note(change->domain, batch, &change->entry, change->now_ms);
    }
    store_submit(change->domain->store, &batch, on_written, change);
}

static struct change *change_create(struct domain *domain, const struct factors_order *order,
                                    int64_t now_ms, factors_done_fn *done, void *arg)
{
    struct change *change = mem_zeroed(1, sizeof *change);

    change->domain = domain;
    change->order = *order;
    change->guard = *order->guard;
    if (order->grant != NULL) {
        change->grant = *order->grant;
        change->order.grant = &change->grant;
    }
    change->entry = (struct account_log_entry){ .account = order->account,
                                                .account_id = order->account_id,
                                                .kind = order->kind,
                                                .device_id = order->device_id };
    change->now_ms = now_ms;
    change->done = done;
    change->arg = arg;
    return change;
}

static void put_totp(struct change *change, struct store_batch *batch, struct factors_row *row)
{
    struct buf sealed = { 0 };

    totp_secret_make(change->secret);
    factor_secret_close(change->domain, &row->factor_id, change->secret, &sealed);
    row->secret = buf_view(&sealed);
    change->last_at = store_batch_size(batch);
    factors_sql_put(batch, row, LIMIT_FACTORS);
    buf_clear(&sealed);
}

/* The set that was goes first, so there is room for one. */
static void put_recovery_codes(struct change *change, struct store_batch *batch,
                               struct factors_row *row)
{
    const struct domain *domain = change->domain;
    const struct bytes pepper = bytes_of(domain->keys.index, sizeof domain->keys.index);
    uint8_t hash[RECOVERY_CODE_HASH_BYTES];

    factors_sql_end_recovery_codes(batch, row->account);
    factors_sql_end_loose_codes(batch, row->account);
    row->is_confirmed = true;
    change->last_at = store_batch_size(batch);
    factors_sql_put(batch, row, 1);
    for (size_t i = 0; i < RECOVERY_CODE_COUNT; i++) {
        recovery_code_make(&change->codes[i]);
        recovery_code_hash(pepper, &change->order.account_id, &change->codes[i], hash);
        factors_sql_put_recovery_code(batch, row->account, hash);
    }
    change->is_told = true;
}

void factors_enrol(struct domain *domain, const struct factors_order *order, int64_t now_ms,
                   factors_done_fn *done, void *arg)
{
    struct change *change = change_create(domain, order, now_ms, done, arg);
    struct store_batch *batch = guarded_batch(change);
    struct factors_row row = {
        .account = order->account,
        .kind = order->kind,
        .label = order->label,
        .last_step = TOTP_NO_STEP,
        .created_at = now_ms / 1000 / HOUR_S * HOUR_S,
    };

    random_fill(change->order.factor_id.raw, sizeof change->order.factor_id.raw);
    row.factor_id = change->order.factor_id;
    change->last = FACTORS_TOO_MANY;
    change->entry.event = ACCOUNT_LOG_ENROLLED;
    grants_expect_stepup(batch, order->account, change->order.grant, now_ms);
    if (order->kind == FACTOR_TOTP) {
        put_totp(change, batch, &row);
    } else {
        put_recovery_codes(change, batch, &row);
    }
    change->order.label = (struct bytes){ 0 };
    submit(change, batch);
}

static void on_pending(void *arg, enum store_status status, struct store_rows *rows)
{
    struct change *change = arg;
    struct factors_totp_row row;
    struct store_batch *batch = NULL;
    int64_t step = 0;

    if (status != STORE_OK) {
        finish_with(change, FACTORS_UNAVAILABLE);
        return;
    }
    if (!factors_sql_next_totp(rows, &row)) {
        finish_with(change, FACTORS_UNKNOWN);
        return;
    }
    if (!factor_secret_open(change->domain, &row.factor_id, row.secret, change->secret)) {
        finish_with(change, FACTORS_UNAVAILABLE);
        return;
    }
    if (!totp_check(change->secret, change->order.code, change->now_ms, row.last_step, &step)) {
        finish_with(change, FACTORS_WRONG);
        return;
    }
    batch = guarded_batch(change);
    change->last = FACTORS_STEPUP;
    change->last_at = store_batch_size(batch);
    factors_sql_expect_confirm(batch, change->order.account, &change->order.factor_id, step);
    change->is_told = true;
    submit(change, batch);
}

void factors_confirm(struct domain *domain, const struct factors_order *order, int64_t now_ms,
                     factors_done_fn *done, void *arg)
{
    struct change *change = change_create(domain, order, now_ms, done, arg);
    struct store_batch *batch = store_batch_create();

    change->entry.event = ACCOUNT_LOG_ENROLLED;
    change->entry.kind = FACTOR_TOTP;
    factors_sql_ask_pending(batch, order->account, &order->factor_id);
    store_read(domain->store, &batch, on_pending, change);
}

static void on_kind(void *arg, enum store_status status, struct store_rows *rows)
{
    struct change *change = arg;
    struct store_batch *batch = NULL;

    if (status != STORE_OK) {
        finish_with(change, FACTORS_UNAVAILABLE);
        return;
    }
    if (!factors_sql_kind(rows, &change->entry.kind)) {
        finish_with(change, FACTORS_UNKNOWN);
        return;
    }
    batch = guarded_batch(change);
    grants_expect_stepup(batch, change->order.account, change->order.grant, change->now_ms);
    change->last = FACTORS_UNKNOWN;
    change->last_at = store_batch_size(batch);
    factors_sql_expect_remove(batch, change->order.account, &change->order.factor_id);
    factors_sql_end_loose_codes(batch, change->order.account);
    change->is_told = true;
    submit(change, batch);
}

void factors_remove(struct domain *domain, const struct factors_order *order, int64_t now_ms,
                    factors_done_fn *done, void *arg)
{
    struct change *change = change_create(domain, order, now_ms, done, arg);
    struct store_batch *batch = store_batch_create();

    change->entry.event = ACCOUNT_LOG_REMOVED;
    factors_sql_ask_kind(batch, order->account, &order->factor_id);
    store_read(domain->store, &batch, on_kind, change);
}

void factors_view_of(const struct factors_row *row, struct factors_view *out)
{
    *out = (struct factors_view){
        .factor_id = row->factor_id,
        .kind = row->kind,
        .is_confirmed = row->is_confirmed,
        .label = row->label,
        .created_at = row->created_at,
        .codes_left = row->kind == FACTOR_RECOVERY_CODE ? row->codes_left : 0,
    };
}

struct listing {
    factors_listed_fn *done;
    void *arg;
};

static void on_listed(void *arg, enum store_status status, struct store_rows *rows)
{
    struct listing *listing = arg;
    struct factors_view views[FACTORS_LIST_MAX];
    struct factors_row row;
    size_t count = 0;

    while (status == STORE_OK && count < FACTORS_LIST_MAX && factors_sql_next(rows, &row)) {
        factors_view_of(&row, &views[count]);
        count++;
    }
    listing->done(listing->arg, status == STORE_OK, views, count);
    free(listing);
}

void factors_list(struct domain *domain, const struct account_id *account_id,
                  factors_listed_fn *done, void *arg)
{
    struct listing *listing = mem_zeroed(1, sizeof *listing);
    struct store_batch *batch = store_batch_create();

    listing->done = done;
    listing->arg = arg;
    factors_sql_list(batch, account_id);
    store_read(domain->store, &batch, on_listed, listing);
}

void factors_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    const struct purge_order order = { .event = "factors.purge", .done = done, .arg = arg };
    int64_t before_s = now_ms / 1000 - LIMIT_FACTOR_PENDING_S - HOUR_S;
    struct store_batch *batch = factors_sql_purge(before_s, DOMAIN_PURGE_ROWS);

    purge_run(domain, &batch, &order, now_ms);
}

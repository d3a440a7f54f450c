/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every write begins with the command's seq, the ADMIN bit, which holds the
 * account's row, and, but for a confirmation, the step-up: so no other change of the
 * account's factors comes between.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/mem.h"
#include "server/domain/account_log.h"
#include "server/domain/accounts_sql.h"
#include "server/domain/authenticators.h"
#include "server/domain/commands.h"
#include "server/domain/domain.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/factor_secret.h"
#include "server/domain/factors.h"
#include "server/domain/factors_private.h"
#include "server/store/store.h"

void factors_change_finish(struct factors_change *change, const struct factors_outcome *outcome)
{
    change->done(change->arg, outcome);
    buf_clear(&change->kept);
    factor_secret_wipe(&change->secret);
    mem_wipe(change, sizeof *change);
    free(change);
}

void factors_change_finish_with(struct factors_change *change, enum factors_result result)
{
    factors_change_finish(change, &(struct factors_outcome){ .result = result });
}

static void on_last(void *arg, bool ok, int64_t last_seq)
{
    struct factors_change *change = arg;

    if (!ok || last_seq < 0) { /* the device is gone, and its session with it */
        factors_change_finish_with(change, FACTORS_UNAVAILABLE);
        return;
    }
    factors_change_finish(
        change, &(struct factors_outcome){ .result = FACTORS_REPLAYED, .last_seq = last_seq });
}

static void refuse(struct factors_change *change, size_t refused_at)
{
    CHECK(refused_at < FACTORS_CHANGE_STATEMENTS);
    if (change->means[refused_at] == FACTORS_REPLAYED) {
        commands_last(change->domain, change->guard.mailbox, on_last, change);
    } else {
        CHECK(change->means[refused_at] != FACTORS_DONE);
        factors_change_finish_with(change, change->means[refused_at]);
    }
}

static void give(struct factors_change *change, struct store_rows *rows)
{
    if (change->is_told) {
        account_log_tell(change->domain, &change->entry);
    }
    if (change->excluded_at > 0) {
        store_rows_select(rows, change->excluded_at);
        authenticators_list(change->domain, rows, NULL, &change->creation.excluded);
    }
    factors_change_finish(change, &(struct factors_outcome){ .result = FACTORS_DONE,
                                                             .factor_id = change->order.factor_id,
                                                             .secret = change->secret.at,
                                                             .codes = change->codes,
                                                             .response = change->response,
                                                             .creation = &change->creation });
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct factors_change *change = arg;

    switch (status) {
    case STORE_OK:
        give(change, rows);
        return;
    case STORE_REFUSED:
        refuse(change, store_rows_refused_at(rows));
        return;
    case STORE_FULL:
        factors_change_finish_with(change, FACTORS_STORAGE_FULL);
        return;
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_UNCERTAIN:
    case STORE_BROKEN:
        factors_change_finish_with(change, FACTORS_UNAVAILABLE);
        return;
    }
}

void factors_change_means(struct factors_change *change, const struct store_batch *batch,
                          enum factors_result result)
{
    size_t at = store_batch_size(batch);

    CHECK(at < FACTORS_CHANGE_STATEMENTS);
    change->means[at] = result;
}

struct store_batch *factors_change_batch(struct factors_change *change)
{
    struct store_batch *batch = store_batch_create();

    factors_change_means(change, batch, FACTORS_REPLAYED);
    commands_spend(batch, &change->guard);
    factors_change_means(change, batch, FACTORS_NOT_ADMIN);
    accounts_sql_expect_admin(batch, change->order.account, change->guard.mailbox);
    return batch;
}

void factors_change_submit(struct factors_change *change, struct store_batch *batch)
{
    if (change->is_told) {
        account_log_note(change->domain, batch, &change->entry, change->now_ms);
    }
    store_submit(change->domain->store, &batch, on_written, change);
}

static void keep_proof(struct factors_change *change, const struct factors_proof *proof)
{
    struct buf *kept = &change->kept;

    change->proof = *proof;
    if (proof->kind == FACTOR_PASSWORD) {
        memcpy(change->record, proof->record, sizeof change->record);
        change->proof.record = change->record;
    } else if (proof->kind == FACTOR_WEBAUTHN) {
        buf_append(kept, proof->client_data);
        buf_append(kept, proof->auth_data);
        change->proof.client_data = bytes_of(kept->at, proof->client_data.size);
        change->proof.auth_data =
            bytes_of(kept->at + proof->client_data.size, proof->auth_data.size);
    }
    change->order.proof = &change->proof;
}

struct factors_change *factors_change_create(struct domain *domain,
                                             const struct factors_order *order, int64_t now_ms,
                                             factors_done_fn *done, void *arg)
{
    struct factors_change *change = mem_zeroed(1, sizeof *change);

    change->domain = domain;
    change->order = *order;
    change->guard = *order->guard;
    if (order->grant != NULL) {
        change->grant = *order->grant;
        change->order.grant = &change->grant;
    }
    if (order->proof != NULL) {
        keep_proof(change, order->proof);
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

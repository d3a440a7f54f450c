/* SPDX-License-Identifier: Apache-2.0 */
/* WRITE -> done, or why not. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/ids.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/random.h"
#include "common/recovery_code.h"
#include "common/totp.h"
#include "server/domain/account_log.h"
#include "server/domain/authenticators.h"
#include "server/domain/domain.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/factor_secret.h"
#include "server/domain/factors.h"
#include "server/domain/factors_private.h"
#include "server/domain/factors_sql.h"
#include "server/domain/grants.h"
#include "server/domain/passwords.h"
#include "server/store/store.h"

enum {
    HOUR_S = 3600,
};

/* A pending factor, with what is kept of it until it is confirmed. */
static void put_pending(struct factors_change *change, struct store_batch *batch,
                        struct factors_row *row, struct buf *sealed)
{
    row->secret = buf_view(sealed);
    factors_change_means(change, batch, FACTORS_TOO_MANY);
    factors_sql_put(batch, row, LIMIT_FACTORS);
    buf_clear(sealed);
}

static void put_totp(struct factors_change *change, struct store_batch *batch,
                     struct factors_row *row)
{
    uint8_t secret[TOTP_SECRET_BYTES];
    struct buf sealed = { 0 };

    totp_secret_make(secret);
    buf_append(&change->secret, bytes_of(secret, sizeof secret));
    mem_wipe(secret, sizeof secret);
    factor_secret_close(change->domain, &row->factor_id, buf_view(&change->secret), &sealed);
    put_pending(change, batch, row, &sealed);
}

/* The set that was goes first, so there is room for one. */
static void put_recovery_codes(struct factors_change *change, struct store_batch *batch,
                               struct factors_row *row)
{
    const struct domain *domain = change->domain;
    const struct bytes pepper = bytes_of(domain->keys.index, sizeof domain->keys.index);
    uint8_t hash[RECOVERY_CODE_HASH_BYTES];

    factors_sql_end_recovery_codes(batch, row->account);
    factors_sql_end_loose_codes(batch, row->account);
    row->is_confirmed = true;
    factors_change_means(change, batch, FACTORS_TOO_MANY);
    factors_sql_put(batch, row, 1);
    for (size_t i = 0; i < RECOVERY_CODE_COUNT; i++) {
        recovery_code_make(&change->codes[i]);
        recovery_code_hash(pepper, &change->order.account_id, &change->codes[i], hash);
        factors_sql_put_recovery_code(batch, row->account, hash);
    }
    change->is_told = true;
}

static void put_password(struct factors_change *change, struct store_batch *batch,
                         struct factors_row *row)
{
    struct buf sealed = { 0 };

    passwords_register(change->domain, &change->order.account_id, &row->factor_id,
                       change->order.request, change->response, &sealed);
    put_pending(change, batch, row, &sealed);
}

static void put_authenticator(struct factors_change *change, struct store_batch *batch,
                              struct factors_row *row)
{
    struct authenticators_creation *creation = &change->creation;
    int64_t expires_at = change->now_ms / 1000 + LIMIT_WEBAUTHN_S;
    struct buf sealed = { 0 };

    random_fill(creation->challenge, sizeof creation->challenge);
    authenticators_user(change->domain, &change->order.account_id, creation->user);
    authenticators_begin(change->domain, &row->factor_id, creation->challenge, expires_at, &sealed);
    put_pending(change, batch, row, &sealed);
    change->excluded_at = store_batch_size(batch);
    factors_sql_ask_secrets(batch, row->account, FACTOR_WEBAUTHN);
}

static void put(struct factors_change *change, struct store_batch *batch, struct factors_row *row)
{
    switch (row->kind) {
    case FACTOR_TOTP:
        put_totp(change, batch, row);
        return;
    case FACTOR_RECOVERY_CODE:
        put_recovery_codes(change, batch, row);
        return;
    case FACTOR_PASSWORD:
        put_password(change, batch, row);
        return;
    case FACTOR_WEBAUTHN:
        put_authenticator(change, batch, row);
        return;
    case FACTOR_CODE:
    case FACTOR_KINDS:
        break;
    }
    CHECK_UNREACHABLE(); /* nobody enrols these */
}

void factors_enrol(struct domain *domain, const struct factors_order *order, int64_t now_ms,
                   factors_done_fn *done, void *arg)
{
    struct factors_change *change = factors_change_create(domain, order, now_ms, done, arg);
    struct store_batch *batch = factors_change_batch(change);
    struct factors_row row = {
        .account = order->account,
        .kind = order->kind,
        .label = order->label,
        .counter = order->kind == FACTOR_TOTP ? TOTP_NO_STEP : 0,
        .created_at = now_ms / 1000 / HOUR_S * HOUR_S,
    };

    random_fill(change->order.factor_id.raw, sizeof change->order.factor_id.raw);
    row.factor_id = change->order.factor_id;
    change->entry.event = ACCOUNT_LOG_ENROLLED;
    factors_change_means(change, batch, FACTORS_STEPUP);
    grants_expect_stepup(batch, order->account, change->order.grant, now_ms);
    put(change, batch, &row);
    change->order.label = bytes_of(NULL, 0);
    change->order.request = NULL;
    factors_change_submit(change, batch);
}

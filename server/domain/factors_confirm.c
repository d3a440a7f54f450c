/* SPDX-License-Identifier: Apache-2.0 */
/* READ (what is kept of the pending factor) -> judged -> WRITE. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/totp.h"
#include "common/webauthn.h"
#include "server/domain/account_log.h"
#include "server/domain/authenticators.h"
#include "server/domain/domain.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/factor_secret.h"
#include "server/domain/factors.h"
#include "server/domain/factors_private.h"
#include "server/domain/factors_sql.h"
#include "server/domain/passwords.h"
#include "server/store/store.h"

/* What a proof led to. */
struct verdict {
    enum factors_result result;
    enum webauthn_result why;
    struct buf sealed; /* what is kept from now on */
    uint8_t name[CRYPTO_SHA256_BYTES];
    bool has_name;
    int64_t counter;
};

static void judge_totp(const struct factors_change *change, const struct factors_secret_row *row,
                       struct verdict *verdict)
{
    struct buf secret = { 0 };

    if (!factor_secret_open(change->domain, &row->factor_id, row->secret, &secret) ||
        secret.size != TOTP_SECRET_BYTES) {
        verdict->result = FACTORS_UNAVAILABLE;
    } else if (!totp_check(secret.at, change->proof.code, change->now_ms, row->counter,
                           &verdict->counter)) {
        verdict->result = FACTORS_WRONG;
    } else {
        buf_append(&verdict->sealed, row->secret);
    }
    factor_secret_wipe(&secret);
}

static void judge_password(const struct factors_change *change,
                           const struct factors_secret_row *row, struct verdict *verdict)
{
    if (!passwords_keep(change->domain, &row->factor_id, row->secret, change->proof.record,
                        &verdict->sealed)) {
        verdict->result = FACTORS_UNAVAILABLE;
    }
}

static void judge_authenticator(const struct factors_change *change,
                                const struct factors_secret_row *row, struct verdict *verdict)
{
    const struct factors_proof *proof = &change->proof;
    struct webauthn_credential credential;
    uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES];

    if (!authenticators_begun(change->domain, row, change->now_ms / 1000, challenge)) {
        verdict->result = FACTORS_UNKNOWN;
        return;
    }
    verdict->why = webauthn_register(change->domain->party, challenge, proof->client_data,
                                     proof->auth_data, &credential);
    if (verdict->why != WEBAUTHN_GOOD) {
        verdict->result = FACTORS_WRONG;
        return;
    }
    authenticators_close(change->domain, &row->factor_id, &credential, &verdict->sealed);
    authenticators_name(change->domain, &change->order.account_id,
                        bytes_of(credential.id, credential.id_size), verdict->name);
    verdict->has_name = true;
    verdict->counter = credential.counter;
}

static void judge(const struct factors_change *change, const struct factors_secret_row *row,
                  struct verdict *verdict)
{
    if (row->kind != change->proof.kind) {
        verdict->result = FACTORS_MALFORMED;
    } else if (row->kind == FACTOR_TOTP) {
        judge_totp(change, row, verdict);
    } else if (row->kind == FACTOR_PASSWORD) {
        judge_password(change, row, verdict);
    } else {
        CHECK(row->kind == FACTOR_WEBAUTHN); /* no other proof is read */
        judge_authenticator(change, row, verdict);
    }
}

/* The password that was goes with its step-up, and so do others that are pending. */
static void write_confirmed(struct factors_change *change, const struct verdict *verdict)
{
    const struct factors_order *order = &change->order;
    struct store_batch *batch = factors_change_batch(change);
    struct factors_confirmed confirmed = { .secret = buf_view(&verdict->sealed),
                                           .counter = verdict->counter };

    if (verdict->has_name) {
        confirmed.name = bytes_of(verdict->name, sizeof verdict->name);
        factors_change_means(change, batch, FACTORS_KNOWN);
        factors_sql_expect_no_name(batch, order->account, verdict->name);
    }
    factors_change_means(change, batch, FACTORS_STEPUP);
    factors_sql_expect_confirm(batch, order->account, &order->factor_id, &confirmed);
    if (change->entry.kind == FACTOR_PASSWORD) {
        factors_sql_end_others(batch, order->account, FACTOR_PASSWORD, &order->factor_id);
    }
    change->is_told = true;
    factors_change_submit(change, batch);
}

static void on_pending(void *arg, enum store_status status, struct store_rows *rows)
{
    struct factors_change *change = arg;
    struct factors_secret_row row;
    struct verdict verdict = { .result = FACTORS_DONE };

    if (status != STORE_OK) {
        factors_change_finish_with(change, FACTORS_UNAVAILABLE);
        return;
    }
    if (!factors_sql_next_secret(rows, &row)) {
        factors_change_finish_with(change, FACTORS_UNKNOWN);
        return;
    }
    judge(change, &row, &verdict);
    change->entry.kind = row.kind;
    if (verdict.result == FACTORS_DONE) {
        write_confirmed(change, &verdict);
    } else {
        factors_change_finish(
            change, &(struct factors_outcome){ .result = verdict.result, .why = verdict.why });
    }
    buf_clear(&verdict.sealed);
}

void factors_confirm(struct domain *domain, const struct factors_order *order, int64_t now_ms,
                     factors_done_fn *done, void *arg)
{
    struct factors_change *change = factors_change_create(domain, order, now_ms, done, arg);
    struct store_batch *batch = store_batch_create();

    CHECK(order->proof != NULL);
    change->entry.event = ACCOUNT_LOG_ENROLLED;
    factors_sql_ask_pending(batch, order->account, &order->factor_id);
    store_read(domain->store, &batch, on_pending, change);
}

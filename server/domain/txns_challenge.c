/* SPDX-License-Identifier: Apache-2.0 */
/*
 * READ (the transaction, and what the kind needs) -> answer (over, no such kind)
 *                        -> made -> WRITE -> told, answer
 *                                        -> READ (when is the next one due) -> answer
 *
 * WRITE counts what is a guess, and nothing that was made is shown before it has committed.
 * A decoy's challenge is made, stored and, a code, told to other daemons as any, and shown to
 * nobody's device.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/ids.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/random.h"
#include "server/domain/changes.h"
#include "server/domain/codes.h"
#include "server/domain/domain.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/factor_start.h"
#include "server/domain/passwords.h"
#include "server/domain/txns.h"
#include "server/domain/txns_sql.h"
#include "server/domain/txns_wait.h"
#include "server/store/store.h"

/* What an expected statement of the write says when it yields nothing. */
enum guard {
    GUARD_TXN = 0,
    GUARD_KIND,
    GUARD_GUESS, /* where the challenge is one */
    GUARD_COUNT
};

/* What READ reads. */
enum {
    READ_TXN = 0,
    READ_FACTORS
};

struct starting {
    struct domain *domain;
    struct txns_row txn;
    struct txn_challenge_id challenge_id;
    enum factor_kind kind;
    struct factor_start start;
    int64_t expires_at;
    int64_t now_ms;
    txns_done_fn *done;
    void *arg;
};

static void finish(struct starting *starting, const struct txns_outcome *outcome)
{
    starting->done(starting->arg, outcome);
    factor_start_clear(&starting->start);
    free(starting);
}

static void finish_with(struct starting *starting, enum txns_result result)
{
    finish(starting, &(struct txns_outcome){ .result = result, .kind = starting->kind });
}

static void on_wait(void *arg, int64_t retry_s)
{
    struct starting *starting = arg;

    if (retry_s == TXNS_WAIT_UNKNOWN) {
        finish_with(starting, TXNS_UNAVAILABLE);
        return;
    }
    finish(starting, &(struct txns_outcome){
                         .result = TXNS_RATE_LIMITED, .kind = starting->kind, .retry_s = retry_s });
}

static void refuse(struct starting *starting, size_t refused_at)
{
    struct domain *domain = starting->domain;
    int64_t subject = starting->txn.subject;

    CHECK(refused_at < GUARD_COUNT);
    if (refused_at == GUARD_TXN) {
        finish_with(starting, TXNS_UNKNOWN);
    } else if (refused_at == GUARD_KIND) {
        metrics_add(METRIC_factor_challenges_refused, 1);
        txns_wait_challenges(domain, subject, starting->kind, starting->now_ms, on_wait, starting);
    } else {
        metrics_add(METRIC_factor_guesses_refused, 1);
        txns_wait_guesses(domain, subject, starting->now_ms, on_wait, starting);
    }
}

static void show_code(struct starting *starting)
{
    struct shown_code code = { .challenge_id = starting->challenge_id,
                               .purpose = starting->txn.purpose,
                               .expires_at = starting->expires_at,
                               .code = starting->start.code };

    if (starting->txn.account != 0) {
        metrics_add(METRIC_factor_codes, 1);
        codes_tell(starting->domain, &starting->txn.account_id, &code);
    }
    mem_wipe(&code, sizeof code);
}

static void give(struct starting *starting)
{
    const struct factor_start *start = &starting->start;
    const struct txns_options options = { start->verifier, &start->allowed };
    struct txns_outcome outcome = {
        .result = TXNS_DONE,
        .txn_challenge_id = starting->challenge_id,
        .kind = starting->kind,
        .attempts_left = factor_rules_of(starting->kind)->tries,
        .expires_at = starting->expires_at,
    };

    if (starting->kind == FACTOR_CODE) {
        show_code(starting);
    } else if (starting->kind == FACTOR_PASSWORD) {
        metrics_add(METRIC_factor_guesses, 1);
        outcome.ke2 = start->login.ke2;
    } else if (starting->kind == FACTOR_WEBAUTHN) {
        outcome.options = &options;
    }
    finish(starting, &outcome);
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct starting *starting = arg;

    switch (status) {
    case STORE_OK:
        give(starting);
        return;
    case STORE_REFUSED:
        refuse(starting, store_rows_refused_at(rows));
        return;
    case STORE_FULL:
        finish_with(starting, TXNS_STORAGE_FULL);
        return;
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_UNCERTAIN:
    case STORE_BROKEN:
        finish_with(starting, TXNS_UNAVAILABLE);
        return;
    }
}

/* A challenge that is a guess is one by its id: whoever answers it rightly gives it back. */
static void count(struct store_batch *batch, const struct txns_challenge_row *row)
{
    struct txns_guess_row guess = { .subject = row->subject, .now_s = row->created_at };

    memcpy(guess.guess, row->challenge_id.raw, sizeof guess.guess);
    txns_sql_expect_guess(batch, &guess);
}

static void write_challenge(struct starting *starting, const struct txns_challenge_row *row)
{
    const struct factor_rules *rules = factor_rules_of(starting->kind);
    struct store_batch *batch = store_batch_create();
    int64_t now_s = row->created_at;

    txns_sql_lock(batch, row->subject);
    txns_sql_expect_challenge(batch, &row->txn_id, now_s);
    txns_sql_put_challenge(batch, row, now_s - rules->span_s, rules->started);
    if (rules->guesses == FACTOR_GUESSED_BY_CHALLENGE) {
        count(batch, row);
    }
    if (starting->kind == FACTOR_CODE) {
        changes_note_code(starting->domain, batch, row->account, &row->challenge_id);
    }
    store_submit(starting->domain->store, &batch, on_written, starting);
}

static void make_challenge(struct starting *starting, struct store_rows *rows)
{
    const struct factor_rules *rules = factor_rules_of(starting->kind);
    const struct factor_start_rows found = { rows, READ_FACTORS };
    const struct txns_row *txn = &starting->txn;
    struct txns_challenge_row row = {
        .challenge_id = starting->challenge_id,
        .txn_id = txn->txn_id,
        .subject = txn->subject,
        .account = txn->account,
        .purpose = txn->purpose,
        .kind = starting->kind,
        .attempts_left = rules->tries,
        .created_at = starting->now_ms / 1000,
    };

    row.expires_at = row.created_at + rules->life_s;
    row.expires_at = row.expires_at < txn->expires_at ? row.expires_at : txn->expires_at;
    starting->expires_at = row.expires_at;
    factor_start_make(starting->domain, txn, &found, &row, &starting->start);
    write_challenge(starting, &row);
}

static void on_read(void *arg, enum store_status status, struct store_rows *rows)
{
    struct starting *starting = arg;

    if (status != STORE_OK) {
        finish_with(starting, TXNS_UNAVAILABLE);
    } else if (!txns_sql_row(rows, &starting->txn)) {
        finish_with(starting, TXNS_UNKNOWN);
    } else if ((starting->txn.kinds & UINT32_C(1) << starting->kind) == 0) {
        finish_with(starting, TXNS_INAPPLICABLE);
    } else {
        make_challenge(starting, rows);
    }
}

void txns_challenge(struct domain *domain, const struct txns_challenge_order *order, int64_t now_ms,
                    txns_done_fn *done, void *arg)
{
    struct starting *starting = mem_zeroed(1, sizeof *starting);
    struct store_batch *batch = txns_sql_ask(&order->txn_id, now_ms / 1000);

    starting->domain = domain;
    starting->txn.txn_id = order->txn_id;
    starting->kind = order->kind;
    starting->now_ms = now_ms;
    starting->done = done;
    starting->arg = arg;
    random_fill(starting->challenge_id.raw, sizeof starting->challenge_id.raw);
    if (order->kind == FACTOR_PASSWORD) {
        CHECK(order->ke1 != NULL);
        memcpy(starting->start.ke1, order->ke1, sizeof starting->start.ke1);
    }
    factor_start_ask(batch, order->kind, &order->txn_id);
    store_read(domain->store, &batch, on_read, starting);
}

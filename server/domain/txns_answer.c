/* SPDX-License-Identifier: Apache-2.0 */
/*
 * READ (the challenge) -> answer (over, or no guess of that kind)
 *                      -> COUNT -> judged -> answer (wrong)
 *                               |         -> WARN -> answer (wrong)
 *                               |         -> USE -> answer (a grant; used by another just now)
 *                               -> READ (when is the next guess due) -> answer
 *
 * COUNT commits before anything is compared: it takes a try, and a guess where the answer is
 * one.  What is counted and not judged, since the relay ended or the store was in doubt, is a
 * guess less.  A decoy is judged with as much work, and wrong.  WARN notes that there may be a
 * copy of an authenticator: what was signed is right, and its counter did not grow.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/random.h"
#include "server/domain/account_log.h"
#include "server/domain/domain.h"
#include "server/domain/factor_guess.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/factor_reply.h"
#include "server/domain/grants.h"
#include "server/domain/txns.h"
#include "server/domain/txns_sql.h"
#include "server/domain/txns_wait.h"
#include "server/store/store.h"

/* What an expected statement of COUNT says when it yields nothing. */
enum count {
    COUNT_TRY = 0,
    COUNT_GUESS /* where the answer is one */
};

/* The same for USE: behind these come those of the factor. */
enum use {
    USE_CHALLENGE = 0,
    USE_TXN,
    USE_FACTOR
};

struct answering {
    struct domain *domain;
    struct txns_challenge_row row; /* its views are not looked at */
    uint8_t verifier[CRYPTO_SHA256_BYTES];
    struct buf kept; /* what reply views */
    struct factor_reply reply;
    struct factor_guess guess;
    size_t factors_at; /* of COUNT: what is judged by */
    struct txns_guess_row counted;
    int64_t tries_left;
    struct grant grant;
    int64_t grant_expires_at;
    int64_t now_ms;
    txns_done_fn *done;
    void *arg;
};

static void finish(struct answering *answering, const struct txns_outcome *outcome)
{
    answering->done(answering->arg, outcome);
    mem_wipe(answering->kept.at, answering->kept.size);
    buf_clear(&answering->kept);
    mem_wipe(answering, sizeof *answering);
    free(answering);
}

static void finish_with(struct answering *answering, enum txns_result result)
{
    finish(answering, &(struct txns_outcome){ .result = result, .kind = answering->row.kind });
}

static void finish_wrong(struct answering *answering)
{
    metrics_add(METRIC_factor_guesses_wrong, 1);
    finish(answering, &(struct txns_outcome){ .result = TXNS_WRONG,
                                              .kind = answering->row.kind,
                                              .attempts_left = answering->tries_left });
}

static struct account_log_entry entry_of(const struct answering *answering,
                                         enum account_log_event event)
{
    return (struct account_log_entry){ .account = answering->row.account,
                                       .account_id = answering->row.account_id,
                                       .event = event,
                                       .kind = answering->row.kind,
                                       .purpose = answering->row.purpose };
}

/* A warning that is not stored is told all the same. */
static void on_warned(void *arg, enum store_status status, struct store_rows *rows)
{
    struct answering *answering = arg;
    const struct account_log_entry entry = entry_of(answering, ACCOUNT_LOG_CLONE_WARNING);

    (void)status; /* the store has logged why */
    (void)rows;
    account_log_tell(answering->domain, &entry);
    finish_wrong(answering);
}

static void warn(struct answering *answering)
{
    struct store_batch *batch = store_batch_create();
    const struct account_log_entry entry = entry_of(answering, ACCOUNT_LOG_CLONE_WARNING);

    metrics_add(METRIC_factor_clone_warnings, 1);
    account_log_note(answering->domain, batch, &entry, answering->now_ms);
    store_submit(answering->domain->store, &batch, on_warned, answering);
}

/* What was right is good once: a step, a code, a counter; and a password until it is changed. */
static void on_overtaken(struct answering *answering)
{
    if (answering->row.kind == FACTOR_WEBAUTHN) {
        warn(answering);
    } else {
        finish_wrong(answering);
    }
}

static void on_used(void *arg, enum store_status status, struct store_rows *rows)
{
    struct answering *answering = arg;
    const struct account_log_entry entry = entry_of(answering, ACCOUNT_LOG_USED);
    struct txns_outcome outcome = { .result = TXNS_DONE,
                                    .kind = answering->row.kind,
                                    .purpose = answering->row.purpose,
                                    .expires_at = answering->grant_expires_at };

    switch (status) {
    case STORE_OK:
        metrics_add(METRIC_factor_guesses_right, 1);
        account_log_tell(answering->domain, &entry);
        outcome.grant = answering->grant;
        finish(answering, &outcome);
        mem_wipe(&outcome, sizeof outcome);
        return;
    case STORE_REFUSED:
        if (store_rows_refused_at(rows) < USE_FACTOR) {
            finish_with(answering, TXNS_CHALLENGE_UNKNOWN);
        } else {
            on_overtaken(answering);
        }
        return;
    case STORE_FULL:
        finish_with(answering, TXNS_STORAGE_FULL);
        return;
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_UNCERTAIN:
    case STORE_BROKEN:
        finish_with(answering, TXNS_UNAVAILABLE);
        return;
    }
}

static void use(struct answering *answering)
{
    struct store_batch *batch = store_batch_create();
    const struct txns_challenge_row *row = &answering->row;
    const struct account_log_entry entry = entry_of(answering, ACCOUNT_LOG_USED);
    const struct grant_terms terms = { .account = row->account,
                                       .purpose = row->purpose,
                                       .kind = row->kind,
                                       .expires_at = answering->now_ms / 1000 + LIMIT_GRANT_S };

    grants_make(&answering->grant);
    answering->grant_expires_at = terms.expires_at;
    txns_sql_lock(batch, row->subject);
    txns_sql_expect_use(batch, row);
    factor_guess_expect_use(answering->domain, batch, row, &answering->guess);
    txns_sql_give_back(batch, &answering->counted);
    grants_put(batch, &answering->grant, &terms);
    account_log_note(answering->domain, batch, &entry, answering->now_ms);
    store_submit(answering->domain->store, &batch, on_used, answering);
}

static void on_wait(void *arg, int64_t retry_s)
{
    struct answering *answering = arg;

    if (retry_s == TXNS_WAIT_UNKNOWN) {
        finish_with(answering, TXNS_UNAVAILABLE);
        return;
    }
    finish(answering, &(struct txns_outcome){ .result = TXNS_RATE_LIMITED,
                                              .kind = answering->row.kind,
                                              .retry_s = retry_s });
}

static void refuse(struct answering *answering, size_t refused_at)
{
    if (refused_at == COUNT_TRY) {
        finish_with(answering, TXNS_CHALLENGE_UNKNOWN);
        return;
    }
    CHECK(refused_at == COUNT_GUESS);
    metrics_add(METRIC_factor_guesses_refused, 1);
    txns_wait_guesses(answering->domain, answering->row.subject, answering->now_ms, on_wait,
                      answering);
}

/* The one place that compares. */
static bool is_right(struct answering *answering, struct store_rows *rows)
{
    const struct factor_guess_rows found = { rows, answering->factors_at };
    bool right = factor_guess_judge(answering->domain, &answering->row, &found, answering->now_ms,
                                    &answering->guess);

    return right && answering->row.account != 0;
}

static bool is_guess(const struct answering *answering)
{
    return factor_rules_of(answering->row.kind)->guesses == FACTOR_GUESSED_BY_ANSWER;
}

static void on_counted(void *arg, enum store_status status, struct store_rows *rows)
{
    struct answering *answering = arg;

    switch (status) {
    case STORE_OK:
        metrics_add(METRIC_factor_guesses, is_guess(answering) ? 1 : 0);
        answering->tries_left = txns_sql_tries_left(rows);
        if (is_right(answering, rows)) {
            use(answering);
        } else if (answering->guess.is_behind && answering->row.account != 0) {
            warn(answering);
        } else if (answering->guess.is_unreadable) { /* it stays counted: others were judged */
            finish_with(answering, TXNS_UNAVAILABLE);
        } else {
            finish_wrong(answering);
        }
        return;
    case STORE_REFUSED:
        refuse(answering, store_rows_refused_at(rows));
        return;
    case STORE_FULL:
        finish_with(answering, TXNS_STORAGE_FULL);
        return;
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_UNCERTAIN:
    case STORE_BROKEN:
        finish_with(answering, TXNS_UNAVAILABLE);
        return;
    }
}

/* Of a password KE1 was counted, by the id of its challenge. */
static void name_guess(struct answering *answering)
{
    struct txns_guess_row *counted = &answering->counted;

    counted->subject = answering->row.subject;
    counted->now_s = answering->now_ms / 1000;
    if (is_guess(answering)) {
        random_fill(counted->guess, sizeof counted->guess);
    } else {
        memcpy(counted->guess, answering->row.challenge_id.raw, sizeof counted->guess);
    }
}

static void count(struct answering *answering)
{
    struct store_batch *batch = store_batch_create();

    name_guess(answering);
    txns_sql_lock(batch, answering->row.subject);
    txns_sql_expect_try(batch, &answering->row.challenge_id, answering->counted.now_s);
    if (is_guess(answering)) {
        txns_sql_expect_guess(batch, &answering->counted);
    }
    answering->factors_at = store_batch_size(batch);
    factor_guess_ask(batch, &answering->row, &answering->guess);
    store_submit(answering->domain->store, &batch, on_counted, answering);
}

/* What is compared with outlives the rows. */
static bool keep_verifier(struct answering *answering)
{
    struct bytes verifier = answering->row.verifier;

    answering->row.code = (struct bytes){ 0 };
    answering->guess.factor_id = answering->row.factor_id;
    if (answering->row.kind == FACTOR_TOTP || answering->row.kind == FACTOR_RECOVERY_CODE) {
        return true;
    }
    if (verifier.size != sizeof answering->verifier) {
        return false;
    }
    memcpy(answering->verifier, verifier.at, verifier.size);
    answering->row.verifier = bytes_of(answering->verifier, sizeof answering->verifier);
    return true;
}

static void on_challenge(void *arg, enum store_status status, struct store_rows *rows)
{
    struct answering *answering = arg;

    if (status != STORE_OK) {
        finish_with(answering, TXNS_UNAVAILABLE);
    } else if (!txns_sql_challenge(rows, &answering->row) || !keep_verifier(answering)) {
        finish_with(answering, TXNS_CHALLENGE_UNKNOWN);
    } else if (!factor_guess_read(answering->domain, &answering->row, &answering->reply,
                                  &answering->guess)) {
        finish_with(answering, TXNS_MALFORMED);
    } else {
        count(answering);
    }
}

void txns_answer(struct domain *domain, const struct txns_guess *guess, int64_t now_ms,
                 txns_done_fn *done, void *arg)
{
    struct answering *answering = mem_zeroed(1, sizeof *answering);
    struct store_batch *batch =
        txns_sql_ask_challenge(&guess->txn_id, &guess->challenge_id, now_ms / 1000);

    CHECK(guess->reply.text.size <= LIMIT_GUESS_BYTES);
    factor_reply_keep(&guess->reply, &answering->kept, &answering->reply);
    answering->domain = domain;
    answering->now_ms = now_ms;
    answering->done = done;
    answering->arg = arg;
    store_read(domain->store, &batch, on_challenge, answering);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * READ (the transaction) -> answer (over, no such kind)
 *                        -> WRITE -> told, answer
 *                                 -> READ (when is the next code due) -> answer
 *
 * A decoy's code is made, sealed, stored and told to other daemons as any, and shown to nobody.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/random.h"
#include "server/domain/changes.h"
#include "server/domain/codes.h"
#include "server/domain/domain.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/txns.h"
#include "server/domain/txns_sql.h"
#include "server/store/store.h"

/* What an expected statement of the write says when it yields nothing. */
enum guard {
    GUARD_TXN = 0,
    GUARD_CODES,
    GUARD_COUNT
};

struct starting {
    struct domain *domain;
    struct txns_row txn;
    struct txn_challenge_id challenge_id;
    enum factor_kind kind;
    struct code code;
    int64_t now_ms;
    txns_done_fn *done;
    void *arg;
};

static void finish(struct starting *starting, const struct txns_outcome *outcome)
{
    starting->done(starting->arg, outcome);
    mem_wipe(&starting->code, sizeof starting->code);
    free(starting);
}

static void finish_with(struct starting *starting, enum txns_result result)
{
    finish(starting, &(struct txns_outcome){ .result = result });
}

/* The oldest of those that count makes room when its hour is over. */
static void on_codes(void *arg, enum store_status status, struct store_rows *rows)
{
    struct starting *starting = arg;
    int64_t now_s = starting->now_ms / 1000;
    int64_t at = now_s;
    int64_t oldest = now_s;
    int counted = 0;

    if (status != STORE_OK) {
        finish_with(starting, TXNS_UNAVAILABLE);
        return;
    }
    while (counted < LIMIT_CODES_HOUR && txns_sql_next_time(rows, &at)) {
        oldest = at;
        counted++;
    }
    finish(starting, &(struct txns_outcome){ .result = TXNS_RATE_LIMITED,
                                             .retry_s = oldest + LIMIT_CODES_HOUR_S - now_s });
}

static void refuse(struct starting *starting, size_t refused_at)
{
    struct store_batch *batch = NULL;

    CHECK(refused_at < GUARD_COUNT);
    if (refused_at == GUARD_TXN) {
        finish_with(starting, TXNS_UNKNOWN);
        return;
    }
    metrics_add(METRIC_factor_codes_refused, 1);
    batch = txns_sql_ask_codes(starting->txn.subject, starting->now_ms / 1000 - LIMIT_CODES_HOUR_S);
    store_read(starting->domain->store, &batch, on_codes, starting);
}

static void show(struct starting *starting)
{
    struct shown_code code = { .challenge_id = starting->challenge_id,
                               .purpose = starting->txn.purpose,
                               .expires_at = starting->txn.expires_at,
                               .code = starting->code };

    if (starting->kind == FACTOR_CODE && starting->txn.account != 0) {
        metrics_add(METRIC_factor_codes, 1);
        codes_tell(starting->domain, &starting->txn.account_id, &code);
    }
    mem_wipe(&code, sizeof code);
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct starting *starting = arg;

    switch (status) {
    case STORE_OK:
        show(starting);
        finish(starting, &(struct txns_outcome){ .result = TXNS_DONE,
                                                 .txn_challenge_id = starting->challenge_id,
                                                 .attempts_left = LIMIT_CHALLENGE_GUESSES,
                                                 .expires_at = starting->txn.expires_at });
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

static void start_write(struct starting *starting)
{
    struct domain *domain = starting->domain;
    struct store_batch *batch = store_batch_create();
    int64_t now_s = starting->now_ms / 1000;
    uint8_t verifier[CRYPTO_SHA256_BYTES];
    struct buf sealed = { 0 };
    struct txns_challenge_row row = {
        .challenge_id = starting->challenge_id,
        .txn_id = starting->txn.txn_id,
        .subject = starting->txn.subject,
        .account = starting->txn.account,
        .purpose = starting->txn.purpose,
        .kind = starting->kind,
        .attempts_left = LIMIT_CHALLENGE_GUESSES,
        .created_at = now_s,
        .expires_at = starting->txn.expires_at,
    };

    if (starting->kind == FACTOR_CODE) {
        codes_make(&starting->code);
        codes_verifier(domain, &starting->challenge_id, &starting->code, verifier);
        codes_close(domain, &starting->challenge_id, &starting->code, &sealed);
        row.verifier = bytes_of(verifier, sizeof verifier);
        row.code = buf_view(&sealed);
    }
    txns_sql_lock(batch, starting->txn.subject);
    txns_sql_expect_challenge(batch, &starting->txn.txn_id, now_s);
    txns_sql_put_challenge(batch, &row, now_s - LIMIT_CODES_HOUR_S, LIMIT_CODES_HOUR);
    if (starting->kind == FACTOR_CODE) {
        changes_note_code(domain, batch, starting->txn.account, &starting->challenge_id);
    }
    buf_clear(&sealed);
    store_submit(domain->store, &batch, on_written, starting);
}

static void on_txn(void *arg, enum store_status status, struct store_rows *rows)
{
    struct starting *starting = arg;

    if (status != STORE_OK) {
        finish_with(starting, TXNS_UNAVAILABLE);
    } else if (!txns_sql_row(rows, &starting->txn)) {
        finish_with(starting, TXNS_UNKNOWN);
    } else if ((starting->txn.kinds & UINT32_C(1) << starting->kind) == 0) {
        finish_with(starting, TXNS_INAPPLICABLE);
    } else {
        start_write(starting);
    }
}

void txns_challenge(struct domain *domain, const struct txn_id *txn_id, enum factor_kind kind,
                    int64_t now_ms, txns_done_fn *done, void *arg)
{
    struct starting *starting = mem_zeroed(1, sizeof *starting);
    struct store_batch *batch = txns_sql_ask(txn_id, now_ms / 1000);

    starting->domain = domain;
    starting->txn.txn_id = *txn_id;
    starting->kind = kind;
    starting->now_ms = now_ms;
    starting->done = done;
    starting->arg = arg;
    random_fill(starting->challenge_id.raw, sizeof starting->challenge_id.raw);
    store_read(domain->store, &batch, on_txn, starting);
}

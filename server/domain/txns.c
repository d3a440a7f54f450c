/* SPDX-License-Identifier: Apache-2.0 */
/*
 * READ (whose, and what is enrolled) -> WRITE (the transaction) -> answer.
 * What nobody has goes the same way: its kinds come from a keyed hash, which is
 * made in either case.
 */
#include "server/domain/txns.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/handle.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/random.h"
#include "common/wire.h"
#include "server/domain/purge.h"
#include "server/domain/txns_sql.h"
#include "server/domain/txns_whom.h"
#include "server/store/store.h"

enum {
    /* Of 256 decoys so many have an app; so many of those with something have each other kind,
     * and so many of those with nothing. */
    DECOYS_TOTP = 64,
    DECOYS_BESIDE = 64,
    DECOYS_ALONE = 32,
    DECOYS_RECOVERY_CODE = 128,
    DECOYS_RECOVERY_CODE_ALONE = 16,
};

struct beginning {
    struct domain *domain;
    struct txns_row row;
    struct txns_whom whom;
    txns_done_fn *done;
    void *arg;
};

/* The NULs are part of the labels. */
static const char subject_label[] = "sealpost/factor-subject/1";
static const char decoy_label[] = "sealpost/decoy/1";

static int64_t subject_of(const struct domain *domain, char sort, struct bytes name)
{
    const struct bytes parts[] = { bytes_of(subject_label, sizeof subject_label),
                                   bytes_of(&sort, 1), name };
    uint8_t hash[CRYPTO_SHA256_BYTES];
    struct wire wire = wire_of(bytes_of(hash, sizeof hash));

    crypto_hmac(bytes_of(domain->keys.index, sizeof domain->keys.index), parts, 3, hash);
    return (int64_t)(wire_u64(&wire) & INT64_MAX);
}

int64_t txns_subject(const struct domain *domain, const struct account_id *account_id)
{
    return subject_of(domain, 'a', bytes_of(account_id->raw, sizeof account_id->raw));
}

int64_t txns_subject_of_handle(const struct domain *domain, const struct handle *handle)
{
    return subject_of(domain, 'h', bytes_text(handle->text));
}

/* What a decoy seems to have enrolled: the same each time, and whatever an account may have. */
uint32_t txns_seeming(const struct domain *domain, int64_t subject)
{
    uint8_t hash[CRYPTO_SHA256_BYTES];
    uint32_t kinds = 0;
    struct buf name = { 0 };
    struct bytes part;

    buf_append(&name, bytes_of(decoy_label, sizeof decoy_label));
    buf_append_u64(&name, (uint64_t)subject);
    part = buf_view(&name);
    crypto_hmac(bytes_of(domain->keys.index, sizeof domain->keys.index), &part, 1, hash);
    buf_clear(&name);
    if (hash[0] < DECOYS_TOTP) {
        kinds |= UINT32_C(1) << FACTOR_TOTP;
    }
    if (hash[2] < (kinds != 0 ? DECOYS_BESIDE : DECOYS_ALONE)) {
        kinds |= UINT32_C(1) << FACTOR_PASSWORD;
    }
    if (hash[3] < (kinds != 0 ? DECOYS_BESIDE : DECOYS_ALONE)) {
        kinds |= UINT32_C(1) << FACTOR_WEBAUTHN;
    }
    if (hash[1] < (kinds != 0 ? DECOYS_RECOVERY_CODE : DECOYS_RECOVERY_CODE_ALONE)) {
        kinds |= UINT32_C(1) << FACTOR_RECOVERY_CODE;
    }
    return kinds;
}

static void finish(struct beginning *beginning, const struct txns_outcome *outcome)
{
    beginning->done(beginning->arg, outcome);
    free(beginning);
}

static void finish_with(struct beginning *beginning, enum txns_result result)
{
    finish(beginning, &(struct txns_outcome){ .result = result });
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct beginning *beginning = arg;

    (void)rows;
    switch (status) {
    case STORE_OK:
        metrics_add(METRIC_txns_begun, 1);
        finish(beginning, &(struct txns_outcome){ .result = TXNS_DONE,
                                                  .txn_id = beginning->row.txn_id,
                                                  .purpose = beginning->row.purpose,
                                                  .kinds = beginning->row.kinds,
                                                  .expires_at = beginning->row.expires_at });
        return;
    case STORE_FULL:
        finish_with(beginning, TXNS_STORAGE_FULL);
        return;
    case STORE_REFUSED:
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_UNCERTAIN:
    case STORE_BROKEN:
        finish_with(beginning, TXNS_UNAVAILABLE);
        return;
    }
}

static void on_found(void *arg, enum store_status status, struct store_rows *rows)
{
    struct beginning *beginning = arg;
    struct txns_row *row = &beginning->row;
    struct txns_person person = { .account = 0 };
    struct store_batch *batch = NULL;
    bool known = false;
    uint32_t seeming = 0;

    if (status != STORE_OK) {
        finish_with(beginning, TXNS_UNAVAILABLE);
        return;
    }
    known = txns_whom_read(beginning->domain, &beginning->whom, rows, &person, &row->subject);
    seeming = txns_seeming(beginning->domain, row->subject);
    row->account = person.account;
    row->kinds = factor_kinds_of(row->purpose, known ? person.enrolled : seeming);
    batch = store_batch_create();
    txns_sql_put(batch, row, LIMIT_TXN_CHALLENGES);
    store_submit(beginning->domain->store, &batch, on_written, beginning);
}

void txns_begin(struct domain *domain, const struct txns_order *order, int64_t now_ms,
                txns_done_fn *done, void *arg)
{
    struct beginning *beginning = mem_zeroed(1, sizeof *beginning);
    struct store_batch *batch = NULL;

    beginning->domain = domain;
    beginning->whom = txns_whom_of(order->handle, &order->account_id);
    beginning->done = done;
    beginning->arg = arg;
    beginning->row.purpose = order->purpose;
    beginning->row.expires_at = now_ms / 1000 + LIMIT_TXN_S;
    random_fill(beginning->row.txn_id.raw, sizeof beginning->row.txn_id.raw);
    batch = txns_whom_ask(domain, &beginning->whom);
    store_read(domain->store, &batch, on_found, beginning);
}

static void purge_by(struct domain *domain, const char *event, struct store_batch *batch,
                     int64_t now_ms, domain_purged_fn *done, void *arg)
{
    const struct purge_order order = { .event = event, .done = done, .arg = arg };

    purge_run(domain, &batch, &order, now_ms);
}

void txns_purge(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    purge_by(domain, "txns.purge", txns_sql_purge(now_ms / 1000, DOMAIN_PURGE_ROWS), now_ms, done,
             arg);
}

/* A challenge is over with its transaction, and stays for as long as codes are counted. */
void txns_purge_challenges(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    int64_t before_s = now_ms / 1000 - LIMIT_HOUR_S;

    purge_by(domain, "txn_challenges.purge", txns_sql_purge_challenges(before_s, DOMAIN_PURGE_ROWS),
             now_ms, done, arg);
}

void txns_purge_guesses(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg)
{
    int64_t before_s = now_ms / 1000 - LIMIT_GUESS_MONTH_S;

    purge_by(domain, "guesses.purge", txns_sql_purge_guesses(before_s, DOMAIN_PURGE_ROWS), now_ms,
             done, arg);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Beginning a session: read the device, verify, write.  The write expects that
 * the challenge is unused and that the very device is still there, so a replay
 * and a removal in between both end it.  An unknown device is verified against
 * a key that nobody can sign for, so that it takes as long as a known one.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/random.h"
#include "common/sigbytes.h"
#include "server/domain/challenges.h"
#include "server/domain/domain.h"
#include "server/domain/mailboxes.h"
#include "server/domain/sessions.h"
#include "server/domain/sessions_private.h"
#include "server/domain/sessions_sql.h"
#include "server/domain/sharing.h"
#include "server/store/store.h"

/* The Ed25519 base point (RFC 8032 section 5.1): a valid key whose only use here is to cost time. */
static const struct device_pub nobody = { { 0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                            0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                            0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                            0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66 } };

struct begin {
    struct domain *domain;
    struct sessions_proof proof;
    struct session session;
    uint8_t token[SESSION_TOKEN_BYTES];
    int64_t now_ms;
    size_t epoch_at; /* the statement that yields the epoch */
    sessions_begun_fn *done;
    void *arg;
};

/* Tell the outcome; it is the last to use begin. */
static void finish(struct begin *begin, enum sessions_result result,
                   const struct sessions_begun *begun)
{
    if (result == SESSIONS_AUTH_FAILED) {
        metrics_add(METRIC_auth_failed, 1);
    }
    begin->done(begin->arg, result, begun);
    mem_wipe(begin, sizeof *begin);
    free(begin);
}

static void succeed(struct begin *begin, struct store_rows *rows)
{
    struct sessions_begun begun = { .expires_at = begin->session.expires_at };

    store_rows_select(rows, begin->epoch_at);
    if (store_rows_next(rows)) {
        begun.epoch = store_rows_int(rows, 0);
    }
    sessions_write_token(begin->token, begun.token);
    sessions_keep(begin->domain, &begin->session);
    mailboxes_set_closed(begin->domain->mailboxes, &begin->session.device_pub, false);
    metrics_add(METRIC_sessions_created, 1);
    finish(begin, SESSIONS_OK, &begun);
    mem_wipe(&begun, sizeof begun);
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct begin *begin = arg;

    switch (status) {
    case STORE_OK:
        succeed(begin, rows);
        return;
    case STORE_REFUSED: /* the challenge was used, or the device has left */
        finish(begin, SESSIONS_AUTH_FAILED, NULL);
        return;
    case STORE_FULL:
        finish(begin, SESSIONS_STORAGE_FULL, NULL);
        return;
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_UNCERTAIN:
    case STORE_BROKEN:
        finish(begin, SESSIONS_UNAVAILABLE, NULL);
        return;
    }
}

static void write_session(struct begin *begin)
{
    struct store_batch *batch = store_batch_create();
    int64_t day = begin->now_ms / DOMAIN_DAY_MS;

    random_fill(begin->token, sizeof begin->token);
    sessions_hash(begin->token, &begin->session.token_hash);
    begin->session.expires_at = begin->now_ms / 1000 + LIMIT_SESSION_S;
    sharing_lock(batch, begin->session.mailbox);
    challenges_spend(batch, &begin->proof.challenge);
    sessions_sql_seen(batch, &begin->session, day);
    sessions_sql_insert(batch, &begin->session);
    begin->epoch_at = store_batch_size(batch);
    sessions_sql_account_seen(batch, begin->session.account, day);
    store_submit(begin->domain->store, &batch, on_written, begin);
}

static bool proof_is_good(const struct begin *begin, const struct device_pub *pub)
{
    struct buf message = { 0 };
    bool good = false;

    sigbytes_auth(&message, bytes_text(begin->domain->base_url), &begin->proof.account_id,
                  begin->proof.device_id, begin->proof.challenge.raw);
    good = crypto_verify(pub->raw, buf_view(&message), begin->proof.signature);
    buf_clear(&message);
    return good;
}

static void on_device(void *arg, enum store_status status, struct store_rows *rows)
{
    struct begin *begin = arg;
    bool known = false;
    bool good = false;

    if (status != STORE_OK) {
        finish(begin, SESSIONS_UNAVAILABLE, NULL);
        return;
    }
    known = sessions_sql_device_of(rows, &begin->session);
    good = proof_is_good(begin, known ? &begin->session.device_pub : &nobody);
    if (!known || !good) {
        finish(begin, SESSIONS_AUTH_FAILED, NULL);
        return;
    }
    write_session(begin);
}

void sessions_begin(struct domain *domain, const struct sessions_proof *proof, int64_t now_ms,
                    sessions_begun_fn *done, void *arg)
{
    struct begin *begin = mem_zeroed(1, sizeof *begin);
    struct store_batch *batch = NULL;

    begin->domain = domain;
    begin->proof = *proof;
    begin->session.account_id = proof->account_id;
    begin->session.device_id = proof->device_id;
    begin->now_ms = now_ms;
    begin->done = done;
    begin->arg = arg;
    if (!challenges_check(domain, &proof->challenge, now_ms)) {
        finish(begin, SESSIONS_AUTH_FAILED, NULL);
        return;
    }
    batch = sessions_sql_device(&proof->account_id, proof->device_id);
    store_read(domain->store, &batch, on_device, begin);
}

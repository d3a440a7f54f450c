/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a send.  What is known in memory (which mailbox, which head,
 * which repeats) decides what is written; the write itself guards every fact it
 * relies on, and when one has moved on the whole send is tried again from the
 * top.  Batches commit in the order they are submitted, so whoever moved the
 * fact has corrected the memory by the time this batch is refused.
 *
 *   begin -> load mailboxes, head -> list check -> decide -> write -> answer
 *              ^------------------------------------ refused --'
 */
#include "server/domain/envelopes.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/domain/body.h"
#include "server/domain/dedup.h"
#include "server/domain/directory.h"
#include "server/domain/domain.h"
#include "server/domain/envelopes_private.h"
#include "server/domain/envelopes_sql.h"
#include "server/domain/hub.h"
#include "server/domain/mailboxes.h"
#include "server/store/store.h"

enum {
    TRIES_MAX = 8
};

void envelopes_place(struct delivery *delivery)
{
    void (*placed)(void *arg) = delivery->placed;

    delivery->placed = NULL;
    if (delivery->placed_at_once != NULL) {
        *delivery->placed_at_once = true;
        delivery->placed_at_once = NULL;
    } else if (placed != NULL) {
        placed(delivery->arg);
    }
}

void envelopes_expect(struct delivery *delivery, size_t bytes)
{
    store_expect(delivery->domain->store, (int64_t)bytes - (int64_t)delivery->expected_bytes);
    delivery->expected_bytes = bytes;
}

void envelopes_expect_rest(struct delivery *delivery)
{
    size_t bytes = delivery->block_bytes;

    for (size_t i = 0; i < delivery->count; i++) {
        const struct copy *copy = &delivery->copies[i];
        bytes -= copy->fate == COPY_STORE ? copy->stored_bytes : 0;
    }
    envelopes_expect(delivery, bytes);
}

void envelopes_finish(struct delivery *delivery, const struct envelope_outcome *outcome)
{
    envelopes_place(delivery);
    envelopes_expect(delivery, 0);
    delivery->done(delivery->arg, outcome);
    free(delivery->lists);
    free(delivery);
}

void envelopes_fail(struct delivery *delivery, enum envelope_result result)
{
    envelopes_finish(delivery, &(struct envelope_outcome){ .result = result });
}

struct device_pub *envelopes_lists(struct delivery *delivery)
{
    if (delivery->lists == NULL) {
        delivery->lists =
            mem_raw((3 * delivery->count + LIMIT_MANIFEST_DEVICES) * sizeof delivery->lists[0]);
    }
    return delivery->lists;
}

/* Collect the keys of all copies with this fate at *at and move *at behind them. */
struct envelope_list envelopes_list_of(const struct delivery *delivery, enum copy_fate fate,
                                       struct device_pub **at)
{
    struct envelope_list list = { .at = *at, .count = 0 };

    for (size_t i = 0; i < delivery->count; i++) {
        if (delivery->copies[i].fate == fate) {
            (*at)[list.count] = delivery->copies[i].pub;
            list.count++;
        }
    }
    *at += list.count;
    return list;
}

static bool mailbox_takes(const struct domain *domain, struct mailbox *mailbox, int64_t bytes)
{
    const struct domain_settings *settings = &domain->settings;

    if (settings->overflow == DOMAIN_DROP_OLDEST) {
        return true; /* losses_trim makes room behind it */
    }
    mailboxes_reopen(domain, mailbox); /* the caps may have been raised */
    if (mailbox->envelope_count + 1 > settings->mailbox_max_envelopes ||
        mailbox->envelope_bytes + bytes > settings->mailbox_max_bytes) {
        mailbox->refusing = true;
    }
    return !mailbox->refusing;
}

/* False when the same envelope is being written right now. */
static bool copy_decide(struct delivery *delivery, struct copy *copy)
{
    const struct dedup *dedup = delivery->domain->dedup;

    copy->name = dedup_name_of(dedup, copy->mailbox->number, &delivery->id, copy->tag);
    switch (dedup_ask(dedup, &copy->name, delivery->now_ms)) {
    case DEDUP_PENDING:
        return false;
    case DEDUP_STORED:
        copy->fate = COPY_DUPLICATE;
        return true;
    case DEDUP_NEW:
        break;
    }
    /* Where the store is shared, the row of the mailbox says so when it is written. */
    if (copy->mailbox->closed && !delivery->domain->is_shared) {
        copy->fate = COPY_CLOSED;
    } else if (delivery->domain->is_shared ||
               mailbox_takes(delivery->domain, copy->mailbox, envelopes_copy_bytes(copy))) {
        copy->fate = COPY_STORE;
    } else {
        copy->fate = COPY_FULL;
    }
    return true;
}

static void delivery_pass(struct delivery *delivery)
{
    struct envelope_outcome outcome = { .result = ENVELOPE_PASSED };

    for (size_t i = 0; i < delivery->count; i++) {
        const struct copy *copy = &delivery->copies[i];
        outcome.stored +=
            hub_pass(delivery->domain->hub, &copy->pub,
                     &(struct hub_mail){
                         .id = delivery->id,
                         .minute = delivery->now_ms / 60000,
                         .urgent = delivery->urgent,
                         .online_only = true,
                         .body = body_inside(bytes_of(copy->stored, copy->stored_bytes)),
                     })
                ? 1
                : 0;
    }
    metrics_add(METRIC_envelopes_online_only, (int64_t)outcome.stored);
    envelopes_finish(delivery, &outcome);
}

static void delivery_decide(struct delivery *delivery)
{
    bool decided = true;

    if (delivery->online_only) {
        delivery_pass(delivery);
        return;
    }
    for (size_t i = 0; i < delivery->count && decided; i++) {
        decided = copy_decide(delivery, &delivery->copies[i]);
    }
    if (decided) {
        envelopes_write(delivery);
    } else {
        envelopes_wait(delivery);
    }
    envelopes_place(delivery);
}

static void on_head_loaded(void *arg, bool ok, const struct directory_head *head)
{
    struct delivery *delivery = arg;

    (void)head;
    if (!ok) {
        envelopes_fail(delivery, ENVELOPE_UNAVAILABLE);
        return;
    }
    delivery->head_loaded = true;
    delivery->head_looked_at = true;
    envelopes_step(delivery);
}

static void on_mailboxes_loaded(void *arg, bool ok)
{
    struct delivery *delivery = arg;

    if (!ok) {
        envelopes_fail(delivery, ENVELOPE_UNAVAILABLE);
        return;
    }
    delivery->mailboxes_loaded = true;
    envelopes_step(delivery);
}

static void delivery_load(struct delivery *delivery)
{
    struct device_pub *pubs = envelopes_lists(delivery);

    for (size_t i = 0; i < delivery->count; i++) {
        pubs[i] = delivery->copies[i].pub;
    }
    delivery->head_loaded = false; /* it may give way in memory while we wait */
    mailboxes_load(delivery->domain, pubs, delivery->count, on_mailboxes_loaded, delivery);
}

static void delivery_unknown(struct delivery *delivery)
{
    struct device_pub *at = envelopes_lists(delivery);

    envelopes_finish(delivery, &(struct envelope_outcome){
                                   .result = ENVELOPE_UNKNOWN,
                                   .unknown = envelopes_list_of(delivery, COPY_UNKNOWN, &at),
                               });
}

/* Find every mailbox in memory; the number that is not there. */
static size_t delivery_find(struct delivery *delivery)
{
    size_t unknown = 0;

    for (size_t i = 0; i < delivery->count; i++) {
        struct copy *copy = &delivery->copies[i];
        copy->mailbox = mailboxes_cached(delivery->domain->mailboxes, &copy->pub);
        copy->fate = copy->mailbox == NULL ? COPY_UNKNOWN : COPY_UNDECIDED;
        unknown += copy->mailbox == NULL ? 1 : 0;
    }
    return unknown;
}

static void delivery_load_head(struct delivery *delivery)
{
    delivery->mailboxes_loaded = false;
    directory_load(delivery->domain, &delivery->account, on_head_loaded, delivery);
}

/* True when the recipients are right; false when the delivery waits or has ended. */
static bool delivery_check_list(struct delivery *delivery)
{
    const struct directory_head *head = directory_cached(delivery->domain, &delivery->account);

    if (head == NULL && !delivery->head_loaded) {
        delivery_load_head(delivery);
        return false;
    }
    if (head == NULL) { /* no such account: its keys are unknown, whoever else has them */
        for (size_t i = 0; i < delivery->count; i++) {
            delivery->copies[i].fate = COPY_UNKNOWN;
        }
        delivery_unknown(delivery);
        return false;
    }
    if (envelopes_list_matches(delivery, head)) {
        return true;
    }
    if (delivery->domain->is_shared && !delivery->head_looked_at) {
        directory_forget(delivery->domain,
                         &delivery->account); /* another daemon may have moved it */
        delivery_load_head(delivery);
        return false;
    }
    envelopes_place(delivery); /* it stores nothing */
    envelopes_list_refuse(delivery, head->account);
    return false;
}

void envelopes_step(struct delivery *delivery)
{
    envelopes_expect(delivery, delivery->block_bytes);
    delivery->tries++;
    if (delivery->tries > TRIES_MAX) {
        log_warn("envelopes.contended", "tries=%d", delivery->tries);
        envelopes_fail(delivery, ENVELOPE_UNAVAILABLE);
        return;
    }
    if (delivery->list_check && !delivery_check_list(delivery)) {
        return;
    }
    if (delivery_find(delivery) == 0) {
        delivery->mailboxes_loaded = false;
        delivery->head_loaded = false;
        delivery_decide(delivery);
    } else if (!delivery->mailboxes_loaded) {
        delivery_load(delivery);
    } else {
        delivery_unknown(delivery);
    }
}

static int64_t expiry_of(const struct envelope_send *send, int64_t now_ms)
{
    int64_t step = send->ttl_s < LIMIT_TTL_SHORT_S ? 10 : 60;

    return ((now_ms + 999) / 1000 + send->ttl_s + step - 1) / step * step;
}

static uint8_t *copy_fill(struct copy *copy, const struct envelope_recipient *recipient,
                          struct bytes shared, uint8_t *at)
{
    copy->pub = recipient->pub;
    copy->stored = at;
    copy->stored_bytes = recipient->part.size + shared.size + BODY_OVERHEAD_BYTES;
    if (recipient->part.size > 0) {
        memcpy(at + 1, recipient->part.at, recipient->part.size);
    }
    if (shared.size > 0) {
        memcpy(at + 1 + recipient->part.size, shared.at, shared.size);
    }
    return at + copy->stored_bytes;
}

static struct delivery *delivery_create(struct domain *domain, const struct envelope_send *send,
                                        int64_t now_ms)
{
    size_t heads = sizeof(struct delivery) + send->count * sizeof(struct copy);
    size_t bodies = 0;
    struct delivery *delivery = NULL;
    uint8_t *at = NULL;

    for (size_t i = 0; i < send->count; i++) {
        bodies += send->recipients[i].part.size + send->shared.size + BODY_OVERHEAD_BYTES;
    }
    delivery = mem_raw(heads + bodies);
    memset(delivery, 0, heads);
    delivery->block_bytes = heads + bodies;
    delivery->domain = domain;
    delivery->now_ms = now_ms;
    delivery->expires_at = expiry_of(send, now_ms);
    delivery->own_ttl = send->ttl_s == LIMIT_TTL_MAX_S ? ENVELOPE_TTL_LONGEST : ENVELOPE_TTL_OWN;
    delivery->id = send->id;
    delivery->urgent = send->urgent;
    delivery->online_only = send->online_only;
    delivery->list_check = send->list_check;
    delivery->account = send->account;
    delivery->epoch = send->epoch;
    delivery->sender_account = send->sender_account;
    delivery->sender = send->sender;
    delivery->rider = send->rider;
    delivery->count = send->count;
    at = (uint8_t *)delivery + heads;
    for (size_t i = 0; i < send->count; i++) {
        struct copy *copy = &delivery->copies[i];
        at = copy_fill(copy, &send->recipients[i], send->shared, at);
        copy->tag = crypto_siphash(domain->keys.tag,
                                   body_inside(bytes_of(copy->stored, copy->stored_bytes)));
    }
    return delivery;
}

bool envelopes_send(struct domain *domain, const struct envelope_send *send, int64_t now_ms,
                    envelopes_sent_fn *done, void *arg)
{
    struct envelope_outcome outcome = { .result = ENVELOPE_STORED };
    struct delivery *delivery = NULL;
    struct device_pub *limited = NULL;
    bool placed = false;

    if (!envelopes_check(send, &outcome) ||
        !envelopes_limits_pass(domain, send, now_ms, &outcome, &limited)) {
        done(arg, &outcome);
        free(limited);
        return true;
    }
    delivery = delivery_create(domain, send, now_ms);
    delivery->done = done;
    delivery->arg = arg;
    delivery->placed = send->placed;
    delivery->placed_at_once = &placed;
    if (!envelopes_guard_passes(delivery, send)) {
        metrics_add(METRIC_plaintext_refused, 1);
        envelopes_fail(delivery, ENVELOPE_PLAINTEXT);
        return true;
    }
    if (!envelopes_buckets_pass(domain, send)) {
        envelopes_fail(delivery, ENVELOPE_OFF_BUCKET);
        return true;
    }
    envelopes_step(delivery);
    if (!placed) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is finished was placed */
        delivery->placed_at_once = NULL;
    }
    return placed;
}

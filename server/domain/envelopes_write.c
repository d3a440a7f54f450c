/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The write of a delivery and what follows from its end: counters, announcements,
 * the answer.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/metrics.h"
#include "server/domain/body.h"
#include "server/domain/dedup.h"
#include "server/domain/directory.h"
#include "server/domain/domain.h"
#include "server/domain/envelopes.h"
#include "server/domain/envelopes_private.h"
#include "server/domain/envelopes_sql.h"
#include "server/domain/gaps.h"
#include "server/domain/hub.h"
#include "server/domain/losses.h"
#include "server/domain/mailboxes.h"
#include "server/store/store.h"

int64_t envelopes_copy_bytes(const struct copy *copy)
{
    return (int64_t)(copy->stored_bytes - BODY_OVERHEAD_BYTES);
}

void envelopes_answer(struct delivery *delivery)
{
    struct envelope_outcome outcome = { .result = ENVELOPE_STORED };
    struct device_pub *at = NULL;

    for (size_t i = 0; i < delivery->count; i++) {
        outcome.stored += delivery->copies[i].fate == COPY_STORE ? 1 : 0;
    }
    if (outcome.stored != delivery->count) {
        at = envelopes_lists(delivery);
        outcome.duplicates = envelopes_list_of(delivery, COPY_DUPLICATE, &at);
        outcome.full = envelopes_list_of(delivery, COPY_FULL, &at);
        outcome.closed = envelopes_list_of(delivery, COPY_CLOSED, &at);
    }
    if (outcome.stored == 0 && outcome.duplicates.count == 0 && delivery->rider.add == NULL) {
        outcome.result = ENVELOPE_MAILBOX_FULL;
    }
    metrics_add(METRIC_envelopes_accepted, (int64_t)outcome.stored);
    metrics_add(METRIC_envelopes_duplicate, (int64_t)outcome.duplicates.count);
    metrics_add(METRIC_envelopes_refused, (int64_t)(outcome.full.count + outcome.closed.count));
    envelopes_finish(delivery, &outcome);
}

/* Settle the counters of one copy after its batch, and announce it. */
static void copy_settle(struct delivery *delivery, struct copy *copy, bool committed)
{
    struct domain *domain = delivery->domain;

    switch (copy->fate) {
    case COPY_STORE:
        dedup_end(domain->dedup, &copy->place, committed);
        if (!committed) {
            mailboxes_count_out(domain, copy->mailbox, 1, envelopes_copy_bytes(copy));
            break;
        }
        hub_announce(domain->hub, &copy->pub,
                     &(struct hub_mail){
                         .seq = copy->seq,
                         .id = delivery->id,
                         .minute = delivery->now_ms / 60000,
                         .urgent = delivery->urgent,
                         .body = body_inside(bytes_of(copy->stored, copy->stored_bytes)),
                     });
        losses_trim(domain, copy->mailbox, delivery->now_ms);
        break;
    case COPY_FULL:
    case COPY_CLOSED:
        gaps_written(domain, copy->mailbox, copy->seq, committed);
        break;
    case COPY_UNDECIDED:
    case COPY_DUPLICATE:
    case COPY_UNKNOWN:
        break;
    }
}

static void delivery_settle(struct delivery *delivery, bool committed)
{
    for (size_t i = 0; i < delivery->count; i++) {
        struct copy *copy = &delivery->copies[i];
        copy_settle(delivery, copy, committed);
        mailboxes_unpin(copy->mailbox);
        copy->mailbox = NULL;
    }
}

bool envelopes_is_overtaken(const struct delivery *delivery, size_t refused_at)
{
    return refused_at >= delivery->rider_at && refused_at < delivery->rider_end;
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct delivery *delivery = arg;

    delivery_settle(delivery, status == STORE_OK);
    switch (status) {
    case STORE_OK:
        envelopes_answer(delivery);
        return;
    case STORE_REFUSED:
        if (envelopes_is_overtaken(delivery, store_rows_refused_at(rows))) {
            envelopes_fail(delivery, ENVELOPE_OVERTAKEN);
            return;
        }
        envelopes_step(delivery);
        return;
    case STORE_FULL:
        envelopes_fail(delivery, ENVELOPE_STORAGE_FULL);
        return;
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_UNCERTAIN:
    case STORE_BROKEN:
        envelopes_fail(delivery, ENVELOPE_UNAVAILABLE);
        return;
    }
}

static void copy_append(struct delivery *delivery, struct copy *copy, struct store_batch *batch)
{
    struct domain *domain = delivery->domain;

    copy->seq = domain->next_seq++;
    body_finish(copy->stored, copy->stored_bytes, copy->mailbox->number, copy->seq);
    copy->place = dedup_begin(domain->dedup, &copy->name, delivery->now_ms);
    mailboxes_count_in(copy->mailbox, envelopes_copy_bytes(copy));
    envelopes_sql_append(batch, &(struct envelope_row){
                                    .seq = copy->seq,
                                    .mailbox = copy->mailbox->number,
                                    .flags = delivery->urgent ? ENVELOPE_FLAG_URGENT : 0,
                                    .minute = delivery->now_ms / 60000,
                                    .expires_at = delivery->expires_at,
                                    .own_ttl = delivery->own_ttl,
                                    .tag = copy->tag,
                                    .id = delivery->id,
                                    .stored = bytes_of(copy->stored, copy->stored_bytes),
                                });
}

static void copy_write(struct delivery *delivery, struct copy *copy, struct store_batch *batch)
{
    struct gap refused = { .count = 1, .reason = MAILBOX_GAP_REFUSED };

    mailboxes_pin(copy->mailbox);
    if (copy->fate == COPY_STORE) {
        copy_append(delivery, copy, batch);
    } else if (copy->fate == COPY_FULL || copy->fate == COPY_CLOSED) {
        copy->seq = gaps_add(delivery->domain, batch, copy->mailbox, &refused, delivery->now_ms);
    }
}

struct store_batch *envelopes_begin_batch(struct delivery *delivery)
{
    struct store_batch *batch = store_batch_create();

    if (delivery->list_check) {
        const struct directory_head *head = directory_cached(delivery->domain, &delivery->account);
        envelopes_sql_expect_head(batch, head->account, head->epoch);
    }
    delivery->rider_at = store_batch_size(batch);
    if (delivery->rider.add != NULL) {
        delivery->rider.add(delivery->rider.arg, batch);
    }
    delivery->rider_end = store_batch_size(batch);
    return batch;
}

static void delivery_write(struct delivery *delivery)
{
    struct store_batch *batch = envelopes_begin_batch(delivery);

    for (size_t i = 0; i < delivery->count; i++) {
        copy_write(delivery, &delivery->copies[i], batch);
    }
    store_submit(delivery->domain->store, &batch, on_written, delivery);
    envelopes_expect_rest(delivery);
}

void envelopes_write(struct delivery *delivery)
{
    if (delivery->domain->is_shared) {
        envelopes_shared_write(delivery);
    } else {
        delivery_write(delivery);
    }
}

/* Nothing new to write: the batch only waits for the writes that it repeats. */
static void on_waited(void *arg, enum store_status status, struct store_rows *rows)
{
    struct delivery *delivery = arg;

    (void)rows;
    if (status != STORE_OK) {
        envelopes_fail(delivery,
                       status == STORE_FULL ? ENVELOPE_STORAGE_FULL : ENVELOPE_UNAVAILABLE);
        return;
    }
    envelopes_step(delivery);
}

void envelopes_wait(struct delivery *delivery)
{
    struct store_batch *batch = store_batch_create();

    delivery->tries--; /* not a failure */
    store_submit(delivery->domain->store, &batch, on_waited, delivery);
}

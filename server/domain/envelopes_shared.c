/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The write of a delivery where other daemons write, too.  What memory knows may
 * be behind; so each copy is tried, and the row of its mailbox says what became
 * of it, in the same statement.  One copy that finds its mailbox full or closed
 * undoes no other; only a head that moved and a device that left do.
 *
 *   append each copy -> STORED / DUPLICATE / FULL / CLOSED -> gaps of what was refused -> answer
 *      ^    '- a head moved, a device left: memory forgets it, from the top
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/limits.h"
#include "server/domain/body.h"
#include "server/domain/dedup.h"
#include "server/domain/directory.h"
#include "server/domain/domain.h"
#include "server/domain/envelopes.h"
#include "server/domain/envelopes_private.h"
#include "server/domain/envelopes_shared_sql.h"
#include "server/domain/envelopes_sql.h"
#include "server/domain/gaps.h"
#include "server/domain/hub.h"
#include "server/domain/losses.h"
#include "server/domain/mailboxes.h"
#include "server/domain/names.h"
#include "server/domain/sharing.h"
#include "server/store/store.h"

enum {
    GAP_TRIES_MAX = 8
};

/* More than can wait anywhere. */
static const int64_t no_cap = INT64_C(1) << 60;

static struct envelope_caps caps_of(const struct domain_settings *settings)
{
    if (settings->overflow == DOMAIN_DROP_OLDEST) { /* losses_trim makes room behind it */
        return (struct envelope_caps){ no_cap, no_cap, no_cap, no_cap };
    }
    return (struct envelope_caps){
        .count_max = settings->mailbox_max_envelopes,
        .bytes_max = settings->mailbox_max_bytes,
        .count_reopen = settings->mailbox_max_envelopes * 3 / 4,
        .bytes_reopen = settings->mailbox_max_bytes / 4 * 3,
    };
}

static void copies_unpin(struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->count; i++) {
        mailboxes_unpin(delivery->copies[i].mailbox);
        delivery->copies[i].mailbox = NULL;
    }
}

static void delivery_fail(struct delivery *delivery, enum store_status status)
{
    copies_unpin(delivery);
    envelopes_fail(delivery, status == STORE_FULL ? ENVELOPE_STORAGE_FULL : ENVELOPE_UNAVAILABLE);
}

static bool is_refused(const struct copy *copy)
{
    return copy->fate == COPY_FULL || copy->fate == COPY_CLOSED;
}

static void delivery_write_gaps(struct delivery *delivery);

static void on_gaps_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct delivery *delivery = arg;

    (void)rows;
    for (size_t i = 0; i < delivery->count; i++) {
        struct copy *copy = &delivery->copies[i];
        if (is_refused(copy)) {
            gaps_written(delivery->domain, copy->mailbox, copy->seq, status == STORE_OK);
        }
    }
    if (status == STORE_OK) {
        copies_unpin(delivery);
        envelopes_answer(delivery);
    } else if (status == STORE_REFUSED && delivery->gap_tries < GAP_TRIES_MAX) {
        delivery_write_gaps(delivery); /* a device was shown a gap that was to grow */
    } else {
        delivery_fail(delivery, status);
    }
}

/* What was refused leaves a gap before the sender hears of it. */
static void delivery_write_gaps(struct delivery *delivery)
{
    struct gap refused = { .count = 1, .reason = MAILBOX_GAP_REFUSED };
    struct store_batch *batch = store_batch_create();

    delivery->gap_tries++;
    for (size_t i = 0; i < delivery->count; i++) {
        struct copy *copy = &delivery->copies[i];
        if (is_refused(copy)) {
            copy->seq =
                gaps_add(delivery->domain, batch, copy->mailbox, &refused, delivery->now_ms);
        }
    }
    envelopes_expect(delivery, delivery->block_bytes);
    store_submit(delivery->domain->store, &batch, on_gaps_written, delivery);
}

static void copy_stored(struct delivery *delivery, struct copy *copy,
                        const struct envelope_put *put)
{
    struct domain *domain = delivery->domain;
    struct mailbox *mailbox = copy->mailbox;

    copy->seq = put->seq;
    mailbox->closed = false;
    mailbox->envelope_count = put->waiting;
    mailbox->envelope_bytes = put->waiting_bytes;
    names_wrote(domain, mailbox, put->before, put->seq);
    hub_announce(domain->hub, &copy->pub,
                 &(struct hub_mail){
                     .seq = put->seq,
                     .before = put->before,
                     .id = delivery->id,
                     .minute = delivery->now_ms / 60000,
                     .urgent = delivery->urgent,
                     .body = body_inside(bytes_of(copy->stored, copy->stored_bytes)),
                 });
    losses_trim(domain, mailbox, delivery->now_ms);
}

/* True when a gap is to say that it was refused. */
static bool copy_settle(struct delivery *delivery, struct copy *copy, struct store_rows *rows)
{
    struct envelope_put put;

    store_rows_select(rows, copy->statement);
    envelopes_shared_sql_appended(rows, &put);
    dedup_end(delivery->domain->dedup, &copy->place, put.is_stored || put.is_twin);
    if (put.is_stored) {
        copy_stored(delivery, copy, &put);
    } else if (put.is_twin) {
        copy->fate = COPY_DUPLICATE;
    } else {
        copy->fate = put.is_closed ? COPY_CLOSED : COPY_FULL;
    }
    return is_refused(copy);
}

static void delivery_settle(struct delivery *delivery, struct store_rows *rows)
{
    bool refused = false;

    for (size_t i = 0; i < delivery->count; i++) {
        struct copy *copy = &delivery->copies[i];
        if (copy->fate == COPY_STORE && copy_settle(delivery, copy, rows)) {
            refused = true;
        }
    }
    if (refused) {
        delivery_write_gaps(delivery);
    } else {
        copies_unpin(delivery);
        envelopes_answer(delivery);
    }
}

/* Nothing is known of the copies: whoever sends them again is judged by what the store says. */
static void copies_forget(struct delivery *delivery, bool uncertain)
{
    struct domain *domain = delivery->domain;

    for (size_t i = 0; i < delivery->count; i++) {
        const struct copy *copy = &delivery->copies[i];
        if (copy->fate == COPY_STORE) {
            dedup_end(domain->dedup, &copy->place, false);
        }
        if (uncertain) { /* its names in memory may lack one */
            names_doubt(copy->mailbox);
        }
    }
}

/* Another daemon moved the head, or a device left: memory must ask the store. */
static void delivery_begin_again(struct delivery *delivery, size_t refused_at)
{
    struct domain *domain = delivery->domain;

    if (delivery->list_check && refused_at == 0) {
        directory_forget(domain, &delivery->account);
    }
    for (size_t i = 0; i < delivery->count; i++) {
        const struct copy *copy = &delivery->copies[i];
        if (copy->fate == COPY_STORE && copy->statement == refused_at) {
            mailboxes_forget(domain->mailboxes, &copy->pub);
        }
    }
    copies_unpin(delivery);
    delivery->head_looked_at = false;
    envelopes_step(delivery);
}

static void on_written(void *arg, enum store_status status, struct store_rows *rows)
{
    struct delivery *delivery = arg;

    switch (status) {
    case STORE_OK:
        delivery_settle(delivery, rows);
        return;
    case STORE_REFUSED:
        copies_forget(delivery, false);
        if (envelopes_is_overtaken(delivery, store_rows_refused_at(rows))) {
            copies_unpin(delivery);
            envelopes_fail(delivery, ENVELOPE_OVERTAKEN);
            return;
        }
        delivery_begin_again(delivery, store_rows_refused_at(rows));
        return;
    case STORE_UNCERTAIN:
        copies_forget(delivery, true);
        delivery_fail(delivery, status);
        return;
    case STORE_FULL:
    case STORE_CONFLICT:
    case STORE_BUSY:
    case STORE_BROKEN:
        copies_forget(delivery, false);
        delivery_fail(delivery, status);
        return;
    }
}

static void copy_append(struct delivery *delivery, struct copy *copy, struct store_batch *batch)
{
    struct domain *domain = delivery->domain;
    const struct envelope_caps caps = caps_of(&domain->settings);
    const struct envelope_twin twin = {
        .behind = copy->mailbox->known,
        .first_minute = (delivery->now_ms - LIMIT_DEDUP_MS) / 60000,
    };

    body_finish_named(copy->stored, copy->stored_bytes, copy->mailbox->number, &delivery->id);
    copy->place = dedup_begin(domain->dedup, &copy->name, delivery->now_ms);
    copy->statement = store_batch_size(batch);
    sharing_lock(batch, copy->mailbox->number);
    sharing_tell(batch, SHARING_MAIL, copy->mailbox->number);
    envelopes_shared_sql_append(batch,
                                &(struct envelope_row){
                                    .mailbox = copy->mailbox->number,
                                    .flags = delivery->urgent ? ENVELOPE_FLAG_URGENT : 0,
                                    .minute = delivery->now_ms / 60000,
                                    .expires_at = delivery->expires_at,
                                    .own_ttl = delivery->own_ttl,
                                    .tag = copy->tag,
                                    .id = delivery->id,
                                    .stored = bytes_of(copy->stored, copy->stored_bytes),
                                },
                                &caps, &twin);
}

void envelopes_shared_write(struct delivery *delivery)
{
    struct store_batch *batch = envelopes_begin_batch(delivery);

    for (size_t i = 0; i < delivery->count; i++) {
        struct copy *copy = &delivery->copies[i];
        mailboxes_pin(copy->mailbox);
        if (copy->fate == COPY_STORE) {
            copy_append(delivery, copy, batch);
        }
    }
    store_submit(delivery->domain->store, &batch, on_written, delivery);
    envelopes_expect_rest(delivery);
}

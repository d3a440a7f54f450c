/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gap's body: from i64, to i64, count i64, reason u8, big-endian, inside the
 * stored form of body.h.  Gaps never expire: they say what else did.
 *
 * Where the store is shared, the row of the mailbox gives a gap its seq, so here
 * it goes by a name: (this life, a number of it).  What it holds may grow only
 * from what this daemon wrote last, and only until a read has marked it as shown,
 * whichever daemon reads.  From and to 0 stand for its own seq.
 */
#include "server/domain/gaps.h"

#include <stddef.h>

#include "common/check.h"
#include "common/ids.h"
#include "common/wire.h"
#include "server/domain/body.h"
#include "server/domain/domain.h"
#include "server/domain/envelopes_sql.h"
#include "server/domain/gaps_shared_sql.h"
#include "server/domain/hub.h"
#include "server/domain/sharing.h"
#include "server/store/store.h"

enum {
    GAP_BODY_BYTES = 25,
    GAP_STORED_BYTES = GAP_BODY_BYTES + BODY_OVERHEAD_BYTES
};
static const int64_t gap_expires_at = INT64_C(253402300799); /* the end of the year 9999 */

const char *gaps_reason_text(enum mailbox_gap_reason reason)
{
    switch (reason) {
    case MAILBOX_GAP_TTL:
        return "ttl";
    case MAILBOX_GAP_CAP:
        return "cap";
    case MAILBOX_GAP_REFUSED:
        return "refused";
    case MAILBOX_GAP_IDLE:
        return "idle";
    case MAILBOX_GAP_REASONS:
        break;
    }
    CHECK_UNREACHABLE();
}

static void gap_put(uint8_t *at, int64_t value)
{
    for (int i = 0; i < 8; i++) {
        at[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
    }
}

static struct envelope_id gap_name(const struct domain *domain, const struct mailbox_gap *gap)
{
    struct envelope_id name = { { 0 } };

    gap_put(name.raw, domain->life);
    gap_put(name.raw + 8, gap->seq);
    return name;
}

static void gap_encode(const struct domain *domain, const struct mailbox *mailbox,
                       enum mailbox_gap_reason reason, uint8_t out[])
{
    const struct mailbox_gap *gap = &mailbox->gaps[reason];

    gap_put(out + 1, gap->from);
    gap_put(out + 9, gap->to);
    gap_put(out + 17, gap->count);
    out[25] = (uint8_t)reason;
    if (domain->is_shared) {
        struct envelope_id name = gap_name(domain, gap);
        body_finish_named(out, GAP_STORED_BYTES, mailbox->number, &name);
    } else {
        body_finish(out, GAP_STORED_BYTES, mailbox->number, gap->seq);
    }
}

bool gaps_decode(struct bytes body, struct gap *out)
{
    struct wire wire = wire_of(body);

    out->from = (int64_t)wire_u64(&wire);
    out->to = (int64_t)wire_u64(&wire);
    out->count = (int64_t)wire_u64(&wire);
    uint8_t reason = wire_u8(&wire);
    if (!wire_is_done(&wire) || reason >= MAILBOX_GAP_REASONS) {
        return false;
    }
    out->reason = (enum mailbox_gap_reason)reason;
    return true;
}

/* What stands for the seq of the gap itself. */
static int64_t gap_own_seq(const struct domain *domain, const struct mailbox_gap *gap)
{
    return domain->is_shared ? 0 : gap->seq;
}

static void gap_widen(struct mailbox_gap *gap, const struct gap *loss)
{
    gap->count += loss->count;
    if (loss->reason == MAILBOX_GAP_REFUSED) {
        return;
    }
    gap->from = loss->from < gap->from ? loss->from : gap->from;
    gap->to = loss->to > gap->to ? loss->to : gap->to;
}

/* Let the gap that stands for reason grow by loss. */
static void gap_merge(struct domain *domain, struct store_batch *batch, struct mailbox *mailbox,
                      const struct gap *loss)
{
    struct mailbox_gap *gap = &mailbox->gaps[loss->reason];
    struct envelope_id name = gap_name(domain, gap);
    uint8_t before[GAP_STORED_BYTES];
    uint8_t stored[GAP_STORED_BYTES];

    gap_encode(domain, mailbox, loss->reason, before);
    gap_widen(gap, loss);
    gap_encode(domain, mailbox, loss->reason, stored);
    if (domain->is_shared) {
        gaps_shared_sql_merge(
            batch, &(struct gap_row){ mailbox->number, &name, bytes_of(stored, sizeof stored) },
            bytes_of(before, sizeof before));
    } else {
        envelopes_sql_merge_gap(batch, mailbox->number, gap->seq, bytes_of(stored, sizeof stored));
    }
}

static void gap_append(struct domain *domain, struct store_batch *batch, struct mailbox *mailbox,
                       const struct gap *loss, int64_t now_ms)
{
    struct mailbox_gap *gap = &mailbox->gaps[loss->reason];
    bool own = loss->reason == MAILBOX_GAP_REFUSED;
    uint8_t stored[GAP_STORED_BYTES];

    gap->seq = domain->next_seq++;
    gap->count = loss->count;
    gap->from = own ? gap_own_seq(domain, gap) : loss->from;
    gap->to = own ? gap_own_seq(domain, gap) : loss->to;
    gap_encode(domain, mailbox, loss->reason, stored);
    if (domain->is_shared) {
        struct envelope_id name = gap_name(domain, gap);
        gaps_shared_sql_append(
            batch, &(struct gap_row){ mailbox->number, &name, bytes_of(stored, sizeof stored) },
            now_ms / 60000, gap_expires_at);
        return;
    }
    envelopes_sql_append_gap(batch, &(struct envelope_row){
                                        .seq = gap->seq,
                                        .mailbox = mailbox->number,
                                        .minute = now_ms / 60000,
                                        .expires_at = gap_expires_at,
                                        .stored = bytes_of(stored, sizeof stored),
                                    });
}

int64_t gaps_add(struct domain *domain, struct store_batch *batch, struct mailbox *mailbox,
                 const struct gap *loss, int64_t now_ms)
{
    const struct mailbox_gap *gap = NULL;

    mailboxes_begin_gaps(mailbox);
    gap = &mailbox->gaps[loss->reason];
    mailbox->gap_writes++;
    sharing_lock(batch, mailbox->number);
    sharing_tell(batch, SHARING_MAIL, mailbox->number);
    if (gap->seq != 0) {
        gap_merge(domain, batch, mailbox, loss);
    } else {
        gap_append(domain, batch, mailbox, loss, now_ms);
    }
    return gap->seq;
}

/* Nothing more merges into a gap whose write failed; one that was begun since is another. */
static void gap_forget(struct mailbox *mailbox, int64_t gap_seq)
{
    for (size_t i = 0; i < MAILBOX_GAP_REASONS && mailbox->gaps != NULL; i++) {
        if (mailbox->gaps[i].seq == gap_seq) {
            mailbox->gaps[i] = (struct mailbox_gap){ 0 };
        }
    }
}

void gaps_written(struct domain *domain, struct mailbox *mailbox, int64_t gap_seq, bool committed)
{
    mailbox->gap_writes--;
    if (domain->is_shared && committed) {
        hub_wake(domain->hub, &mailbox->pub);
    } else if (domain->is_shared) {
        gap_forget(mailbox, gap_seq);
    } else if (committed) {
        hub_announce(domain->hub, &mailbox->pub,
                     &(struct hub_mail){ .seq = gap_seq, .is_gap = true });
    } else {
        mailboxes_seal_gaps(mailbox);
    }
}

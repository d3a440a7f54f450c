/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gap's body: from i64, to i64, count i64, reason u8, big-endian, inside the
 * stored form of body.h.  Gaps never expire: they say what else did.
 */
#include "server/domain/gaps.h"

#include "common/check.h"
#include "common/wire.h"
#include "server/domain/body.h"
#include "server/domain/domain.h"
#include "server/domain/envelopes_sql.h"
#include "server/domain/hub.h"

enum {
    GAP_BODY_BYTES = 25
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

static void gap_encode(const struct mailbox *mailbox, const struct mailbox_gap *gap,
                       enum mailbox_gap_reason reason, uint8_t out[])
{
    gap_put(out + 1, gap->from);
    gap_put(out + 9, gap->to);
    gap_put(out + 17, gap->count);
    out[25] = (uint8_t)reason;
    body_finish(out, GAP_BODY_BYTES + BODY_OVERHEAD_BYTES, mailbox->number, gap->seq);
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

static void gap_widen(struct mailbox_gap *gap, const struct gap *loss)
{
    gap->count += loss->count;
    if (loss->reason == MAILBOX_GAP_REFUSED) {
        return;
    }
    gap->from = loss->from < gap->from ? loss->from : gap->from;
    gap->to = loss->to > gap->to ? loss->to : gap->to;
}

int64_t gaps_add(struct domain *domain, struct store_batch *batch, struct mailbox *mailbox,
                 const struct gap *loss, int64_t now_ms)
{
    uint8_t stored[GAP_BODY_BYTES + BODY_OVERHEAD_BYTES];
    struct mailbox_gap *gap = &mailbox->gaps[loss->reason];

    mailbox->gap_writes++;
    if (gap->seq != 0) {
        gap_widen(gap, loss);
        gap_encode(mailbox, gap, loss->reason, stored);
        envelopes_sql_merge_gap(batch, mailbox->number, gap->seq, bytes_of(stored, sizeof stored));
        return gap->seq;
    }
    gap->seq = domain->next_seq++;
    gap->count = loss->count;
    gap->from = loss->reason == MAILBOX_GAP_REFUSED ? gap->seq : loss->from;
    gap->to = loss->reason == MAILBOX_GAP_REFUSED ? gap->seq : loss->to;
    gap_encode(mailbox, gap, loss->reason, stored);
    envelopes_sql_append_gap(batch, &(struct envelope_row){
                                        .seq = gap->seq,
                                        .mailbox = mailbox->number,
                                        .minute = now_ms / 60000,
                                        .expires_at = gap_expires_at,
                                        .stored = bytes_of(stored, sizeof stored),
                                    });
    return gap->seq;
}

void gaps_written(struct domain *domain, struct mailbox *mailbox, int64_t gap_seq, bool committed)
{
    mailbox->gap_writes--;
    if (!committed) {
        mailboxes_seal_gaps(mailbox);
        return;
    }
    hub_announce(domain->hub, &mailbox->pub, &(struct hub_mail){ .seq = gap_seq, .is_gap = true });
}

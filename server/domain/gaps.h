/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the relay drops from, or refuses into, a mailbox leaves a gap: an
 * item with a seq of its own that is listed and acknowledged like an envelope.
 * Later losses merge into a gap that no read has seen yet.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "server/domain/mailboxes.h"

struct store_batch;

struct gap {
    int64_t from, to, count; /* seqs that are lost, and how many; refused: the gap's own twice */
    enum mailbox_gap_reason reason;
};

/* "ttl", "cap", "refused" or "idle".  Static. */
const char *gaps_reason_text(enum mailbox_gap_reason reason);

/*
 * Append to batch the write of a loss, merged where it may be, and note it in
 * the mailbox.  The mailbox is pinned by the caller until gaps_written.  For
 * refused losses from and to are not read.  Returns the seq of the gap.
 */
int64_t gaps_add(struct domain *domain, struct store_batch *batch, struct mailbox *mailbox,
                 const struct gap *loss, int64_t now_ms);

/*
 * Say that the batch of one gaps_add is done.  When it was committed the gap is
 * announced; else nothing merges into it any more.
 */
void gaps_written(struct domain *domain, struct mailbox *mailbox, int64_t gap_seq, bool committed);

/* Decode the body of a gap's row; false when it is damaged. */
bool gaps_decode(struct bytes body, struct gap *out);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Envelopes that are dropped unread: read what is to go, then delete exactly
 * that and write the gap in one transaction, which is refused whole when a
 * device acknowledged one of them meanwhile (then a later round sees what is
 * left).  Small batches, so that senders never wait long.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct domain;
struct mailbox;

enum {
    LOSSES_BATCH = 200
};

/* Drop the oldest of a mailbox that is over its caps; does nothing otherwise. */
void losses_trim(struct domain *domain, struct mailbox *mailbox, int64_t now_ms);

/* Hear whether a round found a full batch, so that another is worth it at once. */
typedef void losses_done_fn(void *arg, bool more);

/* Drop up to LOSSES_BATCH expired envelopes with a life of their own. */
void losses_expire_own(struct domain *domain, int64_t now_ms, losses_done_fn *done, void *arg);

/*
 * Drop up to LOSSES_BATCH expired envelopes of the longest life; *cursor (0 at
 * first) remembers where none older is left, and lives until done.
 */
void losses_expire_oldest(struct domain *domain, int64_t *cursor, int64_t now_ms,
                          losses_done_fn *done, void *arg);

/* Drop up to LOSSES_BATCH envelopes of a mailbox that its idle device closed. */
void losses_empty_idle(struct domain *domain, struct mailbox *mailbox, int64_t now_ms,
                       losses_done_fn *done, void *arg);

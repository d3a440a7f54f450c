/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits in a mailbox, and its acknowledgement.  Read in pieces of at most
 * MAIL_READ_ITEMS, in order of seq; acknowledged means deleted, durably, before
 * the caller hears of it.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "server/domain/gaps.h"
#include "server/domain/mailboxes.h"

enum {
    MAIL_READ_ITEMS = 128
};

struct mail_item {
    int64_t seq;
    int64_t minute;
    struct envelope_id id;
    bool urgent;
    bool redelivered; /* it may have been sent before */
    bool is_gap;
    struct gap gap;    /* when is_gap */
    struct bytes body; /* else; borrowed for the call */
};

struct mail {
    bool ok;          /* false: the store could not say */
    bool more;        /* there are others behind last_seq */
    bool full;        /* the next of them did not fit byte_max */
    int64_t last_seq; /* seq of the last item, 0 when there is none */
    int64_t horizon;  /* the last seq that was given when it was read; 0: not known */
    const struct mail_item *items;
    size_t count;
};

typedef void mail_read_fn(void *arg, const struct mail *mail);

/* What to read. */
struct mail_page {
    int64_t after;    /* items behind this seq */
    size_t item_max;  /* MAIL_READ_ITEMS at most are taken */
    int64_t byte_max; /* of bodies; but at least one item is read unless goes_on */
    int64_t now_ms;   /* what has expired by then is left out */
    bool goes_on;     /* behind another page that had an item */
};

/*
 * Read a page of the mailbox, which must be pinned until done.  Expired envelopes
 * and damaged rows are left out; there are no items only when nothing else waits
 * behind page->after, or when the page goes on and is full.  page is copied.
 */
void mail_read(struct domain *domain, struct mailbox *mailbox, const struct mail_page *page,
               mail_read_fn *done, void *arg);

/* Note that items up to seq may have been sent. */
void mail_sent(struct mailbox *mailbox, int64_t seq);

enum mail_ack_result {
    MAIL_ACKED = 0,
    MAIL_ACK_UNAVAILABLE
};
typedef void mail_acked_fn(void *arg, enum mail_ack_result result, int64_t acknowledged);

/* Delete count seqs of the mailbox, pinned until done.  Unknown seqs are harmless. */
void mail_ack(struct domain *domain, struct mailbox *mailbox, const int64_t *seqs, size_t count,
              mail_acked_fn *done, void *arg);

/* Delete everything up to seq but what has expired by now_ms: of that a gap tells. */
void mail_ack_upto(struct domain *domain, struct mailbox *mailbox, int64_t seq, int64_t now_ms,
                   mail_acked_fn *done, void *arg);

/* Neighbours in a mailbox, as they were delivered. */
struct mail_run {
    const int64_t *seqs; /* ascending; read before mail_ack_run returns */
    size_t count;
    int64_t envelopes; /* how many of them are no gaps */
    int64_t bytes;     /* of their bodies */
};

/*
 * Delete the items of run when nothing else stands between the first and the last
 * of them; else acknowledge them one by one.
 */
void mail_ack_run(struct domain *domain, struct mailbox *mailbox, const struct mail_run *run,
                  mail_acked_fn *done, void *arg);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known in memory of mailboxes: who owns one, what waits in it, whether
 * it takes mail.  A bounded cache over the devices table, loaded on first use.
 * On the embedded engine this daemon is the only writer, so the counters are
 * exact; every write still carries a guard in its WHERE.  Where the store is
 * shared, closed and the counters are as they were last seen, and the row decides.
 * Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/crypto.h"
#include "common/ids.h"
#include "common/table.h"

struct domain;
struct mailboxes;

enum mailbox_gap_reason {
    MAILBOX_GAP_TTL = 0,
    MAILBOX_GAP_CAP,
    MAILBOX_GAP_REFUSED,
    MAILBOX_GAP_IDLE,
    MAILBOX_GAP_REASONS
};

/* A gap that no read has seen yet, so that later losses may merge into it. */
struct mailbox_gap {
    int64_t seq; /* 0: there is none */
    int64_t from, to, count;
};

struct mailbox {
    struct table_node node;
    struct device_pub pub;
    int64_t number; /* the row's short integer */
    int64_t account;
    struct account_id account_id;
    uint32_t device_id;
    uint32_t pins;          /* batches under way that name it: it stays in memory */
    bool gone;              /* forgotten while pinned */
    bool closed;            /* idle: takes no mail until its device is seen again */
    bool refusing;          /* full; reopens at 75 % */
    bool trimming;          /* its oldest are being dropped */
    bool learning;          /* names.h: names of others are being read */
    int64_t envelope_count; /* waiting or being written, gaps not counted */
    int64_t envelope_bytes;
    int64_t sent_seq;         /* highest seq that may have been sent in this life of the daemon */
    int64_t gap_writes;       /* gap rows being written */
    int64_t known;            /* names.h: up to this seq, names are in memory */
    uint32_t doubts;          /* names.h: writes whose end nobody knows */
    struct mailbox_gap *gaps; /* NULL: none; else one of each reason.  Few mailboxes have any */
};

struct mailboxes *mailboxes_create(const uint8_t key[CRYPTO_SIPHASH_KEY_BYTES], int64_t cache_max);
void mailboxes_destroy(struct mailboxes *mailboxes);

/*
 * Find a mailbox in memory; NULL when it is not there (which says nothing about
 * the store).  Borrowed until the loop turns, or until mailbox_unpin.
 */
struct mailbox *mailboxes_cached(struct mailboxes *mailboxes, const struct device_pub *pub);

/* Hold a mailbox in memory over a wait, and let it go. */
void mailboxes_pin(struct mailbox *mailbox);
void mailboxes_unpin(struct mailbox *mailbox);

/*
 * Load those of count pubs that are not in memory, then call done.  After that,
 * mailboxes_cached is NULL only for keys that have no mailbox, until the loop
 * turns.  ok is false when the store could not say.  done comes later, once.
 */
typedef void mailboxes_loaded_fn(void *arg, bool ok);
void mailboxes_load(struct domain *domain, const struct device_pub *pubs, size_t count,
                    mailboxes_loaded_fn *done, void *arg);

/* Forget a mailbox whose device left; call after the removal was committed. */
void mailboxes_forget(struct mailboxes *mailboxes, const struct device_pub *pub);

/* Note that a mailbox was closed or opened; call after that was committed. */
void mailboxes_set_closed(struct mailboxes *mailboxes, const struct device_pub *pub, bool closed);

/* Count a copy in or out of a mailbox; out may reopen one that refuses. */
void mailboxes_count_in(struct mailbox *mailbox, int64_t bytes);
void mailboxes_count_out(const struct domain *domain, struct mailbox *mailbox, int64_t envelopes,
                         int64_t bytes);

/* Let a mailbox that refuses take mail again when it is at 75 % of the caps as they are now. */
void mailboxes_reopen(const struct domain *domain, struct mailbox *mailbox);

/* Make room for gaps in a mailbox that has none. */
void mailboxes_begin_gaps(struct mailbox *mailbox);

/* From now on no loss merges into gaps made so far: a read is about to see them. */
void mailboxes_seal_gaps(struct mailbox *mailbox);

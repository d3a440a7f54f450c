/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending: one envelope to one or many mailboxes, stored durably before the
 * answer.  The order of checks is shape, size, rates, guard, list check, unknown
 * recipients, caps.  A send stores all its copies in one transaction; a full or
 * closed mailbox never fails the others.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"

struct domain;
struct store_batch;

struct envelope_recipient {
    struct device_pub pub;
    struct bytes part; /* the whole body, or the prefix before a shared one */
};

/*
 * Statements that go before the copies of a send in its one transaction: when one that add
 * expects is refused, nothing is stored and the send ends ENVELOPE_OVERTAKEN.  add may be called
 * several times, until done.
 */
struct envelope_rider {
    void (*add)(void *arg, struct store_batch *batch);
    void *arg;
};

struct envelope_send {
    struct envelope_id id;
    bool urgent;
    bool online_only;
    bool shared_given; /* deliver prefix || shared */
    bool list_check;   /* account and epoch are given */
    int64_t ttl_s;     /* 10 .. 2592000; not looked at when online_only */
    struct account_id account;
    uint64_t epoch;
    struct bytes shared;
    struct account_id sender_account; /* left out of the list check of its own account */
    struct device_pub sender;
    const struct envelope_recipient *recipients;
    size_t count;
    void (*placed)(void *arg);   /* see envelopes_send; or NULL */
    struct envelope_rider rider; /* add is NULL: none.  With one there may be no recipient */
};

enum envelope_result {
    ENVELOPE_STORED = 0, /* at least one new copy, or a repeat of one; with a rider: what it says */
    ENVELOPE_PASSED,     /* online_only: `stored` streams got it */
    ENVELOPE_VALUE_INVALID, /* `member` has a value that is not allowed */
    ENVELOPE_TOO_LARGE,     /* more than `max` bytes */
    ENVELOPE_RATE_LIMITED,  /* too much to `limited`; wait `retry_s`.  Nothing was stored */
    ENVELOPE_PLAINTEXT,     /* a body looks like plain text */
    ENVELOPE_OFF_BUCKET,    /* a body's size is none of the buckets */
    ENVELOPE_LIST_MISMATCH, /* `missing`, `extra`, `stale` and the head */
    ENVELOPE_UNKNOWN,       /* `unknown` have no mailbox; nothing was stored */
    ENVELOPE_MAILBOX_FULL,  /* nothing stored, nothing a repeat: `full`, `closed` */
    ENVELOPE_OVERTAKEN,     /* a statement that rode with it refused; nothing was stored */
    ENVELOPE_STORAGE_FULL,  /* the disk is full */
    ENVELOPE_UNAVAILABLE,   /* the store cannot, or the outcome is not known */
};

struct envelope_list {
    const struct device_pub *at;
    size_t count;
};

/* How a send ended; lists are borrowed for the call. */
struct envelope_outcome {
    enum envelope_result result;
    size_t stored;
    const char *member;
    int64_t max;
    struct envelope_list duplicates, full, closed;
    struct envelope_list unknown;
    struct envelope_list limited;
    struct envelope_list missing, extra, stale;
    int retry_s;
    uint64_t head_epoch;
    struct manifest_hash head_hash;
};

typedef void envelopes_sent_fn(void *arg, const struct envelope_outcome *outcome);

/*
 * Send; everything in send is copied.  done is called once, on the loop thread;
 * for a send that is refused at once it is called before this returns.
 *
 * True: the send has its place, and later ones come behind it.  False: it first
 * waits for the store to say who the recipients are, and a later one may overtake
 * it, until send->placed is called with arg, before done.
 */
bool envelopes_send(struct domain *domain, const struct envelope_send *send, int64_t now_ms,
                    envelopes_sent_fn *done, void *arg);

/* Say whether body looks like plain text: 32 bytes or more of valid UTF-8 without controls. */
bool envelopes_is_plaintext(struct bytes body);

/* Say whether size is one of the size buckets. */
bool envelopes_is_bucket(size_t size);

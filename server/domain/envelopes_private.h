/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delivery is a send on its way: the copies it makes, each with the bytes as
 * they will be stored, in one block of memory.
 *
 *   envelopes.c        the steps: load, check the list, decide
 *   envelopes_write.c  the write, its end, the answer
 *   envelopes_shared.c the same where other daemons write, too
 *   envelopes_check.c  shape, sizes, plaintext guard, buckets
 *   envelopes_limits.c rates
 *   envelopes_list.c   the list check
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ids.h"
#include "server/domain/dedup.h"
#include "server/domain/envelopes.h"
#include "server/domain/mailboxes.h"

struct domain;
struct directory_head;
struct store_batch;

enum copy_fate {
    COPY_UNDECIDED = 0,
    COPY_STORE,
    COPY_DUPLICATE,
    COPY_FULL,
    COPY_CLOSED,
    COPY_UNKNOWN,
};

struct copy {
    struct device_pub pub;
    enum copy_fate fate;
    struct mailbox *mailbox; /* pinned while a write is under way */
    uint8_t *stored;         /* the form of body.h, inside the delivery's block */
    size_t stored_bytes;
    int64_t seq; /* of the copy, or of the gap that its refusal left */
    uint64_t tag;
    struct dedup_name name;   /* once its mailbox is known */
    struct dedup_place place; /* while its write is under way */
    size_t statement;         /* of its append, where the store is shared */
};

struct delivery {
    struct domain *domain;
    envelopes_sent_fn *done;
    void (*placed)(void *arg); /* NULL once it was told, or when nobody asked */
    bool *placed_at_once;      /* told here instead, while envelopes_send runs */
    void *arg;
    int64_t now_ms;
    int64_t expires_at;
    int64_t own_ttl;
    struct envelope_id id;
    bool urgent, online_only, list_check;
    size_t expected_bytes; /* of its block, that count in the store's queue for no batch does */
    bool mailboxes_loaded, head_loaded;
    bool head_looked_at; /* since the send came, in the store */
    int tries;
    int gap_tries;
    struct account_id account;
    uint64_t epoch;
    struct account_id sender_account;
    struct device_pub sender;
    struct envelope_rider rider;
    size_t rider_at, rider_end; /* its statements in the batch under way */
    struct device_pub *lists;   /* of an answer; NULL until envelopes_lists */
    size_t missing_count, odd_count;
    uint64_t head_epoch;
    struct manifest_hash head_hash;
    size_t block_bytes; /* of this block */
    size_t count;
    struct copy copies[];
};

/* Judge shape and sizes; fills result, member and max when it is refused. */
bool envelopes_check(const struct envelope_send *send, struct envelope_outcome *out);

/*
 * Judge and count the rates; a refusal fills result, limited and retry_s, and the
 * list's memory, *out_limited, is the caller's to free.
 */
bool envelopes_limits_pass(struct domain *domain, const struct envelope_send *send, int64_t now_ms,
                           struct envelope_outcome *out, struct device_pub **out_limited);

/* Judge the bodies as they will be delivered, and count those off the buckets. */
bool envelopes_guard_passes(const struct delivery *delivery, const struct envelope_send *send);
bool envelopes_buckets_pass(const struct domain *domain, const struct envelope_send *send);

/* Compare the recipients with head: true when they are exactly right; else notes what differs. */
bool envelopes_list_matches(struct delivery *delivery, const struct directory_head *head);

/* Tell a mismatch: sort out which odd keys are stale, answer, and end the delivery. */
void envelopes_list_refuse(struct delivery *delivery, int64_t account);

/* Go on from the top: what is loaded, the list, what to write. */
void envelopes_step(struct delivery *delivery);

/* Count so many bytes of the delivery's block in the store's queue, instead of those before. */
void envelopes_expect(struct delivery *delivery, size_t bytes);

/* The same for what no batch counts while the copies that are to be stored are in one. */
void envelopes_expect_rest(struct delivery *delivery);

/* Tell, the first time, that no later send can overtake this one. */
void envelopes_place(struct delivery *delivery);

/* Write the copies that were decided on; or wait until the writes they repeat have ended. */
void envelopes_write(struct delivery *delivery);
void envelopes_wait(struct delivery *delivery);

/* Start the batch of a write with what must hold for all of it: the head, and what rides along. */
struct store_batch *envelopes_begin_batch(struct delivery *delivery);

/* Say whether what rode along refused; then nothing is tried again. */
bool envelopes_is_overtaken(const struct delivery *delivery, size_t refused_at);

/* Write where the store is shared: the rows decide. */
void envelopes_shared_write(struct delivery *delivery);

/* Answer what has become of the copies, and free the delivery. */
void envelopes_answer(struct delivery *delivery);

/* Collect the keys of all copies with this fate at *at and move *at behind them. */
struct envelope_list envelopes_list_of(const struct delivery *delivery, enum copy_fate fate,
                                       struct device_pub **at);

/* Size of a copy as delivered. */
int64_t envelopes_copy_bytes(const struct copy *copy);

/* Room for the lists of an answer, made when first needed. */
struct device_pub *envelopes_lists(struct delivery *delivery);

/* Answer with a bare result and free the delivery. */
void envelopes_fail(struct delivery *delivery, enum envelope_result result);

/* Answer and free the delivery. */
void envelopes_finish(struct delivery *delivery, const struct envelope_outcome *outcome);

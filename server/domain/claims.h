/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream a device, over all daemons on one database.  Opening a stream writes
 * its name into the row of the mailbox and tells the other daemons; a stream whose
 * name no longer stands there is ended.  A claim is the place of a stream on this
 * daemon, found by the mailbox's number, which is what daemons tell each other.
 * There are none where the store is not shared.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ids.h"

struct claim;
struct claims;
struct domain;
struct mailbox;

struct claims *claims_create(const uint8_t key[16]);
void claims_destroy(struct claims *claims);

enum claims_result {
    CLAIMS_TAKEN = 0,
    CLAIMS_GONE,       /* the device has left */
    CLAIMS_UNAVAILABLE /* the store did not do it, or cannot say */
};

/* claim is the listener's, until claims_release; NULL unless CLAIMS_TAKEN in a shared store. */
typedef void claims_taken_fn(void *arg, enum claims_result result, struct claim *claim);

/*
 * Take the place of the stream of mailbox, pinned until done, for the session
 * token_hash.  done is called once: at once where the store is not shared, else
 * later.  When it is called, the mailbox's counters are those of the store.
 */
void claims_take(struct domain *domain, struct mailbox *mailbox, const uint8_t token_hash[32],
                 claims_taken_fn *done, void *arg);

/* Give it back when the stream leaves.  Takes NULL. */
void claims_release(struct domain *domain, struct claim *claim);

/* Mail was put into a mailbox by another daemon: wake its stream, if it is here. */
void claims_wake(struct domain *domain, int64_t mailbox);

/* Its device opened a stream elsewhere, or acknowledged there: look at the store. */
void claims_check(struct domain *domain, int64_t mailbox);
void claims_check_acked(struct domain *domain, int64_t mailbox);

/* Nothing was heard for a while: look at every mailbox that has a stream here. */
void claims_check_all(struct domain *domain);

/* A stream of some account, as it stands here. */
struct claim_view {
    struct device_pub pub;
    uint8_t token_hash[32];
};

/* Copy the streams of an account, or all, that are here into *out, which the caller frees. */
size_t claims_of_account(const struct domain *domain, int64_t account, struct claim_view **out);
size_t claims_of_all(const struct domain *domain, struct claim_view **out);

/* Say whether a stream of the account is here. */
bool claims_has_account(const struct domain *domain, int64_t account);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory answers from memory which devices an account's head manifest
 * lists.  A bounded cache over the store: directory_cached for the fast path,
 * directory_load when that knows nothing.  Whoever commits a new head or an
 * erasure calls directory_forget afterwards; a load that was under way then
 * reads again, so an old head never comes back.  The head may still move before
 * a write that relies on it: such a write guards (epoch, hash) in its WHERE.
 * Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ids.h"

struct directory;
struct domain;

struct directory_device {
    struct device_pub pub;
    uint32_t device_id;
    uint8_t flags; /* MANIFEST_DEVICE_... */
    uint64_t added_epoch;
};

struct directory_head {
    struct account_id account_id;
    int64_t account; /* the row's short integer */
    uint64_t epoch;
    struct manifest_hash hash;
    size_t device_count;               /* 1..LIMIT_MANIFEST_DEVICES */
    struct directory_device devices[]; /* ascending device_id */
};

/* key: of the hash table.  account_max: accounts held at once, at least 1. */
struct directory *directory_create(const uint8_t key[16], size_t account_max);
void directory_destroy(struct directory *directory);

/* The head in memory, or NULL, which says nothing about the store.  Borrowed until the loop turns. */
const struct directory_head *directory_cached(struct domain *domain,
                                              const struct account_id *account_id);

/*
 * Hear an account's head, from memory or from the store.  ok is false when the
 * store could not say; head is NULL then, and when there is no such account (or
 * it was erased).  head is borrowed until the loop turns.
 */
typedef void directory_loaded_fn(void *arg, bool ok, const struct directory_head *head);

/* Load the head and tell done, later, exactly once.  account_id is copied. */
void directory_load(struct domain *domain, const struct account_id *account_id,
                    directory_loaded_fn *done, void *arg);

/* Drop what is known of the account; call after its new head or its erasure was committed. */
void directory_forget(struct domain *domain, const struct account_id *account_id);

/* Drop all, for when it is uncertain what was committed. */
void directory_forget_all(struct domain *domain);

/*
 * Hear, for each key that was asked about, whether it left that account (true)
 * or never was in it (false).  left has as many entries as were asked for and
 * is borrowed until return; NULL when ok is false: the store could not say.
 */
typedef void directory_split_fn(void *arg, bool ok, const bool *left);

/*
 * Tell which of count (at most LIMIT_SEND_RECIPIENTS) pubs left account.  pubs
 * is read before this returns.  done comes later, exactly once.
 */
void directory_split_unknown(struct domain *domain, int64_t account, const struct device_pub *pubs,
                             size_t count, directory_split_fn *done, void *arg);

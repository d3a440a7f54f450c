/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows a manifest that was committed: memory forgets what is no more,
 * all old and new devices hear of it, the devices that left lose their streams.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/ids.h"
#include "common/limits.h"
#include "common/manifest.h"

struct domain;
struct store_rows;

struct manifests_change {
    struct account_id account_id;
    uint64_t epoch;
    struct manifest_hash hash;
    struct device_pub heard[2 * LIMIT_MANIFEST_DEVICES]; /* all old and new devices */
    size_t heard_count;
    struct device_pub removed[LIMIT_MANIFEST_DEVICES];
    size_t removed_count;
    size_t sessions_at;  /* the statements that yield ended sessions, from here ... */
    size_t sessions_end; /* ... to before here */
};

/* Begin on the step from old to next: who will hear of it; none removed yet. */
void manifests_change_begin(struct manifests_change *change, const struct manifest *old,
                            const struct manifest *next, const struct manifest_hash *hash);

/* Do what follows the commit; rows are the batch's. */
void manifests_follow(struct domain *domain, const struct manifests_change *change,
                      struct store_rows *rows, int64_t now_ms);

/* It is uncertain whether it was committed: make memory ask the store, and streams prove anew. */
void manifests_doubt(struct domain *domain, const struct manifests_change *change);

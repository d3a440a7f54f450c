/* SPDX-License-Identifier: Apache-2.0 */
/* Counts over the whole relay, for the operator.  They read much: not for every minute. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/ids.h"

struct domain;

struct census {
    int64_t accounts;
    int64_t devices;
    int64_t envelopes; /* waiting, gaps not counted */
    int64_t sessions;
    int64_t holds; /* manifests and erasures that wait for their time */
};

/* census is borrowed until return; NULL when the store could not say. */
typedef void census_counted_fn(void *arg, const struct census *census);
void census_count(struct domain *domain, census_counted_fn *done, void *arg);

enum {
    CENSUS_QUEUES_MAX = 1000
};

struct census_queue {
    struct account_id account_id;
    struct device_pub device_pub;
    uint32_t device_id;
    int64_t envelopes;
    int64_t bytes;
};

/* Hear the longest queues, at most CENSUS_QUEUES_MAX, longest first; NULL when unavailable. */
typedef void census_queues_fn(void *arg, const struct census_queue *queues, size_t count);

/* account_id: only its devices (also empty ones); NULL: every queue that is not empty. */
void census_queues(struct domain *domain, const struct account_id *account_id,
                   census_queues_fn *done, void *arg);

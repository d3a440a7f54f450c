/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing again: what stands sealed under an older key is opened and sealed under the one
 * that seals now, some rows a batch, in the background.  A walk that is cut off is begun
 * anew and passes by what is done.  Daemons that share a database may walk at once.
 * Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct domain;
struct reseal;

enum {
    RESEAL_KEYS_MAX = 64 /* ids that are counted apart; the rows of any more count for id 0 */
};

struct reseal_state {
    bool is_walking;
    int64_t
        left; /* rows under older keys that the last whole walk left, because others held them */
    int64_t unreadable; /* rows that it could not open: damaged, or their key is not here */
};

struct reseal *reseal_create(struct domain *domain);

/* The store has answered all that waits.  Takes NULL. */
void reseal_destroy(struct reseal *reseal);

/* Walk over all sealed columns; once more, when a walk is under way.  A failure ends a walk. */
void reseal_begin(struct reseal *reseal);

/* Walk if the last walk left something that another one may do. */
void reseal_go_on(struct reseal *reseal);

struct reseal_state reseal_state(const struct reseal *reseal);

/* How many rows stand under a key.  Id 0: what says of no key that it was sealed with it. */
struct reseal_count {
    uint32_t key_id;
    int64_t row_count;
};

/* Count all sealed values by their keys, in no order; counts is borrowed.  ok: the store could say. */
typedef void reseal_counted_fn(void *arg, bool ok, const struct reseal_count *counts, size_t count);
void reseal_count(struct domain *domain, reseal_counted_fn *done, void *arg);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much memory of one kind all clients together may make the daemon hold.
 * Whoever grows a buffer that a client fills takes from the allowance, and gives
 * back when the buffer shrinks or goes; whoever is about to hold more asks whether
 * it is spent.  Taking never fails: what is there already must be counted.
 * One owner, loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct allowance {
    int64_t max_bytes;  /* 0: any */
    int64_t held_bytes; /* now; may be above the maximum for a moment */
};

/*
 * Count a block that had before bytes and has after bytes now; the block is new when
 * before is 0, and gone when after is.  No-op without an allowance (NULL).
 */
static inline void allowance_count(struct allowance *allowance, size_t before, size_t after)
{
    if (allowance != NULL) {
        allowance->held_bytes += (int64_t)after - (int64_t)before;
    }
}

/* Say whether more than times the maximum is held; never without one, or of NULL. */
static inline bool allowance_is_spent(const struct allowance *allowance, int64_t times)
{
    return allowance != NULL && allowance->max_bytes > 0 &&
           allowance->held_bytes > times * allowance->max_bytes;
}

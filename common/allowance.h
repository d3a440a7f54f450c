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

#include "common/buf.h"
#include "common/bytes.h"

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

/* Make room in buf, append to it, or clear it; and count what that changes. */
static inline void allowance_reserve(struct allowance *allowance, struct buf *buf, size_t extra)
{
    size_t room = buf->room;

    buf_reserve(buf, extra);
    allowance_count(allowance, room, buf->room);
}

static inline void allowance_append(struct allowance *allowance, struct buf *buf,
                                    struct bytes value)
{
    size_t room = buf->room;

    buf_append(buf, value);
    allowance_count(allowance, room, buf->room);
}

static inline void allowance_clear(struct allowance *allowance, struct buf *buf)
{
    allowance_count(allowance, buf->room, 0);
    buf_clear(buf);
}

/* Say whether more than times the maximum is held; never without one, or of NULL. */
static inline bool allowance_is_spent(const struct allowance *allowance, int64_t times)
{
    return allowance != NULL && allowance->max_bytes > 0 &&
           allowance->held_bytes > times * allowance->max_bytes;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is freed all at once: a chain of chunks, filled from the front.
 * One owner, one thread at a time.  A block lives until the arena is cleared or
 * rewound to a mark that was set before the block was taken.
 */
#pragma once

#include <stddef.h>

struct arena {
    struct arena_chunk *newest; /* older ones hang behind it */
    size_t total_bytes;         /* allocated, for the bounds of queues */
};

struct arena_mark {
    struct arena_chunk *newest;
    size_t used;
};

/* Begin with one chunk of room bytes, its own head included. */
void arena_init(struct arena *arena, size_t room);

/* Return size bytes with any content, aligned for pointers and int64_t. */
__attribute__((returns_nonnull, warn_unused_result)) void *arena_take(struct arena *arena,
                                                                      size_t size);

/* Remember how far the arena is filled; free what was taken since then. */
struct arena_mark arena_marked(const struct arena *arena);
void arena_rewind(struct arena *arena, struct arena_mark mark);

/* Free every chunk. */
void arena_clear(struct arena *arena);

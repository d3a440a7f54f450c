/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation that cannot fail: out of memory ends the process with status 71.
 * Sizes that a peer chooses are bounded by common/limits.h before they get here.
 * Any thread.  Free every block with free().
 */
#pragma once

#include <stddef.h>

enum {
    MEM_EXIT_STATUS = 71
}; /* sysexits.h EX_OSERR */

/* Return a zeroed block of count * size bytes. */
__attribute__((malloc, returns_nonnull, warn_unused_result)) void *mem_zeroed(size_t count,
                                                                              size_t size);

/* Return a block of size bytes with any content: for bytes that are written at once. */
__attribute__((malloc, returns_nonnull, warn_unused_result)) void *mem_raw(size_t size);

/* Grow or shrink block to size bytes; the old pointer is gone.  size is not 0. */
__attribute__((returns_nonnull, warn_unused_result)) void *mem_resized(void *block, size_t size);

/* Return a copy of the NUL-terminated text. */
__attribute__((malloc, returns_nonnull, warn_unused_result)) char *mem_text(const char *text);

/* Return size bytes at `at` as a NUL-terminated copy. */
__attribute__((malloc, returns_nonnull, warn_unused_result)) char *mem_text_of(const void *at,
                                                                               size_t size);

/* Overwrite size bytes at block with zeros in a way the compiler keeps. */
void mem_wipe(void *block, size_t size);

/*
 * Free a block after wiping it, NULL too; make one larger or smaller, as mem_resized, so that
 * nothing stays where it was.  For libraries that hold secrets and take their allocator from us.
 */
void mem_free_wiped(void *block);
__attribute__((returns_nonnull, warn_unused_result)) void *mem_resized_wiped(void *block,
                                                                             size_t size);

/*
 * Keep the allocator's own overhead small: few arenas, however many threads, and large blocks
 * outside of them.  Call it once, before any thread.  Tell how much is free inside the heap, and
 * give it back to the system; both take milliseconds, so that they are for quiet moments.
 */
void mem_bound_arenas(void);
size_t mem_free_bytes(void);
void mem_give_back(void);

/* SPDX-License-Identifier: Apache-2.0 */
#include "common/mem.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ARENAS = 3,           /* the loop's, and two for all other threads */
    LARGE_BYTES = 131072, /* blocks from here on are pages of their own, gone when they are freed */
    IDLE_BYTES = 4194304  /* free memory at an arena's end that is kept for the next turn */
};

static void *mem_kept(void *block)
{
    if (block == NULL) {
        (void)fputs("out of memory: give the process more, or lower its limits\n", stderr);
        _Exit(MEM_EXIT_STATUS);
    }
    return block;
}

void *mem_zeroed(size_t count, size_t size)
{
    return mem_kept(calloc(count == 0 ? 1 : count, size == 0 ? 1 : size));
}

void *mem_raw(size_t size)
{
    return mem_kept(malloc(size == 0 ? 1 : size));
}

void *mem_resized(void *block, size_t size)
{
    return mem_kept(realloc(block, size));
}

char *mem_text(const char *text)
{
    return mem_text_of(text, strlen(text));
}

char *mem_text_of(const void *at, size_t size)
{
    char *copy = mem_raw(size + 1);

    if (size > 0) {
        memcpy(copy, at, size);
    }
    copy[size] = '\0';
    return copy;
}

void mem_wipe(void *block, size_t size)
{
    if (size > 0) {
        explicit_bzero(block, size);
    }
}

void mem_free_wiped(void *block)
{
    if (block != NULL) {
        mem_wipe(block, malloc_usable_size(block));
        free(block);
    }
}

void *mem_resized_wiped(void *block, size_t size)
{
    size_t old_size = block == NULL ? 0 : malloc_usable_size(block);
    void *moved = mem_raw(size);

    if (old_size > 0) {
        memcpy(moved, block, old_size < size ? old_size : size);
    }
    mem_free_wiped(block);
    return moved;
}

void mem_bound_arenas(void)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread */
    (void)mallopt(M_ARENA_MAX, ARENAS);
    /* The allocator would raise it to the largest block it has seen, and small ones in the holes
     * of large ones would then keep both: half a GiB for sends of 8 MiB, one at a time. */
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    /* With a threshold of ours the allocator no longer learns when to give back: each turn would
     * ask the kernel for the memory that the one before it gave away. */
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread */
    (void)mallopt(M_TRIM_THRESHOLD, IDLE_BYTES);
}

size_t mem_free_bytes(void)
{
    return mallinfo2().fordblks;
}

void mem_give_back(void)
{
    (void)malloc_trim(0);
}

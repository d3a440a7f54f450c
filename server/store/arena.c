/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks double up to a bound, so a batch of a thousand statements costs about
 * ten allocations and a small one costs one.
 */
#include "server/store/arena.h"

#include <stdint.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/mem.h"

enum {
    ARENA_ALIGN = 8,
    ARENA_CHUNK_MAX = 65536
};

struct arena_chunk {
    struct arena_chunk *older;
    size_t room; /* bytes behind this head */
    size_t used;
    uint64_t content[];
};

static void arena_grow(struct arena *arena, size_t room)
{
    struct arena_chunk *chunk = mem_raw(sizeof *chunk + room);

    chunk->older = arena->newest;
    chunk->room = room;
    chunk->used = 0;
    arena->newest = chunk;
    arena->total_bytes += sizeof *chunk + room;
}

void arena_init(struct arena *arena, size_t room)
{
    CHECK(room > sizeof(struct arena_chunk));
    *arena = (struct arena){ 0 };
    arena_grow(arena, room - sizeof(struct arena_chunk));
}

static size_t arena_next_room(const struct arena *arena, size_t size)
{
    size_t room = arena->newest->room * 2;

    if (room > ARENA_CHUNK_MAX) {
        room = ARENA_CHUNK_MAX;
    }
    return room < size ? size : room;
}

void *arena_take(struct arena *arena, size_t size)
{
    size_t rounded = (size + (ARENA_ALIGN - 1)) & ~(size_t)(ARENA_ALIGN - 1);

    CHECK(rounded >= size);
    if (arena->newest->room - arena->newest->used < rounded) {
        arena_grow(arena, arena_next_room(arena, rounded));
    }
    uint8_t *start = (uint8_t *)arena->newest->content + arena->newest->used;
    arena->newest->used += rounded;
    return start;
}

struct arena_mark arena_marked(const struct arena *arena)
{
    return (struct arena_mark){ .newest = arena->newest, .used = arena->newest->used };
}

static void arena_drop_newest(struct arena *arena)
{
    struct arena_chunk *chunk = arena->newest;

    arena->newest = chunk->older;
    arena->total_bytes -= sizeof *chunk + chunk->room;
    free(chunk);
}

void arena_rewind(struct arena *arena, struct arena_mark mark)
{
    while (arena->newest != mark.newest) {
        arena_drop_newest(arena);
    }
    arena->newest->used = mark.used;
}

void arena_clear(struct arena *arena)
{
    while (arena->newest != NULL) {
        arena_drop_newest(arena);
    }
}

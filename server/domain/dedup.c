/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of entries in the order they came, and an open-addressed index of ring
 * places by hash (linear probing, at most half full, deletion by shifting back).
 * A name is 128 bits of SipHash under two keys: a chance hit, which would lose an
 * envelope, is out of reach.  The ring grows by doubling up to its maximum; then
 * the oldest entry gives way.
 */
#include "server/domain/dedup.h"

#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/limits.h"
#include "common/mem.h"

enum {
    FIRST_RING = 1024,
};

enum entry_state {
    ENTRY_EMPTY = 0,
    ENTRY_PENDING,
    ENTRY_STORED
};

struct entry {
    uint64_t hash[2];
    uint32_t begun_s;
    uint32_t state;
};

struct dedup {
    uint8_t keys[2][16];
    struct entry *ring;
    uint32_t *index; /* place in the ring plus one; 0: free */
    size_t ring_size, index_size;
    size_t next; /* place of the next entry */
    size_t max;
    size_t count; /* entries that are not empty */
};

static void name_hash(const struct dedup *dedup, const struct dedup_name *name, uint64_t out[2])
{
    uint8_t text[8 + ENVELOPE_ID_BYTES + 8];

    memcpy(text, &name->mailbox, 8);
    memcpy(text + 8, name->id.raw, ENVELOPE_ID_BYTES);
    memcpy(text + 8 + ENVELOPE_ID_BYTES, &name->tag, 8);
    out[0] = crypto_siphash(dedup->keys[0], bytes_of(text, sizeof text));
    out[1] = crypto_siphash(dedup->keys[1], bytes_of(text, sizeof text));
}

static void dedup_allocate(struct dedup *dedup, size_t ring_size)
{
    dedup->ring = mem_zeroed(ring_size, sizeof dedup->ring[0]);
    dedup->ring_size = ring_size;
    dedup->index_size = 4;
    while (dedup->index_size < 2 * ring_size) {
        dedup->index_size *= 2;
    }
    dedup->index = mem_zeroed(dedup->index_size, sizeof dedup->index[0]);
}

struct dedup *dedup_create(const uint8_t key[16], size_t max)
{
    struct dedup *dedup = mem_zeroed(1, sizeof *dedup);

    CHECK(max > 0 && max < UINT32_MAX / 2);
    memcpy(dedup->keys[0], key, 16);
    memcpy(dedup->keys[1], key, 16);
    dedup->keys[1][0] ^= 0x80;
    dedup->max = max;
    dedup_allocate(dedup, max < FIRST_RING ? max : FIRST_RING);
    return dedup;
}

void dedup_destroy(struct dedup *dedup)
{
    if (dedup == NULL) {
        return;
    }
    free(dedup->ring);
    free(dedup->index);
    mem_wipe(dedup->keys, sizeof dedup->keys);
    free(dedup);
}

/* The index slot that holds hash, or the free one where it belongs. */
static size_t index_slot(const struct dedup *dedup, const uint64_t hash[2])
{
    size_t mask = dedup->index_size - 1;
    size_t slot = hash[0] & mask;

    while (dedup->index[slot] != 0) {
        const struct entry *entry = &dedup->ring[dedup->index[slot] - 1];
        if (entry->hash[0] == hash[0] && entry->hash[1] == hash[1]) {
            break;
        }
        slot = (slot + 1) & mask;
    }
    return slot;
}

static void index_remove(struct dedup *dedup, size_t slot)
{
    size_t mask = dedup->index_size - 1;
    size_t hole = slot;

    for (size_t at = (slot + 1) & mask; dedup->index[at] != 0; at = (at + 1) & mask) {
        size_t home = dedup->ring[dedup->index[at] - 1].hash[0] & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            dedup->index[hole] = dedup->index[at];
            hole = at;
        }
    }
    dedup->index[hole] = 0;
}

static void entry_forget(struct dedup *dedup, struct entry *entry)
{
    size_t slot = index_slot(dedup, entry->hash);

    CHECK(dedup->index[slot] != 0);
    index_remove(dedup, slot);
    entry->state = ENTRY_EMPTY;
    dedup->count--;
}

/* Double a full ring: entries keep their order, oldest first. */
static void dedup_grow(struct dedup *dedup)
{
    struct entry *old = dedup->ring;
    size_t old_size = dedup->ring_size;
    size_t first = dedup->next;

    free(dedup->index);
    dedup_allocate(dedup, old_size * 2 < dedup->max ? old_size * 2 : dedup->max);
    dedup->next = 0;
    for (size_t i = 0; i < old_size; i++) {
        const struct entry *entry = &old[(first + i) % old_size];
        if (entry->state != ENTRY_EMPTY) {
            dedup->ring[dedup->next] = *entry;
            dedup->next++;
            dedup->index[index_slot(dedup, entry->hash)] = (uint32_t)dedup->next;
        }
    }
    free(old);
}

static bool entry_is_old(const struct entry *entry, int64_t now_ms)
{
    return now_ms / 1000 - (int64_t)entry->begun_s > LIMIT_DEDUP_MS / 1000;
}

enum dedup_answer dedup_ask(const struct dedup *dedup, const struct dedup_name *name,
                            int64_t now_ms)
{
    uint64_t hash[2];
    size_t slot = 0;
    const struct entry *entry = NULL;

    name_hash(dedup, name, hash);
    slot = index_slot(dedup, hash);
    if (dedup->index[slot] == 0) {
        return DEDUP_NEW;
    }
    entry = &dedup->ring[dedup->index[slot] - 1];
    if (entry->state == ENTRY_PENDING) {
        return DEDUP_PENDING;
    }
    return entry_is_old(entry, now_ms) ? DEDUP_NEW : DEDUP_STORED;
}

void dedup_begin(struct dedup *dedup, const struct dedup_name *name, int64_t now_ms)
{
    uint64_t hash[2];
    size_t slot = 0;
    struct entry *place = NULL;

    name_hash(dedup, name, hash);
    slot = index_slot(dedup, hash);
    if (dedup->index[slot] != 0) { /* one that has grown old */
        entry_forget(dedup, &dedup->ring[dedup->index[slot] - 1]);
    }
    place = &dedup->ring[dedup->next];
    if (place->state != ENTRY_EMPTY && dedup->ring_size < dedup->max &&
        !entry_is_old(place, now_ms)) {
        dedup_grow(dedup);
        place = &dedup->ring[dedup->next];
    }
    if (place->state != ENTRY_EMPTY) {
        entry_forget(dedup, place);
    }
    place->hash[0] = hash[0];
    place->hash[1] = hash[1];
    place->begun_s = (uint32_t)(now_ms / 1000);
    place->state = ENTRY_PENDING;
    dedup->index[index_slot(dedup, hash)] = (uint32_t)(place - dedup->ring) + 1;
    dedup->next = (dedup->next + 1) % dedup->ring_size;
    dedup->count++;
}

void dedup_end(struct dedup *dedup, const struct dedup_name *name, bool stored)
{
    uint64_t hash[2];
    size_t slot = 0;
    struct entry *entry = NULL;

    name_hash(dedup, name, hash);
    slot = index_slot(dedup, hash);
    if (dedup->index[slot] == 0) {
        return; /* gave way to newer ones meanwhile */
    }
    entry = &dedup->ring[dedup->index[slot] - 1];
    if (stored) {
        entry->state = ENTRY_STORED;
    } else {
        entry_forget(dedup, entry);
    }
}

size_t dedup_count(const struct dedup *dedup)
{
    return dedup->count;
}

size_t dedup_max(const struct dedup *dedup)
{
    return dedup->max;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of entries in the order they came, and an open-addressed index of ring
 * places by hash (linear probing, at most half full, deletion by shifting back).
 * An index slot carries what a place leaves of its 32 bits of the hash, 12 where a
 * million are kept, so that a walk along it hardly touches the ring but for what it
 * looks for.
 * Of a name 96 bits of SipHash under two keys are kept: a chance hit, which would
 * lose an envelope, is out of reach.  The ring grows by doubling up to its maximum; then
 * the oldest entry gives way.
 */
#include "server/domain/dedup.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/crypto.h"
#include "common/limits.h"
#include "common/mem.h"

enum {
    FIRST_RING = 1024,
    AGE_MASK = 0x3fffffff, /* of struct entry.begun */
};

enum entry_state {
    ENTRY_EMPTY = 0,
    ENTRY_PENDING,
    ENTRY_STORED
};

struct entry {
    uint64_t home;       /* hash[0]: its low bits choose the slot */
    uint32_t bits;       /* the high half of hash[1]: the first of them stand in the slot, too */
    uint32_t state : 2;  /* enum entry_state */
    uint32_t begun : 30; /* Unix seconds, without the high bits */
};

static_assert(sizeof(struct entry) == 16, "a million of them are 16 MiB");

struct dedup {
    uint8_t keys[2][16];
    struct entry *ring;
    uint32_t *index;     /* bits of the hash above place_mask, and the place plus one; 0: free */
    uint32_t place_mask; /* max at least */
    size_t ring_size, index_size;
    size_t next; /* place of the next entry */
    size_t max;
    size_t count; /* entries that are not empty */
};

struct dedup_name dedup_name_of(const struct dedup *dedup, int64_t mailbox,
                                const struct envelope_id *id, uint64_t tag)
{
    uint8_t text[8 + ENVELOPE_ID_BYTES + 8];
    struct dedup_name name;

    memcpy(text, &mailbox, 8);
    memcpy(text + 8, id->raw, ENVELOPE_ID_BYTES);
    memcpy(text + 8 + ENVELOPE_ID_BYTES, &tag, 8);
    name.hash[0] = crypto_siphash(dedup->keys[0], bytes_of(text, sizeof text));
    name.hash[1] = crypto_siphash(dedup->keys[1], bytes_of(text, sizeof text));
    return name;
}

static bool entry_has(const struct entry *entry, const uint64_t hash[2])
{
    return entry->home == hash[0] && entry->bits == (uint32_t)(hash[1] >> 32);
}

/* As much of its name's hash as is kept, and as is looked at. */
static void entry_hash(const struct entry *entry, uint64_t out[2])
{
    out[0] = entry->home;
    out[1] = (uint64_t)entry->bits << 32;
}

/* Bits of the hash that do not choose the slot, and the slot's value for a ring place. */
static uint32_t slot_bits(const struct dedup *dedup, const uint64_t hash[2])
{
    return (uint32_t)(hash[1] >> 32) & ~dedup->place_mask;
}

static uint32_t slot_value(const struct dedup *dedup, const uint64_t hash[2], size_t place)
{
    return slot_bits(dedup, hash) | (uint32_t)(place + 1);
}

static size_t slot_place(const struct dedup *dedup, uint32_t value)
{
    return (size_t)(value & dedup->place_mask) - 1;
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
    while (dedup->place_mask < max) {
        dedup->place_mask = dedup->place_mask << 1 | 1;
    }
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

static bool slot_holds(const struct dedup *dedup, uint32_t value, const uint64_t hash[2])
{
    return (value & ~dedup->place_mask) == slot_bits(dedup, hash) &&
           entry_has(&dedup->ring[slot_place(dedup, value)], hash);
}

/* The index slot that holds hash, or the free one where it belongs. */
static size_t index_slot(const struct dedup *dedup, const uint64_t hash[2])
{
    size_t mask = dedup->index_size - 1;
    size_t slot = hash[0] & mask;

    while (dedup->index[slot] != 0 && !slot_holds(dedup, dedup->index[slot], hash)) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

static void index_remove(struct dedup *dedup, size_t slot)
{
    size_t mask = dedup->index_size - 1;
    size_t hole = slot;

    for (size_t at = (slot + 1) & mask; dedup->index[at] != 0; at = (at + 1) & mask) {
        size_t home = dedup->ring[slot_place(dedup, dedup->index[at])].home & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            dedup->index[hole] = dedup->index[at];
            hole = at;
        }
    }
    dedup->index[hole] = 0;
}

static void entry_forget(struct dedup *dedup, struct entry *entry)
{
    uint64_t hash[2];
    size_t slot = 0;

    entry_hash(entry, hash);
    slot = index_slot(dedup, hash);
    CHECK(dedup->index[slot] != 0);
    index_remove(dedup, slot);
    entry->state = ENTRY_EMPTY;
    dedup->count--;
}

/* Make the ring anew with room for size entries, in the same order or turned round. */
static void dedup_rebuild(struct dedup *dedup, size_t size, bool turned)
{
    struct entry *old = dedup->ring;
    size_t old_size = dedup->ring_size;
    size_t first = dedup->next;

    free(dedup->index);
    dedup_allocate(dedup, size);
    dedup->next = 0;
    for (size_t i = 0; i < old_size; i++) {
        const struct entry *entry = &old[(first + (turned ? old_size - 1 - i : i)) % old_size];
        if (entry->state != ENTRY_EMPTY) {
            uint64_t hash[2];
            entry_hash(entry, hash);
            dedup->ring[dedup->next] = *entry;
            dedup->index[index_slot(dedup, hash)] = slot_value(dedup, hash, dedup->next);
            dedup->next++;
        }
    }
    dedup->next = dedup->next == dedup->ring_size ? 0 : dedup->next;
    free(old);
}

/* Double a full ring: entries keep their order, oldest first. */
static void dedup_grow(struct dedup *dedup)
{
    size_t size = dedup->ring_size * 2;

    dedup_rebuild(dedup, size < dedup->max ? size : dedup->max, false);
}

static bool entry_is_old(const struct entry *entry, int64_t now_ms)
{
    uint32_t age = ((uint32_t)(now_ms / 1000) - entry->begun) & AGE_MASK;

    return age > LIMIT_DEDUP_MS / 1000 && age <= AGE_MASK / 2; /* above: the clock was put back */
}

enum dedup_answer dedup_ask(const struct dedup *dedup, const struct dedup_name *name,
                            int64_t now_ms)
{
    size_t slot = index_slot(dedup, name->hash);
    const struct entry *entry = NULL;

    if (dedup->index[slot] == 0) {
        return DEDUP_NEW;
    }
    entry = &dedup->ring[slot_place(dedup, dedup->index[slot])];
    if (entry->state == ENTRY_PENDING) {
        return DEDUP_PENDING;
    }
    return entry_is_old(entry, now_ms) ? DEDUP_NEW : DEDUP_STORED;
}

struct dedup_place dedup_begin(struct dedup *dedup, const struct dedup_name *name, int64_t now_ms)
{
    size_t slot = index_slot(dedup, name->hash);
    struct entry *entry = NULL;
    size_t place = 0;

    if (dedup->index[slot] != 0) { /* one that has grown old */
        entry_forget(dedup, &dedup->ring[slot_place(dedup, dedup->index[slot])]);
    }
    entry = &dedup->ring[dedup->next];
    if (entry->state != ENTRY_EMPTY && dedup->ring_size < dedup->max &&
        !entry_is_old(entry, now_ms)) {
        dedup_grow(dedup);
        entry = &dedup->ring[dedup->next];
    }
    if (entry->state != ENTRY_EMPTY) {
        entry_forget(dedup, entry);
    }
    place = dedup->next;
    entry->home = name->hash[0];
    entry->bits = (uint32_t)(name->hash[1] >> 32);
    entry->begun = (uint32_t)(now_ms / 1000) & AGE_MASK;
    entry->state = ENTRY_PENDING;
    dedup->index[index_slot(dedup, name->hash)] = slot_value(dedup, name->hash, place);
    dedup->next = (dedup->next + 1) % dedup->ring_size;
    dedup->count++;
    return (struct dedup_place){ .at = (uint32_t)place, .name = *name };
}

/* Growth moves entries, and newer ones may have taken a place: then the index is asked. */
void dedup_end(struct dedup *dedup, const struct dedup_place *place, bool stored)
{
    const uint64_t *hash = place->name.hash;
    struct entry *entry = &dedup->ring[place->at];

    if (entry->state != ENTRY_PENDING || !entry_has(entry, hash)) {
        size_t slot = index_slot(dedup, hash);
        if (dedup->index[slot] == 0) {
            return; /* gave way to newer ones meanwhile */
        }
        entry = &dedup->ring[slot_place(dedup, dedup->index[slot])];
    }
    if (stored) {
        entry->state = ENTRY_STORED;
    } else {
        entry_forget(dedup, entry);
    }
}

void dedup_turn(struct dedup *dedup)
{
    dedup_rebuild(dedup, dedup->ring_size, true);
}

size_t dedup_count(const struct dedup *dedup)
{
    return dedup->count;
}

size_t dedup_max(const struct dedup *dedup)
{
    return dedup->max;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Cheap questions first: what verifies signatures comes last. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/key_slots.h"
#include "common/limits.h"
#include "common/mem.h"
#include "server/domain/keys.h"
#include "server/domain/keys_private.h"
#include "server/domain/slots.h"

static void refuse(struct keys_judged *judged, enum keys_result result, const struct slot *slot)
{
    judged->outcome.result = result;
    judged->outcome.slot = slot;
}

static void refuse_key(struct keys_judged *judged, const struct keys_pile *pile, size_t index,
                       enum slot_fault fault)
{
    refuse(judged, KEYS_INVALID, pile->slot);
    judged->outcome.fault = fault;
    judged->outcome.detail = slots_fault_text(fault);
    judged->outcome.index = index;
}

/* A key's id, and where the key stands among those of its pile. */
struct place {
    struct bytes id;
    size_t index;
};

static int compare_ids(const void *a, const void *b)
{
    const struct bytes *left = &((const struct place *)a)->id;
    const struct bytes *right = &((const struct place *)b)->id;
    size_t size = left->size < right->size ? left->size : right->size;
    int order = size == 0 ? 0 : memcmp(left->at, right->at, size);

    return order != 0 || left->size == right->size ? order : (left->size < right->size ? -1 : 1);
}

/* The index of a key whose id another one of the pile has, or its count. */
static size_t find_duplicate(const struct keys_judged *judged, const struct keys_pile *pile)
{
    const struct slot_object *objects = judged->parcel->objects + pile->first;
    struct place *places = mem_zeroed(pile->count, sizeof *places);
    size_t found = pile->count;

    for (size_t i = 0; i < pile->count; i++) {
        places[i] = (struct place){ .id = objects[i].id, .index = i };
    }
    qsort(places, pile->count, sizeof *places, compare_ids);
    for (size_t i = 1; i < pile->count && found == pile->count; i++) {
        size_t left = places[i - 1].index;
        size_t right = places[i].index;

        if (bytes_equal(places[i - 1].id, places[i].id)) {
            found = left > right ? left : right;
        }
    }
    free(places);
    return found;
}

static bool judge_form(struct keys_judged *judged, const struct keys_pile *pile)
{
    size_t duplicate = 0;

    if (pile->count > slots_call_max(pile->slot)) {
        refuse_key(judged, pile, slots_call_max(pile->slot), SLOT_TOO_MANY);
        return false;
    }
    duplicate = find_duplicate(judged, pile);
    if (duplicate < pile->count) {
        refuse_key(judged, pile, duplicate, SLOT_DUPLICATE_ID);
        return false;
    }
    return true;
}

static const struct keys_held *find_held(const struct keys_judged *judged, const struct slot *slot,
                                         struct bytes id)
{
    for (size_t i = 0; i < judged->held_count; i++) {
        const struct keys_held *held = &judged->held[i];

        if (held->slot == slot && !held->stale && bytes_equal(held->id, id)) {
            return held;
        }
    }
    return NULL;
}

/* Note which keys are there already, and collect those under whose id another one is. */
static void note_held(struct keys_judged *judged, const struct keys_pile *pile)
{
    judged->conflict_count = 0;
    for (size_t i = pile->first; i < pile->first + pile->count && !pile->whole; i++) {
        const struct slot_object *object = &judged->parcel->objects[i];
        const struct keys_held *held = find_held(judged, pile->slot, object->id);

        if (held != NULL && memcmp(held->hash, judged->hashes[i], sizeof held->hash) == 0) {
            judged->is_there[i] = true;
        } else if (held != NULL) {
            judged->conflicts[judged->conflict_count] = object->id;
            judged->conflict_count++;
        }
    }
}

static bool judge_conflicts(struct keys_judged *judged, const struct keys_pile *pile)
{
    if (judged->conflict_count > 0) {
        refuse(judged, KEYS_CONFLICT, pile->slot);
        judged->outcome.ids = judged->conflicts;
        judged->outcome.id_count = judged->conflict_count;
    }
    return judged->conflict_count == 0;
}

/* Check a key; at most one of its pile is a last resort. */
static bool judge_key(struct keys_judged *judged, const struct keys_pile *pile, size_t index)
{
    size_t at = pile->first + index;
    enum slot_fault fault = slots_check(pile->slot, &judged->parcel->objects[at], &judged->identity,
                                        judged->now_s, &judged->facts[at]);

    if (fault == SLOT_FINE && judged->facts[at].use == KEY_SLOTS_LAST) {
        judged->last_count++;
        fault = judged->last_count > 1 ? SLOT_TOO_MANY : SLOT_FINE;
    }
    if (fault != SLOT_FINE) {
        refuse_key(judged, pile, index, fault);
    }
    if (fault == SLOT_KEYPACKAGE_INVALID) {
        judged->outcome.detail = judged->facts[at].detail;
    }
    return fault == SLOT_FINE;
}

/* Check keys of a pile that are not there yet, *left of them at most; counts them off. */
static bool judge_keys(struct keys_judged *judged, const struct keys_pile *pile, size_t *left)
{
    for (; judged->key_at<pile->count && * left> 0; judged->key_at++) {
        if (judged->is_there[pile->first + judged->key_at]) {
            continue;
        }
        *left -= 1;
        if (!judge_key(judged, pile, judged->key_at)) {
            return false;
        }
    }
    return true;
}

static bool judge_room(struct keys_judged *judged, const struct keys_pile *pile)
{
    int64_t held = 0;
    int64_t added = 0;

    for (size_t i = 0; i < judged->held_count && !pile->whole; i++) {
        held += judged->held[i].slot == pile->slot && judged->held[i].use == KEY_SLOTS_SINGLE &&
                !judged->held[i].stale;
    }
    for (size_t i = pile->first; i < pile->first + pile->count; i++) {
        added += judged->facts[i].use == KEY_SLOTS_SINGLE && !judged->is_there[i];
    }
    if (added > 0 && held + added > LIMIT_KEYS_STORED) {
        refuse(judged, KEYS_FULL, pile->slot);
        judged->outcome.held = held;
        return false;
    }
    return true;
}

static void hash_keys(struct keys_judged *judged, const struct keys_pile *pile)
{
    for (size_t i = pile->first; i < pile->first + pile->count; i++) {
        crypto_sha256(&judged->parcel->objects[i].key, 1, judged->hashes[i]);
    }
}

void keys_judge_begin(struct keys_judged *judged)
{
    const struct keys_parcel *parcel = judged->parcel;

    judged->pile_at = 0;
    judged->key_at = 0;
    judged->facts = mem_zeroed(parcel->object_count, sizeof *judged->facts);
    judged->hashes = mem_zeroed(parcel->object_count, sizeof *judged->hashes);
    judged->is_there = mem_zeroed(parcel->object_count, sizeof *judged->is_there);
}

static bool begin_pile(struct keys_judged *judged, const struct keys_pile *pile)
{
    judged->last_count = 0;
    if (!judge_form(judged, pile)) {
        return false;
    }
    hash_keys(judged, pile);
    note_held(judged, pile);
    return true;
}

/* Go on with a pile until it ends or *left is used up.  False when something was refused. */
static bool judge_pile(struct keys_judged *judged, const struct keys_pile *pile, size_t *left)
{
    if ((judged->key_at == 0 && !begin_pile(judged, pile)) || !judge_keys(judged, pile, left)) {
        return false;
    }
    if (judged->key_at < pile->count) {
        return true;
    }
    judged->pile_at++;
    judged->key_at = 0;
    return judge_conflicts(judged, pile) && judge_room(judged, pile);
}

bool keys_judge_some(struct keys_judged *judged)
{
    const struct keys_parcel *parcel = judged->parcel;
    size_t left = KEYS_JUDGED_AT_ONCE;

    while (judged->pile_at < parcel->pile_count && left > 0) {
        if (!judge_pile(judged, &parcel->piles[judged->pile_at], &left)) {
            return true;
        }
    }
    return judged->pile_at == parcel->pile_count;
}

void keys_judged_clear(struct keys_judged *judged)
{
    buf_clear(&judged->ids);
    free(judged->held);
    free(judged->facts);
    free(judged->hashes);
    free(judged->is_there);
    judged->held = NULL;
    judged->facts = NULL;
    judged->hashes = NULL;
    judged->is_there = NULL;
    judged->held_count = 0;
}

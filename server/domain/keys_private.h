/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A parcel on its way into the store, or out of it:
 *
 *   READ (owner, manifest, what is held) -> JUDGE -> answer (invalid, conflict, full, replayed)
 *                                                 -> PAUSE (others have a turn) -> JUDGE
 *                                                 -> WRITE -> done
 *                                                          -> READ (refused, a few times at most)
 *
 * The write expects that the owner used no command since the read, and that the
 * head is the one whose identity keys judged; claims may take keys meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/domain/keys.h"
#include "server/domain/keys_sql.h"

enum {
    KEYS_JUDGED_AT_ONCE = 16 /* 6 ms of KeyPackages, the slowest keys to verify */
};

/* What is held, with its own copies. */
struct keys_held {
    const struct slot *slot; /* NULL: of a slot that was switched off */
    struct bytes id;         /* into keys_judged.ids */
    uint8_t hash[CRYPTO_SHA256_BYTES];
    enum key_slots_use use;
    bool stale;
};

/* What judging looks at and finds; it touches nothing else, so any thread may do it. */
struct keys_judged {
    struct keys_parcel *parcel;
    int64_t now_s;
    struct slot_identity identity; /* into identity_raw */
    uint8_t identity_raw[2 * LIMIT_PRIVATE_KEY_BYTES];
    size_t pile_at, key_at; /* where it goes on, */
    size_t last_count;      /* and last resorts in that pile so far */
    struct buf ids;
    size_t held_count;
    struct keys_held *held;
    struct slot_facts *facts;                    /* of each object */
    uint8_t (*hashes)[CRYPTO_SHA256_BYTES];      /* of each object's key */
    bool *is_there;                              /* of each object: nothing to do */
    struct bytes conflicts[LIMIT_KEYS_PER_CALL]; /* ids under which other keys stand */
    size_t conflict_count;
    struct keys_outcome outcome;
};

/* Begin to judge the parcel. */
void keys_judge_begin(struct keys_judged *judged);

/*
 * Verify the next KEYS_JUDGED_AT_ONCE keys at most.  True when all is judged: outcome is
 * KEYS_DONE, KEYS_INVALID, KEYS_CONFLICT or KEYS_FULL.
 */
bool keys_judge_some(struct keys_judged *judged);

void keys_judged_clear(struct keys_judged *judged);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which envelopes were sent lately: a bounded memory of (mailbox, id, body) for
 * ten minutes, so that a repeat is recognised, also after its ack.  A name is
 * pending from the moment its write is under way until it is known to be
 * durable.  About 32 MiB for a million names.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ids.h"

struct dedup;

enum dedup_answer {
    DEDUP_NEW = 0, /* not seen in the last ten minutes */
    DEDUP_PENDING, /* the same envelope is being written now */
    DEDUP_STORED   /* it was stored: this is a repeat */
};

/* An envelope's name, hashed once: (mailbox, id, keyed fingerprint of the body). */
struct dedup_name {
    uint64_t hash[2];
};

/* Where a pending name stands, for dedup_end. */
struct dedup_place {
    uint32_t at;
    struct dedup_name name;
};

/* Remember at most max names.  key is the SipHash key of the fingerprints. */
struct dedup *dedup_create(const uint8_t key[16], size_t max);
void dedup_destroy(struct dedup *dedup);

/* Make the name of an envelope. */
struct dedup_name dedup_name_of(const struct dedup *dedup, int64_t mailbox,
                                const struct envelope_id *id, uint64_t tag);

/* Ask for a name as of now_ms. */
enum dedup_answer dedup_ask(const struct dedup *dedup, const struct dedup_name *name,
                            int64_t now_ms);

/* Remember a name that dedup_ask found new; the oldest makes room. */
struct dedup_place dedup_begin(struct dedup *dedup, const struct dedup_name *name, int64_t now_ms);

/* End a pending name: it is stored, or it is forgotten. */
void dedup_end(struct dedup *dedup, const struct dedup_place *place, bool stored);

/*
 * Turn the order round in which names make room, after they were begun newest
 * first.  None is pending.
 */
void dedup_turn(struct dedup *dedup);

/* Number of names held, and held at most. */
size_t dedup_count(const struct dedup *dedup);
size_t dedup_max(const struct dedup *dedup);

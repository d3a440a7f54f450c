/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of public keys, as their owner sees it: put, remove, look.  What
 * others take is in keys_claim.h.
 *
 * A pool is what a device has in one slot.  Keys for single use are handed out
 * oldest first, each once; beside them stands a last resort, which is handed out
 * when they are used up; a static slot has one key for everybody.
 *
 * Each key remembers the relay's generation.  When an older database was put
 * back, nobody knows which keys were handed out meanwhile: those for single use
 * are stale then, stay unused, and go when their owner uploads again.  A key that
 * was handed out, or may have been, stays known by its hash for
 * LIMIT_SPENT_KEYS_DAYS: uploaded once more it is taken, and not kept.
 * Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/key_slots.h"
#include "common/limits.h"
#include "server/domain/commands.h"
#include "server/domain/domain.h"
#include "server/domain/slots.h"

struct manifest_device;
struct store_batch;

struct keys_pool {
    char name[KEY_SLOTS_NAME_BYTES + 1];
    int64_t generation; /* rises with each replacement, and when an older database was put back */
    int64_t count; /* keys that can be handed out, a last resort of the same slot not counted */
    int64_t stale; /* keys that cannot, because an older database was put back */
    bool has_last_resort;  /* here, or in the slot that stands in */
    int64_t uses;          /* of the last resort that stands in this very slot, */
    int64_t first_use_day; /* and since when; 0: not yet */
    bool rotate;           /* its static key or last resort should be replaced */
};

struct keys_stock {
    bool has_registration;
    uint32_t registration_id;
    size_t count;
    struct keys_pool pools[SLOTS_MAX]; /* ascending by name; none of a slot that is switched off */
};

/* What an owner brings: create, fill, and give it to keys_put, or to keys_remove. */
struct keys_pile {
    const struct slot *slot;
    bool whole;          /* put: instead of what is there.  remove: all that is there */
    size_t first, count; /* its keys, in keys_parcel.objects */
};

struct keys_parcel {
    struct buf bytes; /* what the views of objects point into */
    bool has_registration;
    uint32_t registration_id;
    size_t pile_count;
    struct keys_pile piles[SLOTS_MAX];
    size_t object_count;
    struct slot_object *objects;
};

/* room: keys that it is to hold at most.  destroy takes NULL. */
struct keys_parcel *keys_parcel_create(size_t room);
void keys_parcel_destroy(struct keys_parcel *parcel);

/* Who does it, by which command. */
struct keys_owner {
    struct account_id account_id;
    uint32_t device_id;
    struct command_guard guard;
};

enum keys_result {
    KEYS_DONE = 0,
    KEYS_INVALID,      /* the key at (slot, index) has a fault */
    KEYS_CONFLICT,     /* other keys stand under the named ids of the slot */
    KEYS_FULL,         /* the slot would hold more than LIMIT_KEYS_STORED */
    KEYS_REPLAYED,     /* the command's seq is not above last_seq */
    KEYS_GONE,         /* the device is no more */
    KEYS_UNAVAILABLE,  /* the store did not do it, or cannot say */
    KEYS_STORAGE_FULL, /* the disk is full */
};

struct keys_outcome {
    enum keys_result result;
    const struct slot *slot; /* INVALID, CONFLICT, FULL */
    enum slot_fault fault;   /* INVALID */
    size_t index;            /* INVALID: of the key among the slot's keys */
    const char *detail;      /* INVALID: a sentence on the fault; static */
    const struct bytes *ids; /* CONFLICT; borrowed until return */
    size_t id_count;
    int64_t held; /* FULL: keys that are there already */
    int64_t last_seq;
    const struct keys_stock *stock; /* DONE; borrowed until return */
};

typedef void keys_done_fn(void *arg, const struct keys_outcome *outcome);
/*
 * Put the parcel (stolen) into the owner's slots, all of it or nothing.  Same id
 * and same bytes: nothing to do.  A static key or a last resort takes the place of
 * the one before.  done is called later, exactly once.
 */
void keys_put(struct domain *domain, const struct keys_owner *owner, struct keys_parcel **parcel,
              int64_t now_ms, keys_done_fn *done, void *arg);

/* Remove what the parcel (stolen) names by id, or whole pools.  What is not there is removed. */
void keys_remove(struct domain *domain, const struct keys_owner *owner, struct keys_parcel **parcel,
                 int64_t now_ms, keys_done_fn *done, void *arg);

/* stock is borrowed until return; NULL when the store could not say. */
typedef void keys_stock_fn(void *arg, const struct keys_stock *stock);

/* Count what the device behind mailbox has; done is called later, exactly once. */
void keys_count(struct domain *domain, int64_t mailbox, int64_t now_ms, keys_stock_fn *done,
                void *arg);

/*
 * Hear the digest of all keys of a device that could be handed out (none of a slot
 * that is switched off):
 * SHA-256("sealpost/keys-check/1\0" || for each slot with keys, ascending by name:
 * u8 len || name || u32 n || n x (u16 len || id || SHA-256(key))), ids ascending.
 * NULL when the store could not say.
 */
typedef void keys_digest_fn(void *arg, const uint8_t digest[CRYPTO_SHA256_BYTES]);
void keys_digest(struct domain *domain, int64_t mailbox, int64_t now_ms, keys_digest_fn *done,
                 void *arg);

/* Append: where a device's next manifest entry has another identity key, keys of the old one go,
 * for whoever claimed them would refuse them. */
void keys_follow_identity(const struct domain *domain, struct store_batch *batch, int64_t mailbox,
                          const struct manifest_device *before,
                          const struct manifest_device *after);

/* Delete up to DOMAIN_PURGE_ROWS keys that are over since LIMIT_KEYS_OVER_S, and tell owners who
 * have few left by it; or hashes of keys that are long spent. */
void keys_purge_expired(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);
void keys_purge_spent(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);

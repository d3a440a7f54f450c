/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device remembers of the keys that it put into the relay's directory: the
 * secrets of those that it made, and of each by what the relay can be asked for it.
 * A key is written down before it is uploaded and stays, for whoever took it writes
 * days later; of each slot the newest are kept.  One file, prekeys.json, in the
 * device's folder (see folder.h), written by whoever has the lock prekeys.lock:
 *
 *   {"device_pub": "...", "registration_id": 4711, "next_id": 102, "slots": {
 *     "signal.signed-ec":       [{"id": 1, "key": "BQ...", "secret": "..."}],
 *     "signal.one-time-ec":     [...],    a key is base64url of 33 bytes, 0x05 first
 *     "signal.one-time-kyber":  [{"id": 1, "hash": "...", "pending": true}],
 *     "signal.last-kyber":      [...]}}   hash is SHA-256 of the key, made elsewhere
 *
 * Pending are those of an upload that had no answer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"

enum prekey_slot {
    PREKEY_SIGNED_EC = 0,
    PREKEY_ONE_TIME_EC,
    PREKEY_ONE_TIME_KYBER,
    PREKEY_LAST_KYBER,
    PREKEY_SLOTS, /* how many there are */
};

enum {
    PREKEY_EC_BYTES = 33,          /* 0x05 and an X25519 key */
    PREKEY_KYBER_BYTES = 1569,     /* 0x08 and a Kyber1024 key */
    PREKEYS_KEPT = 1024,           /* of a slot; the relay holds 256 at most */
    PREKEYS_ID_MAX = 0xFFFFFF,     /* Signal's ids have 24 bits */
    PREKEYS_REGISTRATIONS = 16380, /* Signal's registration ids are 1 to this */
};

struct prekey {
    uint32_t id;
    bool is_pending;
    bool is_noted; /* by prekeys_note; not kept in the file */
    uint8_t hash[CRYPTO_SHA256_BYTES];
    uint8_t key[PREKEY_EC_BYTES];      /* of slots whose keys are made here */
    uint8_t secret[CRYPTO_SEED_BYTES]; /* the same */
};

/* Those of one slot, in the order in which they were uploaded. */
struct prekey_pool {
    struct prekey *at;
    size_t count;
    size_t room;
};

struct prekeys {
    struct device_pub device; /* whose keys they are */
    uint32_t registration_id;
    uint32_t next_id; /* of keys that are made here */
    struct prekey_pool pools[PREKEY_SLOTS];
};

/* Begin with no keys and a registration id of chance. */
void prekeys_init(struct prekeys *prekeys, const struct device_pub *device);
void prekeys_copy(const struct prekeys *prekeys, struct prekeys *out);

/* Wipe and free. */
void prekeys_clear(struct prekeys *prekeys);

/*
 * Read the file in folder, or begin where there is none; false, with the reason said, when it is
 * damaged or another device's.
 */
bool prekeys_load(struct prekeys *prekeys, const char *folder, const struct device_pub *device);

/* Write it, whole and durably; false with the reason said. */
bool prekeys_save(const struct prekeys *prekeys, const char *folder);

/* Name of a slot, as in server/api/openapi.yaml.  Static. */
const char *prekeys_slot_name(enum prekey_slot slot);

/* Say whether keys of slot are made here, and have secrets. */
bool prekeys_slot_is_made(enum prekey_slot slot);

/* Make count keys for a slot whose keys are made here.  They are pending. */
void prekeys_make(struct prekeys *prekeys, enum prekey_slot slot, size_t count);

/*
 * Note a key that was made elsewhere, as pending unless it is known.  False when another
 * key has its id in that slot; moved: a known one is the newest from now on.
 */
bool prekeys_note(struct prekeys *prekeys, enum prekey_slot slot, uint32_t id, struct bytes key,
                  bool moved);

/* How many of slot are pending: they are the last of their pool, unless they were known. */
size_t prekeys_pending(const struct prekeys *prekeys, enum prekey_slot slot);

/*
 * The relay took the upload: what was made here and what was noted since the load is not pending any
 * more; replaced: nothing of their slots is.  The oldest beyond PREKEYS_KEPT are forgotten.
 */
void prekeys_settle(struct prekeys *prekeys, bool replaced);

/*
 * The digest of POST /v1/keys/check for a relay that holds so many keys of each slot.  It hands
 * out the oldest first, so these are the newest; of those pending only with_pending.
 */
void prekeys_digest(const struct prekeys *prekeys, const size_t held[PREKEY_SLOTS],
                    bool with_pending, uint8_t out[CRYPTO_SHA256_BYTES]);

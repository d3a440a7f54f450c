/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys as tests upload and claim them: ada has two devices, bob one, none
 * with identity keys.  A key is 33 bytes, 0x05 and its id again and again, in the
 * slots signal.one-time-ec, x.test, x.note (static) or x.spare (last resort).  A
 * step runs the loop until its answer is there, unless it says "start".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/crypto.h"
#include "server/domain/keys.h"
#include "server/domain/keys_claim.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/people.h"

#define KEY_SCENES_EC "signal.one-time-ec"

struct key_scenes {
    struct temp_domain temp;
    struct person ada, bob;
    int64_t command_seq; /* of the next command */
};

/* For cmocka: *state is a struct key_scenes. */
int key_scenes_set_up(void **state);
int key_scenes_tear_down(void **state);

/* Some keys with rising ids. */
struct key_batch {
    const char *slot;
    uint32_t first;
    size_t count;
    bool whole;               /* instead of what is there */
    bool last_resort;         /* says that it is one */
    uint8_t other;            /* makes other bytes under the same ids */
    const struct slot *judge; /* in place of the domain's slot; NULL: none */
};

struct heard_keys {
    bool done;
    enum keys_result result;
    enum slot_fault fault;
    size_t index, id_count;
    int64_t held, last_seq;
    struct keys_stock stock; /* KEYS_DONE */
};

/* Begin to put keys as a device of ada's. */
void key_scenes_put_start(struct key_scenes *scenes, uint32_t device_id,
                          const struct key_batch *batch, struct heard_keys *heard);

/* Put keys as a device of ada's, or remove them by id; or all of the slot, where whole is set. */
struct heard_keys key_scenes_put(struct key_scenes *scenes, uint32_t device_id,
                                 const struct key_batch *batch);
struct heard_keys key_scenes_remove(struct key_scenes *scenes, uint32_t device_id,
                                    const struct key_batch *batch);

/* Put count keys from the id first on, and expect that it is done. */
void key_scenes_fill(struct key_scenes *scenes, const char *slot, uint32_t first, size_t count);

/* The pool of a slot as a count of ada's device 1 says; all 0 where there is none. */
struct keys_pool key_scenes_pool(struct key_scenes *scenes, const char *slot, int64_t now_ms);

/* Append the bytes of the key of that id. */
void key_scenes_append_key(struct buf *out, uint32_t id, uint8_t other);

/* The digest of the keys of ada's device 1. */
void key_scenes_digest(struct key_scenes *scenes, int64_t now_ms, uint8_t out[CRYPTO_SHA256_BYTES]);

/* A claim by bob on one slot of ada's first device; id is 0 when no key was there. */
struct heard_claim {
    bool done;
    enum keys_claim_result result;
    size_t device_count, key_count;
    uint32_t id;
    bool is_last_resort;
};
void key_scenes_claim_start(struct key_scenes *scenes, struct temp_domain *by, const char *slot,
                            struct heard_claim *heard);
struct heard_claim key_scenes_claim(struct key_scenes *scenes, const char *slot);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of links and recoveries, to a relay with the people of a model (factor_world.h).  Each
 * runs the loop until its answer is there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/recovery_share.h"
#include "server/domain/links.h"
#include "server/domain/recoveries.h"
#include "tests/domain/support/factor_world.h"
#include "tests/domain/support/ways_rules.h"

struct heard_way {
    bool done;
    enum links_result result;
    enum link_state state;
    int64_t version;
    int64_t retry_s;
    int64_t expires_at; /* begin, and the next three */
    struct link_id link_id;
    struct link_token_hash token_hash;
    uint8_t seed[CRYPTO_SEED_BYTES]; /* that the new device was made of */
};
struct heard_way ways_world_begin_link(struct factor_world *world, uint32_t choice,
                                       const struct ways_order *order);

enum ways_link_act {
    WAYS_LINK_READ = 0,
    WAYS_LINK_CLAIM,
    WAYS_LINK_CANDIDATE, /* the head, with the new device in it */
    WAYS_LINK_SIGN,
    WAYS_LINK_DENY
};
struct heard_way ways_world_link(struct factor_world *world, uint32_t choice,
                                 enum ways_link_act act, const struct ways_link_step *step);

/* A link is done: its person goes on from the list that it put. */
void ways_world_linked(struct factor_world *world, size_t link);

struct heard_recovered {
    bool done;
    bool has_share;
    enum recoveries_result result;
    enum recoveries_state state;
    struct recovery_id id; /* begin, and the next three */
    struct recovery_token token;
    int64_t wait_until;
    int64_t expires_at;
    int64_t until;
    int64_t slot;
    int64_t last_seq;
    uint8_t share[RECOVERY_A_BYTES];
};
struct heard_recovered ways_world_begin_recovery(struct factor_world *world, uint32_t choice,
                                                 const struct ways_order *order);
struct heard_recovered ways_world_recovery(struct factor_world *world, uint32_t choice,
                                           const struct ways_recovery_step *step);

/* A list that the recovery key alone signs. */
void ways_world_recovery_key(struct factor_world *world, uint32_t choice, size_t person);

/* Give the relay the share of a person, by a command; write what it is. */
void ways_world_share(struct factor_world *world, size_t person, int64_t seq);
void ways_share_of(size_t person, uint8_t out[RECOVERY_A_BYTES]);

/* End and forget what is over. */
void ways_world_purge(struct factor_world *world, uint32_t choice);

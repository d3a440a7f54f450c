/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model of the ways into an account, links and recoveries, beside that of second factors
 * (factor_model.h).  What may happen to it: ways_rules.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/crypto.h"
#include "common/ids.h"
#include "server/domain/links.h"
#include "server/domain/recoveries.h"

enum {
    WAYS_ROOM = 320, /* of links, prompts and recoveries, each */
    WAYS_NOBODY = -1
};

/* A link; what the new device signs with is the walk's. */
struct model_link {
    struct link_id id;
    struct link_token_hash token_hash;
    uint8_t seed[CRYPTO_SEED_BYTES];
    int subject;           /* that was asked; or nobody was */
    int person;            /* whose it is */
    int claimer;           /* which device of that person */
    enum link_state state; /* as it was left: time may have ended it since */
    int64_t version;
    uint64_t epoch; /* of the candidate */
    int64_t expires_at;
    bool is_forgotten;
};

struct model_prompt {
    int subject;
    int64_t at;
    bool is_forgotten;
};

struct model_recovery {
    struct recovery_id id;
    struct recovery_token token;
    int subject;
    int person; /* whose account it opens */
    enum recoveries_state state;
    int64_t created_at;
    int64_t wait_until;
    int64_t expires_at;
    int64_t exchange;
    uint8_t commit; /* what stands in each byte of it; 0: it is not there, as the next two */
    uint8_t contact_random;
    uint8_t random;
    int64_t contact; /* the mailbox of the device that answered */
    int64_t slot;    /* of the packet; 0: there is none */
    bool is_forgotten;
};

struct model_ways {
    struct model_link links[WAYS_ROOM];
    size_t link_count;
    struct model_prompt prompts[WAYS_ROOM];
    size_t prompt_count;
    struct model_recovery recoveries[WAYS_ROOM];
    size_t recovery_count;
    int64_t awake_ms; /* the relay has been awake since then */
};

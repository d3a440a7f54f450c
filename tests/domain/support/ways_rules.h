/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of links and recoveries: each function says what an operation must come to at
 * model->now_ms, and does it to the model.
 *
 *   a link      ends ten minutes after it began; each step is one of its side, once
 *   a prompt    three an hour, and by a grant of purpose link where a factor is enrolled
 *   a recovery  one at a time, three a day, by a grant of purpose recover; its share goes out once,
 *               when the wait is over, and not after a veto, the recovery key, or a week
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/domain/support/factor_rules.h"

enum {
    WAYS_WAIT_S = 1800, /* of a recovery; longer than a relay that slept has to wait */
    WAYS_SLOT = 2       /* in which everybody has a share */
};

bool ways_have_room(const struct factor_model *model);

/* Whom a link or a recovery is begun for: asks is of links. */
struct ways_order {
    bool asks;
    struct model_who who;
    const struct grant *grant; /* NULL: none */
};

/* Say whether the model knows what an order comes to: it must have seen who is not there. */
bool ways_know(const struct factor_model *model, const struct ways_order *order);

struct ways_link_outcome {
    enum links_result result;
    enum link_state state;
    int64_t version;
    int64_t retry_s;
};

/* Begin; when it is done the caller writes ids and keys into the last link. */
struct ways_link_outcome ways_link_begin(struct factor_model *model,
                                         const struct ways_order *order);

/* Who takes a step of a link, at a version that was seen. */
struct ways_link_step {
    size_t link;
    int64_t version;
    bool is_new;
    size_t by;     /* of the new side: the link whose token it has */
    size_t person; /* of the other */
    size_t device;
};
struct ways_link_outcome ways_link_read(const struct factor_model *model,
                                        const struct ways_link_step *step);
struct ways_link_outcome ways_link_claim(struct factor_model *model,
                                         const struct ways_link_step *step);
struct ways_link_outcome ways_link_candidate(struct factor_model *model,
                                             const struct ways_link_step *step);
struct ways_link_outcome ways_link_sign(struct factor_model *model,
                                        const struct ways_link_step *step);
struct ways_link_outcome ways_link_deny(struct factor_model *model,
                                        const struct ways_link_step *step);

struct ways_recovery_outcome {
    enum recoveries_result result;
    enum recoveries_state state; /* ENDED, and READ */
    int64_t until;               /* OPEN, RATE_LIMITED, EARLY */
    bool is_share;               /* release: what goes out is the account's share */
};

/* Begin; when it is done the caller writes id and token into the last recovery. */
struct ways_recovery_outcome ways_recovery_begin(struct factor_model *model,
                                                 const struct ways_order *order);

/* Who takes a step of a recovery. */
struct ways_recovery_step {
    size_t recovery;
    enum recoveries_act act;
    bool by_token;
    size_t by;       /* the recovery whose token it is */
    size_t person;   /* of a device, and the next */
    size_t device;   /* that cancels, */
    int64_t seq;     /* by a command */
    int64_t mailbox; /* of a device that answers */
    int64_t exchange;
    uint8_t byte; /* of what is said: not 0 */
    int64_t slot;
};
struct ways_recovery_outcome ways_recovery_do(struct factor_model *model,
                                              const struct ways_recovery_step *step);

/* The recovery key signed a list; an account was erased; time ends and forgets. */
void ways_recovery_key(struct factor_model *model, size_t person);
void ways_erased(struct factor_model *model, size_t person);
void ways_expire(struct factor_model *model);
void ways_purge(struct factor_model *model);

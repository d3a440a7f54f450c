/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay, of two daemons where they can share a database, with the people of a model of
 * second factors, and the calls that a walk compares with it.  Where a call has a `choice`, it
 * says which daemon is asked.  Each runs the loop until its answer is there, unless it says
 * "start".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/domain/account_log.h"
#include "server/domain/accounts.h"
#include "server/domain/handles.h"
#include "tests/domain/support/factor_referee.h"
#include "tests/domain/support/factor_rules.h"
#include "tests/domain/support/factor_scenes.h"
#include "tests/domain/support/opaque_client.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/people.h"

struct factor_world {
    struct temp_domain daemons[2];
    size_t daemon_count;
    struct person people[MODEL_PEOPLE];
    int64_t accounts[MODEL_PEOPLE];
    int64_t mailboxes[MODEL_PEOPLE][MODEL_DEVICES];
    int64_t next_seq;
    struct factor_model model;
    struct referee referee;
};

/* Open a relay with nobody on it; close it. */
struct factor_world *factor_world_open(void);
void factor_world_close(struct factor_world *world);

/* The daemon that a choice means. */
struct domain *world_domain(struct factor_world *world, uint32_t choice);

/* End the daemon's life and begin another. */
void world_restart(struct factor_world *world, uint32_t choice);

/* Register a person, who claims the handle that world_handle names. */
void world_arrive(struct factor_world *world, size_t at);
struct handle world_handle(size_t person);

struct txns_outcome world_begin(struct factor_world *world, uint32_t choice,
                                const struct model_who *who, enum txn_purpose purpose);

/* A challenge: what of it is right is left in `made`, which becomes the model's. */
void world_challenge_start(struct factor_world *world, uint32_t choice, size_t txn,
                           enum factor_kind kind, struct heard_txn *heard);
void world_challenge_heard(struct factor_world *world, const struct heard_txn *heard,
                           struct model_challenge *made);
void world_answer_start(struct factor_world *world, uint32_t choice,
                        const struct model_guess *guess, struct heard_txn *heard);
void world_wait(struct factor_world *world, const bool *done);

/* What is enrolled, confirmed or removed by a command. */
void world_enrol_start(struct factor_world *world, uint32_t choice,
                       const struct model_command *command, enum factor_kind kind,
                       struct heard_factor *heard);
struct heard_factor world_enrol(struct factor_world *world, uint32_t choice,
                                const struct model_command *command, enum factor_kind kind);
struct heard_factor world_confirm(struct factor_world *world, uint32_t choice,
                                  const struct model_command *command,
                                  const struct model_factor *factor,
                                  const struct model_proof *proof);
struct heard_factor world_remove(struct factor_world *world, uint32_t choice,
                                 const struct model_command *command, const struct factor_id *id);
enum handles_result world_release(struct factor_world *world, uint32_t choice,
                                  const struct model_command *command);
struct accounts_outcome world_erase(struct factor_world *world, uint32_t choice,
                                    const struct model_command *command);

/* What the devices of a person are told when they ask. */
struct world_codes {
    bool done;
    size_t count;
    struct shown_code codes[LIMIT_CODES_HOUR];
};
struct world_log {
    bool done;
    size_t count;
    struct account_log_entry entries[ACCOUNT_LOG_PAGE];
};
struct world_factors {
    bool done;
    size_t count;
    struct factors_view views[FACTORS_LIST_MAX]; /* without labels */
};
struct world_codes world_codes(struct factor_world *world, uint32_t choice, size_t person);
struct world_log world_log(struct factor_world *world, uint32_t choice, size_t person);
struct world_factors world_factors(struct factor_world *world, uint32_t choice, size_t person);

/* The client of a person's password; false: there is none, and any other comes. */
bool world_client(const struct factor_world *world, size_t person, struct opaque_client *out);

/* Let the relay forget what is over; how many guesses are counted for a subject of a person's. */
void world_purge(struct factor_world *world, uint32_t choice);
int64_t world_guesses(struct factor_world *world, size_t person);

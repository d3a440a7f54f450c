/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a walk over second factors (walk.h): each does something to the world and to
 * its model and compares what came of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/domain/support/factor_world.h"
#include "tests/domain/support/walk.h"

/* For struct walk_plan: a world, in which two people are. */
void *factor_steps_begin(void);
void factor_steps_end(void *world);

typedef void factor_step_fn(struct walk *walk, void *world, const uint32_t choices[WALK_CHOICES]);

/* People come, and go. */
factor_step_fn step_arrive, step_erase, step_release;

/* A transaction, a challenge, an answer; and all three, for a grant. */
factor_step_fn step_begin, step_challenge, step_answer, step_whole;

/* The store fails under an answer. */
factor_step_fn step_fault;

/* What is enrolled. */
factor_step_fn step_enrol, step_confirm, step_remove;

/* A device looks: at codes, factors and the log. */
factor_step_fn step_look;

/* Time goes on, goes back, forgets; a daemon begins anew. */
factor_step_fn step_clock, step_back, step_purge, step_restart;

/* At once: all of a day's guesses, challenges, wrong answers, right ones, one step of an app twice, one grant thrice. */
factor_step_fn step_day, step_start_at_once, step_wrong_at_once, step_right_at_once,
    step_twice_at_once, step_grant_at_once;

/* What they have in common: whom, which and what a number chooses. */
enum {
    STEP_NONE = -1
};
size_t step_person(const struct factor_world *world, uint32_t choice);
size_t step_person_with(const struct factor_world *world, enum factor_kind kind, uint32_t choice);
int step_recent(size_t count, uint32_t choice);
int step_open_challenge(const struct factor_world *world, uint32_t choice);
int step_new_txn(struct walk *walk, struct factor_world *world, const struct model_who *who,
                 enum txn_purpose purpose, uint32_t choice);
int step_new_challenge(struct walk *walk, struct factor_world *world, size_t txn,
                       enum factor_kind kind, uint32_t choice);
int step_hear_challenge(struct walk *walk, struct factor_world *world, size_t txn,
                        enum factor_kind kind, const struct heard_txn *heard);

/* An answer; a guess by it lives as long. */
struct step_reply {
    bool is_signed;
    struct model_assertion assertion;
    char text[MODEL_TEXT_BYTES];
};
struct model_guess step_guess(size_t txn, size_t challenge, const struct step_reply *reply);
bool step_right_reply(const struct factor_world *world, size_t at, uint32_t choice,
                      struct step_reply *out);
void step_wrong_reply(const struct factor_world *world, size_t at, uint32_t choice,
                      struct step_reply *out);
void step_odd_reply(const struct factor_world *world, size_t at, uint32_t choice,
                    struct step_reply *out);
const char *step_text(const struct model_guess *guess);
enum txns_result step_take_answer(struct walk *walk, struct factor_world *world,
                                  const struct model_guess *guess, uint32_t choice);
void step_hear_answer(struct walk *walk, struct factor_world *world,
                      const struct model_guess *guess, const struct txns_outcome *got);
struct model_command step_command(struct factor_world *world, size_t person, uint32_t choice,
                                  struct grant *grant);
bool step_commander(const struct factor_world *world, uint32_t choice, size_t *out);
int step_last_grant(const struct factor_world *world, size_t person, uint32_t choice);
const struct model_grant *step_good_grant(const struct factor_world *world, size_t person);

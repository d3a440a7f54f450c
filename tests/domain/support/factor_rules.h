/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of second factors: each function says what an operation must come to at
 * model->now_ms, and does it to the model.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/domain/factors.h"
#include "server/domain/txns.h"
#include "tests/domain/support/factor_model.h"

int64_t model_now_s(const struct factor_model *model);
bool model_has_room(const struct factor_model *model);

/* Whom a transaction is begun for, and the kinds that are told then; false: they were never seen. */
struct model_who {
    size_t person;
    bool by_handle;
};
bool model_kinds(const struct factor_model *model, const struct model_who *who,
                 enum txn_purpose purpose, uint32_t *out);
void model_begin(struct factor_model *model, const struct model_who *who, enum txn_purpose purpose,
                 const struct txns_outcome *got);

struct model_outcome {
    enum txns_result result;
    int64_t attempts_left;
    int64_t retry_s;
};

/* Start a challenge; when it is done the caller writes the id of the last one. */
struct model_outcome model_challenge(struct factor_model *model, size_t txn, enum factor_kind kind);

/* The store may fail to count a guess, or to write what a right one gives. */
enum model_fault {
    MODEL_FINE = 0,
    MODEL_COUNTS_FAIL,
    MODEL_GRANTS_FAIL
};

/* Answer; when it is done the caller writes the last grant. */
struct model_guess {
    size_t txn; /* that it names, which may be another's */
    size_t challenge;
    const char *text;
    enum model_fault fault;
};
struct model_outcome model_answer(struct factor_model *model, const struct model_guess *guess);

/* Say whether a challenge may be guessed at, and how many guesses its subject has. */
bool model_is_open(const struct factor_model *model, size_t txn, size_t challenge);
int model_guesses_left(const struct factor_model *model, size_t subject);
void model_count_guess(struct factor_model *model, size_t subject);

/* What stands before each change: its seq, ADMIN, the step-up (grant may be NULL). */
struct model_command {
    size_t person;
    size_t device; /* 0: ADMIN */
    int64_t seq;
    const struct grant *grant;
};

/* Enrol; when it is done the caller writes what was made into the last factor. */
enum factors_result model_enrol(struct factor_model *model, const struct model_command *command,
                                enum factor_kind kind);
enum factors_result model_confirm(struct factor_model *model, const struct model_command *command,
                                  const struct factor_id *id, uint32_t code);
enum factors_result model_remove(struct factor_model *model, const struct model_command *command,
                                 const struct factor_id *id);

/* Give up the handle. */
enum factors_result model_release(struct factor_model *model, const struct model_command *command);

/* Erase the account, at once. */
enum factors_result model_erase(struct factor_model *model, const struct model_command *command);

/* What time forgets. */
void model_purge(struct factor_model *model);

/* Say whether the devices of its account are shown the code of a challenge. */
bool model_is_shown(const struct factor_model *model, size_t challenge);

/* The kinds that a person has enrolled; the recovery codes left in a set; a line of the log. */
uint32_t model_enrolled(const struct model_person *person);
size_t model_codes_left(const struct model_factor *set);
void model_note(struct factor_model *model, size_t person, const struct account_log_entry *entry);

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

/*
 * Whom a transaction is begun for: whether there is such an account, for which subject it counts, and
 * the kinds that are told then; false: they were never seen.
 */
struct model_who {
    size_t person;
    bool by_handle;
};
bool model_is_real(const struct factor_model *model, const struct model_who *who);
size_t model_subject_of(const struct factor_model *model, const struct model_who *who);
bool model_kinds(const struct factor_model *model, const struct model_who *who,
                 enum txn_purpose purpose, uint32_t *out);
void model_begin(struct factor_model *model, const struct model_who *who, enum txn_purpose purpose,
                 const struct txns_outcome *got);

struct model_outcome {
    enum txns_result result;
    int64_t attempts_left;
    int64_t retry_s;
};

/* How challenges of a kind are limited. */
struct model_kind {
    bool answer_is_guess;    /* an answer is counted */
    bool challenge_is_guess; /* the challenge itself is */
    int tries;
    int64_t life_s;
    int max; /* that are started in span_s */
    int64_t span_s;
};
const struct model_kind *model_kind_of(enum factor_kind kind);
int model_challenges_left(const struct factor_model *model, size_t subject, enum factor_kind kind);

/* Start a challenge; when it is done the caller writes the id of the last one, and what is right. */
struct model_outcome model_challenge(struct factor_model *model, size_t at, enum factor_kind kind);

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
    const char *text;                        /* or NULL: */
    const struct model_assertion *assertion; /* what is signed */
    enum model_fault fault;
};
struct model_outcome model_answer(struct factor_model *model, const struct model_guess *guess);

/* Say whether a challenge may be guessed at, and how many guesses its subject has. */
bool model_is_open(const struct factor_model *model, size_t txn, size_t challenge);
int model_guesses_left(const struct factor_model *model, size_t at);
int64_t model_wait_for_guess(const struct factor_model *model, size_t at);
void model_count_guess(struct factor_model *model, size_t at, int challenge);

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

/* Confirm; a code, or the number of an authenticator that signs what it was asked, or nothing. */
struct model_proof {
    enum factor_kind kind;
    uint32_t code;
    uint8_t number;
    bool is_other; /* for another challenge */
};
enum factors_result model_confirm(struct factor_model *model, const struct model_command *command,
                                  const struct factor_id *id, const struct model_proof *proof);
enum factors_result model_remove(struct factor_model *model, const struct model_command *command,
                                 const struct factor_id *id);

/* Give up the handle. */
enum factors_result model_release(struct factor_model *model, const struct model_command *command);

/* Erase the account, at once. */
enum factors_result model_erase(struct factor_model *model, const struct model_command *command);

/* A grant by its bytes; NULL: nobody gave it. */
struct model_grant *model_find_grant(struct factor_model *model, const struct grant *grant);

/* What time forgets. */
void model_purge(struct factor_model *model);

/* Say whether the devices of its account are shown the code of a challenge. */
bool model_is_shown(const struct factor_model *model, size_t at);

/* A person's confirmed authenticator of a number; NULL: none.  The kinds that a person has enrolled; the recovery codes left in a set; a line of the log. */
struct model_factor *model_authenticator(struct model_person *person, uint8_t number);
uint32_t model_enrolled(const struct model_person *person);
size_t model_codes_left(const struct model_factor *set);
void model_note(struct factor_model *model, size_t at, const struct account_log_entry *entry);

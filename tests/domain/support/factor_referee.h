/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must never happen to second factors, whatever a model says: it hears only what came
 * back, and says what is wrong.
 *
 *   a challenge  five guesses at most are judged, and one answer is right
 *   a subject    ten wrong guesses in a day, thirty in 30 days, three codes in an hour
 *   a subject    is asked for links three times in an hour
 *   a grant      has one effect, for its account and its purpose, before its end
 *   a recovery   gives its share once, and not after it was vetoed or the recovery key came
 *   what is good once, a step of an app or a recovery code, is taken once
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "server/domain/grants.h"
#include "tests/domain/support/factor_model.h"

struct referee_times {
    int64_t at[MODEL_ROOM];
    struct txn_challenge_id of[MODEL_ROOM];
    size_t count;
};

struct referee_challenge {
    struct txn_challenge_id id;
    int judged;
    int right;
};

struct referee_grant {
    struct grant grant;
    size_t person;
    enum txn_purpose purpose;
    int64_t expires_at;
    int effects;
};

struct referee {
    struct referee_times wrong[2 * MODEL_PEOPLE];
    struct referee_times codes[2 * MODEL_PEOPLE];
    struct referee_times prompts[2 * MODEL_PEOPLE];
    bool is_over[MODEL_ROOM]; /* a recovery */
    struct referee_challenge challenges[MODEL_ROOM];
    size_t challenge_count;
    struct referee_grant grants[MODEL_ROOM];
    size_t grant_count;
    uint8_t taken[MODEL_ROOM][CRYPTO_SHA256_BYTES];
    size_t taken_count;
    const char *fault; /* NULL: none; static */
};

/* A guess was judged now_s. */
void referee_judged(struct referee *referee, const struct txn_challenge_id *id, size_t subject,
                    bool is_right, int64_t now_s);

/* One try that is no guess; a challenge that was a guess was answered rightly. */
void referee_tried(struct referee *referee, const struct txn_challenge_id *id, bool is_right);
void referee_given_back(struct referee *referee, const struct txn_challenge_id *id, size_t subject);

/* A right answer gave a grant; what it was is good once: secret or account, and step or code. */
void referee_granted(struct referee *referee, const struct referee_grant *grant);
void referee_took(struct referee *referee, struct bytes whose, struct bytes what);

/* A grant had an effect, for somebody and of a purpose. */
void referee_effect(struct referee *referee, const struct grant *grant, size_t person,
                    enum txn_purpose purpose, int64_t now_s);

/* A subject was asked for a link; of a recovery, by its number, the share went out, or it ended. */
void referee_prompt(struct referee *referee, size_t subject, int64_t now_s);
void referee_released(struct referee *referee, size_t recovery);
void referee_ended(struct referee *referee, size_t recovery);

/* A code was shown. */
void referee_code(struct referee *referee, size_t subject, int64_t now_s);

/* The relay forgets what is old; what was counted for an account ends with it. */
void referee_purge(struct referee *referee, int64_t now_s);
void referee_erased(struct referee *referee, size_t person);

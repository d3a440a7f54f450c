/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: which are right, what they use up, and what they cost. */
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/limits.h"
#include "tests/domain/support/factor_rules.h"

enum {
    CODE_DIGITS = 6,
    KE3_CHARS = 86,
    DECIMAL = 10
};

static struct model_outcome plain(enum txns_result result)
{
    return (struct model_outcome){ .result = result };
}

/* A challenge that was a guess was answered rightly. */
static void give_back(struct model_subject *subject, int challenge)
{
    size_t kept = 0;

    for (size_t i = 0; i < subject->guess_count; i++) {
        if (subject->guessed_by[i] != challenge) {
            subject->guessed_by[kept] = subject->guessed_by[i];
            subject->guesses[kept++] = subject->guesses[i];
        }
    }
    subject->guess_count = kept;
}

/* A right answer, and what it uses up. */
struct found {
    struct model_factor *factor;
    int64_t step;
    size_t code;
    bool is_behind; /* the counter of an authenticator is */
};

static bool find_step(struct factor_model *model, struct model_person *person, uint32_t code,
                      struct found *out)
{
    int64_t now = model->now_ms / TOTP_STEP_MS;
    bool is_found = false;

    for (size_t i = 0; i < person->factor_count; i++) {
        struct model_factor *app = &person->factors[i];
        int64_t step = now + TOTP_STEPS_AROUND;

        if (app->kind != FACTOR_TOTP || !app->is_confirmed) {
            continue;
        }
        while (step >= now - TOTP_STEPS_AROUND && totp_code(app->secret, step) != code) {
            step--;
        }
        if (step >= now - TOTP_STEPS_AROUND && step > app->counter &&
            (!is_found || memcmp(app->id.raw, out->factor->id.raw, sizeof app->id.raw) > 0)) {
            *out = (struct found){ .factor = app, .step = step };
            is_found = true;
        }
    }
    return is_found;
}

static bool find_code(struct model_person *person, const struct recovery_code *code,
                      struct found *out)
{
    for (size_t i = 0; i < person->factor_count * RECOVERY_CODE_COUNT; i++) {
        struct model_factor *set = &person->factors[i / RECOVERY_CODE_COUNT];
        size_t at = i % RECOVERY_CODE_COUNT;

        if (set->kind == FACTOR_RECOVERY_CODE && !set->is_used[at] &&
            memcmp(&set->codes[at], code, sizeof *code) == 0) {
            *out = (struct found){ .factor = set, .code = at };
            return true;
        }
    }
    return false;
}

static bool is_six_digits(const char *text)
{
    return strlen(text) == CODE_DIGITS && strspn(text, "0123456789") == CODE_DIGITS;
}

struct model_factor *model_authenticator(struct model_person *person, uint8_t number)
{
    for (size_t i = 0; i < person->factor_count; i++) {
        struct model_factor *factor = &person->factors[i];

        if (factor->kind == FACTOR_WEBAUTHN && factor->is_confirmed && factor->number == number) {
            return factor;
        }
    }
    return NULL;
}

/* Whoever repeats a counter that was seen has a copy of the authenticator, and is told of. */
static enum txns_result judge_assertion(struct model_person *person,
                                        const struct model_assertion *assertion, struct found *out)
{
    struct model_factor *factor =
        assertion == NULL ? NULL : model_authenticator(person, assertion->number);

    if (assertion == NULL) {
        return TXNS_MALFORMED;
    }
    if (factor == NULL || assertion->is_other || assertion->is_spoilt) {
        return TXNS_WRONG;
    }
    *out = (struct found){ .factor = factor, .step = assertion->counter };
    out->is_behind = assertion->counter <= factor->counter;
    return out->is_behind ? TXNS_WRONG : TXNS_DONE;
}

/* A password that was changed since its challenge is wrong. */
static enum txns_result judge_ke3(const struct model_person *person,
                                  const struct model_challenge *challenge, const char *text)
{
    if (text == NULL || strlen(text) != KE3_CHARS) {
        return TXNS_MALFORMED;
    }
    for (size_t i = 0; strcmp(text, challenge->ke3) == 0 && i < person->factor_count; i++) {
        if (memcmp(&person->factors[i].id, &challenge->password, sizeof challenge->password) == 0) {
            return TXNS_DONE;
        }
    }
    return TXNS_WRONG;
}

static enum txns_result judge_digits(struct factor_model *model, struct model_person *person,
                                     const struct model_challenge *challenge, const char *text,
                                     struct found *out)
{
    bool is_right = false;

    if (text == NULL || !is_six_digits(text)) {
        return TXNS_MALFORMED;
    }
    is_right = challenge->kind == FACTOR_CODE
                   ? strcmp(text, challenge->code.digits) == 0
                   : find_step(model, person, (uint32_t)strtoul(text, NULL, DECIMAL), out);
    return is_right ? TXNS_DONE : TXNS_WRONG;
}

static enum txns_result judge_code(struct model_person *person, const char *text, struct found *out)
{
    struct recovery_code code;

    if (text == NULL || !recovery_code_read(bytes_text(text), &code)) {
        return TXNS_MALFORMED;
    }
    return find_code(person, &code, out) ? TXNS_DONE : TXNS_WRONG;
}

/* How an answer to a challenge is: TXNS_MALFORMED, TXNS_WRONG or TXNS_DONE. */
static enum txns_result judge(struct factor_model *model, const struct model_guess *guess,
                              struct found *out)
{
    const struct model_challenge *challenge = &model->challenges[guess->challenge];
    const struct model_txn *txn = &model->txns[challenge->txn];
    struct model_person *person = &model->people[txn->person];
    enum txns_result result = TXNS_MALFORMED;

    switch (challenge->kind) {
    case FACTOR_CODE:
    case FACTOR_TOTP:
        result = judge_digits(model, person, challenge, guess->text, out);
        break;
    case FACTOR_RECOVERY_CODE:
        result = judge_code(person, guess->text, out);
        break;
    case FACTOR_PASSWORD:
        result = judge_ke3(person, challenge, guess->text);
        break;
    case FACTOR_WEBAUTHN:
        result = judge_assertion(person, guess->assertion, out);
        break;
    case FACTOR_KINDS:
        break;
    }
    out->is_behind = out->is_behind && txn->is_real;
    return result == TXNS_DONE && !txn->is_real ? TXNS_WRONG : result;
}

static void use(struct factor_model *model, const struct model_guess *guess,
                const struct found *found)
{
    struct model_challenge *challenge = &model->challenges[guess->challenge];
    struct model_txn *txn = &model->txns[challenge->txn];

    challenge->is_used = true;
    txn->is_done = true;
    if (found->factor != NULL && challenge->kind == FACTOR_RECOVERY_CODE) {
        found->factor->is_used[found->code] = true;
    } else if (found->factor != NULL) {
        found->factor->counter = found->step;
    } else if (challenge->kind == FACTOR_PASSWORD) {
        give_back(&model->subjects[txn->subject], (int)guess->challenge);
    }
    CHECK(model->grant_count < MODEL_ROOM);
    model->grants[model->grant_count++] =
        (struct model_grant){ .person = txn->person,
                              .purpose = txn->purpose,
                              .kind = challenge->kind,
                              .at = found->step,
                              .expires_at = model_now_s(model) + LIMIT_GRANT_S };
    if (found->factor != NULL) {
        model->grants[model->grant_count - 1].by = found->factor->id;
    }
    model_note(model, txn->person,
               &(struct account_log_entry){
                   .event = ACCOUNT_LOG_USED, .kind = challenge->kind, .purpose = txn->purpose });
}

struct model_outcome model_answer(struct factor_model *model, const struct model_guess *guess)
{
    struct model_challenge *challenge = &model->challenges[guess->challenge];
    const struct model_txn *txn = &model->txns[challenge->txn];
    bool counts = model_kind_of(challenge->kind)->answer_is_guess;
    struct found found = { .factor = NULL };
    enum txns_result result = TXNS_DONE;

    if (!model_is_open(model, guess->txn, guess->challenge)) {
        return plain(TXNS_CHALLENGE_UNKNOWN);
    }
    result = judge(model, guess, &found);
    if (result == TXNS_MALFORMED) {
        return plain(TXNS_MALFORMED);
    }
    int64_t wait = counts ? model_wait_for_guess(model, txn->subject) : 0;
    if (wait > 0) {
        return (struct model_outcome){ .result = TXNS_RATE_LIMITED, .retry_s = wait };
    }
    if (counts && guess->fault == MODEL_COUNTS_FAIL) {
        return plain(TXNS_UNAVAILABLE);
    }
    challenge->tries_left--;
    if (result == TXNS_DONE && guess->fault != MODEL_GRANTS_FAIL) {
        use(model, guess, &found);
        return plain(TXNS_DONE);
    }
    if (counts) {
        model_count_guess(model, txn->subject, -1);
    }
    if (found.is_behind) {
        model_note(model, txn->person,
                   &(struct account_log_entry){ .event = ACCOUNT_LOG_CLONE_WARNING,
                                                .kind = FACTOR_WEBAUTHN,
                                                .purpose = txn->purpose });
    }
    return (struct model_outcome){ .result = result == TXNS_DONE ? TXNS_UNAVAILABLE : TXNS_WRONG,
                                   .attempts_left =
                                       result == TXNS_DONE ? 0 : challenge->tries_left };
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What commands change: factors, the account itself; and what time forgets. */
#include <string.h>

#include "common/check.h"
#include "common/limits.h"
#include "tests/domain/support/factor_rules.h"
#include "tests/domain/support/ways_rules.h"

enum {
    HOUR_S = 3600,
    DAY_S = 86400
};

struct model_grant *model_find_grant(struct factor_model *model, const struct grant *grant)
{
    for (size_t i = 0; i < model->grant_count; i++) {
        if (memcmp(&model->grants[i].grant, grant, sizeof *grant) == 0) {
            return &model->grants[i];
        }
    }
    return NULL;
}

static bool is_stepped_up(struct factor_model *model, const struct model_command *command)
{
    bool needs = model_enrolled(&model->people[command->person]) != 0;

    if (command->grant == NULL) {
        return !needs;
    }
    const struct model_grant *grant = model_find_grant(model, command->grant);
    return grant != NULL && !grant->is_gone && grant->person == command->person &&
           grant->purpose == TXN_STEPUP && grant->expires_at > model_now_s(model) &&
           (grant->kind != FACTOR_CODE || !needs);
}

static enum factors_result may_command(const struct factor_model *model,
                                       const struct model_command *command)
{
    if (command->seq <= model->people[command->person].last_seq[command->device]) {
        return FACTORS_REPLAYED;
    }
    return command->device == 0 ? FACTORS_DONE : FACTORS_NOT_ADMIN;
}

static enum factors_result may_change(struct factor_model *model,
                                      const struct model_command *command)
{
    enum factors_result result = may_command(model, command);

    return result == FACTORS_DONE && !is_stepped_up(model, command) ? FACTORS_STEPUP : result;
}

/* Its effect has come: the seq and the grant are used up. */
static void spend(struct factor_model *model, const struct model_command *command)
{
    model->people[command->person].last_seq[command->device] = command->seq;
    if (command->grant != NULL) {
        model_find_grant(model, command->grant)->is_gone = true;
    }
}

static void drop_factor(struct model_person *person, size_t at)
{
    person->factor_count--;
    memmove(&person->factors[at], &person->factors[at + 1],
            (person->factor_count - at) * sizeof person->factors[0]);
}

/* Where a factor of a kind is, from the one at on; the count when there is none. */
static size_t find_kind(const struct model_person *person, enum factor_kind kind, size_t at)
{
    while (at < person->factor_count && person->factors[at].kind != kind) {
        at++;
    }
    return at;
}

static void note_change(struct factor_model *model, const struct model_command *command,
                        enum account_log_event event, enum factor_kind kind)
{
    model_note(model, command->person,
               &(struct account_log_entry){
                   .event = event, .kind = kind, .device_id = (uint32_t)command->device + 1 });
}

enum factors_result model_enrol(struct factor_model *model, const struct model_command *command,
                                enum factor_kind kind)
{
    struct model_person *person = &model->people[command->person];
    enum factors_result result = may_change(model, command);
    bool has_some = model_enrolled(person) != 0;
    size_t count = 0;
    size_t set = find_kind(person, FACTOR_RECOVERY_CODE, 0);

    if (result != FACTORS_DONE) {
        return result;
    }
    for (size_t i = find_kind(person, kind, 0); i < person->factor_count;
         i = find_kind(person, kind, i + 1)) {
        count++;
    }
    if (kind != FACTOR_RECOVERY_CODE && count == LIMIT_FACTORS) {
        return FACTORS_TOO_MANY;
    }
    if (kind == FACTOR_RECOVERY_CODE && set < person->factor_count) {
        drop_factor(person, set);
    }
    spend(model, command);
    CHECK(person->factor_count < MODEL_FACTORS);
    person->factors[person->factor_count++] =
        (struct model_factor){ .kind = kind,
                               .is_confirmed = kind == FACTOR_RECOVERY_CODE,
                               .is_stepped_up = has_some,
                               .created_at = model_now_s(model) / HOUR_S * HOUR_S,
                               .challenge_ends_at = model_now_s(model) + LIMIT_WEBAUTHN_S,
                               .counter = kind == FACTOR_TOTP ? TOTP_NO_STEP : 0 };
    if (kind == FACTOR_RECOVERY_CODE) {
        note_change(model, command, ACCOUNT_LOG_ENROLLED, kind);
    }
    return FACTORS_DONE;
}

static size_t find_factor(const struct model_person *person, const struct factor_id *id)
{
    size_t at = 0;

    while (at < person->factor_count && memcmp(&person->factors[at].id, id, sizeof *id) != 0) {
        at++;
    }
    return at;
}

/* Judge what is to confirm a pending factor; the counter that it has from then on. */
static enum factors_result judge(const struct factor_model *model,
                                 const struct model_factor *factor, const struct model_proof *proof,
                                 int64_t *out_counter)
{
    int64_t now = model->now_ms / TOTP_STEP_MS;
    int64_t step = now + TOTP_STEPS_AROUND;

    *out_counter = 0;
    if (factor->kind != proof->kind) {
        return FACTORS_MALFORMED;
    }
    if (factor->kind == FACTOR_WEBAUTHN) {
        *out_counter = 1;
        return factor->challenge_ends_at <= model_now_s(model) ? FACTORS_UNKNOWN
               : proof->is_other                               ? FACTORS_WRONG
                                                               : FACTORS_DONE;
    }
    if (factor->kind == FACTOR_PASSWORD) {
        return FACTORS_DONE;
    }
    while (step >= now - TOTP_STEPS_AROUND && totp_code(factor->secret, step) != proof->code) {
        step--;
    }
    *out_counter = step;
    return step < now - TOTP_STEPS_AROUND ? FACTORS_WRONG : FACTORS_DONE;
}

/* One password alone, confirmed or not. */
static void drop_other_passwords(struct model_person *person, const struct factor_id *id)
{
    for (size_t i = person->factor_count; i > 0; i--) {
        const struct model_factor *factor = &person->factors[i - 1];

        if (factor->kind == FACTOR_PASSWORD && memcmp(&factor->id, id, sizeof *id) != 0) {
            drop_factor(person, i - 1);
        }
    }
}

enum factors_result model_confirm(struct factor_model *model, const struct model_command *command,
                                  const struct factor_id *id, const struct model_proof *proof)
{
    struct model_person *person = &model->people[command->person];
    size_t at = find_factor(person, id);
    struct model_factor *factor = &person->factors[at];
    int64_t counter = 0;
    enum factors_result result = FACTORS_UNKNOWN;

    if (at == person->factor_count || factor->is_confirmed) {
        return FACTORS_UNKNOWN;
    }
    result = judge(model, factor, proof, &counter);
    if (result == FACTORS_DONE) {
        result = may_command(model, command);
    }
    if (result != FACTORS_DONE) {
        return result;
    }
    if (factor->kind == FACTOR_WEBAUTHN && model_authenticator(person, proof->number) != NULL) {
        return FACTORS_KNOWN;
    }
    if (model_enrolled(person) != 0 && !factor->is_stepped_up) {
        return FACTORS_STEPUP;
    }
    spend(model, command);
    note_change(model, command, ACCOUNT_LOG_ENROLLED, factor->kind);
    factor->is_confirmed = true;
    factor->counter = counter;
    factor->number = factor->kind == FACTOR_WEBAUTHN ? proof->number : factor->number;
    if (factor->kind == FACTOR_PASSWORD) {
        drop_other_passwords(person, id);
    }
    return FACTORS_DONE;
}

enum factors_result model_remove(struct factor_model *model, const struct model_command *command,
                                 const struct factor_id *id)
{
    struct model_person *person = &model->people[command->person];
    size_t at = find_factor(person, id);
    enum factors_result result = FACTORS_UNKNOWN;

    if (at == person->factor_count) {
        return FACTORS_UNKNOWN;
    }
    result = may_change(model, command);
    if (result == FACTORS_DONE) {
        spend(model, command);
        note_change(model, command, ACCOUNT_LOG_REMOVED, person->factors[at].kind);
        drop_factor(person, at);
    }
    return result;
}

enum factors_result model_release(struct factor_model *model, const struct model_command *command)
{
    struct model_person *person = &model->people[command->person];
    enum factors_result result = may_change(model, command);

    if (result == FACTORS_DONE && !person->has_handle) {
        return FACTORS_UNKNOWN;
    }
    if (result == FACTORS_DONE) {
        spend(model, command);
        person->has_handle = false;
    }
    return result;
}

static void end_txns(struct factor_model *model, size_t person)
{
    for (size_t i = 0; i < model->txn_count; i++) {
        if (model->txns[i].person == person) {
            model->txns[i].is_real = false;
        }
    }
    for (size_t i = 0; i < model->grant_count; i++) {
        if (model->grants[i].person == person) {
            model->grants[i].is_gone = true;
        }
    }
    for (size_t i = 0; i < model->challenge_count; i++) {
        if (model->txns[model->challenges[i].txn].person == person) {
            model->challenges[i].is_hidden = true;
        }
    }
}

enum factors_result model_erase(struct factor_model *model, const struct model_command *command)
{
    struct model_person *person = &model->people[command->person];
    enum factors_result result = may_change(model, command);

    if (result == FACTORS_DONE) {
        end_txns(model, command->person);
        ways_erased(model, command->person);
        model->subjects[2 * command->person].guess_count = 0;
        memset(person, 0, sizeof *person);
        person->presence = MODEL_ERASED;
    }
    return result;
}

static void purge_guesses(struct model_subject *subject, int64_t now)
{
    size_t kept = 0;

    for (size_t i = 0; i < subject->guess_count; i++) {
        if (subject->guesses[i] > now - LIMIT_GUESS_MONTH_S) {
            subject->guessed_by[kept] = subject->guessed_by[i];
            subject->guesses[kept++] = subject->guesses[i];
        }
    }
    subject->guess_count = kept;
}

static void purge_person(struct model_person *person, int64_t now)
{
    size_t kept = 0;

    for (size_t i = person->factor_count; i > 0; i--) {
        const struct model_factor *factor = &person->factors[i - 1];

        if (!factor->is_confirmed && factor->created_at <= now - LIMIT_FACTOR_PENDING_S - HOUR_S) {
            drop_factor(person, i - 1);
        }
    }
    for (size_t i = 0; i < person->log_count; i++) {
        if (person->log[i].at > now - (int64_t)LIMIT_ACCOUNT_LOG_DAYS * DAY_S) {
            person->log[kept++] = person->log[i];
        }
    }
    person->log_count = kept;
}

void model_purge(struct factor_model *model)
{
    int64_t now = model_now_s(model);

    ways_purge(model);
    for (size_t i = 0; i < model->txn_count; i++) {
        model->txns[i].is_forgotten |= model->txns[i].expires_at <= now;
    }
    for (size_t i = 0; i < model->challenge_count; i++) {
        model->challenges[i].is_forgotten |= model->challenges[i].created_at <= now - LIMIT_HOUR_S;
    }
    for (size_t i = 0; i < model->grant_count; i++) {
        model->grants[i].is_gone |= model->grants[i].expires_at <= now;
    }
    for (size_t i = 0; i < 2 * (size_t)MODEL_PEOPLE; i++) {
        purge_guesses(&model->subjects[i], now);
    }
    for (size_t i = 0; i < MODEL_PEOPLE; i++) {
        purge_person(&model->people[i], now);
    }
}

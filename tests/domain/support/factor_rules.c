/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/factor_rules.h"

#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/limits.h"

enum {
    HOUR_S = 3600,
    CODE_DIGITS = 6
};

int64_t model_now_s(const struct factor_model *model)
{
    return model->now_ms / 1000;
}

bool model_has_room(const struct factor_model *model)
{
    const size_t most = MODEL_ROOM - 16;

    return model->txn_count < most && model->challenge_count < most && model->grant_count < most;
}

static uint32_t bit(enum factor_kind kind)
{
    return UINT32_C(1) << kind;
}

size_t model_codes_left(const struct model_factor *set)
{
    size_t left = 0;

    for (size_t i = 0; i < RECOVERY_CODE_COUNT; i++) {
        left += set->kind == FACTOR_RECOVERY_CODE && !set->is_used[i] ? 1 : 0;
    }
    return left;
}

uint32_t model_enrolled(const struct model_person *person)
{
    uint32_t kinds = 0;

    for (size_t i = 0; i < person->factor_count; i++) {
        const struct model_factor *factor = &person->factors[i];

        if (factor->kind == FACTOR_RECOVERY_CODE ? model_codes_left(factor) > 0
                                                 : factor->is_confirmed) {
            kinds |= bit(factor->kind);
        }
    }
    return kinds;
}

static bool is_real(const struct factor_model *model, const struct model_who *who)
{
    const struct model_person *person = &model->people[who->person];

    return person->presence == MODEL_HERE && (!who->by_handle || person->has_handle);
}

static size_t subject_of(const struct factor_model *model, const struct model_who *who)
{
    return 2 * who->person + (who->by_handle && !is_real(model, who) ? 1 : 0);
}

/* A code shows on every device: no step-up beside something better. */
static uint32_t kinds_for(enum txn_purpose purpose, uint32_t has)
{
    return purpose == TXN_STEPUP && has != 0 ? has : has | bit(FACTOR_CODE);
}

bool model_kinds(const struct factor_model *model, const struct model_who *who,
                 enum txn_purpose purpose, uint32_t *out)
{
    const struct model_subject *subject = &model->subjects[subject_of(model, who)];

    if (is_real(model, who)) {
        *out = kinds_for(purpose, model_enrolled(&model->people[who->person]));
        return true;
    }
    *out = kinds_for(purpose, subject->seeming);
    return subject->is_seen;
}

void model_begin(struct factor_model *model, const struct model_who *who, enum txn_purpose purpose,
                 const struct txns_outcome *got)
{
    size_t at = subject_of(model, who);
    struct model_subject *subject = &model->subjects[at];

    if (!is_real(model, who) && !subject->is_seen) {
        subject->is_seen = true;
        subject->seeming = got->kinds & ~bit(FACTOR_CODE);
    }
    CHECK(model->txn_count < MODEL_ROOM);
    model->txns[model->txn_count++] = (struct model_txn){
        .id = got->txn_id,
        .person = who->person,
        .subject = at,
        .is_real = is_real(model, who),
        .purpose = purpose,
        .kinds = got->kinds,
        .challenges_left = LIMIT_TXN_CHALLENGES,
        .expires_at = model_now_s(model) + LIMIT_TXN_S,
    };
}

static bool txn_is_live(const struct factor_model *model, const struct model_txn *txn)
{
    return !txn->is_done && !txn->is_forgotten && txn->expires_at > model_now_s(model);
}

/* How many of times lie in the span of seconds before `at`, or after it: a clock may go back. */
static int count_in(const int64_t *times, size_t count, int64_t at, int64_t span)
{
    int found = 0;

    for (size_t i = 0; i < count; i++) {
        found += times[i] > at - span ? 1 : 0;
    }
    return found;
}

struct limit {
    int max;
    int64_t span;
};

static bool is_free(const int64_t *times, size_t count, int64_t at, const struct limit limits[2])
{
    return count_in(times, count, at, limits[0].span) < limits[0].max &&
           count_in(times, count, at, limits[1].span) < limits[1].max;
}

/* The least number of seconds after which there is room; 0: there is. */
static int64_t wait_for(const int64_t *times, size_t count, int64_t now,
                        const struct limit limits[2])
{
    int64_t least = INT64_MAX;

    if (is_free(times, count, now, limits)) {
        return 0;
    }
    for (size_t i = 0; i < 2 * count; i++) {
        int64_t wait = times[i / 2] + limits[i % 2].span - now;

        if (wait > 0 && wait < least && is_free(times, count, now + wait, limits)) {
            least = wait;
        }
    }
    return least;
}

static const struct limit guess_limits[2] = { { LIMIT_GUESSES_DAY, LIMIT_GUESS_DAY_S },
                                              { LIMIT_GUESSES_MONTH, LIMIT_GUESS_MONTH_S } };
static const struct limit code_limits[2] = { { LIMIT_CODES_HOUR, LIMIT_CODES_HOUR_S },
                                             { LIMIT_CODES_HOUR, LIMIT_CODES_HOUR_S } };

static int64_t wait_for_code(const struct factor_model *model, size_t subject)
{
    int64_t times[MODEL_ROOM];
    size_t count = 0;

    for (size_t i = 0; i < model->challenge_count; i++) {
        const struct model_challenge *each = &model->challenges[i];

        if (each->kind == FACTOR_CODE && !each->is_forgotten &&
            model->txns[each->txn].subject == subject) {
            times[count++] = each->created_at;
        }
    }
    return wait_for(times, count, model_now_s(model), code_limits);
}

static struct model_outcome plain(enum txns_result result)
{
    return (struct model_outcome){ .result = result };
}

struct model_outcome model_challenge(struct factor_model *model, size_t at, enum factor_kind kind)
{
    struct model_txn *txn = &model->txns[at];

    if (!txn_is_live(model, txn)) {
        return plain(TXNS_UNKNOWN);
    }
    if ((txn->kinds & bit(kind)) == 0) {
        return plain(TXNS_INAPPLICABLE);
    }
    if (txn->challenges_left == 0) {
        return plain(TXNS_UNKNOWN);
    }
    int64_t wait = kind == FACTOR_CODE ? wait_for_code(model, txn->subject) : 0;
    if (wait > 0) {
        return (struct model_outcome){ .result = TXNS_RATE_LIMITED, .retry_s = wait };
    }
    txn->challenges_left--;
    CHECK(model->challenge_count < MODEL_ROOM);
    model->challenges[model->challenge_count++] =
        (struct model_challenge){ .txn = at,
                                  .kind = kind,
                                  .tries_left = LIMIT_CHALLENGE_GUESSES,
                                  .created_at = model_now_s(model) };
    return (struct model_outcome){ .result = TXNS_DONE, .attempts_left = LIMIT_CHALLENGE_GUESSES };
}

bool model_is_open(const struct factor_model *model, size_t txn, size_t at)
{
    const struct model_challenge *challenge = &model->challenges[at];

    return challenge->txn == txn && !challenge->is_used && !challenge->is_forgotten &&
           challenge->tries_left > 0 && txn_is_live(model, &model->txns[txn]);
}

int model_guesses_left(const struct factor_model *model, size_t at)
{
    const struct model_subject *subject = &model->subjects[at];
    int64_t now = model_now_s(model);
    int day = guess_limits[0].max -
              count_in(subject->guesses, subject->guess_count, now, guess_limits[0].span);
    int month = guess_limits[1].max -
                count_in(subject->guesses, subject->guess_count, now, guess_limits[1].span);
    int left = day < month ? day : month;

    return left < 0 ? 0 : left;
}

void model_count_guess(struct factor_model *model, size_t at)
{
    struct model_subject *subject = &model->subjects[at];

    CHECK(subject->guess_count < MODEL_ROOM);
    subject->guesses[subject->guess_count++] = model_now_s(model);
}

/* A right answer, and what it uses up. */
struct found {
    struct model_factor *factor;
    int64_t step;
    size_t code;
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
        if (step >= now - TOTP_STEPS_AROUND && step > app->last_step &&
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

/* How a text reads as an answer to a challenge: TXNS_MALFORMED, TXNS_WRONG or TXNS_DONE. */
static enum txns_result judge(struct factor_model *model, const struct model_guess *guess,
                              struct found *out)
{
    const struct model_challenge *challenge = &model->challenges[guess->challenge];
    const struct model_txn *txn = &model->txns[challenge->txn];
    struct model_person *person = &model->people[txn->person];
    struct recovery_code code;
    bool is_right = false;

    if (challenge->kind == FACTOR_RECOVERY_CODE) {
        if (!recovery_code_read(bytes_text(guess->text), &code)) {
            return TXNS_MALFORMED;
        }
        is_right = find_code(person, &code, out);
    } else if (!is_six_digits(guess->text)) {
        return TXNS_MALFORMED;
    } else if (challenge->kind == FACTOR_TOTP) {
        is_right = find_step(model, person, (uint32_t)strtoul(guess->text, NULL, 10), out);
    } else {
        is_right = strcmp(guess->text, challenge->code.digits) == 0;
    }
    return is_right && txn->is_real ? TXNS_DONE : TXNS_WRONG;
}

void model_note(struct factor_model *model, size_t at, const struct account_log_entry *entry)
{
    struct model_person *person = &model->people[at];

    CHECK(person->log_count < MODEL_ROOM);
    person->log[person->log_count] = *entry;
    person->log[person->log_count].at = model_now_s(model) / HOUR_S * HOUR_S;
    person->log_count++;
}

static void use(struct factor_model *model, const struct model_guess *guess,
                const struct found *found)
{
    struct model_challenge *challenge = &model->challenges[guess->challenge];
    struct model_txn *txn = &model->txns[challenge->txn];

    challenge->is_used = true;
    txn->is_done = true;
    if (challenge->kind == FACTOR_TOTP) {
        found->factor->last_step = found->step;
    } else if (challenge->kind == FACTOR_RECOVERY_CODE) {
        found->factor->is_used[found->code] = true;
    }
    CHECK(model->grant_count < MODEL_ROOM);
    model->grants[model->grant_count++] =
        (struct model_grant){ .person = txn->person,
                              .purpose = txn->purpose,
                              .kind = challenge->kind,
                              .step = found->step,
                              .expires_at = model_now_s(model) + LIMIT_GRANT_S };
    if (challenge->kind == FACTOR_TOTP) {
        model->grants[model->grant_count - 1].app = found->factor->id;
    }
    model_note(model, txn->person,
               &(struct account_log_entry){
                   .event = ACCOUNT_LOG_USED, .kind = challenge->kind, .purpose = txn->purpose });
}

struct model_outcome model_answer(struct factor_model *model, const struct model_guess *guess)
{
    struct model_challenge *challenge = &model->challenges[guess->challenge];
    size_t at = model->txns[challenge->txn].subject;
    const struct model_subject *subject = &model->subjects[at];
    struct found found = { .factor = NULL };
    enum txns_result result = TXNS_DONE;

    if (!model_is_open(model, guess->txn, guess->challenge)) {
        return plain(TXNS_CHALLENGE_UNKNOWN);
    }
    result = judge(model, guess, &found);
    if (result == TXNS_MALFORMED) {
        return plain(TXNS_MALFORMED);
    }
    int64_t wait =
        wait_for(subject->guesses, subject->guess_count, model_now_s(model), guess_limits);
    if (wait > 0) {
        return (struct model_outcome){ .result = TXNS_RATE_LIMITED, .retry_s = wait };
    }
    if (guess->fault == MODEL_COUNTS_FAIL) {
        return plain(TXNS_UNAVAILABLE);
    }
    challenge->tries_left--;
    if (result == TXNS_DONE && guess->fault == MODEL_FINE) {
        use(model, guess, &found);
        return plain(TXNS_DONE);
    }
    model_count_guess(model, at);
    return (struct model_outcome){ .result = result == TXNS_DONE ? TXNS_UNAVAILABLE : TXNS_WRONG,
                                   .attempts_left =
                                       result == TXNS_DONE ? 0 : challenge->tries_left };
}

bool model_is_shown(const struct factor_model *model, size_t at)
{
    const struct model_challenge *challenge = &model->challenges[at];
    const struct model_txn *txn = &model->txns[challenge->txn];

    return challenge->kind == FACTOR_CODE && txn->is_real && !challenge->is_hidden &&
           model_is_open(model, challenge->txn, at);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/factor_rules.h"

#include <limits.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/limits.h"

enum {
    HOUR_S = 3600
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

bool model_is_real(const struct factor_model *model, const struct model_who *who)
{
    const struct model_person *person = &model->people[who->person];

    return person->presence == MODEL_HERE && (!who->by_handle || person->has_handle);
}

size_t model_subject_of(const struct factor_model *model, const struct model_who *who)
{
    return 2 * who->person + (who->by_handle && !model_is_real(model, who) ? 1 : 0);
}

/* A code shows on every device: no step-up beside something better. */
static uint32_t kinds_for(enum txn_purpose purpose, uint32_t has)
{
    return purpose == TXN_STEPUP && has != 0 ? has : has | bit(FACTOR_CODE);
}

bool model_kinds(const struct factor_model *model, const struct model_who *who,
                 enum txn_purpose purpose, uint32_t *out)
{
    const struct model_subject *subject = &model->subjects[model_subject_of(model, who)];

    if (model_is_real(model, who)) {
        *out = kinds_for(purpose, model_enrolled(&model->people[who->person]));
        return true;
    }
    *out = kinds_for(purpose, subject->seeming);
    return subject->is_seen;
}

void model_begin(struct factor_model *model, const struct model_who *who, enum txn_purpose purpose,
                 const struct txns_outcome *got)
{
    size_t at = model_subject_of(model, who);
    struct model_subject *subject = &model->subjects[at];

    if (!model_is_real(model, who) && !subject->is_seen) {
        subject->is_seen = true;
        subject->seeming = got->kinds & ~bit(FACTOR_CODE);
    }
    CHECK(model->txn_count < MODEL_ROOM);
    model->txns[model->txn_count++] = (struct model_txn){
        .id = got->txn_id,
        .person = who->person,
        .subject = at,
        .is_real = model_is_real(model, who),
        .purpose = purpose,
        .kinds = got->kinds,
        .challenges_left = LIMIT_TXN_CHALLENGES,
        .expires_at = model_now_s(model) + LIMIT_TXN_S,
    };
}

const struct model_kind *model_kind_of(enum factor_kind kind)
{
    static const struct model_kind kinds[FACTOR_KINDS] = {
        [FACTOR_CODE] = { true, false, 5, 600, 3, 3600 },
        [FACTOR_TOTP] = { true, false, 5, 600, INT_MAX, 3600 },
        [FACTOR_RECOVERY_CODE] = { true, false, 5, 600, INT_MAX, 3600 },
        [FACTOR_PASSWORD] = { false, true, 1, 60, 10, 900 },
        [FACTOR_WEBAUTHN] = { false, false, 1, 300, 20, 3600 },
    };

    return &kinds[kind];
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

static const struct limit no_limits[2] = { { INT_MAX, 1 }, { INT_MAX, 1 } };

static size_t started_at(const struct factor_model *model, size_t subject, enum factor_kind kind,
                         int64_t times[MODEL_ROOM])
{
    size_t count = 0;

    for (size_t i = 0; i < model->challenge_count; i++) {
        const struct model_challenge *each = &model->challenges[i];

        if (each->kind == kind && !each->is_forgotten &&
            model->txns[each->txn].subject == subject) {
            times[count++] = each->created_at;
        }
    }
    return count;
}

int model_challenges_left(const struct factor_model *model, size_t subject, enum factor_kind kind)
{
    const struct model_kind *rules = model_kind_of(kind);
    int64_t times[MODEL_ROOM];
    size_t count = started_at(model, subject, kind, times);
    int left = rules->max - count_in(times, count, model_now_s(model), rules->span_s);

    return left < 0 ? 0 : left;
}

static int64_t wait_for_challenge(const struct factor_model *model, size_t subject,
                                  enum factor_kind kind)
{
    const struct model_kind *rules = model_kind_of(kind);
    const struct limit limits[2] = { { rules->max, rules->span_s }, { rules->max, rules->span_s } };
    int64_t times[MODEL_ROOM];
    size_t count = started_at(model, subject, kind, times);

    return wait_for(times, count, model_now_s(model), rules->max == INT_MAX ? no_limits : limits);
}

int64_t model_wait_for_guess(const struct factor_model *model, size_t at)
{
    const struct model_subject *subject = &model->subjects[at];

    return wait_for(subject->guesses, subject->guess_count, model_now_s(model), guess_limits);
}

static struct model_outcome plain(enum txns_result result)
{
    return (struct model_outcome){ .result = result };
}

struct model_outcome model_challenge(struct factor_model *model, size_t at, enum factor_kind kind)
{
    struct model_txn *txn = &model->txns[at];
    const struct model_kind *rules = model_kind_of(kind);
    int64_t now = model_now_s(model);

    if (!txn_is_live(model, txn)) {
        return plain(TXNS_UNKNOWN);
    }
    if ((txn->kinds & bit(kind)) == 0) {
        return plain(TXNS_INAPPLICABLE);
    }
    if (txn->challenges_left == 0) {
        return plain(TXNS_UNKNOWN);
    }
    int64_t wait = wait_for_challenge(model, txn->subject, kind);
    if (wait == 0 && rules->challenge_is_guess) {
        wait = model_wait_for_guess(model, txn->subject);
    }
    if (wait > 0) {
        return (struct model_outcome){ .result = TXNS_RATE_LIMITED, .retry_s = wait };
    }
    txn->challenges_left--;
    if (rules->challenge_is_guess) {
        model_count_guess(model, txn->subject, (int)model->challenge_count);
    }
    CHECK(model->challenge_count < MODEL_ROOM);
    model->challenges[model->challenge_count++] = (struct model_challenge){
        .txn = at,
        .kind = kind,
        .tries_left = rules->tries,
        .created_at = now,
        .expires_at = now + rules->life_s < txn->expires_at ? now + rules->life_s : txn->expires_at,
    };
    return (struct model_outcome){ .result = TXNS_DONE, .attempts_left = rules->tries };
}

bool model_is_open(const struct factor_model *model, size_t txn, size_t at)
{
    const struct model_challenge *challenge = &model->challenges[at];

    return challenge->txn == txn && !challenge->is_used && !challenge->is_forgotten &&
           challenge->tries_left > 0 && challenge->expires_at > model_now_s(model) &&
           txn_is_live(model, &model->txns[txn]);
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

void model_count_guess(struct factor_model *model, size_t at, int challenge)
{
    struct model_subject *subject = &model->subjects[at];

    CHECK(subject->guess_count < MODEL_ROOM);
    subject->guessed_by[subject->guess_count] = challenge;
    subject->guesses[subject->guess_count++] = model_now_s(model);
}

void model_note(struct factor_model *model, size_t at, const struct account_log_entry *entry)
{
    struct model_person *person = &model->people[at];

    CHECK(person->log_count < MODEL_ROOM);
    person->log[person->log_count] = *entry;
    person->log[person->log_count].at = model_now_s(model) / HOUR_S * HOUR_S;
    person->log_count++;
}

bool model_is_shown(const struct factor_model *model, size_t at)
{
    const struct model_challenge *challenge = &model->challenges[at];
    const struct model_txn *txn = &model->txns[challenge->txn];

    return challenge->kind == FACTOR_CODE && txn->is_real && !challenge->is_hidden &&
           model_is_open(model, challenge->txn, at);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What comes at once, at one daemon or two. */
#include <limits.h>
#include <string.h>

#include "common/metrics.h"
#include "tests/domain/support/factor_steps.h"

enum {
    CROWD_MAX = 12
};

struct crowd {
    size_t count;
    struct heard_txn heard[CROWD_MAX];
};

static void answer_at_once(struct factor_world *world, const struct model_guess *guess,
                           struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++) {
        world_answer_start(world, (uint32_t)i, guess, &crowd->heard[i]);
    }
    for (size_t i = 0; i < crowd->count; i++) {
        world_wait(world, &crowd->heard[i].done);
    }
}

static int count_of(const struct crowd *crowd, enum txns_result result)
{
    int count = 0;

    for (size_t i = 0; i < crowd->count; i++) {
        count += crowd->heard[i].outcome.result == result ? 1 : 0;
    }
    return count;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* An open challenge, if one of the last is; false: none. */
static bool open_challenge(const struct factor_world *world, uint32_t choice,
                           struct model_guess *out)
{
    const struct factor_model *model = &world->model;
    int at = step_open_challenge(world, choice);

    if (at == STEP_NONE || !model_has_room(model)) {
        return false;
    }
    *out = (struct model_guess){ .txn = model->challenges[at].txn, .challenge = (size_t)at };
    return model_is_open(model, out->txn, out->challenge);
}

/* As many are judged as there are tries and guesses left; the others hear which of both it was. */
static void hear_all_wrong(struct walk *walk, struct factor_world *world,
                           const struct model_guess *guess, const struct crowd *crowd,
                           int64_t judged_now)
{
    struct model_challenge *challenge = &world->model.challenges[guess->challenge];
    size_t subject = world->model.txns[guess->txn].subject;
    bool counts = model_kind_of(challenge->kind)->answer_is_guess;
    int guesses = counts ? model_guesses_left(&world->model, subject) : INT_MAX;
    int judged = smaller((int)crowd->count, smaller(challenge->tries_left, guesses));
    enum txns_result other =
        challenge->tries_left <= guesses ? TXNS_CHALLENGE_UNKNOWN : TXNS_RATE_LIMITED;

    walk_say(walk, "challenge %zu, %zu times \"%s\": %d wrong", guess->challenge, crowd->count,
             step_text(guess), count_of(crowd, TXNS_WRONG));
    walk_expect(walk, "wrong at once", count_of(crowd, TXNS_WRONG), judged);
    walk_expect(walk, "judged at once", judged_now, counts ? judged : 0);
    walk_expect(walk, "others at once", count_of(crowd, other), (int)crowd->count - judged);
    for (int i = 0; i < judged; i++) {
        challenge->tries_left--;
        if (!counts) {
            continue;
        }
        model_count_guess(&world->model, subject, -1);
        referee_judged(&world->referee, &challenge->id, subject, false, model_now_s(&world->model));
    }
}

void step_wrong_at_once(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;
    static struct crowd crowd;
    int64_t before = metrics_value(METRIC_factor_guesses);
    struct step_reply reply;
    struct model_guess guess;

    crowd.count = 2 + choices[1] % (CROWD_MAX - 1);
    if (open_challenge(world, choices[0], &guess)) {
        step_wrong_reply(world, guess.challenge, choices[2], &reply);
        guess = step_guess(guess.txn, guess.challenge, &reply);
        answer_at_once(world, &guess, &crowd);
        hear_all_wrong(walk, world, &guess, &crowd, metrics_value(METRIC_factor_guesses) - before);
    }
}

/* A day later, all the guesses of a day at somebody: so the limit of 30 days is met, too. */
void step_day(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    static struct crowd crowd;
    struct factor_world *world = arg;
    const struct model_who who = { .person =
                                       step_person(world, choices[0] % 2 == 0 ? 0 : choices[0]) };
    struct step_reply reply;

    crowd.count = LIMIT_CHALLENGE_GUESSES;
    world->model.now_ms += INT64_C(86400000);
    int txn = step_new_txn(walk, world, &who, TXN_RECOVER, choices[1]);
    for (int i = 0; i < 3 && txn != STEP_NONE; i++) {
        int64_t before = metrics_value(METRIC_factor_guesses);
        int at = step_new_challenge(walk, world, (size_t)txn, FACTOR_CODE, choices[1]);

        if (at == STEP_NONE) {
            return;
        }
        step_wrong_reply(world, (size_t)at, choices[2], &reply);
        const struct model_guess guess = step_guess((size_t)txn, (size_t)at, &reply);
        answer_at_once(world, &guess, &crowd);
        hear_all_wrong(walk, world, &guess, &crowd, metrics_value(METRIC_factor_guesses) - before);
        (void)step_take_answer(walk, world, &guess, choices[3]);
    }
}

/* As many are started as a transaction has, as its kind may be, and, of passwords, as are guesses. */
void step_start_at_once(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;
    static struct crowd crowd;
    const struct model_who who = { .person = step_person_with(world, FACTOR_PASSWORD, choices[0]) };
    int txn = step_new_txn(walk, world, &who, TXN_RECOVER, choices[2]);
    enum factor_kind kind = FACTOR_PASSWORD;

    crowd.count = 2 + choices[1] % (CROWD_MAX - 1);
    if (txn == STEP_NONE) {
        return;
    }
    if ((world->model.txns[txn].kinds & UINT32_C(1) << kind) == 0) {
        kind = FACTOR_CODE;
    }
    for (size_t i = 0; i < crowd.count; i++) {
        world_challenge_start(world, (uint32_t)i, (size_t)txn, kind, &crowd.heard[i]);
    }
    for (size_t i = 0; i < crowd.count; i++) {
        world_wait(world, &crowd.heard[i].done);
    }
    for (size_t i = 0; i < 2 * crowd.count && !walk_has_failed(walk); i++) {
        const struct heard_txn *heard = &crowd.heard[i % crowd.count];

        /* Those that were started came first, whatever they were called. */
        if ((heard->outcome.result == TXNS_DONE) == (i < crowd.count)) {
            (void)step_hear_challenge(walk, world, (size_t)txn, kind, heard);
        }
    }
}

/* The one that gave a grant; NULL: none. */
static const struct txns_outcome *winner(const struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++) {
        if (crowd->heard[i].outcome.result == TXNS_DONE) {
            return &crowd->heard[i].outcome;
        }
    }
    return NULL;
}

/* What the model says of one guess, which it is not told of. */
static enum txns_result foretold(const struct factor_world *world, const struct model_guess *guess)
{
    static struct factor_model model;

    model = world->model;
    return model_answer(&model, guess).result;
}

/* One gives a grant; what else was judged before that is a guess less. */
static void hear_one_right(struct walk *walk, struct factor_world *world,
                           const struct model_guess *guess, const struct crowd *crowd,
                           int64_t judged)
{
    const struct model_txn *txn = &world->model.txns[guess->txn];
    const struct model_challenge *challenge = &world->model.challenges[guess->challenge];
    int64_t lost = world_guesses(world, txn->person) -
                   (int64_t)world->model.subjects[txn->subject].guess_count;

    walk_say(walk, "challenge %zu, %zu times \"%s\": %d right", guess->challenge, crowd->count,
             step_text(guess), count_of(crowd, TXNS_DONE));
    walk_expect(walk, "right at once", count_of(crowd, TXNS_DONE), 1);
    walk_expect(walk, "guesses less", lost, judged - 1);
    if (judged > challenge->tries_left) {
        walk_fail(walk, "more guesses than tries");
    }
    for (int64_t i = 0; i < lost && !walk_has_failed(walk); i++) {
        model_count_guess(&world->model, txn->subject, -1);
        referee_judged(&world->referee, &challenge->id, txn->subject, false,
                       model_now_s(&world->model));
    }
}

void step_right_at_once(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;
    static struct crowd crowd;
    int64_t before = metrics_value(METRIC_factor_guesses);
    struct step_reply reply;
    struct model_guess guess;

    crowd.count = 2 + choices[1] % 4;
    if (!open_challenge(world, choices[0], &guess) ||
        !step_right_reply(world, guess.challenge, choices[2], &reply) || reply.is_signed) {
        return; /* a right assertion that comes twice is told of as a copy's */
    }
    guess = step_guess(guess.txn, guess.challenge, &reply);
    answer_at_once(world, &guess, &crowd);
    int64_t judged = metrics_value(METRIC_factor_guesses) - before;
    bool counts = model_kind_of(world->model.challenges[guess.challenge].kind)->answer_is_guess;
    const struct txns_outcome *right = winner(&crowd);

    walk_expect(walk, "right at all", right != NULL, foretold(world, &guess) == TXNS_DONE);
    if (right == NULL) {
        hear_all_wrong(walk, world, &guess, &crowd, judged);
        return;
    }
    if (!counts) {
        walk_expect(walk, "right at once", count_of(&crowd, TXNS_DONE), 1);
        walk_expect(walk, "others", count_of(&crowd, TXNS_CHALLENGE_UNKNOWN),
                    (int64_t)crowd.count - 1);
        step_hear_answer(walk, world, &guess, right);
        return;
    }
    hear_one_right(walk, world, &guess, &crowd, judged);
    /* The model has the lost guesses now, and would refuse this one for them. */
    world->model.subjects[world->model.txns[guess.txn].subject].guess_count -= (size_t)(judged - 1);
    step_hear_answer(walk, world, &guess, right);
    world->model.subjects[world->model.txns[guess.txn].subject].guess_count += (size_t)(judged - 1);
}

/* One code of an app, or one counter of an authenticator, at two challenges: it is good once. */
void step_twice_at_once(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;
    enum factor_kind kind = choices[3] % 2 == 0 ? FACTOR_TOTP : FACTOR_WEBAUTHN;
    const struct model_who who = { .person = step_person_with(world, kind, choices[0]) };
    struct heard_txn heard[2];
    struct step_reply reply;
    struct model_guess guesses[2];

    if ((model_enrolled(&world->model.people[who.person]) & UINT32_C(1) << kind) == 0 ||
        model_guesses_left(&world->model, 2 * who.person) < 2) {
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        int txn = step_new_txn(walk, world, &who, TXN_VAULT, choices[1]);
        int at = txn == STEP_NONE ? STEP_NONE
                                  : step_new_challenge(walk, world, (size_t)txn, kind, choices[1]);

        if (at == STEP_NONE || !step_right_reply(world, (size_t)at, choices[2], &reply)) {
            return;
        }
        guesses[i] = step_guess((size_t)txn, (size_t)at, &reply);
    }
    for (size_t i = 0; i < 2; i++) {
        world_answer_start(world, (uint32_t)i, &guesses[i], &heard[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        world_wait(world, &heard[i].done);
    }
    size_t first = heard[1].outcome.result == TXNS_DONE ? 1 : 0;
    step_hear_answer(walk, world, &guesses[first], &heard[first].outcome);
    if (!walk_has_failed(walk)) {
        step_hear_answer(walk, world, &guesses[1 - first], &heard[1 - first].outcome);
    }
}

/* Somebody who has a grant that would do, if there is one. */
static size_t step_granted(const struct factor_world *world, uint32_t choice)
{
    for (size_t i = 0; i < MODEL_PEOPLE; i++) {
        size_t at = (choice + i) % MODEL_PEOPLE;

        if (world->model.people[at].presence == MODEL_HERE && step_good_grant(world, at) != NULL) {
            return at;
        }
    }
    return step_person(world, choice);
}

/* One grant for three commands that come at once, each of which it would do for. */
void step_grant_at_once(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;
    size_t person = step_granted(world, choices[0]);
    struct model_person *model = &world->model.people[person];
    struct heard_factor heard[3];
    struct model_command commands[3];
    struct grant grant;

    if (model->presence != MODEL_HERE || step_good_grant(world, person) == NULL) {
        return;
    }
    grant = step_good_grant(world, person)->grant;
    for (size_t i = 0; i < 3; i++) {
        commands[i] =
            (struct model_command){ .person = person, .seq = world->next_seq++, .grant = &grant };
        world_enrol_start(world, choices[1], &commands[i], FACTOR_TOTP, &heard[i]);
    }
    for (size_t i = 0; i < 3 && !walk_has_failed(walk); i++) {
        world_wait(world, &heard[i].done);
        walk_expect(walk, "enrol at once", heard[i].result,
                    model_enrol(&world->model, &commands[i], FACTOR_TOTP));
        if (heard[i].result == FACTORS_DONE && !walk_has_failed(walk)) {
            struct model_factor *factor = &model->factors[model->factor_count - 1];

            factor->id = heard[i].factor_id;
            memcpy(factor->secret, heard[i].secret, sizeof factor->secret);
            referee_effect(&world->referee, &grant, person, TXN_STEPUP, model_now_s(&world->model));
        }
    }
}

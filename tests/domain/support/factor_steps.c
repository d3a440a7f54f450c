/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/factor_steps.h"

#include <inttypes.h>
#include <string.h>

#include "common/check.h"
#include "tests/domain/support/damage.h"

enum {
    RECENT = 6
};

static void check_referee(struct walk *walk, const struct factor_world *world)
{
    if (world->referee.fault != NULL) {
        walk_fail(walk, "the referee saw %s", world->referee.fault);
    }
}

/* Mostly the first who is here, so that limits are reached. */
size_t step_person(const struct factor_world *world, uint32_t choice)
{
    size_t at = 0;

    if (choice % 3 != 0) {
        return choice / 3 % MODEL_PEOPLE;
    }
    while (at + 1 < MODEL_PEOPLE && world->model.people[at].presence != MODEL_HERE) {
        at++;
    }
    return at;
}

/* Mostly one of the last. */
int step_recent(size_t count, uint32_t choice)
{
    size_t of = count < RECENT || choice % 8 == 0 ? count : RECENT;

    return count == 0 ? STEP_NONE : (int)(count - 1 - choice / 8 % of);
}

/* Somebody who has enrolled a kind, if there is one. */
size_t step_person_with(const struct factor_world *world, enum factor_kind kind, uint32_t choice)
{
    for (size_t i = 0; i < MODEL_PEOPLE; i++) {
        size_t at = (choice + i) % MODEL_PEOPLE;

        if ((model_enrolled(&world->model.people[at]) & UINT32_C(1) << kind) != 0) {
            return at;
        }
    }
    return step_person(world, choice);
}

/* Mostly one that can be answered. */
int step_open_challenge(const struct factor_world *world, uint32_t choice)
{
    const struct factor_model *model = &world->model;
    uint32_t skipped = choice / 8 % 3;

    for (size_t i = model->challenge_count; i > 0 && choice % 8 != 0; i--) {
        if (model_is_open(model, model->challenges[i - 1].txn, i - 1) && skipped-- == 0) {
            return (int)i - 1;
        }
    }
    return step_recent(model->challenge_count, choice);
}

int step_new_txn(struct walk *walk, struct factor_world *world, const struct model_who *who,
                 enum txn_purpose purpose, uint32_t choice)
{
    uint32_t wanted = 0;
    bool is_known = model_kinds(&world->model, who, purpose, &wanted);
    struct txns_outcome got;

    if (!model_has_room(&world->model)) {
        return STEP_NONE;
    }
    got = world_begin(world, choice, who, purpose);
    walk_say(walk, "person %zu%s, %s: txn %zu, kinds %" PRIx32, who->person,
             who->by_handle ? " by handle" : "", txn_purpose_text(purpose), world->model.txn_count,
             got.kinds);
    walk_expect(walk, "begin", got.result, TXNS_DONE);
    walk_expect(walk, "purpose", got.purpose, purpose);
    walk_expect(walk, "end of a transaction", got.expires_at,
                model_now_s(&world->model) + LIMIT_TXN_S);
    if (is_known) {
        walk_expect(walk, "kinds", got.kinds, wanted);
    }
    if (walk_has_failed(walk)) {
        return STEP_NONE;
    }
    model_begin(&world->model, who, purpose, &got);
    return (int)world->model.txn_count - 1;
}

/* Read the code of a new challenge where its devices show it. */
static void learn_code(struct walk *walk, struct factor_world *world, size_t at, uint32_t choice)
{
    struct model_challenge *challenge = &world->model.challenges[at];
    const struct model_txn *txn = &world->model.txns[challenge->txn];
    struct world_codes shown;
    size_t i = 0;

    if (!model_is_shown(&world->model, at)) {
        return;
    }
    shown = world_codes(world, choice, txn->person);
    while (i < shown.count &&
           memcmp(&shown.codes[i].challenge_id, &challenge->id, sizeof challenge->id) != 0) {
        i++;
    }
    if (i < shown.count) {
        challenge->code = shown.codes[i].code;
        walk_say(walk, "its code is %s", challenge->code.digits);
    } else if (shown.count < LIMIT_CODES_HOUR) {
        walk_fail(walk, "a new code is not shown");
    }
}

static void check_allowed(struct walk *walk, const struct factor_world *world, size_t txn,
                          size_t allowed)
{
    const struct model_txn *asked = &world->model.txns[txn];
    const struct model_person *person = &world->model.people[asked->person];
    size_t has = 0;

    for (size_t i = 0; i < person->factor_count && asked->is_real; i++) {
        has +=
            person->factors[i].kind == FACTOR_WEBAUTHN && person->factors[i].is_confirmed ? 1 : 0;
    }
    if (has > 0) {
        walk_expect(walk, "authenticators", (int64_t)allowed, (int64_t)has);
    } else if (allowed == 0) {
        walk_fail(walk, "nobody seems to have an authenticator");
    }
}

int step_hear_challenge(struct walk *walk, struct factor_world *world, size_t txn,
                        enum factor_kind kind, const struct heard_txn *heard)
{
    const struct txns_outcome *got = &heard->outcome;
    size_t at = world->model.challenge_count;
    struct model_outcome wanted = model_challenge(&world->model, txn, kind);
    struct model_challenge *made = &world->model.challenges[at];

    walk_say(walk, "txn %zu, %s: challenge %zu, result %d", txn, factor_kind_text(kind), at,
             (int)got->result);
    walk_expect(walk, "challenge", got->result, wanted.result);
    walk_expect(walk, "wait for a challenge", got->retry_s, wanted.retry_s);
    walk_expect(walk, "tries", got->attempts_left, wanted.attempts_left);
    if (walk_has_failed(walk) || got->result != TXNS_DONE) {
        return STEP_NONE;
    }
    world_challenge_heard(world, heard, made);
    walk_expect(walk, "end of a challenge", got->expires_at, made->expires_at);
    if (kind == FACTOR_WEBAUTHN) {
        check_allowed(walk, world, txn, heard->allowed_count);
    }
    if (kind == FACTOR_CODE) {
        referee_code(&world->referee, world->model.txns[txn].subject, model_now_s(&world->model));
    }
    if (kind == FACTOR_PASSWORD) {
        referee_judged(&world->referee, &made->id, world->model.txns[txn].subject, false,
                       model_now_s(&world->model));
    }
    check_referee(walk, world);
    return (int)at;
}

int step_new_challenge(struct walk *walk, struct factor_world *world, size_t txn,
                       enum factor_kind kind, uint32_t choice)
{
    struct heard_txn heard;
    int at = STEP_NONE;

    if (!model_has_room(&world->model)) {
        return STEP_NONE;
    }
    world_challenge_start(world, choice, txn, kind, &heard);
    world_wait(world, &heard.done);
    at = step_hear_challenge(walk, world, txn, kind, &heard);
    if (at != STEP_NONE && kind == FACTOR_CODE) {
        learn_code(walk, world, (size_t)at, choice);
    }
    return at;
}

/* What a right answer used up is good once. */
static void hear_use(struct factor_world *world, const struct model_guess *guess,
                     const struct txns_outcome *got)
{
    const struct model_challenge *challenge = &world->model.challenges[guess->challenge];
    const struct model_txn *txn = &world->model.txns[challenge->txn];
    struct model_grant *grant = &world->model.grants[world->model.grant_count - 1];
    const struct account_id *account = &world->people[txn->person].account_id;

    grant->grant = got->grant;
    referee_granted(&world->referee, &(struct referee_grant){ .grant = got->grant,
                                                              .person = txn->person,
                                                              .purpose = txn->purpose,
                                                              .expires_at = got->expires_at });
    if (challenge->kind == FACTOR_RECOVERY_CODE) {
        referee_took(&world->referee, bytes_of(account->raw, sizeof account->raw),
                     bytes_text(guess->text));
    }
    if (challenge->kind == FACTOR_TOTP || challenge->kind == FACTOR_WEBAUTHN) {
        referee_took(&world->referee, bytes_of(grant->by.raw, sizeof grant->by.raw),
                     bytes_of(&grant->at, sizeof grant->at));
    }
}

void step_hear_answer(struct walk *walk, struct factor_world *world,
                      const struct model_guess *guess, const struct txns_outcome *got)
{
    struct model_outcome wanted = model_answer(&world->model, guess);
    const struct model_challenge *challenge = &world->model.challenges[guess->challenge];
    const struct model_txn *txn = &world->model.txns[challenge->txn];

    walk_say(walk, "txn %zu, challenge %zu, \"%s\": result %d, wait %" PRId64, guess->txn,
             guess->challenge, step_text(guess), (int)got->result, got->retry_s);
    walk_expect(walk, "answer", got->result, wanted.result);
    walk_expect(walk, "wait for a guess", got->retry_s, wanted.retry_s);
    walk_expect(walk, "tries left", got->attempts_left, wanted.attempts_left);
    if (walk_has_failed(walk)) {
        return;
    }
    if (challenge->kind == FACTOR_PASSWORD) {
        if (got->result == TXNS_DONE) {
            referee_given_back(&world->referee, &challenge->id, txn->subject);
        }
    } else if (challenge->kind == FACTOR_WEBAUTHN) {
        referee_tried(&world->referee, &challenge->id, got->result == TXNS_DONE);
    } else if (got->result == TXNS_DONE || got->result == TXNS_WRONG) {
        referee_judged(&world->referee, &challenge->id, txn->subject, got->result == TXNS_DONE,
                       model_now_s(&world->model));
    }
    if (got->result == TXNS_DONE) {
        walk_expect(walk, "purpose of a grant", got->purpose, txn->purpose);
        walk_expect(walk, "end of a grant", got->expires_at,
                    model_now_s(&world->model) + LIMIT_GRANT_S);
        hear_use(world, guess, got);
    }
    check_referee(walk, world);
}

enum txns_result step_take_answer(struct walk *walk, struct factor_world *world,
                                  const struct model_guess *guess, uint32_t choice)
{
    struct heard_txn heard;

    world_answer_start(world, choice, guess, &heard);
    world_wait(world, &heard.done);
    step_hear_answer(walk, world, guess, &heard.outcome);
    return heard.outcome.result;
}

static struct model_who who_of(const struct factor_world *world, uint32_t choice)
{
    return (struct model_who){ .person = step_person(world, choice / 4),
                               .by_handle = choice % 4 == 0 };
}

void step_begin(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;
    const struct model_who who = who_of(world, choices[0]);

    (void)step_new_txn(walk, world, &who, TXN_LINK + choices[1] % TXN_VAULT, choices[2]);
}

/* Mostly a kind that the transaction has. */
static enum factor_kind kind_of(const struct model_txn *txn, uint32_t choice)
{
    for (uint32_t i = 0; i < FACTOR_KINDS && choice % 8 != 0; i++) {
        enum factor_kind kind = (enum factor_kind)((choice / 8 + i) % FACTOR_KINDS);

        if ((txn->kinds & UINT32_C(1) << kind) != 0) {
            return kind;
        }
    }
    return (enum factor_kind)(choice / 8 % FACTOR_KINDS);
}

void step_challenge(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;
    int txn = step_recent(world->model.txn_count, choices[0]);

    for (int i = txn; i > 0 && choices[0] % 8 != 0; i--) { /* mostly one that is not over */
        const struct model_txn *each = &world->model.txns[i];

        if (!each->is_done && each->challenges_left > 0 &&
            each->expires_at > model_now_s(&world->model)) {
            txn = i;
            break;
        }
    }
    if (txn != STEP_NONE) {
        (void)step_new_challenge(walk, world, (size_t)txn,
                                 kind_of(&world->model.txns[txn], choices[1]), choices[2]);
    }
}

static bool guess_of(const struct factor_world *world, const uint32_t choices[WALK_CHOICES],
                     struct step_reply *reply, struct model_guess *out)
{
    int at = step_open_challenge(world, choices[0]);
    size_t txn = 0;

    if (at == STEP_NONE || !model_has_room(&world->model)) {
        return false;
    }
    txn = world->model.challenges[at].txn;
    if (choices[3] % 16 == 0) {
        txn = (size_t)step_recent(world->model.txn_count, choices[3] / 16);
    }
    if (choices[1] % 8 == 0) {
        step_odd_reply(world, (size_t)at, choices[2], reply);
    } else if (choices[1] % 8 < 4 || !step_right_reply(world, (size_t)at, choices[2], reply)) {
        step_wrong_reply(world, (size_t)at, choices[2], reply);
    }
    *out = step_guess(txn, (size_t)at, reply);
    return true;
}

void step_answer(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;
    struct step_reply reply;
    struct model_guess guess;

    if (guess_of(world, choices, &reply, &guess)) {
        (void)step_take_answer(walk, world, &guess, choices[3]);
    }
}

void step_fault(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;
    struct step_reply reply;
    struct model_guess guess;

    if (!guess_of(world, choices, &reply, &guess)) {
        return;
    }
    guess.fault = choices[3] % 2 == 0 ? MODEL_COUNTS_FAIL : MODEL_GRANTS_FAIL;
    walk_say(walk, "%s fail", guess.fault == MODEL_COUNTS_FAIL ? "counts" : "grants");
    damage_break(&world->daemons[0],
                 guess.fault == MODEL_COUNTS_FAIL ? DAMAGE_INSERT_GUESSES : DAMAGE_INSERT_GRANTS);
    (void)step_take_answer(walk, world, &guess, choices[3]);
    damage_mend(&world->daemons[0]);
}

/* A transaction, a challenge of the best kind and a right answer: mostly a grant. */
void step_whole(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;
    const struct model_who who = who_of(world, choices[0]);
    enum txn_purpose purpose = choices[1] % 4 == 0
                                   ? (enum txn_purpose)(TXN_LINK + choices[1] / 4 % TXN_VAULT)
                                   : TXN_STEPUP;
    int txn = step_new_txn(walk, world, &who, purpose, choices[2]);
    int challenge = STEP_NONE;
    struct step_reply reply;

    if (txn == STEP_NONE) {
        return;
    }
    challenge =
        step_new_challenge(walk, world, (size_t)txn,
                           kind_of(&world->model.txns[txn], choices[1] / 16 | 1), choices[2]);
    if (challenge != STEP_NONE && step_right_reply(world, (size_t)challenge, choices[3], &reply)) {
        const struct model_guess guess = step_guess((size_t)txn, (size_t)challenge, &reply);

        (void)step_take_answer(walk, world, &guess, choices[2] / 2);
    }
}

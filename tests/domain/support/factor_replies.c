/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to challenges: right ones, wrong ones, odd ones. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/domain/support/factor_steps.h"

enum {
    DIGITS_BELOW = 1000000,
    KE3_CHARS = 86
};

static const struct model_factor *find_factor(const struct model_person *person,
                                              enum factor_kind kind, uint32_t choice)
{
    for (size_t i = 0; i < person->factor_count; i++) {
        const struct model_factor *factor = &person->factors[(i + choice) % person->factor_count];

        if (factor->kind == kind && factor->is_confirmed) {
            return factor;
        }
    }
    return NULL;
}

static void write_step(const struct factor_world *world, const struct model_factor *app,
                       int64_t steps, char out[MODEL_TEXT_BYTES])
{
    (void)snprintf(out, MODEL_TEXT_BYTES, "%06" PRIu32,
                   totp_code(app->secret, world->model.now_ms / TOTP_STEP_MS + steps));
}

static const struct model_person *asked_of(const struct factor_world *world, size_t challenge)
{
    return &world->model.people[world->model.txns[world->model.challenges[challenge].txn].person];
}

struct model_guess step_guess(size_t txn, size_t challenge, const struct step_reply *reply)
{
    return (struct model_guess){ .txn = txn,
                                 .challenge = challenge,
                                 .text = reply->is_signed ? NULL : reply->text,
                                 .assertion = reply->is_signed ? &reply->assertion : NULL };
}

const char *step_text(const struct model_guess *guess)
{
    return guess->text != NULL ? guess->text : "signed";
}

static bool recovery_code_of(const struct model_factor *set, uint32_t choice,
                             char out[MODEL_TEXT_BYTES])
{
    for (size_t i = 0; i < RECOVERY_CODE_COUNT; i++) {
        if (!set->is_used[i] || choice % 8 == 0) {
            recovery_code_write(&set->codes[i], out);
            return true;
        }
    }
    return false;
}

/* An answer that is right as far as the number wants it; false: there is none. */
bool step_right_reply(const struct factor_world *world, size_t at, uint32_t choice,
                      struct step_reply *out)
{
    const struct model_challenge *challenge = &world->model.challenges[at];
    const struct model_factor *factor =
        find_factor(asked_of(world, at), challenge->kind, choice / 16);

    memset(out, 0, sizeof *out);
    if (challenge->kind == FACTOR_CODE || challenge->kind == FACTOR_PASSWORD) {
        const char *right =
            challenge->kind == FACTOR_CODE ? challenge->code.digits : challenge->ke3;

        (void)snprintf(out->text, sizeof out->text, "%s", right);
        return right[0] != '\0';
    }
    if (factor == NULL) {
        return false;
    }
    if (challenge->kind == FACTOR_TOTP) {
        write_step(world, factor, choice % 4 == 0 ? 0 : 1, out->text);
        return true;
    }
    if (challenge->kind == FACTOR_RECOVERY_CODE) {
        return recovery_code_of(factor, choice, out->text);
    }
    out->is_signed = true;
    out->assertion.number = factor->number;
    out->assertion.counter = (uint32_t)factor->counter + (choice % 4 == 0 ? 0 : 1 + choice / 4 % 3);
    return true;
}

static bool is_step(const struct factor_world *world, const struct model_person *person,
                    const char *text)
{
    for (size_t i = 0; i < person->factor_count * 3; i++) {
        char step[MODEL_TEXT_BYTES];

        write_step(world, &person->factors[i / 3], (int64_t)(i % 3) - 1, step);
        if (strcmp(text, step) == 0) {
            return true;
        }
    }
    return false;
}

/* One that nothing of the account's makes right. */
void step_wrong_reply(const struct factor_world *world, size_t at, uint32_t choice,
                      struct step_reply *out)
{
    const struct model_challenge *challenge = &world->model.challenges[at];
    uint32_t number = choice % DIGITS_BELOW;

    memset(out, 0, sizeof *out);
    switch (challenge->kind) {
    case FACTOR_WEBAUTHN:
        out->is_signed = true;
        out->assertion = (struct model_assertion){ .number = (uint8_t)(1 + choice / 2 % 4),
                                                   .counter = 1 + choice % 64,
                                                   .is_other = choice % 2 == 0,
                                                   .is_spoilt = choice % 2 != 0 };
        return;
    case FACTOR_PASSWORD:
        memset(out->text, 'A', KE3_CHARS);
        out->text[choice % 64] = 'B';
        return;
    case FACTOR_RECOVERY_CODE:
        (void)snprintf(out->text, sizeof out->text, "0000-0000-0000-%04" PRIu32, choice % 10000);
        return;
    case FACTOR_CODE:
    case FACTOR_TOTP:
    case FACTOR_KINDS:
        break;
    }
    do {
        number = (number + 1) % DIGITS_BELOW;
        (void)snprintf(out->text, sizeof out->text, "%06" PRIu32, number);
    } while (strcmp(out->text, challenge->code.digits) == 0 ||
             is_step(world, asked_of(world, at), out->text));
}

/* Something that somebody could try: another's, an old one, one of another kind, no answer at all. */
void step_odd_reply(const struct factor_world *world, size_t at, uint32_t choice,
                    struct step_reply *out)
{
    static const char *const texts[] = { "12345", "1234567", "12345x", "x", "0000-0000-0000-000U" };
    const struct model_challenge *challenge = &world->model.challenges[at];
    const struct model_person *other = &world->model.people[step_person(world, choice / 8)];
    const struct model_factor *factor = find_factor(other, challenge->kind, choice);
    int before = step_recent(world->model.challenge_count, choice / 2);

    memset(out, 0, sizeof *out);
    (void)snprintf(out->text, sizeof out->text, "%s", texts[choice / 8 % 5]);
    if (choice % 4 == 0) {
        return;
    }
    if (challenge->kind == FACTOR_CODE || challenge->kind == FACTOR_PASSWORD) {
        const struct model_challenge *old = &world->model.challenges[before];
        const char *text = challenge->kind == FACTOR_CODE ? old->code.digits : old->ke3;

        if (text[0] != '\0') {
            (void)snprintf(out->text, sizeof out->text, "%s", text);
        }
    } else if (factor != NULL && challenge->kind == FACTOR_TOTP) {
        write_step(world, factor, (int64_t)(choice / 4 % 5) - 2, out->text);
    } else if (factor != NULL && challenge->kind == FACTOR_RECOVERY_CODE) {
        recovery_code_write(&factor->codes[choice / 4 % RECOVERY_CODE_COUNT], out->text);
    } else if (factor != NULL && challenge->kind == FACTOR_WEBAUTHN) {
        out->is_signed = true;
        out->assertion.number = factor->number;
        out->assertion.counter = (uint32_t)factor->counter + 1;
    }
}

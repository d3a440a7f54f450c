/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that commands take. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/random.h"
#include "tests/domain/support/factor_steps.h"
#include "tests/domain/support/ways_world.h"

static void arrive(struct factor_world *world, size_t person)
{
    struct model_person *model = &world->model.people[person];

    world_arrive(world, person);
    memset(model, 0, sizeof *model);
    model->presence = MODEL_HERE;
    model->has_handle = true;
    ways_world_share(world, person, world->next_seq);
    model->last_seq[0] = world->next_seq++;
    model_note(&world->model, person,
               &(struct account_log_entry){ .event = ACCOUNT_LOG_CONTACT_PUT, .device_id = 1 });
}

void *factor_steps_begin(void)
{
    struct factor_world *world = factor_world_open();

    arrive(world, 0);
    arrive(world, 1);
    return world;
}

void factor_steps_end(void *world)
{
    factor_world_close(world);
}

void step_arrive(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;

    (void)choices;
    for (size_t i = 0; i < MODEL_PEOPLE; i++) {
        if (world->model.people[i].presence == MODEL_TO_COME) {
            arrive(world, i);
            walk_say(walk, "person %zu", i);
            return;
        }
    }
}

/* The newest grant that would do for a step-up; NULL: none. */
const struct model_grant *step_good_grant(const struct factor_world *world, size_t person)
{
    const struct factor_model *model = &world->model;
    bool needs = model_enrolled(&model->people[person]) != 0;

    for (size_t i = model->grant_count; i > 0; i--) {
        const struct model_grant *grant = &model->grants[i - 1];

        if (grant->person == person && grant->purpose == TXN_STEPUP && !grant->is_gone &&
            grant->expires_at > model_now_s(model) && (grant->kind != FACTOR_CODE || !needs)) {
            return grant;
        }
    }
    return NULL;
}

/* The last grant that a person was given, good or not; any where there is none. */
int step_last_grant(const struct factor_world *world, size_t person, uint32_t choice)
{
    for (size_t i = world->model.grant_count; i > 0 && choice % 4 != 0; i--) {
        if (world->model.grants[i - 1].person == person) {
            return (int)i - 1;
        }
    }
    return step_recent(world->model.grant_count, choice / 4);
}

/* A command: sometimes of the wrong device, an old one, with a grant that is no good. */
struct model_command step_command(struct factor_world *world, size_t person, uint32_t choice,
                                  struct grant *grant)
{
    const struct model_grant *good = step_good_grant(world, person);
    int any = step_last_grant(world, person, choice / 1024);
    struct model_command command = { .person = person,
                                     .device = choice % 16 == 0 ? 1 : 0,
                                     .seq = world->next_seq++ };

    if (choice / 16 % 16 == 0) {
        command.seq = world->model.people[person].last_seq[command.device];
    }
    if (choice / 256 % 4 < 2 && good != NULL) {
        *grant = good->grant;
        command.grant = grant;
    } else if (choice / 256 % 4 == 2 && any != STEP_NONE) {
        *grant = world->model.grants[any].grant;
        command.grant = grant;
    } else if (choice / 1024 % 16 == 0) {
        random_fill(grant->raw, sizeof grant->raw);
        command.grant = grant;
    }
    return command;
}

static void hear_effect(struct walk *walk, struct factor_world *world,
                        const struct model_command *command)
{
    if (command->grant != NULL) {
        referee_effect(&world->referee, command->grant, command->person, TXN_STEPUP,
                       model_now_s(&world->model));
    }
    if (world->referee.fault != NULL) {
        walk_fail(walk, "the referee saw %s", world->referee.fault);
    }
}

static void say_command(struct walk *walk, const char *what, const struct model_command *command,
                        int result)
{
    walk_say(walk, "%s: person %zu, device %zu, seq %" PRId64 "%s: result %d", what,
             command->person, command->device + 1, command->seq,
             command->grant == NULL ? "" : ", with a grant", result);
}

/* Whose commands it is: somebody who is here; false: nobody. */
bool step_commander(const struct factor_world *world, uint32_t choice, size_t *out)
{
    *out = step_person(world, choice);
    for (size_t i = 0; i < MODEL_PEOPLE && world->model.people[*out].presence != MODEL_HERE; i++) {
        *out = (*out + 1) % MODEL_PEOPLE;
    }
    return world->model.people[*out].presence == MODEL_HERE && model_has_room(&world->model);
}

/* What was made becomes the model's last factor. */
static void keep_factor(struct factor_world *world, size_t person, uint8_t number,
                        const struct heard_factor *heard)
{
    struct model_person *model = &world->model.people[person];
    struct model_factor *factor = &model->factors[model->factor_count - 1];

    factor->id = heard->factor_id;
    factor->number = number;
    memcpy(factor->secret, heard->secret, sizeof factor->secret);
    memcpy(factor->codes, heard->codes, sizeof factor->codes);
    memcpy(factor->response, heard->response, sizeof factor->response);
    memcpy(factor->challenge, heard->challenge, sizeof factor->challenge);
}

void step_enrol(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    static const enum factor_kind kinds[] = { FACTOR_TOTP,          FACTOR_TOTP,
                                              FACTOR_RECOVERY_CODE, FACTOR_PASSWORD,
                                              FACTOR_PASSWORD,      FACTOR_WEBAUTHN,
                                              FACTOR_WEBAUTHN };
    struct factor_world *world = arg;
    enum factor_kind kind = kinds[choices[1] % (sizeof kinds / sizeof kinds[0])];
    struct grant grant;
    size_t person = 0;

    if (!step_commander(world, choices[0], &person)) {
        return;
    }
    const struct model_command command = step_command(world, person, choices[2], &grant);
    struct heard_factor heard = world_enrol(world, choices[3], &command, kind);
    struct model_person *model = &world->model.people[person];

    say_command(walk, factor_kind_text(kind), &command, (int)heard.result);
    walk_expect(walk, "enrol", heard.result, model_enrol(&world->model, &command, kind));
    if (heard.result == FACTORS_REPLAYED) {
        walk_expect(walk, "last seq", heard.last_seq, model->last_seq[command.device]);
    }
    if (heard.result == FACTORS_DONE && !walk_has_failed(walk)) {
        keep_factor(world, person, (uint8_t)(1 + choices[1] / 8 % 200), &heard);
        hear_effect(walk, world, &command);
    }
}

/* A factor of a person, a pending one if it may be; NULL: there is none. */
static const struct model_factor *factor_of(const struct factor_world *world, size_t person,
                                            uint32_t choice, bool is_pending)
{
    const struct model_person *model = &world->model.people[person];

    for (size_t i = 0; is_pending && i < model->factor_count; i++) {
        const struct model_factor *factor = &model->factors[(choice / 8 + i) % model->factor_count];

        if (!factor->is_confirmed) {
            return factor;
        }
    }
    return model->factor_count == 0 ? NULL : &model->factors[choice / 8 % model->factor_count];
}

/* Somebody who has an app to confirm, or person. */
static size_t with_pending(const struct factor_world *world, size_t person)
{
    for (size_t i = 0; i < MODEL_PEOPLE * (size_t)MODEL_FACTORS; i++) {
        const struct model_person *each = &world->model.people[i / MODEL_FACTORS];
        size_t at = i % MODEL_FACTORS;

        if (at < each->factor_count && !each->factors[at].is_confirmed) {
            return i / MODEL_FACTORS;
        }
    }
    return person;
}

/* What confirms a factor; sometimes what does not. */
static struct model_proof proof_of(const struct factor_world *world,
                                   const struct model_factor *factor, uint32_t choice)
{
    static const int64_t steps[] = { 0, 0, 0, 1, -1, 2 };

    return (struct model_proof){
        .kind = choice % 16 == 0 ? FACTOR_TOTP : factor->kind,
        .code =
            totp_code(factor->secret, world->model.now_ms / TOTP_STEP_MS + steps[choice / 16 % 6]),
        .number = (uint8_t)(1 + choice / 128 % 4), /* few, so that some come twice */
        .is_other = choice / 512 % 8 == 0,
    };
}

/* A step of an app that confirmed it is used, too. */
static void hear_confirmed(struct factor_world *world, size_t person, const struct factor_id *id)
{
    const struct model_factor *factor = world->model.people[person].factors;

    while (memcmp(&factor->id, id, sizeof *id) != 0) {
        factor++;
    }
    if (factor->kind == FACTOR_TOTP) {
        referee_took(&world->referee, bytes_of(id->raw, sizeof id->raw),
                     bytes_of(&factor->counter, sizeof factor->counter));
    }
}

void step_confirm(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;
    const struct model_factor *factor = NULL;
    struct grant grant;
    size_t person = 0;

    if (step_commander(world, choices[0], &person)) {
        person = choices[1] % 4 == 2 ? person : with_pending(world, person);
        factor = factor_of(world, choices[1] % 8 == 0 ? step_person(world, choices[1]) : person,
                           choices[1], choices[1] % 8 != 1);
    }
    if (factor == NULL || factor->kind == FACTOR_RECOVERY_CODE) {
        return;
    }
    struct model_command command = step_command(world, person, choices[2], &grant);
    const struct model_proof proof = proof_of(world, factor, choices[3]);
    const struct factor_id id = factor->id;
    struct heard_factor heard;

    command.grant = NULL; /* it takes none */
    heard = world_confirm(world, choices[3] / 1024, &command, factor, &proof);
    say_command(walk, "confirm", &command, (int)heard.result);
    walk_expect(walk, "confirm", heard.result, model_confirm(&world->model, &command, &id, &proof));
    if (heard.result == FACTORS_DONE && !walk_has_failed(walk)) {
        hear_confirmed(world, person, &id);
        hear_effect(walk, world, &command);
    }
}

void step_remove(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;
    const struct model_factor *factor = NULL;
    struct grant grant;
    struct factor_id id;
    size_t person = 0;

    if (step_commander(world, choices[0], &person)) {
        factor = factor_of(world, choices[1] % 8 == 0 ? step_person(world, choices[1]) : person,
                           choices[1], false);
    }
    if (factor == NULL) {
        return;
    }
    const struct model_command command = step_command(world, person, choices[2], &grant);
    id = factor->id;
    struct heard_factor heard = world_remove(world, choices[3], &command, &id);

    say_command(walk, "remove", &command, (int)heard.result);
    walk_expect(walk, "remove", heard.result, model_remove(&world->model, &command, &id));
    if (heard.result == FACTORS_DONE) {
        hear_effect(walk, world, &command);
    }
}

/* A command that ends something of a person as a whole; false: it was not done. */
struct ending {
    const char *what;
    enum factors_result (*run)(struct factor_world *world, uint32_t choice,
                               const struct model_command *command);
    enum factors_result (*expect)(struct factor_model *model, const struct model_command *command);
};

static bool step_end(struct walk *walk, struct factor_world *world, const uint32_t *choices,
                     const struct ending *ending, size_t *out_person)
{
    struct grant grant;

    if (!step_commander(world, choices[0], out_person)) {
        return false;
    }
    const struct model_command command = step_command(world, *out_person, choices[2], &grant);
    enum factors_result result = ending->run(world, choices[3], &command);

    say_command(walk, ending->what, &command, (int)result);
    walk_expect(walk, ending->what, result, ending->expect(&world->model, &command));
    if (result == FACTORS_DONE) {
        hear_effect(walk, world, &command);
    }
    return result == FACTORS_DONE;
}

static enum factors_result release_result(enum handles_result result)
{
    switch (result) {
    case HANDLES_DONE:
        return FACTORS_DONE;
    case HANDLES_REPLAYED:
        return FACTORS_REPLAYED;
    case HANDLES_NOT_ADMIN:
        return FACTORS_NOT_ADMIN;
    case HANDLES_STEPUP:
        return FACTORS_STEPUP;
    case HANDLES_UNKNOWN:
        return FACTORS_UNKNOWN;
    case HANDLES_PRESENT:
    case HANDLES_INVALID:
    case HANDLES_TAKEN:
    case HANDLES_SEQ:
    case HANDLES_TOO_MANY:
    case HANDLES_UNAVAILABLE:
    case HANDLES_STORAGE_FULL:
        break;
    }
    return FACTORS_UNAVAILABLE;
}

static enum factors_result run_release(struct factor_world *world, uint32_t choice,
                                       const struct model_command *command)
{
    return release_result(world_release(world, choice, command));
}

void step_release(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    const struct ending release = { "release", run_release, model_release };
    size_t person = 0;

    (void)step_end(walk, arg, choices, &release, &person);
}

static enum factors_result erase_result(enum accounts_result result)
{
    switch (result) {
    case ACCOUNTS_DONE:
        return FACTORS_DONE;
    case ACCOUNTS_REPLAYED:
        return FACTORS_REPLAYED;
    case ACCOUNTS_NOT_ADMIN:
        return FACTORS_NOT_ADMIN;
    case ACCOUNTS_STEPUP:
        return FACTORS_STEPUP;
    case ACCOUNTS_PRESENT:
    case ACCOUNTS_MANIFEST_INVALID:
    case ACCOUNTS_REGISTRATION_CLOSED:
    case ACCOUNTS_INVITE_INVALID:
    case ACCOUNTS_KEY_USED:
    case ACCOUNTS_ERASED:
    case ACCOUNTS_UNKNOWN:
    case ACCOUNTS_HELD:
    case ACCOUNTS_UNAVAILABLE:
    case ACCOUNTS_STORAGE_FULL:
        break;
    }
    return FACTORS_UNAVAILABLE;
}

static enum factors_result run_erase(struct factor_world *world, uint32_t choice,
                                     const struct model_command *command)
{
    return erase_result(world_erase(world, choice, command).result);
}

void step_erase(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    const struct ending erase = { "erase", run_erase, model_erase };
    struct factor_world *world = arg;
    size_t person = 0;

    if (step_end(walk, world, choices, &erase, &person)) {
        referee_erased(&world->referee, person);
    }
}

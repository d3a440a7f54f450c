/* SPDX-License-Identifier: Apache-2.0 */
/* What devices see; and time. */
#include <inttypes.h>
#include <string.h>

#include "tests/domain/support/factor_steps.h"
#include "tests/domain/support/ways_steps.h"
#include "tests/domain/support/ways_world.h"

enum {
    HOUR_S = 3600,
    DAY_S = 86400
};

static void look_at_factors(struct walk *walk, struct factor_world *world, size_t person,
                            uint32_t choice)
{
    const struct world_factors got = world_factors(world, choice, person);
    const struct model_person *model = &world->model.people[person];

    walk_expect(walk, "factors", (int64_t)got.count, (int64_t)model->factor_count);
    for (size_t i = 0; i < got.count && !walk_has_failed(walk); i++) {
        const struct factors_view *view = &got.views[i];
        const struct model_factor *factor = model->factors;
        const struct model_factor *end = model->factors + model->factor_count;

        while (factor < end && memcmp(&factor->id, &view->factor_id, sizeof factor->id) != 0) {
            factor++;
        }
        if (factor == end) {
            walk_fail(walk, "a factor that nobody enrolled");
            return;
        }
        walk_expect(walk, "kind of a factor", view->kind, factor->kind);
        walk_expect(walk, "confirmed", view->is_confirmed, factor->is_confirmed);
        walk_expect(walk, "codes left", view->codes_left, (int64_t)model_codes_left(factor));
    }
}

static void look_at_log(struct walk *walk, struct factor_world *world, size_t person,
                        uint32_t choice)
{
    const struct world_log got = world_log(world, choice, person);
    const struct model_person *model = &world->model.people[person];
    size_t wanted = model->log_count < ACCOUNT_LOG_PAGE ? model->log_count : ACCOUNT_LOG_PAGE;

    walk_expect(walk, "lines of the log", (int64_t)got.count, (int64_t)wanted);
    for (size_t i = 0; i < got.count && !walk_has_failed(walk); i++) {
        const struct account_log_entry *entry = &got.entries[i];

        walk_expect(walk, "event in the log", entry->event, model->log[i].event);
        walk_expect(walk, "kind in the log", entry->kind, model->log[i].kind);
        walk_expect(walk, "purpose in the log", entry->purpose, model->log[i].purpose);
        walk_expect(walk, "device in the log", entry->device_id, model->log[i].device_id);
        walk_expect(walk, "hour in the log", entry->at, model->log[i].at);
    }
}

static void look_at_codes(struct walk *walk, struct factor_world *world, size_t person,
                          uint32_t choice)
{
    const struct world_codes got = world_codes(world, choice, person);
    const struct factor_model *model = &world->model;
    size_t wanted = 0;

    for (size_t i = 0; i < model->challenge_count; i++) {
        const struct model_challenge *challenge = &model->challenges[i];
        bool is_there = false;

        if (model->txns[challenge->txn].person != person || !model_is_shown(model, i)) {
            continue;
        }
        wanted++;
        for (size_t n = 0; n < got.count; n++) {
            is_there = is_there || strcmp(got.codes[n].code.digits, challenge->code.digits) == 0;
        }
        if (!is_there && challenge->code.digits[0] != '\0' && got.count < LIMIT_CODES_HOUR) {
            walk_fail(walk, "the code of challenge %zu is not shown", i);
        }
    }
    walk_expect(walk, "codes shown", (int64_t)got.count,
                (int64_t)(wanted < LIMIT_CODES_HOUR ? wanted : LIMIT_CODES_HOUR));
}

void step_look(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;
    size_t person = step_person(world, choices[0]);

    if (world->model.people[person].presence == MODEL_HERE) {
        walk_say(walk, "person %zu", person);
        look_at_factors(walk, world, person, choices[1]);
        look_at_log(walk, world, person, choices[1]);
        look_at_codes(walk, world, person, choices[1]);
    }
}

/* To the end of the newest grant, transaction or way, or a second before; false: none is to come. */
static bool go_to_an_end(struct factor_model *model, uint32_t choice)
{
    int64_t end = 0;

    if (choice / 4 % 2 == 0) {
        end = ways_an_end(model, choice / 8);
    } else if (choice % 4 < 2 && model->grant_count > 0) {
        end = model->grants[model->grant_count - 1].expires_at;
    } else if (model->txn_count > 0) {
        end = model->txns[model->txn_count - 1].expires_at;
    }
    end -= choice % 2;
    if (end <= model_now_s(model)) {
        return false;
    }
    model->now_ms = end * 1000;
    return true;
}

void step_clock(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    static const int64_t seconds[] = { 1,
                                       30,
                                       31,
                                       LIMIT_GRANT_S - 1,
                                       LIMIT_GRANT_S,
                                       LIMIT_TXN_S - 1,
                                       LIMIT_TXN_S,
                                       HOUR_S - LIMIT_TXN_S,
                                       HOUR_S,
                                       DAY_S - 1,
                                       DAY_S,
                                       DAY_S,
                                       INT64_C(10) * DAY_S,
                                       LIMIT_GUESS_MONTH_S };
    struct factor_world *world = arg;
    int64_t by_s = seconds[choices[0] % (sizeof seconds / sizeof seconds[0])];

    if (choices[3] % 4 == 0 && go_to_an_end(&world->model, choices[1])) {
        walk_say(walk, "to an end, now %" PRId64, world->model.now_ms);
        return;
    }
    if (choices[1] % 4 != 0 && by_s > 31) {
        by_s = 1 + choices[1] / 2 % 60;
    }
    world->model.now_ms += by_s * 1000 + choices[2] % 3;
    walk_say(walk, "%" PRId64 " s, now %" PRId64, by_s, world->model.now_ms);
}

void step_back(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    static const int64_t seconds[] = { 1, 30, LIMIT_GRANT_S, LIMIT_TXN_S, HOUR_S, DAY_S };
    struct factor_world *world = arg;
    int64_t by_s = seconds[choices[0] % (sizeof seconds / sizeof seconds[0])];

    world->model.now_ms -= by_s * 1000;
    walk_say(walk, "%" PRId64 " s, now %" PRId64, by_s, world->model.now_ms);
}

void step_purge(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;

    (void)walk;
    ways_world_purge(world, choices[0]);
    ways_expire(&world->model);
    world_purge(world, choices[0]);
    model_purge(&world->model);
    referee_purge(&world->referee, model_now_s(&world->model));
}

void step_restart(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    (void)walk;
    world_restart(arg, choices[0]);
}

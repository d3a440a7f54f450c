/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "common/random.h"
#include "tests/domain/support/ways_steps.h"
#include "tests/domain/support/ways_world.h"

static const char *const acts[] = { "read", "claim", "candidate", "sign", "deny" };

/* The newest grant of a person's for a purpose that is not over; NULL: none. */
static const struct model_grant *good_grant(const struct factor_model *model, size_t person,
                                            enum txn_purpose purpose)
{
    for (size_t i = model->grant_count; i > 0; i--) {
        const struct model_grant *grant = &model->grants[i - 1];

        if (grant->person == person && grant->purpose == purpose && !grant->is_gone &&
            grant->expires_at > model_now_s(model)) {
            return grant;
        }
    }
    return NULL;
}

static const struct grant *choose_grant(const struct factor_world *world, size_t person,
                                        enum txn_purpose purpose, uint32_t choice,
                                        struct grant *out)
{
    const struct factor_model *model = &world->model;
    const struct model_grant *good = good_grant(model, person, purpose);
    int any = step_last_grant(world, person, choice / 16);

    if (choice % 4 < 2 && good != NULL) {
        *out = good->grant;
    } else if (choice % 4 == 2 && any != STEP_NONE) {
        *out = model->grants[any].grant;
    } else if (choice / 4 % 8 == 0) {
        random_fill(out->raw, sizeof out->raw);
    } else {
        return NULL;
    }
    return out;
}

/* Mostly one of two, so that limits are reached; or whoever has a grant for it. */
static size_t choose_person(const struct factor_world *world, enum txn_purpose purpose,
                            uint32_t choice)
{
    const struct factor_model *model = &world->model;

    for (size_t i = model->grant_count; i > 0 && choice % 4 == 0; i--) {
        if (good_grant(model, model->grants[i - 1].person, purpose) != NULL) {
            return model->grants[i - 1].person;
        }
    }
    return choice % 4 == 1 ? step_person(world, choice / 4) : choice / 4 % 2;
}

bool ways_order_of(struct walk *walk, struct factor_world *world, enum txn_purpose purpose,
                   const uint32_t choices[WALK_CHOICES], struct grant *grant,
                   struct ways_order *out)
{
    out->asks = true;
    out->who = (struct model_who){ .person = choose_person(world, purpose, choices[0] / 32),
                                   .by_handle = choices[0] / 4 % 8 == 0 };
    out->grant = choose_grant(world, out->who.person, purpose, choices[1], grant);
    if (!ways_know(&world->model, out)) { /* look first whether anything seems to be enrolled */
        (void)step_new_txn(walk, world, &out->who, purpose, choices[2]);
    }
    return ways_know(&world->model, out) && ways_have_room(&world->model) &&
           model_has_room(&world->model);
}

static void check_referee(struct walk *walk, const struct factor_world *world)
{
    if (world->referee.fault != NULL) {
        walk_fail(walk, "the referee saw %s", world->referee.fault);
    }
}

void ways_hear_grant(struct walk *walk, struct factor_world *world, const struct ways_order *order,
                     enum txn_purpose purpose)
{
    if (order->grant != NULL) {
        referee_effect(&world->referee, order->grant, order->who.person, purpose,
                       model_now_s(&world->model));
    }
    check_referee(walk, world);
}

static void keep_link(struct walk *walk, struct factor_world *world, const struct heard_way *heard)
{
    struct model_link *link = &world->model.ways.links[world->model.ways.link_count - 1];

    walk_expect(walk, "end of a link", heard->expires_at, link->expires_at);
    link->id = heard->link_id;
    link->token_hash = heard->token_hash;
    memcpy(link->seed, heard->seed, sizeof link->seed);
}

void step_link_begin(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;
    struct ways_order order = { .asks = false };
    struct ways_link_outcome wanted;
    struct heard_way heard;
    struct grant grant;

    if (choices[0] % 4 == 0 ? !ways_have_room(&world->model)
                            : !ways_order_of(walk, world, TXN_LINK, choices, &grant, &order)) {
        return;
    }
    heard = ways_world_begin_link(world, choices[3], &order);
    wanted = ways_link_begin(&world->model, &order);
    walk_say(walk, "link %zu for %s %zu%s: result %d, wait %" PRId64,
             world->model.ways.link_count - 1, order.asks ? "person" : "nobody", order.who.person,
             order.grant == NULL ? "" : ", with a grant", (int)heard.result, heard.retry_s);
    walk_expect(walk, "begin a link", heard.result, wanted.result);
    walk_expect(walk, "wait for a prompt", heard.retry_s, wanted.retry_s);
    walk_expect(walk, "version of a link", heard.version, wanted.version);
    if (heard.result != LINKS_DONE || walk_has_failed(walk)) {
        return;
    }
    keep_link(walk, world, &heard);
    if (order.asks) {
        referee_prompt(&world->referee, model_subject_of(&world->model, &order.who),
                       model_now_s(&world->model));
        ways_hear_grant(walk, world, &order, TXN_LINK);
    }
}

/* Mostly one that is under way. */
static int choose_link(const struct factor_model *model, uint32_t choice)
{
    uint32_t skipped = choice / 8 % 4;

    for (size_t i = model->ways.link_count; i > 0 && choice % 8 != 0; i--) {
        const struct model_link *link = &model->ways.links[i - 1];

        if (link->state < LINK_DONE && link->expires_at > model_now_s(model) && skipped-- == 0) {
            return (int)i - 1;
        }
    }
    return step_recent(model->ways.link_count, choice);
}

/* Mostly what comes next. */
static enum ways_link_act choose_act(const struct model_link *link, uint32_t choice)
{
    if (choice % 8 == 0) {
        return (enum ways_link_act)(choice / 8 % (sizeof acts / sizeof acts[0]));
    }
    switch (link->state) {
    case LINK_CREATED:
        return WAYS_LINK_CLAIM;
    case LINK_CLAIMED:
        return WAYS_LINK_CANDIDATE;
    case LINK_CANDIDATE:
        return WAYS_LINK_SIGN;
    case LINK_DONE:
        return choice / 8 % 2 == 0 ? WAYS_LINK_SIGN : WAYS_LINK_READ;
    case LINK_SIGNED:
    case LINK_EXPIRED:
    case LINK_DENIED:
        break;
    }
    return WAYS_LINK_READ;
}

/* Who takes it: mostly whose it is; false: nobody can. */
static bool choose_side(const struct factor_world *world, enum ways_link_act act, uint32_t choice,
                        struct ways_link_step *step)
{
    const struct model_ways *ways = &world->model.ways;
    const struct model_link *link = &ways->links[step->link];

    step->is_new = act == WAYS_LINK_SIGN ||
                   (act != WAYS_LINK_CLAIM && act != WAYS_LINK_CANDIDATE && choice % 2 == 0);
    step->by = choice / 2 % 16 == 0 ? (size_t)step_recent(ways->link_count, choice) : step->link;
    step->device = choice / 32 % 16 == 0 ? 1 : 0;
    if (link->person != WAYS_NOBODY && choice / 512 % 8 != 0) {
        step->person = (size_t)link->person;
        return true;
    }
    return step_commander(world, choice / 512, &step->person);
}

static void hear_step(struct walk *walk, struct factor_world *world, enum ways_link_act act,
                      const struct ways_link_step *step, const struct heard_way *heard)
{
    static struct ways_link_outcome (*const rules[])(struct factor_model * model,
                                                     const struct ways_link_step *step) = {
        NULL, ways_link_claim, ways_link_candidate, ways_link_sign, ways_link_deny
    };
    const struct model_link *link = &world->model.ways.links[step->link];
    bool was_done = link->state == LINK_DONE;
    struct ways_link_outcome wanted = act == WAYS_LINK_READ ? ways_link_read(&world->model, step)
                                                            : rules[act](&world->model, step);

    walk_expect(walk, acts[act], heard->result, wanted.result);
    walk_expect(walk, "state of a link", heard->state, wanted.state);
    walk_expect(walk, "version of a link", heard->version, wanted.version);
    if (act != WAYS_LINK_READ && heard->result == LINKS_DONE && !was_done &&
        heard->state != LINK_DENIED && link->expires_at <= model_now_s(&world->model)) {
        walk_fail(walk, "a step of a link that is over");
    }
    if (!walk_has_failed(walk) && link->state == LINK_DONE && !was_done) {
        ways_world_linked(world, step->link);
    }
}

void step_link(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;
    int at = choose_link(&world->model, choices[0]);
    struct ways_link_step step = { .by = 0 };
    enum ways_link_act act = WAYS_LINK_READ;
    struct heard_way heard;

    if (at == STEP_NONE) {
        return;
    }
    step.link = (size_t)at;
    step.version = world->model.ways.links[at].version;
    step.version += choices[3] % 8 == 0 ? (choices[3] / 8 % 2 == 0 ? 1 : -1) : 0;
    act = choose_act(&world->model.ways.links[at], choices[1]);
    if (!choose_side(world, act, choices[2], &step) ||
        world->people[step.person].device_count > LIMIT_MANIFEST_DEVICES / 2) {
        return;
    }
    heard = ways_world_link(world, choices[3] / 16, act, &step);
    walk_say(walk, "%s link %d at %" PRId64 " by %s %zu, device %zu: result %d, state %d",
             acts[act], at, step.version, step.is_new ? "the new side of" : "person",
             step.is_new ? step.by : step.person, step.device + 1, (int)heard.result,
             (int)heard.state);
    hear_step(walk, world, act, &step, &heard);
}

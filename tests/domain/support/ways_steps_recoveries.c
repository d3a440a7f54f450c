/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "tests/domain/support/ways_steps.h"
#include "tests/domain/support/ways_world.h"

static const char *const acts[] = { "read",   "exchange", "reveal", "release",
                                    "cancel", "answer",   "packet" };

static void check_referee(struct walk *walk, const struct factor_world *world)
{
    if (world->referee.fault != NULL) {
        walk_fail(walk, "the referee saw %s", world->referee.fault);
    }
}

static bool has_until(enum recoveries_result result)
{
    return result == RECOVERIES_OPEN || result == RECOVERIES_RATE_LIMITED ||
           result == RECOVERIES_EARLY;
}

static void keep_recovery(struct walk *walk, struct factor_world *world,
                          const struct heard_recovered *heard)
{
    struct model_ways *ways = &world->model.ways;
    struct model_recovery *recovery = &ways->recoveries[ways->recovery_count - 1];

    walk_expect(walk, "wait of a recovery", heard->wait_until, recovery->wait_until);
    walk_expect(walk, "end of a recovery", heard->expires_at, recovery->expires_at);
    recovery->id = heard->id;
    recovery->token = heard->token;
}

void step_recovery_begin(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;
    struct ways_recovery_outcome wanted;
    struct heard_recovered heard;
    struct ways_order order;
    struct grant grant;

    if (!ways_order_of(walk, world, TXN_RECOVER, choices, &grant, &order)) {
        return;
    }
    heard = ways_world_begin_recovery(world, choices[3], &order);
    wanted = ways_recovery_begin(&world->model, &order);
    walk_say(walk, "recovery %zu of person %zu%s%s: result %d, until %" PRId64,
             world->model.ways.recovery_count - 1, order.who.person,
             order.who.by_handle ? " by handle" : "", order.grant == NULL ? "" : ", with a grant",
             (int)heard.result, heard.until);
    walk_expect(walk, "begin a recovery", heard.result, wanted.result);
    if (has_until(heard.result)) {
        walk_expect(walk, "until", heard.until, wanted.until);
    }
    if (heard.result == RECOVERIES_DONE && !walk_has_failed(walk)) {
        keep_recovery(walk, world, &heard);
        ways_hear_grant(walk, world, &order, TXN_RECOVER);
    }
}

static int choose_recovery(const struct factor_model *model, uint32_t choice)
{
    uint32_t skipped = choice / 8 % 2;

    for (size_t i = model->ways.recovery_count; i > 0 && choice % 8 != 0; i--) {
        const struct model_recovery *each = &model->ways.recoveries[i - 1];

        if (each->state == RECOVERIES_STATE_OPEN && each->expires_at > model_now_s(model) &&
            skipped-- == 0) {
            return (int)i - 1;
        }
    }
    return step_recent(model->ways.recovery_count, choice);
}

/* Mostly what comes next. */
static enum recoveries_act choose_act(const struct model_recovery *recovery, uint32_t choice)
{
    if (choice % 8 == 0 || recovery->state != RECOVERIES_STATE_OPEN) {
        return (enum recoveries_act)(choice / 8 % (sizeof acts / sizeof acts[0]));
    }
    if (choice % 32 == 1) {
        return RECOVERIES_CANCEL;
    }
    return recovery->slot != 0             ? RECOVERIES_RELEASE
           : recovery->random != 0         ? RECOVERIES_PACKET
           : recovery->contact_random != 0 ? RECOVERIES_REVEAL
           : recovery->commit != 0         ? RECOVERIES_ANSWER
                                           : RECOVERIES_EXCHANGE;
}

static bool needs_token(enum recoveries_act act, uint32_t choice)
{
    return act == RECOVERIES_EXCHANGE || act == RECOVERIES_REVEAL || act == RECOVERIES_RELEASE ||
           ((act == RECOVERIES_READ || act == RECOVERIES_CANCEL) && choice % 4 == 0);
}

/* Who takes it, and what is said; false: nobody can. */
static bool choose_step(struct factor_world *world, const uint32_t choices[WALK_CHOICES],
                        struct ways_recovery_step *step)
{
    const struct model_ways *ways = &world->model.ways;
    const struct model_recovery *recovery = &ways->recoveries[step->recovery];
    uint32_t other = choices[2];

    step->by_token = needs_token(step->act, choices[1] / 64);
    step->by = other % 16 == 0 ? (size_t)step_recent(ways->recovery_count, other) : step->recovery;
    step->exchange = recovery->exchange + (step->act == RECOVERIES_EXCHANGE ? 1 : 0);
    step->exchange += other / 16 % 16 == 0 ? 1 : 0;
    step->byte = (uint8_t)(1 + other / 256 % 2);
    step->slot = other / 512 % 4 == 0 ? 1 + other / 2048 % LIMIT_RECOVERY_SLOTS : WAYS_SLOT;
    step->device = choices[3] % 4 == 0 ? 1 : 0;
    if (!step_commander(world, choices[3] / 64, &step->person)) {
        return false;
    }
    if (recovery->person != WAYS_NOBODY && choices[3] / 4 % 4 != 0) {
        step->person = (size_t)recovery->person;
    }
    step->mailbox = recovery->contact != 0 && choices[3] / 16 % 4 != 0
                        ? recovery->contact
                        : world->mailboxes[step->person][step->device];
    step->seq = choices[3] / 1024 % 8 == 0
                    ? world->model.people[step->person].last_seq[step->device]
                    : world->next_seq++;
    return true;
}

static void hear_share(struct walk *walk, struct factor_world *world, size_t at, bool is_share,
                       const struct heard_recovered *heard)
{
    const struct model_recovery *recovery = &world->model.ways.recoveries[at];
    uint8_t share[RECOVERY_A_BYTES];
    bool is_same = false;

    ways_share_of(recovery->person == WAYS_NOBODY ? 0 : (size_t)recovery->person, share);
    is_same = memcmp(share, heard->share, sizeof share) == 0;
    walk_expect(walk, "a share", heard->has_share, true);
    walk_expect(walk, "the account's share", is_same, is_share);
    if (world->model.now_ms < (recovery->created_at + WAYS_WAIT_S) * 1000) {
        walk_fail(walk, "a share before the wait is over");
    }
    referee_released(&world->referee, at);
}

static void hear_step(struct walk *walk, struct factor_world *world,
                      const struct ways_recovery_step *step, const struct heard_recovered *heard)
{
    const struct ways_recovery_outcome wanted = ways_recovery_do(&world->model, step);

    walk_expect(walk, acts[step->act], heard->result, wanted.result);
    if (has_until(heard->result)) {
        walk_expect(walk, "until", heard->until, wanted.until);
    }
    if (heard->result == RECOVERIES_ENDED ||
        (heard->result == RECOVERIES_DONE && step->act == RECOVERIES_READ)) {
        walk_expect(walk, "state of a recovery", heard->state, wanted.state);
    }
    if (heard->result == RECOVERIES_REPLAYED) {
        walk_expect(walk, "last seq", heard->last_seq,
                    world->model.people[step->person].last_seq[step->device]);
    }
    if (heard->result == RECOVERIES_DONE && step->act == RECOVERIES_RELEASE) {
        hear_share(walk, world, step->recovery, wanted.is_share, heard);
    }
    if (heard->result == RECOVERIES_DONE && step->act == RECOVERIES_CANCEL) {
        referee_ended(&world->referee, step->recovery);
    }
    check_referee(walk, world);
}

void step_recovery(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;
    int at = choose_recovery(&world->model, choices[0]);
    struct ways_recovery_step step = { .by = 0 };
    struct heard_recovered heard;

    if (at == STEP_NONE) {
        return;
    }
    step.recovery = (size_t)at;
    step.act = choose_act(&world->model.ways.recoveries[at], choices[1]);
    if (!choose_step(world, choices, &step)) {
        return;
    }
    heard = ways_world_recovery(world, choices[0] / 64, &step);
    walk_say(walk, "%s recovery %d by %s %zu: result %d, until %" PRId64, acts[step.act], at,
             step.by_token ? "the token of" : "person", step.by_token ? step.by : step.person,
             (int)heard.result, heard.until);
    hear_step(walk, world, &step, &heard);
}

void step_recovery_key(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;
    const struct model_ways *ways = &world->model.ways;
    size_t person = 0;

    if (!step_commander(world, choices[0], &person)) {
        return;
    }
    ways_world_recovery_key(world, choices[1], person);
    walk_say(walk, "person %zu", person);
    for (size_t i = 0; i < ways->recovery_count; i++) {
        if (ways->recoveries[i].person == (int)person) {
            referee_ended(&world->referee, i);
        }
    }
    ways_recovery_key(&world->model, person);
}

void step_asleep(struct walk *walk, void *arg, const uint32_t choices[WALK_CHOICES])
{
    struct factor_world *world = arg;

    (void)choices;
    world->model.ways.awake_ms = world->model.now_ms;
    walk_say(walk, "until %" PRId64, world->model.now_ms);
}

/* When the oldest prompt that counts has had its hour. */
static int64_t prompt_end(const struct model_ways *ways)
{
    size_t count = ways->prompt_count;

    return count < LIMIT_LINK_PROMPTS
               ? 0
               : ways->prompts[count - LIMIT_LINK_PROMPTS].at + LIMIT_LINK_PROMPTS_S;
}

int64_t ways_an_end(const struct factor_model *model, uint32_t choice)
{
    const struct model_ways *ways = &model->ways;
    const struct model_recovery *recovery =
        ways->recovery_count == 0 ? NULL : &ways->recoveries[ways->recovery_count - 1];

    if (choice % 4 == 0) {
        return prompt_end(ways);
    }
    if (choice % 4 == 1 || recovery == NULL) {
        return ways->link_count == 0 ? 0 : ways->links[ways->link_count - 1].expires_at;
    }
    return choice / 4 % 4 == 0 ? recovery->expires_at : recovery->wait_until;
}

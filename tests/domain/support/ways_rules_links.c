/* SPDX-License-Identifier: Apache-2.0 */
/* Links, and whom they ask. */
#include "common/check.h"
#include "common/limits.h"
#include "tests/domain/support/ways_rules.h"

static void note(struct factor_model *model, int person, enum account_log_event event,
                 uint32_t device_id)
{
    if (person != WAYS_NOBODY) {
        model_note(model, (size_t)person,
                   &(struct account_log_entry){ .event = event, .device_id = device_id });
    }
}

bool ways_have_room(const struct factor_model *model)
{
    const size_t most = WAYS_ROOM - 4;

    return model->ways.link_count < most && model->ways.prompt_count < most &&
           model->ways.recovery_count < most;
}

bool ways_know(const struct factor_model *model, const struct ways_order *order)
{
    return !order->asks || model_is_real(model, &order->who) ||
           model->subjects[model_subject_of(model, &order->who)].is_seen;
}

static bool seems_enrolled(const struct factor_model *model, const struct ways_order *order)
{
    return model_is_real(model, &order->who)
               ? model_enrolled(&model->people[order->who.person]) != 0
               : model->subjects[model_subject_of(model, &order->who)].seeming != 0;
}

/* Say whether an order has what it needs: nothing, or a grant of any kind. */
static bool is_granted(struct factor_model *model, const struct ways_order *order)
{
    const struct model_grant *grant = NULL;

    if (order->grant == NULL) {
        return !seems_enrolled(model, order);
    }
    grant = model_find_grant(model, order->grant);
    return grant != NULL && model_is_real(model, &order->who) && !grant->is_gone &&
           grant->person == order->who.person && grant->purpose == TXN_LINK &&
           grant->expires_at > model_now_s(model);
}

/* Seconds until a subject may be asked; 0: now. */
static int64_t wait_for_prompt(const struct factor_model *model, int subject)
{
    const struct model_ways *ways = &model->ways;
    int64_t newest[LIMIT_LINK_PROMPTS] = { 0 };
    int64_t now = model_now_s(model);
    int count = 0;

    for (size_t i = 0; i < ways->prompt_count; i++) {
        int64_t at = ways->prompts[i].at;

        if (ways->prompts[i].subject != subject || ways->prompts[i].is_forgotten) {
            continue;
        }
        count += at > now - LIMIT_LINK_PROMPTS_S ? 1 : 0;
        for (size_t n = 0; n < LIMIT_LINK_PROMPTS; n++) { /* the newest first */
            int64_t other = newest[n];

            newest[n] = at > other ? at : other;
            at = at > other ? other : at;
        }
    }
    return count < LIMIT_LINK_PROMPTS ? 0
                                      : newest[LIMIT_LINK_PROMPTS - 1] + LIMIT_LINK_PROMPTS_S - now;
}

static void ask(struct factor_model *model, const struct ways_order *order)
{
    struct model_ways *ways = &model->ways;

    if (order->grant != NULL) {
        model_find_grant(model, order->grant)->is_gone = true;
    }
    CHECK(ways->prompt_count < WAYS_ROOM);
    ways->prompts[ways->prompt_count++] = (struct model_prompt){
        .subject = (int)model_subject_of(model, &order->who),
        .at = model_now_s(model),
    };
}

struct ways_link_outcome ways_link_begin(struct factor_model *model, const struct ways_order *order)
{
    struct model_ways *ways = &model->ways;
    int subject = order->asks ? (int)model_subject_of(model, &order->who) : WAYS_NOBODY;
    bool is_real = order->asks && model_is_real(model, &order->who);
    int64_t wait = 0;

    if (order->asks && !is_granted(model, order)) {
        return (struct ways_link_outcome){ .result = LINKS_GRANT };
    }
    wait = order->asks ? wait_for_prompt(model, subject) : 0;
    if (wait > 0) {
        return (struct ways_link_outcome){ .result = LINKS_RATE_LIMITED, .retry_s = wait };
    }
    if (order->asks) {
        ask(model, order);
    }
    CHECK(ways->link_count < WAYS_ROOM);
    ways->links[ways->link_count++] = (struct model_link){
        .subject = subject,
        .person = is_real ? (int)order->who.person : WAYS_NOBODY,
        .claimer = WAYS_NOBODY,
        .version = 1,
        .expires_at = model_now_s(model) + LIMIT_LINK_S,
    };
    note(model, is_real ? (int)order->who.person : WAYS_NOBODY, ACCOUNT_LOG_LINK_REQUESTED, 0);
    return (struct ways_link_outcome){ .result = LINKS_DONE, .version = 1 };
}

static enum link_state state_of(const struct factor_model *model, const struct model_link *link)
{
    return link->expires_at <= model_now_s(model) && link->state < LINK_DONE ? LINK_EXPIRED
                                                                             : link->state;
}

/* Say whether a link is for whoever takes a step of it. */
static bool is_for(const struct model_link *link, const struct ways_link_step *step)
{
    if (link->is_forgotten) {
        return false;
    }
    if (step->is_new) {
        return step->by == step->link;
    }
    return link->person == (int)step->person ||
           (link->person == WAYS_NOBODY && link->subject == WAYS_NOBODY);
}

static struct ways_link_outcome tell(const struct factor_model *model,
                                     const struct ways_link_step *step, enum links_result result)
{
    const struct model_link *link = &model->ways.links[step->link];

    if (!is_for(link, step)) {
        return (struct ways_link_outcome){ .result = LINKS_UNKNOWN };
    }
    return (struct ways_link_outcome){ .result = result,
                                       .state = state_of(model, link),
                                       .version = link->version };
}

struct ways_link_outcome ways_link_read(const struct factor_model *model,
                                        const struct ways_link_step *step)
{
    return tell(model, step, LINKS_DONE);
}

static struct ways_link_outcome move(const struct factor_model *model,
                                     const struct ways_link_step *step, struct model_link *link,
                                     enum link_state state)
{
    link->state = state;
    link->version++;
    return (struct ways_link_outcome){ .result = LINKS_DONE,
                                       .state = state_of(model, &model->ways.links[step->link]),
                                       .version = link->version };
}

static int claimed_by(const struct factor_model *model, size_t person)
{
    int count = 0;

    for (size_t i = 0; i < model->ways.link_count; i++) {
        const struct model_link *link = &model->ways.links[i];

        count += link->person == (int)person && link->claimer != WAYS_NOBODY &&
                         !link->is_forgotten && state_of(model, link) < LINK_DONE
                     ? 1
                     : 0;
    }
    return count;
}

struct ways_link_outcome ways_link_claim(struct factor_model *model,
                                         const struct ways_link_step *step)
{
    struct model_link *link = &model->ways.links[step->link];
    enum link_state state = state_of(model, link);

    if (!is_for(link, step) || link->version != step->version || state >= LINK_DONE) {
        return tell(model, step, LINKS_CONFLICT);
    }
    if (step->device != 0) {
        return tell(model, step, LINKS_NOT_ADMIN);
    }
    if (state != LINK_CREATED) {
        return tell(model, step, LINKS_CONFLICT);
    }
    if (claimed_by(model, step->person) == LIMIT_LINKS_ACCOUNT) {
        return tell(model, step, LINKS_TOO_MANY);
    }
    link->person = (int)step->person;
    link->claimer = (int)step->device;
    return move(model, step, link, LINK_CLAIMED);
}

/* It goes on from the head that stands. */
struct ways_link_outcome ways_link_candidate(struct factor_model *model,
                                             const struct ways_link_step *step)
{
    struct model_link *link = &model->ways.links[step->link];
    enum link_state state = state_of(model, link);

    if (!is_for(link, step) || (state != LINK_CLAIMED && state != LINK_CANDIDATE) ||
        link->version != step->version || link->claimer != (int)step->device) {
        return tell(model, step, LINKS_CONFLICT);
    }
    link->epoch = model->people[step->person].epoch + 1;
    return move(model, step, link, LINK_CANDIDATE);
}

struct ways_link_outcome ways_link_sign(struct factor_model *model,
                                        const struct ways_link_step *step)
{
    struct model_link *link = &model->ways.links[step->link];
    enum link_state state = state_of(model, link);

    if (is_for(link, step) && state == LINK_DONE && link->version == step->version + 1) {
        return tell(model, step, LINKS_DONE); /* the answer was lost */
    }
    if (!is_for(link, step) || state != LINK_CANDIDATE || link->version != step->version) {
        return tell(model, step, LINKS_CONFLICT);
    }
    if (model->people[link->person].epoch + 1 != link->epoch) { /* the head has moved on */
        return (struct ways_link_outcome){ .result = LINKS_MANIFEST };
    }
    model->people[link->person].epoch++;
    note(model, link->person, ACCOUNT_LOG_LINK_APPROVED, (uint32_t)link->claimer + 1);
    return move(model, step, link, LINK_DONE);
}

struct ways_link_outcome ways_link_deny(struct factor_model *model,
                                        const struct ways_link_step *step)
{
    struct model_link *link = &model->ways.links[step->link];
    enum link_state state = state_of(model, link);

    if (!is_for(link, step) || state >= LINK_DONE) {
        return tell(model, step, state == LINK_DENIED ? LINKS_DONE : LINKS_CONFLICT);
    }
    if (!step->is_new) {
        link->person = (int)step->person;
    }
    note(model, link->person, ACCOUNT_LOG_LINK_DENIED,
         step->is_new ? 0 : (uint32_t)step->device + 1);
    return move(model, step, link, LINK_DENIED);
}

void ways_erased(struct factor_model *model, size_t person)
{
    struct model_ways *ways = &model->ways;

    for (size_t i = 0; i < ways->link_count; i++) {
        struct model_link *link = &ways->links[i];

        if (link->person == (int)person) {
            link->state =
                link->state >= LINK_CLAIMED && link->state < LINK_DONE ? LINK_DENIED : link->state;
            link->version++;
            link->person = WAYS_NOBODY;
        }
    }
    for (size_t i = 0; i < ways->prompt_count; i++) {
        ways->prompts[i].is_forgotten |= ways->prompts[i].subject == (int)(2 * person);
    }
    for (size_t i = 0; i < ways->recovery_count; i++) {
        if (ways->recoveries[i].person == (int)person) {
            ways->recoveries[i].person = WAYS_NOBODY;
        }
    }
}

void ways_expire(struct factor_model *model)
{
    for (size_t i = 0; i < model->ways.link_count; i++) {
        struct model_link *link = &model->ways.links[i];

        if (!link->is_forgotten && link->person != WAYS_NOBODY && link->state < LINK_DONE &&
            link->expires_at <= model_now_s(model)) {
            link->state = LINK_EXPIRED;
            link->version++;
            note(model, link->person, ACCOUNT_LOG_LINK_EXPIRED, 0);
        }
    }
}

void ways_purge(struct factor_model *model)
{
    struct model_ways *ways = &model->ways;
    int64_t now = model_now_s(model);

    for (size_t i = 0; i < ways->link_count; i++) {
        ways->links[i].is_forgotten |= ways->links[i].expires_at <= now - LIMIT_LINK_KEPT_S;
    }
    for (size_t i = 0; i < ways->prompt_count; i++) {
        ways->prompts[i].is_forgotten |= ways->prompts[i].at <= now - LIMIT_LINK_PROMPTS_S;
    }
    for (size_t i = 0; i < ways->recovery_count; i++) {
        ways->recoveries[i].is_forgotten |= ways->recoveries[i].expires_at <= now;
    }
}

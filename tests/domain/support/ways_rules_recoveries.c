/* SPDX-License-Identifier: Apache-2.0 */
/* Recoveries: the wait, the exchange, the one share; what ends them. */
#include "common/check.h"
#include "common/limits.h"
#include "server/domain/awake.h"
#include "tests/domain/support/ways_rules.h"

enum {
    SECOND_MS = 1000
};

static struct ways_recovery_outcome plain(enum recoveries_result result)
{
    return (struct ways_recovery_outcome){ .result = result };
}

static struct ways_recovery_outcome until(enum recoveries_result result, int64_t at)
{
    return (struct ways_recovery_outcome){ .result = result, .until = at };
}

static void note(struct factor_model *model, int person, enum account_log_event event,
                 uint32_t device_id)
{
    if (person != WAYS_NOBODY) {
        model_note(model, (size_t)person,
                   &(struct account_log_entry){ .event = event, .device_id = device_id });
    }
}

/* A code is shown on the devices that are lost: it opens nothing where something else is enrolled. */
static bool is_granted(struct factor_model *model, const struct ways_order *order)
{
    bool is_real = model_is_real(model, &order->who);
    bool needs = is_real ? model_enrolled(&model->people[order->who.person]) != 0
                         : model->subjects[model_subject_of(model, &order->who)].seeming != 0;
    const struct model_grant *grant = NULL;

    if (order->grant == NULL) {
        return !needs;
    }
    grant = model_find_grant(model, order->grant);
    return grant != NULL && is_real && !grant->is_gone && grant->person == order->who.person &&
           grant->purpose == TXN_RECOVER && grant->expires_at > model_now_s(model) &&
           (grant->kind != FACTOR_CODE || !needs);
}

/* What stands in the way of another one; DONE: nothing. */
static struct ways_recovery_outcome hindrance(const struct factor_model *model, int subject)
{
    int64_t now = model_now_s(model);
    int64_t oldest = INT64_MAX;
    const struct model_recovery *open = NULL;
    int recent = 0;

    for (size_t i = 0; i < model->ways.recovery_count; i++) {
        const struct model_recovery *each = &model->ways.recoveries[i];

        if (each->subject != subject || each->is_forgotten) {
            continue;
        }
        if (each->state == RECOVERIES_STATE_OPEN && each->expires_at > now &&
            (open == NULL || each->created_at > open->created_at)) {
            open = each;
        }
        if (each->created_at > now - LIMIT_RECOVERY_DAY_S) {
            oldest = each->created_at < oldest ? each->created_at : oldest;
            recent++;
        }
    }
    if (open != NULL) {
        return until(RECOVERIES_OPEN, open->expires_at);
    }
    return recent >= LIMIT_RECOVERIES_DAY
               ? until(RECOVERIES_RATE_LIMITED, oldest + LIMIT_RECOVERY_DAY_S - now)
               : plain(RECOVERIES_DONE);
}

struct ways_recovery_outcome ways_recovery_begin(struct factor_model *model,
                                                 const struct ways_order *order)
{
    struct model_ways *ways = &model->ways;
    int subject = (int)model_subject_of(model, &order->who);
    int person = model_is_real(model, &order->who) ? (int)order->who.person : WAYS_NOBODY;
    struct ways_recovery_outcome outcome = plain(RECOVERIES_STEPUP);

    if (!is_granted(model, order)) {
        return outcome;
    }
    outcome = hindrance(model, subject);
    if (outcome.result != RECOVERIES_DONE) {
        return outcome;
    }
    if (order->grant != NULL) {
        model_find_grant(model, order->grant)->is_gone = true;
    }
    CHECK(ways->recovery_count < WAYS_ROOM);
    ways->recoveries[ways->recovery_count++] = (struct model_recovery){
        .subject = subject,
        .person = person,
        .created_at = model_now_s(model),
        .wait_until = (model->now_ms + SECOND_MS - 1) / SECOND_MS + WAYS_WAIT_S,
        .expires_at = model_now_s(model) + LIMIT_RECOVERY_S,
    };
    note(model, person, ACCOUNT_LOG_RECOVERY_REQUESTED, 0);
    return outcome;
}

static bool may(const struct model_recovery *recovery, const struct ways_recovery_step *step)
{
    switch (step->act) {
    case RECOVERIES_ANSWER:
    case RECOVERIES_PACKET:
        return true;
    case RECOVERIES_READ:
        return !step->by_token || step->by == step->recovery;
    case RECOVERIES_CANCEL:
        if (!step->by_token) {
            return recovery->person == (int)step->person;
        }
        break;
    case RECOVERIES_EXCHANGE:
    case RECOVERIES_REVEAL:
    case RECOVERIES_RELEASE:
        break;
    }
    return step->by == step->recovery;
}

/* Each is done, or is done already by the same bytes; else it is out of turn. */
static enum recoveries_result say(bool is_turn, bool is_same, uint8_t *where, uint8_t byte)
{
    if (is_turn && *where == 0) {
        *where = byte;
        return RECOVERIES_DONE;
    }
    return is_turn && is_same && *where == byte ? RECOVERIES_DONE : RECOVERIES_OUT_OF_TURN;
}

static enum recoveries_result exchange(struct model_recovery *recovery,
                                       const struct ways_recovery_step *step)
{
    if (recovery->commit != 0 && recovery->exchange == step->exchange &&
        recovery->commit == step->byte) {
        return RECOVERIES_DONE;
    }
    if (step->exchange != recovery->exchange + 1) {
        return RECOVERIES_OUT_OF_TURN;
    }
    if (recovery->exchange == LIMIT_RECOVERY_EXCHANGES) {
        return RECOVERIES_EXHAUSTED;
    }
    recovery->exchange++;
    recovery->commit = step->byte;
    recovery->contact_random = 0;
    recovery->random = 0;
    recovery->contact = 0;
    recovery->slot = 0;
    return RECOVERIES_DONE;
}

static enum recoveries_result answer(struct model_recovery *recovery,
                                     const struct ways_recovery_step *step)
{
    enum recoveries_result result =
        say(recovery->exchange == step->exchange && recovery->commit != 0,
            recovery->contact == step->mailbox, &recovery->contact_random, step->byte);

    if (result == RECOVERIES_DONE) {
        recovery->contact = step->mailbox;
    }
    return result;
}

static enum recoveries_result packet(struct model_recovery *recovery,
                                     const struct ways_recovery_step *step)
{
    bool is_turn = recovery->exchange == step->exchange && recovery->random != 0 &&
                   recovery->contact == step->mailbox;

    if (!is_turn || (recovery->slot != 0 && recovery->slot != step->slot)) {
        return RECOVERIES_OUT_OF_TURN;
    }
    recovery->slot = step->slot;
    return RECOVERIES_DONE;
}

static void forget_exchange(struct model_recovery *recovery)
{
    recovery->commit = 0;
    recovery->contact_random = 0;
    recovery->random = 0;
    recovery->contact = 0;
    recovery->slot = 0;
}

static struct ways_recovery_outcome release(struct factor_model *model,
                                            struct model_recovery *recovery)
{
    int64_t awake = (model->ways.awake_ms + SECOND_MS - 1) / SECOND_MS + AWAKE_GRACE_MAX_S;
    int64_t from = recovery->wait_until > awake ? recovery->wait_until : awake;
    struct ways_recovery_outcome outcome = { .state = RECOVERIES_STATE_RELEASED };

    if (model->now_ms < from * SECOND_MS) {
        return until(RECOVERIES_EARLY, from);
    }
    if (recovery->slot == 0) {
        return plain(RECOVERIES_OUT_OF_TURN);
    }
    outcome.is_share = recovery->person != WAYS_NOBODY && recovery->slot == WAYS_SLOT;
    recovery->state = RECOVERIES_STATE_RELEASED;
    forget_exchange(recovery);
    note(model, recovery->person, ACCOUNT_LOG_RECOVERY_RELEASED, 0);
    return outcome;
}

static struct ways_recovery_outcome cancel(struct factor_model *model,
                                           struct model_recovery *recovery,
                                           const struct ways_recovery_step *step)
{
    if (!step->by_token) {
        int64_t *last_seq = &model->people[step->person].last_seq[step->device];

        if (step->seq <= *last_seq) {
            return plain(RECOVERIES_REPLAYED);
        }
        *last_seq = step->seq;
    }
    recovery->state = RECOVERIES_STATE_CANCELLED;
    forget_exchange(recovery);
    note(model, recovery->person, ACCOUNT_LOG_RECOVERY_CANCELLED,
         step->by_token ? 0 : (uint32_t)step->device + 1);
    return plain(RECOVERIES_DONE);
}

struct ways_recovery_outcome ways_recovery_do(struct factor_model *model,
                                              const struct ways_recovery_step *step)
{
    struct model_recovery *recovery = &model->ways.recoveries[step->recovery];
    struct ways_recovery_outcome outcome = { .result = RECOVERIES_ENDED, .state = recovery->state };

    if (recovery->is_forgotten || recovery->expires_at <= model_now_s(model) ||
        !may(recovery, step)) {
        return plain(RECOVERIES_UNKNOWN);
    }
    if (step->act == RECOVERIES_READ) {
        outcome.result = RECOVERIES_DONE;
        return outcome;
    }
    if (recovery->state != RECOVERIES_STATE_OPEN) {
        return outcome;
    }
    switch (step->act) {
    case RECOVERIES_EXCHANGE:
        return plain(exchange(recovery, step));
    case RECOVERIES_ANSWER:
        return plain(answer(recovery, step));
    case RECOVERIES_REVEAL:
        return plain(say(recovery->exchange == step->exchange && recovery->contact_random != 0,
                         true, &recovery->random, step->byte));
    case RECOVERIES_PACKET:
        return plain(packet(recovery, step));
    case RECOVERIES_RELEASE:
        return release(model, recovery);
    case RECOVERIES_CANCEL:
        return cancel(model, recovery, step);
    case RECOVERIES_READ:
        break;
    }
    CHECK_UNREACHABLE();
}

void ways_recovery_key(struct factor_model *model, size_t person)
{
    for (size_t i = 0; i < model->ways.recovery_count; i++) {
        struct model_recovery *recovery = &model->ways.recoveries[i];

        if (recovery->person == (int)person && recovery->state != RECOVERIES_STATE_CANCELLED) {
            recovery->state = RECOVERIES_STATE_DONE;
            forget_exchange(recovery);
        }
    }
    model->people[person].epoch++;
    note(model, (int)person, ACCOUNT_LOG_RECOVERY_DONE, 0);
}

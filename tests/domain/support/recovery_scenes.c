/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/recovery_scenes.h"

#include <string.h>

#include "common/bytes.h"
#include "common/handle.h"
#include "server/domain/accounts.h"
#include "server/domain/commands.h"
#include "server/domain/mailboxes.h"
#include "tests/support/unit.h"

const uint8_t recovery_a[RECOVERY_A_BYTES] = "the relay's share of ada's seed";

int recovery_scenes_set_up(void **state)
{
    struct factor_scenes *scenes = NULL;

    (void)factor_scenes_set_up(state);
    scenes = *state;
    scenes->temp.domain.settings.recovery_wait_s = RECOVERY_WAIT_S;
    recovery_set_clock(scenes, SCENE_NOW_MS, 0);
    assert_int_equal(recovery_put(scenes, 1, RECOVERY_SLOT, recovery_a, NULL),
                     RECOVERY_CONTACTS_DONE);
    return 0;
}

int recovery_scenes_tear_down(void **state)
{
    return factor_scenes_tear_down(state);
}

void recovery_set_clock(struct factor_scenes *scenes, int64_t now_ms, int64_t since_ms)
{
    scenes->now_ms = now_ms;
    scenes->temp.domain.called_ms = now_ms;
    scenes->temp.domain.awake_ms = since_ms;
}

static void hear(void *arg, const struct recoveries_outcome *outcome)
{
    struct heard_recovery *heard = arg;

    assert_false(heard->done);
    heard->done = true;
    heard->result = outcome->result;
    heard->view = outcome->view;
    heard->until = outcome->until;
    heard->last_seq = outcome->last_seq;
    heard->slot = outcome->slot;
    heard->packet_size = outcome->packet.size;
    if (outcome->token != NULL) {
        heard->token = *outcome->token;
    }
    if (outcome->a != NULL) {
        memcpy(heard->a, outcome->a, sizeof heard->a);
    }
}

void recovery_begin_start(struct temp_domain *by, const struct factor_scenes *scenes,
                          const char *handle, const struct grant *grant,
                          struct heard_recovery *heard)
{
    struct recoveries_order order = { .account_id = scenes->ada.account_id, .grant = grant };
    struct handle name;

    memset(order.public_key, 7, sizeof order.public_key);
    if (handle != NULL) {
        assert_true(handle_read(bytes_text(handle), &name));
        order.handle = &name;
    }
    *heard = (struct heard_recovery){ .done = false };
    recoveries_begin(&by->domain, &order, scenes->now_ms, hear, heard);
}

struct heard_recovery recovery_begin(struct factor_scenes *scenes, const char *handle,
                                     const struct grant *grant)
{
    struct heard_recovery heard;

    recovery_begin_start(&scenes->temp, scenes, handle, grant, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard;
}

void recovery_step_start(struct temp_domain *by, const struct heard_recovery *begun,
                         const struct recoveries_step *step, int64_t now_ms,
                         struct heard_recovery *heard)
{
    struct recoveries_step order = *step;

    order.recovery_id = begun->view.recovery_id;
    *heard = (struct heard_recovery){ .done = false };
    recoveries_do(&by->domain, &order, now_ms, hear, heard);
}

struct heard_recovery recovery_step(struct factor_scenes *scenes,
                                    const struct heard_recovery *begun,
                                    const struct recoveries_step *step)
{
    struct heard_recovery heard;

    recovery_step_start(&scenes->temp, begun, step, scenes->now_ms, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard;
}

struct heard_recovery recovery_exchange(struct factor_scenes *scenes,
                                        const struct heard_recovery *begun, int64_t n, uint8_t byte)
{
    struct recoveries_step step = { .act = RECOVERIES_EXCHANGE,
                                    .token = &begun->token,
                                    .exchange = n };

    memset(step.commit.raw, byte, sizeof step.commit.raw);
    return recovery_step(scenes, begun, &step);
}

struct heard_recovery recovery_answer(struct factor_scenes *scenes,
                                      const struct heard_recovery *begun, int64_t n, uint8_t byte,
                                      int64_t mailbox)
{
    struct recoveries_step step = { .act = RECOVERIES_ANSWER, .mailbox = mailbox, .exchange = n };

    memset(step.random.raw, byte, sizeof step.random.raw);
    return recovery_step(scenes, begun, &step);
}

struct heard_recovery recovery_reveal(struct factor_scenes *scenes,
                                      const struct heard_recovery *begun, int64_t n, uint8_t byte)
{
    struct recoveries_step step = { .act = RECOVERIES_REVEAL,
                                    .token = &begun->token,
                                    .exchange = n };

    memset(step.random.raw, byte, sizeof step.random.raw);
    return recovery_step(scenes, begun, &step);
}

struct heard_recovery recovery_packet(struct factor_scenes *scenes,
                                      const struct heard_recovery *begun, int64_t n, int64_t slot,
                                      int64_t mailbox)
{
    const struct recoveries_step step = { .act = RECOVERIES_PACKET,
                                          .mailbox = mailbox,
                                          .exchange = n,
                                          .slot = slot,
                                          .packet = bytes_text("packet") };

    return recovery_step(scenes, begun, &step);
}

struct heard_recovery recovery_release(struct factor_scenes *scenes,
                                       const struct heard_recovery *begun)
{
    return recovery_step(
        scenes, begun,
        &(struct recoveries_step){ .act = RECOVERIES_RELEASE, .token = &begun->token });
}

struct heard_recovery recovery_withdraw(struct factor_scenes *scenes,
                                        const struct heard_recovery *begun)
{
    return recovery_step(
        scenes, begun,
        &(struct recoveries_step){ .act = RECOVERIES_CANCEL, .token = &begun->token });
}

static struct command_guard guard_of(struct factor_scenes *scenes, uint32_t device_id)
{
    struct mailbox *mailbox =
        scene_mailbox(&scenes->temp, &person_device(&scenes->ada, device_id)->pub);

    return (struct command_guard){ .mailbox = mailbox->number, .seq = scenes->command_seq++ };
}

void recovery_cancel_start(struct factor_scenes *scenes, const struct heard_recovery *begun,
                           struct heard_recovery *heard)
{
    const struct command_guard guard = guard_of(scenes, 2);
    const struct recoveries_step step = { .act = RECOVERIES_CANCEL,
                                          .guard = &guard,
                                          .account = scenes->account,
                                          .mailbox = guard.mailbox,
                                          .device_id = 2 };

    recovery_step_start(&scenes->temp, begun, &step, scenes->now_ms, heard);
}

struct heard_recovery recovery_cancel(struct factor_scenes *scenes,
                                      const struct heard_recovery *begun)
{
    struct heard_recovery heard;

    recovery_cancel_start(scenes, begun, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard;
}

void recovery_meet(struct factor_scenes *scenes, const struct heard_recovery *begun, int64_t slot)
{
    assert_int_equal(recovery_exchange(scenes, begun, 1, 1).result, RECOVERIES_DONE);
    assert_int_equal(recovery_answer(scenes, begun, 1, 2, RECOVERY_HELPER).result, RECOVERIES_DONE);
    assert_int_equal(recovery_reveal(scenes, begun, 1, 3).result, RECOVERIES_DONE);
    assert_int_equal(recovery_packet(scenes, begun, 1, slot, RECOVERY_HELPER).result,
                     RECOVERIES_DONE);
}

struct heard_recovery recovery_begin_and_meet(struct factor_scenes *scenes)
{
    struct heard_recovery begun = recovery_begin(scenes, NULL, NULL);

    assert_int_equal(begun.result, RECOVERIES_DONE);
    recovery_meet(scenes, &begun, RECOVERY_SLOT);
    return begun;
}

struct heard_contact {
    bool done;
    enum recovery_contacts_result result;
};

static void hear_contact(void *arg, enum recovery_contacts_result result, int64_t last_seq)
{
    struct heard_contact *heard = arg;

    (void)last_seq;
    assert_false(heard->done);
    heard->result = result;
    heard->done = true;
}

enum recovery_contacts_result recovery_put(struct factor_scenes *scenes, uint32_t device_id,
                                           int64_t slot, const uint8_t *a,
                                           const struct grant *grant)
{
    const struct command_guard guard = guard_of(scenes, device_id);
    struct recovery_contacts_order order = { .account = scenes->account,
                                             .account_id = scenes->ada.account_id,
                                             .device_id = device_id,
                                             .guard = &guard,
                                             .grant = grant,
                                             .slot = slot,
                                             .label = bytes_text("label") };
    struct heard_contact heard = { .done = false };

    memcpy(order.a, a, sizeof order.a);
    recovery_contacts_put(&scenes->temp.domain, &order, scenes->now_ms, hear_contact, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard.result;
}

enum recovery_contacts_result recovery_remove(struct factor_scenes *scenes, uint32_t device_id,
                                              int64_t slot, const struct grant *grant)
{
    const struct command_guard guard = guard_of(scenes, device_id);
    const struct recovery_contacts_order order = { .account = scenes->account,
                                                   .account_id = scenes->ada.account_id,
                                                   .device_id = device_id,
                                                   .guard = &guard,
                                                   .grant = grant,
                                                   .slot = slot };
    struct heard_contact heard = { .done = false };

    recovery_contacts_remove(&scenes->temp.domain, &order, scenes->now_ms, hear_contact, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard.result;
}

void recovery_erase(struct factor_scenes *scenes)
{
    const struct accounts_erasure erasure = { .account_id = scenes->ada.account_id };
    struct heard_account heard = { .done = false };

    accounts_erase(&scenes->temp.domain, &erasure, scenes->now_ms, scene_hear_account, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    assert_int_equal(heard.outcome.result, ACCOUNTS_DONE);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/holding.h"

#include "common/check.h"
#include "server/domain/mailboxes.h"

int holding_set_up(void **state)
{
    static struct holding holding;

    temp_domain_open(&holding.temp);
    holding.temp.domain.settings.hold_s = HOLDING_S;
    person_init(&holding.ada, 3);
    person_device(&holding.ada, 2)->flags = MANIFEST_DEVICE_ADMIN;
    person_first(&holding.ada);
    scene_register(&holding.temp, &holding.ada);
    *state = &holding;
    return 0;
}

int holding_tear_down(void **state)
{
    struct holding *holding = *state;

    person_clear(&holding->ada);
    temp_domain_close(&holding->temp);
    return 0;
}

void holding_without(const struct person *person, uint32_t gone, uint32_t signer,
                     struct person *out)
{
    person_copy(person, out);
    person_remove(out, gone);
    person_next_by(out, signer);
}

void holding_expect(struct holding *holding, const struct person *person)
{
    struct heard_put heard;

    scene_put_start(&holding->temp, person, &heard);
    temp_store_wait(&holding->temp.temp, &heard.done);
    buf_clear(&heard.head);
    CHECK(heard.outcome.result == MANIFESTS_HELD);
    CHECK(heard.outcome.held_until == HOLDING_DUE_MS / 1000);
}

size_t holding_run_at(struct holding *holding, int64_t now_ms)
{
    struct heard_purge heard = { 0 };

    holds_run(&holding->temp.domain, now_ms, 0, scene_hear_purge, &heard);
    temp_store_wait(&holding->temp.temp, &heard.done);
    return heard.row_count;
}

static void hear_veto(void *arg, const struct holds_outcome *outcome)
{
    struct holding_veto *heard = arg;

    CHECK(!heard->done);
    heard->done = true;
    heard->outcome = *outcome;
}

struct command_guard holding_guard(struct holding *holding, uint32_t device_id, int64_t seq)
{
    struct mailbox *mailbox =
        scene_mailbox(&holding->temp, &person_device(&holding->ada, device_id)->pub);

    CHECK(mailbox != NULL);
    return (struct command_guard){ .mailbox = mailbox->number, .seq = seq };
}

void holding_veto_start(struct holding *holding, const struct holds_veto *order, uint32_t device_id,
                        int64_t seq, struct holding_veto *heard)
{
    struct command_guard guard = holding_guard(holding, device_id, seq);
    struct holds_veto whole = *order;

    whole.account_id = holding->ada.account_id;
    whole.guard = &guard;
    whole.device_id = device_id;
    *heard = (struct holding_veto){ 0 };
    holds_veto(&holding->temp.domain, &whole, SCENE_NOW_MS, hear_veto, heard);
}

struct holds_outcome holding_veto(struct holding *holding, const struct holds_veto *order,
                                  uint32_t device_id, int64_t seq)
{
    struct holding_veto heard;

    holding_veto_start(holding, order, device_id, seq, &heard);
    temp_store_wait(&holding->temp.temp, &heard.done);
    return heard.outcome;
}

struct holds_veto holding_order(const struct person *person)
{
    return (
        struct holds_veto){ .kind = HOLD_MANIFEST, .epoch = person->epoch, .hash = person->hash };
}

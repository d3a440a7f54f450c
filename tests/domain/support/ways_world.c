/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/ways_world.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/link_entry.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "common/random.h"
#include "server/domain/commands.h"
#include "server/domain/links_steps.h"
#include "server/domain/manifests.h"
#include "server/domain/recovery_contacts.h"

static void hear_link(void *arg, const struct links_outcome *outcome)
{
    struct heard_way *heard = arg;

    CHECK(!heard->done);
    heard->done = true;
    heard->result = outcome->result;
    heard->state = outcome->state;
    heard->version = outcome->version;
    heard->retry_s = outcome->retry_s;
    heard->expires_at = outcome->expires_at;
    heard->link_id = outcome->link_id;
    if (outcome->token != NULL) {
        CHECK(links_token_parse(bytes_text(outcome->token), &heard->token_hash));
    }
}

struct heard_way ways_world_begin_link(struct factor_world *world, uint32_t choice,
                                       const struct ways_order *order)
{
    const struct handle handle = world_handle(order->who.person);
    struct links_order whole = { .asks = order->asks,
                                 .handle = order->who.by_handle ? &handle : NULL,
                                 .account_id = world->people[order->who.person].account_id,
                                 .grant = order->asks ? order->grant : NULL };
    struct manifest_device device = { .key_count = 0 };
    struct heard_way heard = { .done = false };
    struct buf entry = { 0 };

    random_fill(heard.seed, sizeof heard.seed);
    crypto_public_of(heard.seed, device.pub.raw);
    link_entry_build(&device, &entry);
    whole.entry = buf_view(&entry);
    links_begin(world_domain(world, choice), &whole, world->model.now_ms, hear_link, &heard);
    world_wait(world, &heard.done);
    buf_clear(&entry);
    return heard;
}

static struct links_step step_of(struct factor_world *world, const struct ways_link_step *step)
{
    const struct model_ways *ways = &world->model.ways;
    struct links_step order = { .link_id = ways->links[step->link].id, .version = step->version };

    order.actor.is_new = step->is_new;
    if (step->is_new) {
        order.actor.token_hash = ways->links[step->by].token_hash;
        return order;
    }
    order.actor.account_id = world->people[step->person].account_id;
    order.actor.account = world->accounts[step->person];
    order.actor.mailbox = world->mailboxes[step->person][step->device];
    order.actor.device_id = (uint32_t)step->device + 1;
    order.actor.device_pub =
        person_device(&world->people[step->person], order.actor.device_id)->pub;
    return order;
}

/* The head with the new device in it, signed by it and by device signer. */
static void make_next(const struct person *person, uint32_t signer, const struct model_link *link,
                      struct person *out)
{
    struct person_device *device = NULL;

    person_copy(person, out);
    device = person_add(out, out->devices[out->device_count - 1].device_id + 1, 0);
    memcpy(device->seed, link->seed, sizeof device->seed);
    crypto_public_of(device->seed, device->pub.raw);
    person_next_by(out, signer);
}

/* Append what of a list stands before the new device has signed; or its signature alone. */
static void read_next(const struct person *next, struct buf *out_candidate,
                      uint8_t out_signature[CRYPTO_SIGNATURE_BYTES])
{
    uint32_t newcomer = next->devices[next->device_count - 1].device_id;
    struct manifest *whole = mem_zeroed(1, sizeof *whole);
    struct manifest_signature kept[MANIFEST_SIGNERS];
    size_t count = 0;

    CHECK(manifest_parse(buf_view(&next->manifest), whole) == MANIFEST_VALID);
    for (size_t i = 0; i < whole->signature_count; i++) {
        if (whole->signatures[i].signer == newcomer) {
            memcpy(out_signature, whole->signatures[i].signature, CRYPTO_SIGNATURE_BYTES);
        } else {
            kept[count++] = whole->signatures[i];
        }
    }
    buf_append(out_candidate, whole->body);
    manifest_append_signatures(out_candidate, kept, count);
    free(whole);
}

static void put_candidate(struct factor_world *world, struct domain *domain,
                          const struct links_step *step, const struct ways_link_step *by,
                          struct heard_way *heard)
{
    const struct model_link *link = &world->model.ways.links[by->link];
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    struct buf candidate = { 0 };
    struct person next;

    make_next(&world->people[by->person], (uint32_t)by->device + 1, link, &next);
    read_next(&next, &candidate, signature);
    links_candidate(domain, step, buf_view(&candidate), world->model.now_ms, hear_link, heard);
    buf_clear(&candidate);
    person_clear(&next);
}

/* Of a candidate that the head has left behind no signature is any good. */
static void sign(struct factor_world *world, struct domain *domain, const struct links_step *step,
                 const struct ways_link_step *by, struct heard_way *heard)
{
    const struct model_link *link = &world->model.ways.links[by->link];
    uint8_t signature[CRYPTO_SIGNATURE_BYTES] = { 0 };
    struct buf candidate = { 0 };
    struct person next;

    if (link->person != WAYS_NOBODY && link->claimer != WAYS_NOBODY) {
        make_next(&world->people[link->person], (uint32_t)link->claimer + 1, link, &next);
        read_next(&next, &candidate, signature);
        buf_clear(&candidate);
        person_clear(&next);
    }
    links_sign(domain, step, signature, world->model.now_ms, hear_link, heard);
}

struct heard_way ways_world_link(struct factor_world *world, uint32_t choice,
                                 enum ways_link_act act, const struct ways_link_step *step)
{
    struct domain *domain = world_domain(world, choice);
    const struct links_step order = step_of(world, step);
    struct heard_way heard = { .done = false };

    switch (act) {
    case WAYS_LINK_READ:
        links_read(domain, &order.link_id, &order.actor, world->model.now_ms, hear_link, &heard);
        break;
    case WAYS_LINK_CLAIM:
        links_claim(domain, &order, world->model.now_ms, hear_link, &heard);
        break;
    case WAYS_LINK_CANDIDATE:
        put_candidate(world, domain, &order, step, &heard);
        break;
    case WAYS_LINK_SIGN:
        sign(world, domain, &order, step, &heard);
        break;
    case WAYS_LINK_DENY:
        links_deny(domain, &order, world->model.now_ms, hear_link, &heard);
        break;
    }
    world_wait(world, &heard.done);
    return heard;
}

static void follow(struct person *person, const struct person *next)
{
    person_clear(person);
    *person = *next;
}

void ways_world_linked(struct factor_world *world, size_t link)
{
    const struct model_link *done = &world->model.ways.links[link];
    struct person next;

    make_next(&world->people[done->person], (uint32_t)done->claimer + 1, done, &next);
    follow(&world->people[done->person], &next);
}

static void hear_recovery(void *arg, const struct recoveries_outcome *outcome)
{
    struct heard_recovered *heard = arg;

    CHECK(!heard->done);
    heard->done = true;
    heard->result = outcome->result;
    heard->state = outcome->view.state;
    heard->id = outcome->view.recovery_id;
    heard->wait_until = outcome->view.wait_until;
    heard->expires_at = outcome->view.expires_at;
    heard->until = outcome->until;
    heard->slot = outcome->slot;
    heard->last_seq = outcome->last_seq;
    if (outcome->token != NULL) {
        heard->token = *outcome->token;
    }
    if (outcome->a != NULL) {
        heard->has_share = true;
        memcpy(heard->share, outcome->a, sizeof heard->share);
    }
}

/* The janitor called a moment ago, and since then each second. */
static struct domain *awake_domain(struct factor_world *world, uint32_t choice)
{
    struct domain *domain = world_domain(world, choice);

    domain->settings.recovery_wait_s = WAYS_WAIT_S;
    domain->called_ms = world->model.now_ms;
    domain->awake_ms = world->model.ways.awake_ms;
    return domain;
}

struct heard_recovered ways_world_begin_recovery(struct factor_world *world, uint32_t choice,
                                                 const struct ways_order *order)
{
    const struct handle handle = world_handle(order->who.person);
    const struct recoveries_order whole = {
        .handle = order->who.by_handle ? &handle : NULL,
        .account_id = world->people[order->who.person].account_id,
        .public_key = { 7 },
        .grant = order->grant,
    };
    struct heard_recovered heard = { .done = false };

    recoveries_begin(awake_domain(world, choice), &whole, world->model.now_ms, hear_recovery,
                     &heard);
    world_wait(world, &heard.done);
    return heard;
}

struct heard_recovered ways_world_recovery(struct factor_world *world, uint32_t choice,
                                           const struct ways_recovery_step *step)
{
    const struct model_ways *ways = &world->model.ways;
    const struct command_guard guard = { .mailbox = world->mailboxes[step->person][step->device],
                                         .seq = step->seq };
    struct recoveries_step order = { .act = step->act,
                                     .recovery_id = ways->recoveries[step->recovery].id,
                                     .token =
                                         step->by_token ? &ways->recoveries[step->by].token : NULL,
                                     .guard = step->by_token ? NULL : &guard,
                                     .account = world->accounts[step->person],
                                     .mailbox = step->mailbox,
                                     .device_id = (uint32_t)step->device + 1,
                                     .exchange = step->exchange,
                                     .slot = step->slot,
                                     .packet = bytes_text("packet") };
    struct heard_recovered heard = { .done = false };

    memset(order.commit.raw, step->byte, sizeof order.commit.raw);
    memset(order.random.raw, step->byte, sizeof order.random.raw);
    recoveries_do(awake_domain(world, choice), &order, world->model.now_ms, hear_recovery, &heard);
    world_wait(world, &heard.done);
    return heard;
}

struct heard_list {
    bool done;
    enum manifests_result result;
};

static void hear_list(void *arg, const struct manifests_outcome *outcome)
{
    struct heard_list *heard = arg;

    CHECK(!heard->done);
    heard->done = true;
    heard->result = outcome->result;
}

void ways_world_recovery_key(struct factor_world *world, uint32_t choice, size_t person)
{
    struct heard_list heard = { .done = false };
    struct person next;

    person_copy(&world->people[person], &next);
    person_next_by_recovery(&next);
    const struct manifests_order order = { .account_id = next.account_id,
                                           .epoch = next.epoch,
                                           .signed_bytes = buf_view(&next.manifest) };

    manifests_put(world_domain(world, choice), &order, world->model.now_ms, hear_list, &heard);
    world_wait(world, &heard.done);
    CHECK(heard.result == MANIFESTS_STORED);
    follow(&world->people[person], &next);
}

void ways_share_of(size_t person, uint8_t out[RECOVERY_A_BYTES])
{
    memset(out, 0xa0 + (int)person, RECOVERY_A_BYTES);
}

struct heard_share {
    bool done;
    enum recovery_contacts_result result;
};

static void hear_share(void *arg, enum recovery_contacts_result result, int64_t last_seq)
{
    struct heard_share *heard = arg;

    (void)last_seq;
    CHECK(!heard->done);
    heard->done = true;
    heard->result = result;
}

void ways_world_share(struct factor_world *world, size_t person, int64_t seq)
{
    const struct command_guard guard = { .mailbox = world->mailboxes[person][0], .seq = seq };
    struct recovery_contacts_order order = { .account = world->accounts[person],
                                             .account_id = world->people[person].account_id,
                                             .device_id = 1,
                                             .guard = &guard,
                                             .slot = WAYS_SLOT,
                                             .label = bytes_text("label") };
    struct heard_share heard = { .done = false };

    ways_share_of(person, order.a);
    recovery_contacts_put(world_domain(world, 0), &order, world->model.now_ms, hear_share, &heard);
    world_wait(world, &heard.done);
    CHECK(heard.result == RECOVERY_CONTACTS_DONE);
}

void ways_world_purge(struct factor_world *world, uint32_t choice)
{
    static factor_purge_fn *const purges[] = { links_expire, links_purge, links_purge_prompts,
                                               recoveries_purge };

    for (size_t i = 0; i < sizeof purges / sizeof purges[0]; i++) {
        struct heard_purge heard = { .done = false };

        purges[i](world_domain(world, choice), world->model.now_ms, scene_hear_purge, &heard);
        world_wait(world, &heard.done);
        CHECK(heard.row_count < DOMAIN_PURGE_ROWS);
    }
}

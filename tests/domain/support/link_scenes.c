/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/domain/support/link_scenes.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/link_entry.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "common/random.h"
#include "server/domain/mailboxes.h"

int link_scenes_set_up(void **state)
{
    static struct link_scenes scenes;

    memset(&scenes, 0, sizeof scenes);
    temp_domain_open(&scenes.temp);
    person_init(&scenes.ada, 3);
    person_device(&scenes.ada, 2)->flags = MANIFEST_DEVICE_ADMIN;
    person_first(&scenes.ada);
    scene_register(&scenes.temp, &scenes.ada);
    person_init(&scenes.bob, 1);
    scene_register(&scenes.temp, &scenes.bob);
    scenes.now_ms = SCENE_NOW_MS;
    *state = &scenes;
    return 0;
}

int link_scenes_tear_down(void **state)
{
    struct link_scenes *scenes = *state;

    person_clear(&scenes->ada);
    person_clear(&scenes->bob);
    temp_domain_close(&scenes->temp);
    return 0;
}

void link_clear(struct link *link)
{
    buf_clear(&link->entry);
}

static void keep_view(struct heard_link *heard, const struct links_view *view)
{
    heard->message_count = view->message_count;
    heard->has_candidate = view->candidate.size > 0;
    heard->device_id = view->device_id;
    heard->account_id = view->account_id;
    if (view->message_count > 0) {
        const struct links_message *last = &view->messages[view->message_count - 1];

        CHECK(last->body.size < sizeof heard->last_message);
        heard->last_from_new = last->is_new ? 1 : 0;
        memcpy(heard->last_message, last->body.at, last->body.size);
    }
}

static void hear(void *arg, const struct links_outcome *outcome)
{
    struct heard_link *heard = arg;

    CHECK(!heard->done);
    heard->result = outcome->result;
    heard->version = outcome->version;
    heard->state = outcome->state;
    heard->retry_s = outcome->retry_s;
    heard->link_id = outcome->link_id;
    if (outcome->token != NULL) {
        CHECK(links_token_parse(bytes_text(outcome->token), &heard->token_hash));
    }
    if (outcome->manifest != NULL) {
        heard->manifest = outcome->manifest->result;
        heard->verdict = outcome->manifest->verdict;
        heard->held_until = outcome->manifest->held_until;
        heard->epoch = outcome->manifest->epoch;
    }
    if (outcome->view != NULL) {
        keep_view(heard, outcome->view);
    }
    heard->done = true;
}

void link_wait(struct link_scenes *scenes, struct heard_link *heard, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        temp_store_wait(&scenes->temp.temp, &heard[i].done);
    }
}

struct heard_link link_begin(struct link_scenes *scenes, const struct links_order *order,
                             struct link *out)
{
    struct heard_link heard = { .done = false };
    struct manifest_device device = { .key_count = 0 };
    struct links_order whole = *order;

    memset(out, 0, sizeof *out);
    random_fill(out->seed, sizeof out->seed);
    crypto_public_of(out->seed, out->pub.raw);
    device.pub = out->pub;
    link_entry_build(&device, &out->entry);
    whole.entry = buf_view(&out->entry);
    links_begin(&scenes->temp.domain, &whole, scenes->now_ms, hear, &heard);
    link_wait(scenes, &heard, 1);
    out->link_id = heard.link_id;
    out->token_hash = heard.token_hash;
    return heard;
}

void link_begin_open(struct link_scenes *scenes, struct link *out)
{
    struct heard_link heard = link_begin(scenes, &(struct links_order){ .asks = false }, out);

    CHECK(heard.result == LINKS_DONE && heard.state == LINK_CREATED && heard.version == 1);
}

struct links_actor link_new(const struct link *link)
{
    return (struct links_actor){ .is_new = true, .token_hash = link->token_hash };
}

struct links_actor link_old(struct link_scenes *scenes, struct person *person, uint32_t n)
{
    const struct person_device *device = person_device(person, n);
    struct mailbox *mailbox = scene_mailbox(&scenes->temp, &device->pub);

    CHECK(mailbox != NULL);
    return (struct links_actor){ .account_id = person->account_id,
                                 .account = mailbox->account,
                                 .mailbox = mailbox->number,
                                 .device_id = n,
                                 .device_pub = device->pub };
}

struct heard_link link_read(struct link_scenes *scenes, const struct link *link,
                            const struct links_actor *actor)
{
    struct heard_link heard = { .done = false };

    links_read(&scenes->temp.domain, &link->link_id, actor, scenes->now_ms, hear, &heard);
    link_wait(scenes, &heard, 1);
    return heard;
}

static struct links_step step_of(const struct link *link, const struct links_actor *actor,
                                 int64_t version)
{
    return (struct links_step){ .link_id = link->link_id, .actor = *actor, .version = version };
}

struct heard_link link_say(struct link_scenes *scenes, const struct link *link,
                           const struct links_actor *actor, int64_t version, const char *text)
{
    struct heard_link heard = { .done = false };
    const struct links_step step = step_of(link, actor, version);

    links_say(&scenes->temp.domain, &step, bytes_text(text), scenes->now_ms, hear, &heard);
    link_wait(scenes, &heard, 1);
    return heard;
}

void link_claim_start(struct temp_domain *by, const struct link_scenes *scenes,
                      const struct link *link, const struct links_actor *actor, int64_t version,
                      struct heard_link *heard)
{
    const struct links_step step = step_of(link, actor, version);

    *heard = (struct heard_link){ .done = false };
    links_claim(&by->domain, &step, scenes->now_ms, hear, heard);
}

struct heard_link link_claim(struct link_scenes *scenes, const struct link *link,
                             const struct links_actor *actor, int64_t version)
{
    struct heard_link heard;

    link_claim_start(&scenes->temp, scenes, link, actor, version, &heard);
    link_wait(scenes, &heard, 1);
    return heard;
}

void link_deny_start(struct temp_domain *by, const struct link_scenes *scenes,
                     const struct link *link, const struct links_actor *actor,
                     struct heard_link *heard)
{
    const struct links_step step = step_of(link, actor, 0);

    *heard = (struct heard_link){ .done = false };
    links_deny(&by->domain, &step, scenes->now_ms, hear, heard);
}

struct heard_link link_deny(struct link_scenes *scenes, const struct link *link,
                            const struct links_actor *actor)
{
    struct heard_link heard;

    link_deny_start(&scenes->temp, scenes, link, actor, &heard);
    link_wait(scenes, &heard, 1);
    return heard;
}

void link_make_candidate(const struct person *person, uint32_t n, const struct link *link,
                         struct buf *out, struct person *out_next)
{
    struct manifest *whole = mem_zeroed(1, sizeof *whole);
    struct manifest_signature kept[LIMIT_MANIFEST_DEVICES];
    struct person_device *device = NULL;
    size_t count = 0;

    person_copy(person, out_next);
    device = person_add(out_next, LINK_SCENES_NEWCOMER, 0);
    memcpy(device->seed, link->seed, sizeof device->seed);
    device->pub = link->pub;
    person_next_by(out_next, n);
    CHECK(manifest_parse(buf_view(&out_next->manifest), whole) == MANIFEST_VALID);
    for (size_t i = 0; i < whole->signature_count; i++) {
        if (whole->signatures[i].signer != LINK_SCENES_NEWCOMER) {
            kept[count] = whole->signatures[i];
            count++;
        }
    }
    buf_empty(out);
    buf_append(out, whole->body);
    manifest_append_signatures(out, kept, count);
    free(whole);
}

struct heard_link link_candidate(struct link_scenes *scenes, const struct link *link,
                                 const struct links_actor *actor, int64_t version,
                                 struct bytes candidate)
{
    struct heard_link heard = { .done = false };
    const struct links_step step = step_of(link, actor, version);

    links_candidate(&scenes->temp.domain, &step, candidate, scenes->now_ms, hear, &heard);
    link_wait(scenes, &heard, 1);
    return heard;
}

void link_sign_start(struct temp_domain *by, const struct link_scenes *scenes,
                     const struct link *link, int64_t version, struct bytes candidate,
                     struct heard_link *heard)
{
    const struct links_actor actor = link_new(link);
    const struct links_step step = step_of(link, &actor, version);
    struct manifest *next = mem_zeroed(1, sizeof *next);
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];

    CHECK(manifest_parse(candidate, next) == MANIFEST_VALID);
    manifest_sign(link->seed, next->body, signature);
    free(next);
    *heard = (struct heard_link){ .done = false };
    links_sign(&by->domain, &step, signature, scenes->now_ms, hear, heard);
}

struct heard_link link_sign(struct link_scenes *scenes, const struct link *link, int64_t version,
                            struct bytes candidate)
{
    struct heard_link heard;

    link_sign_start(&scenes->temp, scenes, link, version, candidate, &heard);
    link_wait(scenes, &heard, 1);
    return heard;
}

void link_until_candidate(struct link_scenes *scenes, uint32_t n, struct link *out,
                          struct buf *out_candidate, struct person *out_next)
{
    struct links_actor old = link_old(scenes, &scenes->ada, n);
    struct heard_link heard;

    link_begin_open(scenes, out);
    heard = link_claim(scenes, out, &old, 1);
    CHECK(heard.result == LINKS_DONE && heard.state == LINK_CLAIMED && heard.version == 2);
    link_make_candidate(&scenes->ada, n, out, out_candidate, out_next);
    heard = link_candidate(scenes, out, &old, 2, buf_view(out_candidate));
    CHECK(heard.result == LINKS_DONE && heard.state == LINK_CANDIDATE && heard.version == 3);
}

void link_expire(struct link_scenes *scenes)
{
    struct heard_purge heard = { .done = false };

    links_expire(&scenes->temp.domain, scenes->now_ms, scene_hear_purge, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
}

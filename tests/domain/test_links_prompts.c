/* SPDX-License-Identifier: Apache-2.0 */
/* Whom links ask, how often, and what they leave.  Over a temp_domain, on either engine. */
#include <stdio.h>
#include <string.h>

#include "common/handle.h"
#include "common/limits.h"
#include "common/loop.h"
#include "server/domain/factor_kinds.h"
#include "server/domain/grants.h"
#include "server/domain/txns.h"
#include "server/store/store.h"
#include "tests/domain/support/link_scenes.h"
#include "tests/support/unit.h"

#define S(count) ((count)*INT64_C(1000))

enum {
    TURN_MS = 100
};

static struct links_order order_for(const struct person *person)
{
    return (struct links_order){ .asks = true, .account_id = person->account_id };
}

static void the_devices_of_an_account_are_asked(void **state)
{
    struct link_scenes *scenes = *state;
    struct session_hash hash = scene_begin(&scenes->temp, &scenes->ada, 1);
    struct links_actor old = link_old(scenes, &scenes->ada, 1);
    struct links_actor stranger = link_old(scenes, &scenes->bob, 1);
    struct links_order order = order_for(&scenes->ada);
    struct scene_stream stream;
    struct heard_link heard;
    struct link link;

    scene_listen(&scenes->temp, &person_device(&scenes->ada, 1)->pub, &hash, &stream);
    order.name = bytes_text("Ada's phone");
    heard = link_begin(scenes, &order, &link);
    assert_int_equal(heard.result, LINKS_DONE);
    while (stream.event_count == 0) {
        loop_turn(scenes->temp.temp.loop, TURN_MS);
    }
    assert_int_equal(stream.event.kind, HUB_EVENT_LINK);
    assert_int_equal(scene_count(&scenes->temp, "SELECT event FROM account_log"),
                     ACCOUNT_LOG_LINK_REQUESTED);
    /* It is not for whoever has its id. */
    assert_int_equal(link_read(scenes, &link, &stranger).result, LINKS_UNKNOWN);
    assert_int_equal(link_claim(scenes, &link, &stranger, 1).result, LINKS_UNKNOWN);
    assert_int_equal(link_read(scenes, &link, &old).result, LINKS_DONE);
    assert_int_equal(link_deny(scenes, &link, &old).state, LINK_DENIED);
    while (stream.event_count == 1) {
        loop_turn(scenes->temp.temp.loop, TURN_MS);
    }
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM account_log"), 2);
    scene_leave(&stream);
    link_clear(&link);
}

static void an_account_is_asked_three_times_an_hour(void **state)
{
    struct link_scenes *scenes = *state;
    const struct links_order order = order_for(&scenes->ada);
    struct links_order nobody = order_for(&scenes->ada);
    struct heard_link heard;
    struct link link;

    memset(nobody.account_id.raw, 9, sizeof nobody.account_id.raw);
    while (txns_seeming(&scenes->temp.domain,
                        txns_subject(&scenes->temp.domain, &nobody.account_id)) != 0) {
        nobody.account_id.raw[0]++; /* else it seems to have a factor, and needs a grant */
    }
    for (int i = 0; i < LIMIT_LINK_PROMPTS; i++) {
        assert_int_equal(link_begin(scenes, &order, &link).result, LINKS_DONE);
        link_clear(&link);
        scenes->now_ms += S(60);
    }
    heard = link_begin(scenes, &order, &link);
    link_clear(&link);
    assert_int_equal(heard.result, LINKS_RATE_LIMITED);
    assert_int_equal(heard.retry_s, LIMIT_LINK_PROMPTS_S - LIMIT_LINK_PROMPTS * 60);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM links"), LIMIT_LINK_PROMPTS);
    /* Whom there is not is asked as often; a QR code asks nobody. */
    for (int i = 0; i <= LIMIT_LINK_PROMPTS; i++) {
        heard = link_begin(scenes, &nobody, &link);
        link_clear(&link);
        assert_int_equal(heard.result, i < LIMIT_LINK_PROMPTS ? LINKS_DONE : LINKS_RATE_LIMITED);
    }
    link_begin_open(scenes, &link);
    link_clear(&link);
    scenes->now_ms = SCENE_NOW_MS + S(LIMIT_LINK_PROMPTS_S);
    assert_int_equal(link_begin(scenes, &order, &link).result, LINKS_DONE);
    link_clear(&link);
}

/* A number that anybody can tell of an account is not whether it is there. */
static void who_is_not_there_is_asked_alike_and_never_answers(void **state)
{
    struct link_scenes *scenes = *state;
    struct links_order order = { .asks = true };
    struct links_actor new;
    struct handle handle;
    struct heard_link heard;
    struct link link;
    int asked = 0;
    int refused = 0;

    for (int i = 0; i < 40; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "nobody%d", i);
        assert_true(handle_read(bytes_text(name), &handle));
        order.handle = &handle;
        heard = link_begin(scenes, &order, &link);
        link_clear(&link);
        asked += heard.result == LINKS_DONE ? 1 : 0;
        refused += heard.result == LINKS_GRANT ? 1 : 0;
        assert_int_equal(link_begin(scenes, &order, &link).result, heard.result);
        if (heard.result == LINKS_DONE) {
            new = link_new(&link);
            assert_int_equal(link_read(scenes, &link, &new).state, LINK_CREATED);
            assert_int_equal(link_deny(scenes, &link, &new).state, LINK_DENIED);
        }
        link_clear(&link);
    }
    assert_int_equal(asked + refused, 40);
    assert_true(asked > 0);
    assert_true(refused > 0);
}

static void a_factor_makes_a_grant_needed(void **state)
{
    struct link_scenes *scenes = *state;
    struct links_order order = order_for(&scenes->ada);
    struct store_batch *batch = NULL;
    struct grant grant;
    struct link link;

    grants_make(&grant);
    order.grant = &grant;
    assert_int_equal(link_begin(scenes, &order, &link).result, LINKS_GRANT);
    link_clear(&link);
    scene_run(&scenes->temp,
              "INSERT INTO recovery_codes (code_hash, account) SELECT account_id, account"
              " FROM accounts ORDER BY account LIMIT 1");
    order.grant = NULL;
    assert_int_equal(link_begin(scenes, &order, &link).result, LINKS_GRANT);
    link_clear(&link);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM link_prompts"), 0);
    batch = store_batch_create();
    grants_put(batch, &grant,
               &(struct grant_terms){ .account = link_old(scenes, &scenes->ada, 1).account,
                                      .purpose = TXN_LINK,
                                      .kind = FACTOR_CODE,
                                      .expires_at = scenes->now_ms / 1000 + 1 });
    assert_int_equal(temp_store_run(&scenes->temp.temp, &batch, NULL, NULL), STORE_OK);
    order.grant = &grant;
    assert_int_equal(link_begin(scenes, &order, &link).result, LINKS_DONE);
    link_clear(&link);
    assert_int_equal(link_begin(scenes, &order, &link).result, LINKS_GRANT);
    link_clear(&link);
}

static void an_account_claims_so_many_links(void **state)
{
    struct link_scenes *scenes = *state;
    struct links_actor old = link_old(scenes, &scenes->ada, 1);
    static struct link links[LIMIT_LINKS_ACCOUNT + 1];

    for (size_t i = 0; i <= LIMIT_LINKS_ACCOUNT; i++) {
        link_begin_open(scenes, &links[i]);
        assert_int_equal(link_claim(scenes, &links[i], &old, 1).result,
                         i < LIMIT_LINKS_ACCOUNT ? LINKS_DONE : LINKS_TOO_MANY);
    }
    assert_int_equal(link_deny(scenes, &links[0], &old).result, LINKS_DONE);
    assert_int_equal(link_claim(scenes, &links[LIMIT_LINKS_ACCOUNT], &old, 1).result, LINKS_DONE);
    for (size_t i = 0; i <= LIMIT_LINKS_ACCOUNT; i++) {
        link_clear(&links[i]);
    }
}

static size_t purge(struct link_scenes *scenes,
                    void (*step)(struct domain *, int64_t, domain_purged_fn *, void *))
{
    struct heard_purge heard = { .done = false };

    step(&scenes->temp.domain, scenes->now_ms, scene_hear_purge, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard.row_count;
}

static void what_ended_is_forgotten(void **state)
{
    struct link_scenes *scenes = *state;
    const struct links_order order = order_for(&scenes->ada);
    struct links_actor new;
    struct link link;

    (void)link_begin(scenes, &order, &link);
    new = link_new(&link);
    (void)link_say(scenes, &link, &new, 1, "m");
    scenes->now_ms += S(LIMIT_LINK_S + LIMIT_LINK_KEPT_S) - 1;
    assert_int_equal(purge(scenes, links_purge), 0);
    scenes->now_ms += 1;
    assert_int_equal(purge(scenes, links_purge), 1);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM link_messages"), 0);
    assert_int_equal(link_read(scenes, &link, &new).result, LINKS_UNKNOWN);
    assert_int_equal(purge(scenes, links_purge_prompts), 0);
    scenes->now_ms = SCENE_NOW_MS + S(LIMIT_LINK_PROMPTS_S);
    assert_int_equal(purge(scenes, links_purge_prompts), 1);
    link_clear(&link);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, link_scenes_set_up, link_scenes_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_devices_of_an_account_are_asked),
        TEST(an_account_is_asked_three_times_an_hour),
        TEST(who_is_not_there_is_asked_alike_and_never_answers),
        TEST(a_factor_makes_a_grant_needed),
        TEST(an_account_claims_so_many_links),
        TEST(what_ended_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

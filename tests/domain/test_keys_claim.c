/* SPDX-License-Identifier: Apache-2.0 */
/* A key for single use is handed out once, also across restores and daemons. */
#include "common/limits.h"
#include "common/metrics.h"
#include "server/domain/accounts.h"
#include "server/domain/keys.h"
#include "server/domain/keys_census.h"
#include "server/domain/keys_claim.h"
#include "server/domain/limits.h"
#include "server/domain/seqs.h"
#include "tests/domain/support/key_scenes.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/unit.h"

#define EC KEY_SCENES_EC
#define DAYS(count) ((count)*INT64_C(86400000))
#define ROWS_LEFT                                                                              \
    "SELECT (SELECT count(*) FROM keys) + (SELECT count(*) FROM key_pools) + (SELECT count(*)" \
    " FROM spent_keys)"

static void put_last_resort(struct key_scenes *scenes, uint32_t id)
{
    const struct key_batch batch = {
        .slot = "x.test", .first = id, .count = 1, .last_resort = true
    };

    assert_int_equal(key_scenes_put(scenes, 1, &batch).result, KEYS_DONE);
}

static void the_oldest_goes_first_then_the_last_resort_again_and_again(void **state)
{
    static const uint32_t ids[] = { 9, 3, 4, 50, 50 };

    key_scenes_fill(*state, "x.test", 9, 1);
    key_scenes_fill(*state, "x.test", 3, 2);
    put_last_resort(*state, 50);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct heard_claim heard = key_scenes_claim(*state, "x.test");

        assert_int_equal(heard.key_count, 1);
        assert_int_equal(heard.id, ids[i]);
        assert_int_equal(heard.is_last_resort, i >= 3);
    }
    assert_int_equal(key_scenes_pool(*state, "x.test", SCENE_NOW_MS).uses, 2);
    assert_int_equal(key_scenes_pool(*state, "x.test", SCENE_NOW_MS).first_use_day, SCENE_DAY);
}

static void what_is_used_up_without_a_last_resort_is_left_out(void **state)
{
    struct heard_claim heard;

    key_scenes_fill(*state, EC, 1, 1);
    assert_int_equal(key_scenes_claim(*state, EC).id, 1);
    heard = key_scenes_claim(*state, EC);
    assert_int_equal(heard.result, KEYS_CLAIM_DONE);
    assert_int_equal(heard.device_count, 1);
    assert_int_equal(heard.key_count, 0);
}

static void a_key_that_was_handed_out_does_not_come_back_by_an_upload(void **state)
{
    key_scenes_fill(*state, EC, 1, 2);
    assert_int_equal(key_scenes_claim(*state, EC).id, 1);
    key_scenes_fill(*state, EC, 1, 2);
    assert_int_equal(key_scenes_claim(*state, EC).id, 2);
    assert_int_equal(key_scenes_claim(*state, EC).key_count, 0);
}

static void who_drains_is_given_last_resorts_and_takes_nothing(void **state)
{
    struct key_scenes *scenes = *state;

    limits_set(scenes->temp.domain.limits, LIMITS_CLAIM_PAIR, 2);
    key_scenes_fill(scenes, "x.test", 1, 5);
    put_last_resort(scenes, 50);
    assert_int_equal(key_scenes_claim(scenes, "x.test").id, 1);
    assert_int_equal(key_scenes_claim(scenes, "x.test").id, 2);
    for (int i = 0; i < 3; i++) {
        struct heard_claim heard = key_scenes_claim(scenes, "x.test");

        assert_int_equal(heard.id, 50);
        assert_true(heard.is_last_resort);
    }
    assert_int_equal(key_scenes_pool(scenes, "x.test", SCENE_NOW_MS).count, 3);
}

static void keys_for_everybody_are_given_as_often_as_wanted_and_drain_nobody(void **state)
{
    struct key_scenes *scenes = *state;

    limits_set(scenes->temp.domain.limits, LIMITS_CLAIM_PAIR, 1);
    key_scenes_fill(scenes, "x.note", 7, 1);
    key_scenes_fill(scenes, "x.test", 1, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(key_scenes_claim(scenes, "x.note").id, 7);
    }
    assert_int_equal(key_scenes_claim(scenes, "x.test").id, 1);
}

static void hear_beat(void *arg, int64_t heartbeat)
{
    assert_true(heartbeat > 0);
    *(bool *)arg = true;
}

static void declare_restored(struct key_scenes *scenes)
{
    bool done = false;

    seqs_declare_restored(&scenes->temp.domain, hear_beat, &done);
    temp_store_wait(&scenes->temp.temp, &done);
}

static void keys_of_an_older_database_are_not_handed_out_until_their_owner_uploads(void **state)
{
    struct keys_pool pool;

    key_scenes_fill(*state, "x.test", 1, 3);
    put_last_resort(*state, 50);
    declare_restored(*state);
    assert_int_equal(key_scenes_claim(*state, "x.test").id, 50); /* contact stays possible */
    pool = key_scenes_pool(*state, "x.test", SCENE_NOW_MS);
    assert_int_equal(pool.count, 0);
    assert_int_equal(pool.stale, 3);
    assert_int_equal(pool.generation, (1 << LIMIT_KEYS_GENERATION_BITS) + 1);
    key_scenes_fill(*state, "x.test", 1, 4); /* 1 to 3 may have been handed out meanwhile */
    assert_int_equal(key_scenes_claim(*state, "x.test").id, 4);
    assert_int_equal(key_scenes_claim(*state, "x.test").id, 50);
    assert_int_equal(key_scenes_pool(*state, "x.test", SCENE_NOW_MS).stale, 0);
}

static void whoever_is_no_account_has_no_keys(void **state)
{
    struct key_scenes *scenes = *state;
    struct heard_claim heard;

    scenes->ada.account_id.raw[0] ^= 1;
    heard = key_scenes_claim(scenes, EC);
    assert_int_equal(heard.result, KEYS_CLAIM_UNKNOWN);
}

static void keys_go_with_their_device(void **state)
{
    struct key_scenes *scenes = *state;
    const struct key_batch second = { .slot = EC, .first = 1, .count = 2 };

    assert_int_equal(key_scenes_put(scenes, 2, &second).result, KEYS_DONE);
    assert_int_equal(scene_count(&scenes->temp, ROWS_LEFT), 3);
    person_remove(&scenes->ada, 2);
    person_next(&scenes->ada);
    assert_int_equal(scene_put(&scenes->temp, &scenes->ada), MANIFESTS_STORED);
    assert_int_equal(scene_count(&scenes->temp, ROWS_LEFT), 0);
}

static void keys_go_with_their_account(void **state)
{
    struct key_scenes *scenes = *state;
    const struct accounts_erasure order = { .account_id = scenes->ada.account_id };
    struct heard_account heard = { 0 };

    key_scenes_fill(scenes, EC, 1, 3);
    assert_int_equal(key_scenes_claim(scenes, EC).id, 1);
    assert_int_equal(scene_count(&scenes->temp, ROWS_LEFT), 4);
    accounts_erase(&scenes->temp.domain, &order, SCENE_NOW_MS, scene_hear_account, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    assert_int_equal(heard.outcome.result, ACCOUNTS_DONE);
    assert_int_equal(scene_count(&scenes->temp, ROWS_LEFT), 0);
}

static size_t purge(struct key_scenes *scenes, int64_t now_ms,
                    void (*run)(struct domain *, int64_t, domain_purged_fn *, void *))
{
    struct heard_purge heard = { 0 };

    run(&scenes->temp.domain, now_ms, scene_hear_purge, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard.row_count;
}

static void hashes_of_spent_keys_are_forgotten_after_their_days(void **state)
{
    struct key_scenes *scenes = *state;
    int64_t days = LIMIT_SPENT_KEYS_DAYS;

    key_scenes_fill(scenes, EC, 1, 1);
    assert_int_equal(key_scenes_claim(scenes, EC).id, 1);
    assert_int_equal(purge(scenes, SCENE_NOW_MS + DAYS(days), keys_purge_spent), 0);
    assert_int_equal(purge(scenes, SCENE_NOW_MS + DAYS(days + 1), keys_purge_spent), 1);
}

static void keys_whose_life_is_over_are_not_counted_and_then_deleted(void **state)
{
    struct key_scenes *scenes = *state;

    key_scenes_fill(scenes, EC, 1, 3);
    scene_run(&scenes->temp, "UPDATE keys SET expires_at = 1800000060");
    assert_int_equal(key_scenes_pool(scenes, EC, SCENE_NOW_MS + 59000).count, 3);
    assert_int_equal(key_scenes_pool(scenes, EC, SCENE_NOW_MS + 60000).count, 0);
    assert_int_equal(purge(scenes, SCENE_NOW_MS + 119000, keys_purge_expired), 0);
    assert_int_equal(purge(scenes, SCENE_NOW_MS + 120000, keys_purge_expired), 3);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM keys"), 0);
}

/* Behind the batch that looks at the pools. */
static void purge_and_look(struct key_scenes *scenes, int64_t now_ms)
{
    (void)purge(scenes, now_ms, keys_purge_expired);
    scene_run(&scenes->temp, "UPDATE key_pools SET low = low");
}

static void who_has_few_left_by_expiry_hears_so_once(void **state)
{
    struct key_scenes *scenes = *state;
    const struct session_hash hash = scene_begin(&scenes->temp, &scenes->ada, 1);
    struct scene_stream stream;

    scene_listen(&scenes->temp, &scenes->ada.devices[0].pub, &hash, &stream);
    key_scenes_fill(scenes, EC, 1, LIMIT_KEYS_LOW + 2);
    scene_run(&scenes->temp, "UPDATE keys SET expires_at = 1800000200 + number % 2 * 200");
    scene_run(&scenes->temp, "UPDATE keys SET expires_at = 1800000030 WHERE number ="
                             " (SELECT min(number) FROM keys)");
    purge_and_look(scenes, SCENE_NOW_MS + 90000);
    assert_int_equal(stream.event_count, 0); /* one more than few */
    purge_and_look(scenes, SCENE_NOW_MS + 260000);
    assert_int_equal(stream.event_count, 1);
    assert_int_equal(stream.event.kind, HUB_EVENT_KEYS_LOW);
    assert_string_equal(stream.event.slot, EC);
    assert_in_range(stream.event.count, LIMIT_KEYS_LOW / 2, LIMIT_KEYS_LOW / 2 + 1);
    purge_and_look(scenes, SCENE_NOW_MS + 460000);
    assert_int_equal(stream.event_count, 1);
    scene_leave(&stream);
}

static void pools_are_counted_by_how_full_they_are(void **state)
{
    struct key_scenes *scenes = *state;

    key_scenes_fill(scenes, EC, 1, 100);
    key_scenes_fill(scenes, "x.test", 1, 20);
    key_scenes_fill(scenes, "x.note", 1, 1); /* static: not counted */
    assert_int_equal(purge(scenes, SCENE_NOW_MS, keys_census_run), 0);
    assert_int_equal(metrics_value(METRIC_key_pools_full), 1);
    assert_int_equal(metrics_value(METRIC_key_pools_half), 1);
    assert_int_equal(metrics_value(METRIC_key_pools_low), 0);
    assert_int_equal(metrics_value(METRIC_key_pools_empty), 0);
    (void)key_scenes_claim(scenes, EC);
    (void)key_scenes_claim(scenes, "x.test");
    (void)purge(scenes, SCENE_NOW_MS, keys_census_run);
    assert_int_equal(metrics_value(METRIC_key_pools_full), 0);
    assert_int_equal(metrics_value(METRIC_key_pools_half), 1);
    assert_int_equal(metrics_value(METRIC_key_pools_low), 1);
    declare_restored(scenes); /* none of them can be handed out now */
    (void)purge(scenes, SCENE_NOW_MS, keys_census_run);
    assert_int_equal(metrics_value(METRIC_key_pools_empty), 2);
    assert_int_equal(metrics_value(METRIC_key_pools_low), 0);
}

enum {
    SHARED_KEYS = 20,
    SHARED_CLAIMS = 2 * SHARED_KEYS
};

static void two_daemons_hand_each_key_out_once(void **state)
{
    struct key_scenes *scenes = *state;
    static struct temp_domain there;
    static struct heard_claim heard[SHARED_CLAIMS];
    bool seen[SHARED_KEYS + 1] = { false };
    size_t once = 0;

    if (!temp_store_is_shared()) {
        skip();
    }
    temp_domain_open_beside(&there, &scenes->temp);
    key_scenes_fill(scenes, "x.test", 1, SHARED_KEYS);
    put_last_resort(scenes, 50);
    for (size_t i = 0; i < SHARED_CLAIMS; i++) {
        key_scenes_claim_start(scenes, i % 2 == 0 ? &scenes->temp : &there, "x.test", &heard[i]);
    }
    for (size_t i = 0; i < SHARED_CLAIMS; i++) {
        temp_store_wait(&scenes->temp.temp, &heard[i].done);
        assert_int_equal(heard[i].key_count, 1);
        if (!heard[i].is_last_resort) {
            assert_in_range(heard[i].id, 1, SHARED_KEYS);
            assert_false(seen[heard[i].id]);
            seen[heard[i].id] = true;
            once++;
        }
    }
    assert_int_equal(once, SHARED_KEYS);
    assert_int_equal(key_scenes_pool(scenes, "x.test", SCENE_NOW_MS).uses, SHARED_KEYS);
    temp_domain_close(&there);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, key_scenes_set_up, key_scenes_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_oldest_goes_first_then_the_last_resort_again_and_again),
        TEST(what_is_used_up_without_a_last_resort_is_left_out),
        TEST(a_key_that_was_handed_out_does_not_come_back_by_an_upload),
        TEST(who_drains_is_given_last_resorts_and_takes_nothing),
        TEST(keys_for_everybody_are_given_as_often_as_wanted_and_drain_nobody),
        TEST(keys_of_an_older_database_are_not_handed_out_until_their_owner_uploads),
        TEST(whoever_is_no_account_has_no_keys),
        TEST(keys_go_with_their_device),
        TEST(keys_go_with_their_account),
        TEST(hashes_of_spent_keys_are_forgotten_after_their_days),
        TEST(keys_whose_life_is_over_are_not_counted_and_then_deleted),
        TEST(who_has_few_left_by_expiry_hears_so_once),
        TEST(pools_are_counted_by_how_full_they_are),
        TEST(two_daemons_hand_each_key_out_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

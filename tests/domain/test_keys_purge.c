/* SPDX-License-Identifier: Apache-2.0 */
/* Purges beside claims and beside another daemon's purge: nobody waits, and nothing goes twice. */
#include "common/limits.h"
#include "common/loop.h"
#include "server/domain/keys.h"
#include "tests/domain/support/key_scenes.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/temp_postgres.h"
#include "tests/support/unit.h"

#define EC KEY_SCENES_EC
#define URL(scenes) ((scenes)->temp.temp.url)
#define DAYS(count) ((count)*INT64_C(86400000))
#define OVER_MS (SCENE_NOW_MS + LIMIT_KEYS_OVER_S * INT64_C(1000))
#define FIRST "(SELECT min(number) FROM keys)"

typedef void purge_fn(struct domain *domain, int64_t now_ms, domain_purged_fn *done, void *arg);

/* Another daemon on the database of the tests; on SQLite there is none. */
static struct temp_domain there;

static void open_there(struct key_scenes *scenes)
{
    if (!temp_store_is_shared()) {
        skip();
    }
    temp_domain_open_beside(&there, &scenes->temp);
}

static size_t purge_at(struct key_scenes *scenes, purge_fn *run, int64_t now_ms)
{
    struct heard_purge heard = { 0 };

    run(&scenes->temp.domain, now_ms, scene_hear_purge, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard.row_count;
}

static void a_key_that_a_claim_saw_alive_is_not_purged_before_the_claim_is_over(void **state)
{
    struct key_scenes *scenes = *state;

    key_scenes_fill(scenes, EC, 1, 2);
    scene_run(&scenes->temp, "UPDATE keys SET expires_at = 1800000001 WHERE number = " FIRST);
    assert_int_equal(purge_at(scenes, keys_purge_expired, OVER_MS), 0);
    assert_int_equal(key_scenes_claim(scenes, EC).id, 1); /* as of SCENE_NOW_MS, a second before */
    assert_int_equal(key_scenes_claim(scenes, EC).id, 2);
}

enum {
    BOTH = 40, /* keys: those with odd ids are over */
    ALIVE = BOTH / 2,
    PURGES = 6
};

static void fill_half_over(struct key_scenes *scenes)
{
    key_scenes_fill(scenes, "x.test", 1, BOTH);
    scene_run(&scenes->temp, "UPDATE keys SET expires_at = 1800000000"
                             " WHERE (number - " FIRST ") % 2 = 0");
}

/* Claims take what is alive, each once; purges take the others, each once. */
static void run_beside(struct key_scenes *scenes, struct temp_domain *other)
{
    static struct heard_claim claims[ALIVE];
    static struct heard_purge purges[PURGES];
    bool seen[BOTH + 1] = { false };
    size_t purged = 0;

    fill_half_over(scenes);
    for (size_t i = 0; i < ALIVE; i++) {
        struct temp_domain *by = i % 2 == 0 ? &scenes->temp : other;
        if (i < PURGES) {
            purges[i] = (struct heard_purge){ 0 };
            keys_purge_expired(&by->domain, OVER_MS, scene_hear_purge, &purges[i]);
        }
        key_scenes_claim_start(scenes, i % 3 == 0 ? &scenes->temp : other, "x.test", &claims[i]);
    }
    for (size_t i = 0; i < PURGES; i++) {
        temp_store_wait(&scenes->temp.temp, &purges[i].done);
        purged += purges[i].row_count;
    }
    for (size_t i = 0; i < ALIVE; i++) {
        temp_store_wait(&scenes->temp.temp, &claims[i].done);
        assert_int_equal(claims[i].key_count, 1);
        assert_int_equal(claims[i].id % 2, 0);
        assert_false(seen[claims[i].id]);
        seen[claims[i].id] = true;
    }
    assert_int_equal(purged, BOTH - ALIVE);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM keys"), 0);
}

static void claims_and_purges_at_once_take_each_key_once(void **state)
{
    struct key_scenes *scenes = *state;

    run_beside(scenes, &scenes->temp);
}

static void claims_and_purges_of_two_daemons_take_each_key_once(void **state)
{
    struct key_scenes *scenes = *state;

    open_there(scenes);
    run_beside(scenes, &there);
    temp_domain_close(&there);
}

/* Whoever has a row in hand keeps a purge from that row alone, for as long as he has it. */
static void purge_beside(struct key_scenes *scenes, const char *hold, purge_fn *run, int64_t now_ms)
{
    temp_postgres_hold(URL(scenes), hold);
    assert_int_equal(purge_at(scenes, run, now_ms), 2);
    assert_int_equal(purge_at(scenes, run, now_ms), 0);
    temp_postgres_release();
    assert_int_equal(purge_at(scenes, run, now_ms), 1);
}

static void a_purge_of_keys_goes_around_what_others_hold(void **state)
{
    struct key_scenes *scenes = *state;

    if (!temp_store_is_shared()) {
        skip();
    }
    key_scenes_fill(scenes, EC, 1, 3);
    scene_run(&scenes->temp, "UPDATE keys SET expires_at = 1800000000");
    purge_beside(scenes, "BEGIN; DELETE FROM keys WHERE number = " FIRST, keys_purge_expired,
                 OVER_MS);
}

static void a_purge_of_hashes_goes_around_what_others_hold(void **state)
{
    struct key_scenes *scenes = *state;

    if (!temp_store_is_shared()) {
        skip();
    }
    key_scenes_fill(scenes, EC, 1, 3);
    for (uint32_t i = 1; i <= 3; i++) {
        assert_int_equal(key_scenes_claim(scenes, EC).id, i);
    }
    purge_beside(scenes,
                 "BEGIN; DELETE FROM spent_keys WHERE key_hash ="
                 " (SELECT key_hash FROM spent_keys ORDER BY key_hash LIMIT 1)",
                 keys_purge_spent, SCENE_NOW_MS + DAYS(LIMIT_SPENT_KEYS_DAYS + 1));
}

static void two_purges_at_once_share_what_there_is(void **state)
{
    struct key_scenes *scenes = *state;
    struct heard_purge heard[2] = { { 0 } };

    open_there(scenes);
    key_scenes_fill(scenes, EC, 1, BOTH);
    scene_run(&scenes->temp, "UPDATE keys SET expires_at = 1800000000");
    keys_purge_expired(&scenes->temp.domain, OVER_MS, scene_hear_purge, &heard[0]);
    keys_purge_expired(&there.domain, OVER_MS, scene_hear_purge, &heard[1]);
    temp_store_wait(&scenes->temp.temp, &heard[0].done);
    temp_store_wait(&scenes->temp.temp, &heard[1].done);
    assert_int_equal(heard[0].row_count + heard[1].row_count, BOTH);
    temp_domain_close(&there);
}

/* A purge that has deleted and not committed yet. */
static void hold_a_purge(struct key_scenes *scenes)
{
    temp_postgres_hold(URL(scenes),
                       "BEGIN; DELETE FROM keys WHERE expires_at > 0 AND expires_at <= 1800000000");
}

static void a_claim_does_not_wait_for_a_purge(void **state)
{
    struct key_scenes *scenes = *state;

    if (!temp_store_is_shared()) {
        skip();
    }
    fill_half_over(scenes);
    hold_a_purge(scenes);
    assert_int_equal(key_scenes_claim(scenes, "x.test").id, 2);
    assert_int_equal(key_scenes_claim(scenes, "x.test").id, 4);
    assert_false(temp_postgres_is_awaited(URL(scenes)));
    temp_postgres_commit();
    assert_int_equal(key_scenes_pool(scenes, "x.test", SCENE_NOW_MS).count, ALIVE - 2);
}

/* A claim waits for the lock of its device: the purge takes the device's keys meanwhile. */
static void a_purge_does_not_wait_for_a_claim(void **state)
{
    struct key_scenes *scenes = *state;
    struct heard_claim heard;

    if (!temp_store_is_shared()) {
        skip();
    }
    fill_half_over(scenes);
    temp_postgres_hold(URL(scenes), "BEGIN; SELECT FROM devices FOR UPDATE");
    key_scenes_claim_start(scenes, &scenes->temp, "x.test", &heard);
    while (!temp_postgres_is_awaited(URL(scenes))) {
        loop_turn(scenes->temp.temp.loop, 1);
    }
    temp_domain_open_beside(&there, &scenes->temp);
    struct heard_purge purged = { 0 };
    keys_purge_expired(&there.domain, OVER_MS, scene_hear_purge, &purged);
    temp_store_wait(&scenes->temp.temp, &purged.done);
    assert_int_equal(purged.row_count, BOTH - ALIVE);
    assert_false(heard.done);
    temp_postgres_release();
    temp_store_wait(&scenes->temp.temp, &heard.done);
    assert_int_equal(heard.id, 2);
    temp_domain_close(&there);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, key_scenes_set_up, key_scenes_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_key_that_a_claim_saw_alive_is_not_purged_before_the_claim_is_over),
        TEST(claims_and_purges_at_once_take_each_key_once),
        TEST(claims_and_purges_of_two_daemons_take_each_key_once),
        TEST(a_purge_of_keys_goes_around_what_others_hold),
        TEST(a_purge_of_hashes_goes_around_what_others_hold),
        TEST(two_purges_at_once_share_what_there_is),
        TEST(a_claim_does_not_wait_for_a_purge),
        TEST(a_purge_does_not_wait_for_a_claim),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

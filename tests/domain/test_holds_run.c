/* SPDX-License-Identifier: Apache-2.0 */
/* What is held is done when its time has come.  Over a temp_domain, on either engine. */
#include "common/clock.h"
#include "common/loop.h"
#include "server/domain/holds.h"
#include "server/domain/janitor.h"
#include "server/domain/mailboxes.h"
#include "server/domain/sessions.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/holding.h"
#include "tests/support/unit.h"

static void what_is_held_is_put_at_its_time_and_not_before(void **state)
{
    struct holding *holding = *state;
    struct device_pub pub = person_device(&holding->ada, 2)->pub;
    struct session_hash gone = scene_begin(&holding->temp, &holding->ada, 2);
    struct scene_stream stream;
    struct person next;

    scene_listen(&holding->temp, &pub, &gone, &stream);
    holding_without(&holding->ada, 2, 1, &next);
    holding_expect(holding, &next);
    assert_int_equal(stream.event.kind, HUB_EVENT_MANIFEST_HELD);
    assert_int_equal(stream.event.device_id, 1);
    assert_int_equal(stream.event.held_until, HOLDING_DUE_MS / 1000);
    assert_memory_equal(stream.event.hash.raw, next.hash.raw, 32);
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS - 1), 0);
    assert_int_equal(scene_count(&holding->temp, HOLDING_EPOCH_SQL), 0);
    assert_int_equal(stream.end_count, 0);
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS), 1);
    assert_int_equal(scene_count(&holding->temp, HOLDING_EPOCH_SQL), 1);
    assert_int_equal(scene_count(&holding->temp, HOLDING_COUNT_SQL), 0);
    assert_int_equal(stream.event.kind, HUB_EVENT_MANIFEST_CHANGED);
    assert_int_equal(stream.end, HUB_END_REVOKED);
    assert_null(scene_mailbox(&holding->temp, &pub));
    assert_null(sessions_cached(&holding->temp.domain, &gone, SCENE_NOW_MS));
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS), 0);
    assert_int_equal(scene_put(&holding->temp, &next), MANIFESTS_PRESENT);
    person_clear(&next);
}

static void what_is_held_is_put_in_the_next_life_of_the_daemon(void **state)
{
    struct holding *holding = *state;
    struct person next;

    holding_without(&holding->ada, 2, 1, &next);
    holding_expect(holding, &next);
    temp_domain_restart(&holding->temp);
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS), 1);
    assert_int_equal(scene_count(&holding->temp, HOLDING_EPOCH_SQL), 1);
    person_clear(&next);
}

static void a_relay_that_was_away_waits_for_the_devices_to_come_back(void **state)
{
    struct holding *holding = *state;
    struct heard_purge heard = { 0 };
    struct person next;

    holding_without(&holding->ada, 2, 1, &next);
    holding_expect(holding, &next);
    holds_run(&holding->temp.domain, HOLDING_DUE_MS + 299999, HOLDING_DUE_MS, scene_hear_purge,
              &heard);
    assert_true(heard.done);
    assert_int_equal(heard.row_count, 0);
    heard.done = false;
    holds_run(&holding->temp.domain, HOLDING_DUE_MS + 300000, HOLDING_DUE_MS, scene_hear_purge,
              &heard);
    temp_store_wait(&holding->temp.temp, &heard.done);
    assert_int_equal(heard.row_count, 1);
    person_clear(&next);
}

/* Let the janitor make rounds until one has taken away a challenge that was used. */
static void round_at(struct holding *holding, struct janitor *janitor, int64_t now_ms)
{
    int64_t until_ms = clock_steady_ms() + 30000;

    damage_run(&holding->temp, "INSERT INTO used_challenges (rand, expires_at) VALUES (x'01', 1)",
               "INSERT INTO used_challenges (rand, expires_at) VALUES ('\\x01'::bytea, 1)");
    while (scene_count(&holding->temp, "SELECT count(*) FROM used_challenges") > 0) {
        assert_true(clock_steady_ms() < until_ms);
        janitor_run(janitor, now_ms);
        loop_turn(holding->temp.temp.loop, 0);
    }
}

enum {
    ROUND_MS = 25000 /* less than what the janitor takes for sleep */
};

static void the_janitor_does_not_trust_a_clock_that_jumps(void **state)
{
    struct holding *holding = *state;
    struct janitor *janitor = janitor_create(&holding->temp.domain);
    struct person next;

    holding_without(&holding->ada, 2, 1, &next);
    holding_expect(holding, &next);
    for (int64_t at_ms = SCENE_NOW_MS; at_ms < SCENE_NOW_MS + 400000; at_ms += ROUND_MS) {
        round_at(holding, janitor, at_ms);
    }
    round_at(holding, janitor, HOLDING_DUE_MS + 1000);
    round_at(holding, janitor, HOLDING_DUE_MS + 2000);
    assert_int_equal(scene_count(&holding->temp, HOLDING_EPOCH_SQL), 0);
    for (int64_t at_ms = HOLDING_DUE_MS + 3000; at_ms < HOLDING_DUE_MS + 500000;
         at_ms += ROUND_MS) {
        round_at(holding, janitor, at_ms);
    }
    assert_int_equal(scene_count(&holding->temp, HOLDING_EPOCH_SQL), 1);
    person_clear(&next);
    temp_store_reopen(&holding->temp.temp);
    holding->temp.domain.store = holding->temp.temp.store;
    janitor_destroy(janitor);
}

static void a_round_that_takes_long_is_no_sleep(void **state)
{
    struct holding *holding = *state;
    struct janitor *janitor = janitor_create(&holding->temp.domain);
    int64_t until_ms = clock_steady_ms() + 30000;
    struct person next;

    holding_without(&holding->ada, 2, 1, &next);
    holding_expect(holding, &next);
    for (int64_t at_ms = SCENE_NOW_MS; at_ms < HOLDING_DUE_MS; at_ms += ROUND_MS) {
        janitor_run(janitor, at_ms); /* the first round ends behind the last of these calls */
    }
    while (scene_count(&holding->temp, HOLDING_EPOCH_SQL) == 0) {
        assert_true(clock_steady_ms() < until_ms);
        janitor_run(janitor, HOLDING_DUE_MS);
        loop_turn(holding->temp.temp.loop, 0);
    }
    person_clear(&next);
    temp_store_reopen(&holding->temp.temp);
    holding->temp.domain.store = holding->temp.temp.store;
    janitor_destroy(janitor);
}

static void of_a_veto_and_the_janitor_exactly_one_wins(void **state)
{
    struct holding *holding = *state;
    struct heard_purge ran = { 0 };
    struct holding_veto vetoed;
    struct holds_veto order;
    struct person next;

    holding_without(&holding->ada, 2, 1, &next);
    order = holding_order(&next);
    holding_expect(holding, &next);
    holding_veto_start(holding, &order, 3, 5, &vetoed);
    holds_run(&holding->temp.domain, HOLDING_DUE_MS, 0, scene_hear_purge, &ran);
    temp_store_wait(&holding->temp.temp, &vetoed.done);
    temp_store_wait(&holding->temp.temp, &ran.done);
    if (vetoed.outcome.result == HOLDS_VETOED) {
        assert_int_equal(ran.row_count, 0);
    } else {
        assert_int_equal(vetoed.outcome.result, HOLDS_UNKNOWN);
        assert_int_equal(ran.row_count, 1);
    }
    assert_int_equal(scene_count(&holding->temp, HOLDING_EPOCH_SQL), (int64_t)ran.row_count);
    assert_int_equal(scene_count(&holding->temp, HOLDING_COUNT_SQL), 0);
    person_clear(&next);
}

static void two_runs_at_once_put_it_once(void **state)
{
    struct holding *holding = *state;
    struct heard_purge ran[2] = { { 0 }, { 0 } };
    struct temp_domain there;
    struct domain *second = &holding->temp.domain;
    struct person next;

    holding_without(&holding->ada, 2, 1, &next);
    holding_expect(holding, &next);
    if (temp_store_is_shared()) {
        temp_domain_open_beside(&there, &holding->temp);
        second = &there.domain;
    }
    holds_run(&holding->temp.domain, HOLDING_DUE_MS, 0, scene_hear_purge, &ran[0]);
    holds_run(second, HOLDING_DUE_MS, 0, scene_hear_purge, &ran[1]);
    temp_store_wait(&holding->temp.temp, &ran[0].done);
    temp_store_wait(&holding->temp.temp, &ran[1].done);
    assert_int_equal(ran[0].row_count + ran[1].row_count, 1);
    assert_int_equal(scene_count(&holding->temp, HOLDING_EPOCH_SQL), 1);
    assert_int_equal(scene_count(&holding->temp, "SELECT count(*) FROM left_devices"), 1);
    if (temp_store_is_shared()) {
        temp_domain_close(&there);
    }
    person_clear(&next);
}

static void what_the_store_cannot_do_now_is_done_later(void **state)
{
    struct holding *holding = *state;
    struct person next;

    person_copy(&holding->ada, &next);
    person_remove(&next, 2);
    (void)person_add(&next, 9, 0);
    person_next_by(&next, 1);
    holding_expect(holding, &next);
    damage_break(&holding->temp, DAMAGE_INSERT_DEVICES);
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS), 0);
    assert_int_equal(scene_count(&holding->temp, HOLDING_COUNT_SQL), 1);
    damage_mend(&holding->temp);
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS), 1);
    assert_int_equal(scene_count(&holding->temp, HOLDING_EPOCH_SQL), 1);
    person_clear(&next);
}

static void what_cannot_be_put_any_more_is_dropped_and_told(void **state)
{
    struct holding *holding = *state;
    struct session_hash session = scene_begin(&holding->temp, &holding->ada, 3);
    struct scene_stream stream;
    struct person next;
    struct person bob;

    scene_listen(&holding->temp, &person_device(&holding->ada, 3)->pub, &session, &stream);
    person_copy(&holding->ada, &next);
    person_remove(&next, 2);
    (void)person_add(&next, 9, 0);
    person_next_by(&next, 1);
    holding_expect(holding, &next);
    person_init(&bob, 1);
    person_take_key(person_device(&bob, 1), person_device(&next, 9));
    person_first(&bob);
    scene_register(&holding->temp, &bob);
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS), 0);
    assert_int_equal(stream.event.kind, HUB_EVENT_MANIFEST_DROPPED);
    assert_int_equal(scene_count(&holding->temp, HOLDING_COUNT_SQL), 0);
    person_next(&holding->ada);
    assert_int_equal(scene_put(&holding->temp, &holding->ada), MANIFESTS_STORED);
    scene_leave(&stream);
    person_clear(&next);
    person_clear(&bob);
}

static void what_an_older_database_holds_begins_anew(void **state)
{
    struct holding *holding = *state;
    struct session_hash session = scene_begin(&holding->temp, &holding->ada, 2);
    struct scene_stream stream;
    struct person next;

    scene_listen(&holding->temp, &person_device(&holding->ada, 2)->pub, &session, &stream);
    holding_without(&holding->ada, 2, 1, &next);
    holding_expect(holding, &next);
    holding->temp.domain.generation++;
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS), 0);
    assert_int_equal(scene_count(&holding->temp, HOLDING_EPOCH_SQL), 0);
    assert_int_equal(stream.event_count, 2);
    assert_int_equal(stream.event.kind, HUB_EVENT_MANIFEST_HELD);
    assert_int_equal(stream.event.held_until, HOLDING_DUE_MS / 1000 + HOLDING_S);
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS + HOLDING_S * 1000 - 1), 0);
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS + HOLDING_S * 1000), 1);
    assert_int_equal(scene_count(&holding->temp, HOLDING_EPOCH_SQL), 1);
    person_clear(&next);
}

static void a_row_that_is_damaged_is_dropped(void **state)
{
    struct holding *holding = *state;
    struct person next;

    holding_without(&holding->ada, 2, 1, &next);
    holding_expect(holding, &next);
    damage_run(&holding->temp, "UPDATE holds SET signed = x'00'",
               "UPDATE holds SET signed = '\\x00'::bytea");
    assert_int_equal(holding_run_at(holding, HOLDING_DUE_MS), 0);
    assert_int_equal(scene_count(&holding->temp, HOLDING_COUNT_SQL), 0);
    assert_int_equal(scene_count(&holding->temp, HOLDING_EPOCH_SQL), 0);
    person_clear(&next);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, holding_set_up, holding_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_held_is_put_at_its_time_and_not_before),
        TEST(what_is_held_is_put_in_the_next_life_of_the_daemon),
        TEST(a_relay_that_was_away_waits_for_the_devices_to_come_back),
        TEST(the_janitor_does_not_trust_a_clock_that_jumps),
        TEST(a_round_that_takes_long_is_no_sleep),
        TEST(of_a_veto_and_the_janitor_exactly_one_wins),
        TEST(two_runs_at_once_put_it_once),
        TEST(what_the_store_cannot_do_now_is_done_later),
        TEST(what_cannot_be_put_any_more_is_dropped_and_told),
        TEST(what_an_older_database_holds_begins_anew),
        TEST(a_row_that_is_damaged_is_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

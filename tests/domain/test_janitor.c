/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"
#include "common/loop.h"
#include "server/domain/janitor.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/people.h"
#include "tests/support/unit.h"

#define DAY_MS INT64_C(86400000)
#define MINUTE_MS INT64_C(60000)
#define EXPIRED_SQL "SELECT count(*) FROM envelopes WHERE kind = 0 AND own_ttl = 1"

static struct temp_domain temp;
static struct person ada; /* devices 1 (ADMIN), and 2, which is never idle and gets the mail */
static struct janitor *janitor;
static uint8_t next_id;

static int set_up(void **state)
{
    (void)state;
    temp_domain_open(&temp);
    person_init(&ada, 2);
    scene_register(&temp, &ada);
    scene_run(&temp, "UPDATE devices SET seen_day = seen_day + 10000 WHERE device_id = 2");
    janitor = janitor_create(&temp.domain);
    next_id = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    person_clear(&ada);
    temp_domain_close(&temp);
    janitor_destroy(janitor);
    return 0;
}

static void send_at(int64_t ttl_s, int64_t now_ms)
{
    static struct temp_sent sent;
    struct envelope_recipient recipient = { person_device(&ada, 2)->pub, bytes_text("body") };
    struct envelope_send send = {
        .id = { { ++next_id } }, .ttl_s = ttl_s, .recipients = &recipient, .count = 1
    };

    temp_domain_begin(&temp, &send, now_ms, &sent);
    temp_domain_wait(&temp, &sent);
    assert_int_equal(sent.outcome.stored, 1);
}

/* Run the janitor at now_ms, again and again, until sql counts nothing. */
static void run_until_none(const char *sql, int64_t now_ms)
{
    int64_t until_ms = clock_steady_ms() + 30000;

    while (scene_count(&temp, sql) > 0) {
        assert_true(clock_steady_ms() < until_ms);
        janitor_run(janitor, now_ms);
        loop_turn(temp.temp.loop, 0);
    }
}

/*
 * A round begins with what has expired, and begins only when the one before it
 * has ended: so two expiries one after the other frame a whole round.
 */
static void run_whole_round(int64_t now_ms)
{
    for (int i = 0; i < 2; i++) {
        send_at(10, now_ms - MINUTE_MS);
        run_until_none(EXPIRED_SQL, now_ms);
    }
}

static void a_round_does_every_duty(void **state)
{
    int64_t then_ms = SCENE_NOW_MS + 60 * DAY_MS;

    (void)state;
    (void)scene_begin(&temp, &ada, 1);
    send_at(2592000, SCENE_NOW_MS);
    send_at(3600, SCENE_NOW_MS);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM sessions"), 1);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM used_challenges"), 1);
    run_whole_round(then_ms);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM envelopes WHERE kind = 0"), 0);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM sessions"), 0);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM used_challenges"), 0);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM devices WHERE idle_state = 2"), 1);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM accounts"), 1);
}

/* Each table has one row that is due. */
static void a_round_forgets_what_is_over_of_second_factors(void **state)
{
    static const char *const counts[] = {
        "SELECT count(*) FROM txns",    "SELECT count(*) FROM txn_challenges",
        "SELECT count(*) FROM guesses", "SELECT count(*) FROM grants",
        "SELECT count(*) FROM factors", "SELECT count(*) FROM account_log",
    };

    (void)state;
    scene_run(&temp, "INSERT INTO txns (txn_id, subject, account, purpose, kinds, challenges_left,"
                     " is_done, expires_at) SELECT account_id, 1, 0, 1, 1, 5, 0, 1 FROM accounts");
    scene_run(&temp, "INSERT INTO txn_challenges (challenge_id, txn_id, subject, account, purpose,"
                     " kind, attempts_left, used, created_at, expires_at)"
                     " SELECT account_id, account_id, 1, 0, 1, 1, 5, 0, 1, 1 FROM accounts");
    scene_run(&temp, "INSERT INTO guesses (guess, subject, guessed_at)"
                     " SELECT account_id, 1, 1 FROM accounts");
    scene_run(&temp, "INSERT INTO grants (grant_hash, account, purpose, kind, expires_at)"
                     " SELECT account_id, account, 1, 1, 1 FROM accounts");
    scene_run(&temp, "INSERT INTO factors (factor_id, account, kind, is_confirmed, is_stepped_up,"
                     " label, counter, created_at)"
                     " SELECT account_id, account, 1, 0, 0, account_id, -1, 0 FROM accounts");
    scene_run(&temp, "INSERT INTO account_log (account, event, kind, purpose, device_id, at)"
                     " SELECT account, 1, 1, 0, 1, 0 FROM accounts");
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        assert_int_equal(scene_count(&temp, counts[i]), 1);
    }
    run_whole_round(SCENE_NOW_MS);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        assert_int_equal(scene_count(&temp, counts[i]), 0);
    }
}

static void a_short_round_removes_what_expired_and_nothing_else(void **state)
{
    int64_t then_ms = SCENE_NOW_MS + 60 * DAY_MS;

    (void)state;
    SKIP_ON_POSTGRES();
    (void)scene_begin(&temp, &ada, 1);
    send_at(2592000, SCENE_NOW_MS);
    for (int i = 0; i < 2; i++) {
        send_at(10, SCENE_NOW_MS);
        while (scene_count(&temp, EXPIRED_SQL) > 0) {
            janitor_expire(janitor, then_ms);
            loop_turn(temp.temp.loop, 0);
        }
    }
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM envelopes WHERE kind = 1"), 1);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM envelopes WHERE kind = 0"), 1);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM sessions"), 1);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM devices WHERE idle_state = 0"), 2);
}

static void a_short_round_under_way_becomes_a_whole_one(void **state)
{
    int64_t then_ms = SCENE_NOW_MS + 60 * DAY_MS;
    int64_t until_ms = clock_steady_ms() + 30000;

    (void)state;
    (void)scene_begin(&temp, &ada, 1);
    janitor_expire(janitor, then_ms);
    janitor_run(janitor, then_ms); /* once: its read is not answered before the loop turns */
    while (scene_count(&temp, "SELECT count(*) FROM sessions") > 0) {
        assert_true(clock_steady_ms() < until_ms);
        loop_turn(temp.temp.loop, 0);
    }
}

static void a_round_takes_nothing_that_is_not_due(void **state)
{
    (void)state;
    (void)scene_begin(&temp, &ada, 1);
    send_at(2592000, SCENE_NOW_MS);
    send_at(3600, SCENE_NOW_MS);
    janitor_run(janitor, SCENE_NOW_MS);
    send_at(10, SCENE_NOW_MS - MINUTE_MS);
    run_until_none("SELECT count(*) FROM envelopes WHERE kind = 0 AND expires_at <= 1800000000",
                   SCENE_NOW_MS);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM envelopes WHERE kind = 0"), 2);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM sessions"), 1);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM devices WHERE idle_state = 0"), 2);
}

static void a_full_batch_is_followed_by_another_in_the_same_round(void **state)
{
    (void)state;
    SKIP_ON_POSTGRES();
    send_at(10, SCENE_NOW_MS);
    scene_run(&temp, "INSERT INTO envelopes (seq, mailbox, kind, flags, minute, expires_at,"
                     " own_ttl, tag, id, body) SELECT seq + n, mailbox, kind, flags, minute,"
                     " expires_at, own_ttl, tag, id, body FROM envelopes,"
                     " (WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up"
                     " WHERE n < 500) SELECT n FROM up) AS ups");
    temp_domain_restart(&temp);
    janitor_run(janitor, SCENE_NOW_MS + MINUTE_MS); /* once */
    while (scene_count(&temp, EXPIRED_SQL) > 0) {
        loop_turn(temp.temp.loop, 0);
    }
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM envelopes WHERE kind = 1"), 1);
}

static void idle_devices_are_looked_at_once_an_hour(void **state)
{
    int64_t then_ms = SCENE_NOW_MS + 40 * DAY_MS;

    (void)state;
    scene_run(&temp, "UPDATE devices SET seen_day = seen_day + 40 WHERE device_id = 1");
    run_whole_round(then_ms);
    scene_run(&temp, "UPDATE devices SET seen_day = seen_day - 40 WHERE device_id = 1");
    run_whole_round(then_ms + 59 * MINUTE_MS);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM devices WHERE idle_state > 0"), 0);
    run_whole_round(then_ms + 61 * MINUTE_MS);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM devices WHERE idle_state > 0"), 1);
}

static void the_clock_that_goes_back_puts_off_nothing_hourly(void **state)
{
    (void)state;
    run_whole_round(SCENE_NOW_MS + 60 * DAY_MS);
    scene_run(&temp, "INSERT INTO account_log (account, event, kind, purpose, device_id, at)"
                     " SELECT account, 1, 1, 0, 1, 0 FROM accounts");
    run_whole_round(SCENE_NOW_MS);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM account_log"), 0);
}

static void idle_accounts_are_erased_only_where_the_operator_says_so(void **state)
{
    int64_t then_ms = SCENE_NOW_MS + 400 * DAY_MS;

    (void)state;
    run_whole_round(then_ms);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM accounts"), 1);
    temp.domain.settings.idle_account_days = 365;
    janitor_run(janitor, then_ms + 61 * MINUTE_MS);
    run_until_none("SELECT count(*) FROM accounts", then_ms + 61 * MINUTE_MS);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM devices"), 0);
}

static void a_round_under_way_is_not_begun_again(void **state)
{
    (void)state;
    send_at(10, SCENE_NOW_MS);
    for (int i = 0; i < 100; i++) {
        janitor_run(janitor, SCENE_NOW_MS + MINUTE_MS);
    }
    run_until_none(EXPIRED_SQL, SCENE_NOW_MS + MINUTE_MS);
    assert_int_equal(scene_count(&temp, "SELECT count(*) FROM envelopes WHERE kind = 1"), 1);
}

int main(void)
{
#define JANITOR_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        JANITOR_TEST(a_round_does_every_duty),
        JANITOR_TEST(a_round_forgets_what_is_over_of_second_factors),
        JANITOR_TEST(a_short_round_removes_what_expired_and_nothing_else),
        JANITOR_TEST(a_short_round_under_way_becomes_a_whole_one),
        JANITOR_TEST(a_round_takes_nothing_that_is_not_due),
        JANITOR_TEST(a_full_batch_is_followed_by_another_in_the_same_round),
        JANITOR_TEST(idle_devices_are_looked_at_once_an_hour),
        JANITOR_TEST(the_clock_that_goes_back_puts_off_nothing_hourly),
        JANITOR_TEST(idle_accounts_are_erased_only_where_the_operator_says_so),
        JANITOR_TEST(a_round_under_way_is_not_begun_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

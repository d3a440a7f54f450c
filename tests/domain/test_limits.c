/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/bytes.h"
#include "common/metrics.h"
#include "server/domain/limits.h"
#include "tests/support/unit.h"

enum {
    NOW_MS = 1000000000,
    HOUR_MS = 3600000
};

static struct limits_ask ask_of(enum limits_class class, const char *name)
{
    return (struct limits_ask){ .class = class, .name = bytes_text(name), .tokens = 1 };
}

static int take(struct limits *limits, enum limits_class class, const char *name, int64_t now_ms)
{
    struct limits_ask ask = ask_of(class, name);

    return limits_take(limits, &ask, 1, now_ms);
}

static void a_class_is_off_until_it_has_a_count(void **state)
{
    struct limits *limits = limits_create();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(take(limits, LIMITS_DEVICE, "a", NOW_MS), 0);
    }
    limits_set(limits, LIMITS_DEVICE, 1);
    assert_int_equal(take(limits, LIMITS_DEVICE, "a", NOW_MS), 0);
    assert_int_equal(take(limits, LIMITS_DEVICE, "a", NOW_MS), 60);
    assert_int_equal(take(limits, LIMITS_ACCOUNT, "a", NOW_MS), 0);
    limits_destroy(limits);
}

static void seconds_are_told_rounded_up_and_hold(void **state)
{
    struct limits *limits = limits_create();

    (void)state;
    limits_set(limits, LIMITS_DEVICE, 100); /* one in 600 ms */
    for (int i = 0; i < 100; i++) {
        assert_int_equal(take(limits, LIMITS_DEVICE, "a", NOW_MS), 0);
    }
    assert_int_equal(take(limits, LIMITS_DEVICE, "a", NOW_MS), 1);
    assert_int_equal(take(limits, LIMITS_DEVICE, "a", NOW_MS + 1000), 0);
    limits_destroy(limits);
}

static void registrations_count_by_the_hour(void **state)
{
    struct limits *limits = limits_create();

    (void)state;
    limits_set(limits, LIMITS_REGISTRATIONS, 2);
    assert_int_equal(take(limits, LIMITS_REGISTRATIONS, "a", NOW_MS), 0);
    assert_int_equal(take(limits, LIMITS_REGISTRATIONS, "a", NOW_MS), 0);
    assert_int_equal(take(limits, LIMITS_REGISTRATIONS, "a", NOW_MS), 1800);
    limits_destroy(limits);
}

static void all_is_taken_or_nothing_and_the_longest_wait_is_told(void **state)
{
    struct limits *limits = limits_create();
    const struct limits_ask asks[] = {
        ask_of(LIMITS_DEVICE, "device"),
        ask_of(LIMITS_ACCOUNT, "account"),
    };
    int64_t refused = metrics_value(METRIC_limited_accounts);

    (void)state;
    limits_set(limits, LIMITS_DEVICE, 2);
    limits_set(limits, LIMITS_ACCOUNT, 1);
    assert_int_equal(limits_take(limits, asks, 2, NOW_MS), 0);
    assert_int_equal(limits_take(limits, asks, 2, NOW_MS), 60);
    assert_int_equal(limits_take(limits, asks, 2, NOW_MS), 60);
    assert_int_equal(metrics_value(METRIC_limited_accounts), refused + 2);
    assert_int_equal(limits_take(limits, asks, 1, NOW_MS), 0); /* the device's was not taken */
    limits_destroy(limits);
}

static void nobody_is_not_limited(void **state)
{
    struct limits *limits = limits_create();

    (void)state;
    limits_set(limits, LIMITS_ADDRESS, 1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(take(limits, LIMITS_ADDRESS, "", NOW_MS), 0);
    }
    limits_destroy(limits);
}

static void what_is_given_back_was_never_taken(void **state)
{
    struct limits *limits = limits_create();
    struct limits_ask ask = ask_of(LIMITS_FAILURES, "a");

    (void)state;
    limits_set(limits, LIMITS_FAILURES, 1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(limits_take(limits, &ask, 1, NOW_MS), 0);
        limits_give_back(limits, &ask, NOW_MS);
    }
    limits_charge(limits, &ask, NOW_MS);
    assert_int_equal(limits_wait_s(limits, &ask, NOW_MS), 60);
    limits_destroy(limits);
}

static void the_hourly_key_forgets_nothing_that_counts(void **state)
{
    struct limits *limits = limits_create();

    (void)state;
    limits_set(limits, LIMITS_REGISTRATIONS, 1);
    limits_renew_key(limits, NOW_MS);
    for (int64_t now = NOW_MS; now < NOW_MS + 5 * (int64_t)HOUR_MS; now += HOUR_MS) {
        assert_int_equal(take(limits, LIMITS_REGISTRATIONS, "a", now), 0);
        limits_renew_key(limits, now + HOUR_MS / 2);
        assert_int_equal(take(limits, LIMITS_REGISTRATIONS, "a", now + HOUR_MS / 2), 1800);
        limits_renew_key(limits, now + HOUR_MS - 1);
        assert_int_equal(take(limits, LIMITS_REGISTRATIONS, "a", now + HOUR_MS - 1), 1);
    }
    limits_destroy(limits);
}

/* server/README.md, Memory: 14 tables of 65,536 buckets and one of 262,144, 16 bytes each. */
static void the_room_of_all_tables_is_told(void **state)
{
    (void)state;
    assert_int_equal(limits_bytes(), 18 * 1024 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_is_off_until_it_has_a_count),
        cmocka_unit_test(seconds_are_told_rounded_up_and_hold),
        cmocka_unit_test(registrations_count_by_the_hour),
        cmocka_unit_test(all_is_taken_or_nothing_and_the_longest_wait_is_told),
        cmocka_unit_test(nobody_is_not_limited),
        cmocka_unit_test(what_is_given_back_was_never_taken),
        cmocka_unit_test(the_hourly_key_forgets_nothing_that_counts),
        cmocka_unit_test(the_room_of_all_tables_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/awake.h"
#include "server/domain/domain.h"
#include "tests/support/unit.h"

#define MINUTE_MS INT64_C(60000)
#define START_MS (1000 * MINUTE_MS)

static void calls_that_follow_one_another_are_one_waking(void **state)
{
    struct domain domain = { .called_ms = 0 };

    (void)state;
    for (int64_t now_ms = START_MS; now_ms < START_MS + 10 * MINUTE_MS; now_ms += MINUTE_MS) {
        awake_call(&domain, now_ms);
        assert_int_equal(awake_since_ms(&domain, now_ms), START_MS);
    }
}

static void silence_and_a_clock_that_goes_back_are_sleep(void **state)
{
    struct domain domain = { .called_ms = 0 };

    (void)state;
    assert_int_equal(awake_since_ms(&domain, START_MS), START_MS); /* nobody has called yet */
    awake_call(&domain, START_MS);
    assert_int_equal(awake_since_ms(&domain, START_MS + MINUTE_MS), START_MS);
    assert_int_equal(awake_since_ms(&domain, START_MS + MINUTE_MS + 1), START_MS + MINUTE_MS + 1);
    assert_int_equal(awake_since_ms(&domain, START_MS - 1), START_MS - 1);
    awake_call(&domain, START_MS + MINUTE_MS + 1);
    assert_int_equal(awake_since_ms(&domain, START_MS + 2 * MINUTE_MS), START_MS + MINUTE_MS + 1);
    awake_call(&domain, START_MS);
    assert_int_equal(awake_since_ms(&domain, START_MS), START_MS);
}

static void devices_have_as_long_as_the_wait_and_five_minutes_at_most(void **state)
{
    struct domain domain = { .called_ms = 0 };

    (void)state;
    awake_call(&domain, START_MS);
    assert_int_equal(awake_grace_end_ms(&domain, 0, START_MS), START_MS);
    assert_int_equal(awake_grace_end_ms(&domain, 60, START_MS), START_MS + MINUTE_MS);
    assert_int_equal(awake_grace_end_ms(&domain, 86400, START_MS), START_MS + 5 * MINUTE_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_that_follow_one_another_are_one_waking),
        cmocka_unit_test(silence_and_a_clock_that_goes_back_are_sleep),
        cmocka_unit_test(devices_have_as_long_as_the_wait_and_five_minutes_at_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

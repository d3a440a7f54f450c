/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/random.h"
#include "tests/support/unit.h"

static void every_byte_is_filled(void **state)
{
    enum {
        SIZE = 1000,
        ROUNDS = 64
    };
    uint8_t seen[SIZE] = { 0 };
    uint8_t bytes[SIZE];

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        memset(bytes, 0, sizeof bytes);
        random_fill(bytes, sizeof bytes);
        for (size_t i = 0; i < SIZE; i++) {
            seen[i] |= bytes[i];
        }
    }
    for (size_t i = 0; i < SIZE; i++) {
        assert_int_not_equal(seen[i], 0); /* one byte is 0 in all rounds once in 2^512 */
    }
}

static void filling_nothing_writes_nothing(void **state)
{
    uint8_t byte = 7;

    (void)state;
    random_fill(&byte, 0);
    assert_int_equal(byte, 7);
}

static void more_than_one_call_of_the_kernel_is_filled(void **state)
{
    static uint8_t bytes[1 << 20];
    size_t zeros = 0;

    (void)state;
    random_fill(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        zeros += bytes[i] == 0 ? 1 : 0;
    }
    assert_in_range(zeros, 3000, 5200); /* 4096 are expected; the range is 17 deviations wide */
}

static void a_number_is_below_its_bound(void **state)
{
    static const uint32_t bounds[] = { 1, 2, 3, 10, 1000000, 0x80000001, UINT32_MAX };

    (void)state;
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        for (int round = 0; round < 200; round++) {
            assert_true(random_below(bounds[i]) < bounds[i]);
        }
    }
}

static void each_number_is_about_equally_likely(void **state)
{
    enum {
        BOUND = 6,
        ROUNDS = 60000
    };
    int seen[BOUND] = { 0 };

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        seen[random_below(BOUND)]++;
    }
    for (int i = 0; i < BOUND; i++) {
        assert_in_range(seen[i], 9000, 11000); /* 11 deviations on either side */
    }
}

static void the_upper_half_is_reached_by_a_bound_just_above_it(void **state)
{
    int high = 0;

    (void)state;
    for (int round = 0; round < 10000; round++) {
        high += random_below(0xc0000000) >= 0x60000000 ? 1 : 0;
    }
    assert_in_range(high, 4600, 5400); /* without rejection it would be 3750 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_filled),
        cmocka_unit_test(filling_nothing_writes_nothing),
        cmocka_unit_test(more_than_one_call_of_the_kernel_is_filled),
        cmocka_unit_test(a_number_is_below_its_bound),
        cmocka_unit_test(each_number_is_about_equally_likely),
        cmocka_unit_test(the_upper_half_is_reached_by_a_bound_just_above_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

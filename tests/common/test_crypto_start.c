/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This program brings a point check of its own in place of libsodium's, as faulty
 * as that of some builds of 1.0.18: a point passes when x of L times it is 0, so
 * a part of order 2 is not seen.
 */
#include <sodium.h>
#include <string.h>

#include "common/crypto.h"
#include "tests/support/unit.h"

static enum {
    SEES_ALL,
    MISSES_ORDER_2,
    REFUSES_ALL
} fault;

/* The base point, and it plus the point of order 2. */
static const unsigned char base_point[32] = {
    0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
};
static const unsigned char mixed_point[32] = {
    0x95, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99,
    0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99,
};

int crypto_core_ed25519_is_valid_point(const unsigned char *p)
{
    int is_mixed = memcmp(p, mixed_point, sizeof mixed_point) == 0;
    int is_base = memcmp(p, base_point, sizeof base_point) == 0;

    return fault != REFUSES_ALL && (is_base || (fault == MISSES_ORDER_2 && is_mixed));
}

static void start_accepts_a_check_that_sees_all(void **state)
{
    (void)state;
    fault = SEES_ALL;
    assert_true(crypto_start());
}

static void start_refuses_a_check_that_misses_a_part_of_order_two(void **state)
{
    (void)state;
    fault = MISSES_ORDER_2;
    assert_false(crypto_start());
}

static void start_refuses_a_check_that_refuses_good_points(void **state)
{
    (void)state;
    fault = REFUSES_ALL;
    assert_false(crypto_start());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_accepts_a_check_that_sees_all),
        cmocka_unit_test(start_refuses_a_check_that_misses_a_part_of_order_two),
        cmocka_unit_test(start_refuses_a_check_that_refuses_good_points),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

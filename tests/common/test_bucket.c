/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/bucket.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "tests/support/unit.h"

enum {
    MINUTE_MS = 60000,
    HOUR_MS = 3600000,
    START_MS = 1000000,
    SMALL = BUCKET_WAYS,
    LARGE = 4096
};

static const uint8_t first_key[CRYPTO_SIPHASH_KEY_BYTES] = { 1 };
static const uint8_t second_key[CRYPTO_SIPHASH_KEY_BYTES] = { 2 };
static const uint8_t third_key[CRYPTO_SIPHASH_KEY_BYTES] = { 3 };

static struct bucket_table *table_of(size_t size, int64_t count, int64_t period_ms)
{
    struct bucket_table *table = bucket_create(size);

    bucket_set_key(table, first_key);
    bucket_set_rate(table, (struct bucket_rate){ .count = count, .period_ms = period_ms });
    return table;
}

/* Take tokens if they are there; the wait otherwise. */
static int64_t try_take(struct bucket_table *table, const char *name, int64_t tokens,
                        int64_t now_ms)
{
    int64_t wait = bucket_wait_ms(table, bytes_text(name), tokens, now_ms);

    if (wait == 0) {
        bucket_take(table, bytes_text(name), tokens, now_ms);
    }
    return wait;
}

static void a_full_bucket_gives_its_count_at_once(void **state)
{
    struct bucket_table *table = table_of(LARGE, 10, MINUTE_MS);

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(try_take(table, "a", 1, START_MS), 0);
    }
    assert_int_equal(try_take(table, "a", 1, START_MS), MINUTE_MS / 10);
    bucket_destroy(table);
}

static void the_wait_it_names_is_exact(void **state)
{
    struct bucket_table *table = table_of(LARGE, 10, MINUTE_MS);

    (void)state;
    bucket_take(table, bytes_text("a"), 10, START_MS);
    assert_int_equal(bucket_wait_ms(table, bytes_text("a"), 3, START_MS), 18000);
    assert_int_equal(bucket_wait_ms(table, bytes_text("a"), 3, START_MS + 17999), 1);
    assert_int_equal(bucket_wait_ms(table, bytes_text("a"), 3, START_MS + 18000), 0);
    bucket_destroy(table);
}

static void names_do_not_share_a_bucket(void **state)
{
    struct bucket_table *table = table_of(LARGE, 1, MINUTE_MS);

    (void)state;
    assert_int_equal(try_take(table, "a", 1, START_MS), 0);
    assert_int_equal(try_take(table, "b", 1, START_MS), 0);
    assert_true(try_take(table, "a", 1, START_MS) > 0);
    bucket_destroy(table);
}

static void in_the_long_run_no_more_pass_than_the_rate_says(void **state)
{
    struct bucket_table *table = table_of(LARGE, 70, MINUTE_MS);
    int passed = 0;

    (void)state;
    for (int64_t now = START_MS; now < START_MS + HOUR_MS; now += 100) {
        passed += try_take(table, "a", 1, now) == 0 ? 1 : 0;
    }
    assert_in_range(passed, 70 * 60, 70 * 61);
    bucket_destroy(table);
}

static void more_than_the_bucket_holds_passes_when_it_is_full(void **state)
{
    struct bucket_table *table = table_of(LARGE, 10, MINUTE_MS);

    (void)state;
    assert_int_equal(try_take(table, "a", 5000, START_MS), 0);
    assert_int_equal(try_take(table, "a", 1, START_MS), MINUTE_MS / 10);
    assert_int_equal(try_take(table, "a", 5000, START_MS), MINUTE_MS);
    bucket_destroy(table);
}

static void a_count_of_0_lets_everything_pass(void **state)
{
    struct bucket_table *table = table_of(SMALL, 0, MINUTE_MS);

    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(try_take(table, "a", 1000000, START_MS), 0);
    }
    bucket_give_back(table, bytes_text("a"), 1, START_MS);
    bucket_destroy(table);
}

static void what_is_taken_beyond_is_owed_for_a_period_at_most(void **state)
{
    struct bucket_table *table = table_of(LARGE, 2, MINUTE_MS);

    (void)state;
    for (int i = 0; i < 100; i++) {
        bucket_take(table, bytes_text("a"), 2, START_MS);
    }
    assert_int_equal(bucket_wait_ms(table, bytes_text("a"), 2, START_MS), MINUTE_MS);
    bucket_destroy(table);
}

static void what_is_given_back_is_there_again(void **state)
{
    struct bucket_table *table = table_of(LARGE, 2, MINUTE_MS);

    (void)state;
    bucket_take(table, bytes_text("a"), 2, START_MS);
    bucket_give_back(table, bytes_text("a"), 1, START_MS);
    assert_int_equal(try_take(table, "a", 1, START_MS), 0);
    assert_true(try_take(table, "a", 1, START_MS) > 0);
    bucket_give_back(table, bytes_text("b"), 1, START_MS);
    assert_int_equal(try_take(table, "b", 2, START_MS), 0);
    assert_true(try_take(table, "b", 1, START_MS) > 0);
    bucket_destroy(table);
}

static void a_clock_that_goes_back_costs_a_period_at_most(void **state)
{
    struct bucket_table *table = table_of(LARGE, 4, MINUTE_MS);

    (void)state;
    bucket_take(table, bytes_text("a"), 4, START_MS + MINUTE_MS / 2);
    assert_int_equal(bucket_wait_ms(table, bytes_text("a"), 4, START_MS), MINUTE_MS);
    bucket_take(table, bytes_text("a"), 1, START_MS);
    assert_int_equal(try_take(table, "a", 4, START_MS + MINUTE_MS), 0);
    bucket_destroy(table);
}

static void a_clock_that_goes_far_back_costs_nothing(void **state)
{
    struct bucket_table *table = table_of(SMALL, 4, MINUTE_MS);
    char name[] = "a";

    (void)state;
    for (int i = 0; i < SMALL; i++) {
        name[0] = (char)('a' + i);
        bucket_take(table, bytes_text(name), 4, START_MS + HOUR_MS);
    }
    for (int i = 0; i < SMALL; i++) { /* and what stands there from then is in nobody's way */
        name[0] = (char)('A' + i);
        assert_int_equal(try_take(table, name, 4, START_MS), 0);
    }
    assert_int_equal(bucket_given_way(table), 0);
    assert_true(try_take(table, "A", 1, START_MS) > 0);
    assert_int_equal(try_take(table, "a", 4, START_MS), 0);
    bucket_destroy(table);
}

static void another_rate_fills_all_buckets_and_the_same_none(void **state)
{
    struct bucket_table *table = table_of(LARGE, 1, MINUTE_MS);

    (void)state;
    bucket_take(table, bytes_text("a"), 1, START_MS);
    bucket_set_rate(table, (struct bucket_rate){ .count = 1, .period_ms = MINUTE_MS });
    assert_true(bucket_wait_ms(table, bytes_text("a"), 1, START_MS) > 0);
    bucket_set_rate(table, (struct bucket_rate){ .count = 2, .period_ms = MINUTE_MS });
    assert_int_equal(bucket_wait_ms(table, bytes_text("a"), 2, START_MS), 0);
    bucket_destroy(table);
}

static void a_bucket_survives_one_change_of_the_key(void **state)
{
    struct bucket_table *table = table_of(LARGE, 4, HOUR_MS);

    (void)state;
    bucket_take(table, bytes_text("a"), 4, START_MS);
    bucket_take(table, bytes_text("idle"), 4, START_MS);
    bucket_set_key(table, second_key);
    assert_true(try_take(table, "a", 1, START_MS) > 0);
    assert_int_equal(try_take(table, "a", 1, START_MS + HOUR_MS / 4), 0);
    bucket_set_key(table, third_key);
    assert_true(try_take(table, "a", 1, START_MS + HOUR_MS / 4) > 0);
    assert_int_equal(try_take(table, "idle", 1, START_MS), 0);
    bucket_destroy(table);
}

static void the_fullest_gives_way_and_the_emptiest_stays(void **state)
{
    struct bucket_table *table = table_of(SMALL, 100, MINUTE_MS);
    char name[] = "name 0000";

    (void)state;
    bucket_take(table, bytes_text("spent"), 100, START_MS);
    for (int i = 0; i < 1000; i++) {
        name[5] = (char)('a' + i % 26);
        name[6] = (char)('a' + i / 26 % 26);
        name[7] = (char)('a' + i / 676);
        assert_int_equal(try_take(table, name, 1, START_MS), 0);
    }
    assert_true(bucket_wait_ms(table, bytes_text("spent"), 1, START_MS) > 0);
    assert_int_equal(bucket_given_way(table), 1000 - (SMALL - 1));
    bucket_destroy(table);
}

static void buckets_that_are_full_again_give_way_unnoticed(void **state)
{
    struct bucket_table *table = table_of(SMALL, 1, MINUTE_MS);
    char name[] = "a";

    (void)state;
    for (int i = 0; i < 20; i++) {
        name[0] = (char)('a' + i);
        assert_int_equal(try_take(table, name, 1, START_MS + i * (int64_t)MINUTE_MS), 0);
    }
    assert_int_equal(bucket_given_way(table), 0);
    bucket_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_bucket_gives_its_count_at_once),
        cmocka_unit_test(the_wait_it_names_is_exact),
        cmocka_unit_test(names_do_not_share_a_bucket),
        cmocka_unit_test(in_the_long_run_no_more_pass_than_the_rate_says),
        cmocka_unit_test(more_than_the_bucket_holds_passes_when_it_is_full),
        cmocka_unit_test(a_count_of_0_lets_everything_pass),
        cmocka_unit_test(what_is_taken_beyond_is_owed_for_a_period_at_most),
        cmocka_unit_test(what_is_given_back_is_there_again),
        cmocka_unit_test(a_clock_that_goes_back_costs_a_period_at_most),
        cmocka_unit_test(a_clock_that_goes_far_back_costs_nothing),
        cmocka_unit_test(another_rate_fills_all_buckets_and_the_same_none),
        cmocka_unit_test(a_bucket_survives_one_change_of_the_key),
        cmocka_unit_test(the_fullest_gives_way_and_the_emptiest_stays),
        cmocka_unit_test(buckets_that_are_full_again_give_way_unnoticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

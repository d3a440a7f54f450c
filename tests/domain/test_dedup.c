/* SPDX-License-Identifier: Apache-2.0 */
#include "common/crypto.h"
#include "server/domain/dedup.h"
#include "tests/support/unit.h"

static const uint8_t key[16] = { 3 };

static struct dedup_name name_of(const struct dedup *dedup, int64_t n)
{
    struct envelope_id id = { { (uint8_t)n } };

    return dedup_name_of(dedup, n % 7, &id, (uint64_t)n);
}

static void a_name_is_pending_then_stored(void **state)
{
    struct dedup *dedup = dedup_create(key, 10);
    struct dedup_name name = name_of(dedup, 1);

    (void)state;
    assert_int_equal(dedup_ask(dedup, &name, 1000), DEDUP_NEW);
    struct dedup_place place = dedup_begin(dedup, &name, 1000);
    assert_int_equal(dedup_ask(dedup, &name, 1000), DEDUP_PENDING);
    dedup_end(dedup, &place, true);
    assert_int_equal(dedup_ask(dedup, &name, 1000), DEDUP_STORED);
    dedup_destroy(dedup);
}

static void a_name_that_was_not_stored_is_new_again(void **state)
{
    struct dedup *dedup = dedup_create(key, 10);
    struct dedup_name name = name_of(dedup, 1);

    (void)state;
    struct dedup_place place = dedup_begin(dedup, &name, 1000);
    dedup_end(dedup, &place, false);
    assert_int_equal(dedup_ask(dedup, &name, 1000), DEDUP_NEW);
    assert_int_equal(dedup_count(dedup), 0);
    dedup_destroy(dedup);
}

static void each_part_of_a_name_counts(void **state)
{
    struct dedup *dedup = dedup_create(key, 10);
    struct envelope_id id = { { 2 } };
    struct envelope_id other_id = { { 2, 9 } };
    struct dedup_name name = dedup_name_of(dedup, 1, &id, 3);
    struct dedup_name others[3] = {
        dedup_name_of(dedup, 9, &id, 3),
        dedup_name_of(dedup, 1, &other_id, 3),
        dedup_name_of(dedup, 1, &id, 9),
    };

    (void)state;
    (void)dedup_begin(dedup, &name, 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(dedup_ask(dedup, &others[i], 0), DEDUP_NEW);
    }
    assert_int_equal(dedup_ask(dedup, &name, 0), DEDUP_PENDING);
    dedup_destroy(dedup);
}

static void a_stored_name_is_forgotten_after_ten_minutes(void **state)
{
    struct dedup *dedup = dedup_create(key, 10);
    struct dedup_name name = name_of(dedup, 1);

    (void)state;
    struct dedup_place place = dedup_begin(dedup, &name, 1000000);
    dedup_end(dedup, &place, true);
    assert_int_equal(dedup_ask(dedup, &name, 1000000 + 600000), DEDUP_STORED);
    assert_int_equal(dedup_ask(dedup, &name, 1000000 + 602000), DEDUP_NEW);
    (void)dedup_begin(dedup, &name, 1000000 + 602000);
    assert_int_equal(dedup_ask(dedup, &name, 1000000 + 602000), DEDUP_PENDING);
    assert_int_equal(dedup_count(dedup), 1);
    dedup_destroy(dedup);
}

static void the_newest_names_stay_when_there_are_too_many(void **state)
{
    struct dedup *dedup = dedup_create(key, 5000);

    (void)state;
    for (int64_t n = 0; n < 20000; n++) {
        struct dedup_name name = name_of(dedup, n);
        struct dedup_place place = dedup_begin(dedup, &name, 1000);
        dedup_end(dedup, &place, true);
    }
    assert_int_equal(dedup_count(dedup), 5000);
    for (int64_t n = 0; n < 20000; n++) {
        struct dedup_name name = name_of(dedup, n);
        assert_int_equal(dedup_ask(dedup, &name, 1000), n < 15000 ? DEDUP_NEW : DEDUP_STORED);
    }
    dedup_destroy(dedup);
}

static void names_survive_growth_and_holes(void **state)
{
    struct dedup *dedup = dedup_create(key, 100000);

    (void)state;
    for (int64_t n = 0; n < 50000; n++) {
        struct dedup_name name = name_of(dedup, n);
        struct dedup_place place = dedup_begin(dedup, &name, 1000);
        dedup_end(dedup, &place, n % 3 != 0);
    }
    for (int64_t n = 0; n < 50000; n++) {
        struct dedup_name name = name_of(dedup, n);
        assert_int_equal(dedup_ask(dedup, &name, 1000), n % 3 == 0 ? DEDUP_NEW : DEDUP_STORED);
    }
    dedup_destroy(dedup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_pending_then_stored),
        cmocka_unit_test(a_name_that_was_not_stored_is_new_again),
        cmocka_unit_test(each_part_of_a_name_counts),
        cmocka_unit_test(a_stored_name_is_forgotten_after_ten_minutes),
        cmocka_unit_test(the_newest_names_stay_when_there_are_too_many),
        cmocka_unit_test(names_survive_growth_and_holes),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}

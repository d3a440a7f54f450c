/* SPDX-License-Identifier: Apache-2.0 */
#include "common/decimal.h"
#include "tests/support/unit.h"

static void numbers_up_to_the_bound_are_read(void **state)
{
    int64_t value = -1;

    (void)state;
    assert_true(decimal_parse(bytes_text("0"), 0, &value));
    assert_int_equal(value, 0);
    assert_true(decimal_parse(bytes_text("42"), 42, &value));
    assert_int_equal(value, 42);
    assert_true(decimal_parse(bytes_text("9223372036854775807"), INT64_MAX, &value));
    assert_true(value == INT64_MAX);
}

static void numbers_above_the_bound_are_refused(void **state)
{
    int64_t value = 7;

    (void)state;
    assert_false(decimal_parse(bytes_text("1"), 0, &value));
    assert_false(decimal_parse(bytes_text("43"), 42, &value));
    assert_false(decimal_parse(bytes_text("100"), 42, &value));
    assert_false(decimal_parse(bytes_text("9223372036854775808"), INT64_MAX, &value));
    assert_false(decimal_parse(bytes_text("18446744073709551617"), INT64_MAX, &value));
    assert_false(decimal_parse(bytes_text("99999999999999999999999"), INT64_MAX, &value));
    assert_int_equal(value, 7);
}

static void every_number_has_one_text(void **state)
{
    static const char *const texts[] = { "",   " ",  "00", "01",  "+1",  "-1",  "-0",
                                         " 1", "1 ", "1.", "1e3", "0x1", "1,0", "\xd9\xa1" };
    int64_t value = 7;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_false(decimal_parse(bytes_text(texts[i]), INT64_MAX, &value));
    }
    assert_int_equal(value, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_up_to_the_bound_are_read),
        cmocka_unit_test(numbers_above_the_bound_are_refused),
        cmocka_unit_test(every_number_has_one_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

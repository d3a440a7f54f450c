/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>

#include "common/bytes.h"
#include "common/utf8.h"
#include "tests/support/unit.h"

/* Write code as UTF-8 has it, also where there is no such character; return its size. */
static size_t write_code(uint32_t code, uint8_t out[4])
{
    size_t more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t leads[] = { 0x00, 0xc0, 0xe0, 0xf0 };

    out[0] = (uint8_t)(leads[more] | code >> (6 * more));
    for (size_t i = 1; i <= more; i++) {
        out[i] = (uint8_t)(0x80 | (code >> (6 * (more - i)) & 0x3f));
    }
    return more + 1;
}

static void every_character_has_its_length(void **state)
{
    uint8_t text[4];

    (void)state;
    for (uint32_t code = 0; code < 0x110000; code++) {
        size_t size = write_code(code, text);
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        assert_int_equal(utf8_character(bytes_of(text, size)), surrogate ? 0 : size);
    }
}

static void codes_above_the_last_are_refused(void **state)
{
    uint8_t text[4];

    (void)state;
    for (uint32_t code = 0x110000; code < 0x200000; code += 0x111) {
        assert_int_equal(utf8_character(bytes_of(text, write_code(code, text))), 0);
    }
}

static void overlong_forms_are_refused(void **state)
{
    static const char *const bad[] = { "\xc0\x80",     "\xc1\xbf",         "\xe0\x80\x80",
                                       "\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf" };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(utf8_is_valid(bytes_text(bad[i])));
    }
}

static void a_character_that_is_cut_is_refused(void **state)
{
    static const char *const whole[] = { "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };

    (void)state;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        struct bytes text = bytes_text(whole[i]);
        assert_true(utf8_is_valid(text));
        for (size_t size = 1; size < text.size; size++) {
            assert_false(utf8_is_valid(bytes_of(text.at, size)));
        }
    }
    assert_false(utf8_is_valid(bytes_text("\xe2\x82z")));
    assert_false(utf8_is_valid(bytes_text("\xf0\x9f\x98z")));
}

static void bytes_that_start_nothing_are_refused(void **state)
{
    (void)state;
    for (int byte = 0x80; byte < 0x100; byte++) {
        uint8_t text[5] = { (uint8_t)byte, 'a', 'b', 'c', 'd' };
        assert_int_equal(utf8_character(bytes_of(text, sizeof text)), 0);
    }
}

static void a_text_is_valid_to_its_end(void **state)
{
    (void)state;
    assert_true(utf8_is_valid(bytes_of(NULL, 0)));
    assert_int_equal(utf8_character(bytes_of(NULL, 0)), 0);
    assert_true(utf8_is_valid(bytes_text("a \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 z")));
    assert_true(utf8_is_valid(bytes_of("a\0b", 3)));
    assert_false(utf8_is_valid(bytes_text("all is well\xff")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_has_its_length),
        cmocka_unit_test(codes_above_the_last_are_refused),
        cmocka_unit_test(overlong_forms_are_refused),
        cmocka_unit_test(a_character_that_is_cut_is_refused),
        cmocka_unit_test(bytes_that_start_nothing_are_refused),
        cmocka_unit_test(a_text_is_valid_to_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

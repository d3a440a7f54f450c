/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "tests/support/unit.h"

static void expect_text(const struct buf *buf, const char *text)
{
    assert_int_equal(buf->size, strlen(text));
    assert_memory_equal(buf->at, text, strlen(text));
}

static void a_zeroed_buffer_is_empty(void **state)
{
    struct buf buf = { .at = NULL };

    (void)state;
    assert_int_equal(buf_view(&buf).size, 0);
    assert_null(buf_view(&buf).at);
    buf_clear(&buf);
}

static void bytes_come_out_in_the_order_of_appending(void **state)
{
    struct buf buf = { .at = NULL };

    (void)state;
    buf_append_text(&buf, "one ");
    buf_append(&buf, bytes_of("two\0", 4));
    buf_append_u8(&buf, '!');
    assert_int_equal(buf.size, 9);
    assert_memory_equal(buf.at, "one two\0!", 9);
    buf_clear(&buf);
}

static void nothing_may_be_appended(void **state)
{
    struct buf buf = { .at = NULL };

    (void)state;
    buf_append(&buf, bytes_of(NULL, 0));
    buf_append_text(&buf, "");
    assert_int_equal(buf.size, 0);
    buf_clear(&buf);
}

static void integers_are_big_endian(void **state)
{
    struct buf buf = { .at = NULL };
    static const uint8_t expected[] = { 0xff, 0x12, 0x34, 0xa1, 0xb2, 0xc3, 0xd4, 0x01,
                                        0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };

    (void)state;
    buf_append_u8(&buf, 0xff);
    buf_append_u16(&buf, 0x1234);
    buf_append_u32(&buf, 0xa1b2c3d4);
    buf_append_u64(&buf, UINT64_C(0x0123456789abcdef));
    assert_int_equal(buf.size, sizeof expected);
    assert_memory_equal(buf.at, expected, sizeof expected);
    buf_clear(&buf);
}

static void growth_keeps_every_byte(void **state)
{
    struct buf buf = { .at = NULL };
    enum {
        COUNT = 100000
    };

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        buf_append_u8(&buf, (uint8_t)(i * 7 % 251));
    }
    assert_int_equal(buf.size, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(buf.at[i], i * 7 % 251);
    }
    assert_true(buf.room < (size_t)4 * COUNT);
    buf_clear(&buf);
}

static void reserved_room_needs_no_further_allocation(void **state)
{
    struct buf buf = { .at = NULL };
    const uint8_t *at;

    (void)state;
    buf_append_text(&buf, "x");
    buf_reserve(&buf, 5000);
    at = buf.at;
    for (size_t i = 0; i < 5000; i++) {
        buf_append_u8(&buf, 'y');
    }
    assert_ptr_equal(buf.at, at);
    assert_int_equal(buf.at[0], 'x');
    buf_clear(&buf);
}

static void formatted_text_is_appended_without_its_nul(void **state)
{
    struct buf buf = { .at = NULL };

    (void)state;
    buf_append_text(&buf, "<");
    buf_append_format(&buf, "%d-%s", -5, "five");
    buf_append_format(&buf, "%s", "");
    buf_append_text(&buf, ">");
    expect_text(&buf, "<-5-five>");
    buf_clear(&buf);
}

static void formatted_text_may_be_longer_than_the_room(void **state)
{
    struct buf buf = { .at = NULL };

    (void)state;
    buf_append_format(&buf, "%0500d", 1);
    assert_int_equal(buf.size, 500);
    assert_int_equal(buf.at[0], '0');
    assert_int_equal(buf.at[499], '1');
    buf_clear(&buf);
}

static void dropping_the_front_leaves_the_rest(void **state)
{
    struct buf buf = { .at = NULL };

    (void)state;
    buf_drop_front(&buf, 0);
    buf_append_text(&buf, "abcdef");
    buf_drop_front(&buf, 0);
    expect_text(&buf, "abcdef");
    buf_drop_front(&buf, 2);
    expect_text(&buf, "cdef");
    buf_append_text(&buf, "g");
    expect_text(&buf, "cdefg");
    buf_drop_front(&buf, 5);
    assert_int_equal(buf.size, 0);
    buf_clear(&buf);
}

static void emptying_keeps_the_room(void **state)
{
    struct buf buf = { .at = NULL };
    const uint8_t *at;

    (void)state;
    buf_append_text(&buf, "abc");
    at = buf.at;
    buf_empty(&buf);
    assert_int_equal(buf.size, 0);
    buf_append_text(&buf, "de");
    assert_ptr_equal(buf.at, at);
    expect_text(&buf, "de");
    buf_clear(&buf);
}

static void clearing_twice_is_harmless(void **state)
{
    struct buf buf = { .at = NULL };

    (void)state;
    buf_append_text(&buf, "abc");
    buf_clear(&buf);
    assert_null(buf.at);
    assert_int_equal(buf.room, 0);
    buf_clear(&buf);
    buf_append_text(&buf, "again");
    expect_text(&buf, "again");
    buf_clear(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zeroed_buffer_is_empty),
        cmocka_unit_test(bytes_come_out_in_the_order_of_appending),
        cmocka_unit_test(nothing_may_be_appended),
        cmocka_unit_test(integers_are_big_endian),
        cmocka_unit_test(growth_keeps_every_byte),
        cmocka_unit_test(reserved_room_needs_no_further_allocation),
        cmocka_unit_test(formatted_text_is_appended_without_its_nul),
        cmocka_unit_test(formatted_text_may_be_longer_than_the_room),
        cmocka_unit_test(dropping_the_front_leaves_the_rest),
        cmocka_unit_test(emptying_keeps_the_room),
        cmocka_unit_test(clearing_twice_is_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

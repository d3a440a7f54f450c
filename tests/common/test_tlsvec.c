/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/mem.h"
#include "common/tlsvec.h"
#include "common/wire.h"
#include "tests/support/unit.h"

/* Both sides of each width, and the length that is written for it. */
static const struct {
    size_t size;
    size_t length_bytes;
    uint8_t length[4];
} borders[] = {
    { 0, 1, { 0x00 } },
    { 1, 1, { 0x01 } },
    { 63, 1, { 0x3f } },
    { 64, 2, { 0x40, 0x40 } },
    { 16383, 2, { 0x7f, 0xff } },
    { 16384, 4, { 0x80, 0x00, 0x40, 0x00 } },
    { 100000, 4, { 0x80, 0x01, 0x86, 0xa0 } },
};

static void each_length_has_its_shortest_form(void **state)
{
    uint8_t *value = mem_zeroed(1, 100000);

    (void)state;
    for (size_t i = 0; i < sizeof borders / sizeof borders[0]; i++) {
        struct buf out = { .at = NULL };

        tlsvec_append(&out, bytes_of(value, borders[i].size));
        assert_int_equal(out.size, borders[i].length_bytes + borders[i].size);
        assert_memory_equal(out.at, borders[i].length, borders[i].length_bytes);
        buf_clear(&out);
    }
    free(value);
}

static void what_was_written_is_read(void **state)
{
    uint8_t *value = mem_raw(100000);

    (void)state;
    memset(value, 0xc5, 100000);
    for (size_t i = 0; i < sizeof borders / sizeof borders[0]; i++) {
        struct buf out = { .at = NULL };

        tlsvec_append(&out, bytes_of(value, borders[i].size));
        buf_append_u8(&out, 0x77);
        struct wire wire = wire_of(buf_view(&out));
        assert_true(bytes_equal(tlsvec_take(&wire), bytes_of(value, borders[i].size)));
        assert_int_equal(wire_u8(&wire), 0x77);
        assert_true(wire_is_done(&wire));
        buf_clear(&out);
    }
    free(value);
}

static void a_vector_that_is_cut_short_is_none(void **state)
{
    uint8_t *value = mem_zeroed(1, 20000);

    (void)state;
    for (size_t i = 1; i < sizeof borders / sizeof borders[0] && borders[i].size <= 20000; i++) {
        struct buf out = { .at = NULL };

        tlsvec_append(&out, bytes_of(value, borders[i].size));
        for (size_t size = 0; size < out.size; size += size < 8 ? 1 : 7) {
            struct wire wire = wire_of(bytes_of(out.at, size));

            assert_int_equal(tlsvec_take(&wire).size, 0);
            assert_true(wire_is_bad(&wire));
        }
        buf_clear(&out);
    }
    free(value);
}

static void expect_bad(const uint8_t *length, size_t length_bytes)
{
    uint8_t *input = mem_zeroed(1, 20000); /* zeros enough for any length that is tried */
    memcpy(input, length, length_bytes);
    struct wire wire = wire_of(bytes_of(input, 20000));

    assert_int_equal(tlsvec_take(&wire).size, 0);
    assert_true(wire_is_bad(&wire));
    free(input);
}

static void a_length_longer_than_it_needs_is_refused(void **state)
{
    (void)state;
    expect_bad((const uint8_t[]){ 0x40, 0x00 }, 2);
    expect_bad((const uint8_t[]){ 0x40, 0x05 }, 2);
    expect_bad((const uint8_t[]){ 0x40, 0x3f }, 2);
    expect_bad((const uint8_t[]){ 0x80, 0x00, 0x00, 0x00 }, 4);
    expect_bad((const uint8_t[]){ 0x80, 0x00, 0x00, 0x3f }, 4);
    expect_bad((const uint8_t[]){ 0x80, 0x00, 0x3f, 0xff }, 4);
}

static void a_length_of_eight_bytes_is_refused(void **state)
{
    (void)state;
    expect_bad((const uint8_t[]){ 0xc0, 0, 0, 0, 0, 0, 0, 5 }, 8);
    expect_bad((const uint8_t[]){ 0xc0, 0, 0, 0, 0x40, 0, 0, 0 }, 8);
    expect_bad((const uint8_t[]){ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 8);
}

static void the_largest_length_reads_nothing_that_is_not_there(void **state)
{
    (void)state;
    expect_bad((const uint8_t[]){ 0xbf, 0xff, 0xff, 0xff }, 4);
}

static void who_enters_a_vector_reads_no_further_than_it(void **state)
{
    static const uint8_t input[] = { 0x03, 0x02, 0xaa, 0xbb, 0xcc };
    struct wire wire = wire_of(bytes_of(input, sizeof input));
    struct wire inner = tlsvec_enter(&wire);

    (void)state;
    assert_true(bytes_equal(tlsvec_take(&inner), bytes_of(input + 2, 2)));
    assert_true(wire_is_done(&inner));
    (void)wire_u8(&inner);
    assert_true(wire_is_bad(&inner));
    assert_int_equal(wire_u8(&wire), 0xcc);
    assert_true(wire_is_done(&wire));
}

static void who_enters_a_vector_that_is_not_there_has_a_bad_reader(void **state)
{
    static const uint8_t input[] = { 0x03, 0x02, 0xaa };
    struct wire wire = wire_of(bytes_of(input, sizeof input));
    struct wire inner = tlsvec_enter(&wire);

    (void)state;
    assert_true(wire_is_bad(&wire));
    assert_true(wire_is_bad(&inner));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_length_has_its_shortest_form),
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(a_vector_that_is_cut_short_is_none),
        cmocka_unit_test(a_length_longer_than_it_needs_is_refused),
        cmocka_unit_test(a_length_of_eight_bytes_is_refused),
        cmocka_unit_test(the_largest_length_reads_nothing_that_is_not_there),
        cmocka_unit_test(who_enters_a_vector_reads_no_further_than_it),
        cmocka_unit_test(who_enters_a_vector_that_is_not_there_has_a_bad_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

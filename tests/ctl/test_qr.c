/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of what is drawn: sizes, quiet zone, the three finders.  That a reader by others
 * finds the text in it is tests/e2e/qr.test.mjs.
 */
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "server/ctl/qr.h"
#include "tests/support/unit.h"

enum {
    SIDE_MAX = 80,
    FINDER = 7,
    FIRST_SIDE = 21, /* of version 1; each further one has 4 more */
    LARGEST_SIDE = 69
};

static const struct qr_look in_blocks = { .is_ascii = false };
static const struct qr_look in_ascii = { .is_ascii = true };
static const struct qr_look in_coloured_ascii = { .is_ascii = true, .is_coloured = true };

/* What was drawn, a module a byte: 1 is light. */
struct picture {
    size_t width;
    size_t height;
    uint8_t light[SIDE_MAX][SIDE_MAX];
};

/* Read "##" and "  " back. */
static void read_ascii(struct bytes lines, struct picture *out)
{
    size_t at = 0;

    memset(out, 0, sizeof *out);
    while (at < lines.size) {
        size_t x = 0;
        assert_true(out->height < SIDE_MAX);
        while (lines.at[at] != '\n') {
            assert_true(x < SIDE_MAX && at + 2 < lines.size);
            assert_true(lines.at[at] == '#' || lines.at[at] == ' ');
            assert_int_equal(lines.at[at], lines.at[at + 1]);
            out->light[out->height][x++] = lines.at[at] == '#';
            at += 2;
        }
        assert_true(out->width == 0 || out->width == x);
        out->width = x;
        out->height++;
        at++;
    }
}

static void draw_ascii(struct bytes text, struct picture *out)
{
    struct buf lines = { 0 };

    assert_true(qr_draw(text, in_ascii, &lines));
    read_ascii(buf_view(&lines), out);
    buf_clear(&lines);
}

static void expect_light(const struct picture *picture, size_t y, size_t x, bool is_light)
{
    assert_int_equal(picture->light[y][x], is_light ? 1 : 0);
}

/* Dark, with a light ring one module inside. */
static void expect_finder(const struct picture *picture, size_t top, size_t left)
{
    for (size_t y = 0; y < FINDER; y++) {
        for (size_t x = 0; x < FINDER; x++) {
            size_t from_edge = y < x ? y : x;
            size_t to_edge = FINDER - 1 - (y > x ? y : x);
            size_t ring = from_edge < to_edge ? from_edge : to_edge;
            expect_light(picture, top + y, left + x, ring == 1);
        }
    }
}

static void a_code_has_its_finders_inside_a_quiet_zone(void **state)
{
    struct picture picture;
    size_t far = QR_QUIET + FIRST_SIDE - FINDER;

    (void)state;
    draw_ascii(bytes_text("sealpost"), &picture);
    assert_int_equal(picture.width, FIRST_SIDE + 2 * QR_QUIET);
    assert_int_equal(picture.height, FIRST_SIDE + 2 * QR_QUIET);
    for (size_t i = 0; i < picture.width; i++) {
        for (size_t edge = 0; edge < QR_QUIET; edge++) {
            expect_light(&picture, edge, i, true);
            expect_light(&picture, picture.height - 1 - edge, i, true);
            expect_light(&picture, i, edge, true);
            expect_light(&picture, i, picture.width - 1 - edge, true);
        }
    }
    expect_finder(&picture, QR_QUIET, QR_QUIET);
    expect_finder(&picture, QR_QUIET, far);
    expect_finder(&picture, far, QR_QUIET);
}

static void the_longest_text_fits_into_80_columns(void **state)
{
    uint8_t text[QR_TEXT_MAX + 1];
    struct picture picture;
    struct buf lines = { 0 };

    (void)state;
    memset(text, 'a', sizeof text);
    draw_ascii(bytes_of(text, QR_TEXT_MAX), &picture);
    assert_int_equal(picture.width, LARGEST_SIDE + 2 * QR_QUIET);
    assert_true(picture.width <= SIDE_MAX);
    assert_false(qr_draw(bytes_of(text, QR_TEXT_MAX + 1), in_ascii, &lines));
    assert_false(qr_draw(bytes_of(text, QR_TEXT_MAX + 1), in_blocks, &lines));
    assert_int_equal(lines.size, 0);
}

static void no_text_is_not_drawn(void **state)
{
    struct buf lines = { 0 };

    (void)state;
    assert_false(qr_draw(bytes_of(NULL, 0), in_blocks, &lines));
    assert_int_equal(lines.size, 0);
}

static void what_is_drawn_stands_behind_what_was_there(void **state)
{
    struct buf lines = { 0 };

    (void)state;
    buf_append_text(&lines, "before\n");
    assert_true(qr_draw(bytes_text("sealpost"), in_blocks, &lines));
    assert_memory_equal(lines.at, "before\n", strlen("before\n"));
    buf_clear(&lines);
}

/* A terminal without UTF-8 shows nothing else. */
static void ascii_has_no_byte_above_it(void **state)
{
    struct buf lines = { 0 };

    (void)state;
    assert_true(qr_draw(bytes_text("\xc3\xa9"), in_ascii, &lines));
    assert_true(qr_draw(bytes_text("\xc3\xa9"), in_coloured_ascii, &lines));
    for (size_t i = 0; i < lines.size; i++) {
        assert_true(lines.at[i] < 0x80);
    }
    buf_clear(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_has_its_finders_inside_a_quiet_zone),
        cmocka_unit_test(the_longest_text_fits_into_80_columns),
        cmocka_unit_test(no_text_is_not_drawn),
        cmocka_unit_test(what_is_drawn_stands_behind_what_was_there),
        cmocka_unit_test(ascii_has_no_byte_above_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of a head, to the byte, and that pieces do not matter. */
#include <string.h>

#include "common/buf.h"
#include "common/limits.h"
#include "server/http/guard.h"
#include "tests/support/unit.h"

static void append_times(struct buf *out, char byte, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        buf_append_u8(out, (uint8_t)byte);
    }
}

/* Scan input in pieces; the verdict, and the problem when it is bad. */
static enum parse_step scan(struct bytes input, size_t piece, enum problem *out, size_t *out_size)
{
    struct guard guard = { 0 };
    enum parse_step step = PARSE_MORE;

    for (size_t end = 0; step == PARSE_MORE && end < input.size;) {
        end += input.size - end < piece ? input.size - end : piece;
        step = guard_scan(&guard, bytes_of(input.at, end), out);
    }
    *out_size = guard.size;
    return step;
}

static void expect_done(const struct buf *input)
{
    static const size_t pieces[] = { 1, 2, 7, 100, SIZE_MAX };

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        enum problem problem = PROBLEM_internal;
        size_t size;
        assert_int_equal(scan(buf_view(input), pieces[i], &problem, &size), PARSE_DONE);
        assert_int_equal(size, input->size);
    }
}

static void expect_bad(const struct buf *input, enum problem want)
{
    static const size_t pieces[] = { 1, 2, 7, 100, SIZE_MAX };

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        enum problem problem = PROBLEM_internal;
        size_t size;
        assert_int_equal(scan(buf_view(input), pieces[i], &problem, &size), PARSE_BAD);
        assert_int_equal(problem, want);
    }
}

static void a_head_of_16_kib_passes_and_one_byte_more_does_not(void **state)
{
    static const char begin[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    struct buf head = { 0 };

    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        buf_empty(&head);
        buf_append_text(&head, begin);
        append_times(&head, 'x', LIMIT_HEAD_BYTES - strlen(begin) - 4 + extra);
        buf_append_text(&head, "\r\n\r\n");
        assert_int_equal(head.size, LIMIT_HEAD_BYTES + extra);
        if (extra == 0) {
            expect_done(&head);
        } else {
            expect_bad(&head, PROBLEM_head_too_large);
        }
    }
    buf_clear(&head);
}

static void a_target_of_8_kib_passes_and_one_byte_more_does_not(void **state)
{
    struct buf head = { 0 };

    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        buf_empty(&head);
        buf_append_text(&head, "GET /");
        append_times(&head, 'x', LIMIT_TARGET_BYTES - 1 + extra);
        buf_append_text(&head, " HTTP/1.1\r\n\r\n");
        if (extra == 0) {
            expect_done(&head);
        } else {
            expect_bad(&head, PROBLEM_target_too_long);
        }
    }
    buf_clear(&head);
}

static void escapes_count_as_the_bytes_they_are(void **state)
{
    struct buf head = { 0 };

    (void)state;
    buf_append_text(&head, "GET /");
    while (head.size < strlen("GET ") + LIMIT_TARGET_BYTES + 1) {
        buf_append_text(&head, "%20");
    }
    expect_bad(&head, PROBLEM_target_too_long);
    buf_clear(&head);
}

static void fields_are_allowed_up_to_64(void **state)
{
    struct buf head = { 0 };

    (void)state;
    for (int count = LIMIT_HEAD_FIELDS; count <= LIMIT_HEAD_FIELDS + 1; count++) {
        buf_empty(&head);
        buf_append_text(&head, "GET / HTTP/1.1\r\n");
        for (int i = 0; i < count; i++) {
            buf_append_text(&head, "A:b\r\n");
        }
        buf_append_text(&head, "\r\n");
        if (count == LIMIT_HEAD_FIELDS) {
            expect_done(&head);
        } else {
            expect_bad(&head, PROBLEM_head_too_large);
        }
    }
    buf_clear(&head);
}

static void the_size_ends_behind_the_empty_line(void **state)
{
    static const char text[] = "\r\nPOST /x HTTP/1.1\r\nHost: a\r\n\r\n";
    struct guard guard = { 0 };
    struct buf input = { 0 };
    enum problem problem;

    (void)state;
    buf_append_text(&input, text);
    buf_append_text(&input, "GET / HTTP/1.1\r\n");
    assert_int_equal(guard_scan(&guard, buf_view(&input), &problem), PARSE_DONE);
    assert_int_equal(guard.size, strlen(text));
    buf_clear(&input);
}

/* Every byte in every place of a good head: where it is refused, it must not depend on cuts. */
static void a_changed_byte_gets_one_verdict_whatever_the_pieces(void **state)
{
    static const char text[] = "GET /a%20b?c=d HTTP/1.1\r\nHost: a\r\nX-Y: z z\r\n\r\n";
    uint8_t changed[sizeof text - 1];
    size_t refused = 0;

    (void)state;
    for (size_t at = 0; at < sizeof changed; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            enum problem whole_problem = PROBLEM_internal;
            enum problem cut_problem = PROBLEM_internal;
            size_t whole_size;
            size_t cut_size;
            memcpy(changed, text, sizeof changed);
            changed[at] = (uint8_t)byte;
            struct bytes input = bytes_of(changed, sizeof changed);
            enum parse_step whole = scan(input, SIZE_MAX, &whole_problem, &whole_size);
            assert_int_equal(whole, scan(input, 1, &cut_problem, &cut_size));
            assert_int_equal(whole_problem, cut_problem);
            assert_int_equal(whole_size, cut_size);
            refused += whole == PARSE_BAD ? 1 : 0;
        }
    }
    assert_true(refused > sizeof changed * 100); /* control bytes at the least */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_of_16_kib_passes_and_one_byte_more_does_not),
        cmocka_unit_test(a_target_of_8_kib_passes_and_one_byte_more_does_not),
        cmocka_unit_test(escapes_count_as_the_bytes_they_are),
        cmocka_unit_test(fields_are_allowed_up_to_64),
        cmocka_unit_test(the_size_ends_behind_the_empty_line),
        cmocka_unit_test(a_changed_byte_gets_one_verdict_whatever_the_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

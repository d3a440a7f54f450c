/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies by length and in chunks, whole and in pieces. */
#include <string.h>

#include "common/buf.h"
#include "server/http/body.h"
#include "tests/support/unit.h"

enum {
    MAX = 20
};

struct taken {
    enum parse_step step;
    enum problem problem;
    size_t used;
    struct buf data;
};

static struct taken take(struct body *body, const char *text, size_t piece)
{
    struct taken taken = { .step = PARSE_MORE, .problem = PROBLEM_internal };
    size_t size = strlen(text);

    while (taken.step == PARSE_MORE && taken.used < size) {
        size_t left = size - taken.used < piece ? size - taken.used : piece;
        size_t used = 0;
        taken.step = body_take(body, bytes_of((const uint8_t *)text + taken.used, left), &used,
                               &taken.data, &taken.problem);
        taken.used += used;
    }
    return taken;
}

static void expect_chunks(const char *text, const char *want)
{
    for (size_t piece = 1; piece <= strlen(text); piece++) {
        struct body body;
        body_begin(&body, true, 0, MAX);
        struct taken taken = take(&body, text, piece);
        assert_int_equal(taken.step, PARSE_DONE);
        assert_int_equal(taken.used, strlen(text));
        assert_int_equal(taken.data.size, strlen(want));
        assert_true(bytes_equal(buf_view(&taken.data), bytes_text(want)));
        buf_clear(&taken.data);
    }
}

static void expect_bad_chunks(const char *text, enum problem want)
{
    for (size_t piece = 1; piece <= strlen(text); piece++) {
        struct body body;
        body_begin(&body, true, 0, MAX);
        struct taken taken = take(&body, text, piece);
        assert_int_equal(taken.step, PARSE_BAD);
        assert_int_equal(taken.problem, want);
        buf_clear(&taken.data);
    }
}

static void a_body_by_length_ends_there(void **state)
{
    struct body body;

    (void)state;
    for (size_t piece = 1; piece < 10; piece++) {
        body_begin(&body, false, 5, MAX);
        struct taken taken = take(&body, "helloGET /", piece);
        assert_int_equal(taken.step, PARSE_DONE);
        assert_int_equal(taken.used, 5);
        assert_true(bytes_equal(buf_view(&taken.data), bytes_text("hello")));
        buf_clear(&taken.data);
    }
}

static void a_body_that_is_not_all_there_wants_more(void **state)
{
    struct body body;

    (void)state;
    body_begin(&body, false, 5, MAX);
    struct taken taken = take(&body, "hell", 2);
    assert_int_equal(taken.step, PARSE_MORE);
    assert_int_equal(taken.used, 4);
    buf_clear(&taken.data);
    body_begin(&body, true, 0, MAX);
    taken = take(&body, "2\r\nab\r\n0\r\n\r", 3);
    assert_int_equal(taken.step, PARSE_MORE);
    buf_clear(&taken.data);
}

static void chunks_are_joined(void **state)
{
    (void)state;
    expect_chunks("0\r\n\r\n", "");
    expect_chunks("5\r\nhello\r\n0\r\n\r\n", "hello");
    expect_chunks("1\r\nh\r\n4\r\nello\r\n00000000\r\n\r\n", "hello");
    expect_chunks("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789");
    expect_chunks("2\r\n\r\n\r\n0\r\n\r\n", "\r\n");
}

static void chunks_above_the_limit_are_too_large(void **state)
{
    (void)state;
    expect_bad_chunks("15\r\n", PROBLEM_too_large);
    expect_bad_chunks("14\r\n01234567890123456789\r\n1\r\n", PROBLEM_too_large);
    expect_bad_chunks("ffffffff\r\n", PROBLEM_too_large);
}

static void chunks_that_are_framed_otherwise_are_refused(void **state)
{
    static const char *const texts[] = {
        "\r\n",     "g\r\n",     "0x1\r\n",         "+1\r\n",
        "-1\r\n",   " 1\r\n",    "1 \r\n",          "000000001\r\n",
        "1\n",      "1\ra",      "1;a\r\n",         "1\r\nab\r\n",
        "1\r\na\n", "1\r\na\ra", "1\r\na0\r\n\r\n", "0\r\nX: y\r\n\r\n",
        "0\r\n\n",  "0\r\n\ra",  "0\n\n",           "1\r\na\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        expect_bad_chunks(texts[i], PROBLEM_bad_request);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_by_length_ends_there),
        cmocka_unit_test(a_body_that_is_not_all_there_wants_more),
        cmocka_unit_test(chunks_are_joined),
        cmocka_unit_test(chunks_above_the_limit_are_too_large),
        cmocka_unit_test(chunks_that_are_framed_otherwise_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What is read from a head that the guard let pass. */
#include <string.h>

#include "common/bytes.h"
#include "server/http/guard.h"
#include "server/http/parser.h"
#include "tests/support/unit.h"

static struct head head;
static struct bytes text_read;

/* Read text; it is a whole head to the guard. */
static bool is_read(const char *text, enum problem *out)
{
    struct guard guard = { 0 };

    text_read = bytes_text(text);
    assert_int_equal(guard_scan(&guard, text_read, out), PARSE_DONE);
    assert_int_equal(guard.size, text_read.size);
    return parser_read(text_read, &head, out);
}

static void expect_read(const char *text)
{
    enum problem problem = PROBLEM_internal;

    if (!is_read(text, &problem)) {
        fail_msg("refused as %s: %s", problem_code(problem), text);
    }
}

static void expect_refused(const char *text, enum problem want)
{
    enum problem problem = PROBLEM_internal;

    assert_false(is_read(text, &problem));
    assert_string_equal(problem_code(problem), problem_code(want));
}

static void expect_span(struct head_span span, const char *want)
{
    struct bytes got = head_view(text_read, span);

    assert_int_equal(got.size, strlen(want));
    assert_memory_equal(got.at, want, got.size);
}

static void the_parts_of_a_head_are_spans_of_its_bytes(void **state)
{
    (void)state;
    expect_read("\r\nDELETE /a/b?c HTTP/1.1\r\nHost:a\r\nX-Empty:\r\nX-Long: \t b c \t \r\n\r\n");
    expect_span(head.method, "DELETE");
    expect_span(head.target, "/a/b?c");
    assert_int_equal(head.field_count, 3);
    expect_span(head.fields[0].name, "Host");
    expect_span(head.fields[0].value, "a");
    expect_span(head.fields[1].name, "X-Empty");
    expect_span(head.fields[1].value, "");
    expect_span(head.fields[2].name, "X-Long");
    expect_span(head.fields[2].value, "b c");
    assert_false(head.repeats);
    assert_true(head.keep_alive);
    assert_false(head.http10);
}

static void a_name_that_stands_twice_is_noticed_in_any_case(void **state)
{
    (void)state;
    expect_read("GET / HTTP/1.1\r\nHost: a\r\nx-one: b\r\nX-ONE: c\r\n\r\n");
    assert_true(head.repeats);
}

static void the_body_is_announced_by_length_or_chunks(void **state)
{
    (void)state;
    expect_read("POST / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(head.length, 0);
    assert_false(head.chunked);
    expect_read("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1572864\r\n\r\n");
    assert_int_equal(head.length, 1572864);
    expect_read("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n");
    assert_true(head.chunked);
    assert_int_equal(head.length, 0);
}

static void the_connection_stays_as_version_and_options_say(void **state)
{
    (void)state;
    expect_read("GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, CLOSE ,bar\r\n\r\n");
    assert_false(head.keep_alive);
    expect_read("GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n");
    assert_true(head.keep_alive);
    expect_read("GET / HTTP/1.0\r\n\r\n");
    assert_true(head.http10);
    assert_false(head.keep_alive);
    expect_read("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    assert_true(head.keep_alive);
    expect_read("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n");
    assert_false(head.keep_alive);
}

static void expectations_and_codings_are_told_apart(void **state)
{
    (void)state;
    expect_read("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n");
    assert_true(head.expects_continue);
    assert_false(head.expects_other);
    expect_read("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue;x\r\n\r\n");
    assert_true(head.expects_other);
    expect_read("POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: Identity\r\n\r\n");
    assert_false(head.coded);
    expect_read("POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: br\r\n\r\n");
    assert_true(head.coded);
}

static void what_frames_a_message_in_two_ways_is_refused(void **state)
{
    (void)state;
    expect_refused("GET / HTTP/1.1\r\n\r\n", PROBLEM_bad_request);
    expect_refused("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", PROBLEM_bad_request);
    expect_refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
                   PROBLEM_bad_request);
    expect_refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n",
                   PROBLEM_bad_request);
    expect_refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", PROBLEM_bad_request);
    expect_refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
                   PROBLEM_not_implemented);
}

static void members_of_a_list_are_trimmed_and_empty_ones_skipped(void **state)
{
    struct bytes rest = bytes_text(" a ,, b\t,c, ");
    struct bytes member;

    (void)state;
    assert_true(head_next_member(&rest, &member));
    assert_true(bytes_equal(member, bytes_text("a")));
    assert_true(head_next_member(&rest, &member));
    assert_true(bytes_equal(member, bytes_text("b")));
    assert_true(head_next_member(&rest, &member));
    assert_true(bytes_equal(member, bytes_text("c")));
    assert_false(head_next_member(&rest, &member));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_of_a_head_are_spans_of_its_bytes),
        cmocka_unit_test(a_name_that_stands_twice_is_noticed_in_any_case),
        cmocka_unit_test(the_body_is_announced_by_length_or_chunks),
        cmocka_unit_test(the_connection_stays_as_version_and_options_say),
        cmocka_unit_test(expectations_and_codings_are_told_apart),
        cmocka_unit_test(what_frames_a_message_in_two_ways_is_refused),
        cmocka_unit_test(members_of_a_list_are_trimmed_and_empty_ones_skipped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

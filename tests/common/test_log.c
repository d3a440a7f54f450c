/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard error is a socket that keeps messages apart, so that a line written
 * with two calls would be two messages.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "tests/support/unit.h"

static int stderr_before = -1;
static int log_pipe[2] = { -1, -1 };

static int catch_stderr(void **state)
{
    (void)state;
    stderr_before = dup(STDERR_FILENO);
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, log_pipe) == 0 &&
                   dup2(log_pipe[1], STDERR_FILENO) >= 0
               ? 0
               : -1;
}

static int give_stderr_back(void **state)
{
    (void)state;
    (void)dup2(stderr_before, STDERR_FILENO);
    (void)close(stderr_before);
    (void)close(log_pipe[0]);
    (void)close(log_pipe[1]);
    log_setup(LOG_INFO, LOG_LOGFMT);
    return 0;
}

/* Return the next line without its newline, or NULL when none was written. */
static const char *next_line(void)
{
    static char line[LOG_LINE_BYTES + 1];
    ssize_t size = recv(log_pipe[0], line, sizeof line, MSG_DONTWAIT);

    if (size <= 0) {
        return NULL;
    }
    assert_true(size <= LOG_LINE_BYTES);
    assert_int_equal(line[size - 1], '\n');
    line[size - 1] = '\0';
    assert_null(strchr(line, '\n'));
    return line;
}

/* Return what follows the time, which has always the same length. */
static const char *next_after_time(void)
{
    const char *line = next_line();

    assert_non_null(line);
    assert_memory_equal(line, "ts=", 3);
    assert_int_equal(line[27], ' ');
    return line + 28;
}

static json_t *next_json(void)
{
    const char *line = next_line();
    json_t *value;

    assert_non_null(line);
    value = json_parse(bytes_text(line), 1);
    return value;
}

static const char *member_text(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    assert_true(json_is_string(value));
    return json_string_value(value);
}

/* ---- logfmt ---- */

static void a_line_names_its_level_event_and_values(void **state)
{
    (void)state;
    log_error("store.commit", "batches=%d ms=%d", 3, -4);
    assert_string_equal(next_after_time(), "level=error event=store.commit batches=3 ms=-4");
    log_warn("a.b", "note=\"two words\"");
    assert_string_equal(next_after_time(), "level=warn event=a.b note=\"two words\"");
    log_info("a.b", "%s", "");
    assert_string_equal(next_after_time(), "level=info event=a.b");
    assert_null(next_line());
}

static void the_time_is_utc_and_now(void **state)
{
    int64_t before_s = clock_now_ms() / 1000;
    const char *line;
    char text[32];
    time_t at_s;
    struct tm parts;
    bool found = false;

    (void)state;
    log_info("a.b", "x=1");
    line = next_line();
    assert_non_null(line);
    assert_memory_equal(line, "ts=", 3);
    assert_int_equal(line[22], '.');
    assert_int_equal(line[26], 'Z');
    for (at_s = (time_t)before_s; at_s <= (time_t)(clock_now_ms() / 1000); at_s++) {
        (void)gmtime_r(&at_s, &parts);
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
        found = found || memcmp(text, line + 3, 19) == 0;
    }
    assert_true(found);
}

static void levels_below_the_set_one_are_not_written(void **state)
{
    (void)state;
    assert_false(log_is_on(LOG_DEBUG));
    log_debug("a.b", "x=1");
    assert_null(next_line());

    log_setup(LOG_ERROR, LOG_LOGFMT);
    log_warn("a.b", "x=1");
    log_info("a.b", "x=1");
    assert_null(next_line());
    log_error("a.b", "x=1");
    assert_non_null(next_line());

    log_setup(LOG_DEBUG, LOG_LOGFMT);
    assert_true(log_is_on(LOG_DEBUG));
    log_debug("a.b", "x=1");
    assert_string_equal(next_after_time(), "level=debug event=a.b x=1");
}

static void values_are_quoted_when_they_must_be(void **state)
{
    (void)state;
    log_info("e", "a=\"plain\" b=\"\" c= d=\"x=y\" e=\"say \\\"hi\\\" \\\\ end\"");
    assert_string_equal(next_after_time(), "level=info event=e a=plain b=\"\" c=\"\" d=\"x=y\" "
                                           "e=\"say \\\"hi\\\" \\\\ end\"");
}

static void a_word_alone_is_true(void **state)
{
    (void)state;
    log_info("e", "  fast   n=1 ");
    assert_string_equal(next_after_time(), "level=info event=e fast=true n=1");
}

static void an_open_quote_ends_with_the_text(void **state)
{
    (void)state;
    log_info("e", "a=\"never closed");
    assert_string_equal(next_after_time(), "level=info event=e a=\"never closed\"");
    log_info("e", "a=\"\\");
    assert_string_equal(next_after_time(), "level=info event=e a=\"\\\\\"");
}

static void control_characters_are_escaped(void **state)
{
    (void)state;
    log_info("e", "a=x\nlevel=error b=\"\r\t\x01\x1b[31m\x7f\xc2\x9b\"");
    assert_string_equal(next_after_time(), "level=info event=e a=\"x\\nlevel=error\" "
                                           "b=\"\\r\\t\\u0001\\u001b[31m\\u007f\\u009b\"");
    log_info("e", "k\n\"y\xff=1");
    assert_string_equal(next_after_time(), "level=info event=e k__y_=1");
}

static void what_is_no_utf8_is_replaced(void **state)
{
    (void)state;
    log_info("e", "a=\"\xc3\xa4 \xff\xc3\"");
    assert_string_equal(next_after_time(),
                        "level=info event=e a=\"\xc3\xa4 \xef\xbf\xbd\xef\xbf\xbd\"");
}

/* ---- JSON ---- */

static void json_has_the_same_members(void **state)
{
    json_t *line;

    (void)state;
    log_setup(LOG_INFO, LOG_JSON);
    log_warn("store.commit", "batches=3 note=\"a \\\"b\\\" \\\\\" word=abc alone");
    line = next_json();
    assert_int_equal(json_object_size(line), 7);
    assert_int_equal(strlen(member_text(line, "ts")), 24);
    assert_string_equal(member_text(line, "level"), "warn");
    assert_string_equal(member_text(line, "event"), "store.commit");
    assert_int_equal(json_integer_value(json_object_get(line, "batches")), 3);
    assert_string_equal(member_text(line, "note"), "a \"b\" \\");
    assert_string_equal(member_text(line, "word"), "abc");
    assert_true(json_is_true(json_object_get(line, "alone")));
    json_decref(line);
}

static void json_keeps_bare_numbers_and_booleans_only(void **state)
{
    static const char *const texts[] = {
        "quoted", "zeros", "real", "long", "hex", "minus", "none"
    };
    json_t *line;

    (void)state;
    log_setup(LOG_INFO, LOG_JSON);
    log_info("e", "n=-12 zero=0 yes=true no=false quoted=\"12\" zeros=007 real=1.5 "
                  "long=1234567890123456 hex=12ab minus=- none=");
    line = next_json();
    assert_int_equal(json_integer_value(json_object_get(line, "n")), -12);
    assert_true(json_is_integer(json_object_get(line, "zero")));
    assert_true(json_is_true(json_object_get(line, "yes")));
    assert_true(json_is_false(json_object_get(line, "no")));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_true(json_is_string(json_object_get(line, texts[i])));
    }
    json_decref(line);
}

static void json_is_valid_whatever_the_values_hold(void **state)
{
    json_t *line;

    (void)state;
    log_setup(LOG_INFO, LOG_JSON);
    log_info("e", "a=\"\x01\n\xff\x7f\xc2\x85\" b=}\",\"c\":{ \"d\"=\\");
    line = next_json();
    assert_string_equal(member_text(line, "a"), "\x01\n\xef\xbf\xbd\x7f\xc2\x85");
    assert_string_equal(member_text(line, "b"), "}\",\"c\":{");
    assert_string_equal(member_text(line, "_d_"), "\\");
    json_decref(line);
}

/* ---- bounds ---- */

static void a_long_line_is_cut_and_says_so(void **state)
{
    static char value[10001];

    (void)state;
    for (size_t size = 1900; size <= 10000; size = size < 2100 ? size + 1 : size + 1000) {
        memset(value, 'x', size);
        value[size] = '\0';
        log_info("e", "a=%s", value);
        const char *line = next_after_time();
        if (size < 1900 + 50) {
            assert_null(strstr(line, "cut=true"));
            assert_int_equal(strlen(line), strlen("level=info event=e a=") + size);
        } else if (size > 2020) {
            assert_string_equal(line + strlen(line) - 10, "\" cut=true");
        }
    }
}

static void a_cut_json_line_is_still_json(void **state)
{
    static char value[3001];
    json_t *line;

    (void)state;
    log_setup(LOG_INFO, LOG_JSON);
    for (size_t size = 1850; size < 2100; size++) {
        memset(value, '\n', sizeof value); /* each takes two characters */
        memset(value, 'x', size);
        value[3000] = '\0';
        log_info("e", "a=%s b=2 c=3", value);
        line = next_json();
        assert_true(json_is_true(json_object_get(line, "cut")));
        assert_memory_equal(member_text(line, "a"), value, 1850);
        json_decref(line);
    }
    for (size_t size = 1850; size < 2100; size++) {
        memset(value, 'x', size);
        value[size] = '\0';
        log_info("e", "a=%s key=%d key2=\"%s\"", value, 12345, "y");
        line = next_json();
        assert_memory_equal(member_text(line, "a"), value, 1850);
        json_decref(line);
    }
}

/* ---- secrets ---- */

static void tokens_and_invites_are_blotted_out(void **state)
{
    static const char token[] = "0123456789abcdefABCDEF_-xyzXYZ0123456789abc";

    (void)state;
    for (int format = 0; format < 2; format++) {
        const char *line;
        log_setup(LOG_INFO, format == 0 ? LOG_LOGFMT : LOG_JSON);
        log_info("e", "a=sp1_%s b=\"Bearer sp1_%s.\" c=https://relay.example/#spi1_%s d=sp1_",
                 token, token, token);
        line = next_line();
        assert_non_null(line);
        assert_null(strstr(line, "0123456789"));
        assert_null(strstr(line, "abc"));
        assert_non_null(strstr(line, "Bearer sp1_***"));
        assert_non_null(strstr(line, "relay.example/#spi1_***"));
    }
}

static void a_token_in_a_line_that_is_cut_is_blotted_out(void **state)
{
    static char value[5001];

    (void)state;
    for (size_t size = 1900; size < 2100; size++) {
        memset(value, 'x', size);
        (void)snprintf(value + size, sizeof value - size, "sp1_QQQQQQQQQQQQQQQQQQQQ");
        log_info("e", "a=%s", value);
        assert_null(strstr(next_after_time(), "QQ"));
    }
}

/* ---- helpers of callers ---- */

static void an_id_is_its_first_four_bytes(void **state)
{
    (void)state;
    assert_string_equal(log_id(bytes_of("\x01\xab\xff\x00\x77", 5)).text, "01abff00..");
    assert_string_equal(log_id(bytes_of("\x01", 1)).text, "01..");
    assert_string_equal(log_id(bytes_of(NULL, 0)).text, "..");
}

static void an_id_is_text_also_when_it_is_all_digits(void **state)
{
    json_t *line;

    (void)state;
    log_setup(LOG_INFO, LOG_JSON);
    log_info("e", "device=%s", log_id(bytes_of("\x12\x34\x56\x78", 4)).text);
    line = next_json();
    assert_string_equal(member_text(line, "device"), "12345678..");
    json_decref(line);
}

static void a_quoted_text_stays_one_value(void **state)
{
    struct bytes text = bytes_of("a \"b\" \\ c=d\n\0\xff", 14);

    (void)state;
    log_info("e", "q=%s n=1", log_quote(text).text);
    assert_string_equal(next_after_time(),
                        "level=info event=e q=\"a \\\"b\\\" \\\\ c=d\\n \xef\xbf\xbd\" n=1");
    log_info("e", "q=%s n=1", log_quote(bytes_of(NULL, 0)).text);
    assert_string_equal(next_after_time(), "level=info event=e q=\"\" n=1");
}

static void a_long_quoted_text_is_cut_inside_its_quotes(void **state)
{
    char text[400];

    (void)state;
    for (size_t size = 200; size < sizeof text; size++) {
        const char *line;
        memset(text, size % 2 == 0 ? '"' : ' ', size);
        log_info("e", "q=%s n=1", log_quote(bytes_of(text, size)).text);
        line = next_after_time();
        assert_string_equal(line + strlen(line) - 5, "\" n=1");
        if (size > 250) {
            assert_string_equal(line + strlen(line) - 8, "...\" n=1");
        }
    }
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, catch_stderr, give_stderr_back)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(a_line_names_its_level_event_and_values),
        LOG_TEST(the_time_is_utc_and_now),
        LOG_TEST(levels_below_the_set_one_are_not_written),
        LOG_TEST(values_are_quoted_when_they_must_be),
        LOG_TEST(a_word_alone_is_true),
        LOG_TEST(an_open_quote_ends_with_the_text),
        LOG_TEST(control_characters_are_escaped),
        LOG_TEST(what_is_no_utf8_is_replaced),
        LOG_TEST(json_has_the_same_members),
        LOG_TEST(json_keeps_bare_numbers_and_booleans_only),
        LOG_TEST(json_is_valid_whatever_the_values_hold),
        LOG_TEST(a_long_line_is_cut_and_says_so),
        LOG_TEST(a_cut_json_line_is_still_json),
        LOG_TEST(tokens_and_invites_are_blotted_out),
        LOG_TEST(a_token_in_a_line_that_is_cut_is_blotted_out),
        LOG_TEST(an_id_is_its_first_four_bytes),
        LOG_TEST(an_id_is_text_also_when_it_is_all_digits),
        LOG_TEST(a_quoted_text_stays_one_value),
        LOG_TEST(a_long_quoted_text_is_cut_inside_its_quotes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/json.h"
#include "common/limits.h"
#include "tests/support/unit.h"

static bool is_parsed(const char *text)
{
    json_t *value = json_parse(bytes_text(text), LIMIT_JSON_DEPTH);
    bool parsed = value != NULL;

    json_decref(value);
    return parsed;
}

static void objects_and_arrays_are_parsed(void **state)
{
    static const char *const good[] = {
        "{}",
        "[]",
        " { \"a\" : [ 1, -2, 3.5, true, false, null, \"\" ] } \r\n\t",
        "{\"\\u00e4\":\"\xc3\xa4 \\ud83d\\ude00\"}",
        "{\"a\":{\"a\":{\"a\":1}}}", /* the same name, but not in one object */
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(is_parsed(good[i]));
    }
}

static void what_is_not_strict_json_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "1",
        "\"text\"",
        "null",
        "{",
        "}",
        "{]",
        "[1,]",
        "{\"a\":1,}",
        "{'a':1}",
        "{a:1}",
        "{\"a\" 1}",
        "{\"a\":}",
        "{1:1}",
        "[01]",
        "[+1]",
        "[1.]",
        "[.5]",
        "[0x10]",
        "[NaN]",
        "[Infinity]",
        "[1e999]",
        "[99999999999999999999]",
        "[True]",
        "[\"\t\"]",
        "[\"\\x\"]",
        "[\"\\u12\"]",
        "[\"\\ud800\"]",
        "[\"a]",
        "[\"a\\\"]",
        "// note\n{}",
        "{} // note",
        "\xef\xbb\xbf{}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(is_parsed(bad[i]));
    }
}

static void bytes_after_the_value_are_refused(void **state)
{
    (void)state;
    assert_false(is_parsed("{}x"));
    assert_false(is_parsed("{} {}"));
    assert_false(is_parsed("[]]"));
    assert_null(json_parse(bytes_of("{}\0", 3), LIMIT_JSON_DEPTH));
    assert_null(json_parse(bytes_of("\0{}", 3), LIMIT_JSON_DEPTH));
}

static void invalid_utf8_is_refused(void **state)
{
    (void)state;
    assert_false(is_parsed("{\"a\":\"\xff\"}"));
    assert_false(is_parsed("{\"a\":\"\xc0\x80\"}"));
    assert_false(is_parsed("{\"a\":\"\xed\xa0\x80\"}"));
    assert_false(is_parsed("{\"\xc3\":1}"));
}

static void nul_is_refused_raw_and_escaped(void **state)
{
    (void)state;
    assert_false(is_parsed("{\"a\":\"x\\u0000y\"}"));
    assert_false(is_parsed("{\"a\\u0000\":1}"));
    assert_null(json_parse(bytes_of("{\"a\":\"x\0y\"}", 11), LIMIT_JSON_DEPTH));
    assert_null(json_parse(bytes_of("[null\0]", 7), LIMIT_JSON_DEPTH));
    assert_null(json_parse(bytes_of("[1\0]", 4), LIMIT_JSON_DEPTH));
    assert_null(json_parse(bytes_of("[1 \0]", 5), LIMIT_JSON_DEPTH));
}

static void duplicate_members_are_refused_at_every_level(void **state)
{
    (void)state;
    assert_false(is_parsed("{\"a\":1,\"a\":1}"));
    assert_false(is_parsed("{\"a\":1,\"b\":2,\"\\u0061\":3}"));
    assert_false(is_parsed("[[{\"x\":{\"b\":1,\"b\":2}}]]"));
}

/* Append an array in an array and so on, depth levels in all. */
static void append_nest(struct buf *out, size_t depth)
{
    for (size_t i = 0; i < depth; i++) {
        buf_append_u8(out, '[');
    }
    for (size_t i = 0; i < depth; i++) {
        buf_append_u8(out, ']');
    }
}

static bool is_nest_parsed(size_t depth, int most)
{
    struct buf text = { .at = NULL };
    json_t *value;
    bool parsed;

    append_nest(&text, depth);
    value = json_parse(buf_view(&text), most);
    parsed = value != NULL;
    buf_clear(&text);
    json_decref(value);
    return parsed;
}

static void depth_is_counted_to_the_limit(void **state)
{
    (void)state;
    assert_true(is_nest_parsed(1, 1));
    assert_false(is_nest_parsed(2, 1));
    assert_true(is_nest_parsed(LIMIT_JSON_DEPTH, LIMIT_JSON_DEPTH));
    assert_false(is_nest_parsed(LIMIT_JSON_DEPTH + 1, LIMIT_JSON_DEPTH));
    assert_false(is_nest_parsed(700000, LIMIT_JSON_DEPTH));
    assert_false(is_parsed("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{"
                           "\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}}}}}}}}}"));
}

static void siblings_and_brackets_in_strings_are_no_depth(void **state)
{
    struct buf text = { .at = NULL };
    json_t *value;

    (void)state;
    buf_append_text(&text, "[\"[[[[[[\\\"[[[[[[[[\\\\\",[],{}");
    for (int i = 0; i < 100; i++) {
        buf_append_text(&text, ",[\"\\\\\\\"[{\"]");
    }
    buf_append_text(&text, "]");
    value = json_parse(buf_view(&text), 2);
    assert_non_null(value);
    assert_int_equal(json_array_size(value), 103);
    json_decref(value);
    buf_clear(&text);
}

static void a_value_is_appended_compactly(void **state)
{
    struct buf out = { .at = NULL };

    (void)state;
    buf_append_text(&out, "> ");
    json_append_steal(&out, json_pack("{s:i, s:[b,n], s:s}", "a", 1, "b", 1, "c", "x\"y"));
    json_append_steal(&out, json_string("alone"));
    assert_true(bytes_equal(buf_view(&out),
                            bytes_text("> {\"a\":1,\"b\":[true,null],\"c\":\"x\\\"y\"}\"alone\"")));
    buf_clear(&out);
}

static void bytes_become_a_base64url_string(void **state)
{
    struct buf out = { .at = NULL };

    (void)state;
    json_append_steal(&out, json_base64url(bytes_of("\xfb\xff\xbf\0", 4)));
    json_append_steal(&out, json_base64url(bytes_of(NULL, 0)));
    assert_true(bytes_equal(buf_view(&out), bytes_text("\"-_-_AA\"\"\"")));
    buf_clear(&out);
}

static void expect_quoted(struct bytes text, const char *expected)
{
    struct buf out = { .at = NULL };

    json_append_quoted(&out, text);
    assert_true(bytes_equal(buf_view(&out), bytes_text(expected)));
    buf_clear(&out);
}

static void a_quoted_text_escapes_what_it_must(void **state)
{
    (void)state;
    expect_quoted(bytes_of(NULL, 0), "\"\"");
    expect_quoted(bytes_text("plain / text \xc3\xa4\xf0\x9f\x98\x80\x7f"),
                  "\"plain / text \xc3\xa4\xf0\x9f\x98\x80\x7f\"");
    expect_quoted(bytes_text("\" \\ \b\f\n\r\t"), "\"\\\" \\\\ \\b\\f\\n\\r\\t\"");
    expect_quoted(bytes_of("\0\x01\x1f", 3), "\"\\u0000\\u0001\\u001f\"");
}

static void a_quoted_text_replaces_what_is_no_utf8(void **state)
{
    (void)state;
    expect_quoted(bytes_text("a\xff z"), "\"a\xef\xbf\xbd z\"");
    expect_quoted(bytes_text("\xc3"), "\"\xef\xbf\xbd\"");
    expect_quoted(bytes_text("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void a_quoted_text_is_read_back_as_it_was(void **state)
{
    struct buf text = { .at = NULL };
    struct buf out = { .at = NULL };
    json_t *back;

    (void)state;
    for (int byte = 1; byte < 0x80; byte++) {
        buf_append_u8(&text, (uint8_t)byte);
    }
    buf_append_text(&text, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    buf_append_text(&out, "[");
    json_append_quoted(&out, buf_view(&text));
    buf_append_text(&out, "]");
    back = json_parse(buf_view(&out), 1);
    assert_non_null(back);
    assert_int_equal(json_string_length(json_array_get(back, 0)), text.size);
    assert_memory_equal(json_string_value(json_array_get(back, 0)), text.at, text.size);
    json_decref(back);
    buf_clear(&text);
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_and_arrays_are_parsed),
        cmocka_unit_test(what_is_not_strict_json_is_refused),
        cmocka_unit_test(bytes_after_the_value_are_refused),
        cmocka_unit_test(invalid_utf8_is_refused),
        cmocka_unit_test(nul_is_refused_raw_and_escaped),
        cmocka_unit_test(duplicate_members_are_refused_at_every_level),
        cmocka_unit_test(depth_is_counted_to_the_limit),
        cmocka_unit_test(siblings_and_brackets_in_strings_are_no_depth),
        cmocka_unit_test(a_value_is_appended_compactly),
        cmocka_unit_test(bytes_become_a_base64url_string),
        cmocka_unit_test(a_quoted_text_escapes_what_it_must),
        cmocka_unit_test(a_quoted_text_replaces_what_is_no_utf8),
        cmocka_unit_test(a_quoted_text_is_read_back_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

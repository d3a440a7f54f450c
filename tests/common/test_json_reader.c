/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/json.h"
#include "common/limits.h"
#include "tests/support/unit.h"

static void expect_fault(const struct json_reader *reader, enum json_fault_kind kind,
                         const char *member)
{
    assert_int_equal(reader->kind, kind);
    assert_string_equal(reader->fault, member);
}

static void every_type_is_read(void **state)
{
    struct json_reader reader;
    struct buf body = { .at = NULL };
    struct bytes text = { .at = NULL };
    uint8_t id[3] = { 0 };
    int64_t number = 0;
    json_t *list = NULL;
    bool flag = false;

    (void)state;
    assert_true(json_reader_begin(
        &reader,
        bytes_text("{\"number\":-7,\"id\":\"AQID\",\"body\":\"Zm9vYg\",\"text\":\"\xc3\xa4\\n\","
                   "\"list\":[1,2],\"flag\":true}")));
    json_need_int(&reader, "number", -10, 10, &number);
    json_need_exact(&reader, "id", id, sizeof id);
    json_need_bytes(&reader, "body", &body);
    json_need_text(&reader, "text", &text);
    json_need_array(&reader, "list", &list);
    assert_true(json_may_bool(&reader, "flag", &flag));
    assert_int_equal(number, -7);
    assert_memory_equal(id, "\1\2\3", 3);
    assert_true(bytes_equal(buf_view(&body), bytes_text("foob")));
    assert_true(bytes_equal(text, bytes_text("\xc3\xa4\n")));
    assert_int_equal(json_array_size(list), 2);
    assert_true(flag);
    assert_true(json_reader_end(&reader));
    expect_fault(&reader, JSON_FINE, "");
    buf_clear(&body);
}

static void optional_members_are_read_when_they_are_there(void **state)
{
    struct json_reader reader;
    struct buf body = { .at = NULL };
    struct bytes text = { .at = NULL };
    uint8_t id[3] = { 0 };
    int64_t number = 0;
    json_t *list = NULL;
    bool flag = true;

    (void)state;
    assert_true(json_reader_begin(&reader, bytes_text("{\"n\":5,\"id\":\"AQID\",\"b\":\"\","
                                                      "\"t\":\"\",\"l\":[],\"f\":false}")));
    assert_true(json_may_int(&reader, "n", 5, 5, &number));
    assert_true(json_may_exact(&reader, "id", id, sizeof id));
    assert_true(json_may_bytes(&reader, "b", &body));
    assert_true(json_may_text(&reader, "t", &text));
    assert_true(json_may_array(&reader, "l", &list));
    assert_true(json_may_bool(&reader, "f", &flag));
    assert_true(json_reader_end(&reader));
    assert_int_equal(number, 5);
    assert_memory_equal(id, "\1\2\3", 3);
    assert_int_equal(body.size, 0);
    assert_int_equal(text.size, 0);
    assert_false(flag);
    buf_clear(&body);
}

static void optional_members_that_are_absent_change_nothing(void **state)
{
    struct json_reader reader;
    struct buf body = { .at = NULL };
    struct bytes text = bytes_text("kept");
    uint8_t id[3] = { 9, 9, 9 };
    int64_t number = 42;
    json_t *list = NULL;
    bool flag = true;

    (void)state;
    assert_true(json_reader_begin(&reader, bytes_text("{}")));
    assert_false(json_may_int(&reader, "n", 0, 1, &number));
    assert_false(json_may_exact(&reader, "id", id, sizeof id));
    assert_false(json_may_bytes(&reader, "b", &body));
    assert_false(json_may_text(&reader, "t", &text));
    assert_false(json_may_array(&reader, "l", &list));
    assert_false(json_may_bool(&reader, "f", &flag));
    assert_int_equal(number, 42);
    assert_memory_equal(id, "\t\t\t", 3);
    assert_int_equal(body.size, 0);
    assert_true(bytes_equal(text, bytes_text("kept")));
    assert_null(list);
    assert_true(flag);
    assert_true(json_reader_end(&reader));
}

static void a_text_that_is_no_object_is_refused(void **state)
{
    static const char *const bad[] = { "", "[]", "[{}]", "1", "{", "{}}", "{\"a\":1,}" };
    struct json_reader reader;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(json_reader_begin(&reader, bytes_text(bad[i])));
        expect_fault(&reader, JSON_MALFORMED, "");
        assert_false(json_reader_end(&reader));
        expect_fault(&reader, JSON_MALFORMED, "");
    }
}

static void a_reader_has_the_depth_limit(void **state)
{
    struct buf text = { .at = NULL };
    struct json_reader reader;

    (void)state;
    buf_append_text(&text, "{\"a\":");
    for (int i = 0; i < LIMIT_JSON_DEPTH; i++) {
        buf_append_u8(&text, '[');
    }
    for (int i = 0; i < LIMIT_JSON_DEPTH; i++) {
        buf_append_u8(&text, ']');
    }
    buf_append_text(&text, "}");
    assert_false(json_reader_begin(&reader, buf_view(&text)));
    expect_fault(&reader, JSON_MALFORMED, "");
    buf_clear(&text);
}

static void a_duplicate_is_named(void **state)
{
    static const struct {
        const char *text;
        const char *name;
    } cases[] = {
        { "{\"a\":1,\"a\":2}", "a" },
        { "{\"a\":1,\"b\":{\"recipients\":1, \"recipients\" :2}}", "recipients" },
        { "{\"a_name_of_more_than_twenty\":1,\n\"a_name_of_more_than_twenty\"\n:2}",
          "a_name_of_more_than_twenty" },
        { "{\"\xc3\xa4\":1,\"\xc3\xa4\":2}", "\xc3\xa4" },
        { "{\"\":1,\"\":2}", "" },
    };
    struct json_reader reader;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_false(json_reader_begin(&reader, bytes_text(cases[i].text)));
        expect_fault(&reader, JSON_MALFORMED, cases[i].name);
    }
}

static void a_missing_member_is_named(void **state)
{
    struct json_reader reader;
    struct buf body = { .at = NULL };
    struct bytes text = bytes_text("kept");
    uint8_t id[3];
    int64_t number;
    json_t *list;

    (void)state;
    assert_true(json_reader_begin(&reader, bytes_text("{}")));
    json_need_int(&reader, "number", 0, 1, &number);
    expect_fault(&reader, JSON_MALFORMED, "number");
    assert_false(json_reader_end(&reader));

    assert_true(json_reader_begin(&reader, bytes_text("{}")));
    json_need_exact(&reader, "id", id, sizeof id);
    expect_fault(&reader, JSON_MALFORMED, "id");
    assert_false(json_reader_end(&reader));

    assert_true(json_reader_begin(&reader, bytes_text("{}")));
    json_need_bytes(&reader, "body", &body);
    expect_fault(&reader, JSON_MALFORMED, "body");
    assert_false(json_reader_end(&reader));

    assert_true(json_reader_begin(&reader, bytes_text("{}")));
    json_need_text(&reader, "text", &text);
    expect_fault(&reader, JSON_MALFORMED, "text");
    assert_false(json_reader_end(&reader));
    assert_true(bytes_equal(text, bytes_text("kept")));

    assert_true(json_reader_begin(&reader, bytes_text("{}")));
    json_need_array(&reader, "list", &list);
    expect_fault(&reader, JSON_MALFORMED, "list");
    assert_false(json_reader_end(&reader));
}

typedef void read_fn(struct json_reader *reader);

static void read_int(struct json_reader *reader)
{
    int64_t out = 77;

    json_need_int(reader, "m", 0, 100, &out);
    assert_int_equal(out, 77);
}

static void read_bool(struct json_reader *reader)
{
    bool out = true;

    assert_false(json_may_bool(reader, "m", &out));
    assert_true(out);
}

static void read_exact(struct json_reader *reader)
{
    uint8_t out[3];

    json_need_exact(reader, "m", out, sizeof out);
}

static void read_bytes(struct json_reader *reader)
{
    struct buf out = { .at = NULL };

    json_need_bytes(reader, "m", &out);
    assert_int_equal(out.size, 0);
    buf_clear(&out);
}

static void read_text(struct json_reader *reader)
{
    struct bytes out = bytes_text("kept");

    json_need_text(reader, "m", &out);
    assert_true(bytes_equal(out, bytes_text("kept")));
}

static void read_array(struct json_reader *reader)
{
    json_t *out = NULL;

    json_need_array(reader, "m", &out);
    assert_null(out);
}

static void expect_refused(read_fn *read, const char *value, enum json_fault_kind kind)
{
    struct buf text = { .at = NULL };
    struct json_reader reader;

    buf_append_format(&text, "{\"m\":%s}", value);
    assert_true(json_reader_begin(&reader, buf_view(&text)));
    read(&reader);
    expect_fault(&reader, kind, "m");
    assert_false(json_reader_end(&reader));
    expect_fault(&reader, kind, "m");
    buf_clear(&text);
}

/* Try read with a value of every type but the one whose example is good. */
static void expect_others_refused(read_fn *read, const char *good)
{
    static const char *const values[] = { "1", "true", "\"AQID\"", "[]", "{}", "null" };

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (strcmp(values[i], good) != 0) {
            expect_refused(read, values[i], JSON_MALFORMED);
        }
    }
}

static void wrong_types_are_malformed(void **state)
{
    (void)state;
    expect_others_refused(read_int, "1");
    expect_others_refused(read_bool, "true");
    expect_others_refused(read_exact, "\"AQID\"");
    expect_others_refused(read_bytes, "\"AQID\"");
    expect_others_refused(read_text, "\"AQID\"");
    expect_others_refused(read_array, "[]");
}

static void a_real_is_no_integer(void **state)
{
    (void)state;
    expect_refused(read_int, "1.0", JSON_MALFORMED);
    expect_refused(read_int, "1e1", JSON_MALFORMED);
    expect_refused(read_int, "-0.0", JSON_MALFORMED);
}

static void an_integer_out_of_range_is_told_apart(void **state)
{
    (void)state;
    expect_refused(read_int, "101", JSON_OUT_OF_RANGE);
    expect_refused(read_int, "-1", JSON_OUT_OF_RANGE);
    expect_refused(read_int, "9223372036854775807", JSON_OUT_OF_RANGE);
    expect_refused(read_int, "-9223372036854775808", JSON_OUT_OF_RANGE);
}

static void both_ends_of_a_range_are_in_it(void **state)
{
    struct json_reader reader;
    int64_t low = 0;
    int64_t high = 0;

    (void)state;
    assert_true(json_reader_begin(&reader, bytes_text("{\"low\":-9223372036854775808,"
                                                      "\"high\":9223372036854775807}")));
    json_need_int(&reader, "low", INT64_MIN, INT64_MAX, &low);
    json_need_int(&reader, "high", INT64_MIN, INT64_MAX, &high);
    assert_true(json_reader_end(&reader));
    assert_true(low == INT64_MIN && high == INT64_MAX);
}

static void bad_base64url_is_malformed(void **state)
{
    (void)state;
    expect_refused(read_exact, "\"AQ==\"", JSON_MALFORMED);
    expect_refused(read_exact, "\"AQI\"", JSON_MALFORMED); /* two bytes */
    expect_refused(read_exact, "\"AQIDBA\"", JSON_MALFORMED);
    expect_refused(read_exact, "\"\"", JSON_MALFORMED);
    expect_refused(read_exact, "\"AQ+D\"", JSON_MALFORMED);
    expect_refused(read_bytes, "\"A\"", JSON_MALFORMED);
    expect_refused(read_bytes, "\"AB\"", JSON_MALFORMED);
    expect_refused(read_bytes, "\"AQID\\n\"", JSON_MALFORMED);
}

static void the_first_unknown_member_is_named(void **state)
{
    struct json_reader reader;
    int64_t out = 0;

    (void)state;
    assert_true(json_reader_begin(&reader, bytes_text("{\"x\":1,\"b\":2,\"y\":3,\"a\":4}")));
    json_need_int(&reader, "a", 0, 9, &out);
    json_need_int(&reader, "b", 0, 9, &out);
    assert_false(json_reader_end(&reader));
    expect_fault(&reader, JSON_MALFORMED, "x");

    assert_true(json_reader_begin(&reader, bytes_text("{\"b\":2,\"a\":4,\"y\":{}}")));
    json_need_int(&reader, "a", 0, 9, &out);
    json_need_int(&reader, "b", 0, 9, &out);
    assert_false(json_reader_end(&reader));
    expect_fault(&reader, JSON_MALFORMED, "y");
}

static void an_object_of_many_members_is_read_to_the_64th(void **state)
{
    struct buf text = { .at = NULL };
    struct json_reader reader;

    (void)state;
    for (int count = 63; count <= 65; count++) {
        buf_empty(&text);
        for (int i = 0; i < count; i++) {
            buf_append_format(&text, "%s\"m%d\":%d", i == 0 ? "{" : ",", i, i);
        }
        buf_append_text(&text, "}");
        assert_true(json_reader_begin(&reader, buf_view(&text)));
        for (int i = 0; i < count; i++) {
            char name[8];
            int64_t out = -1;
            (void)snprintf(name, sizeof name, "m%d", i);
            assert_int_equal(json_may_int(&reader, name, 0, 100, &out), i < 64);
            assert_int_equal(out, i < 64 ? i : -1);
        }
        assert_int_equal(json_reader_end(&reader), count <= 64);
    }
    expect_fault(&reader, JSON_MALFORMED, "m64");
    buf_clear(&text);
}

static void asking_whether_it_is_there_takes_nothing(void **state)
{
    struct json_reader reader;

    (void)state;
    assert_true(json_reader_begin(&reader, bytes_text("{\"a\":null}")));
    assert_true(json_has(&reader, "a"));
    assert_false(json_has(&reader, "b"));
    assert_false(json_reader_end(&reader));
    expect_fault(&reader, JSON_MALFORMED, "a");
}

static void reads_after_a_fault_do_nothing(void **state)
{
    struct json_reader reader;
    struct bytes text = bytes_text("kept");
    int64_t number = 5;

    (void)state;
    assert_true(json_reader_begin(&reader, bytes_text("{\"a\":\"x\",\"n\":1,\"t\":\"text\"}")));
    json_need_int(&reader, "a", 0, 9, &number);
    json_need_int(&reader, "n", 0, 9, &number);
    json_need_text(&reader, "t", &text);
    assert_false(json_may_int(&reader, "n", 0, 9, &number));
    json_need_int(&reader, "missing", 0, 9, &number);
    assert_int_equal(number, 5);
    assert_true(bytes_equal(text, bytes_text("kept")));
    assert_false(json_reader_end(&reader));
    expect_fault(&reader, JSON_MALFORMED, "a");
}

static void a_fault_of_the_callers_own_stays_the_first(void **state)
{
    struct json_reader reader;
    int64_t number = 0;

    (void)state;
    assert_true(json_reader_begin(&reader, bytes_text("{\"n\":1}")));
    json_need_int(&reader, "n", 0, 9, &number);
    json_reader_fail(&reader, JSON_OUT_OF_RANGE, "n");
    json_reader_fail(&reader, JSON_MALFORMED, "other");
    assert_false(json_reader_end(&reader));
    expect_fault(&reader, JSON_OUT_OF_RANGE, "n");
}

static void a_long_name_is_cut_between_characters(void **state)
{
    struct buf text = { .at = NULL };
    struct json_reader reader;

    (void)state;
    buf_append_text(&text, "{\"");
    for (int i = 0; i < 100; i++) {
        buf_append_text(&text, "\xe2\x82\xac");
    }
    buf_append_text(&text, "\":1}");
    assert_true(json_reader_begin(&reader, buf_view(&text)));
    assert_false(json_reader_end(&reader));
    assert_int_equal(strlen(reader.fault), 93); /* 31 whole characters of 3 bytes */
    assert_memory_equal(reader.fault + 90, "\xe2\x82\xac", 4);
    buf_clear(&text);
}

static void an_object_inside_another_is_borrowed(void **state)
{
    json_t *outer = json_parse(bytes_text("[{\"a\":1},{\"b\":1},2]"), LIMIT_JSON_DEPTH);
    struct json_reader reader;
    int64_t out = 0;

    (void)state;
    assert_true(json_reader_begin_value(&reader, json_array_get(outer, 0)));
    json_need_int(&reader, "a", 0, 9, &out);
    assert_true(json_reader_end(&reader));
    assert_int_equal(out, 1);

    assert_true(json_reader_begin_value(&reader, json_array_get(outer, 1)));
    json_need_int(&reader, "a", 0, 9, &out);
    assert_false(json_reader_end(&reader));
    expect_fault(&reader, JSON_MALFORMED, "a");

    assert_false(json_reader_begin_value(&reader, json_array_get(outer, 2)));
    expect_fault(&reader, JSON_MALFORMED, "");
    assert_false(json_reader_begin_value(&reader, NULL));
    assert_int_equal(json_array_size(outer), 3);
    json_decref(outer);
}

static void ending_twice_is_harmless(void **state)
{
    struct json_reader reader;

    (void)state;
    assert_true(json_reader_begin(&reader, bytes_text("{}")));
    assert_true(json_reader_end(&reader));
    assert_true(json_reader_end(&reader));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read),
        cmocka_unit_test(optional_members_are_read_when_they_are_there),
        cmocka_unit_test(optional_members_that_are_absent_change_nothing),
        cmocka_unit_test(a_text_that_is_no_object_is_refused),
        cmocka_unit_test(a_reader_has_the_depth_limit),
        cmocka_unit_test(a_duplicate_is_named),
        cmocka_unit_test(a_missing_member_is_named),
        cmocka_unit_test(wrong_types_are_malformed),
        cmocka_unit_test(a_real_is_no_integer),
        cmocka_unit_test(an_integer_out_of_range_is_told_apart),
        cmocka_unit_test(both_ends_of_a_range_are_in_it),
        cmocka_unit_test(bad_base64url_is_malformed),
        cmocka_unit_test(the_first_unknown_member_is_named),
        cmocka_unit_test(an_object_of_many_members_is_read_to_the_64th),
        cmocka_unit_test(asking_whether_it_is_there_takes_nothing),
        cmocka_unit_test(reads_after_a_fault_do_nothing),
        cmocka_unit_test(a_fault_of_the_callers_own_stays_the_first),
        cmocka_unit_test(a_long_name_is_cut_between_characters),
        cmocka_unit_test(an_object_inside_another_is_borrowed),
        cmocka_unit_test(ending_twice_is_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

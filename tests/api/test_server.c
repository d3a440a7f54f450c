/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/mem.h"
#include "tests/api/desk.h"
#include "tests/support/unit.h"

static int set_up(void **state)
{
    struct desk *desk = mem_zeroed(1, sizeof *desk);

    desk_open(desk);
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    desk_close(*state);
    free(*state);
    return 0;
}

static void get(struct desk *desk, const char *fields, struct answer *out)
{
    const struct request request = { .method = "GET", .path = "/v1/server", .fields = fields };

    desk_call(desk, &request, out);
}

static void the_relay_describes_itself_to_anybody(void **state)
{
    struct answer answer;
    const json_t *limits = NULL;

    get(*state, NULL, &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_text(&answer, "name"), "Test relay");
    assert_string_equal(answer_text(&answer, "base_url"), "https://relay.example");
    assert_string_equal(answer_text(&answer, "registration"), "open");
    assert_string_equal(answer_text(&answer, "version"), SEALPOST_VERSION);
    assert_true(answer_int(&answer, "generation") >= 1);
    limits = json_object_get(answer.json, "limits");
    assert_int_equal(json_integer_value(json_object_get(limits, "envelope_bytes")),
                     LIMIT_ENVELOPE_BYTES);
    assert_true(json_is_object(json_object_get(answer.json, "retention")));
    answer_clear(&answer);
}

static bool names_feature(const struct answer *answer, const char *name)
{
    const json_t *features = json_object_get(answer->json, "features");

    for (size_t i = 0; i < json_array_size(features); i++) {
        if (strcmp(json_string_value(json_array_get(features, i)), name) == 0) {
            return true;
        }
    }
    return false;
}

static void holds_are_named_where_something_is_held(void **state)
{
    struct desk *desk = *state;
    struct answer answer;

    get(desk, NULL, &answer);
    assert_false(names_feature(&answer, "holds"));
    answer_clear(&answer);
    desk->temp.domain.settings.hold_s = 60;
    get(desk, NULL, &answer);
    assert_true(names_feature(&answer, "holds"));
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(answer.json, "limits"), "hold_s")), 60);
    answer_clear(&answer);
    desk->temp.domain.settings.hold_s = 0;
}

static void features_name_what_is_there_and_nothing_else(void **state)
{
    struct answer answer;

    get(*state, NULL, &answer);
    assert_true(names_feature(&answer, "envelopes"));
    assert_true(names_feature(&answer, "stream"));
    assert_true(names_feature(&answer, "manifests"));
    assert_true(names_feature(&answer, "keys"));
    assert_true(names_feature(&answer, "handles"));
    assert_true(names_feature(&answer, "mls.groups"));
    assert_true(names_feature(&answer, "mls.welcomes"));
    assert_false(names_feature(&answer, "vaults"));
    answer_clear(&answer);
}

static void nothing_changed_is_304_and_a_change_changes_the_etag(void **state)
{
    struct desk *desk = *state;
    struct answer answer;
    char etag[DESK_FIELD_BYTES] = "";
    char other[DESK_FIELD_BYTES] = "";
    char field[2 * DESK_FIELD_BYTES];

    get(desk, NULL, &answer);
    assert_true(answer_field(&answer, "ETag", etag, sizeof etag));
    answer_clear(&answer);
    (void)snprintf(field, sizeof field, "If-None-Match: \"x\", W/%s\r\n", etag);
    get(desk, field, &answer);
    assert_int_equal(answer.status, 304);
    assert_null(answer.json);
    assert_true(answer_field(&answer, "ETag", other, sizeof other));
    assert_string_equal(other, etag);
    answer_clear(&answer);
    desk->temp.domain.settings.registration = DOMAIN_CLOSED;
    get(desk, field, &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer_text(&answer, "registration"), "closed");
    assert_true(answer_field(&answer, "ETag", other, sizeof other));
    assert_string_not_equal(other, etag);
    answer_clear(&answer);
    get(desk, "If-None-Match: *\r\n", &answer);
    assert_int_equal(answer.status, 304);
    answer_clear(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_relay_describes_itself_to_anybody),
        TEST(holds_are_named_where_something_is_held),
        TEST(features_name_what_is_there_and_nothing_else),
        TEST(nothing_changed_is_304_and_a_change_changes_the_etag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

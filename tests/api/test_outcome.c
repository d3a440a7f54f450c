/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/buf.h"
#include "server/api/outcome.h"
#include "tests/support/unit.h"

#define PUB_A "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define PUB_B "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define HASH "CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const struct device_pub pubs[2] = { { { 1 } }, { { 2 } } };

static void assert_text(struct buf *text, const char *expected)
{
    buf_append_u8(text, '\0');
    assert_string_equal((const char *)text->at, expected);
    buf_clear(text);
}

static void one_new_copy_is_told_as_the_general_form_would(void **state)
{
    struct envelope_outcome outcome = { .result = ENVELOPE_STORED, .stored = 1 };
    struct buf text = { 0 };

    (void)state;
    assert_int_equal(outcome_append_success(&outcome, &text), 201);
    assert_text(&text, "{\"stored\":1,\"duplicates\":[],\"full\":[],\"closed\":[]}");
    outcome.stored = 2;
    assert_int_equal(outcome_append_success(&outcome, &text), 201);
    assert_text(&text, "{\"stored\":2,\"duplicates\":[],\"full\":[],\"closed\":[]}");
}

static void each_list_names_its_devices(void **state)
{
    struct envelope_outcome outcome = {
        .result = ENVELOPE_STORED,
        .stored = 1,
        .duplicates = { pubs, 2 },
        .full = { pubs, 1 },
        .closed = { pubs + 1, 1 },
    };
    struct buf text = { 0 };

    (void)state;
    assert_int_equal(outcome_append_success(&outcome, &text), 201);
    assert_text(&text, "{\"stored\":1,\"duplicates\":[\"" PUB_A "\",\"" PUB_B
                       "\"],\"full\":[\"" PUB_A "\"],\"closed\":[\"" PUB_B "\"]}");
}

static void one_copy_beside_another_fate_is_not_cut_short(void **state)
{
    const struct envelope_list one = { pubs, 1 };
    struct envelope_outcome outcomes[3] = {
        { .result = ENVELOPE_STORED, .stored = 1, .duplicates = one },
        { .result = ENVELOPE_STORED, .stored = 1, .full = one },
        { .result = ENVELOPE_STORED, .stored = 1, .closed = one },
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct buf text = { 0 };
        (void)outcome_append_success(&outcomes[i], &text);
        buf_append_u8(&text, '\0');
        assert_non_null(strstr((const char *)text.at, PUB_A));
        buf_clear(&text);
    }
}

static void what_was_passed_on_is_202(void **state)
{
    struct envelope_outcome outcome = { .result = ENVELOPE_PASSED, .stored = 0 };
    struct buf text = { 0 };

    (void)state;
    assert_int_equal(outcome_append_success(&outcome, &text), 202);
    assert_text(&text, "{\"sent\":0}");
    outcome.stored = 3;
    (void)outcome_append_success(&outcome, &text);
    assert_text(&text, "{\"sent\":3}");
}

static void every_refusal_has_its_problem(void **state)
{
    static const struct {
        enum envelope_result result;
        enum problem problem;
    } table[] = {
        { ENVELOPE_VALUE_INVALID, PROBLEM_value_invalid },
        { ENVELOPE_TOO_LARGE, PROBLEM_too_large },
        { ENVELOPE_PLAINTEXT, PROBLEM_plaintext_refused },
        { ENVELOPE_OFF_BUCKET, PROBLEM_size_bucket },
        { ENVELOPE_LIST_MISMATCH, PROBLEM_device_list_mismatch },
        { ENVELOPE_UNKNOWN, PROBLEM_recipient_unknown },
        { ENVELOPE_MAILBOX_FULL, PROBLEM_mailbox_full },
        { ENVELOPE_STORAGE_FULL, PROBLEM_storage_full },
        { ENVELOPE_UNAVAILABLE, PROBLEM_unavailable },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct envelope_outcome outcome = { .result = table[i].result };
        enum problem problem = PROBLEM_malformed;
        assert_false(outcome_is_success(&outcome, &problem));
        assert_int_equal(problem, table[i].problem);
    }
}

static void a_success_has_no_problem(void **state)
{
    struct envelope_outcome outcome = { .result = ENVELOPE_STORED };
    enum problem problem = PROBLEM_malformed;

    (void)state;
    assert_true(outcome_is_success(&outcome, &problem));
    outcome.result = ENVELOPE_PASSED;
    assert_true(outcome_is_success(&outcome, &problem));
    assert_int_equal(problem, PROBLEM_malformed);
}

static void assert_members(const struct envelope_outcome *outcome, const char *expected)
{
    struct buf text = { 0 };

    outcome_append_members(outcome, &text);
    assert_text(&text, expected);
}

static void refusals_tell_what_is_wrong(void **state)
{
    (void)state;
    assert_members(&(struct envelope_outcome){ .result = ENVELOPE_VALUE_INVALID, .member = "ttl" },
                   ",\"member\":\"ttl\"");
    assert_members(&(struct envelope_outcome){ .result = ENVELOPE_TOO_LARGE, .max = 98304 },
                   ",\"max\":98304");
    assert_members(&(struct envelope_outcome){ .result = ENVELOPE_UNKNOWN, .unknown = { pubs, 1 } },
                   ",\"unknown\":[\"" PUB_A "\"]");
    assert_members(&(struct envelope_outcome){ .result = ENVELOPE_MAILBOX_FULL,
                                               .full = { pubs, 1 },
                                               .closed = { pubs + 1, 1 } },
                   ",\"full\":[\"" PUB_A "\"],\"closed\":[\"" PUB_B "\"]");
    assert_members(&(struct envelope_outcome){ .result = ENVELOPE_LIST_MISMATCH,
                                               .missing = { pubs, 1 },
                                               .stale = { pubs + 1, 1 },
                                               .head_epoch = 12,
                                               .head_hash = { { 9 } } },
                   ",\"missing\":[\"" PUB_A "\"],\"extra\":[],\"stale\":[\"" PUB_B
                   "\"],\"head\":{\"epoch\":12,\"hash\":\"" HASH "\"}");
}

static void a_rate_names_whom_it_is_for(void **state)
{
    static const struct device_pub pub = { { 1 } };
    const struct envelope_outcome outcome = {
        .result = ENVELOPE_RATE_LIMITED,
        .limited = { .at = &pub, .count = 1 },
        .retry_s = 7,
    };

    (void)state;
    assert_members(&outcome, ",\"limited\":[\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]");
}

static void the_others_have_nothing_to_add(void **state)
{
    (void)state;
    assert_members(&(struct envelope_outcome){ .result = ENVELOPE_PLAINTEXT }, "");
    assert_members(&(struct envelope_outcome){ .result = ENVELOPE_OFF_BUCKET }, "");
    assert_members(&(struct envelope_outcome){ .result = ENVELOPE_STORAGE_FULL }, "");
    assert_members(&(struct envelope_outcome){ .result = ENVELOPE_UNAVAILABLE }, "");
}

static void only_what_passes_by_itself_may_be_tried_again(void **state)
{
    const struct envelope_outcome none = { .result = ENVELOPE_UNAVAILABLE };
    const struct envelope_outcome limited = { .result = ENVELOPE_RATE_LIMITED, .retry_s = 7 };

    (void)state;
    assert_int_equal(outcome_retry_s(&limited, PROBLEM_rate_limited), 7);
    assert_true(outcome_retry_s(&none, PROBLEM_unavailable) > 0);
    assert_true(outcome_retry_s(&none, PROBLEM_storage_full) > 0);
    assert_int_equal(outcome_retry_s(&none, PROBLEM_value_invalid), 0);
    assert_int_equal(outcome_retry_s(&none, PROBLEM_device_list_mismatch), 0);
    assert_int_equal(outcome_retry_s(&none, PROBLEM_mailbox_full), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_new_copy_is_told_as_the_general_form_would),
        cmocka_unit_test(each_list_names_its_devices),
        cmocka_unit_test(one_copy_beside_another_fate_is_not_cut_short),
        cmocka_unit_test(what_was_passed_on_is_202),
        cmocka_unit_test(every_refusal_has_its_problem),
        cmocka_unit_test(a_success_has_no_problem),
        cmocka_unit_test(refusals_tell_what_is_wrong),
        cmocka_unit_test(a_rate_names_whom_it_is_for),
        cmocka_unit_test(the_others_have_nothing_to_add),
        cmocka_unit_test(only_what_passes_by_itself_may_be_tried_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

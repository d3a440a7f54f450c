/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/bytes.h"
#include "common/handle.h"
#include "server/domain/handles.h"
#include "server/domain/report.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/handle_scenes.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/people.h"
#include "tests/support/unit.h"

#define ROWS "SELECT count(*) FROM handles"
#define HELD "SELECT count(*) FROM handles WHERE account > 0"

static void what_is_claimed_is_found_with_its_binding(void **state)
{
    struct handles_setting *setting = *state;
    struct buf input = { 0 };
    struct heard_found found;

    assert_true(handles_is_nobodys(setting, "ada"));
    handles_sign(&input, &setting->ada, 1, "ada", 0);
    assert_int_equal(handles_claim_bytes(setting, buf_view(&input), SCENE_NOW_MS).result,
                     HANDLES_DONE);
    found = handles_look_up(setting, "ADA");
    assert_true(found.known);
    assert_memory_equal(found.account_id.raw, setting->ada.account_id.raw, 32);
    assert_true(bytes_equal(bytes_of(found.binding, found.binding_size), buf_view(&input)));
    assert_true(handles_is_nobodys(setting, "adam"));
    buf_clear(&input);
}

static void the_same_claim_again_changes_nothing(void **state)
{
    struct handles_setting *setting = *state;

    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada", 0), HANDLES_PRESENT);
    assert_int_equal(scene_count(&setting->temp, ROWS), 1);
}

static void a_name_that_is_taken_is_taken_whatever_the_seq(void **state)
{
    struct handles_setting *setting = *state;

    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(handles_claim_by(setting, &setting->bob, "ada", 0), HANDLES_TAKEN);
    assert_int_equal(handles_claim_by(setting, &setting->bob, "ada", 1), HANDLES_TAKEN);
    assert_int_equal(handles_claim_by(setting, &setting->bob, "ada", 9), HANDLES_TAKEN);
    assert_true(handles_is_of(setting, "ada", &setting->ada));
}

static void seqs_of_a_name_rise_by_one(void **state)
{
    struct handles_setting *setting = *state;
    struct handles_outcome outcome =
        handles_claim_at(setting, &setting->ada, "ada", 1, SCENE_NOW_MS);

    assert_int_equal(outcome.result, HANDLES_SEQ);
    assert_int_equal(outcome.next_seq, 0);
    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada", 1), HANDLES_DONE);
    outcome = handles_claim_at(setting, &setting->ada, "ada", 3, SCENE_NOW_MS);
    assert_int_equal(outcome.result, HANDLES_SEQ);
    assert_int_equal(outcome.next_seq, 2);
    outcome = handles_claim_at(setting, &setting->ada, "ada", 0, SCENE_NOW_MS);
    assert_int_equal(outcome.result, HANDLES_SEQ);
    assert_int_equal(outcome.next_seq, 2);
}

static void only_an_admin_of_the_head_binds(void **state)
{
    struct handles_setting *setting = *state;
    struct buf input = { 0 };

    handles_sign(&input, &setting->ada, 2, "ada", 0);
    assert_int_equal(handles_claim_bytes(setting, buf_view(&input), SCENE_NOW_MS).result,
                     HANDLES_NOT_ADMIN);
    buf_empty(&input);
    handles_sign(&input, &setting->ada, 1, "ada", 0);
    input.at[input.size - CRYPTO_SIGNATURE_BYTES - 1] = 9; /* a device that is not there */
    assert_int_equal(handles_claim_bytes(setting, buf_view(&input), SCENE_NOW_MS).result,
                     HANDLES_NOT_ADMIN);
    assert_int_equal(scene_count(&setting->temp, ROWS), 0);
    buf_clear(&input);
}

static void a_wrong_signature_binds_nothing(void **state)
{
    struct handles_setting *setting = *state;
    struct buf input = { 0 };

    handles_sign(&input, &setting->ada, 1, "ada", 0);
    for (size_t at = 18; at < input.size; at += 13) { /* behind the label, here and there */
        struct handle_binding binding;

        input.at[at] ^= 1;
        if (handle_binding_read(buf_view(&input), &binding)) {
            assert_int_not_equal(
                handles_claim_bytes(setting, buf_view(&input), SCENE_NOW_MS).result, HANDLES_DONE);
        }
        input.at[at] ^= 1;
    }
    input.at[input.size - 1] ^= 1;
    assert_int_equal(handles_claim_bytes(setting, buf_view(&input), SCENE_NOW_MS).result,
                     HANDLES_INVALID);
    assert_int_equal(scene_count(&setting->temp, ROWS), 0);
    buf_clear(&input);
}

/* S + L verifies where S is not looked at. */
static void a_signature_with_an_s_that_is_not_reduced_is_refused(void **state)
{
    static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                       0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                       0,    0,    0,    0,    0,    0,    0,    0,
                                       0,    0,    0,    0,    0,    0,    0,    0x10 };
    struct handles_setting *setting = *state;
    struct buf input = { 0 };
    unsigned carry = 0;

    handles_sign(&input, &setting->ada, 1, "ada", 0);
    for (size_t i = 0; i < sizeof order; i++) {
        uint8_t *at = &input.at[input.size - sizeof order + i];

        carry += (unsigned)*at + order[i];
        *at = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(handles_claim_bytes(setting, buf_view(&input), SCENE_NOW_MS).result,
                     HANDLES_INVALID);
    buf_clear(&input);
}

static void an_account_has_as_many_names_as_it_may(void **state)
{
    struct handles_setting *setting = *state;
    struct handles_outcome outcome;

    assert_int_equal(handles_claim_by(setting, &setting->ada, "one", 0), HANDLES_DONE);
    assert_int_equal(handles_claim_by(setting, &setting->ada, "two", 0), HANDLES_DONE);
    assert_int_equal(handles_claim_by(setting, &setting->ada, "three", 0), HANDLES_DONE);
    outcome = handles_claim_at(setting, &setting->ada, "four", 0, SCENE_NOW_MS);
    assert_int_equal(outcome.result, HANDLES_TOO_MANY);
    assert_int_equal(outcome.max, 3);
    assert_int_equal(handles_claim_by(setting, &setting->ada, "two", 1), HANDLES_DONE);
    assert_int_equal(handles_claim_by(setting, &setting->bob, "four", 0), HANDLES_DONE);
    assert_int_equal(handles_release_by(setting, &setting->ada, 1, "one"), HANDLES_DONE);
    assert_int_equal(handles_claim_by(setting, &setting->ada, "five", 0), HANDLES_DONE);
}

static void a_claim_for_an_erased_account_gives_nothing(void **state)
{
    struct handles_setting *setting = *state;

    handles_erase(setting, &setting->ada);
    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada", 0), HANDLES_NOT_ADMIN);
    assert_int_equal(scene_count(&setting->temp, ROWS), 0);
}

static void a_binding_outlives_the_device_that_signed_it(void **state)
{
    struct handles_setting *setting = *state;

    (void)person_add(&setting->ada, 3, MANIFEST_DEVICE_ADMIN);
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    person_remove(&setting->ada, 1);
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    assert_true(handles_is_of(setting, "ada", &setting->ada));
}

static void of_two_claims_at_once_one_has_the_name(void **state)
{
    struct handles_setting *setting = *state;
    struct buf ada = { 0 };
    struct buf bob = { 0 };
    struct heard_handle first;
    struct heard_handle second;

    handles_sign(&ada, &setting->ada, 1, "both", 0);
    handles_sign(&bob, &setting->bob, 1, "both", 0);
    handles_claim_start(&setting->temp, buf_view(&ada), SCENE_NOW_MS, &first);
    handles_claim_start(&setting->temp, buf_view(&bob), SCENE_NOW_MS, &second);
    temp_store_wait(&setting->temp.temp, &first.done);
    temp_store_wait(&setting->temp.temp, &second.done);
    assert_true((first.outcome.result == HANDLES_DONE) != (second.outcome.result == HANDLES_DONE));
    assert_true(first.outcome.result == HANDLES_TAKEN || second.outcome.result == HANDLES_TAKEN);
    assert_int_equal(scene_count(&setting->temp, HELD), 1);
    buf_clear(&ada);
    buf_clear(&bob);
}

static void of_two_claims_at_two_daemons_one_has_the_name(void **state)
{
    struct handles_setting *setting = *state;
    struct temp_domain beside;
    struct buf inputs[2] = { { 0 }, { 0 } };
    struct heard_handle heard[2];

    if (!temp_store_is_shared()) {
        skip();
    }
    temp_domain_open_beside(&beside, &setting->temp);
    for (int i = 0; i < 10; i++) {
        const char name[] = { 'n', (char)('0' + i), '\0' };

        setting->temp.domain.settings.handles_per_account = 10;
        beside.domain.settings.handles_per_account = 10;
        buf_empty(&inputs[0]);
        buf_empty(&inputs[1]);
        handles_sign(&inputs[0], &setting->ada, 1, name, 0);
        handles_sign(&inputs[1], &setting->bob, 1, name, 0);
        handles_claim_start(&setting->temp, buf_view(&inputs[0]), SCENE_NOW_MS, &heard[0]);
        handles_claim_start(&beside, buf_view(&inputs[1]), SCENE_NOW_MS, &heard[1]);
        temp_store_wait(&setting->temp.temp, &heard[0].done);
        temp_store_wait(&beside.temp, &heard[1].done);
        assert_int_equal((heard[0].outcome.result == HANDLES_DONE) +
                             (heard[1].outcome.result == HANDLES_DONE),
                         1);
        assert_int_equal((heard[0].outcome.result == HANDLES_TAKEN) +
                             (heard[1].outcome.result == HANDLES_TAKEN),
                         1);
    }
    assert_int_equal(scene_count(&setting->temp, HELD), 10);
    buf_clear(&inputs[0]);
    buf_clear(&inputs[1]);
    temp_domain_close(&beside);
}

static void no_name_stands_in_the_database(void **state)
{
    static const char sqlite[] = "SELECT count(*) FROM handles WHERE"
                                 " instr(handle_key, CAST('ada.lovelace' AS BLOB)) > 0"
                                 " OR instr(binding, CAST('ada.lovelace' AS BLOB)) > 0";
    static const char postgres[] =
        "SELECT count(*) FROM handles WHERE position('ada.lovelace'::bytea IN handle_key) > 0"
        " OR position('ada.lovelace'::bytea IN binding) > 0";
    struct handles_setting *setting = *state;

    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada.lovelace", 0), HANDLES_DONE);
    assert_int_equal(scene_count(&setting->temp, temp_store_is_shared() ? postgres : sqlite), 0);
}

static void a_binding_that_cannot_be_opened_is_no_answer(void **state)
{
    struct handles_setting *setting = *state;
    struct heard_found found;

    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    damage_run(&setting->temp, "UPDATE handles SET binding = x'01'",
               "UPDATE handles SET binding = '\\x01'::bytea");
    found = handles_look_up(setting, "ada");
    assert_false(found.ok);
    assert_false(found.known);
}

struct heard_report {
    bool done;
    size_t count;
    struct report_handle handles[REPORT_HANDLES_MAX];
};

static void hear_report(void *arg, bool ok, const struct report *report)
{
    struct heard_report *heard = arg;

    assert_true(ok);
    assert_non_null(report);
    heard->done = true;
    heard->count = report->handle_count;
    memcpy(heard->handles, report->handles, sizeof heard->handles);
}

static void the_report_lists_the_names_of_its_account(void **state)
{
    static struct heard_report heard;
    struct handles_setting *setting = *state;

    heard = (struct heard_report){ .done = false };
    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada", 1), HANDLES_DONE);
    assert_int_equal(handles_claim_by(setting, &setting->bob, "bob", 0), HANDLES_DONE);
    report_make(&setting->temp.domain, &setting->ada.account_id, hear_report, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.handles[0].handle.text, "ada");
    assert_int_equal(heard.handles[0].seq, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, handles_set_up, handles_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(what_is_claimed_is_found_with_its_binding),
        TEST(the_same_claim_again_changes_nothing),
        TEST(a_name_that_is_taken_is_taken_whatever_the_seq),
        TEST(seqs_of_a_name_rise_by_one),
        TEST(only_an_admin_of_the_head_binds),
        TEST(a_wrong_signature_binds_nothing),
        TEST(a_signature_with_an_s_that_is_not_reduced_is_refused),
        TEST(an_account_has_as_many_names_as_it_may),
        TEST(a_claim_for_an_erased_account_gives_nothing),
        TEST(a_binding_outlives_the_device_that_signed_it),
        TEST(of_two_claims_at_once_one_has_the_name),
        TEST(of_two_claims_at_two_daemons_one_has_the_name),
        TEST(no_name_stands_in_the_database),
        TEST(a_binding_that_cannot_be_opened_is_no_answer),
        TEST(the_report_lists_the_names_of_its_account),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

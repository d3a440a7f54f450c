/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bytes.h"
#include "server/domain/commands.h"
#include "server/domain/handles.h"
#include "server/domain/mailboxes.h"
#include "tests/domain/support/handle_scenes.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/people.h"
#include "tests/support/temp_postgres.h"
#include "tests/support/unit.h"

#define DAYS(count) ((count)*INT64_C(86400000))

static void a_name_that_is_given_up_is_nobodys_and_its_last_account_may_have_it_back(void **state)
{
    struct handles_setting *setting = *state;

    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(handles_release_by(setting, &setting->ada, 1, "ada"), HANDLES_DONE);
    assert_true(handles_is_nobodys(setting, "ada"));
    assert_int_equal(handles_claim_by(setting, &setting->bob, "ada", 1), HANDLES_TAKEN);
    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada", 0),
                     HANDLES_SEQ); /* no replay */
    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada", 1), HANDLES_DONE);
    assert_true(handles_is_of(setting, "ada", &setting->ada));
}

static int64_t purge_at(struct handles_setting *setting, int64_t now_ms)
{
    struct heard_purge heard = { 0 };

    handles_purge(&setting->temp.domain, now_ms, scene_hear_purge, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    return (int64_t)heard.row_count;
}

static void a_name_is_free_for_all_after_its_time_and_goes_on_counting(void **state)
{
    struct handles_setting *setting = *state;
    struct handles_outcome outcome;

    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(handles_release_by(setting, &setting->ada, 1, "ada"), HANDLES_DONE);
    assert_int_equal(purge_at(setting, SCENE_NOW_MS + DAYS(30)), 0);
    outcome = handles_claim_at(setting, &setting->bob, "ada", 1, SCENE_NOW_MS + DAYS(30));
    assert_int_equal(outcome.result, HANDLES_TAKEN);
    assert_int_equal(purge_at(setting, SCENE_NOW_MS + DAYS(31)), 1);
    assert_int_equal(purge_at(setting, SCENE_NOW_MS + DAYS(31)), 0);
    assert_int_equal(
        scene_count(&setting->temp, "SELECT count(*) FROM handles WHERE owner_hash IS NOT NULL"),
        0);
    outcome = handles_claim_at(setting, &setting->bob, "ada", 0, SCENE_NOW_MS + DAYS(31));
    assert_int_equal(outcome.result, HANDLES_SEQ);
    assert_int_equal(outcome.next_seq, 1);
    outcome = handles_claim_at(setting, &setting->bob, "ada", 1, SCENE_NOW_MS + DAYS(31));
    assert_int_equal(outcome.result, HANDLES_DONE);
    assert_true(handles_is_of(setting, "ada", &setting->bob));
}

static void nobody_need_wait_where_nothing_is_kept(void **state)
{
    struct handles_setting *setting = *state;

    setting->temp.domain.settings.handle_kept_days = 0;
    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(handles_release_by(setting, &setting->ada, 1, "ada"), HANDLES_DONE);
    assert_int_equal(handles_claim_by(setting, &setting->bob, "ada", 1), HANDLES_DONE);
}

static void an_erased_account_leaves_its_names_to_nobody_for_a_while(void **state)
{
    struct handles_setting *setting = *state;

    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada.two", 0), HANDLES_DONE);
    handles_erase(setting, &setting->ada);
    assert_true(handles_is_nobodys(setting, "ada"));
    assert_true(handles_is_nobodys(setting, "ada.two"));
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM handles WHERE account > 0"),
                     0);
    assert_int_equal(
        scene_count(&setting->temp, "SELECT count(*) FROM handles WHERE binding IS NOT NULL"), 0);
    assert_int_equal(handles_claim_by(setting, &setting->bob, "ada", 1), HANDLES_TAKEN);
    assert_int_equal(
        handles_claim_at(setting, &setting->bob, "ada", 1, SCENE_NOW_MS + DAYS(31)).result,
        HANDLES_DONE);
}

static void only_an_admin_gives_a_name_up_and_only_its_own(void **state)
{
    struct handles_setting *setting = *state;

    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(handles_release_by(setting, &setting->ada, 2, "ada"), HANDLES_NOT_ADMIN);
    assert_int_equal(handles_release_by(setting, &setting->bob, 1, "ada"), HANDLES_UNKNOWN);
    assert_int_equal(handles_release_by(setting, &setting->ada, 1, "nobody"), HANDLES_UNKNOWN);
    assert_true(handles_is_of(setting, "ada", &setting->ada));
}

static void a_command_gives_a_name_up_once_and_is_not_used_up_by_a_refusal(void **state)
{
    struct handles_setting *setting = *state;
    struct mailbox *mailbox = scene_mailbox(&setting->temp, &person_device(&setting->ada, 1)->pub);
    const struct command_guard guard = { .mailbox = mailbox->number, .seq = 50 };
    struct handles_outcome outcome;

    assert_int_equal(handles_release_with(setting, &setting->ada, "ada", &guard).result,
                     HANDLES_UNKNOWN);
    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada", 0), HANDLES_DONE);
    assert_int_equal(handles_release_with(setting, &setting->ada, "ada", &guard).result,
                     HANDLES_DONE);
    assert_int_equal(handles_claim_by(setting, &setting->ada, "ada", 1), HANDLES_DONE);
    outcome = handles_release_with(setting, &setting->ada, "ada", &guard);
    assert_int_equal(outcome.result, HANDLES_REPLAYED);
    assert_int_equal(outcome.last_seq, 50);
    assert_true(handles_is_of(setting, "ada", &setting->ada));
}

/* Whoever has a name's row in hand keeps a purge from that row alone. */
static void a_purge_goes_around_a_name_that_another_daemon_holds(void **state)
{
    static const char *const names[] = { "ada", "bea", "cleo" };
    struct handles_setting *setting = *state;

    if (!temp_store_is_shared()) {
        skip();
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(handles_claim_by(setting, &setting->ada, names[i], 0), HANDLES_DONE);
        assert_int_equal(handles_release_by(setting, &setting->ada, 1, names[i]), HANDLES_DONE);
    }
    temp_postgres_hold(setting->temp.temp.url,
                       "BEGIN; SELECT FROM handles ORDER BY handle_key LIMIT 1 FOR UPDATE");
    assert_int_equal(purge_at(setting, SCENE_NOW_MS + DAYS(31)), 2);
    assert_int_equal(purge_at(setting, SCENE_NOW_MS + DAYS(31)), 0);
    temp_postgres_release();
    assert_int_equal(purge_at(setting, SCENE_NOW_MS + DAYS(31)), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, handles_set_up, handles_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_name_that_is_given_up_is_nobodys_and_its_last_account_may_have_it_back),
        TEST(a_name_is_free_for_all_after_its_time_and_goes_on_counting),
        TEST(nobody_need_wait_where_nothing_is_kept),
        TEST(an_erased_account_leaves_its_names_to_nobody_for_a_while),
        TEST(only_an_admin_gives_a_name_up_and_only_its_own),
        TEST(a_command_gives_a_name_up_once_and_is_not_used_up_by_a_refusal),
        TEST(a_purge_goes_around_a_name_that_another_daemon_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

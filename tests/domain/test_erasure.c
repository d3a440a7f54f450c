/* SPDX-License-Identifier: Apache-2.0 */
#include "server/domain/accounts.h"
#include "server/domain/commands.h"
#include "server/domain/directory.h"
#include "server/domain/mailboxes.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/people.h"
#include "tests/support/unit.h"

struct setting {
    struct temp_domain temp;
    struct person ada; /* devices 1 (ADMIN) and 2 */
    struct person bob;
};

static int set_up(void **state)
{
    static struct setting setting;

    temp_domain_open(&setting.temp);
    person_init(&setting.ada, 2);
    person_init(&setting.bob, 1);
    scene_register(&setting.temp, &setting.ada);
    scene_register(&setting.temp, &setting.bob);
    *state = &setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *setting = *state;

    person_clear(&setting->ada);
    person_clear(&setting->bob);
    temp_domain_close(&setting->temp);
    return 0;
}

static struct accounts_outcome erase(struct setting *setting, const struct command_guard *guard)
{
    const struct accounts_erasure order = { .account_id = setting->ada.account_id, .guard = guard };
    struct heard_account heard = { 0 };

    accounts_erase(&setting->temp.domain, &order, SCENE_NOW_MS, scene_hear_account, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    return heard.outcome;
}

static struct command_guard guard_of(struct setting *setting, uint32_t device_id, int64_t seq)
{
    struct mailbox *mailbox =
        scene_mailbox(&setting->temp, &person_device(&setting->ada, device_id)->pub);

    assert_non_null(mailbox);
    return (struct command_guard){ .mailbox = mailbox->number, .seq = seq };
}

static void an_admin_erases_everything_of_the_account_and_of_no_other(void **state)
{
    struct setting *setting = *state;
    struct command_guard guard = guard_of(setting, 1, 5);
    struct session_hash session = scene_begin(&setting->temp, &setting->ada, 2);
    struct session_hash foreign = scene_begin(&setting->temp, &setting->bob, 1);
    struct scene_stream stream;

    scene_run(&setting->temp,
              "INSERT INTO envelopes (seq, mailbox, kind, flags, minute, expires_at, own_ttl, tag,"
              " id, body) SELECT mailbox, mailbox, 0, 0, 1, 1, 0, 0, device_pub, device_pub FROM "
              "devices");
    scene_listen(&setting->temp, &person_device(&setting->ada, 2)->pub, &session, &stream);
    assert_int_equal(erase(setting, &guard).result, ACCOUNTS_DONE);
    assert_int_equal(stream.end, HUB_END_REVOKED);
    assert_int_equal(stream.end_count, 1);
    assert_null(sessions_cached(&setting->temp.domain, &session, SCENE_NOW_MS));
    assert_true(scene_is_live(&setting->temp, &foreign, SCENE_NOW_MS, NULL));
    assert_null(scene_mailbox(&setting->temp, &person_device(&setting->ada, 1)->pub));
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM accounts"), 1);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM manifests"), 1);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM devices"), 1);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM sessions"), 1);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM envelopes"), 1);
}

static void an_erased_account_and_its_keys_do_not_come_back(void **state)
{
    struct setting *setting = *state;
    struct person thief;

    assert_int_equal(erase(setting, NULL).result, ACCOUNTS_DONE);
    assert_int_equal(scene_register_with(&setting->temp, &setting->ada, "").result,
                     ACCOUNTS_ERASED);
    person_init(&thief, 2);
    person_take_key(person_device(&thief, 2), person_device(&setting->ada, 2));
    person_first(&thief);
    assert_int_equal(scene_register_with(&setting->temp, &thief, "").result, ACCOUNTS_KEY_USED);
    person_take_key(person_add(&setting->bob, 2, 0), person_device(&setting->ada, 1));
    person_next(&setting->bob);
    assert_int_equal(scene_put(&setting->temp, &setting->bob), MANIFESTS_KEY_USED);
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_ACCOUNT_UNKNOWN);
    person_clear(&thief);
}

static void no_row_names_an_erased_account(void **state)
{
    struct setting *setting = *state;

    person_remove(&setting->ada, 2);
    person_next(&setting->ada);
    assert_int_equal(scene_put(&setting->temp, &setting->ada), MANIFESTS_STORED);
    assert_int_equal(erase(setting, NULL).result, ACCOUNTS_DONE);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM left_devices"), 2);
    assert_int_equal(
        scene_count(&setting->temp, "SELECT count(*) FROM left_devices WHERE account = 0"), 2);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM erased_accounts"), 1);
    assert_int_equal(scene_count(&setting->temp, "SELECT erased_day FROM erased_accounts"),
                     SCENE_DAY);
}

static void a_device_that_is_not_admin_may_not(void **state)
{
    struct setting *setting = *state;
    struct command_guard guard = guard_of(setting, 2, 5);

    assert_int_equal(erase(setting, &guard).result, ACCOUNTS_NOT_ADMIN);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM accounts"), 2);
    assert_int_equal(
        scene_count(&setting->temp, "SELECT command_seq FROM devices WHERE mailbox = 2"), 0);
}

static void any_device_may_where_none_is_admin(void **state)
{
    struct setting *setting = *state;
    struct command_guard guard = guard_of(setting, 2, 5);

    scene_run(&setting->temp, "UPDATE devices SET flags = 0");
    assert_int_equal(erase(setting, &guard).result, ACCOUNTS_DONE);
}

static void a_command_that_was_used_does_not_erase(void **state)
{
    struct setting *setting = *state;
    struct command_guard guard = guard_of(setting, 1, 5);
    struct accounts_outcome outcome;

    scene_run(&setting->temp, "UPDATE devices SET command_seq = 5");
    outcome = erase(setting, &guard);
    assert_int_equal(outcome.result, ACCOUNTS_REPLAYED);
    assert_int_equal(outcome.last_seq, 5);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM accounts"), 2);
}

static void erasing_twice_is_unknown(void **state)
{
    struct setting *setting = *state;
    struct command_guard guard = guard_of(setting, 1, 5);

    assert_int_equal(erase(setting, &guard).result, ACCOUNTS_DONE);
    assert_int_equal(erase(setting, &guard).result, ACCOUNTS_UNKNOWN);
    assert_int_equal(erase(setting, NULL).result, ACCOUNTS_UNKNOWN);
}

static void an_erasure_that_races_with_a_manifest_takes_the_new_device_too(void **state)
{
    struct setting *setting = *state;
    const struct accounts_erasure order = { .account_id = setting->ada.account_id };
    struct heard_account erased = { 0 };
    struct heard_put put;

    (void)person_add(&setting->ada, 3, 0);
    person_next(&setting->ada);
    scene_put_start(&setting->temp, &setting->ada, &put);
    accounts_erase(&setting->temp.domain, &order, SCENE_NOW_MS, scene_hear_account, &erased);
    temp_store_wait(&setting->temp.temp, &put.done);
    temp_store_wait(&setting->temp.temp, &erased.done);
    assert_int_equal(erased.outcome.result, ACCOUNTS_DONE);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM devices"), 1);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM left_devices"),
                     put.outcome.result == MANIFESTS_STORED ? 3 : 2);
    buf_clear(&put.head);
}

static size_t erase_idle(struct setting *setting, int64_t days)
{
    struct heard_purge heard = { 0 };

    setting->temp.domain.settings.idle_account_days = days;
    accounts_erase_idle(&setting->temp.domain, SCENE_NOW_MS, scene_hear_purge, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    return heard.row_count;
}

static void accounts_that_were_left_alone_are_erased_when_the_operator_says_so(void **state)
{
    struct setting *setting = *state;

    scene_run(&setting->temp, "UPDATE accounts SET seen_day = seen_day - 100 WHERE account = 1");
    assert_int_equal(erase_idle(setting, 0), 0);
    assert_int_equal(erase_idle(setting, 100), 0);
    assert_int_equal(erase_idle(setting, 99), 1);
    assert_int_equal(erase_idle(setting, 99), 0);
    assert_int_equal(scene_register_with(&setting->temp, &setting->ada, "").result,
                     ACCOUNTS_ERASED);
    assert_int_equal(scene_register_with(&setting->temp, &setting->bob, "").result,
                     ACCOUNTS_PRESENT);
}

static void an_idle_account_that_came_back_is_not_erased(void **state)
{
    struct setting *setting = *state;
    const struct accounts_erasure order = { .account_id = setting->ada.account_id,
                                            .seen_before_day = SCENE_DAY };
    struct heard_account heard = { 0 };

    accounts_erase(&setting->temp.domain, &order, SCENE_NOW_MS, scene_hear_account, &heard);
    temp_store_wait(&setting->temp.temp, &heard.done);
    assert_int_equal(heard.outcome.result, ACCOUNTS_UNKNOWN);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM accounts"), 2);
}

static void an_erasure_that_cannot_be_stored_leaves_all_as_it_was(void **state)
{
    struct setting *setting = *state;
    struct command_guard guard = guard_of(setting, 1, 5);
    struct session_hash session = scene_begin(&setting->temp, &setting->ada, 1);

    damage_break(&setting->temp, DAMAGE_DELETE_MANIFESTS);
    assert_int_equal(erase(setting, &guard).result, ACCOUNTS_UNAVAILABLE);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM accounts"), 2);
    assert_int_equal(scene_count(&setting->temp, "SELECT count(*) FROM left_devices"), 0);
    assert_true(scene_is_live(&setting->temp, &session, SCENE_NOW_MS, NULL));
    damage_mend(&setting->temp);
    assert_int_equal(erase(setting, &guard).result, ACCOUNTS_DONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_admin_erases_everything_of_the_account_and_of_no_other),
        TEST(an_erased_account_and_its_keys_do_not_come_back),
        TEST(no_row_names_an_erased_account),
        TEST(a_device_that_is_not_admin_may_not),
        TEST(any_device_may_where_none_is_admin),
        TEST(a_command_that_was_used_does_not_erase),
        TEST(erasing_twice_is_unknown),
        TEST(an_erasure_that_races_with_a_manifest_takes_the_new_device_too),
        TEST(accounts_that_were_left_alone_are_erased_when_the_operator_says_so),
        TEST(an_idle_account_that_came_back_is_not_erased),
        TEST(an_erasure_that_cannot_be_stored_leaves_all_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "common/buf.h"
#include "common/bytes.h"
#include "server/domain/limits.h"
#include "server/domain/mls_groups.h"
#include "tests/domain/support/commits.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/scenes.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/unit.h"

#define NOW_MS TEMP_DOMAIN_NOW_MS
#define DAYS(count) ((count)*INT64_C(86400000))
#define GROUPS "SELECT count(*) FROM mls_groups"
#define MAIL "SELECT count(*) FROM envelopes WHERE kind = 0"

static void a_commit_is_stored_with_its_welcome_and_puts_the_epoch(void **state)
{
    struct heard_commit heard = commits_make_at(
        &(struct commit_attempt){ .group = "group", .epoch = 5, .letter = 'a', .welcomed = true },
        NOW_MS);

    (void)state;
    commits_is_taken(&heard, 6, 3);
    assert_int_equal(scene_count(&commits_temp, MAIL), 3);
    assert_int_equal(scene_count(&commits_temp, "SELECT epoch FROM mls_groups"), 6);
    heard = commits_make("group", 6, 'b');
    commits_is_taken(&heard, 7, 2);
}

static void another_commit_of_the_same_epoch_is_nowhere(void **state)
{
    struct heard_commit heard = commits_make("group", 5, 'a');

    (void)state;
    commits_is_taken(&heard, 6, 2);
    heard = commits_make("group", 5, 'b');
    assert_int_equal(heard.result, MLS_CONFLICT);
    assert_int_equal(heard.epoch, 6);
    heard = commits_make("group", 7, 'c');
    assert_int_equal(heard.result, MLS_CONFLICT);
    assert_int_equal(heard.epoch, 6);
    assert_int_equal(scene_count(&commits_temp, MAIL), 2);
}

static void the_same_commit_again_is_answered_and_not_copied(void **state)
{
    struct heard_commit heard = commits_make("group", 5, 'a');

    (void)state;
    commits_is_taken(&heard, 6, 2);
    temp_domain_restart(&commits_temp);
    heard = commits_make("group", 5, 'a');
    commits_is_taken(&heard, 6, 0);
    assert_int_equal(heard.duplicates, 2);
    assert_int_equal(scene_count(&commits_temp, MAIL), 2);
    heard = commits_make("group", 6, 'b');
    commits_is_taken(&heard, 7, 2);
    heard = commits_make("group", 5, 'a'); /* it is not the last one any more */
    assert_int_equal(heard.result, MLS_CONFLICT);
    assert_int_equal(heard.epoch, 7);
}

static void of_commits_at_once_one_is_taken(void **state)
{
    struct heard_commit heard[3];
    int taken = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        commits_start(
            &commits_temp,
            &(struct commit_attempt){ .group = "group", .epoch = 5, .letter = (char)('a' + i) },
            NOW_MS, &heard[i]);
    }
    for (int i = 0; i < 3; i++) {
        temp_store_wait(&commits_temp.temp, &heard[i].done);
        taken += heard[i].result == MLS_SENT ? 1 : 0;
        assert_int_equal(heard[i].epoch, 6);
        assert_true(heard[i].result == MLS_SENT || heard[i].result == MLS_CONFLICT);
    }
    assert_int_equal(taken, 1);
    assert_int_equal(scene_count(&commits_temp, MAIL), 2);
}

static void of_commits_at_two_daemons_one_is_taken(void **state)
{
    struct temp_domain beside;
    struct heard_commit heard[2];

    (void)state;
    if (!temp_store_is_shared()) {
        skip();
    }
    temp_domain_open_beside(&beside, &commits_temp);
    for (uint64_t epoch = 0; epoch < 10; epoch++) {
        commits_start(&commits_temp,
                      &(struct commit_attempt){ .group = "group", .epoch = epoch, .letter = 'a' },
                      NOW_MS, &heard[0]);
        commits_start(&beside,
                      &(struct commit_attempt){ .group = "group", .epoch = epoch, .letter = 'b' },
                      NOW_MS, &heard[1]);
        temp_store_wait(&commits_temp.temp, &heard[0].done);
        temp_store_wait(&beside.temp, &heard[1].done);
        assert_int_equal((heard[0].result == MLS_SENT) + (heard[1].result == MLS_SENT), 1);
        assert_int_equal((heard[0].result == MLS_CONFLICT) + (heard[1].result == MLS_CONFLICT), 1);
        assert_int_equal(scene_count(&commits_temp, MAIL), 2 * ((int64_t)epoch + 1));
    }
    temp_domain_close(&beside);
}

static void a_commit_to_an_unknown_device_puts_no_epoch(void **state)
{
    struct heard_commit heard;

    (void)state;
    temp_domain_remove(&commits_temp, 3);
    heard = commits_make("group", 5, 'a');
    assert_int_equal(heard.result, MLS_SENT);
    assert_int_equal(heard.sent, ENVELOPE_UNKNOWN);
    assert_int_equal(heard.unknown, 1);
    assert_int_equal(scene_count(&commits_temp, GROUPS), 0);
    assert_int_equal(scene_count(&commits_temp, MAIL), 0);
}

static void a_commit_counts_where_every_mailbox_is_full(void **state)
{
    struct heard_commit heard;

    (void)state;
    commits_temp.domain.settings.mailbox_max_envelopes = 1;
    heard = commits_make("other", 0, 'x');
    commits_is_taken(&heard, 1, 2);
    heard = commits_make("group", 5, 'a');
    commits_is_taken(&heard, 6, 0);
    assert_int_equal(heard.full, 2);
    heard = commits_make("group", 5, 'b');
    assert_int_equal(heard.result, MLS_CONFLICT);
}

static void a_group_of_one_commits_to_nobody(void **state)
{
    const struct commit_attempt alone = {
        .group = "group", .epoch = 0, .letter = 'a', .alone = true
    };
    struct heard_commit heard = commits_make_at(&alone, NOW_MS);

    (void)state;
    commits_is_taken(&heard, 1, 0);
    heard = commits_make_at(&alone, NOW_MS);
    commits_is_taken(&heard, 1, 0);
    heard = commits_make("group", 0, 'b');
    assert_int_equal(heard.result, MLS_CONFLICT);
}

static void groups_do_not_disturb_each_other(void **state)
{
    struct heard_commit heard = commits_make("group", 5, 'a');

    (void)state;
    commits_is_taken(&heard, 6, 2);
    heard = commits_make("group2", 9, 'a');
    commits_is_taken(&heard, 10, 2);
    heard = commits_make("group", 6, 'b');
    commits_is_taken(&heard, 7, 2);
    assert_int_equal(scene_count(&commits_temp, GROUPS), 2);
}

static void what_is_no_commit_is_refused(void **state)
{
    static const uint8_t application = 1;
    struct buf message = { 0 };
    struct heard_commit heard = { .done = false };
    struct mls_commit order = { .ttl_s = 60, .sender = temp_domain_pub(1) };

    (void)state;
    commits_message(&message, "group", 5, application, 'a');
    order.message = buf_view(&message);
    mls_groups_commit(&commits_temp.domain, &order, NOW_MS, commits_hear, &heard);
    assert_true(heard.done);
    assert_int_equal(heard.result, MLS_INVALID);
    assert_string_equal(heard.member, "commit");

    commits_message(&message, "", 5, 3, 'a');
    heard.done = false;
    order.message = buf_view(&message);
    mls_groups_commit(&commits_temp.domain, &order, NOW_MS, commits_hear, &heard);
    assert_int_equal(heard.result, MLS_INVALID);

    commits_message(&message, "group", UINT64_MAX, 3, 'a');
    heard.done = false;
    order.message = buf_view(&message);
    mls_groups_commit(&commits_temp.domain, &order, NOW_MS, commits_hear, &heard);
    assert_int_equal(heard.result, MLS_INVALID);

    commits_message(&message, "group", 5, 3, 'a');
    heard.done = false;
    order.message = buf_view(&message);
    order.welcome = order.message;
    mls_groups_commit(&commits_temp.domain, &order, NOW_MS, commits_hear, &heard);
    assert_int_equal(heard.result, MLS_INVALID);
    assert_string_equal(heard.member, "welcome");
    assert_int_equal(scene_count(&commits_temp, GROUPS), 0);
    buf_clear(&message);
}

static void a_device_begins_so_many_groups(void **state)
{
    struct heard_commit heard;

    (void)state;
    limits_set(commits_temp.domain.limits, LIMITS_GROUPS, 2);
    heard = commits_make("one", 0, 'a');
    commits_is_taken(&heard, 1, 2);
    heard = commits_make("two", 0, 'a');
    commits_is_taken(&heard, 1, 2);
    heard = commits_make("three", 0, 'a');
    assert_int_equal(heard.result, MLS_RATE_LIMITED);
    assert_true(heard.retry_s > 0);
    heard = commits_make("two", 1, 'b');
    commits_is_taken(&heard, 2, 2);
}

static void a_group_without_commits_is_forgotten(void **state)
{
    struct heard_purge purge = { 0 };
    struct heard_commit heard;

    (void)state;
    (void)commits_make("group", 5, 'a');
    mls_groups_purge(&commits_temp.domain, NOW_MS + DAYS(90), scene_hear_purge, &purge);
    temp_store_wait(&commits_temp.temp, &purge.done);
    assert_int_equal(purge.row_count, 0);
    purge.done = false;
    mls_groups_purge(&commits_temp.domain, NOW_MS + DAYS(91), scene_hear_purge, &purge);
    temp_store_wait(&commits_temp.temp, &purge.done);
    assert_int_equal(purge.row_count, 1);
    heard = commits_make("group", 5, 'b');
    commits_is_taken(&heard, 6, 2);
}

static void ordinary_mail_leaves_no_trace_of_a_group(void **state)
{
    static struct temp_sent sent;
    struct heard_commit heard;

    (void)state;
    temp_domain_send(&commits_temp, 2, 9, "a message of a group", &sent);
    assert_int_equal(sent.outcome.result, ENVELOPE_STORED);
    assert_int_equal(scene_count(&commits_temp, GROUPS), 0);
    heard = commits_make("group", 5, 'a');
    commits_is_taken(&heard, 6, 2);
    damage_run(&commits_temp,
               "DELETE FROM mls_groups WHERE instr(group_hash, CAST('group' AS BLOB)) > 0"
               " OR instr(members, CAST('group' AS BLOB)) > 0",
               "DELETE FROM mls_groups WHERE position('group'::bytea IN group_hash) > 0"
               " OR position('group'::bytea IN members) > 0");
    assert_int_equal(scene_count(&commits_temp, GROUPS), 1);
}

static void a_commit_that_the_disk_refuses_puts_no_epoch(void **state)
{
    struct heard_commit heard;

    (void)state;
    damage_run(&commits_temp,
               "CREATE TRIGGER broken BEFORE INSERT ON envelopes BEGIN SELECT RAISE(ABORT, 'no'); "
               "END",
               "ALTER TABLE envelopes ADD CONSTRAINT broken CHECK (kind > 1) NOT VALID");
    heard = commits_make("group", 5, 'a');
    assert_int_equal(heard.result, MLS_SENT);
    assert_int_equal(heard.sent, ENVELOPE_UNAVAILABLE);
    assert_int_equal(scene_count(&commits_temp, GROUPS), 0);
    damage_run(&commits_temp, "DROP TRIGGER broken",
               "ALTER TABLE envelopes DROP CONSTRAINT broken");
    heard = commits_make("group", 5, 'a');
    commits_is_taken(&heard, 6, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, commits_set_up, commits_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_commit_is_stored_with_its_welcome_and_puts_the_epoch),
        TEST(another_commit_of_the_same_epoch_is_nowhere),
        TEST(the_same_commit_again_is_answered_and_not_copied),
        TEST(of_commits_at_once_one_is_taken),
        TEST(of_commits_at_two_daemons_one_is_taken),
        TEST(a_commit_to_an_unknown_device_puts_no_epoch),
        TEST(a_commit_counts_where_every_mailbox_is_full),
        TEST(a_group_of_one_commits_to_nobody),
        TEST(groups_do_not_disturb_each_other),
        TEST(what_is_no_commit_is_refused),
        TEST(a_device_begins_so_many_groups),
        TEST(a_group_without_commits_is_forgotten),
        TEST(ordinary_mail_leaves_no_trace_of_a_group),
        TEST(a_commit_that_the_disk_refuses_puts_no_epoch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

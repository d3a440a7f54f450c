/* SPDX-License-Identifier: Apache-2.0 */
#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "server/domain/mls_groups.h"
#include "tests/domain/support/commits.h"
#include "tests/domain/support/scenes.h"
#include "tests/domain/support/temp_domain.h"
#include "tests/support/unit.h"

#define GROUPS "SELECT count(*) FROM mls_groups"

static void whoever_was_sent_the_last_commit_puts_the_epoch(void **state)
{
    struct heard_commit heard;

    (void)state;
    (void)commits_make("group", 5, 'a');
    heard = commits_reset_by(2, 5);
    assert_int_equal(heard.result, MLS_SENT);
    assert_int_equal(heard.epoch, 5);
    heard = commits_make("group", 5, 'b');
    commits_is_taken(&heard, 6, 2);
    heard = commits_reset_by(1, 9); /* and whoever sent it; also on, where the relay lost some */
    assert_int_equal(heard.result, MLS_SENT);
    heard = commits_make("group", 9, 'c');
    commits_is_taken(&heard, 10, 2);
}

static void a_stranger_resets_nothing_and_hears_nothing(void **state)
{
    struct heard_commit heard;

    (void)state;
    (void)commits_make("group", 5, 'a');
    heard = commits_reset_by(4, 5);
    assert_int_equal(heard.result, MLS_UNKNOWN);
    heard = commits_make("group", 5, 'b');
    assert_int_equal(heard.result, MLS_CONFLICT);
    assert_int_equal(heard.epoch, 6);
}

static void no_group_is_reset_that_is_not_ordered(void **state)
{
    struct heard_commit heard = commits_reset_by(1, 5);

    (void)state;
    assert_int_equal(heard.result, MLS_UNKNOWN);
    assert_int_equal(scene_count(&commits_temp, GROUPS), 0);
}

static void a_reset_that_names_a_commit_undoes_that_one_alone(void **state)
{
    struct buf message = { 0 };
    uint8_t digest[CRYPTO_SHA256_BYTES];
    struct bytes part;
    struct heard_commit heard;

    (void)state;
    (void)commits_make("group", 5, 'a');
    commits_message(&message, "group", 5, 3, 'a');
    part = buf_view(&message);
    crypto_sha256(&part, 1, digest);
    heard = commits_reset_with(2, 5, digest, 1);
    assert_int_equal(heard.result, MLS_SENT);
    heard = commits_make("group", 5, 'b');
    commits_is_taken(&heard, 6, 2);
    heard = commits_reset_with(3, 5, digest, 1); /* it had not heard of the first */
    assert_int_equal(heard.result, MLS_CONFLICT);
    assert_int_equal(heard.epoch, 6);
    buf_clear(&message);
}

static void a_command_resets_once(void **state)
{
    struct heard_commit heard;

    (void)state;
    (void)commits_make("group", 5, 'a');
    heard = commits_reset_with(2, 5, NULL, 50);
    assert_int_equal(heard.result, MLS_SENT);
    heard = commits_make("group", 5, 'b');
    heard = commits_reset_with(2, 5, NULL, 50);
    assert_int_equal(heard.result, MLS_REPLAYED);
    assert_int_equal(heard.last_seq, 50);
    heard = commits_make("group", 6, 'c');
    commits_is_taken(&heard, 7, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, commits_set_up, commits_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(whoever_was_sent_the_last_commit_puts_the_epoch),
        TEST(a_stranger_resets_nothing_and_hears_nothing),
        TEST(no_group_is_reset_that_is_not_ordered),
        TEST(a_reset_that_names_a_commit_undoes_that_one_alone),
        TEST(a_command_resets_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Who may begin a recovery, and how often.  Over a temp_domain, on either engine. */
#include <stddef.h>
#include <string.h>

#include "common/limits.h"
#include "server/domain/domain.h"
#include "server/domain/grants.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/recovery_scenes.h"
#include "tests/support/unit.h"

#define S(count) ((count)*INT64_C(1000))
#define DUE_MS (SCENE_NOW_MS + S(RECOVERY_WAIT_S))

enum {
    AT_ONCE = 8
};

/* Let the wait come to its end, for a relay that was awake all the time. */
static void wait_out(struct factor_scenes *scenes)
{
    recovery_set_clock(scenes, DUE_MS, 0);
}

static size_t count_of(const struct heard_recovery *heard, size_t count,
                       enum recoveries_result result)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        found += heard[i].result == result ? 1 : 0;
    }
    return found;
}

static void an_account_has_one_open_request(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin(scenes, NULL, NULL);
    struct heard_recovery second = recovery_begin(scenes, NULL, NULL);

    assert_int_equal(second.result, RECOVERIES_OPEN);
    assert_int_equal(second.until, begun.view.expires_at);
    assert_int_equal(recovery_withdraw(scenes, &begun).result, RECOVERIES_DONE);
    assert_int_equal(recovery_begin(scenes, NULL, NULL).result, RECOVERIES_DONE);
}

static void of_requests_at_once_one_is_open(void **state)
{
    static const char *const names[] = { NULL, "nobody" };
    static struct heard_recovery heard[AT_ONCE];
    struct factor_scenes *scenes = *state;

    for (size_t n = 0; n < 2; n++) {
        for (size_t i = 0; i < AT_ONCE; i++) {
            recovery_begin_start(&scenes->temp, scenes, names[n], NULL, &heard[i]);
        }
        for (size_t i = 0; i < AT_ONCE; i++) {
            temp_store_wait(&scenes->temp.temp, &heard[i].done);
        }
        assert_int_equal(count_of(heard, AT_ONCE, RECOVERIES_DONE), 1);
        assert_int_equal(count_of(heard, AT_ONCE, RECOVERIES_OPEN), AT_ONCE - 1);
    }
}

static void of_requests_at_two_daemons_one_is_open(void **state)
{
    static struct heard_recovery heard[AT_ONCE];
    struct factor_scenes *scenes = *state;
    struct temp_domain beside;

    if (!temp_store_is_shared()) {
        skip();
    }
    temp_domain_open_beside(&beside, &scenes->temp);
    for (size_t i = 0; i < AT_ONCE; i++) {
        recovery_begin_start(i % 2 == 0 ? &scenes->temp : &beside, scenes, NULL, NULL, &heard[i]);
    }
    for (size_t i = 0; i < AT_ONCE; i++) {
        temp_store_wait(i % 2 == 0 ? &scenes->temp.temp : &beside.temp, &heard[i].done);
    }
    assert_int_equal(count_of(heard, AT_ONCE, RECOVERIES_DONE), 1);
    assert_int_equal(count_of(heard, AT_ONCE, RECOVERIES_OPEN), AT_ONCE - 1);
    temp_domain_close(&beside);
}

static void an_account_has_three_requests_a_day(void **state)
{
    static const char *const names[] = { NULL, "nobody" };
    struct factor_scenes *scenes = *state;

    for (size_t n = 0; n < 2; n++) {
        struct heard_recovery heard;

        recovery_set_clock(scenes, SCENE_NOW_MS, 0);
        for (int i = 0; i < LIMIT_RECOVERIES_DAY; i++) {
            heard = recovery_begin(scenes, names[n], NULL);
            assert_int_equal(recovery_withdraw(scenes, &heard).result, RECOVERIES_DONE);
            recovery_set_clock(scenes, scenes->now_ms + S(60), 0);
        }
        heard = recovery_begin(scenes, names[n], NULL);
        assert_int_equal(heard.result, RECOVERIES_RATE_LIMITED);
        assert_int_equal(heard.until, LIMIT_RECOVERY_DAY_S - 60 * LIMIT_RECOVERIES_DAY);
        recovery_set_clock(scenes, SCENE_NOW_MS + S(LIMIT_RECOVERY_DAY_S), 0);
        assert_int_equal(recovery_begin(scenes, names[n], NULL).result, RECOVERIES_DONE);
    }
}

static void an_expired_request_is_not_open(void **state)
{
    struct factor_scenes *scenes = *state;

    assert_int_equal(recovery_begin(scenes, NULL, NULL).result, RECOVERIES_DONE);
    recovery_set_clock(scenes, SCENE_NOW_MS + S(LIMIT_RECOVERY_S), 0);
    assert_int_equal(recovery_begin(scenes, NULL, NULL).result, RECOVERIES_DONE);
}

static void whom_there_is_not_goes_the_same_way(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin(scenes, "nobody", NULL);
    struct heard_recovery heard;
    uint8_t nothing[RECOVERY_A_BYTES] = { 0 };

    assert_int_equal(begun.result, RECOVERIES_DONE);
    assert_int_equal(begun.view.wait_until, DUE_MS / 1000);
    recovery_meet(scenes, &begun, RECOVERY_SLOT);
    assert_int_equal(recovery_release(scenes, &begun).result, RECOVERIES_EARLY);
    wait_out(scenes);
    heard = recovery_release(scenes, &begun);
    assert_int_equal(heard.result, RECOVERIES_DONE);
    assert_memory_not_equal(heard.a, nothing, sizeof nothing);
    assert_int_equal(recovery_release(scenes, &begun).result, RECOVERIES_ENDED);
    assert_int_equal(
        scene_count(&scenes->temp, "SELECT count(*) FROM account_log WHERE event = 16"), 0);
}

static void an_erased_accounts_request_is_a_decoys(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun = recovery_begin_and_meet(scenes);
    struct heard_recovery heard;

    recovery_erase(scenes);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM recovery_contacts"), 0);
    assert_int_equal(
        scene_count(&scenes->temp, "SELECT count(*) FROM recoveries WHERE account <> 0"), 0);
    heard = recovery_begin(scenes, NULL, NULL); /* as a decoy it may seem to have a factor */
    assert_true(heard.result == RECOVERIES_OPEN || heard.result == RECOVERIES_STEPUP);
    wait_out(scenes);
    heard = recovery_release(scenes, &begun);
    assert_int_equal(heard.result, RECOVERIES_DONE);
    assert_memory_not_equal(heard.a, recovery_a, sizeof recovery_a);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM account_log"), 0);
}

static void a_request_that_races_with_the_erasure_leaves_nothing_of_the_account(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery begun;

    recovery_begin_start(&scenes->temp, scenes, NULL, NULL, &begun);
    recovery_erase(scenes);
    temp_store_wait(&scenes->temp.temp, &begun.done);
    assert_true(begun.result == RECOVERIES_DONE || begun.result == RECOVERIES_STEPUP);
    assert_int_equal(
        scene_count(&scenes->temp, "SELECT count(*) FROM recoveries WHERE account <> 0"), 0);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM account_log"), 0);
}

/* A grant of purpose by a right answer. */
static struct grant grant_of(struct factor_scenes *scenes, const struct heard_factor *app,
                             enum txn_purpose purpose, int64_t step)
{
    struct started started = factor_start(scenes, purpose, FACTOR_TOTP);
    struct txns_outcome outcome;
    char text[CODES_DIGITS + 1];

    factor_app_code(scenes, app, step, text);
    outcome = factor_answer(scenes, &started, text);
    assert_int_equal(outcome.result, TXNS_DONE);
    return outcome.grant;
}

static void where_a_factor_is_enrolled_a_grant_is_needed_and_used(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol_app(scenes, NULL);
    struct grant stepup = grant_of(scenes, &app, TXN_STEPUP, 1);
    struct heard_recovery heard = recovery_begin(scenes, NULL, NULL);
    struct grant grant;

    assert_int_equal(heard.result, RECOVERIES_STEPUP);
    assert_int_equal(recovery_begin(scenes, NULL, &stepup).result, RECOVERIES_STEPUP);
    recovery_set_clock(scenes, SCENE_NOW_MS + S(60), 0);
    grant = grant_of(scenes, &app, TXN_RECOVER, 1);
    heard = recovery_begin(scenes, NULL, &grant);
    assert_int_equal(heard.result, RECOVERIES_DONE);
    assert_int_equal(recovery_withdraw(scenes, &heard).result, RECOVERIES_DONE);
    assert_int_equal(recovery_begin(scenes, NULL, &grant).result, RECOVERIES_STEPUP);
}

static void a_grant_is_kept_where_the_request_is_refused(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_recovery first = recovery_begin(scenes, NULL, NULL);
    struct heard_factor app = factor_enrol_app(scenes, NULL);
    struct grant grant = grant_of(scenes, &app, TXN_RECOVER, 1);

    assert_int_equal(recovery_begin(scenes, NULL, &grant).result, RECOVERIES_OPEN);
    assert_int_equal(recovery_withdraw(scenes, &first).result, RECOVERIES_DONE);
    assert_int_equal(recovery_begin(scenes, NULL, &grant).result, RECOVERIES_DONE);
}

static void of_a_grant_at_once_one_request_comes(void **state)
{
    static struct heard_recovery heard[AT_ONCE];
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol_app(scenes, NULL);
    struct grant grant = grant_of(scenes, &app, TXN_RECOVER, 1);

    for (size_t i = 0; i < AT_ONCE; i++) {
        recovery_begin_start(&scenes->temp, scenes, NULL, &grant, &heard[i]);
    }
    for (size_t i = 0; i < AT_ONCE; i++) {
        temp_store_wait(&scenes->temp.temp, &heard[i].done);
    }
    assert_int_equal(count_of(heard, AT_ONCE, RECOVERIES_DONE), 1);
    assert_int_equal(count_of(heard, AT_ONCE, RECOVERIES_STEPUP), AT_ONCE - 1);
}

/* Some of whom there is not seem to have a factor, too; no grant is theirs. */
static void whom_there_is_not_may_seem_to_need_a_grant(void **state)
{
    struct factor_scenes *scenes = *state;
    const struct grant grant = { .raw = { 1 } };
    bool seen[2] = { false, false };

    for (int i = 0; i < 40; i++) {
        const char name[] = { 'n', 'o', '-', (char)('a' + i % 26), (char)('a' + i / 26), '\0' };
        enum recoveries_result result = recovery_begin(scenes, name, NULL).result;

        assert_true(result == RECOVERIES_DONE || result == RECOVERIES_STEPUP);
        seen[result == RECOVERIES_STEPUP] = true;
        assert_int_equal(recovery_begin(scenes, name, &grant).result, RECOVERIES_STEPUP);
    }
    assert_true(seen[0] && seen[1]);
}

static void what_the_store_does_not_do_is_not_said_to_be_done(void **state)
{
    struct factor_scenes *scenes = *state;

    damage_break(&scenes->temp, DAMAGE_INSERT_RECOVERIES);
    assert_int_equal(recovery_begin(scenes, NULL, NULL).result, RECOVERIES_UNAVAILABLE);
    damage_mend(&scenes->temp);
    assert_int_equal(recovery_begin(scenes, NULL, NULL).result, RECOVERIES_DONE);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, recovery_scenes_set_up, recovery_scenes_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(an_account_has_one_open_request),
        TEST(of_requests_at_once_one_is_open),
        TEST(of_requests_at_two_daemons_one_is_open),
        TEST(an_account_has_three_requests_a_day),
        TEST(an_expired_request_is_not_open),
        TEST(whom_there_is_not_goes_the_same_way),
        TEST(an_erased_accounts_request_is_a_decoys),
        TEST(a_request_that_races_with_the_erasure_leaves_nothing_of_the_account),
        TEST(where_a_factor_is_enrolled_a_grant_is_needed_and_used),
        TEST(a_grant_is_kept_where_the_request_is_refused),
        TEST(of_a_grant_at_once_one_request_comes),
        TEST(whom_there_is_not_may_seem_to_need_a_grant),
        TEST(what_the_store_does_not_do_is_not_said_to_be_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "common/limits.h"
#include "common/seal.h"
#include "server/domain/account_log.h"
#include "server/store/store.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/factor_scenes.h"
#include "tests/support/unit.h"

#define S(count) ((count)*INT64_C(1000))

/* A grant of purpose stepup by the code of an app so many steps from now. */
static struct grant stepup(struct factor_scenes *scenes, const struct heard_factor *app,
                           int64_t steps)
{
    struct started started = factor_start(scenes, TXN_STEPUP, FACTOR_TOTP);
    char text[CODES_DIGITS + 1];
    struct txns_outcome outcome;

    factor_app_code(scenes, app, steps, text);
    outcome = factor_answer(scenes, &started, text);
    assert_int_equal(outcome.result, TXNS_DONE);
    return outcome.grant;
}

static void an_app_counts_once_its_first_code_has_come(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol(scenes, FACTOR_TOTP, NULL);

    assert_int_equal(app.result, FACTORS_DONE);
    assert_int_equal(factor_begin(scenes, TXN_LINK, NULL).kinds, 1U << FACTOR_CODE);
    assert_int_equal(factor_confirm(scenes, &app, 2), FACTORS_WRONG);
    assert_int_equal(factor_confirm(scenes, &app, 1), FACTORS_DONE);
    assert_int_equal(factor_confirm(scenes, &app, 1), FACTORS_UNKNOWN);
    assert_int_equal(factor_begin(scenes, TXN_LINK, NULL).kinds,
                     1U << FACTOR_CODE | 1U << FACTOR_TOTP);
    assert_int_equal(factor_begin(scenes, TXN_STEPUP, NULL).kinds, 1U << FACTOR_TOTP);
}

static void the_code_of_a_transaction_that_an_app_ended_is_not_shown(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol_app(scenes, NULL);
    struct started started = factor_start(scenes, TXN_LINK, FACTOR_TOTP);
    char text[CODES_DIGITS + 1];
    struct code code;

    assert_int_equal(factor_challenge(scenes, &started.txn_id, FACTOR_CODE).result, TXNS_DONE);
    assert_true(factor_shown(scenes, &code));
    factor_app_code(scenes, &app, 1, text);
    assert_int_equal(factor_answer(scenes, &started, text).result, TXNS_DONE);
    assert_false(factor_shown(scenes, &code));
}

static void a_step_is_good_once_and_so_is_each_before_it(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol_app(scenes, NULL);
    struct started started = factor_start(scenes, TXN_LINK, FACTOR_TOTP);
    char text[CODES_DIGITS + 1];

    for (int64_t steps = -1; steps <= 0; steps++) { /* the code of now has confirmed it */
        factor_app_code(scenes, &app, steps, text);
        assert_int_equal(factor_answer(scenes, &started, text).result, TXNS_WRONG);
    }
    factor_app_code(scenes, &app, 2, text);
    assert_int_equal(factor_answer(scenes, &started, text).result, TXNS_WRONG);
    factor_app_code(scenes, &app, 1, text);
    assert_int_equal(factor_answer(scenes, &started, text).result, TXNS_DONE);
}

static void a_step_that_comes_twice_at_once_is_good_once(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol_app(scenes, NULL);
    struct started started[2] = { factor_start(scenes, TXN_LINK, FACTOR_TOTP),
                                  factor_start(scenes, TXN_VAULT, FACTOR_TOTP) };
    struct heard_txn heard[2];
    char text[CODES_DIGITS + 1];

    factor_app_code(scenes, &app, 1, text);
    for (size_t i = 0; i < 2; i++) {
        factor_answer_start(&scenes->temp, &started[i], text, scenes->now_ms, &heard[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        temp_store_wait(&scenes->temp.temp, &heard[i].done);
    }
    assert_int_equal(
        (heard[0].outcome.result == TXNS_DONE) + (heard[1].outcome.result == TXNS_DONE), 1);
    assert_int_equal(
        (heard[0].outcome.result == TXNS_WRONG) + (heard[1].outcome.result == TXNS_WRONG), 1);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM grants"), 1);
}

static void each_app_of_an_account_is_tried(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor first = factor_enrol_app(scenes, NULL);
    struct grant grant = stepup(scenes, &first, 1);
    struct heard_factor second = factor_enrol_app(scenes, &grant);

    (void)stepup(scenes, &second, 1);
    scenes->now_ms += INT64_C(2) * TOTP_STEP_MS;
    (void)stepup(scenes, &first, 1);
}

static void what_was_enrolled_before_the_first_factor_cannot_be_confirmed_after_it(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor early = factor_enrol(scenes, FACTOR_TOTP, NULL);
    struct heard_factor app = factor_enrol_app(scenes, NULL);

    assert_int_equal(factor_confirm(scenes, &early, 0), FACTORS_STEPUP);
    assert_int_equal(factor_enrol(scenes, FACTOR_TOTP, NULL).result, FACTORS_STEPUP);
    assert_int_equal(factor_enrol(scenes, FACTOR_RECOVERY_CODE, NULL).result, FACTORS_STEPUP);
    assert_int_equal(factor_remove(scenes, &app.factor_id, NULL), FACTORS_STEPUP);
}

/* Whoever holds a stolen device reads codes there: what they gave ends when something better comes. */
static void what_a_code_gave_before_the_first_factor_is_no_step_up_after_it(void **state)
{
    struct factor_scenes *scenes = *state;
    struct started early = factor_start(scenes, TXN_STEPUP, FACTOR_CODE);
    struct started late;
    struct heard_factor app;
    struct grant grant;
    struct code code;
    struct txns_outcome outcome;

    assert_true(factor_shown(scenes, &code));
    grant = factor_answer(scenes, &early, code.digits).grant;
    late = factor_start(scenes, TXN_STEPUP, FACTOR_CODE);
    assert_true(factor_shown(scenes, &code));
    app = factor_enrol_app(scenes, NULL);
    assert_int_equal(factor_remove(scenes, &app.factor_id, &grant), FACTORS_STEPUP);
    outcome = factor_answer(scenes, &late, code.digits);
    assert_int_equal(factor_remove(scenes, &app.factor_id, &outcome.grant), FACTORS_STEPUP);
    grant = stepup(scenes, &app, 1);
    assert_int_equal(factor_remove(scenes, &app.factor_id, &grant), FACTORS_DONE);
}

static void an_app_that_a_code_let_in_cannot_be_confirmed_after_the_first_factor(void **state)
{
    struct factor_scenes *scenes = *state;
    struct started started = factor_start(scenes, TXN_STEPUP, FACTOR_CODE);
    struct heard_factor early;
    struct grant grant;
    struct code code;

    assert_true(factor_shown(scenes, &code));
    grant = factor_answer(scenes, &started, code.digits).grant;
    early = factor_enrol(scenes, FACTOR_TOTP, &grant);
    assert_int_equal(early.result, FACTORS_DONE);
    (void)factor_enrol_app(scenes, NULL);
    assert_int_equal(factor_confirm(scenes, &early, 0), FACTORS_STEPUP);
}

static void a_grant_is_used_by_what_it_lets_happen_and_by_nothing_else(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol_app(scenes, NULL);
    struct grant grant = stepup(scenes, &app, 1);
    const struct factor_id unknown = { { 1 } };

    assert_int_equal(factor_remove(scenes, &unknown, &grant), FACTORS_UNKNOWN);
    assert_int_equal(factor_remove(scenes, &app.factor_id, &grant), FACTORS_DONE);
    assert_int_equal(factor_enrol(scenes, FACTOR_TOTP, &grant).result, FACTORS_STEPUP);
    assert_int_equal(factor_enrol(scenes, FACTOR_TOTP, NULL).result, FACTORS_DONE);
}

static void a_grant_ends(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol_app(scenes, NULL);
    struct grant grant = stepup(scenes, &app, 1);

    scenes->now_ms += S(LIMIT_GRANT_S);
    assert_int_equal(factor_remove(scenes, &app.factor_id, &grant), FACTORS_STEPUP);
}

static void new_recovery_codes_take_the_place_of_the_old(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor set = factor_enrol(scenes, FACTOR_RECOVERY_CODE, NULL);
    struct started started = factor_start(scenes, TXN_STEPUP, FACTOR_RECOVERY_CODE);
    char text[RECOVERY_CODE_TEXT_CHARS + 1];
    struct txns_outcome outcome;
    struct heard_factor next;

    recovery_code_write(&set.codes[0], text);
    outcome = factor_answer(scenes, &started, text);
    assert_int_equal(outcome.result, TXNS_DONE);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM recovery_codes"),
                     RECOVERY_CODE_COUNT - 1);
    next = factor_enrol(scenes, FACTOR_RECOVERY_CODE, &outcome.grant);
    assert_int_equal(next.result, FACTORS_DONE);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM recovery_codes"),
                     RECOVERY_CODE_COUNT);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM factors"), 1);
    started = factor_start(scenes, TXN_STEPUP, FACTOR_RECOVERY_CODE);
    recovery_code_write(&set.codes[1], text);
    assert_int_equal(factor_answer(scenes, &started, text).result, TXNS_WRONG);
    recovery_code_write(&next.codes[1], text);
    outcome = factor_answer(scenes, &started, text);
    assert_int_equal(outcome.result, TXNS_DONE);
    assert_int_equal(factor_remove(scenes, &next.factor_id, &outcome.grant), FACTORS_DONE);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM recovery_codes"), 0);
}

static void a_set_that_is_used_up_is_no_factor(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor set = factor_enrol(scenes, FACTOR_RECOVERY_CODE, NULL);
    char text[RECOVERY_CODE_TEXT_CHARS + 1];

    for (size_t i = 0; i < RECOVERY_CODE_COUNT; i++) {
        struct started started = factor_start(scenes, TXN_LINK, FACTOR_RECOVERY_CODE);

        assert_int_equal(factor_remove(scenes, &set.factor_id, NULL), FACTORS_STEPUP);
        recovery_code_write(&set.codes[i], text);
        assert_int_equal(factor_answer(scenes, &started, text).result, TXNS_DONE);
    }
    assert_int_equal(factor_begin(scenes, TXN_STEPUP, NULL).kinds, 1U << FACTOR_CODE);
    assert_int_equal(factor_enrol(scenes, FACTOR_RECOVERY_CODE, NULL).result, FACTORS_DONE);
    assert_int_equal(factor_begin(scenes, TXN_STEPUP, NULL).kinds, 1U << FACTOR_RECOVERY_CODE);
}

static void
an_app_whose_secret_cannot_be_opened_is_told_as_unavailable_and_still_a_guess(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol_app(scenes, NULL);
    struct started started = factor_start(scenes, TXN_LINK, FACTOR_TOTP);
    char text[CODES_DIGITS + 1];

    damage_run(&scenes->temp, "UPDATE factors SET secret = x'01'",
               "UPDATE factors SET secret = '\\x01'::bytea");
    factor_app_code(scenes, &app, 1, text);
    assert_int_equal(factor_answer(scenes, &started, text).result, TXNS_UNAVAILABLE);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM guesses"), 1);
}

static void no_secret_stands_in_the_database(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol_app(scenes, NULL);

    (void)app;
    assert_int_equal(scene_count(&scenes->temp, "SELECT length(secret) FROM factors"),
                     TOTP_SECRET_BYTES + SEAL_OVERHEAD_BYTES);
}

static void an_app_that_nobody_confirms_is_forgotten(void **state)
{
    struct factor_scenes *scenes = *state;

    assert_int_equal(factor_enrol(scenes, FACTOR_TOTP, NULL).result, FACTORS_DONE);
    (void)factor_enrol_app(scenes, NULL);
    assert_int_equal(factor_purge(scenes, factors_purge, LIMIT_FACTOR_PENDING_S - 1), 0);
    assert_int_equal(factor_purge(scenes, factors_purge, 2 * LIMIT_FACTOR_PENDING_S + 1), 1);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM factors"), 1);
}

struct heard_log {
    bool done;
    size_t count;
    struct account_log_entry entries[ACCOUNT_LOG_PAGE];
};

static void hear_log(void *arg, bool ok, const struct account_log_entry *entries, size_t count)
{
    struct heard_log *heard = arg;

    assert_true(ok);
    heard->count = count;
    for (size_t i = 0; i < count; i++) {
        heard->entries[i] = entries[i];
    }
    heard->done = true;
}

static void the_log_says_what_happened_in_which_hour_and_for_90_days(void **state)
{
    static struct heard_log heard;
    struct factor_scenes *scenes = *state;
    struct heard_factor app;
    const enum account_log_event events[] = { ACCOUNT_LOG_ENROLLED, ACCOUNT_LOG_USED,
                                              ACCOUNT_LOG_REMOVED };
    struct grant grant;

    scenes->now_ms += S(1234);
    app = factor_enrol_app(scenes, NULL);
    grant = stepup(scenes, &app, 1);
    assert_int_equal(factor_remove(scenes, &app.factor_id, &grant), FACTORS_DONE);
    heard = (struct heard_log){ .done = false };
    account_log_list(&scenes->temp.domain, scenes->account, 0, hear_log, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    assert_int_equal(heard.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(heard.entries[i].event, events[i]);
        assert_int_equal(heard.entries[i].kind, FACTOR_TOTP);
        assert_int_equal(heard.entries[i].at % 3600, 0);
        assert_int_equal(heard.entries[i].device_id, events[i] == ACCOUNT_LOG_USED ? 0 : 1);
        assert_int_equal(heard.entries[i].purpose, events[i] == ACCOUNT_LOG_USED ? TXN_STEPUP : 0);
    }
    assert_int_equal(factor_purge(scenes, account_log_purge, LIMIT_ACCOUNT_LOG_DAYS * 86400 - 3600),
                     0);
    assert_int_equal(factor_purge(scenes, account_log_purge, LIMIT_ACCOUNT_LOG_DAYS * 86400 + 1234),
                     3);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, factor_scenes_set_up, factor_scenes_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(an_app_counts_once_its_first_code_has_come),
        TEST(the_code_of_a_transaction_that_an_app_ended_is_not_shown),
        TEST(a_step_is_good_once_and_so_is_each_before_it),
        TEST(a_step_that_comes_twice_at_once_is_good_once),
        TEST(each_app_of_an_account_is_tried),
        TEST(what_was_enrolled_before_the_first_factor_cannot_be_confirmed_after_it),
        TEST(what_a_code_gave_before_the_first_factor_is_no_step_up_after_it),
        TEST(an_app_that_a_code_let_in_cannot_be_confirmed_after_the_first_factor),
        TEST(a_grant_is_used_by_what_it_lets_happen_and_by_nothing_else),
        TEST(a_grant_ends),
        TEST(new_recovery_codes_take_the_place_of_the_old),
        TEST(a_set_that_is_used_up_is_no_factor),
        TEST(an_app_whose_secret_cannot_be_opened_is_told_as_unavailable_and_still_a_guess),
        TEST(no_secret_stands_in_the_database),
        TEST(an_app_that_nobody_confirms_is_forgotten),
        TEST(the_log_says_what_happened_in_which_hour_and_for_90_days),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

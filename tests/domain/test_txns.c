/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/loop.h"
#include "server/domain/accounts.h"
#include "server/domain/grants.h"
#include "server/domain/seqs.h"
#include "server/store/store.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/factor_scenes.h"
#include "tests/support/unit.h"

#define S(count) ((count)*INT64_C(1000))

enum {
    AT_ONCE = 24,
    DECOYS = 600, /* whose kinds do not change from run to run, for the keys do not */
    TURN_MS = 100,
    RESTORED = 1000000 /* a heartbeat that no database of a test comes to */
};

static struct started start_code(struct factor_scenes *scenes, struct code *out)
{
    struct started started = factor_start(scenes, TXN_LINK, FACTOR_CODE);

    assert_true(factor_shown(scenes, out));
    return started;
}

static void a_right_code_gives_a_grant_and_ends_its_transaction(void **state)
{
    struct factor_scenes *scenes = *state;
    struct code code;
    struct started started = start_code(scenes, &code);
    struct txns_outcome outcome = factor_answer(scenes, &started, code.digits);

    assert_int_equal(outcome.result, TXNS_DONE);
    assert_int_equal(outcome.purpose, TXN_LINK);
    assert_int_equal(outcome.expires_at, SCENE_NOW_MS / 1000 + LIMIT_GRANT_S);
    assert_false(factor_shown(scenes, &code));
    outcome = factor_answer(scenes, &started, code.digits);
    assert_int_equal(outcome.result, TXNS_CHALLENGE_UNKNOWN);
    assert_int_equal(factor_challenge(scenes, &started.txn_id, FACTOR_CODE).result, TXNS_UNKNOWN);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM guesses"), 0);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM grants"), 1);
    assert_int_equal(
        scene_count(&scenes->temp, "SELECT count(*) FROM txn_challenges WHERE code IS NOT NULL"),
        0);
}

static void devices_hear_a_code(void **state)
{
    struct factor_scenes *scenes = *state;
    struct scene_stream streams[2];

    for (uint32_t n = 1; n <= 2; n++) {
        struct session_hash hash = scene_begin(&scenes->temp, &scenes->ada, n);
        scene_listen(&scenes->temp, &person_device(&scenes->ada, n)->pub, &hash, &streams[n - 1]);
    }
    (void)factor_start(scenes, TXN_VAULT, FACTOR_CODE);
    for (size_t i = 0; i < 2; i++) {
        while (streams[i].event_count == 0) {
            loop_turn(scenes->temp.temp.loop, TURN_MS);
        }
        assert_int_equal(streams[i].event_count, 1);
        assert_int_equal(streams[i].event.kind, HUB_EVENT_CODE);
        scene_leave(&streams[i]);
    }
}

static size_t count_of(const struct heard_txn *heard, size_t count, enum txns_result result)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        found += heard[i].outcome.result == result ? 1 : 0;
    }
    return found;
}

static void of_guesses_that_come_at_once_five_are_compared(void **state)
{
    struct factor_scenes *scenes = *state;
    static struct heard_txn heard[AT_ONCE];
    struct code code;
    struct started started = start_code(scenes, &code);
    struct code wrong = factor_wrong(&code);

    for (size_t i = 0; i < AT_ONCE; i++) {
        factor_answer_start(&scenes->temp, &started, wrong.digits, SCENE_NOW_MS, &heard[i]);
    }
    for (size_t i = 0; i < AT_ONCE; i++) {
        temp_store_wait(&scenes->temp.temp, &heard[i].done);
    }
    assert_int_equal(count_of(heard, AT_ONCE, TXNS_WRONG), LIMIT_CHALLENGE_GUESSES);
    assert_int_equal(count_of(heard, AT_ONCE, TXNS_CHALLENGE_UNKNOWN),
                     AT_ONCE - LIMIT_CHALLENGE_GUESSES);
    assert_int_equal(factor_answer(scenes, &started, code.digits).result, TXNS_CHALLENGE_UNKNOWN);
}

static void what_could_not_be_counted_is_not_compared(void **state)
{
    struct factor_scenes *scenes = *state;
    struct code code;
    struct started started = start_code(scenes, &code);
    struct code wrong = factor_wrong(&code);

    damage_break(&scenes->temp, DAMAGE_INSERT_GUESSES);
    assert_int_equal(factor_answer(scenes, &started, code.digits).result, TXNS_UNAVAILABLE);
    assert_int_equal(factor_answer(scenes, &started, wrong.digits).result, TXNS_UNAVAILABLE);
    damage_mend(&scenes->temp);
    assert_int_equal(factor_answer(scenes, &started, wrong.digits).attempts_left,
                     LIMIT_CHALLENGE_GUESSES - 1);
    assert_int_equal(factor_answer(scenes, &started, code.digits).result, TXNS_DONE);
}

static void a_right_answer_whose_grant_is_not_stored_is_a_guess_less(void **state)
{
    struct factor_scenes *scenes = *state;
    struct code code;
    struct started started = start_code(scenes, &code);

    damage_break(&scenes->temp, DAMAGE_INSERT_GRANTS);
    assert_int_equal(factor_answer(scenes, &started, code.digits).result, TXNS_UNAVAILABLE);
    damage_mend(&scenes->temp);
    assert_int_equal(scene_count(&scenes->temp, "SELECT attempts_left FROM txn_challenges"),
                     LIMIT_CHALLENGE_GUESSES - 1);
    assert_int_equal(factor_answer(scenes, &started, code.digits).result, TXNS_DONE);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM guesses"), 1);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM grants"), 1);
}

/* Three challenges have fifteen tries, of which the account has ten. */
static void of_guesses_at_two_daemons_ten_are_compared(void **state)
{
    struct factor_scenes *scenes = *state;
    static struct heard_txn heard[3 * LIMIT_CHALLENGE_GUESSES];
    struct temp_domain beside;
    struct started started[3];
    struct code code;
    size_t count = 0;

    if (!temp_store_is_shared()) {
        skip();
    }
    temp_domain_open_beside(&beside, &scenes->temp);
    for (size_t i = 0; i < 3; i++) {
        started[i] = start_code(scenes, &code);
    }
    for (size_t i = 0; i < 3; i++) {
        for (int n = 0; n < LIMIT_CHALLENGE_GUESSES; n++) {
            factor_answer_start(n % 2 == 0 ? &scenes->temp : &beside, &started[i], "000000",
                                SCENE_NOW_MS, &heard[count]);
            count++;
        }
    }
    for (size_t i = 0; i < count; i++) {
        temp_store_wait(i % LIMIT_CHALLENGE_GUESSES % 2 == 0 ? &scenes->temp.temp : &beside.temp,
                        &heard[i].done);
    }
    assert_int_equal(count_of(heard, count, TXNS_WRONG), LIMIT_GUESSES_DAY);
    assert_int_equal(count_of(heard, count, TXNS_RATE_LIMITED), count - LIMIT_GUESSES_DAY);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM guesses"), LIMIT_GUESSES_DAY);
    temp_domain_close(&beside);
}

/* Guess wrong at a fresh challenge of an app until it is out of tries. */
static void guess_wrong(struct factor_scenes *scenes, const struct heard_factor *app)
{
    struct started started = factor_start(scenes, TXN_LINK, FACTOR_TOTP);
    char wrong[CODES_DIGITS + 1];

    factor_app_wrong(scenes, app, wrong);
    for (int i = 0; i < LIMIT_CHALLENGE_GUESSES; i++) {
        struct txns_outcome outcome = factor_answer(scenes, &started, wrong);

        assert_int_equal(outcome.result, TXNS_WRONG);
        assert_int_equal(outcome.attempts_left, LIMIT_CHALLENGE_GUESSES - 1 - i);
    }
}

static int64_t wait_of(struct factor_scenes *scenes)
{
    struct started started = factor_start(scenes, TXN_LINK, FACTOR_TOTP);
    struct txns_outcome outcome = factor_answer(scenes, &started, "000000");

    assert_int_equal(outcome.result, TXNS_RATE_LIMITED);
    return outcome.retry_s;
}

static void an_account_has_ten_wrong_guesses_a_day_and_thirty_a_month(void **state)
{
    struct factor_scenes *scenes = *state;
    struct heard_factor app = factor_enrol_app(scenes, NULL);

    for (int day = 0; day < 3; day++) {
        guess_wrong(scenes, &app);
        scenes->now_ms += S(60);
        guess_wrong(scenes, &app);
        if (day < 2) {
            assert_int_equal(wait_of(scenes), LIMIT_GUESS_DAY_S - 60);
        }
        scenes->now_ms += S(LIMIT_GUESS_DAY_S);
    }
    assert_int_equal(wait_of(scenes), LIMIT_GUESS_MONTH_S - 3 * (LIMIT_GUESS_DAY_S + 60));
    scenes->now_ms += S(LIMIT_GUESS_MONTH_S) - 3 * S(LIMIT_GUESS_DAY_S + 60);
    guess_wrong(scenes, &app);
}

static void a_device_is_shown_three_codes_an_hour(void **state)
{
    struct factor_scenes *scenes = *state;
    struct txns_outcome begun;

    for (int i = 0; i < LIMIT_CODES_HOUR; i++) {
        (void)factor_start(scenes, TXN_LINK, FACTOR_CODE);
        scenes->now_ms += S(60);
    }
    begun = factor_begin(scenes, TXN_LINK, NULL);
    assert_int_equal(factor_challenge(scenes, &begun.txn_id, FACTOR_CODE).result,
                     TXNS_RATE_LIMITED);
    assert_int_equal(factor_challenge(scenes, &begun.txn_id, FACTOR_CODE).retry_s,
                     LIMIT_HOUR_S - LIMIT_CODES_HOUR * 60);
    scenes->now_ms = SCENE_NOW_MS + S(LIMIT_HOUR_S);
    (void)factor_start(scenes, TXN_LINK, FACTOR_CODE);
}

static void what_has_no_six_digits_is_not_counted(void **state)
{
    static const char *const texts[] = { "12345", "1234567", "12345x", " 12345", "-12345" };
    struct factor_scenes *scenes = *state;
    struct code code;
    struct started started = start_code(scenes, &code);

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(factor_answer(scenes, &started, texts[i]).result, TXNS_MALFORMED);
    }
    assert_int_equal(factor_answer(scenes, &started, code.digits).result, TXNS_DONE);
}

static void whom_there_is_not_has_the_same_kinds_each_time_and_no_right_answer(void **state)
{
    struct factor_scenes *scenes = *state;
    struct txns_outcome first = factor_begin(scenes, TXN_LINK, "nobody");
    struct txns_outcome again = factor_begin(scenes, TXN_LINK, "nobody");
    struct txns_outcome challenged;
    struct started started;

    assert_int_equal(first.result, TXNS_DONE);
    assert_int_equal(first.kinds, again.kinds);
    assert_memory_not_equal(first.txn_id.raw, again.txn_id.raw, sizeof first.txn_id.raw);
    challenged = factor_challenge(scenes, &first.txn_id, FACTOR_CODE);
    assert_int_equal(challenged.result, TXNS_DONE);
    started = (struct started){ first.txn_id, challenged.txn_challenge_id };
    assert_int_equal(factor_answer(scenes, &started, "123456").result, TXNS_WRONG);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM txn_challenges"
                                                " WHERE code IS NOT NULL AND account = 0"),
                     1);
}

static void a_code_of_whom_there_is_not_goes_to_other_daemons_as_any(void **state)
{
    static const char *const names[] = { NULL, "nobody" };
    struct factor_scenes *scenes = *state;
    int64_t told = scene_count(&scenes->temp, "SELECT count(*) FROM changes");

    if (!temp_store_is_shared()) {
        skip();
    }
    for (size_t i = 0; i < 2; i++) {
        struct txns_outcome begun = factor_begin(scenes, TXN_LINK, names[i]);

        assert_int_equal(factor_challenge(scenes, &begun.txn_id, FACTOR_CODE).result, TXNS_DONE);
        assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM changes"), ++told);
    }
}

/* What no decoy has would tell that there is an account. */
static void whom_there_is_not_has_any_kinds_that_an_account_may_have(void **state)
{
    struct factor_scenes *scenes = *state;
    uint32_t seen = 0; /* a bit for each set of kinds */

    for (int i = 0; i < DECOYS; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "nobody-%d", i);
        seen |= UINT32_C(1) << factor_begin(scenes, TXN_LINK, name).kinds;
    }
    for (uint32_t enrolled = 0; enrolled < 1U << FACTOR_KINDS; enrolled++) {
        if ((enrolled & 1U << FACTOR_CODE) == 0) {
            assert_true((seen & UINT32_C(1) << factor_kinds_of(TXN_LINK, enrolled)) != 0);
        }
    }
}

static void hear_erased(void *arg, const struct accounts_outcome *outcome)
{
    assert_int_equal(outcome->result, ACCOUNTS_DONE);
    *(bool *)arg = true;
}

static void an_erased_accounts_right_code_is_wrong(void **state)
{
    struct factor_scenes *scenes = *state;
    const struct accounts_erasure erasure = { .account_id = scenes->ada.account_id };
    struct code code;
    struct started started = start_code(scenes, &code);
    struct code wrong = factor_wrong(&code);
    bool done = false;

    assert_int_equal(factor_answer(scenes, &started, wrong.digits).result, TXNS_WRONG);
    accounts_erase(&scenes->temp.domain, &erasure, SCENE_NOW_MS, hear_erased, &done);
    temp_store_wait(&scenes->temp.temp, &done);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM guesses"), 0);
    assert_int_equal(factor_answer(scenes, &started, code.digits).result, TXNS_WRONG);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM txn_challenges"
                                                " WHERE code IS NOT NULL OR account <> 0"),
                     0);
}

/* The erasure is written once the guess is counted, and before it is used. */
static void an_answer_during_an_erasure_leaves_nothing_of_the_account(void **state)
{
    struct factor_scenes *scenes = *state;
    const struct accounts_erasure erasure = { .account_id = scenes->ada.account_id };
    struct heard_txn heard;
    struct code code;
    struct started started = start_code(scenes, &code);
    bool done = false;

    factor_answer_start(&scenes->temp, &started, code.digits, SCENE_NOW_MS, &heard);
    accounts_erase(&scenes->temp.domain, &erasure, SCENE_NOW_MS, hear_erased, &done);
    temp_store_wait(&scenes->temp.temp, &done);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM grants"), 0);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM account_log"), 0);
}

static void a_transaction_lives_ten_minutes(void **state)
{
    struct factor_scenes *scenes = *state;
    struct code code;
    struct started started = start_code(scenes, &code);

    scenes->now_ms += S(LIMIT_TXN_S);
    assert_int_equal(factor_answer(scenes, &started, code.digits).result, TXNS_CHALLENGE_UNKNOWN);
    assert_int_equal(factor_challenge(scenes, &started.txn_id, FACTOR_CODE).result, TXNS_UNKNOWN);
    assert_false(factor_shown(scenes, &code));
}

static void time_forgets_transactions_and_what_was_counted(void **state)
{
    struct factor_scenes *scenes = *state;
    struct code code;
    struct started started = start_code(scenes, &code);
    struct started used = factor_start(scenes, TXN_LINK, FACTOR_CODE);
    struct code wrong = factor_wrong(&code);

    assert_int_equal(factor_answer(scenes, &started, wrong.digits).result, TXNS_WRONG);
    assert_true(factor_shown(scenes, &code));
    assert_int_equal(factor_answer(scenes, &used, code.digits).result, TXNS_DONE);
    assert_int_equal(factor_purge(scenes, txns_purge, LIMIT_TXN_S - 1), 0);
    assert_int_equal(factor_purge(scenes, txns_purge, LIMIT_TXN_S), 2);
    assert_int_equal(factor_purge(scenes, txns_purge_challenges, LIMIT_HOUR_S - 1), 0);
    assert_int_equal(factor_purge(scenes, txns_purge_challenges, LIMIT_HOUR_S), 2);
    assert_int_equal(factor_purge(scenes, grants_purge, LIMIT_GRANT_S - 1), 0);
    assert_int_equal(factor_purge(scenes, grants_purge, LIMIT_GRANT_S), 1);
    assert_int_equal(factor_purge(scenes, txns_purge_guesses, LIMIT_GUESS_MONTH_S - 1), 0);
    assert_int_equal(factor_purge(scenes, txns_purge_guesses, LIMIT_GUESS_MONTH_S), 1);
}

/* What was used since the copy was made would be good again. */
static void of_an_older_database_nothing_that_was_under_way_is_good(void **state)
{
    struct factor_scenes *scenes = *state;
    struct code code;
    struct code late;
    struct started used = start_code(scenes, &code);
    struct grant grant;

    struct started stepup = factor_start(scenes, TXN_STEPUP, FACTOR_CODE);

    assert_true(factor_shown(scenes, &late));
    grant = factor_answer(scenes, &stepup, late.digits).grant;
    struct started started = start_code(scenes, &late);
    assert_true(temp_domain_restart_at(&scenes->temp, RESTORED, SCENE_NOW_MS).restored);
    assert_int_equal(factor_answer(scenes, &used, code.digits).result, TXNS_CHALLENGE_UNKNOWN);
    assert_int_equal(factor_answer(scenes, &started, late.digits).result, TXNS_CHALLENGE_UNKNOWN);
    assert_int_equal(factor_challenge(scenes, &started.txn_id, FACTOR_CODE).result, TXNS_UNKNOWN);
    assert_false(factor_shown(scenes, &code));
    assert_int_equal(factor_enrol(scenes, FACTOR_TOTP, &grant).result, FACTORS_STEPUP);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM txn_challenges"), 3);
}

static void hear_beat(void *arg, int64_t heartbeat)
{
    assert_true(heartbeat > 0);
    *(bool *)arg = true;
}

static void what_the_operator_declares_restored_ends_what_was_under_way(void **state)
{
    struct factor_scenes *scenes = *state;
    struct code code;
    struct started started = start_code(scenes, &code);
    bool done = false;

    seqs_declare_restored(&scenes->temp.domain, hear_beat, &done);
    temp_store_wait(&scenes->temp.temp, &done);
    assert_int_equal(factor_answer(scenes, &started, code.digits).result, TXNS_CHALLENGE_UNKNOWN);
}

static void a_code_that_cannot_be_opened_is_not_shown_and_can_be_answered(void **state)
{
    struct factor_scenes *scenes = *state;
    struct code code;
    struct started started = start_code(scenes, &code);

    damage_run(&scenes->temp, "UPDATE txn_challenges SET code = x'01'",
               "UPDATE txn_challenges SET code = '\\x01'::bytea");
    assert_int_equal(factor_answer(scenes, &started, code.digits).result, TXNS_DONE);
    started = factor_start(scenes, TXN_LINK, FACTOR_CODE);
    damage_run(&scenes->temp, "UPDATE txn_challenges SET code = x'01'",
               "UPDATE txn_challenges SET code = '\\x01'::bytea");
    assert_false(factor_shown(scenes, &code));
}

static void codes_are_six_digits_of_any_kind(void **state)
{
    unsigned seen[10] = { 0 };

    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct code code;
        struct code read;

        codes_make(&code);
        assert_true(codes_read(bytes_text(code.digits), &read));
        assert_string_equal(read.digits, code.digits);
        seen[code.digits[0] - '0']++;
    }
    for (size_t i = 0; i < 10; i++) {
        assert_in_range(seen[i], 40, 170); /* of 100: beyond six standard deviations */
    }
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, factor_scenes_set_up, factor_scenes_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_right_code_gives_a_grant_and_ends_its_transaction),
        TEST(devices_hear_a_code),
        TEST(of_guesses_that_come_at_once_five_are_compared),
        TEST(what_could_not_be_counted_is_not_compared),
        TEST(a_right_answer_whose_grant_is_not_stored_is_a_guess_less),
        TEST(of_guesses_at_two_daemons_ten_are_compared),
        TEST(an_account_has_ten_wrong_guesses_a_day_and_thirty_a_month),
        TEST(a_device_is_shown_three_codes_an_hour),
        TEST(what_has_no_six_digits_is_not_counted),
        TEST(whom_there_is_not_has_the_same_kinds_each_time_and_no_right_answer),
        TEST(a_code_of_whom_there_is_not_goes_to_other_daemons_as_any),
        TEST(whom_there_is_not_has_any_kinds_that_an_account_may_have),
        TEST(an_erased_accounts_right_code_is_wrong),
        TEST(an_answer_during_an_erasure_leaves_nothing_of_the_account),
        TEST(a_transaction_lives_ten_minutes),
        TEST(time_forgets_transactions_and_what_was_counted),
        TEST(of_an_older_database_nothing_that_was_under_way_is_good),
        TEST(what_the_operator_declares_restored_ends_what_was_under_way),
        TEST(a_code_that_cannot_be_opened_is_not_shown_and_can_be_answered),
        cmocka_unit_test(codes_are_six_digits_of_any_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

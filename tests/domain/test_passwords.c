/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/limits.h"
#include "common/seal.h"
#include "server/domain/accounts.h"
#include "server/domain/grants.h"
#include "server/domain/passwords.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/factor_scenes.h"
#include "tests/domain/support/opaque_client.h"
#include "tests/support/unit.h"

#define S(count) ((count)*INT64_C(1000))

enum {
    KE3_CHARS = 87, /* as base64url, with a NUL */
    EVALUATED_BYTES = 32,
    AT_ONCE = 24,
    NAME_CHARS = 20
};

/* Enrol the password of a client and confirm it. */
static struct factor_id enrol(struct factor_scenes *scenes, struct opaque_client *client,
                              uint8_t seed, const struct grant *grant)
{
    struct heard_factor heard = factor_enrol(scenes, FACTOR_PASSWORD, grant);
    struct factors_proof proof = { .kind = FACTOR_PASSWORD, .record = client->record };

    assert_int_equal(heard.result, FACTORS_DONE);
    opaque_client_init(client, seed, heard.response);
    assert_int_equal(factor_confirm_by(scenes, &heard.factor_id, &proof), FACTORS_DONE);
    return heard.factor_id;
}

struct login {
    struct heard_txn heard;
    struct started started;
    char ke3[KE3_CHARS];
};

static void hear(void *arg, const struct txns_outcome *outcome)
{
    struct heard_txn *heard = arg;

    heard->outcome = *outcome;
    if (outcome->ke2 != NULL) {
        memcpy(heard->ke2, outcome->ke2, sizeof heard->ke2);
    }
    heard->done = true;
}

/* Enrol the first password, and begin to prove it. */
static void enrol_and_begin(struct factor_scenes *scenes, struct opaque_client *client)
{
    (void)enrol(scenes, client, 1, NULL);
    opaque_client_begin(client, 1);
}

/* Bring KE1 in a transaction, by a daemon, and do not wait. */
static void knock_start(struct temp_domain *by, const struct txn_id *txn_id,
                        const struct opaque_client *client, int64_t now_ms, struct heard_txn *heard)
{
    const struct txns_challenge_order order = { *txn_id, FACTOR_PASSWORD, client->ke1 };

    heard->done = false;
    txns_challenge(&by->domain, &order, now_ms, hear, heard);
}

static void knock_in(struct factor_scenes *scenes, const struct txn_id *txn_id,
                     struct opaque_client *client, struct login *login)
{
    struct buf text = { 0 };
    uint8_t ke3[OPAQUE_KE3_BYTES];

    knock_start(&scenes->temp, txn_id, client, scenes->now_ms, &login->heard);
    temp_store_wait(&scenes->temp.temp, &login->heard.done);
    if (login->heard.outcome.result == TXNS_DONE) {
        login->started = (struct started){ *txn_id, login->heard.outcome.txn_challenge_id };
        opaque_client_finish(client, login->heard.ke2, ke3);
        base64url_encode(bytes_of(ke3, sizeof ke3), &text);
        assert_int_equal(text.size, KE3_CHARS - 1);
        memcpy(login->ke3, text.at, text.size);
        login->ke3[text.size] = '\0';
        buf_clear(&text);
    }
}

/* The same in a transaction of its own for ada, or for a handle. */
static void knock(struct factor_scenes *scenes, const char *handle, struct opaque_client *client,
                  struct login *login)
{
    struct txns_outcome begun = factor_begin(scenes, TXN_LINK, handle);

    assert_int_equal(begun.result, TXNS_DONE);
    knock_in(scenes, &begun.txn_id, client, login);
}

static struct txns_outcome finish(struct factor_scenes *scenes, const struct login *login)
{
    return factor_answer(scenes, &login->started, login->ke3);
}

static void the_right_ke3_gives_a_grant_and_the_guess_back(void **state)
{
    struct factor_scenes *scenes = *state;
    struct opaque_client client;
    struct login login;

    enrol_and_begin(scenes, &client);
    knock(scenes, NULL, &client, &login);
    assert_int_equal(login.heard.outcome.attempts_left, 1);
    assert_int_equal(login.heard.outcome.expires_at, SCENE_NOW_MS / 1000 + LIMIT_PASSWORD_S);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM guesses"), 1);
    assert_int_equal(finish(scenes, &login).result, TXNS_DONE);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM guesses"), 0);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM grants WHERE kind = 3"), 1);
    assert_int_equal(finish(scenes, &login).result, TXNS_CHALLENGE_UNKNOWN);
}

static void a_wrong_ke3_ends_its_challenge_and_stays_a_guess(void **state)
{
    struct factor_scenes *scenes = *state;
    struct opaque_client client;
    struct opaque_client other;
    struct login login;

    (void)enrol(scenes, &client, 1, NULL);
    opaque_client_init(&other, 2, (const uint8_t[OPAQUE_RESPONSE_BYTES]){ 0 });
    memcpy(other.server_public, client.server_public, sizeof other.server_public);
    opaque_client_begin(&other, 1);
    knock(scenes, NULL, &other, &login);
    assert_int_equal(finish(scenes, &login).result, TXNS_WRONG);
    assert_int_equal(finish(scenes, &login).result, TXNS_CHALLENGE_UNKNOWN);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM guesses"), 1);
}

static void ke3_has_a_minute(void **state)
{
    struct factor_scenes *scenes = *state;
    struct opaque_client client;
    struct login login;

    enrol_and_begin(scenes, &client);
    knock(scenes, NULL, &client, &login);
    scenes->now_ms += S(LIMIT_PASSWORD_S);
    assert_int_equal(finish(scenes, &login).result, TXNS_CHALLENGE_UNKNOWN);
    knock(scenes, NULL, &client, &login);
    scenes->now_ms += S(LIMIT_PASSWORD_S) - 1;
    assert_int_equal(finish(scenes, &login).result, TXNS_DONE);
}

/* Also when the clock is set back meanwhile. */
static void what_was_counted_counts_when_the_clock_goes_back(void **state)
{
    struct factor_scenes *scenes = *state;
    struct opaque_client client;
    struct login login;

    enrol_and_begin(scenes, &client);
    for (int i = 0; i < LIMIT_PASSWORDS; i++) {
        knock(scenes, NULL, &client, &login);
        assert_int_equal(login.heard.outcome.result, TXNS_DONE);
    }
    scenes->now_ms -= S(3600);
    knock(scenes, NULL, &client, &login);
    assert_int_equal(login.heard.outcome.result, TXNS_RATE_LIMITED);
    assert_true(login.heard.outcome.retry_s > 3600);
}

static void of_ke1_that_come_at_once_five_are_answered_in_a_transaction(void **state)
{
    struct factor_scenes *scenes = *state;
    static struct heard_txn heard[AT_ONCE];
    struct opaque_client client;
    struct txns_outcome begun;
    size_t answered = 0;

    enrol_and_begin(scenes, &client);
    begun = factor_begin(scenes, TXN_LINK, NULL);
    for (size_t i = 0; i < AT_ONCE; i++) {
        knock_start(&scenes->temp, &begun.txn_id, &client, SCENE_NOW_MS, &heard[i]);
    }
    for (size_t i = 0; i < AT_ONCE; i++) {
        temp_store_wait(&scenes->temp.temp, &heard[i].done);
        answered += heard[i].outcome.result == TXNS_DONE ? 1 : 0;
    }
    assert_int_equal(answered, LIMIT_TXN_CHALLENGES);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM guesses"), answered);
}

/* Three transactions have fifteen challenges, of which the account has ten. */
static void of_ke1_at_two_daemons_ten_are_answered(void **state)
{
    struct factor_scenes *scenes = *state;
    static struct heard_txn heard[3][LIMIT_TXN_CHALLENGES];
    struct temp_domain beside;
    struct opaque_client client;
    size_t answered = 0;

    if (!temp_store_is_shared()) {
        skip();
    }
    temp_domain_open_beside(&beside, &scenes->temp);
    enrol_and_begin(scenes, &client);
    for (size_t i = 0; i < 3; i++) {
        struct txns_outcome begun = factor_begin(scenes, TXN_LINK, NULL);

        for (size_t n = 0; n < LIMIT_TXN_CHALLENGES; n++) {
            knock_start(n % 2 == 0 ? &scenes->temp : &beside, &begun.txn_id, &client, SCENE_NOW_MS,
                        &heard[i][n]);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        for (size_t n = 0; n < LIMIT_TXN_CHALLENGES; n++) {
            temp_store_wait(n % 2 == 0 ? &scenes->temp.temp : &beside.temp, &heard[i][n].done);
            answered += heard[i][n].outcome.result == TXNS_DONE ? 1 : 0;
        }
    }
    assert_int_equal(answered, LIMIT_GUESSES_DAY);
    temp_domain_close(&beside);
}

static void ke1_is_counted_among_guesses_of_all_kinds(void **state)
{
    struct factor_scenes *scenes = *state;
    struct opaque_client client;
    struct login login;
    struct started started;

    enrol_and_begin(scenes, &client);
    for (int i = 0; i < 2 * LIMIT_CHALLENGE_GUESSES; i++) {
        if (i % LIMIT_CHALLENGE_GUESSES == 0) {
            started = factor_start(scenes, TXN_LINK, FACTOR_CODE);
        }
        assert_int_equal(factor_answer(scenes, &started, "no").result, TXNS_MALFORMED);
        (void)factor_answer(scenes, &started, "000000");
    }
    knock(scenes, NULL, &client, &login);
    assert_int_equal(login.heard.outcome.result, TXNS_RATE_LIMITED);
    assert_int_equal(login.heard.outcome.retry_s, LIMIT_GUESS_DAY_S);
    scenes->now_ms += S(LIMIT_GUESS_DAY_S);
    knock(scenes, NULL, &client, &login);
    assert_int_equal(finish(scenes, &login).result, TXNS_DONE);
}

static void what_could_not_be_counted_is_not_answered(void **state)
{
    struct factor_scenes *scenes = *state;
    struct opaque_client client;
    struct login login;

    enrol_and_begin(scenes, &client);
    damage_break(&scenes->temp, DAMAGE_INSERT_GUESSES);
    knock(scenes, NULL, &client, &login);
    assert_int_equal(login.heard.outcome.result, TXNS_UNAVAILABLE);
    assert_null(login.heard.outcome.ke2);
    damage_mend(&scenes->temp);
    knock(scenes, NULL, &client, &login);
    assert_int_equal(finish(scenes, &login).result, TXNS_DONE);
}

/* "nobody-N" that has a password in its kinds. */
static void find_nobody(struct factor_scenes *scenes, char name[NAME_CHARS])
{
    for (int i = 0;; i++) {
        (void)snprintf(name, NAME_CHARS, "nobody-%d", i);
        if ((factor_begin(scenes, TXN_LINK, name).kinds & 1U << FACTOR_PASSWORD) != 0) {
            return;
        }
    }
}

static void whom_there_is_not_is_answered_alike_and_never_rightly(void **state)
{
    struct factor_scenes *scenes = *state;
    struct opaque_client client;
    struct login login;
    uint8_t evaluated[EVALUATED_BYTES];
    char name[NAME_CHARS];

    (void)enrol(scenes, &client, 1, NULL);
    find_nobody(scenes, name);
    opaque_client_begin(&client, 1);
    knock(scenes, name, &client, &login);
    assert_int_equal(login.heard.outcome.result, TXNS_DONE);
    memcpy(evaluated, login.heard.ke2, sizeof evaluated);
    assert_int_equal(finish(scenes, &login).result, TXNS_WRONG);
    knock(scenes, name, &client, &login);
    assert_memory_equal(login.heard.ke2, evaluated, sizeof evaluated);
    knock(scenes, NULL, &client, &login);
    assert_memory_not_equal(login.heard.ke2, evaluated, sizeof evaluated);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM txn_challenges"
                                                " WHERE verifier IS NULL OR factor_id IS NULL"),
                     0);
}

static void a_password_that_was_changed_is_none_from_then_on(void **state)
{
    struct factor_scenes *scenes = *state;
    struct opaque_client client;
    struct opaque_client next;
    struct login login;
    struct login late;
    struct grant grant;

    enrol_and_begin(scenes, &client);
    struct txns_outcome begun = factor_begin(scenes, TXN_STEPUP, NULL);
    knock_in(scenes, &begun.txn_id, &client, &login);
    grant = finish(scenes, &login).grant;
    knock(scenes, NULL, &client, &late);
    assert_int_equal(factor_enrol(scenes, FACTOR_PASSWORD, NULL).result, FACTORS_STEPUP);
    (void)enrol(scenes, &next, 2, &grant);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM factors"), 1);
    assert_int_equal(finish(scenes, &late).result, TXNS_WRONG);
    opaque_client_begin(&next, 2);
    knock(scenes, NULL, &next, &login);
    assert_int_equal(finish(scenes, &login).result, TXNS_DONE);
}

/* A newer key file is for new passwords. */
static void a_record_stays_with_the_key_that_made_it(void **state)
{
    static const uint8_t key[OPAQUE_KEY_BYTES] = { 11 };
    struct factor_scenes *scenes = *state;
    struct opaque_client client;
    struct opaque_client next;
    struct login login;
    struct heard_factor pending;
    struct factors_proof proof = { .kind = FACTOR_PASSWORD, .record = next.record };

    pending = factor_enrol(scenes, FACTOR_PASSWORD, NULL);
    (void)enrol(scenes, &client, 1, NULL);
    passwords_add_key(scenes->temp.domain.passwords, 2, key);
    opaque_client_begin(&client, 1);
    struct txns_outcome begun = factor_begin(scenes, TXN_STEPUP, NULL);
    knock_in(scenes, &begun.txn_id, &client, &login);
    struct txns_outcome outcome = finish(scenes, &login);
    assert_int_equal(outcome.result, TXNS_DONE);
    opaque_client_init(&next, 2, pending.response);
    assert_int_equal(factor_confirm_by(scenes, &pending.factor_id, &proof), FACTORS_UNKNOWN);
    (void)enrol(scenes, &next, 2, &outcome.grant);
    assert_memory_not_equal(next.server_public, client.server_public, sizeof next.server_public);
    opaque_client_begin(&next, 3);
    knock(scenes, NULL, &next, &login);
    assert_int_equal(finish(scenes, &login).result, TXNS_DONE);
}

static void a_record_that_cannot_be_read_is_answered_as_none(void **state)
{
    struct factor_scenes *scenes = *state;
    struct opaque_client client;
    struct login login;

    (void)enrol(scenes, &client, 1, NULL);
    damage_run(&scenes->temp, "UPDATE factors SET secret = x'01'",
               "UPDATE factors SET secret = '\\x01'::bytea");
    opaque_client_begin(&client, 1);
    knock(scenes, NULL, &client, &login);
    assert_int_equal(login.heard.outcome.result, TXNS_DONE);
    assert_int_equal(finish(scenes, &login).result, TXNS_WRONG);
}

static void a_record_is_stored_sealed(void **state)
{
    struct factor_scenes *scenes = *state;
    struct opaque_client client;

    (void)enrol(scenes, &client, 1, NULL);
    assert_int_equal(scene_count(&scenes->temp, "SELECT length(secret) FROM factors"),
                     4 + OPAQUE_RECORD_BYTES + SEAL_OVERHEAD_BYTES);
}

static void hear_erased(void *arg, const struct accounts_outcome *outcome)
{
    assert_int_equal(outcome->result, ACCOUNTS_DONE);
    *(bool *)arg = true;
}

static void an_erased_accounts_right_ke3_is_wrong(void **state)
{
    struct factor_scenes *scenes = *state;
    const struct accounts_erasure erasure = { .account_id = scenes->ada.account_id };
    struct opaque_client client;
    struct login login;
    bool done = false;

    enrol_and_begin(scenes, &client);
    knock(scenes, NULL, &client, &login);
    accounts_erase(&scenes->temp.domain, &erasure, SCENE_NOW_MS, hear_erased, &done);
    temp_store_wait(&scenes->temp.temp, &done);
    assert_int_equal(finish(scenes, &login).result, TXNS_WRONG);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM grants"), 0);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, factor_scenes_set_up, factor_scenes_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_right_ke3_gives_a_grant_and_the_guess_back),
        TEST(a_wrong_ke3_ends_its_challenge_and_stays_a_guess),
        TEST(ke3_has_a_minute),
        TEST(what_was_counted_counts_when_the_clock_goes_back),
        TEST(of_ke1_that_come_at_once_five_are_answered_in_a_transaction),
        TEST(of_ke1_at_two_daemons_ten_are_answered),
        TEST(ke1_is_counted_among_guesses_of_all_kinds),
        TEST(what_could_not_be_counted_is_not_answered),
        TEST(whom_there_is_not_is_answered_alike_and_never_rightly),
        TEST(a_password_that_was_changed_is_none_from_then_on),
        TEST(a_record_stays_with_the_key_that_made_it),
        TEST(a_record_that_cannot_be_read_is_answered_as_none),
        TEST(a_record_is_stored_sealed),
        TEST(an_erased_accounts_right_ke3_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

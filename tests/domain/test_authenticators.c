/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/bytes.h"
#include "common/limits.h"
#include "server/domain/account_log.h"
#include "server/domain/authenticators.h"
#include "server/domain/grants.h"
#include "tests/domain/support/authenticator.h"
#include "tests/domain/support/damage.h"
#include "tests/domain/support/factor_scenes.h"
#include "tests/support/unit.h"

#define S(count) ((count)*INT64_C(1000))

enum {
    AT_ONCE = 16,
    NAME_CHARS = 20
};

static enum factors_result confirm(struct factor_scenes *scenes, const struct heard_factor *heard,
                                   struct authenticator *authenticator)
{
    struct factors_proof proof = { .kind = FACTOR_WEBAUTHN };

    authenticator_create(authenticator, heard->challenge);
    proof.client_data = buf_view(&authenticator->client_data);
    proof.auth_data = buf_view(&authenticator->auth_data);
    return factor_confirm_by(scenes, &heard->factor_id, &proof);
}

static struct factor_id enrol(struct factor_scenes *scenes, struct authenticator *authenticator,
                              const struct grant *grant)
{
    struct heard_factor heard = factor_enrol(scenes, FACTOR_WEBAUTHN, grant);

    assert_int_equal(heard.result, FACTORS_DONE);
    assert_int_equal(confirm(scenes, &heard, authenticator), FACTORS_DONE);
    return heard.factor_id;
}

struct asked {
    struct started started;
    uint8_t challenge[WEBAUTHN_CHALLENGE_BYTES];
    struct authenticators_id allowed;
    struct txns_outcome outcome;
};

static void hear(void *arg, const struct txns_outcome *outcome)
{
    struct heard_txn *heard = arg;

    heard->outcome = *outcome;
    if (outcome->options != NULL) {
        memcpy(heard->challenge, outcome->options->challenge, sizeof heard->challenge);
        heard->allowed = outcome->options->allowed->at[0];
    }
    heard->done = true;
}

/* Ask for an assertion, for ada or for a handle. */
static struct asked ask(struct factor_scenes *scenes, enum txn_purpose purpose, const char *handle)
{
    struct heard_txn heard = { .done = false };
    struct txns_outcome begun = factor_begin(scenes, purpose, handle);
    const struct txns_challenge_order order = { begun.txn_id, FACTOR_WEBAUTHN, NULL };
    struct asked asked;

    txns_challenge(&scenes->temp.domain, &order, scenes->now_ms, hear, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    asked = (struct asked){ .started = { begun.txn_id, heard.outcome.txn_challenge_id },
                            .allowed = heard.allowed,
                            .outcome = heard.outcome };
    memcpy(asked.challenge, heard.challenge, sizeof asked.challenge);
    return asked;
}

static struct factor_reply reply_of(const struct authenticator *authenticator)
{
    return (struct factor_reply){
        .id = bytes_of(authenticator->id, sizeof authenticator->id),
        .assertion = { .client_data = buf_view(&authenticator->client_data),
                       .auth_data = buf_view(&authenticator->auth_data),
                       .signature =
                           bytes_of(authenticator->signature, sizeof authenticator->signature) },
    };
}

static struct txns_outcome send(struct factor_scenes *scenes, const struct asked *asked,
                                const struct factor_reply *reply)
{
    struct heard_txn heard;

    factor_reply_start(&scenes->temp, &asked->started, reply, scenes->now_ms, &heard);
    temp_store_wait(&scenes->temp.temp, &heard.done);
    return heard.outcome;
}

static struct txns_outcome assert_by(struct factor_scenes *scenes, const struct asked *asked,
                                     struct authenticator *authenticator)
{
    struct factor_reply reply;

    authenticator_get(authenticator, asked->challenge);
    reply = reply_of(authenticator);
    return send(scenes, asked, &reply);
}

static int64_t warnings(struct factor_scenes *scenes)
{
    return scene_count(&scenes->temp, "SELECT count(*) FROM account_log WHERE event = 4");
}

static void an_assertion_gives_a_grant_and_is_no_guess(void **state)
{
    struct factor_scenes *scenes = *state;
    struct authenticator authenticator;
    struct asked asked;
    struct txns_outcome outcome;

    authenticator_init(&authenticator, 1);
    (void)enrol(scenes, &authenticator, NULL);
    asked = ask(scenes, TXN_STEPUP, NULL);
    assert_int_equal(asked.outcome.attempts_left, 1);
    assert_int_equal(asked.outcome.expires_at, SCENE_NOW_MS / 1000 + LIMIT_WEBAUTHN_S);
    authenticator.counter = 2;
    outcome = assert_by(scenes, &asked, &authenticator);
    assert_int_equal(outcome.result, TXNS_DONE);
    assert_int_equal(outcome.purpose, TXN_STEPUP);
    assert_int_equal(scene_count(&scenes->temp, "SELECT counter FROM factors"), 2);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM grants WHERE kind = 4"), 1);
    assert_int_equal(assert_by(scenes, &asked, &authenticator).result, TXNS_CHALLENGE_UNKNOWN);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM guesses"), 0);
    authenticator_clear(&authenticator);
}

static void a_challenge_is_spent_before_it_is_judged(void **state)
{
    struct factor_scenes *scenes = *state;
    struct authenticator authenticator;
    struct asked asked;
    struct factor_reply reply;

    authenticator_init(&authenticator, 1);
    (void)enrol(scenes, &authenticator, NULL);
    asked = ask(scenes, TXN_LINK, NULL);
    authenticator.counter = 2;
    authenticator_get(&authenticator, asked.challenge);
    authenticator.signature[0] ^= 1;
    reply = reply_of(&authenticator);
    assert_int_equal(send(scenes, &asked, &reply).result, TXNS_WRONG);
    assert_int_equal(assert_by(scenes, &asked, &authenticator).result, TXNS_CHALLENGE_UNKNOWN);
    assert_int_equal(scene_count(&scenes->temp, "SELECT count(*) FROM guesses"), 0);
    authenticator_clear(&authenticator);
}

static void an_assertion_for_another_challenge_is_wrong(void **state)
{
    struct factor_scenes *scenes = *state;
    struct authenticator authenticator;
    struct asked one;
    struct asked other;
    struct factor_reply reply;

    authenticator_init(&authenticator, 1);
    (void)enrol(scenes, &authenticator, NULL);
    one = ask(scenes, TXN_LINK, NULL);
    other = ask(scenes, TXN_LINK, NULL);
    authenticator.counter = 2;
    authenticator_get(&authenticator, one.challenge);
    reply = reply_of(&authenticator);
    assert_int_equal(send(scenes, &other, &reply).result, TXNS_WRONG);
    assert_int_equal(send(scenes, &one, &reply).result, TXNS_DONE);
    authenticator_clear(&authenticator);
}

static void a_counter_that_does_not_grow_warns(void **state)
{
    static const uint32_t counters[] = { 5, 4, 0 };
    struct factor_scenes *scenes = *state;
    struct authenticator authenticator;

    authenticator_init(&authenticator, 1);
    authenticator.counter = 5;
    (void)enrol(scenes, &authenticator, NULL);
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        struct asked asked = ask(scenes, TXN_LINK, NULL);

        authenticator.counter = counters[i];
        assert_int_equal(assert_by(scenes, &asked, &authenticator).result, TXNS_WRONG);
        assert_int_equal(warnings(scenes), i + 1);
    }
    assert_int_equal(scene_count(&scenes->temp, "SELECT counter FROM factors"), 5);
    authenticator_clear(&authenticator);
}

static void an_authenticator_that_does_not_count_is_never_behind(void **state)
{
    struct factor_scenes *scenes = *state;
    struct authenticator authenticator;

    authenticator_init(&authenticator, 1);
    authenticator.counter = 0;
    (void)enrol(scenes, &authenticator, NULL);
    for (int i = 0; i < 2; i++) {
        struct asked asked = ask(scenes, TXN_LINK, NULL);

        assert_int_equal(assert_by(scenes, &asked, &authenticator).result, TXNS_DONE);
    }
    assert_int_equal(warnings(scenes), 0);
    authenticator_clear(&authenticator);
}

static void of_two_at_once_with_one_counter_one_is_right_and_one_warns(void **state)
{
    struct factor_scenes *scenes = *state;
    struct authenticator authenticator;
    struct asked asked[2];
    struct heard_txn heard[2];

    authenticator_init(&authenticator, 1);
    (void)enrol(scenes, &authenticator, NULL);
    authenticator.counter = 2;
    for (size_t i = 0; i < 2; i++) {
        asked[i] = ask(scenes, TXN_LINK, NULL);
    }
    for (size_t i = 0; i < 2; i++) {
        struct factor_reply reply;

        authenticator_get(&authenticator, asked[i].challenge);
        reply = reply_of(&authenticator);
        factor_reply_start(&scenes->temp, &asked[i].started, &reply, SCENE_NOW_MS, &heard[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        temp_store_wait(&scenes->temp.temp, &heard[i].done);
    }
    assert_int_equal(
        (heard[0].outcome.result == TXNS_DONE) + (heard[1].outcome.result == TXNS_DONE), 1);
    assert_int_equal(
        (heard[0].outcome.result == TXNS_WRONG) + (heard[1].outcome.result == TXNS_WRONG), 1);
    assert_int_equal(warnings(scenes), 1);
    authenticator_clear(&authenticator);
}

static void of_one_assertion_that_comes_many_times_at_once_one_is_judged(void **state)
{
    static struct heard_txn heard[AT_ONCE];
    struct factor_scenes *scenes = *state;
    struct authenticator authenticator;
    struct asked asked;
    struct factor_reply reply;
    size_t done = 0;

    authenticator_init(&authenticator, 1);
    (void)enrol(scenes, &authenticator, NULL);
    asked = ask(scenes, TXN_LINK, NULL);
    authenticator.counter = 2;
    authenticator_get(&authenticator, asked.challenge);
    reply = reply_of(&authenticator);
    for (size_t i = 0; i < AT_ONCE; i++) {
        factor_reply_start(&scenes->temp, &asked.started, &reply, SCENE_NOW_MS, &heard[i]);
    }
    for (size_t i = 0; i < AT_ONCE; i++) {
        temp_store_wait(&scenes->temp.temp, &heard[i].done);
        done += heard[i].outcome.result == TXNS_DONE ? 1 : 0;
    }
    assert_int_equal(done, 1);
    assert_int_equal(warnings(scenes), 0);
    authenticator_clear(&authenticator);
}

static void who_says_that_it_is_anothers_is_wrong(void **state)
{
    struct factor_scenes *scenes = *state;
    struct authenticator authenticator;
    uint8_t user[AUTHENTICATORS_USER_BYTES];

    authenticator_init(&authenticator, 1);
    (void)enrol(scenes, &authenticator, NULL);
    authenticators_user(&scenes->temp.domain, &scenes->ada.account_id, user);
    for (int i = 0; i < 2; i++) {
        struct asked asked = ask(scenes, TXN_LINK, NULL);
        struct factor_reply reply;

        user[0] ^= 1;
        authenticator.counter++;
        authenticator_get(&authenticator, asked.challenge);
        reply = reply_of(&authenticator);
        reply.user = bytes_of(user, sizeof user);
        assert_int_equal(send(scenes, &asked, &reply).result, i == 0 ? TXNS_WRONG : TXNS_DONE);
    }
    authenticator_clear(&authenticator);
}

static void an_account_has_an_authenticator_once(void **state)
{
    struct factor_scenes *scenes = *state;
    struct authenticator authenticator;
    struct heard_factor early;
    struct heard_factor late;
    struct asked asked;
    struct grant grant;

    authenticator_init(&authenticator, 1);
    early = factor_enrol(scenes, FACTOR_WEBAUTHN, NULL);
    assert_int_equal(early.excluded_count, 0);
    (void)enrol(scenes, &authenticator, NULL);
    assert_int_equal(confirm(scenes, &early, &authenticator), FACTORS_KNOWN);
    asked = ask(scenes, TXN_STEPUP, NULL);
    authenticator.counter = 2;
    grant = assert_by(scenes, &asked, &authenticator).grant;
    late = factor_enrol(scenes, FACTOR_WEBAUTHN, &grant);
    assert_int_equal(late.result, FACTORS_DONE);
    assert_int_equal(late.excluded_count, 1);
    assert_int_equal(confirm(scenes, &late, &authenticator), FACTORS_KNOWN);
    authenticator_clear(&authenticator);
}

static void a_registration_has_five_minutes(void **state)
{
    struct factor_scenes *scenes = *state;
    struct authenticator authenticator;
    struct heard_factor heard = factor_enrol(scenes, FACTOR_WEBAUTHN, NULL);

    authenticator_init(&authenticator, 1);
    scenes->now_ms += S(LIMIT_WEBAUTHN_S);
    assert_int_equal(confirm(scenes, &heard, &authenticator), FACTORS_UNKNOWN);
    scenes->now_ms -= 1;
    assert_int_equal(confirm(scenes, &heard, &authenticator), FACTORS_DONE);
    assert_int_equal(confirm(scenes, &heard, &authenticator), FACTORS_UNKNOWN);
    authenticator_clear(&authenticator);
}

static void challenges_are_twenty_an_hour(void **state)
{
    struct factor_scenes *scenes = *state;
    struct authenticator authenticator;
    struct asked asked;

    authenticator_init(&authenticator, 1);
    (void)enrol(scenes, &authenticator, NULL);
    for (int i = 0; i < LIMIT_WEBAUTHN_HOUR; i++) {
        assert_int_equal(ask(scenes, TXN_LINK, NULL).outcome.result, TXNS_DONE);
        scenes->now_ms += S(60);
    }
    asked = ask(scenes, TXN_LINK, NULL);
    assert_int_equal(asked.outcome.result, TXNS_RATE_LIMITED);
    assert_int_equal(asked.outcome.retry_s, LIMIT_HOUR_S - LIMIT_WEBAUTHN_HOUR * 60);
    scenes->now_ms = SCENE_NOW_MS + S(LIMIT_HOUR_S);
    assert_int_equal(ask(scenes, TXN_LINK, NULL).outcome.result, TXNS_DONE);
    authenticator_clear(&authenticator);
}

static void whom_there_is_not_is_asked_by_the_same_ids_each_time(void **state)
{
    struct factor_scenes *scenes = *state;
    struct authenticator authenticator;
    struct asked one;
    struct asked other;
    char name[NAME_CHARS] = "";

    authenticator_init(&authenticator, 1);
    for (int i = 0; name[0] == '\0'; i++) {
        char each[NAME_CHARS];

        (void)snprintf(each, sizeof each, "nobody-%d", i);
        if ((factor_begin(scenes, TXN_LINK, each).kinds & 1U << FACTOR_WEBAUTHN) != 0) {
            memcpy(name, each, sizeof name);
        }
    }
    one = ask(scenes, TXN_LINK, name);
    other = ask(scenes, TXN_LINK, name);
    assert_int_equal(one.outcome.result, TXNS_DONE);
    assert_int_equal(one.allowed.size, other.allowed.size);
    assert_memory_equal(one.allowed.raw, other.allowed.raw, one.allowed.size);
    assert_memory_not_equal(one.challenge, other.challenge, sizeof one.challenge);
    assert_int_equal(assert_by(scenes, &one, &authenticator).result, TXNS_WRONG);
    authenticator_clear(&authenticator);
}

static void a_credential_that_cannot_be_read_is_wrong_and_no_harm_to_others(void **state)
{
    struct factor_scenes *scenes = *state;
    struct authenticator authenticator;
    struct asked asked;

    authenticator_init(&authenticator, 1);
    (void)enrol(scenes, &authenticator, NULL);
    asked = ask(scenes, TXN_LINK, NULL);
    damage_run(&scenes->temp, "UPDATE factors SET secret = x'01'",
               "UPDATE factors SET secret = '\\x01'::bytea");
    authenticator.counter = 2;
    assert_int_equal(assert_by(scenes, &asked, &authenticator).result, TXNS_WRONG);
    asked = ask(scenes, TXN_LINK, NULL); /* decoys stand in */
    assert_int_equal(asked.outcome.result, TXNS_DONE);
    authenticator_clear(&authenticator);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, factor_scenes_set_up, factor_scenes_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(an_assertion_gives_a_grant_and_is_no_guess),
        TEST(a_challenge_is_spent_before_it_is_judged),
        TEST(an_assertion_for_another_challenge_is_wrong),
        TEST(a_counter_that_does_not_grow_warns),
        TEST(an_authenticator_that_does_not_count_is_never_behind),
        TEST(of_two_at_once_with_one_counter_one_is_right_and_one_warns),
        TEST(of_one_assertion_that_comes_many_times_at_once_one_is_judged),
        TEST(who_says_that_it_is_anothers_is_wrong),
        TEST(an_account_has_an_authenticator_once),
        TEST(a_registration_has_five_minutes),
        TEST(challenges_are_twenty_an_hour),
        TEST(whom_there_is_not_is_asked_by_the_same_ids_each_time),
        TEST(a_credential_that_cannot_be_read_is_wrong_and_no_harm_to_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

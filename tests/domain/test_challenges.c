/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/crypto.h"
#include "common/limits.h"
#include "server/domain/challenges.h"
#include "server/store/store.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/unit.h"

static enum store_status spend(struct temp_domain *temp, const struct challenge *challenge)
{
    struct store_batch *batch = store_batch_create();

    challenges_spend(batch, challenge);
    return temp_store_run(&temp->temp, &batch, NULL, NULL);
}

static void a_challenge_is_good_for_a_minute(void **state)
{
    struct domain domain = { .keys = { .challenge = { 1 } } };
    struct challenge challenge;
    int64_t expires_at = SCENE_NOW_MS / 1000 + LIMIT_CHALLENGE_S;

    (void)state;
    challenges_make(&domain, SCENE_NOW_MS, &challenge);
    assert_int_equal(challenges_expiry(&challenge), expires_at);
    assert_true(challenges_check(&domain, &challenge, SCENE_NOW_MS));
    assert_true(challenges_check(&domain, &challenge, expires_at * 1000 - 1));
    assert_false(challenges_check(&domain, &challenge, expires_at * 1000));
}

static void a_challenge_of_an_older_key_is_good_as_long_as_that_is_there(void **state)
{
    struct domain domain = { .keys = { .challenge = { 1 } } };
    struct domain_keys *keys = &domain.keys;
    struct challenge challenge;

    (void)state;
    challenges_make(&domain, SCENE_NOW_MS, &challenge);
    memcpy(keys->other_challenges[1], keys->challenge, sizeof keys->challenge);
    keys->challenge[0] = 2;
    assert_false(challenges_check(&domain, &challenge, SCENE_NOW_MS));
    keys->other_challenge_count = 2;
    assert_true(challenges_check(&domain, &challenge, SCENE_NOW_MS));
    assert_false(challenges_check(&domain, &challenge, challenges_expiry(&challenge) * 1000));
    keys->other_challenge_count = 1;
    assert_false(challenges_check(&domain, &challenge, SCENE_NOW_MS));
}

static void no_two_challenges_are_the_same(void **state)
{
    struct domain domain = { .keys = { .challenge = { 1 } } };
    struct challenge one;
    struct challenge other;

    (void)state;
    challenges_make(&domain, SCENE_NOW_MS, &one);
    challenges_make(&domain, SCENE_NOW_MS, &other);
    assert_memory_not_equal(one.raw, other.raw, sizeof one.raw);
}

static void a_challenge_with_any_bit_changed_is_refused(void **state)
{
    struct domain domain = { .keys = { .challenge = { 1 } } };
    struct challenge challenge;

    (void)state;
    challenges_make(&domain, SCENE_NOW_MS, &challenge);
    for (size_t i = 0; i < sizeof challenge.raw * 8; i++) {
        challenge.raw[i / 8] ^= (uint8_t)(1 << (i % 8));
        assert_false(challenges_check(&domain, &challenge, SCENE_NOW_MS));
        challenge.raw[i / 8] ^= (uint8_t)(1 << (i % 8));
    }
    assert_true(challenges_check(&domain, &challenge, SCENE_NOW_MS));
}

static void a_challenge_of_another_relay_is_refused(void **state)
{
    struct domain domain = { .keys = { .challenge = { 1 } } };
    struct challenge challenge;

    (void)state;
    challenges_make(&domain, SCENE_NOW_MS, &challenge);
    domain.keys.challenge[31] = 1;
    assert_false(challenges_check(&domain, &challenge, SCENE_NOW_MS));
}

static void a_challenge_is_spent_once(void **state)
{
    struct temp_domain temp;
    struct challenge challenge;

    (void)state;
    temp_domain_open(&temp);
    challenges_make(&temp.domain, SCENE_NOW_MS, &challenge);
    assert_int_equal(spend(&temp, &challenge), STORE_OK);
    assert_int_equal(spend(&temp, &challenge), STORE_REFUSED);
    temp_domain_close(&temp);
}

static size_t purge(struct temp_domain *temp, int64_t now_ms)
{
    struct heard_purge heard = { 0 };

    challenges_purge(&temp->domain, now_ms, scene_hear_purge, &heard);
    temp_store_wait(&temp->temp, &heard.done);
    return heard.row_count;
}

static void a_spent_challenge_is_remembered_past_its_expiry_and_then_forgotten(void **state)
{
    struct temp_domain temp;
    struct challenge challenge;

    (void)state;
    temp_domain_open(&temp);
    challenges_make(&temp.domain, SCENE_NOW_MS, &challenge);
    assert_int_equal(spend(&temp, &challenge), STORE_OK);
    assert_int_equal(purge(&temp, (challenges_expiry(&challenge) + 1) * 1000), 0);
    assert_int_equal(spend(&temp, &challenge), STORE_REFUSED);
    assert_int_equal(purge(&temp, SCENE_NOW_MS + 2 * (int64_t)DOMAIN_DAY_MS), 1);
    assert_int_equal(purge(&temp, SCENE_NOW_MS + 2 * (int64_t)DOMAIN_DAY_MS), 0);
    temp_domain_close(&temp);
}

static int start_crypto(void **state)
{
    (void)state;
    return crypto_start() ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_challenge_is_good_for_a_minute),
        cmocka_unit_test(a_challenge_of_an_older_key_is_good_as_long_as_that_is_there),
        cmocka_unit_test(no_two_challenges_are_the_same),
        cmocka_unit_test(a_challenge_with_any_bit_changed_is_refused),
        cmocka_unit_test(a_challenge_of_another_relay_is_refused),
        cmocka_unit_test(a_challenge_is_spent_once),
        cmocka_unit_test(a_spent_challenge_is_remembered_past_its_expiry_and_then_forgotten),
    };

    return cmocka_run_group_tests(tests, start_crypto, NULL);
}

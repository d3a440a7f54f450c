/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A challenge, or a wrong answer, is the same work whether there is an account or not.  Here each
 * is made many times; the step factors-alike of the slow tests counts the instructions that
 * factor_start_make and factor_guess_judge take for each, the name of which is the
 * program's argument.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "server/domain/txns.h"
#include "tests/domain/support/authenticator.h"
#include "tests/domain/support/factor_scenes.h"
#include "tests/domain/support/opaque_client.h"
#include "tests/support/unit.h"

enum {
    TIMES = 20,
    NAME_CHARS = 20
};

/* Start a challenge for ada (NULL) or a handle, as if none had been before. */
static struct started start(struct factor_scenes *scenes, const char *name, enum factor_kind kind,
                            const uint8_t *ke1)
{
    struct txns_challenge_order order = { .kind = kind, .ke1 = ke1 };
    struct txns_outcome outcome;

    scene_run(&scenes->temp, "DELETE FROM guesses");
    scene_run(&scenes->temp, "DELETE FROM txn_challenges");
    order.txn_id = factor_begin(scenes, TXN_LINK, name).txn_id;
    outcome = factor_challenge_by(scenes, &order);
    assert_int_equal(outcome.result, TXNS_DONE);
    return (struct started){ order.txn_id, outcome.txn_challenge_id };
}

/* A name of nobody who seems to have the kind. */
static void find(struct factor_scenes *scenes, enum factor_kind kind, char out[NAME_CHARS])
{
    int i = 0;

    do {
        (void)snprintf(out, NAME_CHARS, "nobody-%d", i);
        i++;
    } while ((factor_begin(scenes, TXN_LINK, out).kinds & 1U << kind) == 0);
}

static void knock(struct factor_scenes *scenes, const char *name)
{
    struct heard_factor heard = factor_enrol(scenes, FACTOR_PASSWORD, NULL);
    struct opaque_client client;
    struct factors_proof proof = { .kind = FACTOR_PASSWORD, .record = client.record };

    opaque_client_init(&client, 1, heard.response);
    assert_int_equal(factor_confirm_by(scenes, &heard.factor_id, &proof), FACTORS_DONE);
    opaque_client_begin(&client, 1);
    for (int i = 0; i < TIMES; i++) {
        (void)start(scenes, name, FACTOR_PASSWORD, client.ke1);
    }
}

static void known_password(void **state)
{
    knock(*state, NULL);
}

static void nobodys_password(void **state)
{
    char name[NAME_CHARS];

    find(*state, FACTOR_PASSWORD, name);
    knock(*state, name);
}

static void ask(struct factor_scenes *scenes, const char *name)
{
    struct heard_factor heard = factor_enrol(scenes, FACTOR_WEBAUTHN, NULL);
    struct factors_proof proof = { .kind = FACTOR_WEBAUTHN };
    struct authenticator authenticator;

    authenticator_init(&authenticator, 1);
    authenticator_create(&authenticator, heard.challenge);
    proof.client_data = buf_view(&authenticator.client_data);
    proof.auth_data = buf_view(&authenticator.auth_data);
    assert_int_equal(factor_confirm_by(scenes, &heard.factor_id, &proof), FACTORS_DONE);
    for (int i = 0; i < TIMES; i++) {
        (void)start(scenes, name, FACTOR_WEBAUTHN, NULL);
    }
    authenticator_clear(&authenticator);
}

static void known_authenticator(void **state)
{
    ask(*state, NULL);
}

static void nobodys_authenticator(void **state)
{
    char name[NAME_CHARS];

    find(*state, FACTOR_WEBAUTHN, name);
    ask(*state, name);
}

static void guess(struct factor_scenes *scenes, const char *name)
{
    struct heard_factor app = factor_enrol_app(scenes, NULL);
    char wrong[CODES_DIGITS + 1];

    factor_app_wrong(scenes, &app, wrong);
    for (int i = 0; i < TIMES; i++) {
        const struct started started = start(scenes, name, FACTOR_TOTP, NULL);

        assert_int_equal(factor_answer(scenes, &started, wrong).result, TXNS_WRONG);
    }
}

static void known_app(void **state)
{
    guess(*state, NULL);
}

static void nobodys_app(void **state)
{
    char name[NAME_CHARS];

    find(*state, FACTOR_TOTP, name);
    guess(*state, name);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, factor_scenes_set_up, factor_scenes_tear_down)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        TEST(known_password),        TEST(nobodys_password), TEST(known_authenticator),
        TEST(nobodys_authenticator), TEST(known_app),        TEST(nobodys_app),
    };

    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

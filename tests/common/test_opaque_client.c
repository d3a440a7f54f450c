/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/vectors/opaque.json is that of RFC 9807 appendix C, of which those with ristretto255
 * are ours.  A whole server and a client by others are in tests/e2e/factors.test.mjs.
 */
#include <jansson.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/opaque.h"
#include "common/opaque_client.h"
#include "common/opaque_client_private.h"
#include "tests/support/unit.h"
#include "tests/support/vectors.h"

static const struct opaque_stretch cheap = { .passes = 1, .memory_kib = 8 };
static const struct opaque_stretch cheap_too = { .passes = 2, .memory_kib = 8 };
static const uint8_t some_key[OPAQUE_KEY_BYTES] = { 1, 2, 3 };

/* ---- the vectors of the RFC ---- */

/* What a step borrows of a vector. */
struct names {
    struct buf context;
    struct buf client;
    struct buf server;
};

static void read_optional(const json_t *object, const char *member, struct buf *out)
{
    if (json_object_get(object, member) != NULL) {
        vectors_hex(vectors_text(object, member), out);
    }
}

static void expect_output(const json_t *json, const char *member, const uint8_t *got, size_t size)
{
    uint8_t expected[OPAQUE_KE2_BYTES];

    vectors_hex_exact(vectors_text(json_object_get(json, "outputs"), member), expected, size);
    assert_memory_equal(got, expected, size);
}

static void register_by(const json_t *json, struct bytes password, const struct opaque_names *names)
{
    const json_t *inputs = json_object_get(json, "inputs");
    struct opaque_client client = { .password_size = 0 };
    const struct opaque_client_step step = { .client = &client, .names = *names };
    uint8_t request[OPAQUE_REQUEST_BYTES];
    uint8_t response[OPAQUE_RESPONSE_BYTES];
    uint8_t nonce[OPAQUE_NONCE_BYTES];
    uint8_t record[OPAQUE_RECORD_BYTES];
    struct opaque_client_keys keys;

    vectors_hex_exact(vectors_text(inputs, "blind_registration"), client.blind, 32);
    assert_true(opaque_client_register_exactly(&client, password, request));
    expect_output(json, "registration_request", request, sizeof request);
    vectors_hex_exact(vectors_text(json_object_get(json, "outputs"), "registration_response"),
                      response, sizeof response);
    vectors_hex_exact(vectors_text(inputs, "envelope_nonce"), nonce, sizeof nonce);
    assert_true(opaque_client_enrol_exactly(&step, response, nonce, record, &keys));
    expect_output(json, "registration_upload", record, sizeof record);
    expect_output(json, "export_key", keys.export_key, sizeof keys.export_key);
}

static void log_in_by(const json_t *json, struct bytes password, const struct opaque_names *names)
{
    const json_t *inputs = json_object_get(json, "inputs");
    struct opaque_client client = { .password_size = 0 };
    const struct opaque_client_step step = { .client = &client, .names = *names };
    struct opaque_client_chance chance;
    struct opaque_client_keys keys;
    uint8_t ke1[OPAQUE_KE1_BYTES];
    uint8_t ke2[OPAQUE_KE2_BYTES];
    uint8_t ke3[OPAQUE_KE3_BYTES];

    vectors_hex_exact(vectors_text(inputs, "blind_login"), client.blind, 32);
    vectors_hex_exact(vectors_text(inputs, "client_nonce"), chance.nonce, sizeof chance.nonce);
    vectors_hex_exact(vectors_text(inputs, "client_keyshare_seed"), chance.keyshare_seed,
                      sizeof chance.keyshare_seed);
    assert_true(opaque_client_begin_exactly(&client, password, &chance, ke1));
    expect_output(json, "KE1", ke1, sizeof ke1);
    vectors_hex_exact(vectors_text(json_object_get(json, "outputs"), "KE2"), ke2, sizeof ke2);
    assert_true(opaque_client_finish_exactly(&step, ke2, ke3, &keys));
    expect_output(json, "KE3", ke3, sizeof ke3);
    expect_output(json, "session_key", keys.session_key, sizeof keys.session_key);
    expect_output(json, "export_key", keys.export_key, sizeof keys.export_key);
}

static void vectors_of_the_rfc_come_out(void **state)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/opaque.json");
    size_t count = 0;
    size_t i;
    json_t *json;

    (void)state;
    json_array_foreach (root, i, json) {
        const json_t *config = json_object_get(json, "config");
        const json_t *inputs = json_object_get(json, "inputs");
        struct names texts = { .context = { 0 } };
        struct buf password = { 0 };

        if (strcmp(vectors_text(config, "Group"), "ristretto255") != 0 ||
            strcmp(vectors_text(config, "Fake"), "False") != 0) {
            continue;
        }
        read_optional(config, "Context", &texts.context);
        read_optional(inputs, "client_identity", &texts.client);
        read_optional(inputs, "server_identity", &texts.server);
        vectors_hex(vectors_text(inputs, "password"), &password);
        const struct opaque_names names = { buf_view(&texts.context), buf_view(&texts.client),
                                            buf_view(&texts.server) };
        register_by(json, buf_view(&password), &names);
        log_in_by(json, buf_view(&password), &names);
        buf_clear(&texts.context);
        buf_clear(&texts.client);
        buf_clear(&texts.server);
        buf_clear(&password);
        count++;
    }
    assert_int_equal(count, 2);
    json_decref(root);
}

/* ---- against the server of common/opaque.h ---- */

struct scene {
    struct opaque_server server;
    struct bytes credential_id;
    uint8_t record[OPAQUE_RECORD_BYTES];
    uint8_t export_key[OPAQUE_EXPORT_KEY_BYTES];
    uint8_t ke2[OPAQUE_KE2_BYTES];
    uint8_t ke3[OPAQUE_KE3_BYTES];
    struct opaque_login login;
    struct opaque_client client;
    struct opaque_client_keys keys;
};

static void scene_init(struct scene *scene, const char *password)
{
    uint8_t request[OPAQUE_REQUEST_BYTES];
    uint8_t response[OPAQUE_RESPONSE_BYTES];

    memset(scene, 0, sizeof *scene);
    opaque_server_init(&scene->server, some_key);
    scene->credential_id = bytes_text("an account");
    assert_true(opaque_client_register(&scene->client, bytes_text(password), request));
    assert_true(opaque_register(&scene->server, scene->credential_id, request, response));
    assert_true(opaque_client_enrol(&scene->client, cheap, response, scene->record, &scene->keys));
    assert_true(opaque_record_is_valid(scene->record));
    memcpy(scene->export_key, scene->keys.export_key, sizeof scene->export_key);
}

/* Bring a login as far as KE2. */
static void ask(struct scene *scene, const char *password)
{
    uint8_t ke1[OPAQUE_KE1_BYTES];

    assert_true(opaque_client_begin(&scene->client, bytes_text(password), ke1));
    assert_true(opaque_answer(&scene->server, scene->credential_id, scene->record, ke1, scene->ke2,
                              &scene->login));
}

static bool finishes(struct scene *scene, struct opaque_stretch stretch)
{
    return opaque_client_finish(&scene->client, stretch, scene->ke2, scene->ke3, &scene->keys);
}

static void the_right_password_is_let_in_and_both_have_the_same_key(void **state)
{
    struct scene scene;

    (void)state;
    scene_init(&scene, "a password");
    ask(&scene, "a password");
    assert_true(finishes(&scene, cheap));
    assert_true(opaque_finish(scene.login.verifier, scene.ke3));
    assert_memory_equal(scene.keys.session_key, scene.login.session_key, OPAQUE_SESSION_KEY_BYTES);
    assert_memory_equal(scene.keys.export_key, scene.export_key, OPAQUE_EXPORT_KEY_BYTES);
}

static void a_wrong_password_is_known_to_be_wrong(void **state)
{
    struct scene scene;

    (void)state;
    scene_init(&scene, "a password");
    ask(&scene, "a passworD");
    assert_false(finishes(&scene, cheap));
    ask(&scene, "a password");
    assert_false(finishes(&scene, cheap_too)); /* stretched in another way it is another one */
    opaque_record_fake(&scene.server, scene.credential_id, scene.record);
    ask(&scene, "a password");
    assert_false(finishes(&scene, cheap));
}

static void an_answer_that_was_changed_anywhere_is_refused(void **state)
{
    struct scene scene;

    (void)state;
    scene_init(&scene, "a password");
    ask(&scene, "a password");
    for (size_t i = 0; i < sizeof scene.ke2; i++) {
        scene.ke2[i] ^= 1;
        assert_false(finishes(&scene, cheap));
        scene.ke2[i] ^= 1;
    }
    assert_true(finishes(&scene, cheap));
}

static void a_response_that_is_no_element_gives_no_record(void **state)
{
    struct opaque_client client;
    struct opaque_client_keys keys;
    uint8_t request[OPAQUE_REQUEST_BYTES];
    uint8_t record[OPAQUE_RECORD_BYTES];
    uint8_t response[OPAQUE_RESPONSE_BYTES];
    struct opaque_server server;

    (void)state;
    opaque_server_init(&server, some_key);
    assert_true(opaque_client_register(&client, bytes_text("a password"), request));
    assert_true(opaque_register(&server, bytes_text("an account"), request, response));
    memset(response, 0, 32); /* the identity */
    assert_false(opaque_client_enrol(&client, cheap, response, record, &keys));
    memset(response, 0xff, 32);
    assert_false(opaque_client_enrol(&client, cheap, response, record, &keys));
    assert_true(opaque_register(&server, bytes_text("an account"), request, response));
    memset(response + 32, 0, 32); /* the server's key */
    assert_false(opaque_client_enrol(&client, cheap, response, record, &keys));
}

static void a_password_has_a_byte_and_not_too_many(void **state)
{
    uint8_t password[OPAQUE_PASSWORD_MAX + 1];
    struct opaque_client client;
    uint8_t out[OPAQUE_KE1_BYTES];

    (void)state;
    memset(password, 'x', sizeof password);
    assert_false(opaque_client_register(&client, bytes_of(password, 0), out));
    assert_false(opaque_client_begin(&client, bytes_of(password, 0), out));
    assert_false(opaque_client_register(&client, bytes_of(password, sizeof password), out));
    assert_false(opaque_client_begin(&client, bytes_of(password, sizeof password), out));
    assert_true(opaque_client_register(&client, bytes_of(password, OPAQUE_PASSWORD_MAX), out));
    assert_true(opaque_client_begin(&client, bytes_of(password, OPAQUE_PASSWORD_MAX), out));
}

static void what_is_sent_of_a_password_is_another_each_time(void **state)
{
    struct opaque_client client;
    uint8_t first[OPAQUE_REQUEST_BYTES];
    uint8_t second[OPAQUE_REQUEST_BYTES];

    (void)state;
    assert_true(opaque_client_register(&client, bytes_text("a password"), first));
    assert_true(opaque_client_register(&client, bytes_text("a password"), second));
    assert_memory_not_equal(first, second, sizeof first);
}

static void a_cleared_client_holds_nothing(void **state)
{
    const struct opaque_client nothing = { .password_size = 0 };
    struct opaque_client client;
    uint8_t out[OPAQUE_KE1_BYTES];

    (void)state;
    assert_true(opaque_client_begin(&client, bytes_text("a password"), out));
    opaque_client_clear(&client);
    assert_memory_equal(&client, &nothing, sizeof client);
}

static int begin(void **state)
{
    (void)state;
    return crypto_start() ? 0 : 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_rfc_come_out),
        cmocka_unit_test(the_right_password_is_let_in_and_both_have_the_same_key),
        cmocka_unit_test(a_wrong_password_is_known_to_be_wrong),
        cmocka_unit_test(an_answer_that_was_changed_anywhere_is_refused),
        cmocka_unit_test(a_response_that_is_no_element_gives_no_record),
        cmocka_unit_test(a_password_has_a_byte_and_not_too_many),
        cmocka_unit_test(what_is_sent_of_a_password_is_another_each_time),
        cmocka_unit_test(a_cleared_client_holds_nothing),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}

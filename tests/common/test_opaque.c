/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/vectors/opaque.json is that of RFC 9807 appendix C, of which those with ristretto255
 * are ours.  A whole client by others is in tests/e2e/factors.test.mjs.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/crypto_ristretto.h"
#include "common/opaque.h"
#include "common/opaque_private.h"
#include "tests/support/unit.h"
#include "tests/support/vectors.h"

/* A vector, and what of it a question borrows. */
struct vector {
    const json_t *inputs;
    const json_t *outputs;
    struct opaque_server server;
    struct buf credential_id;
    struct buf context;
    struct buf client;
    struct buf of_server;
    uint8_t record[OPAQUE_RECORD_BYTES];
    uint8_t ke1[OPAQUE_KE1_BYTES];
    struct opaque_question question;
};

static void read_name(const json_t *inputs, const char *member, struct buf *out)
{
    if (json_object_get(inputs, member) != NULL) {
        vectors_hex(vectors_text(inputs, member), out);
    }
}

static void read_server(const json_t *inputs, struct opaque_server *server)
{
    memset(server, 0, sizeof *server);
    vectors_hex_exact(vectors_text(inputs, "oprf_seed"), server->oprf_seed,
                      sizeof server->oprf_seed);
    vectors_hex_exact(vectors_text(inputs, "server_private_key"), server->secret,
                      sizeof server->secret);
    vectors_hex_exact(vectors_text(inputs, "server_public_key"), server->public,
                      sizeof server->public);
}

static void read_question(struct vector *vector)
{
    const json_t *inputs = vector->inputs;
    struct opaque_question *question = &vector->question;
    struct opaque_chance *chance = &question->chance;

    vectors_hex_exact(vectors_text(inputs, "masking_nonce"), chance->masking_nonce,
                      sizeof chance->masking_nonce);
    vectors_hex_exact(vectors_text(inputs, "server_nonce"), chance->server_nonce,
                      sizeof chance->server_nonce);
    vectors_hex_exact(vectors_text(inputs, "server_keyshare_seed"), chance->keyshare_seed,
                      sizeof chance->keyshare_seed);
    question->server = &vector->server;
    question->credential_id = buf_view(&vector->credential_id);
    question->record = vector->record;
    question->ke1 = vector->ke1;
    question->names.context = buf_view(&vector->context);
    question->names.client = buf_view(&vector->client);
    question->names.server = buf_view(&vector->of_server);
}

static void vector_read(struct vector *vector, const json_t *json)
{
    memset(vector, 0, sizeof *vector);
    vector->inputs = json_object_get(json, "inputs");
    vector->outputs = json_object_get(json, "outputs");
    read_server(vector->inputs, &vector->server);
    read_name(vector->inputs, "credential_identifier", &vector->credential_id);
    read_name(json_object_get(json, "config"), "Context", &vector->context);
    read_name(vector->inputs, "client_identity", &vector->client);
    read_name(vector->inputs, "server_identity", &vector->of_server);
    read_question(vector);
}

static void vector_clear(struct vector *vector)
{
    buf_clear(&vector->credential_id);
    buf_clear(&vector->context);
    buf_clear(&vector->client);
    buf_clear(&vector->of_server);
}

static bool is_ours(const json_t *json, const char *fake)
{
    const json_t *config = json_object_get(json, "config");

    return strcmp(vectors_text(config, "Group"), "ristretto255") == 0 &&
           strcmp(vectors_text(config, "Fake"), fake) == 0;
}

static void expect_output(const struct vector *vector, const char *member, const uint8_t *got,
                          size_t size)
{
    uint8_t expected[OPAQUE_KE2_BYTES];

    vectors_hex_exact(vectors_text(vector->outputs, member), expected, size);
    assert_memory_equal(got, expected, size);
}

static void expect_registered(const struct vector *vector)
{
    uint8_t request[OPAQUE_REQUEST_BYTES];
    uint8_t response[OPAQUE_RESPONSE_BYTES];

    vectors_hex_exact(vectors_text(vector->outputs, "registration_request"), request,
                      sizeof request);
    assert_true(
        opaque_register(&vector->server, buf_view(&vector->credential_id), request, response));
    expect_output(vector, "registration_response", response, sizeof response);
    assert_true(opaque_record_is_valid(vector->record));
}

static void expect_logged_in(const struct vector *vector)
{
    uint8_t ke2[OPAQUE_KE2_BYTES];
    uint8_t ke3[OPAQUE_KE3_BYTES];
    struct opaque_login login;

    assert_true(opaque_answer_exactly(&vector->question, ke2, &login));
    expect_output(vector, "KE2", ke2, sizeof ke2);
    expect_output(vector, "session_key", login.session_key, sizeof login.session_key);
    vectors_hex_exact(vectors_text(vector->outputs, "KE3"), ke3, sizeof ke3);
    assert_true(opaque_finish(login.verifier, ke3));
    for (size_t i = 0; i < sizeof ke3; i++) {
        ke3[i] ^= 0x10;
        assert_false(opaque_finish(login.verifier, ke3));
        ke3[i] ^= 0x10;
    }
}

static void real_vectors_of_the_rfc_come_out(void **state)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/opaque.json");
    size_t count = 0;
    size_t i;
    json_t *json;

    (void)state;
    json_array_foreach (root, i, json) {
        struct vector vector;

        if (is_ours(json, "False")) {
            vector_read(&vector, json);
            vectors_hex_exact(vectors_text(vector.outputs, "registration_upload"), vector.record,
                              sizeof vector.record);
            vectors_hex_exact(vectors_text(vector.outputs, "KE1"), vector.ke1, sizeof vector.ke1);
            expect_registered(&vector);
            expect_logged_in(&vector);
            vector_clear(&vector);
            count++;
        }
    }
    assert_int_equal(count, 2);
    json_decref(root);
}

static void the_fake_vector_of_the_rfc_comes_out(void **state)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/opaque.json");
    size_t count = 0;
    size_t i;
    json_t *json;

    (void)state;
    json_array_foreach (root, i, json) {
        uint8_t ke2[OPAQUE_KE2_BYTES];
        struct opaque_login login;
        struct vector vector;

        if (is_ours(json, "True")) {
            vector_read(&vector, json);
            vectors_hex_exact(vectors_text(vector.inputs, "client_public_key"), vector.record, 32);
            vectors_hex_exact(vectors_text(vector.inputs, "masking_key"), vector.record + 32, 64);
            vectors_hex_exact(vectors_text(vector.inputs, "KE1"), vector.ke1, sizeof vector.ke1);
            assert_true(opaque_answer_exactly(&vector.question, ke2, &login));
            expect_output(&vector, "KE2", ke2, sizeof ke2);
            vector_clear(&vector);
            count++;
        }
    }
    assert_int_equal(count, 1);
    json_decref(root);
}

static const uint8_t some_key[OPAQUE_KEY_BYTES] = { 1, 2, 3 };

/* A server, a credential, its fake record and a KE1 whose elements are good. */
struct scene {
    struct opaque_server server;
    struct bytes credential_id;
    uint8_t record[OPAQUE_RECORD_BYTES];
    uint8_t ke1[OPAQUE_KE1_BYTES];
    uint8_t ke2[OPAQUE_KE2_BYTES];
    struct opaque_login login;
};

static void make_element(const char *text, uint8_t out[CRYPTO_ELEMENT_BYTES])
{
    const struct bytes part = bytes_text(text);
    uint8_t hash[CRYPTO_UNIFORM_BYTES];

    crypto_sha512(&part, 1, hash);
    crypto_element_of_hash(hash, out);
}

static void scene_init(struct scene *scene)
{
    memset(scene, 0, sizeof *scene);
    opaque_server_init(&scene->server, some_key);
    scene->credential_id = bytes_text("an account");
    opaque_record_fake(&scene->server, scene->credential_id, scene->record);
    make_element("blinded", scene->ke1);
    make_element("keyshare", scene->ke1 + 64);
}

static bool answers(struct scene *scene)
{
    return opaque_answer(&scene->server, scene->credential_id, scene->record, scene->ke1,
                         scene->ke2, &scene->login);
}

static void the_keys_of_a_server_are_those_of_its_secret(void **state)
{
    struct opaque_server one;
    struct opaque_server two;
    const struct opaque_server nothing = { .secret = { 0 } };
    uint8_t other[OPAQUE_KEY_BYTES] = { 1, 2, 4 };

    (void)state;
    opaque_server_init(&one, some_key);
    opaque_server_init(&two, some_key);
    assert_memory_equal(&one, &two, sizeof one);
    assert_true(crypto_element_is_valid(one.public));
    opaque_server_init(&two, other);
    assert_memory_not_equal(one.oprf_seed, two.oprf_seed, sizeof one.oprf_seed);
    assert_memory_not_equal(one.secret, two.secret, sizeof one.secret);
    assert_memory_not_equal(one.public, two.public, sizeof one.public);
    assert_memory_not_equal(one.decoy_key, two.decoy_key, sizeof one.decoy_key);
    opaque_server_clear(&one);
    assert_memory_equal(&one, &nothing, sizeof one);
}

/* Records would be lost if these ever changed.  They were made with Node and npm @noble/curves. */
static void the_keys_of_a_known_secret_stay_as_they_are(void **state)
{
    struct opaque_server server;
    uint8_t expected[OPAQUE_RECORD_BYTES];
    uint8_t record[OPAQUE_RECORD_BYTES];

    (void)state;
    opaque_server_init(&server, some_key);
    vectors_hex_exact("ab2c6ef9b2144d34112e4c40769e041c29c58ee28f805b21d2d41818ebdc8a360b3b128883c6"
                      "37de9dfa05b3f71c0251acaa4b95f86d80448ac6a5a3ad909fcf",
                      expected, 64);
    assert_memory_equal(server.oprf_seed, expected, 64);
    vectors_hex_exact("ce59bb1310ded5e677010b4e65124c4838ad055af933e1858ca696783796dd7c", expected,
                      32);
    assert_memory_equal(server.public, expected, 32);
    opaque_record_fake(&server, bytes_text("an account"), record);
    vectors_hex_exact("54d9a77f2329c1d022c64d6bdb777e0d1ee048866766a73d2f7e168a89203d6e843aff52ea8d"
                      "73885f01faf2b881ec6634ab9d861c063e2db0b1b4f927941fac0b4b91a42c5344e2629c4c7f"
                      "90b2f9aab7fb9cc1c4c5db37c56bdf126c38869b",
                      expected, 96);
    memset(expected + 96, 0, 96);
    assert_memory_equal(record, expected, sizeof record);
}

static void a_fake_record_is_stable_and_each_name_s_own(void **state)
{
    struct scene scene;
    uint8_t again[OPAQUE_RECORD_BYTES];

    (void)state;
    scene_init(&scene);
    assert_true(opaque_record_is_valid(scene.record));
    opaque_record_fake(&scene.server, scene.credential_id, again);
    assert_memory_equal(again, scene.record, sizeof again);
    opaque_record_fake(&scene.server, bytes_text("another account"), again);
    assert_memory_not_equal(again, scene.record, 32);
    assert_memory_not_equal(again + 32, scene.record + 32, 64);
}

/* The evaluated element is all that two answers share: else repeated logins would tell who is real. */
static void two_answers_share_the_evaluated_element_alone(void **state)
{
    struct scene scene;
    uint8_t first[OPAQUE_KE2_BYTES];
    struct opaque_login before;

    (void)state;
    scene_init(&scene);
    assert_true(answers(&scene));
    memcpy(first, scene.ke2, sizeof first);
    before = scene.login;
    assert_true(answers(&scene));
    assert_memory_equal(scene.ke2, first, 32);
    for (size_t at = 32; at < sizeof first; at += 32) {
        assert_memory_not_equal(scene.ke2 + at, first + at, 32);
    }
    assert_memory_not_equal(before.verifier, scene.login.verifier, sizeof before.verifier);
    assert_memory_not_equal(before.session_key, scene.login.session_key, OPAQUE_KE3_BYTES);
}

static void the_credential_and_the_server_count(void **state)
{
    static const uint8_t other_key[OPAQUE_KEY_BYTES] = { 9 };
    struct scene scene;
    uint8_t evaluated[3][32];

    (void)state;
    scene_init(&scene);
    assert_true(answers(&scene));
    memcpy(evaluated[0], scene.ke2, 32);
    scene.credential_id = bytes_text("an accounT");
    assert_true(answers(&scene));
    memcpy(evaluated[1], scene.ke2, 32);
    scene.credential_id = bytes_text("an account");
    opaque_server_init(&scene.server, other_key);
    assert_true(answers(&scene));
    memcpy(evaluated[2], scene.ke2, 32);
    assert_memory_not_equal(evaluated[0], evaluated[1], 32);
    assert_memory_not_equal(evaluated[0], evaluated[2], 32);
}

/* RFC 9496 appendix A.2 and the identity. */
static const char *const bad_elements[] = {
    "0000000000000000000000000000000000000000000000000000000000000000", /* the identity */
    "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", /* not canonical */
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000000", /* negative */
    "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "c34c4e1800e5455f72b29cbcc88c992aa5fae0006c55aca773430e1e1d3ae066", /* has no square root */
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
};

static void a_bad_element_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_elements / sizeof bad_elements[0]; i++) {
        uint8_t bad[CRYPTO_ELEMENT_BYTES];
        uint8_t response[OPAQUE_RESPONSE_BYTES];
        struct scene scene;

        vectors_hex_exact(bad_elements[i], bad, sizeof bad);
        assert_false(crypto_element_is_valid(bad));
        scene_init(&scene);
        assert_false(opaque_register(&scene.server, scene.credential_id, bad, response));
        memcpy(scene.ke1, bad, sizeof bad);
        assert_false(answers(&scene));
        scene_init(&scene);
        memcpy(scene.ke1 + 64, bad, sizeof bad);
        assert_false(answers(&scene));
        scene_init(&scene);
        memcpy(scene.record, bad, sizeof bad);
        assert_false(opaque_record_is_valid(scene.record));
        assert_false(answers(&scene));
    }
}

static void a_refusal_writes_nothing(void **state)
{
    struct scene scene;
    uint8_t response[OPAQUE_RESPONSE_BYTES] = { 0 };
    static const uint8_t nothing[OPAQUE_KE2_BYTES];

    (void)state;
    scene_init(&scene);
    memset(scene.ke1 + 64, 0, 32);
    assert_false(answers(&scene));
    assert_memory_equal(scene.ke2, nothing, sizeof scene.ke2);
    assert_memory_equal(&scene.login, nothing, sizeof scene.login);
    assert_false(opaque_register(&scene.server, scene.credential_id, nothing, response));
    assert_memory_equal(response, nothing, sizeof response);
}

static void any_other_ke3_is_refused(void **state)
{
    struct scene scene;
    uint8_t ke3[OPAQUE_KE3_BYTES] = { 0 };

    (void)state;
    scene_init(&scene);
    assert_true(answers(&scene));
    assert_false(opaque_finish(scene.login.verifier, ke3));
    memcpy(ke3, scene.login.verifier, sizeof scene.login.verifier);
    assert_false(opaque_finish(scene.login.verifier, ke3));
    memcpy(ke3, scene.ke2 + 256, sizeof ke3); /* the server's own */
    assert_false(opaque_finish(scene.login.verifier, ke3));
}

static void first_messages_are_valid_when_all_of_their_elements_are(void **state)
{
    static const size_t places[] = { 0, 64 };
    static const uint8_t uniform[CRYPTO_UNIFORM_BYTES] = { 5 };
    uint8_t element[CRYPTO_ELEMENT_BYTES];
    uint8_t ke1[OPAQUE_KE1_BYTES];

    (void)state;
    crypto_element_of_hash(uniform, element);
    assert_true(opaque_request_is_valid(element));
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        memset(ke1, 0xff, sizeof ke1); /* the nonce is any bytes */
        memcpy(ke1, element, sizeof element);
        memcpy(ke1 + 64, element, sizeof element);
        assert_true(opaque_ke1_is_valid(ke1));
        memset(ke1 + places[i], 0, sizeof element); /* the identity */
        assert_false(opaque_ke1_is_valid(ke1));
        assert_false(places[i] == 0 && opaque_request_is_valid(ke1));
        memset(ke1 + places[i], 0xff, sizeof element); /* no element */
        assert_false(opaque_ke1_is_valid(ke1));
        assert_false(places[i] == 0 && opaque_request_is_valid(ke1));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_messages_are_valid_when_all_of_their_elements_are),
        cmocka_unit_test(real_vectors_of_the_rfc_come_out),
        cmocka_unit_test(the_fake_vector_of_the_rfc_comes_out),
        cmocka_unit_test(the_keys_of_a_server_are_those_of_its_secret),
        cmocka_unit_test(the_keys_of_a_known_secret_stay_as_they_are),
        cmocka_unit_test(a_fake_record_is_stable_and_each_name_s_own),
        cmocka_unit_test(two_answers_share_the_evaluated_element_alone),
        cmocka_unit_test(the_credential_and_the_server_count),
        cmocka_unit_test(a_bad_element_is_refused_wherever_it_stands),
        cmocka_unit_test(a_refusal_writes_nothing),
        cmocka_unit_test(any_other_ke3_is_refused),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}

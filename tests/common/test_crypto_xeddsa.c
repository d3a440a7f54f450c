/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/vectors/xeddsa.json was made by libsignal; xeddsa_odd.json holds what a
 * careless verifier would take.
 */
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/crypto_xeddsa.h"
#include "tests/support/unit.h"
#include "tests/support/vectors.h"

enum {
    PREFIXED_BYTES = CRYPTO_PUBLIC_BYTES + 1, /* libsignal's 0x05 before u */
    KEY_TYPE = 0x05,
    KEYS = 64,
};

struct signed_message {
    uint8_t u[CRYPTO_PUBLIC_BYTES];
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    struct buf message;
};

static bool holds(const struct signed_message *what)
{
    return crypto_xeddsa_verify(what->u, buf_view(&what->message), what->signature);
}

static void libsignal_and_we_agree(void **state)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/xeddsa.json");
    size_t good = 0;
    size_t i;
    json_t *vector;

    (void)state;
    json_array_foreach (json_object_get(root, "vectors"), i, vector) {
        uint8_t prefixed[PREFIXED_BYTES];
        struct signed_message what = { .message = { .at = NULL } };
        bool expected = json_is_true(json_object_get(vector, "ok"));

        vectors_hex_exact(vectors_text(vector, "pub"), prefixed, sizeof prefixed);
        assert_int_equal(prefixed[0], KEY_TYPE);
        memcpy(what.u, prefixed + 1, sizeof what.u);
        vectors_hex_exact(vectors_text(vector, "sig"), what.signature, sizeof what.signature);
        vectors_hex(vectors_text(vector, "msg"), &what.message);
        assert_int_equal(holds(&what), expected);
        good += expected ? 1 : 0;
        buf_clear(&what.message);
    }
    assert_int_equal(good, 40);
    json_decref(root);
}

/* Return whether the vector is of the good ones. */
static bool expect_judged_right(const json_t *vector)
{
    struct signed_message what = { .message = { .at = NULL } };
    bool expected = json_is_true(json_object_get(vector, "ok"));

    vectors_hex_exact(vectors_text(vector, "u"), what.u, sizeof what.u);
    vectors_hex_exact(vectors_text(vector, "sig"), what.signature, sizeof what.signature);
    vectors_hex(vectors_text(vector, "msg"), &what.message);
    if (holds(&what) != expected) {
        fail_msg("%s", vectors_text(vector, "name"));
    }
    buf_clear(&what.message);
    return expected;
}

static void what_a_careless_verifier_takes_is_refused(void **state)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/xeddsa_odd.json");
    size_t good = 0;
    size_t i;
    json_t *vector;

    (void)state;
    json_array_foreach (json_object_get(root, "vectors"), i, vector) {
        good += expect_judged_right(vector) ? 1 : 0;
    }
    assert_int_equal(good, 8);
    assert_int_equal(i, 22);
    json_decref(root);
}

/* Key number `number`, and its signature. */
static struct signed_message sign_with(uint8_t number, const char *text)
{
    uint8_t seed[CRYPTO_SEED_BYTES] = { number };
    struct signed_message what = { .message = { .at = NULL } };

    buf_append_text(&what.message, text);
    crypto_xeddsa_public_of(seed, what.u);
    crypto_xeddsa_sign(seed, buf_view(&what.message), what.signature);
    return what;
}

static void signatures_of_keys_with_either_sign_hold(void **state)
{
    size_t with_sign = 0;

    (void)state;
    for (size_t number = 0; number < KEYS; number++) {
        struct signed_message what = sign_with((uint8_t)number, "a certificate");

        assert_true(holds(&what));
        with_sign += what.signature[63] >> 7;
        buf_clear(&what.message);
    }
    assert_in_range(with_sign, 1, KEYS - 1);
}

/* The private key that X25519 has for the same u: what a session is agreed with. */
static void the_public_key_is_that_of_x25519(void **state)
{
    uint8_t secret[crypto_scalarmult_SCALARBYTES];
    uint8_t u[CRYPTO_PUBLIC_BYTES];

    (void)state;
    for (size_t number = 0; number < KEYS; number++) {
        struct signed_message what = sign_with((uint8_t)number, "");
        uint8_t pub[CRYPTO_PUBLIC_BYTES];
        uint8_t both[crypto_sign_SECRETKEYBYTES];
        uint8_t seed[CRYPTO_SEED_BYTES] = { (uint8_t)number };

        assert_int_equal(crypto_sign_seed_keypair(pub, both, seed), 0);
        assert_int_equal(crypto_sign_ed25519_sk_to_curve25519(secret, both), 0);
        assert_int_equal(crypto_scalarmult_base(u, secret), 0);
        assert_memory_equal(u, what.u, sizeof u);
        buf_clear(&what.message);
    }
}

/* tests/vectors/xeddsa_signed.json: made by Node's Ed25519, and libsignal verified it. */
static void we_sign_as_the_vectors_do(void **state)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/xeddsa_signed.json");
    size_t i;
    json_t *vector;

    (void)state;
    json_array_foreach (json_object_get(root, "vectors"), i, vector) {
        uint8_t seed[CRYPTO_SEED_BYTES];
        uint8_t u[CRYPTO_PUBLIC_BYTES];
        uint8_t signature[CRYPTO_SIGNATURE_BYTES];
        struct signed_message what = { .message = { .at = NULL } };

        vectors_hex_exact(vectors_text(vector, "seed"), seed, sizeof seed);
        vectors_hex_exact(vectors_text(vector, "u"), what.u, sizeof what.u);
        vectors_hex_exact(vectors_text(vector, "sig"), what.signature, sizeof what.signature);
        vectors_hex(vectors_text(vector, "msg"), &what.message);
        crypto_xeddsa_public_of(seed, u);
        crypto_xeddsa_sign(seed, buf_view(&what.message), signature);
        assert_memory_equal(u, what.u, sizeof u);
        assert_memory_equal(signature, what.signature, sizeof signature);
        assert_true(holds(&what));
        buf_clear(&what.message);
    }
    assert_int_equal(i, 24);
    json_decref(root);
}

/* A message that libsignal signed is signed by us under a key of ours, and by nobody else. */
static void what_libsignal_signed_we_sign_too(void **state)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/xeddsa.json");
    size_t i;
    json_t *vector;

    (void)state;
    json_array_foreach (json_object_get(root, "vectors"), i, vector) {
        uint8_t seed[CRYPTO_SEED_BYTES] = { (uint8_t)i };
        uint8_t prefixed[PREFIXED_BYTES];
        struct signed_message ours = { .message = { .at = NULL } };

        vectors_hex(vectors_text(vector, "msg"), &ours.message);
        vectors_hex_exact(vectors_text(vector, "pub"), prefixed, sizeof prefixed);
        crypto_xeddsa_public_of(seed, ours.u);
        crypto_xeddsa_sign(seed, buf_view(&ours.message), ours.signature);
        assert_true(holds(&ours));
        memcpy(ours.u, prefixed + 1, sizeof ours.u);
        assert_false(holds(&ours));
        buf_clear(&ours.message);
    }
    assert_int_not_equal(i, 0);
    json_decref(root);
}

static void a_long_message_and_an_empty_one_are_verified(void **state)
{
    struct signed_message empty = sign_with(1, "");
    char *text = calloc(1, 100001);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', 100000);
    struct signed_message large = sign_with(1, text);
    assert_true(holds(&empty));
    assert_true(holds(&large));
    assert_false(crypto_xeddsa_verify(empty.u, buf_view(&large.message), empty.signature));
    buf_clear(&empty.message);
    buf_clear(&large.message);
    free(text);
}

/* Turn each bit of the size bytes at `at`, which are part of what. */
static void expect_every_bit_counts(const struct signed_message *what, uint8_t *at, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            at[i] = (uint8_t)(at[i] ^ 1 << bit);
            assert_false(holds(what));
            at[i] = (uint8_t)(at[i] ^ 1 << bit);
        }
    }
    assert_true(holds(what));
}

static void every_bit_counts(void **state)
{
    struct signed_message what = sign_with(2, "a signed prekey");

    (void)state;
    expect_every_bit_counts(&what, what.u, sizeof what.u);
    expect_every_bit_counts(&what, what.signature, sizeof what.signature);
    expect_every_bit_counts(&what, what.message.at, what.message.size);
    buf_clear(&what.message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libsignal_and_we_agree),
        cmocka_unit_test(what_a_careless_verifier_takes_is_refused),
        cmocka_unit_test(signatures_of_keys_with_either_sign_hold),
        cmocka_unit_test(the_public_key_is_that_of_x25519),
        cmocka_unit_test(we_sign_as_the_vectors_do),
        cmocka_unit_test(what_libsignal_signed_we_sign_too),
        cmocka_unit_test(a_long_message_and_an_empty_one_are_verified),
        cmocka_unit_test(every_bit_counts),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The two vectors of C2SP's XAES-256-GCM.md: one for each way in which CMAC makes its subkey. */
#include <string.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/crypto_xaes.h"
#include "tests/support/unit.h"
#include "tests/support/vectors.h"

enum {
    PLAIN_BYTES = 12,
    SEALED_BYTES = PLAIN_BYTES + CRYPTO_XAES_TAG_BYTES,
};

static const uint8_t nonce[] = "ABCDEFGHIJKLMNOPQRSTUVWX";
static const char plain[] = "XAES-256-GCM";

static const struct vector {
    uint8_t key_byte; /* 32 times */
    const char *aad;
    const char *sealed;
} vectors[] = {
    { 0x01, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271" },
    { 0x03, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d" },
};

static void seal(const struct vector *vector, uint8_t out[SEALED_BYTES])
{
    uint8_t key[CRYPTO_XAES_KEY_BYTES];

    memset(key, vector->key_byte, sizeof key);
    crypto_xaes_seal(key, nonce, bytes_text(vector->aad), bytes_text(plain), out);
}

static bool opens(const struct vector *vector, const char *aad, struct bytes sealed)
{
    uint8_t key[CRYPTO_XAES_KEY_BYTES];
    uint8_t out[PLAIN_BYTES];

    memset(key, vector->key_byte, sizeof key);
    return crypto_xaes_open(key, nonce, bytes_text(aad), sealed, out) &&
           memcmp(out, plain, sizeof out) == 0;
}

static void what_is_sealed_is_what_the_vectors_say(void **state)
{
    uint8_t expected[SEALED_BYTES];
    uint8_t sealed[SEALED_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        vectors_hex_exact(vectors[i].sealed, expected, sizeof expected);
        seal(&vectors[i], sealed);
        assert_memory_equal(sealed, expected, sizeof expected);
        assert_true(opens(&vectors[i], vectors[i].aad, bytes_of(sealed, sizeof sealed)));
    }
}

static void no_changed_byte_is_opened(void **state)
{
    uint8_t sealed[SEALED_BYTES];

    (void)state;
    seal(&vectors[1], sealed);
    for (size_t i = 0; i < sizeof sealed; i++) {
        sealed[i] ^= 1;
        assert_false(opens(&vectors[1], vectors[1].aad, bytes_of(sealed, sizeof sealed)));
        sealed[i] ^= 1;
    }
    assert_false(opens(&vectors[1], "c2sp.org/XAES-256-GCN", bytes_of(sealed, sizeof sealed)));
    assert_false(opens(&vectors[0], vectors[1].aad, bytes_of(sealed, sizeof sealed)));
}

static void nothing_too_short_for_a_tag_is_opened(void **state)
{
    uint8_t sealed[SEALED_BYTES];

    (void)state;
    seal(&vectors[0], sealed);
    for (size_t size = 0; size < sizeof sealed; size++) {
        assert_false(opens(&vectors[0], vectors[0].aad, bytes_of(sealed, size)));
    }
}

static void nothing_can_be_sealed(void **state)
{
    uint8_t key[CRYPTO_XAES_KEY_BYTES] = { 0 };
    uint8_t sealed[CRYPTO_XAES_TAG_BYTES];
    uint8_t out[1];

    (void)state;
    crypto_xaes_seal(key, nonce, bytes_text("aad"), bytes_of(NULL, 0), sealed);
    assert_true(
        crypto_xaes_open(key, nonce, bytes_text("aad"), bytes_of(sealed, sizeof sealed), out));
    assert_false(
        crypto_xaes_open(key, nonce, bytes_text("abc"), bytes_of(sealed, sizeof sealed), out));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_is_what_the_vectors_say),
        cmocka_unit_test(no_changed_byte_is_opened),
        cmocka_unit_test(nothing_too_short_for_a_tag_is_opened),
        cmocka_unit_test(nothing_can_be_sealed),
    };

    assert_true(crypto_start());
    return cmocka_run_group_tests(tests, NULL, NULL);
}

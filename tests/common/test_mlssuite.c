/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/mlssuite.h"
#include "tests/support/unit.h"

enum {
    UNKNOWN_SUITE = 0x0A0A, /* GREASE (RFC 9420 section 13.5) */
};

static void a_reference_is_the_hash_of_label_and_value(void **state)
{
    struct mls_reference reference;
    uint8_t sum[CRYPTO_SHA256_BYTES];

    (void)state;
    mlssuite_reference(MLS_SUITE_X25519_AES128_SHA256_ED25519, "MLS 1.0 a", bytes_text("value"),
                       &reference);
    struct bytes input = bytes_text("\x09MLS 1.0 a\x05value");
    crypto_sha256(&input, 1, sum);
    assert_int_equal(reference.size, sizeof sum);
    assert_memory_equal(reference.raw, sum, sizeof sum);
}

static void each_suite_has_the_hash_of_its_name(void **state)
{
    static const struct {
        uint16_t suite;
        size_t hash_bytes;
    } known[] = { { 1, 32 }, { 2, 32 }, { 3, 32 },  { 4, 64 }, { 5, 64 },
                  { 6, 64 }, { 7, 48 }, { 83, 64 }, { 84, 64 } };

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct mls_reference reference;

        assert_true(mlssuite_is_known(known[i].suite));
        assert_int_equal(mlssuite_hash_bytes(known[i].suite), known[i].hash_bytes);
        mlssuite_reference(known[i].suite, "MLS 1.0 a", bytes_text("value"), &reference);
        assert_int_equal(reference.size, known[i].hash_bytes);
    }
}

static void only_suites_of_ed25519_are_verified(void **state)
{
    (void)state;
    for (uint32_t suite = 0; suite <= UINT16_MAX; suite++) {
        size_t wanted = suite == 1 || suite == 3 ? 32 : suite == 83 || suite == 84 ? 1216 : 0;

        assert_int_equal(mlssuite_verified_kem_bytes((uint16_t)suite), wanted);
    }
}

static void an_unknown_suite_is_taken_for_one_of_sha256(void **state)
{
    struct mls_reference known;
    struct mls_reference unknown;

    (void)state;
    assert_false(mlssuite_is_known(UNKNOWN_SUITE));
    assert_false(mlssuite_is_known(0));
    mlssuite_reference(1, "MLS 1.0 a", bytes_text("value"), &known);
    mlssuite_reference(UNKNOWN_SUITE, "MLS 1.0 a", bytes_text("value"), &unknown);
    assert_int_equal(unknown.size, known.size);
    assert_memory_equal(unknown.raw, known.raw, known.size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reference_is_the_hash_of_label_and_value),
        cmocka_unit_test(each_suite_has_the_hash_of_its_name),
        cmocka_unit_test(only_suites_of_ed25519_are_verified),
        cmocka_unit_test(an_unknown_suite_is_taken_for_one_of_sha256),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}

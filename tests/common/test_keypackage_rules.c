/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of versions, suites, keys and signatures from both sides, on packages
 * whose signatures are right.  Those of the leaf are in test_keypackage_leaf.c.
 */
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/keypackage.h"
#include "common/limits.h"
#include "common/tlsvec.h"
#include "tests/common/package.h"
#include "tests/support/unit.h"
#include "tests/support/vectors.h"

static void a_plain_package_is_valid(void **state)
{
    struct package package;
    struct buf bytes = { .at = NULL };
    struct keypackage read;
    struct mls_reference reference;

    (void)state;
    package_init(&package);
    package_write(&package, &bytes);
    assert_int_equal(keypackage_read(buf_view(&bytes), &read), KEYPACKAGE_VALID);
    assert_int_equal(read.suite, 1);
    assert_true(read.is_verified);
    assert_false(read.is_last_resort);
    assert_int_equal(read.not_before, 1000);
    assert_int_equal(read.not_after, 2000);
    assert_true(bytes_equal(read.init_key, buf_view(&package.init_key)));
    assert_memory_equal(read.signature_key, package.signature_key.at, sizeof read.signature_key);
    keypackage_reference(1, buf_view(&bytes), &reference);
    assert_memory_equal(&read.reference, &reference, sizeof reference);
    buf_clear(&bytes);
    package_clear(&package);
}

static void what_is_refused_leaves_the_result_alone(void **state)
{
    struct package package;
    struct keypackage read;
    struct keypackage before;

    (void)state;
    memset(&read, 0x5a, sizeof read);
    read.init_key = bytes_of(NULL, 0);
    memcpy(&before, &read, sizeof before); /* with its padding */
    package_init(&package);
    package.version = 2;
    assert_int_equal(package_read_into(&package, &read), KEYPACKAGE_VERSION);
    package.version = 1;
    package.signature_bytes = 63;
    assert_int_equal(package_read_into(&package, &read), KEYPACKAGE_KEY_SIZE);
    assert_memory_equal(&read, &before, sizeof read);
    package_clear(&package);
}

static void the_version_is_that_of_the_standard(void **state)
{
    static const uint16_t others[] = { 0, 2, 0x0100, 0xFFFF };
    struct package package;

    (void)state;
    package_init(&package);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        package.version = others[i];
        assert_int_equal(package_read(&package), KEYPACKAGE_VERSION);
    }
    package_clear(&package);
}

static void an_unknown_suite_is_told_and_not_verified(void **state)
{
    static const uint16_t others[] = { 0, 2, 7, 0x0A0A, 0xF001, 0xFFFF };
    struct package package;
    struct keypackage read;

    (void)state;
    package_init(&package);
    package_extend(&package.extensions, PACKAGE_LAST_RESORT, 0);
    package.signature_bytes = 0;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        package.suite = others[i];
        assert_int_equal(package_read_into(&package, &read), KEYPACKAGE_VALID);
        assert_int_equal(read.suite, others[i]);
        assert_false(read.is_verified);
        assert_false(read.is_last_resort);
        assert_int_equal(read.not_after, 0);
        assert_int_equal(read.reference.size, others[i] == 7 ? 48 : 32);
    }
    package_clear(&package);
}

static void keys_have_the_size_of_their_suite(void **state)
{
    static const uint8_t bytes[1217] = { 1 };
    static const size_t wrong[] = { 0, 31, 33, 1215, 1216, 1217 };
    struct package package;

    (void)state;
    package_init(&package);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        package_put(&package.init_key, bytes, wrong[i]);
        assert_int_equal(package_read(&package), KEYPACKAGE_KEY_SIZE);
    }
    package_put(&package.init_key, bytes, 32);
    assert_int_equal(package_read(&package), KEYPACKAGE_VALID);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        package_put(&package.encryption_key, bytes, wrong[i]);
        assert_int_equal(package_read(&package), KEYPACKAGE_KEY_SIZE);
    }
    package_clear(&package);
}

static void keys_of_x_wing_are_longer(void **state)
{
    static const uint8_t init[1216] = { 1 };
    static const uint8_t encryption[1216] = { 2 };
    struct package package;
    struct keypackage read;

    (void)state;
    package_init(&package);
    package.suite = MLS_SUITE_XWING_AES256_SHA512_ED25519;
    assert_int_equal(package_read(&package), KEYPACKAGE_KEY_SIZE);
    package_put(&package.init_key, init, sizeof init);
    assert_int_equal(package_read(&package), KEYPACKAGE_KEY_SIZE);
    package_put(&package.encryption_key, encryption, sizeof encryption);
    assert_int_equal(package_read_into(&package, &read), KEYPACKAGE_VALID);
    assert_int_equal(read.reference.size, CRYPTO_SHA512_BYTES);
    package_clear(&package);
}

static void a_signature_key_has_32_bytes(void **state)
{
    struct package package;

    (void)state;
    package_init(&package);
    package.signature_key.size = 31;
    assert_int_equal(package_read(&package), KEYPACKAGE_KEY_SIZE);
    package.signature_key.size = 32;
    buf_append_u8(&package.signature_key, 0);
    assert_int_equal(package_read(&package), KEYPACKAGE_KEY_SIZE);
    package_clear(&package);
}

static void a_signature_key_is_a_point_of_prime_order(void **state)
{
    static const char *const refused[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0200000000000000000000000000000000000000000000000000000000000000",
        "9599999999999999999999999999999999999999999999999999999999999999",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    struct package package;

    (void)state;
    package_init(&package);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        vectors_hex_exact(refused[i], package.signature_key.at, package.signature_key.size);
        assert_int_equal(package_read(&package), KEYPACKAGE_SIGNATURE_KEY);
    }
    package_clear(&package);
}

static void signatures_have_64_bytes(void **state)
{
    static const size_t sizes[] = { 0, 63 };
    struct package package;

    (void)state;
    package_init(&package);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        package.leaf_signature_bytes = sizes[i];
        assert_int_equal(package_read(&package), KEYPACKAGE_KEY_SIZE);
        package.leaf_signature_bytes = CRYPTO_SIGNATURE_BYTES;
        package.signature_bytes = sizes[i];
        assert_int_equal(package_read(&package), KEYPACKAGE_KEY_SIZE);
        package.signature_bytes = CRYPTO_SIGNATURE_BYTES;
    }
    package_clear(&package);
}

static void each_signature_is_looked_at(void **state)
{
    struct package package;
    struct buf bytes = { .at = NULL };
    struct keypackage read;

    (void)state;
    package_init(&package);
    package_write(&package, &bytes);
    bytes.at[bytes.size - 1] ^= 1;
    assert_int_equal(keypackage_read(buf_view(&bytes), &read), KEYPACKAGE_SIGNATURE);
    bytes.at[bytes.size - 1] ^= 1;
    /* behind the leaf's own come the empty extensions and 2 + 64 bytes of the other one */
    bytes.at[bytes.size - 1 - 67] ^= 1;
    assert_int_equal(keypackage_read(buf_view(&bytes), &read), KEYPACKAGE_LEAF_SIGNATURE);
    buf_clear(&bytes);
    package_clear(&package);
}

static void the_two_keys_of_the_kem_differ(void **state)
{
    struct package package;

    (void)state;
    package_init(&package);
    package_put(&package.encryption_key, package.init_key.at, package.init_key.size);
    assert_int_equal(package_read(&package), KEYPACKAGE_SAME_KEYS);
    package.encryption_key.at[31] ^= 1;
    assert_int_equal(package_read(&package), KEYPACKAGE_VALID);
    package_clear(&package);
}

/* Put an identity of size zeros in the credential's place, and write the package. */
static void write_named(struct package *package, size_t size, struct buf *out)
{
    static const uint8_t zeros[LIMIT_KEY_OBJECT_BYTES];

    package_put(&package->credential, "\x00\x01", 2);
    tlsvec_append(&package->credential, bytes_of(zeros, size));
    buf_empty(out);
    package_write(package, out);
}

/* Let the identity be such that the whole has size bytes; its length has two bytes either way. */
static void grow_to(struct package *package, size_t size, struct buf *out)
{
    write_named(package, 1000, out);
    write_named(package, 1000 + size - out->size, out);
    assert_int_equal(out->size, size);
}

static void a_package_has_16384_bytes_at_most(void **state)
{
    struct package package;
    struct buf bytes = { .at = NULL };
    struct keypackage read;

    (void)state;
    package_init(&package);
    grow_to(&package, LIMIT_KEY_OBJECT_BYTES, &bytes);
    assert_int_equal(keypackage_read(buf_view(&bytes), &read), KEYPACKAGE_VALID);
    grow_to(&package, LIMIT_KEY_OBJECT_BYTES + 1, &bytes);
    assert_int_equal(keypackage_read(buf_view(&bytes), &read), KEYPACKAGE_TOO_LARGE);
    package.suite = 2;
    grow_to(&package, LIMIT_KEY_OBJECT_BYTES + 1, &bytes);
    assert_int_equal(keypackage_read(buf_view(&bytes), &read), KEYPACKAGE_TOO_LARGE);
    buf_clear(&bytes);
    package_clear(&package);
}

static void every_verdict_has_a_sentence(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= KEYPACKAGE_SIGNATURE; i++) {
        const char *text = keypackage_verdict_text((enum keypackage_verdict)i);

        assert_int_equal(text[strlen(text) - 1], '.');
        for (unsigned other = 0; other < i; other++) {
            assert_string_not_equal(text, keypackage_verdict_text((enum keypackage_verdict)other));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_package_is_valid),
        cmocka_unit_test(what_is_refused_leaves_the_result_alone),
        cmocka_unit_test(the_version_is_that_of_the_standard),
        cmocka_unit_test(an_unknown_suite_is_told_and_not_verified),
        cmocka_unit_test(keys_have_the_size_of_their_suite),
        cmocka_unit_test(keys_of_x_wing_are_longer),
        cmocka_unit_test(a_signature_key_has_32_bytes),
        cmocka_unit_test(a_signature_key_is_a_point_of_prime_order),
        cmocka_unit_test(signatures_have_64_bytes),
        cmocka_unit_test(each_signature_is_looked_at),
        cmocka_unit_test(the_two_keys_of_the_kem_differ),
        cmocka_unit_test(a_package_has_16384_bytes_at_most),
        cmocka_unit_test(every_verdict_has_a_sentence),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}

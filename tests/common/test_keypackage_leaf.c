/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the leaf and of extensions from both sides, on packages whose signatures are right. */
#include <stdlib.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/keypackage.h"
#include "common/limits.h"
#include "common/tlsvec.h"
#include "tests/common/package.h"
#include "tests/support/unit.h"

static void a_credential_is_basic_or_x509(void **state)
{
    static const uint16_t others[] = { 0, 3, 0x0A0A, 0xF000, 0xFFFF };
    struct package package;

    (void)state;
    package_init(&package);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        package.credential.at[0] = (uint8_t)(others[i] >> 8);
        package.credential.at[1] = (uint8_t)others[i];
        assert_int_equal(package_read(&package), KEYPACKAGE_CREDENTIAL);
    }
    package_put(&package.credential, "\x00\x01\x00", 3); /* basic, and nobody's name */
    assert_int_equal(package_read(&package), KEYPACKAGE_VALID);
    package_clear(&package);
}

static void put_chain(struct package *package, size_t count)
{
    struct buf chain = { .at = NULL };

    for (size_t i = 0; i < count; i++) {
        tlsvec_append(&chain, bytes_text("a certificate"));
    }
    package_put(&package->credential, "\x00\x02", 2);
    tlsvec_append(&package->credential, buf_view(&chain));
    buf_clear(&chain);
}

static void a_chain_has_1_to_16_certificates(void **state)
{
    struct package package;

    (void)state;
    package_init(&package);
    for (size_t count = 0; count <= LIMIT_MLS_CERTIFICATES + 2; count++) {
        bool is_good = count >= 1 && count <= LIMIT_MLS_CERTIFICATES;

        put_chain(&package, count);
        assert_int_equal(package_read(&package),
                         is_good ? KEYPACKAGE_VALID : KEYPACKAGE_CREDENTIAL);
    }
    package_put(&package.credential, "\x00\x02\x03\x03xx", 6); /* it ends behind the chain */
    assert_int_equal(package_read(&package), KEYPACKAGE_FORM);
    package_clear(&package);
}

/* Put a list of count numbers, and extra bytes behind, as list number `which` of five. */
static void put_list(struct package *package, size_t which, size_t count, size_t extra)
{
    struct buf list = { .at = NULL };

    for (size_t i = 0; i < count; i++) {
        buf_append_u16(&list, (uint16_t)i);
    }
    for (size_t i = 0; i < extra; i++) {
        buf_append_u8(&list, 0);
    }
    buf_empty(&package->capabilities);
    for (size_t i = 0; i < 5; i++) {
        tlsvec_append(&package->capabilities, i == which ? buf_view(&list) : bytes_of(NULL, 0));
    }
    buf_clear(&list);
}

static void lists_of_capabilities_are_of_256_numbers_at_most(void **state)
{
    struct package package;

    (void)state;
    package_init(&package);
    for (size_t which = 0; which < 5; which++) {
        put_list(&package, which, 0, 0);
        assert_int_equal(package_read(&package), KEYPACKAGE_VALID);
        put_list(&package, which, LIMIT_MLS_LIST_ITEMS, 0);
        assert_int_equal(package_read(&package), KEYPACKAGE_VALID);
        put_list(&package, which, LIMIT_MLS_LIST_ITEMS + 1, 0);
        assert_int_equal(package_read(&package), KEYPACKAGE_CAPABILITIES);
        put_list(&package, which, 3, 1);
        assert_int_equal(package_read(&package), KEYPACKAGE_CAPABILITIES);
    }
    package_clear(&package);
}

static void the_leaf_is_one_of_a_key_package(void **state)
{
    struct package package;

    (void)state;
    package_init(&package);
    for (unsigned source = 0; source <= UINT8_MAX; source++) {
        package.life.at[0] = (uint8_t)source;
        assert_int_equal(package_read(&package),
                         source == 1 ? KEYPACKAGE_VALID : KEYPACKAGE_SOURCE);
    }
    package_clear(&package);
}

static void a_lifetime_does_not_end_before_it_begins(void **state)
{
    struct package package;
    struct keypackage read;

    (void)state;
    package_init(&package);
    package_live(&package, 0, UINT64_MAX);
    assert_int_equal(package_read_into(&package, &read), KEYPACKAGE_VALID);
    assert_int_equal(read.not_before, 0);
    assert_true(read.not_after == UINT64_MAX);
    package_live(&package, 5, 5);
    assert_int_equal(package_read(&package), KEYPACKAGE_VALID);
    package_live(&package, 6, 5);
    assert_int_equal(package_read(&package), KEYPACKAGE_LIFETIME);
    package_live(&package, UINT64_MAX, 0);
    assert_int_equal(package_read(&package), KEYPACKAGE_LIFETIME);
    package_clear(&package);
}

static void extensions_are_64_at_most(void **state)
{
    struct package package;

    (void)state;
    package_init(&package);
    for (size_t i = 0; i < LIMIT_MLS_EXTENSIONS; i++) {
        package_extend(&package.extensions, (uint16_t)(0xF000 + i), i);
        package_extend(&package.leaf_extensions, (uint16_t)(0xF000 + i), i);
    }
    assert_int_equal(package_read(&package), KEYPACKAGE_VALID);
    package_extend(&package.extensions, 0xE000, 0);
    assert_int_equal(package_read(&package), KEYPACKAGE_EXTENSIONS);
    buf_empty(&package.extensions);
    package_extend(&package.leaf_extensions, 0xE000, 0);
    assert_int_equal(package_read(&package), KEYPACKAGE_EXTENSIONS);
    package_clear(&package);
}

static void a_type_of_extension_stands_once_in_a_list(void **state)
{
    struct package package;
    struct buf *const lists[] = { &package.leaf_extensions, &package.extensions };

    (void)state;
    package_init(&package);
    for (size_t i = 0; i < 2; i++) {
        package_extend(lists[i], 0x0A0A, 1);
        package_extend(lists[i], 0xF001, 1);
        assert_int_equal(package_read(&package), KEYPACKAGE_VALID);
        package_extend(lists[i], 0x0A0A, 2);
        assert_int_equal(package_read(&package), KEYPACKAGE_EXTENSIONS);
        buf_empty(lists[i]);
    }
    package_clear(&package);
}

static void last_resort_is_an_empty_extension_of_the_package(void **state)
{
    struct package package;
    struct keypackage read;

    (void)state;
    package_init(&package);
    package_extend(&package.leaf_extensions, PACKAGE_LAST_RESORT, 0);
    assert_int_equal(package_read_into(&package, &read), KEYPACKAGE_VALID);
    assert_false(read.is_last_resort);
    package_extend(&package.extensions, 0x0A0A, 9);
    package_extend(&package.extensions, PACKAGE_LAST_RESORT, 0);
    package_extend(&package.extensions, 0x1A1A, 0);
    assert_int_equal(package_read_into(&package, &read), KEYPACKAGE_VALID);
    assert_true(read.is_last_resort);
    buf_empty(&package.extensions);
    package_extend(&package.extensions, PACKAGE_LAST_RESORT, 1);
    assert_int_equal(package_read(&package), KEYPACKAGE_EXTENSIONS);
    package_clear(&package);
}

static void an_extension_ends_with_its_list(void **state)
{
    struct package package;

    (void)state;
    package_init(&package);
    package_put(&package.extensions, "\xf0\x01\x05xxxx", 7);
    assert_int_equal(package_read(&package), KEYPACKAGE_FORM);
    package_put(&package.extensions, "\xf0", 1);
    assert_int_equal(package_read(&package), KEYPACKAGE_FORM);
    package_clear(&package);
}

/* Put the 5 letters of the identity behind a length of two bytes. */
static void a_length_has_its_shortest_form(void **state)
{
    struct package package;

    (void)state;
    package_init(&package);
    package_put(&package.credential,
                "\x00\x01\x40\x05"
                "alice",
                9);
    assert_int_equal(package_read(&package), KEYPACKAGE_FORM);
    package_put(&package.credential,
                "\x00\x01\x05"
                "alice",
                8);
    package_put(&package.extensions, "\xf0\x01\x40\x02xx", 6);
    assert_int_equal(package_read(&package), KEYPACKAGE_FORM);
    package_clear(&package);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_credential_is_basic_or_x509),
        cmocka_unit_test(a_chain_has_1_to_16_certificates),
        cmocka_unit_test(lists_of_capabilities_are_of_256_numbers_at_most),
        cmocka_unit_test(the_leaf_is_one_of_a_key_package),
        cmocka_unit_test(a_lifetime_does_not_end_before_it_begins),
        cmocka_unit_test(extensions_are_64_at_most),
        cmocka_unit_test(a_type_of_extension_stands_once_in_a_list),
        cmocka_unit_test(last_resort_is_an_empty_extension_of_the_package),
        cmocka_unit_test(an_extension_ends_with_its_list),
        cmocka_unit_test(a_length_has_its_shortest_form),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}

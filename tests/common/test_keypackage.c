/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/vectors/mls.json was made by ts-mls, mls_odd.json holds what a careless
 * verifier would take.  The rules one by one are in test_keypackage_rules.c.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/keypackage.h"
#include "common/mem.h"
#include "common/mlssuite.h"
#include "tests/support/unit.h"
#include "tests/support/vectors.h"

enum {
    VERSION_BYTES = 2,
    SUITE_END = 4,
    PACKAGES = 15,
};

static bool is_true(const json_t *object, const char *member)
{
    return json_is_true(json_object_get(object, member));
}

static void expect_hex(struct bytes got, const json_t *object, const char *member)
{
    struct buf wanted = { .at = NULL };

    vectors_hex(vectors_text(object, member), &wanted);
    assert_true(bytes_equal(got, buf_view(&wanted)));
    buf_clear(&wanted);
}

static void expect_read_as(const json_t *vector, struct bytes bytes)
{
    struct keypackage read;

    assert_int_equal(keypackage_read(bytes, &read), KEYPACKAGE_VALID);
    assert_int_equal(read.suite, json_integer_value(json_object_get(vector, "suite")));
    assert_int_equal(read.is_verified, is_true(vector, "verified"));
    expect_hex(bytes_of(read.reference.raw, read.reference.size), vector, "reference");
    if (read.is_verified) {
        expect_hex(read.init_key, vector, "init_key");
        expect_hex(bytes_of(read.signature_key, sizeof read.signature_key), vector,
                   "signature_key");
        assert_true(read.not_before == strtoull(vectors_text(vector, "not_before"), NULL, 10));
        assert_true(read.not_after == strtoull(vectors_text(vector, "not_after"), NULL, 10));
        assert_int_equal(read.is_last_resort, is_true(vector, "last_resort"));
    }
}

typedef void package_fn(const json_t *vector, struct bytes bytes);

/* Call each with the packages of ts-mls, all of them or the verified ones. */
static size_t each_package(bool only_verified, package_fn *each)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/mls.json");
    size_t count = 0;
    size_t i;
    json_t *vector;

    json_array_foreach (json_object_get(root, "key_packages"), i, vector) {
        struct buf bytes = { .at = NULL };

        if (only_verified && !is_true(vector, "verified")) {
            continue;
        }
        vectors_hex(vectors_text(vector, "package"), &bytes);
        each(vector, buf_view(&bytes));
        buf_clear(&bytes);
        count++;
    }
    json_decref(root);
    return count;
}

/* Append the package of ts-mls that is called name. */
static void load_package(const char *name, struct buf *out)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/mls.json");
    size_t i;
    json_t *vector;

    json_array_foreach (json_object_get(root, "key_packages"), i, vector) {
        if (strcmp(vectors_text(vector, "name"), name) == 0) {
            vectors_hex(vectors_text(vector, "package"), out);
        }
    }
    json_decref(root);
    assert_int_not_equal(out->size, 0);
}

static void packages_of_ts_mls_are_read_as_it_made_them(void **state)
{
    (void)state;
    assert_int_equal(each_package(false, expect_read_as), PACKAGES);
}

/* In a block of its own size, so that the sanitizer sees a read beyond it. */
static enum keypackage_verdict read_copy(struct bytes bytes)
{
    struct keypackage read;
    uint8_t *copy = mem_raw(bytes.size);

    if (bytes.size > 0) {
        memcpy(copy, bytes.at, bytes.size);
    }
    enum keypackage_verdict verdict = keypackage_read(bytes_of(copy, bytes.size), &read);
    free(copy);
    return verdict;
}

static void expect_no_beginning_read(const json_t *vector, struct bytes bytes)
{
    (void)vector;
    for (size_t size = 0; size < bytes.size; size++) {
        assert_int_equal(read_copy(bytes_of(bytes.at, size)), KEYPACKAGE_FORM);
    }
}

static void a_package_that_is_cut_short_is_refused(void **state)
{
    (void)state;
    assert_in_range(each_package(true, expect_no_beginning_read), 1, PACKAGES);
}

static void expect_no_more_read(const json_t *vector, struct bytes bytes)
{
    struct buf longer = { .at = NULL };

    (void)vector;
    buf_append(&longer, bytes);
    buf_append_u8(&longer, 0);
    assert_int_equal(read_copy(buf_view(&longer)), KEYPACKAGE_FORM);
    buf_append(&longer, bytes);
    assert_int_equal(read_copy(buf_view(&longer)), KEYPACKAGE_FORM);
    buf_clear(&longer);
}

static void bytes_behind_a_package_are_refused(void **state)
{
    (void)state;
    assert_in_range(each_package(true, expect_no_more_read), 1, PACKAGES);
}

/* Only where the suite became one that we cannot verify may it pass, and then not as verified. */
static void expect_refused_or_unverified(struct bytes changed, size_t at,
                                         const struct mls_reference *of_original)
{
    struct keypackage read;
    enum keypackage_verdict verdict = keypackage_read(changed, &read);

    if (verdict == KEYPACKAGE_VALID) {
        assert_in_range(at, VERSION_BYTES, SUITE_END - 1);
        assert_false(read.is_verified);
        assert_memory_not_equal(read.reference.raw, of_original->raw, CRYPTO_SHA256_BYTES);
    } else if (at < VERSION_BYTES) {
        assert_int_equal(verdict, KEYPACKAGE_VERSION);
    }
}

/* Turn count bits of each byte of the package called name; of every step-th byte. */
static void expect_changes_refused(const char *name, size_t step, unsigned count)
{
    struct keypackage original;
    struct buf bytes = { .at = NULL };

    load_package(name, &bytes);
    assert_int_equal(keypackage_read(buf_view(&bytes), &original), KEYPACKAGE_VALID);
    for (size_t i = 0; i < bytes.size; i += step) {
        for (unsigned turn = 0; turn < count; turn++) {
            uint8_t bit = (uint8_t)(1u << (i + turn) % 8);

            bytes.at[i] = bytes.at[i] ^ bit;
            expect_refused_or_unverified(buf_view(&bytes), i, &original.reference);
            bytes.at[i] = bytes.at[i] ^ bit;
        }
    }
    buf_clear(&bytes);
}

static void a_package_with_a_changed_bit_is_refused(void **state)
{
    (void)state;
    expect_changes_refused("X25519 AES-128", 1, 8);
    expect_changes_refused("X25519 AES-128, x509", 1, 1);
    expect_changes_refused("X25519 ChaCha20, last resort", 1, 1);
    expect_changes_refused("X-Wing AES-256, last resort", 3, 1);
}

/* As it would be handed to a member: its first bytes look like version and suite 5. */
static void a_package_in_a_message_is_refused(void **state)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/mls.json");
    struct buf bytes = { .at = NULL };

    (void)state;
    vectors_hex(vectors_text(root, "key_package_message"), &bytes);
    assert_int_equal(read_copy(buf_view(&bytes)), KEYPACKAGE_FORM);
    assert_int_equal(read_copy(bytes_of(bytes.at + 4, bytes.size - 4)), KEYPACKAGE_VALID);
    buf_clear(&bytes);
    json_decref(root);
}

static enum keypackage_verdict verdict_called(const char *fault)
{
    static const struct {
        const char *name;
        enum keypackage_verdict verdict;
    } faults[] = {
        { "none", KEYPACKAGE_VALID },
        { "signature key", KEYPACKAGE_SIGNATURE_KEY },
        { "leaf signature", KEYPACKAGE_LEAF_SIGNATURE },
        { "signature", KEYPACKAGE_SIGNATURE },
    };

    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        if (strcmp(faults[i].name, fault) == 0) {
            return faults[i].verdict;
        }
    }
    fail_msg("no verdict is called %s", fault);
    return KEYPACKAGE_VALID;
}

static void expect_judged_right(const json_t *vector)
{
    struct buf bytes = { .at = NULL };

    vectors_hex(vectors_text(vector, "package"), &bytes);
    if (read_copy(buf_view(&bytes)) != verdict_called(vectors_text(vector, "fault"))) {
        fail_msg("%s", vectors_text(vector, "name"));
    }
    buf_clear(&bytes);
}

static void what_a_careless_verifier_takes_is_refused(void **state)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/mls_odd.json");
    size_t i;
    json_t *vector;

    (void)state;
    json_array_foreach (json_object_get(root, "vectors"), i, vector) {
        expect_judged_right(vector);
    }
    assert_int_equal(i, 8);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packages_of_ts_mls_are_read_as_it_made_them),
        cmocka_unit_test(a_package_that_is_cut_short_is_refused),
        cmocka_unit_test(bytes_behind_a_package_are_refused),
        cmocka_unit_test(a_package_with_a_changed_bit_is_refused),
        cmocka_unit_test(a_package_in_a_message_is_refused),
        cmocka_unit_test(what_a_careless_verifier_takes_is_refused),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}

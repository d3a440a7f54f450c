/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/recovery_code.h"
#include "tests/support/unit.h"
#include "tests/support/vectors.h"

enum {
    MANY = 500,
};

static const struct account_id account = { .raw = { 0xaa, 0xbb } };

/* Expect what is typed to be the code of these bytes in hex, or none when hex is NULL. */
static void expect_read(const char *typed, const char *hex)
{
    struct recovery_code code;
    struct recovery_code expected;

    memset(&code, 0x5a, sizeof code);
    expected = code;
    if (hex != NULL) {
        vectors_hex_exact(hex, expected.raw, sizeof expected.raw);
    }
    if (recovery_code_read(bytes_text(typed), &code) != (hex != NULL)) {
        fail_msg("\"%s\" is %s", typed, hex != NULL ? "refused" : "taken");
    }
    assert_memory_equal(code.raw, expected.raw, sizeof code.raw);
}

static void a_code_has_the_documented_letters(void **state)
{
    (void)state;
    expect_read("0123-4567-89AB-CDEF", "00443214c74254b635cf");
    expect_read("GHJK-MNPQ-RSTV-WXYZ", "84653a56d7c675be77df");
    expect_read("ZZZZ-ZZZZ-ZZZZ-ZZZZ", "ffffffffffffffffffff");
    expect_read("0000-0000-0000-0001", "00000000000000000001");
}

static void what_people_type_is_understood(void **state)
{
    static const char hex[] = "00443214c74254b635cf";

    (void)state;
    expect_read("0123456789ABCDEF", hex);
    expect_read("0123-4567-89ab-cdef", hex);
    expect_read("O123456789ABCDEF", hex);
    expect_read("oI23456789ABCDEF", hex);
    expect_read("oi23456789ABCDEF", hex);
    expect_read("OL23456789ABCDEF", hex);
    expect_read("ol23456789ABCDEF", hex);
    expect_read(" 0123 4567 89AB CDEF ", hex);
    expect_read("-0-1-2-3-4-5-6-7-8-9-A-B-C-D-E-F-", hex);
}

static void what_is_no_code_is_refused(void **state)
{
    (void)state;
    expect_read("", NULL);
    expect_read("----------------", NULL);
    expect_read("0123-4567-89AB-CDE", NULL);
    expect_read("0123-4567-89AB-CDEF0", NULL);
    expect_read("0123-4567-89AB-CDEU", NULL);
    expect_read("0123-4567-89AB-CDEu", NULL);
    expect_read("0123-4567-89AB-CDE*", NULL);
    expect_read("0123_4567_89AB_CDEF", NULL);
    expect_read("0123-4567-89AB-CDE\xc3\xb6", NULL);
    expect_read("0123-4567-89AB\tCDEF", NULL);
}

static void a_nul_is_no_letter(void **state)
{
    struct recovery_code code;

    (void)state;
    assert_false(recovery_code_read(bytes_of("0123456789ABCDE", 16), &code));
}

static void as_much_is_read_as_the_limit_says(void **state)
{
    struct recovery_code code;
    char typed[RECOVERY_CODE_TYPED_MAX + 1];

    (void)state;
    memset(typed, ' ', sizeof typed);
    memcpy(typed, "0123456789ABCDEF", RECOVERY_CODE_CHARS);
    assert_true(recovery_code_read(bytes_of(typed, RECOVERY_CODE_TYPED_MAX), &code));
    assert_false(recovery_code_read(bytes_of(typed, RECOVERY_CODE_TYPED_MAX + 1), &code));
}

static void what_is_written_is_read(void **state)
{
    char text[RECOVERY_CODE_TEXT_CHARS + 1];
    struct recovery_code made;
    struct recovery_code again;

    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        recovery_code_make(&made);
        recovery_code_write(&made, text);
        assert_int_equal(strlen(text), RECOVERY_CODE_TEXT_CHARS);
        assert_int_equal(strspn(text, "0123456789ABCDEFGHJKMNPQRSTVWXYZ-"), strlen(text));
        assert_true(recovery_code_read(bytes_text(text), &again));
        assert_memory_equal(again.raw, made.raw, sizeof made.raw);
    }
}

static void no_two_codes_are_alike(void **state)
{
    struct recovery_code made[MANY];

    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        recovery_code_make(&made[i]);
        for (size_t k = 0; k < i; k++) {
            assert_memory_not_equal(made[i].raw, made[k].raw, sizeof made[i].raw);
        }
    }
}

/* The sum was made with Python's hmac. */
static void what_is_stored_is_an_hmac_of_label_account_and_letters(void **state)
{
    struct recovery_code code;
    uint8_t pepper[32];
    uint8_t hash[RECOVERY_CODE_HASH_BYTES];
    uint8_t expected[RECOVERY_CODE_HASH_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof pepper; i++) {
        pepper[i] = (uint8_t)i;
    }
    assert_true(recovery_code_read(bytes_text("ol23-4567-89ab-cdef"), &code));
    recovery_code_hash(bytes_of(pepper, sizeof pepper), &account, &code, hash);
    vectors_hex_exact("285d44e2f8c9d890e1be9eaa0b7cd43827130176a7039be9c780931fc719cde1", expected,
                      sizeof expected);
    assert_memory_equal(hash, expected, sizeof hash);
}

static void account_pepper_and_code_all_count(void **state)
{
    static const struct account_id other = { .raw = { 0xaa, 0xbc } };
    struct recovery_code code = { .raw = { 1 } };
    struct recovery_code next = { .raw = { 1, 0, 0, 0, 0, 0, 0, 0, 0, 1 } };
    uint8_t hashes[4][RECOVERY_CODE_HASH_BYTES];

    (void)state;
    recovery_code_hash(bytes_text("a pepper"), &account, &code, hashes[0]);
    recovery_code_hash(bytes_text("a pepper"), &other, &code, hashes[1]);
    recovery_code_hash(bytes_text("a Pepper"), &account, &code, hashes[2]);
    recovery_code_hash(bytes_text("a pepper"), &account, &next, hashes[3]);
    for (size_t i = 1; i < 4; i++) {
        assert_memory_not_equal(hashes[0], hashes[i], sizeof hashes[0]);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_has_the_documented_letters),
        cmocka_unit_test(what_people_type_is_understood),
        cmocka_unit_test(what_is_no_code_is_refused),
        cmocka_unit_test(a_nul_is_no_letter),
        cmocka_unit_test(as_much_is_read_as_the_limit_says),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(no_two_codes_are_alike),
        cmocka_unit_test(what_is_stored_is_an_hmac_of_label_account_and_letters),
        cmocka_unit_test(account_pepper_and_code_all_count),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}

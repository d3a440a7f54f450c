/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/crockford.h"
#include "common/crypto.h"
#include "common/recovery_key.h"
#include "tests/support/unit.h"
#include "tests/support/vectors.h"

static int load(void **state)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/recovery.json");

    *state = json_incref(json_object_get(root, "keys"));
    json_decref(root);
    return 0;
}

static int unload(void **state)
{
    json_decref(*state);
    return 0;
}

static struct recovery_key key_of(const json_t *vectors, size_t at)
{
    struct recovery_key key;

    vectors_hex_exact(vectors_text(json_array_get(vectors, at), "key"), key.raw, sizeof key.raw);
    return key;
}

static void texts_and_seeds_are_the_vectors(void **state)
{
    const json_t *vectors = *state;

    assert_true(json_array_size(vectors) > 0);
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *vector = json_array_get(vectors, i);
        const struct recovery_key key = key_of(vectors, i);
        struct recovery_key read;
        char text[RECOVERY_KEY_TEXT_CHARS + 1];
        uint8_t wanted[CRYPTO_SEED_BYTES];
        uint8_t seed[CRYPTO_SEED_BYTES];

        recovery_key_write(&key, text);
        assert_string_equal(text, vectors_text(vector, "text"));
        assert_true(recovery_key_read(bytes_text(text), &read));
        assert_memory_equal(read.raw, key.raw, sizeof key.raw);
        recovery_key_seed(&key, seed);
        vectors_hex_exact(vectors_text(vector, "seed"), wanted, sizeof wanted);
        assert_memory_equal(seed, wanted, sizeof seed);
    }
}

/* Read the 28 letters of a vector without hyphens. */
static void letters_of(const json_t *vectors, size_t at, char out[RECOVERY_KEY_CHARS + 1])
{
    const char *text = vectors_text(json_array_get(vectors, at), "text");
    size_t used = 0;

    for (; *text != '\0'; text++) {
        if (*text != '-') {
            out[used++] = *text;
        }
    }
    out[used] = '\0';
    assert_int_equal(used, RECOVERY_KEY_CHARS);
}

static void expect_refused(const char *typed)
{
    struct recovery_key key;
    struct recovery_key before;

    memset(&key, 0x5a, sizeof key);
    before = key;
    if (recovery_key_read(bytes_text(typed), &key)) {
        fail_msg("\"%s\" is taken", typed);
    }
    assert_memory_equal(key.raw, before.raw, sizeof key.raw);
}

/* Expect that letters with one in place of what stands at `at` are refused, but for the right one. */
static void try_letter(const char *letters, size_t at, char letter)
{
    char changed[RECOVERY_KEY_CHARS + 1];

    memcpy(changed, letters, sizeof changed);
    changed[at] = letter;
    if (letter != letters[at]) {
        expect_refused(changed);
    }
}

static void one_wrong_letter_is_noticed(void **state)
{
    char letters[RECOVERY_KEY_CHARS + 1] = "";

    letters_of(*state, 2, letters);
    for (size_t i = 0; i < RECOVERY_KEY_CHARS; i++) {
        for (unsigned value = 0; value < 32; value++) {
            try_letter(letters, i, crockford_letter(value));
        }
    }
}

static void try_swap(const char *letters, size_t one, size_t other)
{
    char changed[RECOVERY_KEY_CHARS + 1];

    memcpy(changed, letters, sizeof changed);
    changed[one] = letters[other];
    changed[other] = letters[one];
    if (letters[one] != letters[other]) {
        expect_refused(changed);
    }
}

static void two_letters_that_changed_places_are_noticed(void **state)
{
    char letters[RECOVERY_KEY_CHARS + 1] = "";

    letters_of(*state, 3, letters);
    for (size_t i = 0; i < RECOVERY_KEY_CHARS; i++) {
        for (size_t j = i + 1; j < RECOVERY_KEY_CHARS; j++) {
            try_swap(letters, i, j);
        }
    }
}

static void try_two(const char *letters, size_t at, unsigned value)
{
    char changed[RECOVERY_KEY_CHARS + 1];

    memcpy(changed, letters, sizeof changed);
    changed[at] = crockford_letter(value / 32);
    changed[at + 1] = crockford_letter(value % 32);
    if (strcmp(changed, letters) != 0) {
        expect_refused(changed);
    }
}

static void two_wrong_letters_are_noticed(void **state)
{
    char letters[RECOVERY_KEY_CHARS + 1] = "";

    letters_of(*state, 4, letters);
    for (size_t i = 0; i + 1 < RECOVERY_KEY_CHARS; i++) {
        for (unsigned value = 0; value < 32 * 32; value++) {
            try_two(letters, i, value);
        }
    }
}

static void what_people_type_is_understood(void **state)
{
    struct recovery_key key = key_of(*state, 0); /* all zeros */
    struct recovery_key read;

    assert_true(recovery_key_read(bytes_text("oOoO oooo 0000-0000 0000 0000 0000"), &read));
    assert_memory_equal(read.raw, key.raw, sizeof key.raw);
    expect_refused("");
    expect_refused("0000-0000-0000-0000-0000-0000-000");
    expect_refused("0000-0000-0000-0000-0000-0000-00000");
    expect_refused("0000-0000-0000-0000-0000-0000-000U");
    expect_refused("0000_0000_0000_0000_0000_0000_0000");
    assert_false(recovery_key_read(bytes_of("0000000000000000000000000000", 29), &read));
}

/* A word of the code whose data has more than 128 bits: letter 26 is 1, and two letters check it. */
static void bits_beyond_the_key_are_refused(void **state)
{
    char letters[RECOVERY_KEY_CHARS + 1];
    struct recovery_key read;
    size_t words = 0;

    (void)state;
    memset(letters, '0', sizeof letters - 1);
    letters[RECOVERY_KEY_CHARS] = '\0';
    for (unsigned value = 0; value < 32 * 32; value++) {
        letters[25] = '4'; /* the lowest of the bits that are the key's */
        letters[26] = crockford_letter(value / 32);
        letters[27] = crockford_letter(value % 32);
        words += recovery_key_read(bytes_text(letters), &read) ? 1 : 0;
        letters[25] = '1';
        expect_refused(letters);
    }
    assert_int_equal(words, 1);
}

static void keys_are_made_at_random(void **state)
{
    struct recovery_key one;
    struct recovery_key other;

    (void)state;
    recovery_key_make(&one);
    recovery_key_make(&other);
    assert_memory_not_equal(one.raw, other.raw, sizeof one.raw);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(texts_and_seeds_are_the_vectors, load, unload),
        cmocka_unit_test_setup_teardown(one_wrong_letter_is_noticed, load, unload),
        cmocka_unit_test_setup_teardown(two_letters_that_changed_places_are_noticed, load, unload),
        cmocka_unit_test_setup_teardown(two_wrong_letters_are_noticed, load, unload),
        cmocka_unit_test_setup_teardown(what_people_type_is_understood, load, unload),
        cmocka_unit_test(bits_beyond_the_key_are_refused),
        cmocka_unit_test(keys_are_made_at_random),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}

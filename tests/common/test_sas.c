/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/link_entry.h"
#include "common/sas.h"
#include "tests/support/unit.h"
#include "tests/support/vectors.h"

static int load(void **state)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/link.json");

    *state = json_incref(json_object_get(root, "exchanges"));
    json_decref(root);
    return 0;
}

static int unload(void **state)
{
    json_decref(*state);
    return 0;
}

static struct sas_transcript transcript_of(const json_t *vector)
{
    struct sas_transcript out;

    vectors_hex_exact(vectors_text(vector, "account_id"), out.account.raw, sizeof out.account.raw);
    vectors_hex_exact(vectors_text(vector, "entry_hash"), out.entry_hash.raw,
                      sizeof out.entry_hash.raw);
    vectors_hex_exact(vectors_text(vector, "old_device_pub"), out.old_device.raw,
                      sizeof out.old_device.raw);
    vectors_hex_exact(vectors_text(vector, "new_random"), out.new_random.raw,
                      sizeof out.new_random.raw);
    vectors_hex_exact(vectors_text(vector, "old_random"), out.old_random.raw,
                      sizeof out.old_random.raw);
    return out;
}

static void commits_and_codes_are_the_vectors(void **state)
{
    const json_t *vectors = *state;

    assert_true(json_array_size(vectors) > 0);
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *vector = json_array_get(vectors, i);
        struct sas_transcript transcript = transcript_of(vector);
        struct sas_commit wanted;
        struct sas_commit commit;
        struct sas_code code;

        vectors_hex_exact(vectors_text(vector, "commit"), wanted.raw, sizeof wanted.raw);
        sas_commit_of(&transcript.new_random, &transcript.entry_hash, &commit);
        assert_memory_equal(commit.raw, wanted.raw, sizeof wanted.raw);
        assert_true(sas_commit_fits(&wanted, &transcript.new_random, &transcript.entry_hash));
        sas_code_of(&transcript, &code);
        assert_string_equal(code.digits, vectors_text(vector, "code"));
    }
}

static void a_commit_fits_nothing_else(void **state)
{
    struct sas_transcript transcript = transcript_of(json_array_get(*state, 0));
    struct sas_commit commit;

    sas_commit_of(&transcript.new_random, &transcript.entry_hash, &commit);
    transcript.new_random.raw[31] ^= 1;
    assert_false(sas_commit_fits(&commit, &transcript.new_random, &transcript.entry_hash));
    transcript.new_random.raw[31] ^= 1;
    transcript.entry_hash.raw[0] ^= 1;
    assert_false(sas_commit_fits(&commit, &transcript.new_random, &transcript.entry_hash));
    transcript.entry_hash.raw[0] ^= 1;
    commit.raw[0] ^= 1;
    assert_false(sas_commit_fits(&commit, &transcript.new_random, &transcript.entry_hash));
}

/* A code of a million may be the same by chance; for these changes it is not. */
static void whatever_differs_gives_other_digits(void **state)
{
    const struct sas_transcript base = transcript_of(json_array_get(*state, 0));
    struct sas_transcript changed[5] = { base, base, base, base, base };
    struct sas_code original;

    changed[0].account.raw[0] ^= 1;
    changed[1].entry_hash.raw[0] ^= 1;
    changed[2].old_device.raw[0] ^= 1;
    changed[3].new_random.raw[0] ^= 1;
    changed[4].old_random.raw[0] ^= 1;
    sas_code_of(&base, &original);
    for (size_t i = 0; i < sizeof changed / sizeof changed[0]; i++) {
        struct sas_code code;

        sas_code_of(&changed[i], &code);
        assert_string_not_equal(code.digits, original.digits);
    }
}

static void typed_digits_match_whatever_stands_between_them(void **state)
{
    const struct sas_code code = { .digits = "004217" };

    (void)state;
    assert_true(sas_code_matches(&code, bytes_text("004217")));
    assert_true(sas_code_matches(&code, bytes_text(" 004-217 ")));
    assert_false(sas_code_matches(&code, bytes_text("4217")));
    assert_false(sas_code_matches(&code, bytes_text("0042170")));
    assert_false(sas_code_matches(&code, bytes_text("00421x7")));
    assert_false(sas_code_matches(&code, bytes_text("004218")));
    assert_false(sas_code_matches(&code, bytes_text("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commits_and_codes_are_the_vectors),
        cmocka_unit_test(a_commit_fits_nothing_else),
        cmocka_unit_test(whatever_differs_gives_other_digits),
        cmocka_unit_test(typed_digits_match_whatever_stands_between_them),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, load, unload) : EXIT_FAILURE;
}

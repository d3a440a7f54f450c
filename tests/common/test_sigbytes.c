/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/limits.h"
#include "common/sigbytes.h"
#include "tests/support/unit.h"
#include "tests/support/vectors.h"

/* What tests/vectors/manifest.json fixes: one account, the key of its device 1. */
struct given {
    json_t *root;
    struct account_id account;
    uint8_t seed[CRYPTO_SEED_BYTES];
};

static const char audience[] = "https://relay.example";

static int load(void **state)
{
    static struct given given;

    given.root = vectors_load(TESTS_DIR "/vectors/manifest.json");
    vectors_hex_exact(vectors_text(given.root, "account_id"), given.account.raw,
                      sizeof given.account.raw);
    vectors_hex_exact(vectors_text(json_object_get(given.root, "seeds"), "device1"), given.seed,
                      sizeof given.seed);
    *state = &given;
    return 0;
}

static int unload(void **state)
{
    const struct given *given = *state;

    json_decref(given->root);
    return 0;
}

/* Hold bytes against a vector, and its signature against our own and our check. */
static void expect_vector(const struct given *given, const json_t *vector, struct bytes bytes)
{
    struct buf wanted = { .at = NULL };
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    uint8_t ours[CRYPTO_SIGNATURE_BYTES];
    uint8_t pub[CRYPTO_PUBLIC_BYTES];

    vectors_hex(vectors_text(vector, "signed_bytes"), &wanted);
    assert_int_equal(bytes.size, wanted.size);
    assert_memory_equal(bytes.at, wanted.at, wanted.size);
    vectors_hex_exact(vectors_text(vector, "signature"), signature, sizeof signature);
    crypto_public_of(given->seed, pub);
    assert_true(crypto_verify(pub, bytes, signature));
    crypto_make_signature(given->seed, bytes, ours);
    assert_memory_equal(ours, signature, sizeof ours);
    buf_clear(&wanted);
}

static void auth_is_byte_for_byte_the_vector(void **state)
{
    const struct given *given = *state;
    const json_t *vector = json_object_get(given->root, "auth");
    uint8_t challenge[CHALLENGE_BYTES];
    struct buf bytes = { .at = NULL };

    vectors_hex_exact(vectors_text(vector, "challenge"), challenge, sizeof challenge);
    assert_string_equal(vectors_text(vector, "audience"), audience);
    sigbytes_auth(&bytes, bytes_text(audience), &given->account, 1, challenge);
    assert_int_equal(bytes.size, 122);
    expect_vector(given, vector, buf_view(&bytes));
    buf_clear(&bytes);
}

static void command_is_byte_for_byte_the_vector(void **state)
{
    const struct given *given = *state;
    const json_t *vector = json_object_get(given->root, "command");
    struct buf bytes = { .at = NULL };
    const struct sigbytes_command command = {
        .audience = bytes_text(audience),
        .account = &given->account,
        .device_id = 1,
        .seq = (uint64_t)json_integer_value(json_object_get(vector, "seq")),
        .op = COMMAND_DELIVERY_KEY_PUT,
        .payload = bytes_text(vectors_text(vector, "payload_ascii")),
    };

    assert_int_equal(json_integer_value(json_object_get(vector, "op")), command.op);
    sigbytes_command(&bytes, &command);
    expect_vector(given, vector, buf_view(&bytes));
    buf_clear(&bytes);
}

static void bytes_are_appended_to_what_is_there(void **state)
{
    const struct given *given = *state;
    static const uint8_t challenge[CHALLENGE_BYTES];
    struct buf alone = { .at = NULL };
    struct buf bytes = { .at = NULL };

    sigbytes_auth(&alone, bytes_text(audience), &given->account, 1, challenge);
    buf_append_text(&bytes, "before");
    sigbytes_auth(&bytes, bytes_text(audience), &given->account, 1, challenge);
    assert_int_equal(bytes.size, alone.size + 6);
    assert_memory_equal(bytes.at, "before", 6);
    assert_memory_equal(bytes.at + 6, alone.at, alone.size);
    buf_clear(&alone);
    buf_clear(&bytes);
}

static void an_audience_may_be_as_long_as_its_length_says(void **state)
{
    const struct given *given = *state;
    static const uint8_t challenge[CHALLENGE_BYTES];
    uint8_t longest[LIMIT_AUDIENCE_BYTES];
    struct buf bytes = { .at = NULL };

    memset(longest, 'a', sizeof longest);
    sigbytes_auth(&bytes, bytes_of(longest, sizeof longest), &given->account, 127, challenge);
    assert_int_equal(bytes.size, 16 + 1 + sizeof longest + 32 + 4 + CHALLENGE_BYTES);
    assert_int_equal(bytes.at[16], 255);
    assert_memory_equal(bytes.at + 17, longest, sizeof longest);
    assert_int_equal(bytes.at[17 + sizeof longest + 32 + 3], 127);
    buf_clear(&bytes);
}

/* Every field is signed: two commands that differ in one have different bytes. */
static void every_field_of_a_command_is_in_its_bytes(void **state)
{
    const struct given *given = *state;
    const struct account_id other = { .raw = { 1 } };
    const struct sigbytes_command base = {
        .audience = bytes_text(audience),
        .account = &given->account,
        .device_id = 1,
        .seq = 1,
        .op = COMMAND_KEYS_PUT,
        .payload = bytes_text("payload"),
    };
    struct sigbytes_command changed[6] = { base, base, base, base, base, base };
    struct buf original = { .at = NULL };

    changed[0].audience = bytes_text("http://relay.example/");
    changed[1].account = &other;
    changed[2].device_id = 2;
    changed[3].seq = UINT64_C(1) << 63 | 1;
    changed[4].op = COMMAND_KEYS_DELETE;
    changed[5].payload = bytes_of(NULL, 0);
    sigbytes_command(&original, &base);
    for (size_t i = 0; i < sizeof changed / sizeof changed[0]; i++) {
        struct buf bytes = { .at = NULL };

        sigbytes_command(&bytes, &changed[i]);
        assert_int_equal(bytes.size, original.size);
        assert_memory_not_equal(bytes.at, original.at, original.size);
        buf_clear(&bytes);
    }
    buf_clear(&original);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auth_is_byte_for_byte_the_vector),
        cmocka_unit_test(command_is_byte_for_byte_the_vector),
        cmocka_unit_test(bytes_are_appended_to_what_is_there),
        cmocka_unit_test(an_audience_may_be_as_long_as_its_length_says),
        cmocka_unit_test(every_field_of_a_command_is_in_its_bytes),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, load, unload) : EXIT_FAILURE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/recovery_share.h"
#include "common/sigbytes.h"
#include "tests/support/unit.h"
#include "tests/support/vectors.h"

static int load(void **state)
{
    *state = vectors_load(TESTS_DIR "/vectors/recovery.json");
    return 0;
}

static int unload(void **state)
{
    json_decref(*state);
    return 0;
}

struct scene {
    struct recovery_share share;
    uint8_t a[RECOVERY_A_BYTES];
    uint8_t seed[CRYPTO_SEED_BYTES];
};

static struct scene scene_of(const json_t *root, size_t at)
{
    const json_t *vector = json_array_get(json_object_get(root, "shares"), at);
    struct buf bytes = { 0 };
    struct scene out;

    vectors_hex(vectors_text(vector, "share"), &bytes);
    assert_true(recovery_share_read(buf_view(&bytes), &out.share));
    buf_clear(&bytes);
    vectors_hex_exact(vectors_text(vector, "a"), out.a, sizeof out.a);
    vectors_hex_exact(vectors_text(vector, "seed"), out.seed, sizeof out.seed);
    return out;
}

static void shares_are_the_vectors(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        const json_t *vector = json_array_get(json_object_get(*state, "shares"), i);
        struct scene scene = scene_of(*state, i);
        struct account_id account;
        struct buf bytes = { 0 };
        struct buf wanted = { 0 };
        uint8_t seed[CRYPTO_SEED_BYTES];

        vectors_hex_exact(vectors_text(vector, "account_id"), account.raw, sizeof account.raw);
        assert_memory_equal(scene.share.account_id.raw, account.raw, sizeof account.raw);
        assert_int_equal(scene.share.slot, json_integer_value(json_object_get(vector, "slot")));
        assert_true(recovery_share_open(&scene.share, scene.a, seed));
        assert_memory_equal(seed, scene.seed, sizeof seed);
        recovery_share_append(&scene.share, &bytes);
        vectors_hex(vectors_text(vector, "share"), &wanted);
        assert_true(bytes_equal(buf_view(&bytes), buf_view(&wanted)));
        buf_clear(&bytes);
        buf_clear(&wanted);
    }
}

static void a_share_that_is_made_opens(void **state)
{
    struct scene scene = scene_of(*state, 0);
    struct recovery_share again = scene.share;
    uint8_t seed[CRYPTO_SEED_BYTES];

    recovery_share_make(&again, scene.a, scene.seed);
    assert_memory_not_equal(again.packet, scene.share.packet, sizeof again.packet);
    assert_true(recovery_share_open(&again, scene.a, seed));
    assert_memory_equal(seed, scene.seed, sizeof seed);
}

static void whatever_differs_does_not_open(void **state)
{
    struct scene scene = scene_of(*state, 0);
    uint8_t seed[CRYPTO_SEED_BYTES];

    scene.share.slot ^= 1;
    assert_false(recovery_share_open(&scene.share, scene.a, seed));
    scene.share.slot ^= 1;
    scene.share.account_id.raw[31] ^= 1;
    assert_false(recovery_share_open(&scene.share, scene.a, seed));
    scene.share.account_id.raw[31] ^= 1;
    scene.a[0] ^= 1;
    assert_false(recovery_share_open(&scene.share, scene.a, seed));
    scene.a[0] ^= 1;
    for (size_t i = 0; i < sizeof scene.share.packet; i++) {
        scene.share.packet[i] ^= 1;
        assert_false(recovery_share_open(&scene.share, scene.a, seed));
        scene.share.packet[i] ^= 1;
    }
    assert_true(recovery_share_open(&scene.share, scene.a, seed));
}

static void a_share_has_one_length(void **state)
{
    uint8_t bytes[RECOVERY_SHARE_BYTES + 1] = { 0 };
    struct recovery_share share;

    (void)state;
    for (size_t size = 0; size <= sizeof bytes; size++) {
        assert_int_equal(recovery_share_read(bytes_of(bytes, size), &share),
                         size == RECOVERY_SHARE_BYTES);
    }
}

static void commits_and_digits_are_the_vectors(void **state)
{
    const json_t *vectors = json_object_get(*state, "exchanges");

    assert_true(json_array_size(vectors) > 0);
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *vector = json_array_get(vectors, i);
        struct recovery_id id;
        uint8_t public[RECOVERY_PUBLIC_BYTES];
        struct sas_random randoms[2];
        struct link_entry_hash entry;
        struct link_entry_hash wanted;
        struct sas_commit commit;
        struct sas_code code;

        vectors_hex_exact(vectors_text(vector, "recovery_id"), id.raw, sizeof id.raw);
        vectors_hex_exact(vectors_text(vector, "public_key"), public, sizeof public);
        vectors_hex_exact(vectors_text(vector, "random"), randoms[0].raw, sizeof randoms[0].raw);
        vectors_hex_exact(vectors_text(vector, "contact_random"), randoms[1].raw,
                          sizeof randoms[1].raw);
        vectors_hex_exact(vectors_text(vector, "entry"), wanted.raw, sizeof wanted.raw);
        vectors_hex_exact(vectors_text(vector, "commit"), commit.raw, sizeof commit.raw);
        recovery_share_entry(&id, public, &entry);
        assert_memory_equal(entry.raw, wanted.raw, sizeof entry.raw);
        assert_true(sas_commit_fits(&commit, &randoms[0], &entry));
        recovery_share_code(&entry, &randoms[0], &randoms[1], &code);
        assert_string_equal(code.digits, vectors_text(vector, "code"));
    }
}

static void what_the_recovery_key_signs_is_the_vectors(void **state)
{
    const json_t *vectors = json_object_get(*state, "auth");

    assert_int_equal(json_array_size(vectors), 2);
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *vector = json_array_get(vectors, i);
        bool is_handle = json_is_true(json_object_get(vector, "is_handle"));
        uint8_t challenge[CHALLENGE_BYTES];
        struct buf name = { 0 };
        struct buf wanted = { 0 };
        struct buf made = { 0 };

        vectors_hex_exact(vectors_text(vector, "challenge"), challenge, sizeof challenge);
        vectors_hex(vectors_text(vector, "signed"), &wanted);
        if (is_handle) {
            buf_append_text(&name, vectors_text(vector, "name"));
        } else {
            vectors_hex(vectors_text(vector, "name"), &name);
        }
        sigbytes_recovery(&made, &(struct sigbytes_recovery){
                                     .audience = bytes_text(vectors_text(vector, "audience")),
                                     .challenge = challenge,
                                     .is_handle = is_handle,
                                     .name = buf_view(&name) });
        assert_true(bytes_equal(buf_view(&made), buf_view(&wanted)));
        buf_clear(&name);
        buf_clear(&wanted);
        buf_clear(&made);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shares_are_the_vectors, load, unload),
        cmocka_unit_test_setup_teardown(a_share_that_is_made_opens, load, unload),
        cmocka_unit_test_setup_teardown(whatever_differs_does_not_open, load, unload),
        cmocka_unit_test(a_share_has_one_length),
        cmocka_unit_test_setup_teardown(commits_and_digits_are_the_vectors, load, unload),
        cmocka_unit_test_setup_teardown(what_the_recovery_key_signs_is_the_vectors, load, unload),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}

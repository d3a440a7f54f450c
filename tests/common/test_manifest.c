/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/vectors/manifest_rules.json was made by an implementation in another
 * language and holds every clause of every rule; here it judges this one.
 */
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/manifest.h"
#include "common/mem.h"
#include "tests/support/unit.h"
#include "tests/support/vectors.h"

enum {
    VERDICTS = MANIFEST_RULE_7_RECOVERY + 1,
    CREATED = 1767225600,
};

/* A manifest and the bytes it borrows. */
struct held {
    struct buf bytes;
    struct manifest manifest;
};

static void held_clear(struct held *held)
{
    buf_clear(&held->bytes);
    free(held);
}

static struct held *held_of(const char *hex)
{
    struct held *held = mem_zeroed(1, sizeof *held);

    vectors_hex(hex, &held->bytes);
    return held;
}

static enum manifest_verdict parse(struct held *held)
{
    return manifest_parse(buf_view(&held->bytes), &held->manifest);
}

/* Judge next as a relay does: after old, or as the first when old is no text. */
static enum manifest_verdict judge(const json_t *old, const json_t *next)
{
    struct held *fresh = held_of(json_string_value(next));
    enum manifest_verdict verdict = parse(fresh);

    if (verdict == MANIFEST_VALID && json_is_string(old)) {
        struct held *head = held_of(json_string_value(old));

        assert_int_equal(parse(head), MANIFEST_VALID);
        verdict = manifest_check_next(&head->manifest, &fresh->manifest);
        held_clear(head);
    } else if (verdict == MANIFEST_VALID) {
        verdict = manifest_check_first(&fresh->manifest);
    }
    held_clear(fresh);
    return verdict;
}

static void every_rule_is_judged_as_the_second_implementation_does(void **state)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/manifest_rules.json");
    size_t seen[VERDICTS] = { 0 };
    size_t wrong = 0;
    size_t i;
    json_t *vector;

    (void)state;
    json_array_foreach (json_object_get(root, "vectors"), i, vector) {
        json_int_t wanted = json_integer_value(json_object_get(vector, "verdict"));
        enum manifest_verdict found =
            judge(json_object_get(vector, "old"), json_object_get(vector, "next"));

        assert_in_range(wanted, 0, VERDICTS - 1);
        seen[wanted]++;
        if ((json_int_t)found != wanted) {
            print_error("%s: rule %d, not %d\n", vectors_text(vector, "name"), (int)found,
                        (int)wanted);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
    for (size_t rule = 0; rule < VERDICTS; rule++) {
        assert_true(seen[rule] > 0);
    }
    json_decref(root);
}

static struct held *supplied(const json_t *root, size_t epoch)
{
    const json_t *vector = json_array_get(json_object_get(root, "manifests"), epoch);
    struct held *held = held_of(vectors_text(vector, "signed"));
    struct manifest_hash hash;
    struct manifest_hash wanted;

    assert_int_equal(parse(held), MANIFEST_VALID);
    assert_int_equal(held->manifest.body.size * 2, strlen(vectors_text(vector, "body")));
    manifest_hash_of(held->manifest.body, &hash);
    vectors_hex_exact(vectors_text(vector, "hash"), wanted.raw, sizeof wanted.raw);
    assert_memory_equal(hash.raw, wanted.raw, sizeof hash.raw);
    return held;
}

static void the_supplied_chain_holds(void **state)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/manifest.json");
    struct held *first = supplied(root, 0);
    struct held *second = supplied(root, 1);
    struct held *third = supplied(root, 2);

    (void)state;
    assert_int_equal(manifest_check_first(&first->manifest), MANIFEST_VALID);
    assert_int_equal(manifest_check_next(&first->manifest, &second->manifest), MANIFEST_VALID);
    assert_int_equal(manifest_check_next(&second->manifest, &third->manifest), MANIFEST_VALID);
    assert_int_equal(manifest_check_next(&first->manifest, &third->manifest),
                     MANIFEST_RULE_3_CHAIN);
    held_clear(first);
    held_clear(second);
    held_clear(third);
    json_decref(root);
}

static void a_manifest_is_read_field_by_field(void **state)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/manifest.json");
    struct held *held = supplied(root, 1);
    const struct manifest *manifest = &held->manifest;
    struct account_id account;

    (void)state;
    vectors_hex_exact(vectors_text(root, "account_id"), account.raw, sizeof account.raw);
    assert_memory_equal(manifest->account.raw, account.raw, sizeof account.raw);
    assert_int_equal(manifest->flags, 0);
    assert_int_equal(manifest->epoch, 1);
    assert_int_equal(manifest->created, CREATED + 3600);
    assert_true(manifest->has_recovery);
    assert_int_equal(manifest->device_count, 2);
    assert_int_equal(manifest->devices[0].flags, MANIFEST_DEVICE_ADMIN);
    assert_int_equal(manifest->devices[0].key_count, 2);
    assert_int_equal(manifest->devices[0].keys[1].type, MANIFEST_KEY_MLS);
    assert_int_equal(manifest->devices[0].keys[1].key.size, 32);
    assert_int_equal(manifest->devices[1].device_id, 2);
    assert_int_equal(manifest->devices[1].added_epoch, 1);
    assert_int_equal(manifest->signature_count, 2);
    assert_int_equal(manifest->signatures[1].signer, 2);
    assert_ptr_equal(manifest_find(manifest, 2), &manifest->devices[1]);
    assert_null(manifest_find(manifest, 3));
    assert_ptr_equal(manifest_find_pub(manifest, &manifest->devices[1].pub), &manifest->devices[1]);
    assert_null(manifest_find_pub(manifest, &(struct device_pub){ .raw = { 1 } }));
    held_clear(held);
    json_decref(root);
}

/* Taking a manifest apart and writing it again gives the same bytes, with the same signatures. */
static void what_was_parsed_is_built_again_byte_for_byte(void **state)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/manifest.json");

    (void)state;
    for (size_t epoch = 0; epoch < 3; epoch++) {
        struct held *held = supplied(root, epoch);
        struct buf again = { .at = NULL };

        manifest_build_body(&held->manifest, &again);
        manifest_append_signatures(&again, held->manifest.signatures,
                                   held->manifest.signature_count);
        assert_int_equal(again.size, held->bytes.size);
        assert_memory_equal(again.at, held->bytes.at, again.size);
        buf_clear(&again);
        held_clear(held);
    }
    json_decref(root);
}

/* Signing is deterministic, so the supplied signatures must come out. */
static void a_signature_is_that_of_the_vector(void **state)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/manifest.json");
    const json_t *seeds = json_object_get(root, "seeds");
    struct held *held = supplied(root, 0);
    const struct manifest *manifest = &held->manifest;
    uint8_t seed[CRYPTO_SEED_BYTES];
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];

    (void)state;
    assert_int_equal(manifest->signatures[0].signer, MANIFEST_SIGNER_RECOVERY);
    vectors_hex_exact(vectors_text(seeds, "recovery"), seed, sizeof seed);
    manifest_sign(seed, manifest->body, signature);
    assert_memory_equal(manifest->signatures[0].signature, signature, sizeof signature);
    vectors_hex_exact(vectors_text(seeds, "device1"), seed, sizeof seed);
    manifest_sign(seed, manifest->body, signature);
    assert_memory_equal(manifest->signatures[1].signature, signature, sizeof signature);
    held_clear(held);
    json_decref(root);
}

/* No byte of a signed manifest can change, go or come without a refusal. */
static void no_change_of_a_byte_is_accepted(void **state)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/manifest.json");
    struct held *held = supplied(root, 0);

    (void)state;
    for (size_t at = 0; at < held->bytes.size; at++) {
        held->bytes.at[at] ^= 0x10;
        assert_true(parse(held) != MANIFEST_VALID ||
                    manifest_check_first(&held->manifest) != MANIFEST_VALID);
        held->bytes.at[at] ^= 0x10;
    }
    for (size_t size = 0; size < held->bytes.size; size++) {
        assert_int_equal(manifest_parse(bytes_of(held->bytes.at, size), &held->manifest),
                         MANIFEST_RULE_1_FORM);
    }
    assert_int_equal(parse(held), MANIFEST_VALID);
    assert_int_equal(manifest_check_first(&held->manifest), MANIFEST_VALID);
    held_clear(held);
    json_decref(root);
}

static void a_refused_parse_leaves_the_result_alone(void **state)
{
    struct held *held = held_of("53504d32");

    (void)state;
    held->manifest.epoch = 7;
    assert_int_equal(parse(held), MANIFEST_RULE_1_FORM);
    assert_int_equal(held->manifest.epoch, 7);
    held_clear(held);
}

/* A device that builds its account from nothing: id computed, signed, accepted. */
static void what_was_stored_is_parsed_when_its_hash_is_right(void **state)
{
    json_t *root = vectors_load(TESTS_DIR "/vectors/manifest.json");
    struct held *held = supplied(root, 0);
    struct manifest *again = mem_zeroed(1, sizeof *again);
    size_t body_bytes = held->manifest.body.size;
    struct manifest_hash hash;

    (void)state;
    manifest_hash_of(held->manifest.body, &hash);
    const struct bytes right = bytes_of(hash.raw, sizeof hash.raw);
    assert_true(manifest_parse_stored(buf_view(&held->bytes), right, again));
    assert_memory_equal(again->account.raw, held->manifest.account.raw, ACCOUNT_ID_BYTES);
    assert_int_equal(again->device_count, held->manifest.device_count);
    for (size_t at = 0; at < body_bytes; at++) {
        held->bytes.at[at] ^= 0x10;
        assert_false(manifest_parse_stored(buf_view(&held->bytes), right, again));
        held->bytes.at[at] ^= 0x10;
    }
    for (size_t size = 0; size < held->bytes.size; size++) {
        assert_false(manifest_parse_stored(bytes_of(held->bytes.at, size), right, again));
    }
    assert_false(manifest_parse_stored(buf_view(&held->bytes), bytes_of(NULL, 0), again));
    free(again);
    held_clear(held);
    json_decref(root);
}

static void a_first_manifest_is_built_and_accepted(void **state)
{
    const uint8_t seed[CRYPTO_SEED_BYTES] = { 1, 2, 3 };
    static const uint8_t sealed_box_key[32] = { 9 };
    struct manifest *plan = mem_zeroed(1, sizeof *plan);
    struct held *held = mem_zeroed(1, sizeof *held);
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    struct account_id account;

    (void)state;
    plan->created = CREATED;
    plan->device_count = 1;
    plan->devices[0] = (struct manifest_device){
        .device_id = 1,
        .flags = MANIFEST_DEVICE_ADMIN,
        .key_count = 1,
        .keys = { { .type = MANIFEST_KEY_SEALED_BOX, .key = bytes_of(sealed_box_key, 32) } },
    };
    crypto_public_of(seed, plan->devices[0].pub.raw);
    manifest_build_body(plan, &held->bytes);
    manifest_account_of(buf_view(&held->bytes), &account);
    manifest_sign(seed, buf_view(&held->bytes), signature);
    manifest_append_signatures(
        &held->bytes, &(struct manifest_signature){ .signer = 1, .signature = signature }, 1);
    assert_int_equal(parse(held), MANIFEST_VALID);
    assert_memory_equal(held->manifest.account.raw, account.raw, sizeof account.raw);
    assert_false(held->manifest.has_recovery);
    assert_int_equal(manifest_check_first(&held->manifest), MANIFEST_VALID);
    held_clear(held);
    free(plan);
}

static void every_verdict_has_a_sentence_of_its_own(void **state)
{
    (void)state;
    for (int a = 0; a < VERDICTS; a++) {
        for (int b = 0; b < a; b++) {
            assert_string_not_equal(manifest_verdict_text((enum manifest_verdict)a),
                                    manifest_verdict_text((enum manifest_verdict)b));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_is_judged_as_the_second_implementation_does),
        cmocka_unit_test(the_supplied_chain_holds),
        cmocka_unit_test(a_manifest_is_read_field_by_field),
        cmocka_unit_test(what_was_parsed_is_built_again_byte_for_byte),
        cmocka_unit_test(a_signature_is_that_of_the_vector),
        cmocka_unit_test(no_change_of_a_byte_is_accepted),
        cmocka_unit_test(a_refused_parse_leaves_the_result_alone),
        cmocka_unit_test(what_was_stored_is_parsed_when_its_hash_is_right),
        cmocka_unit_test(a_first_manifest_is_built_and_accepted),
        cmocka_unit_test(every_verdict_has_a_sentence_of_its_own),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}

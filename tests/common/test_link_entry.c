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
#include "common/link_entry.h"
#include "common/manifest.h"
#include "tests/support/unit.h"
#include "tests/support/vectors.h"

enum {
    COUNT_OFFSET = DEVICE_PUB_BYTES
};

static int load(void **state)
{
    *state = vectors_load(TESTS_DIR "/vectors/link.json");
    return 0;
}

static int unload(void **state)
{
    json_decref(*state);
    return 0;
}

/* The entry of vector number i; the caller clears it. */
static struct buf entry_of(const json_t *root, size_t i)
{
    struct buf entry = { 0 };

    vectors_hex(vectors_text(json_array_get(json_object_get(root, "entries"), i), "entry"), &entry);
    return entry;
}

static bool parses(const struct buf *entry)
{
    struct manifest_device device;

    return link_entry_parse(buf_view(entry), &device);
}

static void an_entry_and_its_hash_are_the_vectors(void **state)
{
    const json_t *vectors = json_object_get(*state, "entries");

    assert_true(json_array_size(vectors) > 0);
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *vector = json_array_get(vectors, i);
        struct buf entry = entry_of(*state, i);
        struct buf built = { 0 };
        struct manifest_device device;
        struct link_entry_hash wanted;
        struct link_entry_hash hash;

        assert_true(link_entry_parse(buf_view(&entry), &device));
        assert_int_equal(device.key_count, json_integer_value(json_object_get(vector, "keys")));
        assert_int_equal(device.device_id, 0);
        link_entry_build(&device, &built);
        assert_true(bytes_equal(buf_view(&built), buf_view(&entry)));
        assert_true(link_entry_is_of(buf_view(&entry), &device));
        link_entry_hash_of(buf_view(&entry), &hash);
        vectors_hex_exact(vectors_text(vector, "hash"), wanted.raw, sizeof wanted.raw);
        assert_memory_equal(hash.raw, wanted.raw, sizeof wanted.raw);
        buf_clear(&built);
        buf_clear(&entry);
    }
}

static void a_uri_is_the_vector_both_ways(void **state)
{
    const json_t *vectors = json_object_get(*state, "entries");

    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *vector = json_array_get(vectors, i);
        struct buf text = { 0 };
        struct link_uri wanted;
        struct link_uri uri;

        vectors_hex_exact(vectors_text(vector, "hash"), wanted.entry_hash.raw,
                          sizeof wanted.entry_hash.raw);
        vectors_hex_exact(vectors_text(vector, "link_id"), wanted.link_id.raw,
                          sizeof wanted.link_id.raw);
        link_uri_append(&wanted, &text);
        assert_true(bytes_equal(buf_view(&text), bytes_text(vectors_text(vector, "uri"))));
        assert_true(link_uri_parse(buf_view(&text), &uri));
        assert_memory_equal(&uri, &wanted, sizeof uri);
        buf_clear(&text);
    }
}

static void a_uri_that_is_not_exactly_one_is_refused(void **state)
{
    const json_t *vector = json_array_get(json_object_get(*state, "entries"), 0);
    const char *good = vectors_text(vector, "uri");
    static const size_t places[] = { 0, 8, 9, 13, 14, LINK_URI_BYTES - 1 };
    struct buf text = { 0 };
    struct link_uri uri;

    assert_int_equal(strlen(good), LINK_URI_BYTES);
    assert_true(link_uri_parse(bytes_text(good), &uri));
    for (size_t size = 0; size < LINK_URI_BYTES; size++) {
        assert_false(link_uri_parse(bytes_of(good, size), &uri));
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        buf_append_text(&text, good);
        text.at[places[i]] = '=';
        assert_false(link_uri_parse(buf_view(&text), &uri));
        buf_empty(&text);
    }
    buf_append_text(&text, good);
    buf_append_text(&text, "A");
    assert_false(link_uri_parse(buf_view(&text), &uri));
    buf_clear(&text);
}

static void an_entry_that_is_cut_or_has_more_is_refused(void **state)
{
    struct buf entry = entry_of(*state, 2);
    size_t size = entry.size;

    buf_append_u8(&entry, 0);
    assert_false(parses(&entry));
    for (entry.size = 0; entry.size < size; entry.size++) {
        assert_false(parses(&entry));
    }
    assert_true(parses(&entry));
    buf_clear(&entry);
}

static void an_entry_with_a_point_that_is_none_is_refused(void **state)
{
    struct buf entry = entry_of(*state, 0);

    memset(entry.at, 0, DEVICE_PUB_BYTES); /* a point of order 4 */
    assert_false(parses(&entry));
    memset(entry.at, 0xff, DEVICE_PUB_BYTES); /* not canonical */
    assert_false(parses(&entry));
    buf_clear(&entry);
}

static void an_entry_breaks_rule_1_as_a_manifest_does(void **state)
{
    struct buf entry = entry_of(*state, 1);
    static const uint8_t private_key[] = { 0x80, 0x00, 0x00, 0x01, 0x07 };

    entry.at[COUNT_OFFSET]++; /* one key more than there is */
    assert_false(parses(&entry));
    entry.at[COUNT_OFFSET]--;
    entry.at[COUNT_OFFSET + 2] = 2; /* the Signal key, called MLS's: too long, and twice */
    assert_false(parses(&entry));
    entry.at[COUNT_OFFSET + 2] = 9; /* a type that nobody knows */
    assert_false(parses(&entry));
    entry.at[COUNT_OFFSET + 2] = 1;
    entry.at[COUNT_OFFSET + 5] = 4; /* Signal's first byte */
    assert_false(parses(&entry));
    entry.at[COUNT_OFFSET + 5] = 5;
    assert_true(parses(&entry));
    for (size_t keys = 3; keys <= LIMIT_DEVICE_KEYS + 1; keys++) {
        buf_append(&entry, bytes_of(private_key, sizeof private_key));
        entry.at[entry.size - 4] = (uint8_t)keys; /* rising types */
        entry.at[COUNT_OFFSET] = (uint8_t)keys;
        assert_int_equal(parses(&entry), keys <= LIMIT_DEVICE_KEYS);
    }
    buf_clear(&entry);
}

static void another_device_is_not_of_the_entry(void **state)
{
    struct buf entry = entry_of(*state, 1);
    struct buf other = entry_of(*state, 2);
    struct manifest_device device;
    struct manifest_device changed;

    assert_true(link_entry_parse(buf_view(&entry), &device));
    assert_false(link_entry_is_of(buf_view(&other), &device));
    assert_false(link_entry_is_of(bytes_of(NULL, 0), &device));
    changed = device;
    changed.key_count--;
    assert_false(link_entry_is_of(buf_view(&entry), &changed));
    changed = device;
    changed.pub.raw[0] ^= 1;
    assert_false(link_entry_is_of(buf_view(&entry), &changed));
    changed = device;
    changed.device_id = 7; /* what the old device decides is no part of it */
    changed.flags = MANIFEST_DEVICE_ADMIN;
    changed.added_epoch = 3;
    assert_true(link_entry_is_of(buf_view(&entry), &changed));
    buf_clear(&entry);
    buf_clear(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_and_its_hash_are_the_vectors),
        cmocka_unit_test(a_uri_is_the_vector_both_ways),
        cmocka_unit_test(a_uri_that_is_not_exactly_one_is_refused),
        cmocka_unit_test(an_entry_that_is_cut_or_has_more_is_refused),
        cmocka_unit_test(an_entry_with_a_point_that_is_none_is_refused),
        cmocka_unit_test(an_entry_breaks_rule_1_as_a_manifest_does),
        cmocka_unit_test(another_device_is_not_of_the_entry),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, load, unload) : EXIT_FAILURE;
}

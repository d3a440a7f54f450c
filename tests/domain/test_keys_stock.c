/* SPDX-License-Identifier: Apache-2.0 */
/* What owners see of their keys, and compare by a digest. */
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "server/domain/keys.h"
#include "server/domain/slots.h"
#include "tests/domain/support/key_scenes.h"
#include "tests/domain/support/scenes.h"
#include "tests/support/unit.h"

#define EC KEY_SCENES_EC

/* Some keys from the id first on, as the digest counts them. */
struct part {
    const char *slot;
    uint32_t first, count;
};

static void append_part(struct buf *out, const struct part *part)
{
    buf_append_u8(out, (uint8_t)strlen(part->slot));
    buf_append_text(out, part->slot);
    buf_append_u32(out, part->count);
    for (uint32_t i = 0; i < part->count; i++) {
        struct buf key = { 0 };
        uint8_t hash[CRYPTO_SHA256_BYTES];

        key_scenes_append_key(&key, part->first + i, 0);
        const struct bytes view = buf_view(&key);
        crypto_sha256(&view, 1, hash);
        buf_append_u16(out, sizeof(uint32_t));
        buf_append_u32(out, part->first + i);
        buf_append(out, bytes_of(hash, sizeof hash));
        buf_clear(&key);
    }
}

/* Parts are ascending by slot. */
static bool digest_is(struct key_scenes *scenes, const struct part *parts, size_t count)
{
    struct buf input = { 0 };
    uint8_t wanted[CRYPTO_SHA256_BYTES];
    uint8_t digest[CRYPTO_SHA256_BYTES];

    buf_append_text(&input, "sealpost/keys-check/1");
    buf_append_u8(&input, 0);
    for (size_t i = 0; i < count; i++) {
        append_part(&input, &parts[i]);
    }
    const struct bytes view = buf_view(&input);
    crypto_sha256(&view, 1, wanted);
    key_scenes_digest(scenes, SCENE_NOW_MS, digest);
    buf_clear(&input);
    return memcmp(wanted, digest, sizeof digest) == 0;
}

static void a_digest_is_over_all_keys_by_slot_and_id(void **state)
{
    static const struct part parts[] = { { EC, 255, 3 }, { "x.note", 7, 1 }, { "x.test", 1, 2 } };

    assert_true(digest_is(*state, parts, 0));
    key_scenes_fill(*state, "x.test", 1, 2);
    key_scenes_fill(*state, "x.note", 7, 1);
    key_scenes_fill(*state, EC, 257, 1);
    key_scenes_fill(*state, EC, 255, 2);
    assert_true(digest_is(*state, parts, 3));
    assert_false(digest_is(*state, parts, 2));
    assert_false(digest_is(*state, parts + 1, 2));
}

static void what_was_claimed_or_is_over_is_not_in_the_digest(void **state)
{
    static const struct part claimed = { EC, 2, 2 };
    static const struct part over = { EC, 3, 1 };

    key_scenes_fill(*state, EC, 1, 3);
    assert_int_equal(key_scenes_claim(*state, EC).id, 1);
    assert_true(digest_is(*state, &claimed, 1));
    scene_run(&((struct key_scenes *)*state)->temp,
              "UPDATE keys SET expires_at = 1800000000 WHERE number ="
              " (SELECT min(number) FROM keys)");
    assert_true(digest_is(*state, &over, 1));
}

/* Start with other slots of the operator's. */
static void switch_slots(struct key_scenes *scenes, const char *opaque)
{
    slots_destroy(scenes->temp.domain.slots);
    scenes->temp.domain.slots = slots_create(opaque);
}

static void a_slot_that_is_switched_off_counts_nowhere_until_it_is_back(void **state)
{
    static const struct part parts[] = { { EC, 1, 2 }, { "x.note", 7, 1 }, { "x.test", 1, 3 } };
    struct key_scenes *scenes = *state;

    key_scenes_fill(scenes, EC, 1, 2);
    key_scenes_fill(scenes, "x.note", 7, 1);
    key_scenes_fill(scenes, "x.test", 1, 3);
    switch_slots(scenes, "x.note:static");
    assert_true(digest_is(scenes, parts, 2));
    assert_int_equal(key_scenes_pool(scenes, "x.note", SCENE_NOW_MS).count, 1);
    assert_int_equal(key_scenes_pool(scenes, "x.test", SCENE_NOW_MS).generation, 0); /* none */
    switch_slots(scenes, "");
    assert_true(digest_is(scenes, parts, 1));
    switch_slots(scenes, "x.test, x.note:static");
    assert_true(digest_is(scenes, parts, 3));
    assert_int_equal(key_scenes_pool(scenes, "x.test", SCENE_NOW_MS).count, 3);
    assert_int_equal(key_scenes_claim(scenes, "x.test").id, 1);
}

/* Only what is switched off: the pools that are seen are as many as there are slots. */
static void pools_of_many_slots_that_are_off_hide_none_that_is_on(void **state)
{
    struct key_scenes *scenes = *state;

    key_scenes_fill(scenes, "x.test", 1, 3);
    scene_run(&scenes->temp,
              "INSERT INTO key_pools (mailbox, slot, generation, low)"
              " WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 160)"
              " SELECT (SELECT max(mailbox) FROM keys), 'x.a' || i, 1, 0 FROM n");
    assert_int_equal(key_scenes_pool(scenes, "x.test", SCENE_NOW_MS).count, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, key_scenes_set_up, key_scenes_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_digest_is_over_all_keys_by_slot_and_id),
        TEST(what_was_claimed_or_is_over_is_not_in_the_digest),
        TEST(a_slot_that_is_switched_off_counts_nowhere_until_it_is_back),
        TEST(pools_of_many_slots_that_are_off_hide_none_that_is_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

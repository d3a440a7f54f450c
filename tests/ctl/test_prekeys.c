/* SPDX-License-Identifier: Apache-2.0 */
/* What a device remembers of its keys, on the disk and when it is asked for the digest. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "server/ctl/folder.h"
#include "server/ctl/prekeys.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unit.h"

/* DEVICE, as a file has it. */
static const struct device_pub device = { .raw = { 1 } };

struct story {
    char folder[TEMP_DIR_BYTES];
    struct prekeys prekeys;
};

static int story_begin(void **state)
{
    static struct story story;

    temp_dir_create(story.folder);
    prekeys_init(&story.prekeys, &device);
    *state = &story;
    return 0;
}

static int story_end(void **state)
{
    struct story *story = *state;

    prekeys_clear(&story->prekeys);
    temp_dir_remove(story->folder);
    return 0;
}

/* A Kyber key of its own for each number. */
static struct bytes kyber_of(uint8_t number)
{
    static uint8_t key[PREKEY_KYBER_BYTES];

    memset(key, number, sizeof key);
    return bytes_of(key, sizeof key);
}

static bool note(struct story *story, uint32_t id, uint8_t number, bool moved)
{
    return prekeys_note(&story->prekeys, PREKEY_ONE_TIME_KYBER, id, kyber_of(number), moved);
}

static void load_again(struct story *story)
{
    assert_true(prekeys_save(&story->prekeys, story->folder));
    prekeys_clear(&story->prekeys);
    assert_true(prekeys_load(&story->prekeys, story->folder, &device));
}

static void expect_same(const struct prekeys *a, const struct prekeys *b)
{
    assert_int_equal(a->registration_id, b->registration_id);
    assert_int_equal(a->next_id, b->next_id);
    for (int slot = 0; slot < PREKEY_SLOTS; slot++) {
        assert_int_equal(a->pools[slot].count, b->pools[slot].count);
        for (size_t i = 0; i < a->pools[slot].count; i++) {
            const struct prekey *left = &a->pools[slot].at[i];
            const struct prekey *right = &b->pools[slot].at[i];
            assert_int_equal(left->id, right->id);
            assert_int_equal(left->is_pending, right->is_pending);
            assert_memory_equal(left->hash, right->hash, sizeof left->hash);
            assert_memory_equal(left->key, right->key, sizeof left->key);
            assert_memory_equal(left->secret, right->secret, sizeof left->secret);
        }
    }
}

static void what_is_saved_is_loaded(void **state)
{
    struct story *story = *state;
    struct prekeys loaded;

    prekeys_make(&story->prekeys, PREKEY_SIGNED_EC, 1);
    prekeys_make(&story->prekeys, PREKEY_ONE_TIME_EC, 100);
    prekeys_settle(&story->prekeys, false);
    prekeys_make(&story->prekeys, PREKEY_ONE_TIME_EC, 2);
    assert_true(note(story, 7, 1, false));
    assert_true(note(story, UINT32_MAX, 2, false));
    assert_true(prekeys_save(&story->prekeys, story->folder));
    assert_true(prekeys_load(&loaded, story->folder, &device));
    expect_same(&loaded, &story->prekeys);
    assert_int_equal(prekeys_pending(&loaded, PREKEY_ONE_TIME_EC), 2);
    prekeys_clear(&loaded);
    prekeys_clear(&loaded);
}

static void a_folder_without_the_file_has_no_keys(void **state)
{
    const struct story *story = *state;
    struct prekeys loaded;

    assert_true(prekeys_load(&loaded, story->folder, &device));
    assert_in_range(loaded.registration_id, 1, PREKEYS_REGISTRATIONS);
    for (int slot = 0; slot < PREKEY_SLOTS; slot++) {
        assert_int_equal(loaded.pools[slot].count, 0);
    }
    prekeys_clear(&loaded);
}

static void only_the_owner_may_read_the_secrets(void **state)
{
    const struct story *story = *state;
    struct stat status;
    char path[TEMP_DIR_BYTES + 16];

    assert_true(prekeys_save(&story->prekeys, story->folder));
    (void)snprintf(path, sizeof path, "%s/prekeys.json", story->folder);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

#define DEVICE "\"device_pub\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""
#define POOLS(signed_ec, one_time_ec, kyber)                                                      \
    "{" DEVICE ",\"registration_id\":1,\"next_id\":1,\"slots\":{\"signal.signed-ec\":[" signed_ec \
    "],\"signal.one-time-ec\":[" one_time_ec "],\"signal.one-time-kyber\":[" kyber                \
    "],\"signal.last-kyber\":[]}}"
#define SECRET "\"secret\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""
#define KEY "\"key\":\"BQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""
#define HASH "\"hash\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""

static void a_damaged_file_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "not JSON at all",
        "{" DEVICE ",\"registration_id\":1,\"next_id\":1}",
        "{" DEVICE ",\"registration_id\":1,\"next_id\":1,\"slots\":[]}",
        "{" DEVICE ",\"registration_id\":1,\"next_id\":1,\"slots\":{}}",
        "{" DEVICE ",\"registration_id\":0,\"next_id\":1,\"slots\":{}}",
        "{\"registration_id\":1,\"next_id\":1,\"slots\":{\"signal.signed-ec\":[],"
        "\"signal.one-time-ec\":[],\"signal.one-time-kyber\":[],\"signal.last-kyber\":[]}}",
        POOLS("5", "", ""),
        POOLS("{\"id\":1," KEY "}", "", ""),
        POOLS("{\"id\":1," SECRET "}", "", ""),
        POOLS("{\"id\":-1," KEY "," SECRET "}", "", ""),
        POOLS("{\"id\":4294967296," KEY "," SECRET "}", "", ""),
        POOLS("", "{\"id\":1," KEY "," SECRET ",\"pending\":1}", ""),
        POOLS("", "{\"id\":1," KEY "," SECRET ",\"hash\":\"AA\"}", ""),
        POOLS("", "", "{\"id\":1,\"hash\":\"AA\"}"),
        POOLS("", "", "{\"id\":1}"),
        POOLS("", "", "{" HASH "}"),
    };
    const struct story *story = *state;
    struct prekeys loaded;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_true(folder_write(story->folder, "prekeys.json", bytes_text(texts[i])));
        assert_false(prekeys_load(&loaded, story->folder, &device));
    }
    const char *good =
        POOLS("{\"id\":1," KEY "," SECRET "}", "{\"id\":1," KEY "," SECRET ",\"pending\":true}",
              "{\"id\":1," HASH "}");
    assert_true(folder_write(story->folder, "prekeys.json", bytes_text(good)));
    assert_true(prekeys_load(&loaded, story->folder, &device));
    assert_int_equal(prekeys_pending(&loaded, PREKEY_ONE_TIME_EC), 1);
    prekeys_clear(&loaded);
}

static void the_file_of_another_device_is_refused(void **state)
{
    static const struct device_pub other = { .raw = { 2 } };
    const struct story *story = *state;
    struct prekeys loaded;

    assert_true(prekeys_save(&story->prekeys, story->folder));
    assert_false(prekeys_load(&loaded, story->folder, &other));
    assert_true(prekeys_load(&loaded, story->folder, &device));
    prekeys_clear(&loaded);
}

static void a_made_key_opens_what_is_sealed_to_it(void **state)
{
    struct story *story = *state;
    const struct prekey_pool *pool = &story->prekeys.pools[PREKEY_ONE_TIME_EC];
    uint8_t sealed[5 + CRYPTO_SEAL_BYTES];
    uint8_t opened[5];

    prekeys_make(&story->prekeys, PREKEY_ONE_TIME_EC, 2);
    assert_int_equal(pool->at[0].key[0], 5);
    assert_true(crypto_seal_box(pool->at[0].key + 1, bytes_text("hello"), sealed));
    struct bytes box = bytes_of(sealed, sizeof sealed);
    assert_true(crypto_open_box(pool->at[0].key + 1, pool->at[0].secret, box, opened));
    assert_memory_equal(opened, "hello", sizeof opened);
    assert_false(crypto_open_box(pool->at[1].key + 1, pool->at[1].secret, box, opened));
}

static void ids_go_up_over_both_slots_and_begin_again_at_their_end(void **state)
{
    struct story *story = *state;
    const struct prekey_pool *pools = story->prekeys.pools;

    prekeys_make(&story->prekeys, PREKEY_SIGNED_EC, 1);
    prekeys_make(&story->prekeys, PREKEY_ONE_TIME_EC, 2);
    assert_int_equal(pools[PREKEY_SIGNED_EC].at[0].id, 1);
    assert_int_equal(pools[PREKEY_ONE_TIME_EC].at[1].id, 3);
    story->prekeys.next_id = PREKEYS_ID_MAX;
    prekeys_make(&story->prekeys, PREKEY_ONE_TIME_EC, 3);
    assert_int_equal(pools[PREKEY_ONE_TIME_EC].at[2].id, PREKEYS_ID_MAX);
    assert_int_equal(pools[PREKEY_ONE_TIME_EC].at[3].id, 1);
    assert_int_equal(pools[PREKEY_ONE_TIME_EC].at[4].id, 4); /* 2 and 3 are there still */
}

static void an_id_stands_for_one_key(void **state)
{
    struct story *story = *state;
    const struct prekey_pool *pool = &story->prekeys.pools[PREKEY_ONE_TIME_KYBER];

    assert_true(note(story, 1, 1, false));
    assert_true(note(story, 2, 2, false));
    assert_true(note(story, 1, 1, false));
    assert_false(note(story, 1, 3, false));
    assert_false(note(story, 1, 3, true));
    assert_int_equal(pool->count, 2);
    assert_int_equal(pool->at[0].id, 1);
    assert_true(note(story, 1, 1, true));
    assert_int_equal(pool->count, 2);
    assert_int_equal(pool->at[0].id, 2);
    assert_int_equal(pool->at[1].id, 1);
    assert_true(prekeys_note(&story->prekeys, PREKEY_LAST_KYBER, 1, kyber_of(9), false));
}

static void the_oldest_are_forgotten_when_there_are_many(void **state)
{
    struct story *story = *state;
    const struct prekey_pool *pool = &story->prekeys.pools[PREKEY_ONE_TIME_EC];

    prekeys_make(&story->prekeys, PREKEY_ONE_TIME_EC, PREKEYS_KEPT + 5);
    prekeys_settle(&story->prekeys, false);
    assert_int_equal(pool->count, PREKEYS_KEPT);
    assert_int_equal(pool->at[0].id, 6);
    assert_int_equal(pool->at[PREKEYS_KEPT - 1].id, PREKEYS_KEPT + 5);
    assert_int_equal(prekeys_pending(&story->prekeys, PREKEY_ONE_TIME_EC), 0);
    load_again(story); /* the file is not too large */
}

static void what_was_not_sent_stays_pending(void **state)
{
    struct story *story = *state;
    const struct prekey_pool *pool = &story->prekeys.pools[PREKEY_ONE_TIME_KYBER];

    assert_true(note(story, 1, 1, false));
    assert_true(note(story, 2, 2, false));
    prekeys_make(&story->prekeys, PREKEY_ONE_TIME_EC, 1);
    load_again(story); /* of that upload nobody heard */
    assert_true(note(story, 2, 2, false));
    assert_true(note(story, 3, 3, false));
    prekeys_settle(&story->prekeys, false);
    assert_int_equal(prekeys_pending(&story->prekeys, PREKEY_ONE_TIME_KYBER), 1);
    assert_true(pool->at[0].is_pending);
    assert_int_equal(prekeys_pending(&story->prekeys, PREKEY_ONE_TIME_EC), 0);
}

static void what_was_replaced_is_not_pending(void **state)
{
    struct story *story = *state;

    assert_true(note(story, 1, 1, false));
    assert_true(prekeys_note(&story->prekeys, PREKEY_LAST_KYBER, 9, kyber_of(9), false));
    load_again(story);
    assert_true(note(story, 2, 2, true));
    prekeys_settle(&story->prekeys, true);
    assert_int_equal(prekeys_pending(&story->prekeys, PREKEY_ONE_TIME_KYBER), 0);
    assert_int_equal(prekeys_pending(&story->prekeys, PREKEY_LAST_KYBER), 1);
}

static void a_copy_is_of_its_own(void **state)
{
    struct story *story = *state;
    struct prekeys copy;

    prekeys_make(&story->prekeys, PREKEY_ONE_TIME_EC, 3);
    prekeys_copy(&story->prekeys, &copy);
    expect_same(&copy, &story->prekeys);
    prekeys_make(&story->prekeys, PREKEY_ONE_TIME_EC, 1);
    prekeys_settle(&story->prekeys, false);
    assert_int_equal(prekeys_pending(&copy, PREKEY_ONE_TIME_EC), 3);
    prekeys_clear(&copy);
}

/* ---- the digest, as server/api/openapi.yaml has it under /v1/keys/check ---- */

static void digest(const struct story *story, const size_t held[PREKEY_SLOTS], bool with_pending,
                   uint8_t out[CRYPTO_SHA256_BYTES])
{
    prekeys_digest(&story->prekeys, held, with_pending, out);
}

static void expect_digest(const struct story *story, const size_t held[PREKEY_SLOTS],
                          struct bytes text)
{
    uint8_t wanted[CRYPTO_SHA256_BYTES];
    uint8_t found[CRYPTO_SHA256_BYTES];

    crypto_sha256(&text, 1, wanted);
    digest(story, held, true, found);
    assert_memory_equal(found, wanted, sizeof found);
}

static void append_id(struct buf *out, uint32_t id, struct bytes key)
{
    uint8_t hash[CRYPTO_SHA256_BYTES];

    crypto_sha256(&key, 1, hash);
    buf_append_u16(out, 4);
    buf_append_u32(out, id);
    buf_append(out, bytes_of(hash, sizeof hash));
}

static void the_digest_is_over_slots_by_name_and_keys_by_id(void **state)
{
    struct story *story = *state;
    const size_t none[PREKEY_SLOTS] = { 0 };
    const size_t held[PREKEY_SLOTS] = {
        [PREKEY_SIGNED_EC] = 1, [PREKEY_ONE_TIME_KYBER] = 2, [PREKEY_LAST_KYBER] = 1
    };
    const struct prekey_pool *signed_ec = &story->prekeys.pools[PREKEY_SIGNED_EC];
    struct buf text = { 0 };

    expect_digest(story, none, bytes_of("sealpost/keys-check/1", 22));
    assert_true(prekeys_note(&story->prekeys, PREKEY_LAST_KYBER, 9, kyber_of(9), false));
    assert_true(note(story, 300, 1, false));
    assert_true(note(story, 4, 2, false));
    prekeys_make(&story->prekeys, PREKEY_SIGNED_EC, 1);
    buf_append(&text, bytes_of("sealpost/keys-check/1", 22));
    buf_append_text(&text, "\x11signal.last-kyber");
    buf_append_u32(&text, 1);
    append_id(&text, 9, kyber_of(9));
    buf_append_text(&text, "\x15signal.one-time-kyber");
    buf_append_u32(&text, 2);
    append_id(&text, 4, kyber_of(2));
    append_id(&text, 300, kyber_of(1));
    buf_append_text(&text, "\x10signal.signed-ec");
    buf_append_u32(&text, 1);
    append_id(&text, 1, bytes_of(signed_ec->at[0].key, sizeof signed_ec->at[0].key));
    expect_digest(story, held, buf_view(&text));
    buf_clear(&text);
}

static void the_digest_is_over_the_newest_that_the_relay_can_have(void **state)
{
    struct story *story = *state;
    const size_t two[PREKEY_SLOTS] = { [PREKEY_ONE_TIME_KYBER] = 2 };
    const size_t many[PREKEY_SLOTS] = { [PREKEY_ONE_TIME_KYBER] = 200 };
    struct buf text = { 0 };
    uint8_t without[CRYPTO_SHA256_BYTES];
    uint8_t with[CRYPTO_SHA256_BYTES];
    uint8_t all[CRYPTO_SHA256_BYTES];

    for (uint8_t id = 1; id <= 4; id++) {
        assert_true(note(story, id, id, false));
    }
    buf_append(&text, bytes_of("sealpost/keys-check/1", 22));
    buf_append_text(&text, "\x15signal.one-time-kyber");
    buf_append_u32(&text, 2);
    append_id(&text, 3, kyber_of(3));
    append_id(&text, 4, kyber_of(4));
    expect_digest(story, two, buf_view(&text));
    prekeys_settle(&story->prekeys, false);
    digest(story, two, true, with);
    assert_true(note(story, 5, 5, false));
    digest(story, two, false, without);
    assert_memory_equal(without, with, sizeof with);
    digest(story, two, true, with);
    assert_memory_not_equal(without, with, sizeof with);
    digest(story, many, false, all); /* more than the device knows: all that it knows */
    assert_memory_not_equal(all, with, sizeof with);
    buf_clear(&text);
}

#define IN_STORY(test) cmocka_unit_test_setup_teardown(test, story_begin, story_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORY(what_is_saved_is_loaded),
        IN_STORY(a_folder_without_the_file_has_no_keys),
        IN_STORY(only_the_owner_may_read_the_secrets),
        IN_STORY(a_damaged_file_is_refused),
        IN_STORY(the_file_of_another_device_is_refused),
        IN_STORY(a_made_key_opens_what_is_sealed_to_it),
        IN_STORY(ids_go_up_over_both_slots_and_begin_again_at_their_end),
        IN_STORY(an_id_stands_for_one_key),
        IN_STORY(the_oldest_are_forgotten_when_there_are_many),
        IN_STORY(what_was_not_sent_stays_pending),
        IN_STORY(what_was_replaced_is_not_pending),
        IN_STORY(a_copy_is_of_its_own),
        IN_STORY(the_digest_is_over_slots_by_name_and_keys_by_id),
        IN_STORY(the_digest_is_over_the_newest_that_the_relay_can_have),
    };
    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}

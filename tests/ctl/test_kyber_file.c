/* SPDX-License-Identifier: Apache-2.0 */
/* Files of keys that another program made. */
#include <jansson.h>
#include <string.h>

#include "common/base64url.h"
#include "common/buf.h"
#include "common/crypto.h"
#include "common/crypto_xeddsa.h"
#include "common/json.h"
#include "server/ctl/device_state.h"
#include "server/ctl/kyber_file.h"
#include "server/ctl/prekeys.h"
#include "tests/support/unit.h"

static const char one_time[] = "signal.one-time-kyber";
static const char last[] = "signal.last-kyber";

struct story {
    json_t *file;
    json_t *slots; /* what was read */
    struct device_state device;
    struct device_state stranger;
};

static int story_begin(void **state)
{
    static struct story story;

    memset(&story, 0, sizeof story);
    device_state_init(&story.device, "/nowhere", "https://relay.example", "one", NULL);
    device_state_init(&story.stranger, "/nowhere", "https://relay.example", "two", NULL);
    story.file = json_pack("{s:[], s:[]}", one_time, last);
    *state = &story;
    return 0;
}

static int story_end(void **state)
{
    struct story *story = *state;

    json_decref(story->file);
    json_decref(story->slots);
    device_state_clear(&story->device);
    device_state_clear(&story->stranger);
    return 0;
}

/* The bytes of the key with this id. */
static void key_of(uint32_t id, uint8_t out[PREKEY_KYBER_BYTES])
{
    memset(out, 0, PREKEY_KYBER_BYTES);
    out[0] = 8;
    out[1] = (uint8_t)id;
}

/* Put a key with this id into the file. */
static json_t *add(struct story *story, const char *slot, uint32_t id)
{
    uint8_t key[PREKEY_KYBER_BYTES];
    json_t *object = NULL;

    key_of(id, key);
    object = json_pack("{s:I, s:o}", "id", (json_int_t)id, "key",
                       json_base64url(bytes_of(key, sizeof key)));
    (void)json_array_append_new(json_object_get(story->file, slot), object);
    return object;
}

/* The same, signed by the identity of signer. */
static void add_signed(struct story *story, const char *slot, uint32_t id,
                       const struct device_state *signer)
{
    uint8_t key[PREKEY_KYBER_BYTES];
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];

    key_of(id, key);
    crypto_xeddsa_sign(signer->identity_seed, bytes_of(key, sizeof key), signature);
    (void)json_object_set_new(add(story, slot, id), "signature",
                              json_base64url(bytes_of(signature, sizeof signature)));
}

static bool parse(struct story *story)
{
    struct buf text = { 0 };

    json_append_steal(&text, json_incref(story->file));
    bool is_good = kyber_file_parse(buf_view(&text), "the file", &story->device, &story->slots);
    buf_clear(&text);
    return is_good;
}

static void expect_signed(const struct story *story, const json_t *upload)
{
    uint8_t key[PREKEY_KYBER_BYTES];
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    const char *key_text = json_string_value(json_object_get(upload, "key"));
    const char *signature_text = json_string_value(json_object_get(upload, "signature"));

    assert_non_null(signature_text);
    assert_true(base64url_decode_exact(bytes_text(key_text), key, sizeof key));
    assert_true(base64url_decode_exact(bytes_text(signature_text), signature, sizeof signature));
    assert_true(
        crypto_xeddsa_verify(story->device.identity + 1, bytes_of(key, sizeof key), signature));
}

static void what_is_not_signed_is_signed_here(void **state)
{
    struct story *story = *state;
    const json_t *uploads = NULL;

    (void)add(story, one_time, 3);
    add_signed(story, one_time, 4, &story->device);
    (void)add(story, last, 3);
    assert_true(parse(story));
    uploads = json_object_get(story->slots, one_time);
    assert_int_equal(json_array_size(uploads), 2);
    expect_signed(story, json_array_get(uploads, 0));
    expect_signed(story, json_array_get(uploads, 1));
    expect_signed(story, json_array_get(json_object_get(story->slots, last), 0));
}

static void a_slot_without_keys_is_left_out(void **state)
{
    struct story *story = *state;

    (void)add(story, last, 1);
    assert_true(parse(story));
    assert_int_equal(json_object_size(story->slots), 1);
}

static void what_another_identity_signed_is_refused(void **state)
{
    struct story *story = *state;

    add_signed(story, one_time, 1, &story->device);
    add_signed(story, one_time, 2, &story->stranger);
    assert_false(parse(story));
    assert_null(story->slots);
}

static void a_hundred_keys_are_taken_and_no_more(void **state)
{
    struct story *story = *state;

    for (uint32_t id = 1; id <= 100; id++) {
        (void)add(story, one_time, id);
    }
    assert_true(parse(story));
    json_decref(story->slots);
    story->slots = NULL;
    (void)add(story, one_time, 101);
    assert_false(parse(story));
}

static void what_is_malformed_is_refused(void **state)
{
    struct story *story = *state;
    json_t *key = add(story, one_time, 1);

    (void)json_object_set_new(key, "last_resort", json_true());
    assert_false(parse(story));
    (void)json_object_del(key, "last_resort");
    (void)json_object_set_new(key, "signature", json_string("AAAA"));
    assert_false(parse(story));
    (void)json_object_del(key, "signature");
    (void)json_object_set_new(key, "id", json_string("1"));
    assert_false(parse(story));
    (void)json_object_set_new(key, "id", json_integer(1));
    (void)json_object_set_new(story->file, "signal.one-time-ec", json_array());
    assert_false(parse(story));
    (void)json_object_del(story->file, "signal.one-time-ec");
    (void)add(story, one_time, 1); /* the id twice */
    assert_false(parse(story));
    (void)json_array_remove(json_object_get(story->file, one_time), 1);
    assert_true(parse(story));
}

static void what_is_read_is_noted_once(void **state)
{
    struct story *story = *state;
    struct prekeys prekeys;
    struct prekeys others;

    (void)add(story, one_time, 1);
    (void)add(story, one_time, 2);
    (void)add(story, last, 9);
    assert_true(parse(story));
    prekeys_init(&prekeys, &story->device.pub);
    assert_true(kyber_file_note(story->slots, false, &prekeys));
    assert_true(kyber_file_note(story->slots, false, &prekeys));
    assert_int_equal(prekeys.pools[PREKEY_ONE_TIME_KYBER].count, 2);
    assert_int_equal(prekeys.pools[PREKEY_LAST_KYBER].count, 1);
    prekeys_init(&others, &story->device.pub);
    uint8_t other[PREKEY_KYBER_BYTES] = { 8, 77 };
    assert_true(
        prekeys_note(&others, PREKEY_ONE_TIME_KYBER, 2, bytes_of(other, sizeof other), false));
    assert_false(kyber_file_note(story->slots, false, &others));
    prekeys_clear(&prekeys);
    prekeys_clear(&others);
}

#define WITH_STORY(test) cmocka_unit_test_setup_teardown(test, story_begin, story_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORY(what_is_not_signed_is_signed_here),
        WITH_STORY(a_slot_without_keys_is_left_out),
        WITH_STORY(what_another_identity_signed_is_refused),
        WITH_STORY(a_hundred_keys_are_taken_and_no_more),
        WITH_STORY(what_is_malformed_is_refused),
        WITH_STORY(what_is_read_is_noted_once),
    };
    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}

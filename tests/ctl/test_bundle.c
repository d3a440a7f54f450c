/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as a relay could show them, judged by a list that was verified. */
#include <jansson.h>
#include <string.h>

#include "common/crypto.h"
#include "common/crypto_xeddsa.h"
#include "common/json.h"
#include "common/manifest.h"
#include "server/ctl/bundle.h"
#include "server/ctl/device_state.h"
#include "server/ctl/draft.h"
#include "server/ctl/prekeys.h"
#include "tests/support/unit.h"

enum {
    NOW_S = 1767225600
};

static const char signed_ec[] = "signal.signed-ec";
static const char one_time_ec[] = "signal.one-time-ec";
static const char one_time_kyber[] = "signal.one-time-kyber";

/* A device, its account's list, and an answer that is good until a test changes it. */
struct story {
    struct device_state owner;
    struct device_state stranger;
    struct buf first;
    struct manifest head;
    json_t *answer;
};

/* A key of type, signed by the device's identity unless signer is NULL. */
static json_t *key_of(uint8_t type, size_t size, const struct device_state *signer)
{
    uint8_t key[PREKEY_KYBER_BYTES] = { type, 1, 2, 3 };
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    json_t *object = json_pack("{s:i, s:o, s:b}", "id", 7, "key",
                               json_base64url(bytes_of(key, size)), "last_resort", 0);

    if (signer != NULL) {
        crypto_xeddsa_sign(signer->identity_seed, bytes_of(key, size), signature);
        (void)json_object_set_new(object, "signature",
                                  json_base64url(bytes_of(signature, sizeof signature)));
    }
    return object;
}

static void story_list(struct story *story)
{
    buf_clear(&story->first);
    draft_first(&story->owner, NULL, NOW_S, &story->first);
    assert_int_equal(manifest_parse(buf_view(&story->first), &story->head), MANIFEST_VALID);
}

static int story_begin(void **state)
{
    static struct story story;
    const struct device_pub *pub = &story.owner.pub;

    memset(&story, 0, sizeof story);
    device_state_init(&story.owner, "/nowhere", "https://relay.example", "one", NULL);
    device_state_init(&story.stranger, "/nowhere", "https://relay.example", "two", NULL);
    story_list(&story);
    story.answer = json_pack("{s:i, s:o, s:i, s:{s:o, s:o, s:o}}", "device_id", 1, "device_pub",
                             json_base64url(bytes_of(pub->raw, sizeof pub->raw)), "registration_id",
                             4711, "keys", signed_ec, key_of(5, 33, &story.owner), one_time_ec,
                             key_of(5, 33, NULL), one_time_kyber, key_of(8, 1569, &story.owner));
    *state = &story;
    return 0;
}

static int story_end(void **state)
{
    struct story *story = *state;

    json_decref(story->answer);
    buf_clear(&story->first);
    device_state_clear(&story->owner);
    device_state_clear(&story->stranger);
    return 0;
}

static json_t *keys_in(const struct story *story)
{
    return json_object_get(story->answer, "keys");
}

static json_t *key_in(const struct story *story, const char *slot)
{
    return json_object_get(keys_in(story), slot);
}

static enum bundle_result read_it(const struct story *story)
{
    struct bundle bundle;

    return bundle_read(story->answer, &story->head, &bundle);
}

static void keys_that_the_device_signed_are_read(void **state)
{
    const struct story *story = *state;
    struct bundle bundle;

    assert_int_equal(bundle_read(story->answer, &story->head, &bundle), BUNDLE_OK);
    assert_ptr_equal(bundle.device, &story->head.devices[0]);
    assert_true(bundle.has_registration);
    assert_int_equal(bundle.registration_id, 4711);
    assert_true(bytes_equal(bundle.identity, bytes_of(story->owner.identity, 33)));
    assert_true(bundle.keys[PREKEY_SIGNED_EC].is_there);
    assert_int_equal(bundle.keys[PREKEY_SIGNED_EC].id, 7);
    assert_int_equal(bundle.keys[PREKEY_ONE_TIME_EC].size, 33);
    assert_int_equal(bundle.keys[PREKEY_ONE_TIME_KYBER].size, 1569);
    assert_false(bundle.keys[PREKEY_LAST_KYBER].is_there);
}

static void what_is_left_out_or_not_known_is_no_fault(void **state)
{
    const struct story *story = *state;
    struct bundle bundle;

    (void)json_object_set_new(key_in(story, signed_ec), "since", json_integer(5));
    (void)json_object_set_new(keys_in(story), "x.note", json_object());
    (void)json_object_set_new(story->answer, "mood", json_string("good"));
    (void)json_object_set_new(key_in(story, one_time_kyber), "last_resort", json_true());
    (void)json_object_del(keys_in(story), one_time_ec);
    (void)json_object_del(story->answer, "registration_id");
    assert_int_equal(bundle_read(story->answer, &story->head, &bundle), BUNDLE_OK);
    assert_false(bundle.has_registration);
    assert_false(bundle.keys[PREKEY_ONE_TIME_EC].is_there);
    assert_true(bundle.keys[PREKEY_ONE_TIME_KYBER].is_last_resort);
}

static void keys_that_another_signed_are_forged(void **state)
{
    struct story *story = *state;

    (void)json_object_set_new(keys_in(story), signed_ec, key_of(5, 33, &story->stranger));
    assert_int_equal(read_it(story), BUNDLE_FORGED);
    (void)json_object_set_new(keys_in(story), signed_ec, key_of(5, 33, &story->owner));
    (void)json_object_set_new(keys_in(story), one_time_kyber, key_of(8, 1569, &story->stranger));
    assert_int_equal(read_it(story), BUNDLE_FORGED);
}

static void a_device_that_the_list_does_not_have_is_foreign(void **state)
{
    const struct story *story = *state;
    const struct device_pub *pub = &story->stranger.pub;

    (void)json_object_set_new(story->answer, "device_id", json_integer(2));
    assert_int_equal(read_it(story), BUNDLE_FOREIGN);
    (void)json_object_set_new(story->answer, "device_id", json_integer(1));
    assert_int_equal(read_it(story), BUNDLE_OK);
    (void)json_object_set_new(story->answer, "device_pub",
                              json_base64url(bytes_of(pub->raw, sizeof pub->raw)));
    assert_int_equal(read_it(story), BUNDLE_FOREIGN);
}

static void signed_keys_need_an_identity_in_the_list(void **state)
{
    struct story *story = *state;

    story->owner.has_identity = false;
    story_list(story);
    assert_int_equal(read_it(story), BUNDLE_NO_IDENTITY);
    (void)json_object_del(keys_in(story), signed_ec);
    (void)json_object_del(keys_in(story), one_time_kyber);
    assert_int_equal(read_it(story), BUNDLE_OK);
}

static void what_is_malformed_is_refused(void **state)
{
    static const struct {
        const char *slot;
        const char *member;
        const char *value; /* JSON in a list; "[]": without it */
    } rows[] = {
        { NULL, "device_id", "[]" },
        { NULL, "device_id", "[-1]" },
        { NULL, "device_id", "[128]" },
        { NULL, "device_id", "[\"1\"]" },
        { NULL, "device_pub", "[]" },
        { NULL, "device_pub", "[\"AA\"]" },
        { NULL, "device_pub", "[5]" },
        { NULL, "keys", "[]" },
        { NULL, "keys", "[[]]" },
        { signed_ec, "id", "[]" },
        { signed_ec, "id", "[4294967296]" },
        { signed_ec, "key", "[]" },
        { signed_ec, "key", "[\"BQ\"]" },
        { signed_ec, "signature", "[]" },
        { signed_ec, "signature", "[\"AAAA\"]" },
        { one_time_ec, "key", "[\"BgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]" },
        { one_time_kyber, "signature", "[null]" },
    };
    const struct story *story = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *object = rows[i].slot == NULL ? story->answer : key_in(story, rows[i].slot);
        json_t *kept = json_incref(json_object_get(object, rows[i].member));
        json_t *list = json_parse(bytes_text(rows[i].value), 3);
        assert_non_null(list);
        (void)json_object_del(object, rows[i].member);
        if (json_array_size(list) > 0) {
            (void)json_object_set(object, rows[i].member, json_array_get(list, 0));
        }
        assert_int_equal(read_it(story), BUNDLE_MALFORMED);
        (void)json_object_set_new(object, rows[i].member, kept);
        json_decref(list);
        assert_int_equal(read_it(story), BUNDLE_OK);
    }
}

static void keys_that_are_no_objects_are_refused(void **state)
{
    struct story *story = *state;

    (void)json_object_set_new(keys_in(story), signed_ec, json_null());
    assert_int_equal(read_it(story), BUNDLE_MALFORMED);
    json_decref(story->answer);
    story->answer = json_array();
    assert_int_equal(read_it(story), BUNDLE_MALFORMED);
}

static void the_slots_are_those_of_a_session(void **state)
{
    json_t *names = bundle_slots();

    (void)state;
    assert_int_equal(json_array_size(names), 3);
    assert_string_equal(json_string_value(json_array_get(names, 0)), signed_ec);
    json_decref(names);
}

#define WITH_STORY(test) cmocka_unit_test_setup_teardown(test, story_begin, story_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORY(keys_that_the_device_signed_are_read),
        WITH_STORY(what_is_left_out_or_not_known_is_no_fault),
        WITH_STORY(keys_that_another_signed_are_forged),
        WITH_STORY(a_device_that_the_list_does_not_have_is_foreign),
        WITH_STORY(signed_keys_need_an_identity_in_the_list),
        WITH_STORY(what_is_malformed_is_refused),
        WITH_STORY(keys_that_are_no_objects_are_refused),
        WITH_STORY(the_slots_are_those_of_a_session),
    };
    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}

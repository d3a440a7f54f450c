/* SPDX-License-Identifier: Apache-2.0 */
/* What authenticators and browsers say, to the letter. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/webauthn.h"
#include "tests/common/webauthn_scene.h"
#include "tests/support/unit.h"
#include "tests/support/vectors.h"

static void expect_result(struct scene *scene, enum webauthn_result result, const char *what)
{
    enum webauthn_result got = scene_registers(scene);

    if (got != result) {
        fail_msg("%u: %s", got, what);
    }
}

static void say(struct scene *scene, const char *client_data)
{
    buf_empty(&scene->client_data);
    buf_append_text(&scene->client_data, client_data);
}

static void flags_of_backups_are_consistent(void **state)
{
    struct scene scene;

    (void)state;
    scene_new(&scene, FIRST);
    scene.auth_data.at[FLAGS_AT] |= FLAG_BS;
    assert_int_equal(scene_registers(&scene), WEBAUTHN_MALFORMED);
    scene.auth_data.at[FLAGS_AT] |= FLAG_BE;
    assert_int_equal(scene_registers(&scene), WEBAUTHN_GOOD);
    assert_true(scene.credential.is_backup_eligible);
    assert_true(scene.credential.is_backed_up);
    scene.auth_data.at[FLAGS_AT] ^= FLAG_BS;
    assert_int_equal(scene_registers(&scene), WEBAUTHN_GOOD);
    assert_true(scene.credential.is_backup_eligible);
    assert_false(scene.credential.is_backed_up);
    scene_clear(&scene);
}

static void auth_data_is_exactly_its_parts(void **state)
{
    struct scene scene;

    (void)state;
    for (size_t place = 0; place < VECTORS; place++) {
        struct webauthn_credential none;

        scene_registered(&scene, place);
        for (size_t size = 0; size < scene.auth_data.size; size++) {
            const struct webauthn_assertion cut = {
                .client_data = buf_view(&scene.client_data),
                .auth_data = bytes_of(scene.auth_data.at, size),
                .signature = buf_view(&scene.signature),
            };
            assert_int_equal(
                webauthn_assert(&scene.party, scene.challenge, &cut, &scene.credential),
                WEBAUTHN_MALFORMED);
        }
        buf_append_u8(&scene.auth_data, 0);
        assert_int_equal(scene_asserts(&scene), WEBAUTHN_MALFORMED);
        scene_read(&scene, "registration");
        for (size_t size = 0; size < scene.auth_data.size; size++) {
            assert_int_not_equal(webauthn_register(&scene.party, scene.challenge,
                                                   buf_view(&scene.client_data),
                                                   bytes_of(scene.auth_data.at, size), &none),
                                 WEBAUTHN_GOOD);
        }
        buf_append_u8(&scene.auth_data, 0);
        assert_int_equal(scene_registers(&scene), WEBAUTHN_MALFORMED);
        scene_clear(&scene);
    }
}

static void a_registration_has_a_key_and_an_assertion_none(void **state)
{
    struct scene scene;

    (void)state;
    scene_new(&scene, FIRST);
    scene.auth_data.at[FLAGS_AT] &= (uint8_t)~FLAG_AT;
    assert_int_equal(scene_registers(&scene), WEBAUTHN_MALFORMED);
    scene.auth_data.at[FLAGS_AT] |= FLAG_AT | FLAG_ED; /* and no extensions are there */
    assert_int_equal(scene_registers(&scene), WEBAUTHN_MALFORMED);
    scene_clear(&scene);
    scene_registered(&scene, FIRST);
    scene.auth_data.at[FLAGS_AT] |= FLAG_AT;
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_MALFORMED);
    scene_clear(&scene);
}

static void a_key_is_one_that_can_verify(void **state)
{
    struct scene scene;

    (void)state;
    scene_new(&scene, FIRST);
    size_t key_at = ID_AT + 32;
    scene.auth_data.at[key_at + 4] = 0x27; /* alg -8 with a key of P-256 */
    assert_int_equal(scene_registers(&scene), WEBAUTHN_OTHER_ALG);
    scene.auth_data.at[key_at + 4] = 0x26;
    scene.auth_data.at[key_at + 20] ^= 1; /* x off the curve */
    assert_int_equal(scene_registers(&scene), WEBAUTHN_MALFORMED);
    scene_clear(&scene);
    scene_new(&scene, EDDSA);
    memset(scene.auth_data.at + key_at + 10, 0, 32); /* a point of small order */
    assert_int_equal(scene_registers(&scene), WEBAUTHN_MALFORMED);
    scene_clear(&scene);
}

static void an_id_is_not_empty_nor_too_long(void **state)
{
    static const uint8_t zeros[WEBAUTHN_ID_MAX + 1];
    struct scene scene;
    struct buf made = { 0 };

    (void)state;
    scene_new(&scene, FIRST);
    for (size_t size = 0; size <= sizeof zeros; size += sizeof zeros / 4) {
        buf_empty(&made);
        buf_append(&made, bytes_of(scene.auth_data.at, ID_AT - 2));
        buf_append_u16(&made, (uint16_t)size);
        buf_append(&made, bytes_of(zeros, size));
        buf_append(&made,
                   bytes_of(scene.auth_data.at + ID_AT + 32, scene.auth_data.size - ID_AT - 32));
        assert_int_equal(webauthn_register(&scene.party, scene.challenge,
                                           buf_view(&scene.client_data), buf_view(&made),
                                           &scene.credential),
                         size == 0 || size > WEBAUTHN_ID_MAX ? WEBAUTHN_MALFORMED : WEBAUTHN_GOOD);
    }
    buf_clear(&made);
    scene_clear(&scene);
}

static const struct {
    const char *hex;
    enum webauthn_result result;
} maps[] = {
    { "a0", WEBAUTHN_GOOD },
    { "a1616101", WEBAUTHN_GOOD },
    { "a16161a16162f5", WEBAUTHN_GOOD },
    { "a1616182f4fa00000000", WEBAUTHN_GOOD },
    { "a161618181a161620a", WEBAUTHN_GOOD }, /* four in each other */
    { "", WEBAUTHN_MALFORMED },
    { "80", WEBAUTHN_MALFORMED },                       /* no map */
    { "a000", WEBAUTHN_MALFORMED },                     /* something behind */
    { "a2616101", WEBAUTHN_MALFORMED },                 /* one pair of two */
    { "a16161", WEBAUTHN_MALFORMED },                   /* no value */
    { "a161614401", WEBAUTHN_MALFORMED },               /* bytes cut */
    { "bf616101ff", WEBAUTHN_MALFORMED },               /* no length is given */
    { "a16161c101", WEBAUTHN_MALFORMED },               /* a tag */
    { "bbffffffffffffffff616101", WEBAUTHN_MALFORMED }, /* claims 2^64 - 1 pairs */
    { "bb8000000000000000616101", WEBAUTHN_MALFORMED },
    { "a161619b000000ffffffffff01", WEBAUTHN_MALFORMED },
    { "a161615bffffffffffffffff", WEBAUTHN_MALFORMED },
    { "a161618181818101", WEBAUTHN_MALFORMED }, /* too deep */
};

static void extensions_are_one_map_that_claims_what_is_there(void **state)
{

    (void)state;
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        struct scene scene;

        scene_new(&scene, FIRST);
        scene.auth_data.at[FLAGS_AT] |= FLAG_ED;
        vectors_hex(maps[i].hex, &scene.auth_data);
        expect_result(&scene, maps[i].result, maps[i].hex);
        scene_clear(&scene);
    }
}

#define CHALLENGE "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define REST "\"type\":\"webauthn.create\",\"challenge\":\"" CHALLENGE "\""
#define ORIGIN "\"origin\":\"https://relay.example\""

static const struct {
    const char *text;
    enum webauthn_result result;
} texts[] = {
    { "{" REST "," ORIGIN "}", WEBAUTHN_GOOD },
    { "{" REST ",\"origin\":\"https://other.relay.example\"}", WEBAUTHN_GOOD },
    { "{" REST "," ORIGIN ",\"crossOrigin\":false,\"other_keys\":{\"a\":[1]}}", WEBAUTHN_GOOD },
    { "{" REST "," ORIGIN ",\"crossOrigin\":true}", WEBAUTHN_OTHER_ORIGIN },
    { "{" REST "," ORIGIN ",\"topOrigin\":\"https://relay.example\"}", WEBAUTHN_OTHER_ORIGIN },
    { "{" REST "," ORIGIN ",\"crossOrigin\":\"false\"}", WEBAUTHN_MALFORMED },
    { "{" REST "," ORIGIN ",\"crossOrigin\":null}", WEBAUTHN_MALFORMED },
    { "{" REST ",\"origin\":\"https://relay.example:443\"}", WEBAUTHN_OTHER_ORIGIN },
    { "{" REST ",\"origin\":\"https://relay.example/\"}", WEBAUTHN_OTHER_ORIGIN },
    { "{" REST ",\"origin\":\"https://relay.example.other\"}", WEBAUTHN_OTHER_ORIGIN },
    { "{" REST ",\"origin\":\"http://relay.example\"}", WEBAUTHN_OTHER_ORIGIN },
    { "{" REST ",\"origin\":\"https://Relay.example\"}", WEBAUTHN_OTHER_ORIGIN },
    { "{" REST ",\"origin\":\"\"}", WEBAUTHN_OTHER_ORIGIN },
    { "{" REST ",\"origin\":[\"https://relay.example\"]}", WEBAUTHN_MALFORMED },
    { "{" REST "}", WEBAUTHN_MALFORMED },
    { "{" REST "," ORIGIN "," ORIGIN "}", WEBAUTHN_MALFORMED },
    { "{" REST "," ORIGIN "} ", WEBAUTHN_GOOD },
    { "{" REST "," ORIGIN "}x", WEBAUTHN_MALFORMED },
    { "\xef\xbb\xbf{" REST "," ORIGIN "}", WEBAUTHN_MALFORMED },
    { "[{" REST "," ORIGIN "}]", WEBAUTHN_MALFORMED },
    { "", WEBAUTHN_MALFORMED },
    { "null", WEBAUTHN_MALFORMED },
    { "{\"type\":\"WebAuthn.create\",\"challenge\":\"" CHALLENGE "\"," ORIGIN "}",
      WEBAUTHN_OTHER_TYPE },
    { "{\"type\":\"payment.get\",\"challenge\":\"" CHALLENGE "\"," ORIGIN "}",
      WEBAUTHN_OTHER_TYPE },
    { "{\"type\":\"webauthn.create\"," ORIGIN "}", WEBAUTHN_MALFORMED },
    { "{\"type\":\"webauthn.create\",\"challenge\":\"" CHALLENGE "=\"," ORIGIN "}",
      WEBAUTHN_MALFORMED },
    { "{\"type\":\"webauthn.create\",\"challenge\":\"AAEC\"," ORIGIN "}", WEBAUTHN_MALFORMED },
    { "{\"type\":\"webauthn.create\",\"challenge\":\"\"," ORIGIN "}", WEBAUTHN_MALFORMED },
    { "{\"type\":\"webauthn.create\",\"challenge\":7," ORIGIN "}", WEBAUTHN_MALFORMED },
};

static void client_data_is_judged_to_the_letter(void **state)
{
    struct scene scene;

    (void)state;
    scene_new(&scene, FIRST);
    for (size_t i = 0; i < sizeof scene.challenge; i++) {
        scene.challenge[i] = (uint8_t)i;
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        say(&scene, texts[i].text);
        expect_result(&scene, texts[i].result, texts[i].text);
    }
    scene_clear(&scene);
}

static void texts_have_their_limits(void **state)
{
    struct scene scene;

    (void)state;
    scene_new(&scene, FIRST);
    while (scene.client_data.size < WEBAUTHN_CLIENT_DATA_MAX) {
        buf_append_u8(&scene.client_data, ' ');
    }
    assert_int_equal(scene_registers(&scene), WEBAUTHN_GOOD);
    buf_append_u8(&scene.client_data, ' ');
    assert_int_equal(scene_registers(&scene), WEBAUTHN_MALFORMED);
    scene_read(&scene, "registration");
    size_t left = WEBAUTHN_AUTH_DATA_MAX - scene.auth_data.size;
    scene.auth_data.at[FLAGS_AT] |= FLAG_ED;
    vectors_hex("a1616159", &scene.auth_data); /* {"a": bytes} */
    buf_append_u16(&scene.auth_data, (uint16_t)(left - 6));
    while (scene.auth_data.size < WEBAUTHN_AUTH_DATA_MAX) {
        buf_append_u8(&scene.auth_data, 0);
    }
    assert_int_equal(scene_registers(&scene), WEBAUTHN_GOOD);
    scene.auth_data.at[WEBAUTHN_AUTH_DATA_MAX - left + 5]++; /* one more */
    buf_append_u8(&scene.auth_data, 0);
    assert_int_equal(scene_registers(&scene), WEBAUTHN_MALFORMED);
    scene_clear(&scene);
}

static void an_assertion_has_its_limit(void **state)
{
    struct scene scene;

    (void)state;
    scene_registered(&scene, EDDSA);
    scene.auth_data.at[FLAGS_AT] |= FLAG_ED;
    vectors_hex("a1616159", &scene.auth_data);
    buf_append_u16(&scene.auth_data, WEBAUTHN_ASSERTED_MAX - REST_AT - 6);
    while (scene.auth_data.size < WEBAUTHN_ASSERTED_MAX) {
        buf_append_u8(&scene.auth_data, 0);
    }
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_BAD_SIGNATURE);
    scene.auth_data.at[REST_AT + 5]++;
    buf_append_u8(&scene.auth_data, 0);
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_MALFORMED);
    scene_clear(&scene);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_of_backups_are_consistent),
        cmocka_unit_test(auth_data_is_exactly_its_parts),
        cmocka_unit_test(a_registration_has_a_key_and_an_assertion_none),
        cmocka_unit_test(a_key_is_one_that_can_verify),
        cmocka_unit_test(an_id_is_not_empty_nor_too_long),
        cmocka_unit_test(extensions_are_one_map_that_claims_what_is_there),
        cmocka_unit_test(client_data_is_judged_to_the_letter),
        cmocka_unit_test(texts_have_their_limits),
        cmocka_unit_test(an_assertion_has_its_limit),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}

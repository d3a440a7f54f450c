/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/vectors/webauthn.json was made by an authenticator in Node; another relying party judges
 * the same one beside ours in tests/e2e/factors_webauthn.test.mjs.
 */
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

static int number_of(const struct scene *scene, const char *member)
{
    return (int)(uint32_t)json_integer_value(json_object_get(scene->vector, member));
}

static void what_is_registered_is_kept(void **state)
{
    (void)state;
    for (size_t place = 0; place < VECTORS; place++) {
        struct scene scene;
        struct buf expected = { 0 };

        scene_new(&scene, place);
        assert_int_equal(json_array_size(scene.root), VECTORS);
        assert_int_equal(scene_registers(&scene), WEBAUTHN_GOOD);
        assert_int_equal(scene.credential.alg, number_of(&scene, "alg"));
        assert_int_equal((int)scene.credential.counter, number_of(&scene, "counter"));
        assert_int_equal(scene.credential.is_backup_eligible, place == PASSKEY);
        assert_int_equal(scene.credential.is_backed_up, place == PASSKEY);
        vectors_hex(vectors_text(scene.vector, "id"), &expected);
        assert_true(bytes_equal(buf_view(&expected),
                                bytes_of(scene.credential.id, scene.credential.id_size)));
        buf_empty(&expected);
        vectors_hex(vectors_text(scene.vector, "key"), &expected);
        assert_true(bytes_equal(buf_view(&expected),
                                bytes_of(scene.credential.key, scene.credential.key_size)));
        buf_clear(&expected);
        scene_clear(&scene);
    }
}

static void each_key_signs_and_counts(void **state)
{
    (void)state;
    for (size_t place = 0; place < VECTORS; place++) {
        struct scene scene;

        scene_registered(&scene, place);
        uint32_t before = scene.credential.counter;
        assert_int_equal(scene_asserts(&scene), WEBAUTHN_GOOD);
        assert_int_equal(scene.credential.counter, place == PASSKEY ? 0 : before + 1);
        assert_int_equal(scene.credential.is_backed_up, place == PASSKEY);
        /* Once more is a copy, except where nothing is counted. */
        assert_int_equal(scene_asserts(&scene),
                         place == PASSKEY ? WEBAUTHN_GOOD : WEBAUTHN_COUNTER_BEHIND);
        scene_clear(&scene);
    }
}

static void a_counter_that_stands_still_or_falls_is_told(void **state)
{
    struct scene scene;

    (void)state;
    scene_registered(&scene, FIRST);
    scene.credential.counter = 8;
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_COUNTER_BEHIND);
    assert_int_equal(scene.credential.counter, 8);
    scene.credential.counter = UINT32_MAX;
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_COUNTER_BEHIND);
    scene.credential.counter = 0; /* it began to count */
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_GOOD);
    scene_clear(&scene);
    scene_registered(&scene, PASSKEY);
    scene.credential.counter = 1; /* it ceased to */
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_COUNTER_BEHIND);
    scene_clear(&scene);
}

/* Turn a bit in each byte. */
static void expect_every_byte_counts(struct scene *scene, struct buf *buf)
{
    for (size_t i = 0; i < buf->size; i++) {
        buf->at[i] ^= 0x02;
        assert_int_not_equal(scene_asserts(scene), WEBAUTHN_GOOD);
        buf->at[i] ^= 0x02;
    }
}

static void every_byte_of_an_assertion_counts(void **state)
{
    (void)state;
    for (size_t place = 0; place < VECTORS; place++) {
        struct scene scene;

        scene_registered(&scene, place);
        expect_every_byte_counts(&scene, &scene.client_data);
        expect_every_byte_counts(&scene, &scene.auth_data);
        expect_every_byte_counts(&scene, &scene.signature);
        assert_int_equal(scene_asserts(&scene), WEBAUTHN_GOOD);
        scene_clear(&scene);
    }
}

static void another_key_is_refused(void **state)
{
    struct scene scene;
    struct scene other;

    (void)state;
    scene_registered(&scene, FIRST);
    scene_registered(&other, EXTENDED);
    memcpy(scene.credential.key, other.credential.key, sizeof scene.credential.key);
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_BAD_SIGNATURE);
    scene_clear(&scene);
    scene_clear(&other);
}

static void a_signature_has_its_bounds(void **state)
{
    struct scene scene;
    static const uint8_t nothing[WEBAUTHN_SIGNATURE_MAX];

    (void)state;
    scene_registered(&scene, FIRST);
    buf_empty(&scene.signature);
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_BAD_SIGNATURE);
    buf_append(&scene.signature, bytes_of(nothing, sizeof nothing));
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_BAD_SIGNATURE);
    buf_append_u8(&scene.signature, 0);
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_MALFORMED);
    scene_clear(&scene);
}

/* Sign what the scene holds with a key of our own, and have the credential be that. */
static void sign_anew(struct scene *scene)
{
    static const uint8_t seed[CRYPTO_SEED_BYTES] = { 1 };
    const struct bytes client_data = buf_view(&scene->client_data);
    uint8_t hash[CRYPTO_SHA256_BYTES];
    uint8_t signature[CRYPTO_SIGNATURE_BYTES];
    struct buf signed_bytes = { 0 };

    crypto_sha256(&client_data, 1, hash);
    buf_append(&signed_bytes, buf_view(&scene->auth_data));
    buf_append(&signed_bytes, bytes_of(hash, sizeof hash));
    crypto_public_of(seed, scene->credential.key);
    crypto_make_signature(seed, buf_view(&signed_bytes), signature);
    buf_empty(&scene->signature);
    buf_append(&scene->signature, bytes_of(signature, sizeof signature));
    buf_clear(&signed_bytes);
}

static void what_extensions_say_is_ignored_and_signed(void **state)
{
    static const char *const maps[] = {
        "a0",
        "a16863726564426c6f62420102",                               /* credBlob */
        "a16b686d61632d736563726574420102",                         /* hmac-secret */
        "a26863726564426c6f624201026b686d61632d736563726574420102", /* both */
        "a171746869726450617274795061796d656e74f5",                 /* thirdPartyPayment */
        "a16161818101",                                             /* nobody's */
    };

    (void)state;
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        struct scene scene;

        scene_registered(&scene, EDDSA);
        scene.auth_data.at[FLAGS_AT] |= FLAG_ED;
        vectors_hex(maps[i], &scene.auth_data);
        sign_anew(&scene);
        assert_int_equal(scene_asserts(&scene), WEBAUTHN_GOOD);
        scene.credential.counter = 0;
        scene.auth_data.at[scene.auth_data.size - 1] ^= 1;
        assert_int_not_equal(scene_asserts(&scene), WEBAUTHN_GOOD);
        scene_clear(&scene);
    }
}

static void a_challenge_is_that_which_was_given(void **state)
{
    struct scene scene;

    (void)state;
    scene_new(&scene, FIRST);
    scene.challenge[31] ^= 1;
    assert_int_equal(scene_registers(&scene), WEBAUTHN_OTHER_CHALLENGE);
    scene_clear(&scene);
    scene_registered(&scene, FIRST);
    scene.challenge[0] ^= 0x80;
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_OTHER_CHALLENGE);
    scene_clear(&scene);
}

static void a_registration_is_no_assertion(void **state)
{
    struct scene scene;

    (void)state;
    scene_registered(&scene, FIRST);
    assert_int_equal(scene_registers(&scene), WEBAUTHN_OTHER_TYPE);
    scene_read(&scene, "registration");
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_OTHER_TYPE);
    scene_clear(&scene);
}

static void the_rp_id_is_ours(void **state)
{
    struct scene scene;

    (void)state;
    scene_registered(&scene, FIRST);
    scene.party.rp_id = "other.relay.example";
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_OTHER_PARTY);
    scene_read(&scene, "registration");
    assert_int_equal(scene_registers(&scene), WEBAUTHN_OTHER_PARTY);
    scene_clear(&scene);
}

static void somebody_is_there_and_verified_when_that_is_wanted(void **state)
{
    struct scene scene;

    (void)state;
    scene_registered(&scene, EDDSA);
    scene.party.wants_verified = true;
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_NOT_VERIFIED);
    scene.auth_data.at[FLAGS_AT] &= (uint8_t)~FLAG_UP;
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_NOT_PRESENT);
    scene_read(&scene, "registration");
    assert_int_equal(scene_registers(&scene), WEBAUTHN_NOT_VERIFIED);
    scene.auth_data.at[FLAGS_AT] |= FLAG_UV;
    assert_int_equal(scene_registers(&scene), WEBAUTHN_GOOD);
    scene.auth_data.at[FLAGS_AT] &= (uint8_t)~FLAG_UP;
    assert_int_equal(scene_registers(&scene), WEBAUTHN_NOT_PRESENT);
    scene_clear(&scene);
    scene_registered(&scene, FIRST);
    scene.party.wants_verified = true;
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_GOOD);
    scene_clear(&scene);
}

static void eligibility_never_changes_and_the_backup_may(void **state)
{
    struct scene scene;

    (void)state;
    scene_registered(&scene, PASSKEY);
    scene.credential.is_backup_eligible = false;
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_MALFORMED);
    scene.credential.is_backup_eligible = true;
    scene.credential.is_backed_up = false;
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_GOOD);
    assert_true(scene.credential.is_backed_up);
    scene_clear(&scene);
}

/* Too large by one: refused.  As large as may be, but not as it was signed: the signature is bad. */
static void nothing_is_written_unless_it_is_good(void **state)
{
    struct scene scene;
    struct webauthn_credential before;

    (void)state;
    scene_registered(&scene, FIRST);
    before = scene.credential;
    scene.auth_data.at[COUNTER_AT] ^= 1;
    assert_int_equal(scene_asserts(&scene), WEBAUTHN_BAD_SIGNATURE);
    assert_memory_equal(&before, &scene.credential, sizeof before);
    scene_read(&scene, "registration");
    buf_append_u8(&scene.auth_data, 0);
    assert_int_equal(scene_registers(&scene), WEBAUTHN_MALFORMED);
    assert_memory_equal(&before, &scene.credential, sizeof before);
    scene_clear(&scene);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_registered_is_kept),
        cmocka_unit_test(each_key_signs_and_counts),
        cmocka_unit_test(a_counter_that_stands_still_or_falls_is_told),
        cmocka_unit_test(every_byte_of_an_assertion_counts),
        cmocka_unit_test(another_key_is_refused),
        cmocka_unit_test(a_signature_has_its_bounds),
        cmocka_unit_test(what_extensions_say_is_ignored_and_signed),
        cmocka_unit_test(a_challenge_is_that_which_was_given),
        cmocka_unit_test(a_registration_is_no_assertion),
        cmocka_unit_test(the_rp_id_is_ours),
        cmocka_unit_test(somebody_is_there_and_verified_when_that_is_wanted),
        cmocka_unit_test(eligibility_never_changes_and_the_backup_may),
        cmocka_unit_test(nothing_is_written_unless_it_is_good),
    };

    return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}

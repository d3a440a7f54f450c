/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/crypto.h"
#include "common/crypto_xaes.h"
#include "common/seal.h"
#include "tests/support/unit.h"

static const uint8_t key_one[SEAL_KEY_BYTES] = { 1 };
static const uint8_t key_two[SEAL_KEY_BYTES] = { 2 };
static const char secret[] = "the value";

static struct seal_place place_of(const char *table, const char *column, const char *row)
{
    return (struct seal_place){ .table = table, .column = column, .row = bytes_text(row) };
}

static bool opens(const struct seal *seal, const struct seal_place *place, struct bytes sealed)
{
    struct buf plain = { 0 };
    bool good = seal_open(seal, place, sealed, &plain);

    if (good) {
        assert_true(bytes_equal(buf_view(&plain), bytes_text(secret)));
    } else {
        assert_int_equal(plain.size, 0);
    }
    buf_clear(&plain);
    return good;
}

static void a_value_is_sealed_as_the_format_says(void **state)
{
    static const char info[] = "sealpost/seal-key/1\0things.value";
    static const char aad[] = "sealpost/seal/1\0things\0value\0row";
    const struct seal_place place = place_of("things", "value", "row");
    struct seal *seal = seal_create();
    uint8_t key[SEAL_KEY_BYTES];
    uint8_t plain[sizeof secret - 1];
    struct buf sealed = { 0 };

    (void)state;
    seal_add_key(seal, 7, key_one);
    seal_close(seal, &place, bytes_text(secret), &sealed);
    assert_int_equal(sealed.size, sizeof plain + SEAL_OVERHEAD_BYTES);
    assert_memory_equal(sealed.at, "\x01\0\0\0\x07", 5);
    crypto_hkdf(bytes_of(key_one, sizeof key_one), bytes_of(info, sizeof info - 1), key,
                sizeof key);
    assert_true(crypto_xaes_open(key, sealed.at + 5, bytes_of(aad, sizeof aad - 1),
                                 bytes_of(sealed.at + 29, sealed.size - 29), plain));
    assert_memory_equal(plain, secret, sizeof plain);
    buf_clear(&sealed);
    seal_destroy(seal);
}

static void a_value_opens_in_its_place_alone(void **state)
{
    const struct seal_place place = place_of("things", "value", "row");
    const struct seal_place others[] = {
        place_of("thing", "value", "row"),
        place_of("things", "values", "row"),
        place_of("things", "value", "row2"),
        place_of("things", "value", ""),
    };
    struct seal *seal = seal_create();
    struct buf sealed = { 0 };

    (void)state;
    seal_add_key(seal, 1, key_one);
    seal_close(seal, &place, bytes_text(secret), &sealed);
    assert_true(opens(seal, &place, buf_view(&sealed)));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(opens(seal, &others[i], buf_view(&sealed)));
    }
    buf_clear(&sealed);
    seal_destroy(seal);
}

static void an_older_key_opens_what_it_sealed_and_the_newest_seals(void **state)
{
    const struct seal_place place = place_of("things", "value", "row");
    struct seal *before = seal_create();
    struct seal *after = seal_create();
    struct buf old = { 0 };
    struct buf new = { 0 };

    (void)state;
    seal_add_key(before, 1, key_one);
    seal_close(before, &place, bytes_text(secret), &old);
    seal_add_key(after, 2, key_two);
    seal_add_key(after, 1, key_one);
    assert_true(opens(after, &place, buf_view(&old)));
    seal_close(after, &place, bytes_text(secret), &new);
    assert_true(opens(after, &place, buf_view(&new)));
    assert_false(opens(before, &place, buf_view(&new))); /* it has no such key */
    buf_clear(&old);
    buf_clear(&new);
    seal_destroy(before);
    seal_destroy(after);
}

static void nothing_damaged_is_opened(void **state)
{
    const struct seal_place place = place_of("things", "value", "row");
    struct seal *seal = seal_create();
    struct buf sealed = { 0 };

    (void)state;
    seal_add_key(seal, 1, key_one);
    seal_close(seal, &place, bytes_text(secret), &sealed);
    for (size_t i = 0; i < sealed.size; i++) {
        sealed.at[i] ^= 0x80;
        assert_false(opens(seal, &place, buf_view(&sealed)));
        sealed.at[i] ^= 0x80;
    }
    for (size_t size = 0; size < sealed.size; size++) {
        assert_false(opens(seal, &place, bytes_of(sealed.at, size)));
    }
    seal_open_decoy(seal, &place, 100);
    buf_clear(&sealed);
    seal_destroy(seal);
}

static void the_same_value_is_never_sealed_alike(void **state)
{
    const struct seal_place place = place_of("things", "value", "row");
    struct seal *seal = seal_create();
    struct buf one = { 0 };
    struct buf two = { 0 };

    (void)state;
    seal_add_key(seal, 1, key_one);
    seal_close(seal, &place, bytes_text(secret), &one);
    seal_close(seal, &place, bytes_text(secret), &two);
    assert_false(bytes_equal(buf_view(&one), buf_view(&two)));
    buf_clear(&one);
    buf_clear(&two);
    seal_destroy(seal);
}

static void the_key_that_is_named_seals_whatever_is_added(void **state)
{
    const struct seal_place place = place_of("things", "value", "row");
    struct seal *seal = seal_create();
    struct buf sealed = { 0 };

    (void)state;
    assert_int_equal(seal_key_in_use(seal), 0);
    seal_add_key(seal, 1, key_one);
    seal_use(seal, 1);
    seal_add_key(seal, 2, key_two);
    assert_int_equal(seal_key_in_use(seal), 1);
    seal_close(seal, &place, bytes_text(secret), &sealed);
    assert_int_equal(seal_key_of(buf_view(&sealed)), 1);
    seal_use(seal, 2);
    assert_true(opens(seal, &place, buf_view(&sealed)));
    buf_clear(&sealed);
    seal_close(seal, &place, bytes_text(secret), &sealed);
    assert_int_equal(seal_key_of(buf_view(&sealed)), 2);
    buf_clear(&sealed);
    seal_destroy(seal);
}

static void what_a_dropped_key_sealed_does_not_open(void **state)
{
    const struct seal_place place = place_of("things", "value", "row");
    struct seal *seal = seal_create();
    struct buf sealed = { 0 };

    (void)state;
    seal_add_key(seal, 1, key_one);
    seal_close(seal, &place, bytes_text(secret), &sealed);
    seal_add_key(seal, 2, key_two);
    assert_true(seal_has_key(seal, 1));
    seal_drop_key(seal, 1);
    seal_drop_key(seal, 7);
    assert_false(seal_has_key(seal, 1));
    assert_false(opens(seal, &place, buf_view(&sealed)));
    seal_add_key(seal, 1, key_one);
    assert_true(opens(seal, &place, buf_view(&sealed)));
    assert_int_equal(seal_key_in_use(seal), 2);
    buf_clear(&sealed);
    seal_destroy(seal);
}

static void what_is_no_sealed_value_names_no_key(void **state)
{
    uint8_t value[SEAL_OVERHEAD_BYTES] = { 1, 0, 0, 1, 2 };

    (void)state;
    assert_int_equal(seal_key_of(bytes_of(value, sizeof value)), 258);
    assert_int_equal(seal_key_of(bytes_of(value, sizeof value - 1)), 0);
    value[0] = 2;
    assert_int_equal(seal_key_of(bytes_of(value, sizeof value)), 0);
    assert_int_equal(seal_key_of(bytes_of(NULL, 0)), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_sealed_as_the_format_says),
        cmocka_unit_test(a_value_opens_in_its_place_alone),
        cmocka_unit_test(an_older_key_opens_what_it_sealed_and_the_newest_seals),
        cmocka_unit_test(nothing_damaged_is_opened),
        cmocka_unit_test(the_same_value_is_never_sealed_alike),
        cmocka_unit_test(the_key_that_is_named_seals_whatever_is_added),
        cmocka_unit_test(what_a_dropped_key_sealed_does_not_open),
        cmocka_unit_test(what_is_no_sealed_value_names_no_key),
    };

    assert_true(crypto_start());
    return cmocka_run_group_tests(tests, NULL, NULL);
}

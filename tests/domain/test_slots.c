/* SPDX-License-Identifier: Apache-2.0 */
/* What is looked at before a signature is; signatures and KeyPackages: tests/e2e/keys.test.mjs. */
#include <string.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "server/domain/slots.h"
#include "tests/support/unit.h"

#define NOW_S INT64_C(1800000000)

static struct slots *slots;
static uint8_t id[SLOTS_REFERENCE_MAX_BYTES + 1];
static uint8_t key[20000];
static uint8_t signature[64];

static int set_up(void **state)
{
    (void)state;
    assert_true(crypto_start());
    slots = slots_create("x.test, x.note:static, x.spare:last, x.test:static");
    memset(key, 5, sizeof key);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    slots_destroy(slots);
    return 0;
}

static struct slot_object object_of(size_t id_size, size_t key_size, size_t signature_size)
{
    return (struct slot_object){ .id = bytes_of(id, id_size),
                                 .key = bytes_of(key, key_size),
                                 .signature = bytes_of(signature, signature_size) };
}

static enum slot_fault check(const char *name, const struct slot_object *object)
{
    const struct slot_identity nobody = { .signal = bytes_of(NULL, 0), .mls = bytes_of(NULL, 0) };
    const struct slot *slot = slots_find(slots, bytes_text(name));
    struct slot_facts facts;

    assert_non_null(slot);
    return slots_check(slot, object, &nobody, NOW_S, &facts);
}

static enum slot_fault check_sizes(const char *name, size_t id_size, size_t key_size,
                                   size_t signature_size)
{
    struct slot_object object = object_of(id_size, key_size, signature_size);

    return check(name, &object);
}

static void slots_are_named_once_in_order_with_those_of_the_operator(void **state)
{
    (void)state;
    assert_int_equal(slots_count(slots), SLOTS_BUILT_IN + 3);
    for (size_t i = 1; i < slots_count(slots); i++) {
        assert_true(strcmp(slots_at(slots, i - 1)->name, slots_at(slots, i)->name) < 0);
    }
    assert_int_equal(slots_find(slots, bytes_text("x.test"))->use, KEY_SLOTS_SINGLE);
    assert_int_equal(slots_find(slots, bytes_text("x.note"))->use, KEY_SLOTS_STATIC);
    assert_null(slots_find(slots, bytes_text("x.tes")));
    assert_null(slots_find(slots, bytes_text("x.test2")));
}

static void a_last_resort_stands_in_where_the_table_says(void **state)
{
    const struct slot *kyber = slots_find(slots, bytes_text("signal.one-time-kyber"));
    const struct slot *ec = slots_find(slots, bytes_text("signal.one-time-ec"));
    const struct slot *note = slots_find(slots, bytes_text("x.note"));

    (void)state;
    assert_string_equal(slots_stand_in(slots, kyber)->name, "signal.last-kyber");
    assert_null(slots_stand_in(slots, ec));
    assert_null(slots_stand_in(slots, note));
    assert_int_equal(slots_call_max(ec), 100);
    assert_int_equal(slots_call_max(note), 1);
}

static void each_fault_has_its_own_answer(void **state)
{
    static const struct {
        const char *slot;
        size_t id_size, key_size, signature_size;
        enum slot_fault fault;
    } cases[] = {
        { "signal.one-time-ec", 4, 33, 0, SLOT_FINE },
        { "signal.one-time-ec", 3, 33, 0, SLOT_ID },
        { "signal.one-time-ec", 4, 32, 0, SLOT_LENGTH },
        { "signal.one-time-ec", 4, 34, 0, SLOT_LENGTH },
        { "signal.one-time-ec", 4, 33, 64, SLOT_SIGNATURE_UNWANTED },
        { "signal.signed-ec", 4, 33, 0, SLOT_SIGNATURE_MISSING },
        { "signal.signed-ec", 4, 33, 63, SLOT_SIGNATURE_LENGTH },
        { "signal.signed-ec", 4, 33, 64, SLOT_IDENTITY_MISSING },
        { "signal.last-kyber", 4, 1568, 64, SLOT_LENGTH },
        { "signal.last-kyber", 4, 1569, 64, SLOT_TYPE },
        { "mls.keypackage", 0, 300, 0, SLOT_ID },
        { "mls.keypackage", 65, 300, 0, SLOT_ID },
        { "mls.keypackage", 32, 0, 0, SLOT_LENGTH },
        { "mls.keypackage", 32, 16385, 0, SLOT_LENGTH },
        { "mls.keypackage", 32, 300, 64, SLOT_SIGNATURE_UNWANTED },
        { "mls.keypackage", 32, 300, 0, SLOT_KEYPACKAGE_INVALID },
        { "x.test", 4, 1, 0, SLOT_FINE },
        { "x.test", 4, 16384, 64, SLOT_FINE },
        { "x.test", 4, 16385, 0, SLOT_LENGTH },
        { "x.test", 4, 1, 63, SLOT_SIGNATURE_LENGTH },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum slot_fault fault = check_sizes(cases[i].slot, cases[i].id_size, cases[i].key_size,
                                            cases[i].signature_size);

        assert_string_equal(slots_fault_word(fault), slots_fault_word(cases[i].fault));
    }
}

static void a_last_resort_is_one_only_where_the_slot_takes_it(void **state)
{
    struct slot_object object = object_of(4, 33, 0);

    (void)state;
    object.says_last_resort = true;
    object.last_resort = true;
    assert_int_equal(check("x.test", &object), SLOT_FINE);
    assert_int_equal(check("x.spare", &object), SLOT_FINE);
    assert_int_equal(check("x.note", &object), SLOT_LAST_RESORT);
    assert_int_equal(check("signal.one-time-ec", &object), SLOT_LAST_RESORT);
    object.last_resort = false;
    assert_int_equal(check("x.spare", &object), SLOT_LAST_RESORT);
    assert_int_equal(check("signal.one-time-ec", &object), SLOT_FINE);
}

/* Nothing in it can be verified: it is kept for 90 days, and marked. */
static void a_keypackage_of_an_unknown_suite_is_kept_unverified(void **state)
{
    static const uint8_t head[] = { 0, 1, 0xf0, 0x01, 0x20 };
    const struct slot *slot = slots_find(slots, bytes_text("mls.keypackage"));
    const struct slot_identity nobody = { .signal = bytes_of(NULL, 0) };
    struct slot_object object = object_of(64, 300, 0);
    struct slot_facts facts;

    (void)state;
    memcpy(key, head, sizeof head);
    assert_int_equal(slots_check(slot, &object, &nobody, NOW_S, &facts), SLOT_FINE);
    assert_true(facts.is_unverified);
    assert_int_equal(facts.expires_at, NOW_S + INT64_C(90) * 86400);
    assert_int_equal(facts.use, KEY_SLOTS_SINGLE);
}

static void every_fault_has_a_word_of_its_own_and_a_sentence(void **state)
{
    (void)state;
    for (int i = SLOT_FINE + 1; i < SLOT_FAULT_COUNT; i++) {
        assert_true(strlen(slots_fault_text((enum slot_fault)i)) > 10);
        for (int j = SLOT_FINE; j < i; j++) {
            assert_string_not_equal(slots_fault_word((enum slot_fault)i),
                                    slots_fault_word((enum slot_fault)j));
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(slots_are_named_once_in_order_with_those_of_the_operator),
        TEST(a_last_resort_stands_in_where_the_table_says),
        TEST(each_fault_has_its_own_answer),
        TEST(a_last_resort_is_one_only_where_the_slot_takes_it),
        TEST(a_keypackage_of_an_unknown_suite_is_kept_unverified),
        TEST(every_fault_has_a_word_of_its_own_and_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

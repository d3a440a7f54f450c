/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <string.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/json.h"
#include "server/ctl/device_state.h"
#include "server/ctl/factor_name.h"
#include "tests/support/unit.h"

static struct device_state mine;
static struct device_state other;

static int begin(void **state)
{
    (void)state;
    assert_true(crypto_start());
    device_state_init(&mine, "/nowhere", "https://relay.example", "mine", NULL);
    device_state_init(&other, "/nowhere", "https://relay.example", "other", NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    device_state_clear(&mine);
    device_state_clear(&other);
    return 0;
}

static json_t *sealed(const char *name)
{
    json_t *label = factor_name_seal(&mine, bytes_text(name));

    assert_non_null(label);
    return label;
}

/* A label of whatever a stranger seals to the device. */
static json_t *strangers(const char *plain, size_t size)
{
    uint8_t padded[FACTOR_NAME_PLAIN] = { 0 };
    uint8_t box[FACTOR_NAME_PLAIN + CRYPTO_SEAL_BYTES];

    memcpy(padded, plain, size);
    assert_true(crypto_seal_box(mine.box_public, bytes_of(padded, sizeof padded), box));
    return json_base64url(bytes_of(box, sizeof box));
}

static void a_name_is_opened_by_the_device_that_gave_it(void **state)
{
    char name[FACTOR_NAME_MAX + 1];
    json_t *label = sealed("phone");

    (void)state;
    assert_true(factor_name_open(&mine, label, name));
    assert_string_equal(name, "phone");
    assert_false(factor_name_open(&other, label, name));
    json_decref(label);
}

static void labels_have_one_length_and_show_no_name(void **state)
{
    json_t *one = sealed("a");
    json_t *same = sealed("a");
    char longest[FACTOR_NAME_MAX + 1] = "";
    char name[FACTOR_NAME_MAX + 1];
    json_t *label = NULL;

    (void)state;
    memset(longest, 'x', FACTOR_NAME_MAX);
    label = sealed(longest);
    assert_int_equal(json_string_length(label), json_string_length(one));
    assert_string_not_equal(json_string_value(one), json_string_value(same));
    assert_true(factor_name_open(&mine, label, name));
    assert_string_equal(name, longest);
    json_decref(label);
    json_decref(same);
    json_decref(one);
}

static void names_are_text_that_a_terminal_does_not_obey(void **state)
{
    char too_long[FACTOR_NAME_MAX + 2] = "";

    (void)state;
    memset(too_long, 'x', FACTOR_NAME_MAX + 1);
    assert_true(factor_name_is_valid(bytes_text("J\xc3\xbcrgens Telefon")));
    assert_false(factor_name_is_valid(bytes_text(too_long)));
    assert_false(factor_name_is_valid(bytes_text("")));
    assert_false(factor_name_is_valid(bytes_text("\033[2J")));
}

static void what_a_stranger_sealed_is_judged_before_it_is_shown(void **state)
{
    static const char *const plains[] = { "", "\033[2J", "\xff", "a:b" };
    char name[FACTOR_NAME_MAX + 1];
    char full[FACTOR_NAME_PLAIN];

    (void)state;
    for (size_t i = 0; i < sizeof plains / sizeof plains[0]; i++) {
        json_t *label = strangers(plains[i], strlen(plains[i]));
        assert_false(factor_name_open(&mine, label, name));
        json_decref(label);
    }
    memset(full, 'x', sizeof full); /* a name without an end */
    json_t *label = strangers(full, sizeof full);
    assert_false(factor_name_open(&mine, label, name));
    json_decref(label);
}

static void what_is_no_label_is_not_opened(void **state)
{
    static const char *const texts[] = { "", "AA", "=", "not base64url!" };
    char name[FACTOR_NAME_MAX + 1];

    (void)state;
    assert_false(factor_name_open(&mine, NULL, name));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_t *label = json_string(texts[i]);
        assert_false(factor_name_open(&mine, label, name));
        json_decref(label);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_opened_by_the_device_that_gave_it),
        cmocka_unit_test(labels_have_one_length_and_show_no_name),
        cmocka_unit_test(names_are_text_that_a_terminal_does_not_obey),
        cmocka_unit_test(what_a_stranger_sealed_is_judged_before_it_is_shown),
        cmocka_unit_test(what_is_no_label_is_not_opened),
    };

    return cmocka_run_group_tests(tests, begin, end);
}

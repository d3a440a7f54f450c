/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/config/reading.h"

struct heard {
    char names[256];
    int reloadable;
    int fixed;
};

static void hear(void *arg, const char *name, bool reloadable)
{
    struct heard *heard = arg;

    (void)strncat(heard->names, name, sizeof heard->names - strlen(heard->names) - 2);
    (void)strncat(heard->names, " ", 2);
    if (reloadable) {
        heard->reloadable++;
    } else {
        heard->fixed++;
    }
}

static void start_both(struct reading *old, struct reading *fresh, const char *changes)
{
    char text[1024];

    reading_start(old, reading_base);
    (void)snprintf(text, sizeof text, "%s%s", reading_base, changes);
    reading_start(fresh, text);
    assert_true(reading_go(old));
    assert_true(reading_go(fresh));
}

static void equal_configurations_have_no_difference(void **state)
{
    struct reading old;
    struct reading fresh;
    struct heard heard = { .fixed = 0 };

    (void)state;
    start_both(&old, &fresh, "registration = invite\n");
    config_compare(&old.config, &fresh.config, hear, &heard);
    assert_string_equal(heard.names, "");
    reading_end(&old);
    reading_end(&fresh);
}

static void each_kind_of_difference_is_told(void **state)
{
    struct reading old;
    struct reading fresh;
    struct heard heard = { .fixed = 0 };

    (void)state;
    start_both(&old, &fresh,
               "name = Other\nlisten = 127.0.0.1:81\nplaintext_guard = no\n"
               "registration = open\nmailbox_max_envelopes = 5\nmax_connections = 20\n");
    config_compare(&old.config, &fresh.config, hear, &heard);
    assert_string_equal(heard.names, "name listen registration plaintext_guard "
                                     "mailbox_max_envelopes max_connections ");
    assert_int_equal(heard.reloadable, 4);
    assert_int_equal(heard.fixed, 2);
    reading_end(&old);
    reading_end(&fresh);
}

static void only_reloadable_values_are_applied(void **state)
{
    struct reading old;
    struct reading fresh;
    struct heard heard = { .fixed = 0 };

    (void)state;
    start_both(&old, &fresh,
               "name = Other\nlisten = 127.0.0.1:81\nplaintext_guard = no\n"
               "registration = open\nmailbox_max_envelopes = 5\nmax_connections = 20\n");
    config_apply(&old.config, &fresh.config);
    config_clear(&fresh.config); /* texts were copied */
    assert_string_equal(old.config.name, "Other");
    assert_string_equal(old.config.listen, "127.0.0.1:8080");
    assert_false(old.config.plaintext_guard);
    assert_int_equal(old.config.registration, REGISTRATION_OPEN);
    assert_int_equal(old.config.mailbox_max_envelopes, 5);
    assert_int_equal(old.config.max_connections, 10000);
    assert_true(reading_go(&fresh));
    config_compare(&old.config, &fresh.config, hear, &heard);
    assert_string_equal(heard.names, "listen max_connections ");
    reading_end(&old);
    reading_end(&fresh);
}

static void a_configuration_may_be_cleared_twice(void **state)
{
    struct reading reading;

    (void)state;
    reading_start(&reading, reading_base);
    assert_true(reading_go(&reading));
    config_clear(&reading.config);
    config_clear(&reading.config);
    assert_null(reading.config.name);
    reading_end(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_configurations_have_no_difference),
        cmocka_unit_test(each_kind_of_difference_is_told),
        cmocka_unit_test(only_reloadable_values_are_applied),
        cmocka_unit_test(a_configuration_may_be_cleared_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

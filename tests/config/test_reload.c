/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/config/reading.h"

static const char reading_tls[] =
    "base_url = \"https://relay.example\"\ntls_listen = \"127.0.0.1:443\"\n"
    "tls_cert = \"/c\"\ntls_key = \"/k\"\n";

struct heard {
    char names[256];
    int reloadable;
    int fixed;
};

static void hear(void *arg, const struct config_change *change)
{
    struct heard *heard = arg;

    (void)strncat(heard->names, change->name, sizeof heard->names - strlen(heard->names) - 2);
    (void)strncat(heard->names, " ", 2);
    if (change->reloadable) {
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

struct shown {
    char text[1024];
};

static void hear_values(void *arg, const struct config_change *change)
{
    struct shown *shown = arg;
    size_t size = strlen(shown->text);

    (void)snprintf(shown->text + size, sizeof shown->text - size, "%s: %s -> %s\n", change->name,
                   change->old, change->fresh);
}

static void a_difference_has_both_values_as_they_are_written(void **state)
{
    struct reading old;
    struct reading fresh;
    struct shown shown = { .text = "" };

    (void)state;
    start_both(&old, &fresh,
               "name = Other\nplaintext_guard = no\nregistration = open\n"
               "mailbox_max_bytes = 1M\nhead_timeout = 2m\n");
    config_compare(&old.config, &fresh.config, hear_values, &shown);
    assert_string_equal(shown.text, "name: Sealpost -> Other\n"
                                    "registration: invite -> open\n"
                                    "plaintext_guard: yes -> no\n"
                                    "mailbox_max_bytes: 64M -> 1M\n"
                                    "head_timeout: 10s -> 2m\n");
    reading_end(&old);
    reading_end(&fresh);
}

static void a_difference_never_has_a_password(void **state)
{
    static const char *const sets[] = {
        "storage=postgresql://a:hidden1@db/x",
        "storage=postgresql://a:hidden2@db/x",
    };
    struct reading old;
    struct reading fresh;
    struct shown shown = { .text = "" };

    (void)state;
    start_both(&old, &fresh, "postgres_listen_url = \"\"\n");
    reading_set(&old, &sets[0], 1);
    reading_set(&fresh, &sets[1], 1);
    assert_true(reading_go(&old));
    assert_true(reading_go(&fresh));
    config_compare(&old.config, &fresh.config, hear_values, &shown);
    assert_string_equal(shown.text,
                        "storage: postgresql://a:***@db/x -> postgresql://a:***@db/x\n");
    reading_end(&old);
    reading_end(&fresh);
}

static void the_next_configuration_is_checked_as_a_whole(void **state)
{
    struct reading old;
    struct reading fresh;
    struct config next = { .name = NULL };
    char words[TEMP_DIR_BYTES + 128];

    (void)state;
    start_both(&old, &fresh, "\nname = Other\ntls_cert = \"\"\n");
    reading_write(old.path, reading_tls, strlen(reading_tls));
    assert_true(reading_go(&old));
    /* Without TLS no certificate is needed; but until a restart there is TLS. */
    assert_false(config_next(&old.config, &fresh.config, &fresh.source, &next, fresh.error,
                             sizeof fresh.error));
    (void)snprintf(words, sizeof words, "%s:4: tls_cert = \"\": tls_listen needs a certificate",
                   fresh.path);
    reading_expect_said(&fresh, words);
    assert_null(next.name);
    assert_string_equal(old.config.name, "Sealpost");
    reading_end(&old);
    reading_end(&fresh);
}

static void the_next_configuration_has_what_is_taken_and_what_stays(void **state)
{
    struct reading old;
    struct reading fresh;
    struct config next = { .name = NULL };

    (void)state;
    start_both(&old, &fresh, "name = Other\nmax_connections = 20\nmailbox_max_envelopes = 5\n");
    assert_true(config_next(&old.config, &fresh.config, &fresh.source, &next, fresh.error,
                            sizeof fresh.error));
    assert_string_equal(next.name, "Other");
    assert_int_equal(next.max_connections, 10000);
    assert_int_equal(next.mailbox_max_envelopes, 5);
    assert_string_equal(old.config.name, "Sealpost");
    config_clear(&next);
    reading_end(&old);
    reading_end(&fresh);
}

static void an_origin_is_told_by_name(void **state)
{
    const char *sets[] = { "head_timeout=90" };
    char words[TEMP_DIR_BYTES + 128];
    struct reading reading;
    struct buf out = { .at = NULL };

    (void)state;
    reading_start_after_base(&reading, "# x\nname = Ours\n");
    reading_set(&reading, sets, 1);
    config_origin(&reading.source, "name", &out);
    buf_append_text(&out, " ");
    config_origin(&reading.source, "head_timeout", &out);
    buf_append_text(&out, " ");
    config_origin(&reading.source, "body_timeout", &out);
    buf_append_u8(&out, 0);
    (void)snprintf(words, sizeof words, "%s:3 --set default", reading.path);
    assert_string_equal((const char *)out.at, words);
    buf_clear(&out);
    reading_end(&reading);
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
        cmocka_unit_test(a_difference_has_both_values_as_they_are_written),
        cmocka_unit_test(a_difference_never_has_a_password),
        cmocka_unit_test(the_next_configuration_is_checked_as_a_whole),
        cmocka_unit_test(the_next_configuration_has_what_is_taken_and_what_stays),
        cmocka_unit_test(an_origin_is_told_by_name),
        cmocka_unit_test(only_reloadable_values_are_applied),
        cmocka_unit_test(a_configuration_may_be_cleared_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

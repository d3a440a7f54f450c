/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/config/reading.h"

static void an_empty_file_lacks_only_the_base_url(void **state)
{
    struct reading reading;

    (void)state;
    reading_start(&reading, "");
    assert_false(reading_go(&reading));
    reading_expect_said(&reading, "base_url is not set");
    reading_end(&reading);
}

static void defaults_are_those_of_the_table(void **state)
{
    struct reading reading;

    (void)state;
    reading_start(&reading, reading_base);
    assert_true(reading_go(&reading));
    assert_string_equal(reading.config.base_url, "https://relay.example");
    assert_string_equal(reading.config.listen, "127.0.0.1:8080");
    assert_int_equal(reading.config.registration, REGISTRATION_INVITE);
    assert_int_equal(reading.config.size_buckets, BUCKETS_ADVISE);
    assert_int_equal(reading.config.mailbox_overflow, OVERFLOW_REJECT);
    assert_int_equal(reading.config.mailbox_max_bytes, 64 << 20);
    assert_true(reading.config.plaintext_guard);
    reading_end(&reading);
}

static void empty_paths_become_places_in_data_dir(void **state)
{
    struct reading reading;

    (void)state;
    reading_start(&reading, "base_url = \"https://relay.example\"\ndata_dir = \"/srv/mail\"\n");
    assert_true(reading_go(&reading));
    assert_string_equal(reading.config.admin_socket, "/srv/mail/admin.sock");
    assert_string_equal(reading.config.key_dir, "/srv/mail/keys");
    assert_string_equal(reading.config.webauthn_rp_id, "relay.example");
    assert_string_equal(reading.config.webauthn_origins, "https://relay.example");
    reading_end(&reading);
}

static void each_kind_of_value_is_read(void **state)
{
    struct reading reading;

    (void)state;
    reading_start(&reading, "base_url = https://relay.example/inner/path\n"
                            "  name = 'Ours \"and\" theirs' // a comment\n"
                            "mailbox_max_bytes=96K\r\n"
                            "connection_output_max = 1M # another\n"
                            "store_queue_bytes = 4G\n"
                            "ballast_bytes = 0\n"
                            "head_timeout = 5m\n"
                            "body_timeout = 1h\n"
                            "idle_timeout = 1d\n"
                            "write_timeout = 7\n"
                            "idle_device_close_days = 3650\n"
                            "plaintext_guard = off\n"
                            "registration = open\n"
                            "log_level = \"debug\"\n"
                            "mailbox_max_envelopes = 1");
    if (!reading_go(&reading)) {
        fail_msg("%s", reading.error);
    }
    assert_string_equal(reading.config.base_url, "https://relay.example/inner/path");
    assert_string_equal(reading.config.name, "Ours \"and\" theirs");
    assert_int_equal(reading.config.mailbox_max_bytes, 98304);
    assert_int_equal(reading.config.connection_output_max, 1048576);
    assert_int_equal(reading.config.store_queue_bytes, 4294967296);
    assert_int_equal(reading.config.ballast_bytes, 0);
    assert_int_equal(reading.config.head_timeout, 300);
    assert_int_equal(reading.config.body_timeout, 3600);
    assert_int_equal(reading.config.idle_timeout, 86400);
    assert_int_equal(reading.config.write_timeout, 7);
    assert_int_equal(reading.config.idle_device_close_days, 3650);
    assert_false(reading.config.plaintext_guard);
    assert_int_equal(reading.config.registration, REGISTRATION_OPEN);
    assert_int_equal(reading.config.log_level, 3);
    assert_int_equal(reading.config.mailbox_max_envelopes, 1);
    reading_end(&reading);
}

static void a_fault_is_told_with_its_line_also_below_comments(void **state)
{
    struct reading reading;
    char where[TEMP_DIR_BYTES + 64];

    (void)state;
    reading_start(&reading, "# one\n// two\n/* three */\n\nbase_url = \"https://relay.example\"\n"
                            "# six\nhead_timeout = 301s\n");
    assert_false(reading_go(&reading));
    (void)snprintf(where, sizeof where, "%s:7: head_timeout must be a time", reading.path);
    reading_expect_said(&reading, where);
    reading_expect_said(&reading, "from 1s to 5m, not \"301s\"");
    reading_end(&reading);
}

static void an_unknown_name_is_told_with_the_nearest_one(void **state)
{
    (void)state;
    expect_refused("registrtion = open\n",
                   ":2: there is no option registrtion; did you mean registration?");
    expect_refused("Data_Dir = /srv\n", "did you mean data_dir?");
    expect_refused("mailbox-max-bytes = 1M\n", "did you mean mailbox_max_bytes?");
    expect_refused("colour = green\n", ":2: there is no option colour; sealpostd --print-config");
}

static void a_long_unknown_name_is_cut(void **state)
{
    char line[4000];

    (void)state;
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    expect_refused(line, "there is no option xxxxxxxxxx");
}

static void numbers_out_of_range_or_form_are_refused(void **state)
{
    static const char *const lines[] = {
        "mailbox_max_envelopes = 0",
        "mailbox_max_envelopes = 1000001",
        "mailbox_max_envelopes = 10K",
        "mailbox_max_envelopes = -1",
        "mailbox_max_envelopes = 0x10",
        "mailbox_max_envelopes = \"\"",
        "mailbox_max_envelopes = \" 1\"",
        "mailbox_max_envelopes = 99999999999999999999",
        "mailbox_max_bytes = 999999999999999999G",
        "mailbox_max_bytes = 17G",
        "mailbox_max_bytes = 95K",
        "mailbox_max_bytes = 1MB",
        "mailbox_max_bytes = 1m",
        "mailbox_max_bytes = 1.5M",
        "head_timeout = 0",
        "head_timeout = 10S",
        "idle_account_days = 1w",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        expect_refused(lines[i], " must be a ");
    }
}

static void flags_and_choices_name_what_they_take(void **state)
{
    (void)state;
    expect_refused("plaintext_guard = maybe", "plaintext_guard must be yes or no, not \"maybe\"");
    expect_refused("registration = Open", "must be closed, invite or open, not \"Open\"");
    expect_refused("registration = closed|invite", "must be closed, invite or open");
    expect_refused("registration = \"\"", "must be closed, invite or open");
    expect_refused("mailbox_overflow = drop", "must be reject or drop_oldest");
}

static void words_for_flags_are_known(void **state)
{
    static const char *const on[] = { "yes", "true", "on", "1" };
    static const char *const off[] = { "no", "false", "off", "0" };
    struct reading reading;
    char text[128];

    (void)state;
    for (size_t i = 0; i < sizeof on / sizeof on[0]; i++) {
        (void)snprintf(text, sizeof text, "%splaintext_guard = %s\n", reading_base, on[i]);
        reading_start(&reading, text);
        assert_true(reading_go(&reading));
        assert_true(reading.config.plaintext_guard);
        reading_end(&reading);
        (void)snprintf(text, sizeof text, "%splaintext_guard = %s\n", reading_base, off[i]);
        reading_start(&reading, text);
        assert_true(reading_go(&reading));
        assert_false(reading.config.plaintext_guard);
        reading_end(&reading);
    }
}

static void lines_that_are_no_option_are_refused_with_the_form_to_write(void **state)
{
    static const char *const lines[] = {
        "listen",
        "listen =",
        "listen 127.0.0.1:80",
        "listen = 127.0.0.1:80, 127.0.0.1:81",
        "listen = \"127.0.0.1:80",
        "listen = '127.0.0.1:80",
        "listen += \"127.0.0.1:80\"",
        "listen {",
        "}",
        "= 3",
        "listen = /* ",
        "name = \"a\\999\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        expect_refused(lines[i], "write one option a line: name = \"value\"");
        expect_refused(lines[i], ":2: ");
    }
}

static void a_forgotten_quote_does_not_harm_the_next_reading(void **state)
{
    (void)state;
    expect_refused("name = \"open\n", ":2: ");
    expect_taken("name = \"closed\"\n");
    expect_refused("name = 'open\n", ":2: ");
    expect_taken("name = 'closed'\n");
    expect_refused("name = /* open\n", ":2: ");
    expect_taken("name = closed\n");
}

static void other_files_are_not_included(void **state)
{
    (void)state;
    expect_refused("include(\"/etc/hostname\")\n", "there is no option include");
}

static void comments_of_each_kind_are_left_alone(void **state)
{
    (void)state;
    expect_taken("/* one */ name = a /* two */ // three /* four\n");
    expect_taken("name = \"a /* b\" # /* c\n");
    expect_taken("name = '/* b'\n");
    expect_taken("data_dir = /srv/*\n");
    expect_taken("// /*\n # /* \n");
    expect_refused("/* one\nname = a\n*/\n", ":2: a comment that /* opens must be closed");
    expect_refused("name = a /* one\n", ":2: a comment that /* opens must be closed");
    expect_refused("name = \"a\"/* one\n", ":2: a comment that /* opens must be closed");
    expect_refused("/* one */ /* two\n", ":2: a comment that /* opens must be closed");
}

static void an_option_that_is_set_twice_is_refused(void **state)
{
    (void)state;
    expect_refused("name = a\n# b\nname = a\n", ":4: name was set at line 2 already");
    expect_refused("name = a name = b\n", ":2: name was set at line 2 already");
}

static void texts_are_utf8_without_control_characters(void **state)
{
    char line[5200];

    (void)state;
    expect_taken("name = \"Größe ✓\"\n");
    expect_refused("name = \"a\\xffb\"\n", "name is not UTF-8");
    expect_refused("name = \"a\\nb\"\n", "name has a control character");
    expect_refused("name = \"a\x01"
                   "b\"\n",
                   ":2: there is a control character");
    (void)snprintf(line, sizeof line, "data_dir = /%02500d%02500d", 0, 0);
    expect_refused(line, "data_dir is longer than 4096 bytes");
}

static void a_file_that_is_none_is_told(void **state)
{
    struct reading reading;

    (void)state;
    reading_start(&reading, reading_base);
    reading.source.path = "/nonexistent/sealpost.conf";
    assert_false(reading_go(&reading));
    reading_expect_said(&reading, "/nonexistent/sealpost.conf: cannot be opened (No such file");
    reading.source.path = reading.dir;
    assert_false(reading_go(&reading));
    reading_expect_said(&reading, "this is no regular file");
    reading_end(&reading);
}

static void a_pipe_does_not_stop_the_start(void **state)
{
    struct reading reading;

    (void)state;
    reading_start(&reading, reading_base);
    assert_int_equal(unlink(reading.path), 0);
    assert_int_equal(mkfifo(reading.path, 0600), 0);
    assert_false(reading_go(&reading));
    reading_expect_said(&reading, "this is no regular file");
    reading_end(&reading);
}

static void a_file_with_a_nul_or_too_large_is_refused(void **state)
{
    struct reading reading;
    const char *sets[] = { "base_url=https://relay.example" };
    char *text = calloc(1, 65537);

    (void)state;
    assert_non_null(text);
    reading_start(&reading, reading_base);
    reading_set(&reading, sets, 1);
    reading_write(reading.path, "base_url\0= x", 12);
    assert_false(reading_go(&reading));
    reading_expect_said(&reading, "this is no text file");

    memset(text, '#', 65537);
    text[0] = '\n';
    reading_write(reading.path, text, 65536);
    assert_true(reading_go(&reading));
    reading_write(reading.path, text, 65537);
    assert_false(reading_go(&reading));
    reading_expect_said(&reading, "is larger than 65536 bytes");
    reading_end(&reading);
    free(text);
}

static void a_sentence_is_cut_at_its_room(void **state)
{
    struct reading reading;
    char small[12] = "unchanged..";

    (void)state;
    reading_start(&reading, "nonsense = 1\n");
    assert_false(config_read(&reading.source, &reading.config, small, 8));
    assert_int_equal(strlen(small), 7);
    assert_memory_equal(small + 8, "d..", 3);
    assert_false(config_read(&reading.source, &reading.config, NULL, 0));
    reading_end(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_lacks_only_the_base_url),
        cmocka_unit_test(defaults_are_those_of_the_table),
        cmocka_unit_test(empty_paths_become_places_in_data_dir),
        cmocka_unit_test(each_kind_of_value_is_read),
        cmocka_unit_test(a_fault_is_told_with_its_line_also_below_comments),
        cmocka_unit_test(an_unknown_name_is_told_with_the_nearest_one),
        cmocka_unit_test(a_long_unknown_name_is_cut),
        cmocka_unit_test(numbers_out_of_range_or_form_are_refused),
        cmocka_unit_test(flags_and_choices_name_what_they_take),
        cmocka_unit_test(words_for_flags_are_known),
        cmocka_unit_test(lines_that_are_no_option_are_refused_with_the_form_to_write),
        cmocka_unit_test(a_forgotten_quote_does_not_harm_the_next_reading),
        cmocka_unit_test(other_files_are_not_included),
        cmocka_unit_test(comments_of_each_kind_are_left_alone),
        cmocka_unit_test(an_option_that_is_set_twice_is_refused),
        cmocka_unit_test(texts_are_utf8_without_control_characters),
        cmocka_unit_test(a_file_that_is_none_is_told),
        cmocka_unit_test(a_pipe_does_not_stop_the_start),
        cmocka_unit_test(a_file_with_a_nul_or_too_large_is_refused),
        cmocka_unit_test(a_sentence_is_cut_at_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

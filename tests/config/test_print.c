/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "tests/config/reading.h"

static void print(struct reading *reading, struct buf *out)
{
    assert_true(reading_go(reading));
    buf_empty(out);
    config_print(&reading->config, &reading->source, out);
    buf_append_u8(out, 0);
}

static void expect_printed(const struct buf *out, const char *line)
{
    if (strstr((const char *)out->at, line) == NULL) {
        fail_msg("%s\nis not in\n%s", line, (const char *)out->at);
    }
}

static void each_value_is_printed_with_its_origin(void **state)
{
    const char *environment[] = { "SEALPOST_LOG_LEVEL=warn", NULL };
    const char *sets[] = { "head_timeout=90" };
    struct reading reading;
    struct buf out = { .at = NULL };
    char line[TEMP_DIR_BYTES + 128];

    (void)state;
    reading_start(&reading, "# x\nbase_url = https://relay.example\n");
    reading_set_environment(&reading, environment);
    reading_set(&reading, sets, 1);
    print(&reading, &out);
    (void)snprintf(line, sizeof line, "base_url = \"https://relay.example\"  # %s:2\n",
                   reading.path);
    expect_printed(&out, line);
    expect_printed(&out, "\nlog_level = warn  # SEALPOST_LOG_LEVEL\n");
    expect_printed(&out, "\nhead_timeout = 90s  # --set\n");
    expect_printed(&out, "\nbody_timeout = 1m  # default\n");
    expect_printed(&out, "\nmailbox_max_bytes = 64M  # default\n");
    expect_printed(&out, "\nidle_account_days = 0  # default\n");
    expect_printed(&out, "\ndrain_time = 10s  # default\n");
    expect_printed(&out, "\nplaintext_guard = yes  # default\n");
    buf_clear(&out);
    reading_end(&reading);
}

static void what_is_printed_reads_as_the_same_again(void **state)
{
    struct reading first;
    struct reading second;
    struct buf one = { .at = NULL };
    struct buf two = { .at = NULL };

    (void)state;
    reading_start(&first, "base_url = 'https://relay.example'\n"
                          "name = 'a \"b\" \\\\ ${HOME} # // \\' c'\n"
                          "mailbox_max_bytes = 100001\n"
                          "ballast_bytes = 0\n"
                          "drain_time = 0\n"
                          "registration = closed\n");
    print(&first, &one);
    assert_string_equal(first.config.name, "a \"b\" \\ ${HOME} # // ' c");
    reading_start(&second, (const char *)one.at);
    print(&second, &two);
    assert_string_equal(second.config.name, first.config.name);
    assert_int_equal(second.config.mailbox_max_bytes, 100001);
    assert_int_equal(second.config.ballast_bytes, 0);
    assert_int_equal(second.config.drain_time, 0);
    assert_int_equal(second.config.registration, REGISTRATION_CLOSED);
    assert_string_equal(second.config.key_dir, first.config.key_dir);
    buf_clear(&one);
    buf_clear(&two);
    reading_end(&first);
    reading_end(&second);
}

static void the_default_file_changes_nothing(void **state)
{
    struct reading reading;
    struct buf text = { .at = NULL };
    const char *sets[] = { "base_url=https://relay.example" };

    (void)state;
    config_print_default(&text);
    buf_append_u8(&text, 0);
    reading_start(&reading, (const char *)text.at);
    reading_set(&reading, sets, 1);
    assert_true(reading_go(&reading));
    assert_int_equal(reading.config.mailbox_max_envelopes, 10000);
    buf_clear(&text);
    reading_end(&reading);
}

/* Take the # away from each line "#name = value". */
static void uncomment(char *text)
{
    for (char *at = text; at != NULL; at = strchr(at, '\n')) {
        at += *at == '\n' ? 1 : 0;
        if (at[0] == '#' && at[1] >= 'a' && at[1] <= 'z') {
            at[0] = ' ';
        }
    }
}

static void each_default_in_the_file_is_a_value_that_is_taken(void **state)
{
    struct reading reading;
    struct buf text = { .at = NULL };
    const char *sets[] = { "base_url=https://relay.example" };

    (void)state;
    config_print_default(&text);
    buf_append_u8(&text, 0);
    uncomment((char *)text.at);
    reading_start(&reading, (const char *)text.at);
    reading_set(&reading, sets, 1);
    if (!reading_go(&reading)) {
        fail_msg("%s", reading.error);
    }
    assert_int_equal(reading.config.drain_time, 10);
    buf_clear(&text);
    reading_end(&reading);
}

static void no_line_of_the_default_file_is_wider_than_100(void **state)
{
    struct buf text = { .at = NULL };
    size_t width = 0;

    (void)state;
    config_print_default(&text);
    for (size_t i = 0; i < text.size; i++) {
        width = text.at[i] == '\n' ? 0 : width + 1;
        assert_true(width <= 100);
    }
    buf_clear(&text);
}

static void the_file_for_operators_is_the_default_file(void **state)
{
    FILE *file = fopen(TESTS_DIR "/../deploy/sealpost.conf", "rbe");
    struct buf text = { .at = NULL };
    static char held[65536];
    size_t size = 0;

    (void)state;
    assert_non_null(file);
    size = fread(held, 1, sizeof held, file);
    (void)fclose(file);
    config_print_default(&text);
    if (size != text.size || memcmp(held, text.at, size) != 0) {
        fail_msg("run: %s/sealpostd --print-default-config > deploy/sealpost.conf", BIN_DIR);
    }
    buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_is_printed_with_its_origin),
        cmocka_unit_test(what_is_printed_reads_as_the_same_again),
        cmocka_unit_test(the_default_file_changes_nothing),
        cmocka_unit_test(each_default_in_the_file_is_a_value_that_is_taken),
        cmocka_unit_test(no_line_of_the_default_file_is_wider_than_100),
        cmocka_unit_test(the_file_for_operators_is_the_default_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

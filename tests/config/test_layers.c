/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/config/reading.h"

static void later_layers_win(void **state)
{
    const char *environment[] = { "HOME=/", "SEALPOST_NAME=variable", "SEALPOST_LOG_LEVEL=warn",
                                  NULL };
    const char *sets[] = { "name=first", "name=second" };
    struct reading reading;

    (void)state;
    reading_start(&reading, "base_url = https://relay.example\nname = file\nlog_level = debug\n"
                            "log_format = json\n");
    reading_set_environment(&reading, environment);
    reading_set(&reading, sets, 2);
    assert_true(reading_go(&reading));
    assert_string_equal(reading.config.name, "second");
    assert_int_equal(reading.config.log_level, 1);
    assert_int_equal(reading.config.log_format, 1);
    reading_set(&reading, NULL, 0);
    assert_true(reading_go(&reading));
    assert_string_equal(reading.config.name, "variable");
    reading_end(&reading);
}

static void no_file_is_needed(void **state)
{
    const char *environment[] = { "SEALPOST_BASE_URL=https://relay.example", NULL };
    struct reading reading;

    (void)state;
    reading_start(&reading, "");
    reading.source.path = NULL;
    reading_set_environment(&reading, environment);
    assert_true(reading_go(&reading));
    assert_string_equal(reading.config.base_url, "https://relay.example");
    reading_end(&reading);
}

static void a_set_value_may_be_empty_or_hold_an_equals_sign(void **state)
{
    const char *sets[] = { "ops_listen=", "name=a=b" };
    struct reading reading;

    (void)state;
    reading_start(&reading, reading_base);
    reading_set(&reading, sets, 2);
    assert_true(reading_go(&reading));
    assert_string_equal(reading.config.ops_listen, "");
    assert_string_equal(reading.config.name, "a=b");
    reading_end(&reading);
}

static void a_faulty_set_is_told(void **state)
{
    static const struct {
        const char *set;
        const char *words;
    } cases[] = {
        { "name", "--set name: write --set name=value" },
        { "=x", "--set: there is no option ;" },
        { "nam=x", "--set: there is no option nam; did you mean name?" },
        { "log_level=loud", "--set: log_level must be error, warn, info or debug, not \"loud\"" },
        { "base_url=https://Relay.example",
          "--set: base_url = \"https://Relay.example\": its host" },
    };
    struct reading reading;

    (void)state;
    reading_start(&reading, reading_base);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reading_set(&reading, &cases[i].set, 1);
        assert_false(reading_go(&reading));
        reading_expect_said(&reading, cases[i].words);
    }
    reading_end(&reading);
}

static void a_faulty_variable_is_told_by_its_name(void **state)
{
    const char *environment[] = { "SEALPOST_HEAD_TIMEOUT=", NULL };
    struct reading reading;

    (void)state;
    reading_start(&reading, reading_base);
    reading_set_environment(&reading, environment);
    assert_false(reading_go(&reading));
    reading_expect_said(&reading, "SEALPOST_HEAD_TIMEOUT: head_timeout must be a time");
    reading_end(&reading);
}

static void a_slip_in_a_variables_name_is_told(void **state)
{
    static const char *const slips[] = { "SEALPOST_BASE_ULR=x", "SEALPOST_BASE_UR_FILE=x" };
    struct reading reading;

    (void)state;
    reading_start(&reading, reading_base);
    for (size_t i = 0; i < sizeof slips / sizeof slips[0]; i++) {
        const char *environment[] = { slips[i], NULL };
        reading_set_environment(&reading, environment);
        assert_false(reading_go(&reading));
        reading_expect_said(&reading, "did you mean base_url?");
    }
    reading_end(&reading);
}

static void variables_of_others_are_left_alone(void **state)
{
    const char *environment[] = { "SEALPOST_PORT=tcp://10.0.0.1:80",
                                  "SEALPOST_SERVICE_HOST=10.0.0.1",
                                  "SEALPOST_HOME=/x",
                                  "SEALPOSTD=/y",
                                  "SEALPOST_=",
                                  "SEALPOST_NAMED",
                                  "sealpost_name=z",
                                  NULL };
    struct reading reading;

    (void)state;
    reading_start(&reading, reading_base);
    reading_set_environment(&reading, environment);
    if (!reading_go(&reading)) {
        fail_msg("%s", reading.error);
    }
    assert_string_equal(reading.config.name, "Sealpost");
    reading_end(&reading);
}

static void a_variable_may_name_a_file_that_holds_the_value(void **state)
{
    char variable[TEMP_DIR_BYTES + 64];
    char path[TEMP_DIR_BYTES + 16];
    const char *environment[] = { variable, NULL };
    struct reading reading;

    (void)state;
    reading_start(&reading, reading_base);
    (void)snprintf(path, sizeof path, "%s/name", reading.dir);
    (void)snprintf(variable, sizeof variable, "SEALPOST_NAME_FILE=%s", path);
    reading_set_environment(&reading, environment);

    reading_write(path, "Ours\n", 5);
    assert_true(reading_go(&reading));
    assert_string_equal(reading.config.name, "Ours");
    reading_write(path, "Ours", 4);
    assert_true(reading_go(&reading));
    assert_string_equal(reading.config.name, "Ours");
    reading_write(path, "Ours\n\n", 6);
    assert_false(reading_go(&reading));
    reading_expect_said(&reading, "SEALPOST_NAME_FILE: name has a control character");
    reading_write(path, "Ou\0rs", 5);
    assert_false(reading_go(&reading));
    reading_expect_said(&reading, "/name: this is no text file (SEALPOST_NAME_FILE names it)");
    assert_int_equal(unlink(path), 0);
    assert_false(reading_go(&reading));
    reading_expect_said(&reading, "/name: cannot be opened");
    reading_end(&reading);
}

static void a_variable_and_its_file_exclude_each_other(void **state)
{
    const char *environment[] = { "SEALPOST_NAME=a", "SEALPOST_NAME_FILE=/b", NULL };
    struct reading reading;

    (void)state;
    reading_start(&reading, reading_base);
    reading_set_environment(&reading, environment);
    assert_false(reading_go(&reading));
    reading_expect_said(&reading, "SEALPOST_NAME and SEALPOST_NAME_FILE are both set");
    reading_end(&reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_layers_win),
        cmocka_unit_test(no_file_is_needed),
        cmocka_unit_test(a_set_value_may_be_empty_or_hold_an_equals_sign),
        cmocka_unit_test(a_faulty_set_is_told),
        cmocka_unit_test(a_faulty_variable_is_told_by_its_name),
        cmocka_unit_test(a_slip_in_a_variables_name_is_told),
        cmocka_unit_test(variables_of_others_are_left_alone),
        cmocka_unit_test(a_variable_may_name_a_file_that_holds_the_value),
        cmocka_unit_test(a_variable_and_its_file_exclude_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "server/ctl/arguments.h"
#include "server/ctl/help.h"
#include "tests/support/unit.h"

enum {
    WORDS_MAX = 40
};

/* Parse a line, cut at its spaces, as main would. */
static enum arguments_result parse(const char *line, struct arguments *out)
{
    static char copy[512];
    char *words[WORDS_MAX] = { copy };
    int count = 1;

    (void)snprintf(copy, sizeof copy, "sealpost %s", line);
    for (char *at = copy; *at != '\0'; at++) {
        if (*at == ' ') {
            *at = '\0';
            assert_true(count < WORDS_MAX);
            words[count++] = at + 1;
        }
    }
    return arguments_parse(line[0] == '\0' ? 1 : count, words, out);
}

static void a_command_is_found_by_all_its_words(void **state)
{
    struct arguments arguments;

    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        size_t used = 0;
        const char *words[ARGUMENTS_MAX];
        char copy[100];
        size_t count = 0;
        (void)snprintf(copy, sizeof copy, "%s", command_table[i].words);
        char *rest = copy;
        for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " ")) {
            words[count++] = word;
        }
        words[count] = "more";
        assert_ptr_equal(command_find(words, count + 1, &used), &command_table[i]);
        assert_int_equal(used, count);
    }
    assert_int_equal(parse("device manifest", &arguments), ARGUMENTS_WRONG);
    assert_int_equal(parse("device", &arguments), ARGUMENTS_WRONG);
    assert_int_equal(parse("devices register", &arguments), ARGUMENTS_WRONG);
}

static void options_may_stand_anywhere(void **state)
{
    static const char *const lines[] = {
        "device send --dir D ACCOUNT hello --ttl 5m",
        "--dir D device --ttl=5m send ACCOUNT hello",
        "device send ACCOUNT --ttl 5m --dir=D hello",
        "--ttl 5m --dir D -- device send ACCOUNT hello",
    };
    struct arguments arguments;

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(parse(lines[i], &arguments), ARGUMENTS_OK);
        assert_string_equal(arguments.command->words, "device send");
        assert_string_equal(arguments_text(&arguments, OPTION_DIR, ""), "D");
        assert_string_equal(arguments_text(&arguments, OPTION_TTL, ""), "5m");
        assert_int_equal(arguments.word_count, 2);
        assert_string_equal(arguments.words[1], "hello");
    }
}

static void a_dash_is_an_argument_and_two_end_the_options(void **state)
{
    struct arguments arguments;

    (void)state;
    assert_int_equal(parse("device send ACCOUNT -", &arguments), ARGUMENTS_OK);
    assert_string_equal(arguments.words[1], "-");
    assert_int_equal(parse("device send ACCOUNT -- --urgent", &arguments), ARGUMENTS_OK);
    assert_string_equal(arguments.words[1], "--urgent");
    assert_false(arguments_has(&arguments, OPTION_URGENT));
}

/* One id in 64 begins with a dash, and one in 4096 with two. */
static void an_id_may_begin_with_dashes(void **state)
{
    static const char *const ids[] = {
        "-toZtW6URls",
        "--oZtW6URls",
        "-UQAwl0nRScO_fQQovlu4FK8kt9wJyWU3ZAPGM5QZmU",
        "--QAwl0nRScO_fQQovlu4FK8kt9wJyWU3ZAPGM5QZmU",
        "-Qz0aE_yk7Tq2mVn4bXc1g",
        "--z0aE_yk7Tq2mVn4bXc1g",
    };
    struct arguments arguments;
    char line[200];

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        (void)snprintf(line, sizeof line, "account show %s --json", ids[i]);
        assert_int_equal(parse(line, &arguments), ARGUMENTS_OK);
        assert_string_equal(arguments.words[0], ids[i]);
        assert_true(arguments_has(&arguments, OPTION_JSON));
    }
    assert_int_equal(parse("account show -oZtW6URls=", &arguments), ARGUMENTS_WRONG);
    assert_int_equal(parse("account show -oZtW6URlsAA", &arguments), ARGUMENTS_WRONG);
}

static void wrong_lines_are_refused_with_what_is_wrong(void **state)
{
    static const struct {
        const char *line;
        const char *says;
    } rows[] = {
        { "nonsense", "no command \"nonsense\"" },
        { "stats --nonsense", "unknown option --nonsense" },
        { "stats --js", "unknown option --js" },
        { "stats --jsno", "unknown option --jsno; did you mean --json?" },
        { "stats --sokcet=secret", "unknown option --sokcet; did you mean --socket?" },
        { "stats --hlep", "unknown option --hlep; did you mean --help?" },
        { "stats --zzz=secret", "unknown option --zzz; --help lists them" },
        { "invite craate",
          "no command \"invite craate\"; did you mean \"sealpost invite create\"?" },
        { "devicee send A x",
          "no command \"devicee send\"; did you mean \"sealpost device send\"?" },
        { "sttas", "no command \"sttas\"; did you mean \"sealpost stats\"?" },
        { "invite", "no command \"invite\"; sealpost --help lists them" },
        { "stats --json --json", "--json is given twice" },
        { "stats --json=yes", "--json takes no value" },
        { "stats --socket", "--socket wants a value" },
        { "stats --dir D", "--dir is no option of \"sealpost stats\"" },
        { "stats now", "does not know what to do with \"now\"" },
        { "device send", "wants ACCOUNT [TEXT|-]" },
        { "invite revoke", "wants ID" },
        { "device send A hello world", "does not know what to do with \"world\"" },
        { "device ack 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "too many arguments" },
    };
    struct arguments arguments;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(parse(rows[i].line, &arguments), ARGUMENTS_WRONG);
        assert_non_null(strstr(arguments.error, rows[i].says));
    }
}

static void help_and_version_are_heard_everywhere(void **state)
{
    struct arguments arguments;

    (void)state;
    assert_int_equal(parse("", &arguments), ARGUMENTS_HELP);
    assert_int_equal(parse("--help", &arguments), ARGUMENTS_HELP);
    assert_null(arguments.command);
    assert_int_equal(parse("device send -h", &arguments), ARGUMENTS_HELP);
    assert_string_equal(arguments.command->words, "device send");
    assert_int_equal(parse("stats --version", &arguments), ARGUMENTS_VERSION);
}

static void numbers_outside_their_range_are_refused(void **state)
{
    struct arguments arguments;
    int64_t number = 7;

    (void)state;
    assert_int_equal(parse("device receive --limit 50", &arguments), ARGUMENTS_OK);
    assert_true(arguments_number(&arguments, OPTION_COUNT, 1, 100, &number));
    assert_int_equal(number, 7); /* not given */
    assert_true(arguments_number(&arguments, OPTION_LIMIT, 1, 50, &number));
    assert_int_equal(number, 50);
    assert_false(arguments_number(&arguments, OPTION_LIMIT, 1, 49, &number));
    assert_false(arguments_number(&arguments, OPTION_LIMIT, 51, 100, &number));
    assert_int_equal(parse("device receive --limit 5x", &arguments), ARGUMENTS_OK);
    assert_false(arguments_number(&arguments, OPTION_LIMIT, 1, 100, &number));
    assert_int_equal(number, 50);
}

static void durations_have_units(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds; /* -1: refused */
    } rows[] = {
        { "90", 90 }, { "90s", 90 }, { "15m", 900 }, { "12h", 43200 },      { "30d", 2592000 },
        { "", -1 },   { "s", -1 },   { "-5s", -1 },  { "1.5h", -1 },        { "5 m", -1 },
        { "5w", -1 }, { "05m", -1 }, { "0", 0 },     { "9999999999d", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t seconds = -1;
        assert_true(arguments_duration(rows[i].text, &seconds) == (rows[i].seconds >= 0));
        assert_int_equal(seconds, rows[i].seconds);
    }
}

static void help_names_every_command_and_each_of_its_options(void **state)
{
    struct buf text = { 0 };

    (void)state;
    help_overview(&text);
    buf_append_u8(&text, 0);
    for (size_t i = 0; i < command_count; i++) {
        assert_non_null(strstr((const char *)text.at, command_table[i].words));
    }
    for (size_t i = 0; i < OPTION_OPTIONS; i++) {
        bool is_used = false;
        for (size_t j = 0; j < command_count; j++) {
            is_used = is_used || command_takes(&command_table[j], (enum option)i);
        }
        assert_true(is_used);
    }
    for (size_t i = 0; i < command_count; i++) {
        buf_empty(&text);
        help_command(&command_table[i], &text);
        buf_append_u8(&text, 0);
        for (size_t j = 0; j < OPTION_OPTIONS; j++) {
            bool is_shown = strstr((const char *)text.at, option_table[j].name) != NULL;
            bool is_taken = command_takes(&command_table[i], (enum option)j);
            assert_true(is_shown || !is_taken);
        }
    }
    buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_found_by_all_its_words),
        cmocka_unit_test(options_may_stand_anywhere),
        cmocka_unit_test(a_dash_is_an_argument_and_two_end_the_options),
        cmocka_unit_test(an_id_may_begin_with_dashes),
        cmocka_unit_test(wrong_lines_are_refused_with_what_is_wrong),
        cmocka_unit_test(help_and_version_are_heard_everywhere),
        cmocka_unit_test(numbers_outside_their_range_are_refused),
        cmocka_unit_test(durations_have_units),
        cmocka_unit_test(help_names_every_command_and_each_of_its_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/arguments.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/decimal.h"
#include "common/nearest.h"
#include "server/ctl/say.h"

enum {
    NAME_MAX_BYTES = 80,
    INVITE_ID_LETTERS = 11, /* 8 bytes */
    FACTOR_ID_LETTERS = 22, /* 16 bytes */
    ACCOUNT_ID_LETTERS = 43 /* 32 bytes */
};

/* What is being read: all words, the command's own among them. */
struct reading {
    const char *words[ARGUMENTS_MAX];
    size_t word_count;
    bool is_help;
    bool is_version;
    bool options_ended;
};

__attribute__((format(printf, 2, 3))) static bool wrong(struct arguments *out, const char *format,
                                                        ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(out->error, sizeof out->error, format, args);
    va_end(args);
    return false;
}

/* Find the option that text names up to its '=' or end. */
static bool option_find(const char *text, enum option *out)
{
    size_t size = strcspn(text, "=");

    for (size_t i = 0; i < OPTION_OPTIONS; i++) {
        const char *name = option_table[i].name;
        if (strlen(name) == size && memcmp(name, text, size) == 0) {
            *out = (enum option)i;
            return true;
        }
    }
    return false;
}

/* Say that there is no such option; what stands behind its = is not repeated. */
static bool option_is_unknown(const char *text, struct arguments *out)
{
    char name[NAME_MAX_BYTES + 1];
    struct nearest nearest = { .best = NULL };

    size_t size = strcspn(text, "=");

    size = size < NAME_MAX_BYTES ? size : NAME_MAX_BYTES;
    memcpy(name, text, size);
    name[size] = '\0';
    for (size_t i = 0; i < OPTION_OPTIONS; i++) {
        nearest_try(&nearest, name, option_table[i].name);
    }
    nearest_try(&nearest, name, "--help");
    nearest_try(&nearest, name, "--version");
    if (nearest.best != NULL) {
        return wrong(out, "unknown option %s; did you mean %s?", name, nearest.best);
    }
    return wrong(out, "unknown option %s; --help lists them", name);
}

/* Append as many of the words that were given as like has, and a NUL. */
static const char *join_words(const struct reading *reading, const char *like, struct buf *out)
{
    size_t count = 1;

    for (const char *at = like; *at != '\0'; at++) {
        count += *at == ' ';
    }
    for (size_t i = 0; i < count && i < reading->word_count; i++) {
        buf_append_text(out, i == 0 ? "" : " ");
        buf_append_text(out, reading->words[i]);
    }
    buf_append_u8(out, 0);
    return (const char *)out->at;
}

/* The command that was probably meant; NULL when none is near. */
static const char *command_meant(const struct reading *reading)
{
    struct nearest best = { .best = NULL };

    for (size_t i = 0; i < command_count; i++) {
        struct nearest nearest = { .best = NULL };
        struct buf typed = { 0 };
        nearest_try(&nearest, join_words(reading, command_table[i].words, &typed),
                    command_table[i].words);
        if (nearest.best != NULL && (best.best == NULL || nearest.distance < best.distance)) {
            best = nearest;
        }
        buf_clear(&typed);
    }
    return best.best;
}

/* Say that there is no such command. */
static bool command_is_unknown(const struct reading *reading, struct arguments *out)
{
    const char *meant = command_meant(reading);
    struct buf typed = { 0 };

    if (meant == NULL) {
        return wrong(out, "no command \"%.80s\"; sealpost --help lists them", reading->words[0]);
    }
    (void)wrong(out, "no command \"%.80s\"; did you mean \"sealpost %s\"?",
                join_words(reading, meant, &typed), meant);
    buf_clear(&typed);
    return false;
}

static bool take_word(struct reading *reading, const char *text, struct arguments *out)
{
    if (reading->word_count == ARGUMENTS_MAX) {
        return wrong(out, "too many arguments; put a text with spaces in quotes");
    }
    reading->words[reading->word_count++] = text;
    return true;
}

/* Take the option in argv[*at], and its value, which may be the next one. */
static bool take_option(int argc, char *const *argv, int *at, struct arguments *out)
{
    const char *text = argv[*at];
    const char *inside = strchr(text, '=');
    enum option option;

    if (!option_find(text, &option)) {
        return option_is_unknown(text, out);
    }
    const struct option_row *row = &option_table[option];
    if (out->options[option] != NULL) {
        return wrong(out, "%s is given twice; give it once", row->name);
    }
    if (row->value == NULL) {
        out->options[option] = "";
        return inside == NULL || wrong(out, "%s takes no value", row->name);
    }
    if (inside == NULL && *at + 1 == argc) {
        return wrong(out, "%s wants a value: %s %s", row->name, row->name, row->value);
    }
    if (inside == NULL) {
        *at += 1;
    }
    out->options[option] = inside == NULL ? argv[*at] : inside + 1;
    return true;
}

/* Say whether text may be an id: those are base64url, so a dash may be their first letter. */
static bool may_be_id(const char *text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t size = strlen(text);
    enum option option;

    return (size == INVITE_ID_LETTERS || size == FACTOR_ID_LETTERS || size == ACCOUNT_ID_LETTERS) &&
           strspn(text, letters) == size && !option_find(text, &option);
}

static bool take(struct reading *reading, int argc, char *const *argv, int *at,
                 struct arguments *out)
{
    const char *text = argv[*at];

    if (reading->options_ended || text[0] != '-' || text[1] == '\0') {
        return take_word(reading, text, out);
    }
    if (strcmp(text, "--") == 0) {
        reading->options_ended = true;
        return true;
    }
    if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
        reading->is_help = true;
        return true;
    }
    if (strcmp(text, "--version") == 0) {
        reading->is_version = true;
        return true;
    }
    return may_be_id(text) ? take_word(reading, text, out) : take_option(argc, argv, at, out);
}

/* Check that the command takes what was given. */
static bool judge(struct arguments *out)
{
    const struct command *command = out->command;

    for (size_t i = 0; i < OPTION_OPTIONS; i++) {
        if (out->options[i] != NULL && !command_takes(command, (enum option)i)) {
            return wrong(out, "%s is no option of \"sealpost %s\"; see sealpost %s --help",
                         option_table[i].name, command->words, command->words);
        }
    }
    if (out->word_count < command->arguments_min) {
        return wrong(out, "\"sealpost %s\" wants %s", command->words, command->arguments);
    }
    if (out->word_count > command->arguments_max) {
        return wrong(out, "\"sealpost %s\" does not know what to do with \"%.80s\"", command->words,
                     out->words[command->arguments_max]);
    }
    return true;
}

static bool find_command(const struct reading *reading, struct arguments *out)
{
    size_t used = 0;

    out->command = command_find(reading->words, reading->word_count, &used);
    if (out->command == NULL) {
        return false;
    }
    out->word_count = reading->word_count - used;
    memcpy(out->words, reading->words + used, out->word_count * sizeof out->words[0]);
    return true;
}

enum arguments_result arguments_parse(int argc, char *const *argv, struct arguments *out)
{
    struct reading reading = { .word_count = 0 };

    memset(out, 0, sizeof *out);
    for (int at = 1; at < argc; at++) {
        if (!take(&reading, argc, argv, &at, out)) {
            return ARGUMENTS_WRONG;
        }
    }
    if (reading.is_version) {
        return ARGUMENTS_VERSION;
    }
    bool is_found = find_command(&reading, out);
    if (reading.is_help || reading.word_count == 0) {
        return ARGUMENTS_HELP;
    }
    if (!is_found) {
        (void)command_is_unknown(&reading, out);
        return ARGUMENTS_WRONG;
    }
    return judge(out) ? ARGUMENTS_OK : ARGUMENTS_WRONG;
}

const char *arguments_text(const struct arguments *arguments, enum option option,
                           const char *otherwise)
{
    return arguments->options[option] == NULL ? otherwise : arguments->options[option];
}

bool arguments_has(const struct arguments *arguments, enum option option)
{
    return arguments->options[option] != NULL;
}

bool arguments_number(const struct arguments *arguments, enum option option, int64_t min,
                      int64_t max, int64_t *out)
{
    const char *text = arguments->options[option];
    int64_t value = 0;

    if (text == NULL) {
        return true;
    }
    if (!decimal_parse(bytes_text(text), max, &value) || value < min) {
        say_error("%s wants a number from %" PRId64 " to %" PRId64 ", not \"%s\"",
                  option_table[option].name, min, max, text);
        return false;
    }
    *out = value;
    return true;
}

bool arguments_duration(const char *text, int64_t *out_seconds)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    size_t size = strlen(text);
    int64_t factor = 1;
    int64_t value = 0;

    for (size_t i = 0; size > 0 && i < sizeof units / sizeof units[0]; i++) {
        if (text[size - 1] == units[i].unit) {
            factor = units[i].seconds;
            size--;
            break;
        }
    }
    if (!decimal_parse(bytes_of(text, size), INT32_MAX, &value)) {
        return false;
    }
    *out_seconds = value * factor;
    return true;
}

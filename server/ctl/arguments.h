/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command line, read: which command, with which options and arguments.  Options
 * may stand anywhere, as "--name value" or "--name=value"; "--" ends them, and "-"
 * and an id that begins with one are arguments.  Everything is borrowed from argv.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/ctl/command.h"

enum {
    ARGUMENTS_MAX = 16,
    ARGUMENTS_ERROR_BYTES = 240,
};

enum arguments_result {
    ARGUMENTS_OK = 0,
    ARGUMENTS_HELP,    /* --help; command is NULL for the whole table */
    ARGUMENTS_VERSION, /* --version */
    ARGUMENTS_WRONG,   /* error says what and what to do */
};

struct arguments {
    const struct command *command;
    const char *options[OPTION_OPTIONS]; /* NULL: not given; "" for a switch that was given */
    const char *words[ARGUMENTS_MAX];    /* behind the command's own words */
    size_t word_count;
    char error[ARGUMENTS_ERROR_BYTES];
};

/* Read argv[1] and on.  Fills *out whole for every result. */
enum arguments_result arguments_parse(int argc, char *const *argv, struct arguments *out);

/* An option's value, or otherwise when it was not given. */
const char *arguments_text(const struct arguments *arguments, enum option option,
                           const char *otherwise);

/* Say whether an option was given. */
bool arguments_has(const struct arguments *arguments, enum option option);

/*
 * Read an option as a number from min to max into *out, which stays as it was when the
 * option was not given.  False, with the reason said, when it is no such number.
 */
bool arguments_number(const struct arguments *arguments, enum option option, int64_t min,
                      int64_t max, int64_t *out);

/* Read text as a duration in seconds: a number with s, m, h or d behind it, or none. */
bool arguments_duration(const char *text, int64_t *out_seconds);

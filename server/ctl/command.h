/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of commands and the one of options.  The parser of arguments and
 * every text of --help are made from them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/ctl/exit_code.h"

struct arguments;

enum option {
    OPTION_JSON = 0,
    OPTION_SOCKET,
    OPTION_DIR,
    OPTION_URL,
    OPTION_CA,
    OPTION_INVITE,
    OPTION_NAME,
    OPTION_DAYS,
    OPTION_RECOVERY,
    OPTION_USES,
    OPTION_EXPIRES,
    OPTION_NOTE,
    OPTION_STREAM,
    OPTION_FOLLOW,
    OPTION_FILE,
    OPTION_TTL,
    OPTION_URGENT,
    OPTION_ONLINE_ONLY,
    OPTION_ADMIN,
    OPTION_ID,
    OPTION_AFTER,
    OPTION_LIMIT,
    OPTION_COUNT,
    OPTION_RATE,
    OPTION_IN_FLIGHT,
    OPTION_SIZE,
    OPTION_YES,
    OPTION_KYBER,
    OPTION_REPLACE,
    OPTION_DEVICE,
    OPTION_REMOVE,
    OPTION_CODE,
    OPTION_KIND,
    OPTION_ASCII,
    OPTION_SLOT,
    OPTION_ACCOUNT,
    OPTION_DIGITS,
    OPTION_OPTIONS, /* how many there are */
};

struct option_row {
    const char *name;  /* "--url" */
    const char *value; /* "URL", or NULL for a switch */
    const char *help;
};

struct command {
    const char *words;     /* "invite create" */
    const char *arguments; /* "ACCOUNT [TEXT]" as help shows them, "" for none */
    uint8_t arguments_min;
    uint8_t arguments_max;
    uint64_t options; /* a bit for each option */
    const char *help; /* one sentence */
    enum exit_code (*run)(const struct arguments *arguments);
};

extern const struct command command_table[];
extern const size_t command_count;
extern const struct option_row option_table[OPTION_OPTIONS];

/*
 * Find the command whose words stand first in words; the longest wins.  NULL when
 * there is none.  *out_used is the number of its words.
 */
const struct command *command_find(const char *const *words, size_t count, size_t *out_used);

/* Say whether command takes option. */
bool command_takes(const struct command *command, enum option option);

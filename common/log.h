/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structured logs on standard error: one line a fact, an event name and then
 * key=value pairs, as logfmt or as JSON.  Never keys, tokens, bodies, addresses
 * or whole ids.  Any thread; a line is written with one call.
 */
#pragma once

#include <stdbool.h>

#include "common/bytes.h"

/* A line with its newline; a longer one is cut and says cut=true. */
enum {
    LOG_LINE_BYTES = 2048,
    LOG_QUOTE_BYTES = 256,
    LOG_ID_BYTES = 12
};

enum log_level {
    LOG_ERROR = 0,
    LOG_WARN,
    LOG_INFO,
    LOG_DEBUG
};
enum log_format {
    LOG_LOGFMT = 0,
    LOG_JSON
};

/* Set what is written and how; LOG_INFO and LOG_LOGFMT until then. */
void log_setup(enum log_level level, enum log_format format);

/* Say whether a line of this level would be written: for lines that are dear to make. */
bool log_is_on(enum log_level level);

/*
 * Write one line.  event is a word like "store.commit"; format makes
 * "key=value key=value", where a value with spaces stands in double quotes with
 * backslashes before quotes and backslashes inside: see log_quote.  In JSON a
 * bare whole number, true and false stay what they are, all else is a string.
 * Control characters are escaped and session tokens and invites blotted out.
 */
__attribute__((format(printf, 3, 4))) void log_line(enum log_level level, const char *event,
                                                    const char *format, ...);

/* NOLINTBEGIN(readability-identifier-naming): they read and behave as functions. */
#define log_error(event, ...) log_line(LOG_ERROR, event, __VA_ARGS__)
#define log_warn(event, ...) log_line(LOG_WARN, event, __VA_ARGS__)
#define log_info(event, ...) log_line(LOG_INFO, event, __VA_ARGS__)
#define log_debug(event, ...) log_line(LOG_DEBUG, event, __VA_ARGS__)
/* NOLINTEND(readability-identifier-naming) */

/* The first four bytes of an id in hex, with dots, for "%s": log_id(id).text. */
struct log_id {
    char text[LOG_ID_BYTES];
};
struct log_id log_id(struct bytes id);

/* A text of any bytes as a quoted value, cut when it is long, for "%s": log_quote(text).text. */
struct log_quote {
    char text[LOG_QUOTE_BYTES];
};
struct log_quote log_quote(struct bytes text);

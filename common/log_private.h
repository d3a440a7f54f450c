/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes one line of bounded size, pair by pair, as logfmt or as JSON.  What does
 * not fit is left out and the line says so at its end.  Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/log.h"

struct log_writer {
    bool json;
    bool cut; /* something was left out; nothing more is added */
    size_t size;
    char line[LOG_LINE_BYTES];
};

void log_writer_begin(struct log_writer *writer, bool json);

/* Add a pair whose value is a plain word. */
void log_writer_word(struct log_writer *writer, const char *key, const char *word);

/* Add every pair of a text like: key=value key="a value".  Overwrites the text. */
void log_writer_pairs(struct log_writer *writer, char *pairs);

/* End the line with a newline, and no NUL. */
void log_writer_end(struct log_writer *writer);

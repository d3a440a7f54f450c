/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages and completions of this folder: text with @words@ in it.  A line that is one word
 * gives way to what a table makes of it; @version@, @date@ and @config@ stand anywhere.
 * Pure; any thread.
 */
#pragma once

#include <stdbool.h>

#include "common/bytes.h"
#include "server/manual/rows.h"

struct template_words {
    const char *version;
    const char *date;   /* "2026-01-31", of the day that it was made */
    const char *config; /* path of the configuration */
    enum rows_shell shell;
};

/* Append text, filled in.  False when a line is a word that is not known; it is in out's last line. */
bool template_fill(struct bytes text, const struct template_words *words, struct buf *out);

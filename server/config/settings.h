/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts that were given for options, before they are values: each with its
 * origin ("FILE:LINE", a variable's name, "--set").  A later layer replaces an
 * earlier one; within a layer an option is given once.  One owner, one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "server/config/options.h"

struct config_source;
struct fault;

struct settings_entry {
    char *text;   /* NULL: not given */
    char *origin; /* NULL: not given */
};

struct settings {
    const char *path;                        /* the file; borrowed from the source; may be NULL */
    struct settings_entry of[OPTIONS_TOTAL]; /* in the order of options_table */
};

/*
 * Fill settings from source's file and its conf.d, environment and --set, in that order.  False
 * with a sentence when one cannot be read or names what is no option.  Clear it
 * in either case.
 */
bool settings_gather(struct settings *settings, const struct config_source *source,
                     const struct fault *fault);

/* Note that text was given for option index at origin.  Copies both. */
void settings_put(struct settings *settings, size_t index, const char *text, const char *origin);

/* Where the value of the option called name comes from; "default" when it was not given. */
const char *settings_origin(const struct settings *settings, const char *name);

/*
 * Where to look when the option called name does not go with the one called other: where name
 * was given, or else other, or else the file.
 */
const char *settings_blame(const struct settings *settings, const char *name, const char *other);

/* Release the texts.  May be called twice. */
void settings_clear(struct settings *settings);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.def as a table: what each option is, and where in struct config its
 * value stands.  Constant; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum options_kind {
    OPTIONS_TEXT = 0,
    OPTIONS_INT,
    OPTIONS_FLAG,
    OPTIONS_CHOICE
};

struct options_entry {
    const char *name;
    const char *help;
    const char *text;    /* OPTIONS_TEXT: the default */
    const char *choices; /* OPTIONS_CHOICE: "a|b|c" */
    const char *unit;    /* OPTIONS_INT: "count", "bytes", "seconds" or "days" */
    int64_t number;      /* other kinds: the default */
    int64_t min, max;    /* OPTIONS_INT, both included */
    size_t offset;       /* in struct config */
    enum options_kind kind;
    bool reloadable;
};

/* One byte for each option, so that the compiler counts them. */
struct options_count {
#define TEXT(name, dflt, reload, help) char name;
#define INT(name, unit, dflt, min, max, reload, help) char name;
#define FLAG(name, dflt, reload, help) char name;
#define CHOICE(name, choices, dflt, reload, help) char name;
#include "server/config/options.def"
#undef TEXT
#undef INT
#undef FLAG
#undef CHOICE
};

enum {
    OPTIONS_TOTAL = sizeof(struct options_count)
};

/* In the order of options.def. */
extern const struct options_entry options_table[OPTIONS_TOTAL];

/* Find an option by its name; OPTIONS_TOTAL when there is none. */
size_t options_find(const char *name);

/* Find the name that a slip of the pen made this of (common/nearest.h); NULL: none is near. */
const char *options_nearest(const char *name);

/* The same, or else the first name that goes on from this one or that this one goes on from. */
const char *options_meant(const char *name);

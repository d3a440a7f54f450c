/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of mistakes in a line of a configuration file, each made with any option. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct options_entry;

/* Append the line without its end; false where this option cannot have the mistake. */
typedef bool mistake_fn(const struct options_entry *option, struct buf *out);

struct mistake_kind {
    const char *kind;
    mistake_fn *make;
    const char *words; /* of the sentence that tells it: what to do */
};

extern const struct mistake_kind mistake_kinds[];
extern const size_t mistake_kind_count;

/* A value that is written as the option's kind is; it may be none that the option takes. */
const char *mistake_good_value(const struct options_entry *option);

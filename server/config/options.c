/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config/options.h"

#include <string.h>

#include "server/config/config.h"

enum {
    WORD_BYTES = 48
}; /* a longer word is like no option */

const struct options_entry options_table[OPTIONS_TOTAL] = {
#define TEXT(name_, dflt, reload, help_)        \
    { .name = #name_,                           \
      .help = (help_),                          \
      .text = (dflt),                           \
      .offset = offsetof(struct config, name_), \
      .kind = OPTIONS_TEXT,                     \
      .reloadable = (reload) != 0 },
#define INT(name_, unit_, dflt, min_, max_, reload, help_) \
    { .name = #name_,                                      \
      .help = (help_),                                     \
      .unit = #unit_,                                      \
      .number = (dflt),                                    \
      .min = (min_),                                       \
      .max = (max_),                                       \
      .offset = offsetof(struct config, name_),            \
      .kind = OPTIONS_INT,                                 \
      .reloadable = (reload) != 0 },
#define FLAG(name_, dflt, reload, help_)        \
    { .name = #name_,                           \
      .help = (help_),                          \
      .number = (dflt),                         \
      .max = 1,                                 \
      .offset = offsetof(struct config, name_), \
      .kind = OPTIONS_FLAG,                     \
      .reloadable = (reload) != 0 },
#define CHOICE(name_, choices_, dflt, reload, help_) \
    { .name = #name_,                                \
      .help = (help_),                               \
      .choices = (choices_),                         \
      .number = (dflt),                              \
      .offset = offsetof(struct config, name_),      \
      .kind = OPTIONS_CHOICE,                        \
      .reloadable = (reload) != 0 },
#include "server/config/options.def"
#undef TEXT
#undef INT
#undef FLAG
#undef CHOICE
};

size_t options_find(const char *name)
{
    size_t index = 0;

    while (index < OPTIONS_TOTAL && strcmp(options_table[index].name, name) != 0) {
        index++;
    }
    return index;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance, one row of his table at a time; both fit into WORD_BYTES. */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_BYTES + 1];
    size_t b_size = strlen(b);

    for (size_t j = 0; j <= b_size; j++) {
        row[j] = j;
    }
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t above = row[j];
            size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = smaller(changed, smaller(above, row[j - 1]) + 1);
            diagonal = above;
        }
    }
    return row[b_size];
}

const char *options_nearest(const char *name)
{
    const char *best = NULL;
    size_t size = strlen(name);
    size_t best_distance = size / 3 + 1;

    if (size > WORD_BYTES) {
        return NULL;
    }
    for (size_t i = 0; i < OPTIONS_TOTAL; i++) {
        size_t away = distance(name, options_table[i].name);
        if (away < best_distance) {
            best = options_table[i].name;
            best_distance = away;
        }
    }
    return best;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config/options.h"

#include <string.h>

#include "common/nearest.h"
#include "server/config/config.h"

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

static struct nearest near(const char *name)
{
    struct nearest nearest = { .best = NULL };

    for (size_t i = 0; i < OPTIONS_TOTAL; i++) {
        nearest_try(&nearest, name, options_table[i].name);
    }
    return nearest;
}

const char *options_nearest(const char *name)
{
    return near(name).best;
}

const char *options_meant(const char *name)
{
    struct nearest nearest = near(name);

    return nearest.best != NULL ? nearest.best : nearest.start;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config/config_field.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/check.h"
#include "common/mem.h"
#include "server/config/config.h"
#include "server/config/options.h"
#include "server/config/storage.h"
#include "server/config/value.h"

static const void *member(const struct config *config, const struct options_entry *option)
{
    return (const char *)config + option->offset;
}

static void *member_to_set(struct config *config, const struct options_entry *option)
{
    return (char *)config + option->offset;
}

int64_t config_field(const struct config *config, const struct options_entry *option)
{
    switch (option->kind) {
    case OPTIONS_INT:
        return *(const int64_t *)member(config, option);
    case OPTIONS_FLAG:
        return *(const bool *)member(config, option) ? 1 : 0;
    case OPTIONS_CHOICE:
        return *(const int *)member(config, option);
    case OPTIONS_TEXT:
        break;
    }
    CHECK_UNREACHABLE();
}

void config_field_set(struct config *config, const struct options_entry *option, int64_t value)
{
    void *to = member_to_set(config, option);

    switch (option->kind) {
    case OPTIONS_INT:
        *(int64_t *)to = value;
        return;
    case OPTIONS_FLAG:
        *(bool *)to = value != 0;
        return;
    case OPTIONS_CHOICE:
        *(int *)to = (int)value;
        return;
    case OPTIONS_TEXT:
        break;
    }
    CHECK_UNREACHABLE();
}

const char *config_field_text(const struct config *config, const struct options_entry *option)
{
    CHECK(option->kind == OPTIONS_TEXT);
    return *(char *const *)member(config, option);
}

/* What may hold a password. */
static bool is_database(const struct options_entry *option)
{
    return strcmp(option->name, "storage") == 0 || strcmp(option->name, "postgres_listen_url") == 0;
}

void config_field_show(const struct config *config, const struct options_entry *option,
                       struct buf *out)
{
    if (option->kind != OPTIONS_TEXT) {
        value_print(option, config_field(config, option), out);
    } else if (is_database(option)) {
        storage_mask(config_field_text(config, option), out);
    } else {
        buf_append_text(out, config_field_text(config, option));
    }
}

/* A URL of a database may hold its password. */
static void free_text(char *text)
{
    if (text != NULL) {
        mem_wipe(text, strlen(text));
        free(text);
    }
}

void config_field_set_text(struct config *config, const struct options_entry *option,
                           const char *text)
{
    char **to = member_to_set(config, option);
    char *copy = mem_text(text); /* text may be the member itself */

    CHECK(option->kind == OPTIONS_TEXT);
    free_text(*to);
    *to = copy;
}

void config_field_clear(struct config *config, const struct options_entry *option)
{
    char **to = member_to_set(config, option);

    CHECK(option->kind == OPTIONS_TEXT);
    free_text(*to);
    *to = NULL;
}

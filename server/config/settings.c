/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config/settings.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"
#include "server/config/conf_file.h"
#include "server/config/conf_folder.h"
#include "server/config/config.h"
#include "server/config/fault.h"
#include "server/config/small_file.h"
#include "server/config/unknown.h"

enum {
    NAME_BYTES = 64,
    VALUE_FILE_MAX_BYTES = 4096, /* as long as the longest text */
    TYPO_MIN_LETTERS = 6         /* a shorter variable may well be another program's */
};

static const char prefix[] = "SEALPOST_";
static const char file_ending[] = "_FILE";

void settings_put(struct settings *settings, size_t index, const char *text, const char *origin)
{
    struct settings_entry *entry = &settings->of[index];

    free(entry->text);
    free(entry->origin);
    entry->text = mem_text(text);
    entry->origin = mem_text(origin);
}

const char *settings_origin(const struct settings *settings, const char *name)
{
    size_t index = options_find(name);

    return index < OPTIONS_TOTAL && settings->of[index].origin != NULL ? settings->of[index].origin
                                                                       : "default";
}

const char *settings_blame(const struct settings *settings, const char *name, const char *other)
{
    const char *asked[] = { name, other };

    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        size_t index = options_find(asked[i]);
        if (index < OPTIONS_TOTAL && settings->of[index].origin != NULL) {
            return settings->of[index].origin;
        }
    }
    return settings->path != NULL ? settings->path : "default";
}

void settings_clear(struct settings *settings)
{
    for (size_t i = 0; i < OPTIONS_TOTAL; i++) {
        free(settings->of[i].text);
        free(settings->of[i].origin);
        settings->of[i] = (struct settings_entry){ 0 };
    }
}

/* The value of "NAME=value" when NAME is variable; else NULL. */
static const char *value_of(const char *line, const char *variable)
{
    size_t size = strlen(variable);

    return strncmp(line, variable, size) == 0 && line[size] == '=' ? line + size + 1 : NULL;
}

static const char *variable_value(char **environment, const char *variable)
{
    const char *value = NULL;

    for (size_t i = 0; environment[i] != NULL && value == NULL; i++) {
        value = value_of(environment[i], variable);
    }
    return value;
}

/* The value stands in a file, as secrets of containers do; one line end is not part of it. */
static bool put_from_file(struct settings *settings, size_t index, const char *variable,
                          const char *path, const struct fault *fault)
{
    struct buf text = { 0 };
    bool good = small_file_read(path, VALUE_FILE_MAX_BYTES, &text, fault);

    if (good && text.size > 0 && text.at[text.size - 1] == '\n') {
        text.size--;
    }
    buf_append_u8(&text, 0);
    if (good && strlen((const char *)text.at) + 1 != text.size) {
        good = fault_say(fault, "%s: this is no text file (%s names it)", path, variable);
    }
    if (good) {
        settings_put(settings, index, (const char *)text.at, variable);
    }
    buf_clear(&text);
    return good;
}

static void make_upper(char *text)
{
    for (; *text != '\0'; text++) {
        *text = (char)toupper((unsigned char)*text);
    }
}

static void make_lower(char *text)
{
    for (; *text != '\0'; text++) {
        *text = (char)tolower((unsigned char)*text);
    }
}

static bool put_from_environment(struct settings *settings, size_t index, char **environment,
                                 const struct fault *fault)
{
    char variable[NAME_BYTES];
    char variable_file[NAME_BYTES + sizeof file_ending];
    const char *value = NULL;
    const char *path = NULL;

    (void)snprintf(variable, sizeof variable, "%s%s", prefix, options_table[index].name);
    make_upper(variable);
    (void)snprintf(variable_file, sizeof variable_file, "%s%s", variable, file_ending);
    value = variable_value(environment, variable);
    path = variable_value(environment, variable_file);
    if (value != NULL && path != NULL) {
        return fault_say(fault, "%s and %s are both set; keep one of them", variable,
                         variable_file);
    }
    if (path != NULL) {
        return put_from_file(settings, index, variable_file, path, fault);
    }
    if (value != NULL) {
        settings_put(settings, index, value, variable);
    }
    return true;
}

/* Cut "_FILE" off a variable's name, if it ends so. */
static void cut_file_ending(char *variable)
{
    size_t size = strlen(variable);

    if (size > strlen(file_ending) &&
        strcmp(variable + size - strlen(file_ending), file_ending) == 0) {
        variable[size - strlen(file_ending)] = '\0';
    }
}

/*
 * A variable that is nearly an option's is a slip of the pen.  One that is like
 * none is left alone: orchestrators put SEALPOST_PORT and the like there.
 */
static bool variable_is_no_slip(const char *line, const struct fault *fault)
{
    char *variable = NULL;
    const char *nearest = NULL;
    bool good = true;

    if (strncmp(line, prefix, strlen(prefix)) != 0) {
        return true;
    }
    variable = mem_text_of(line, strcspn(line, "="));
    cut_file_ending(variable);
    make_lower(variable);
    nearest = options_nearest(variable + strlen(prefix));
    if (strlen(variable + strlen(prefix)) >= TYPO_MIN_LETTERS && nearest != NULL &&
        strcmp(nearest, variable + strlen(prefix)) != 0) {
        good = fault_say(fault, "%.*s: there is no option %s; did you mean %s?",
                         (int)strcspn(line, "="), line, variable + strlen(prefix), nearest);
    }
    free(variable);
    return good;
}

static bool put_environment(struct settings *settings, char **environment,
                            const struct fault *fault)
{
    for (size_t i = 0; environment[i] != NULL; i++) {
        if (!variable_is_no_slip(environment[i], fault)) {
            return false;
        }
    }
    for (size_t i = 0; i < OPTIONS_TOTAL; i++) {
        if (!put_from_environment(settings, i, environment, fault)) {
            return false;
        }
    }
    return true;
}

static bool put_named(struct settings *settings, const char *name, const char *text,
                      const struct fault *fault)
{
    size_t index = options_find(name);

    if (index == OPTIONS_TOTAL) {
        return unknown_say(fault, "--set", name);
    }
    settings_put(settings, index, text, "--set");
    return true;
}

/* Of two --set of one option the later counts, as with any command's flags. */
static bool put_set(struct settings *settings, const char *set, const struct fault *fault)
{
    const char *equals = strchr(set, '=');
    char *name = NULL;
    bool good = false;

    if (equals == NULL) {
        return fault_say(fault, "--set %.*s: write --set name=value", (int)unknown_name_bytes(set),
                         set);
    }
    name = mem_text_of(set, (size_t)(equals - set));
    good = put_named(settings, name, equals + 1, fault);
    free(name);
    return good;
}

bool settings_gather(struct settings *settings, const struct config_source *source,
                     const struct fault *fault)
{
    *settings = (struct settings){ .path = source->path };
    if (source->path != NULL && (!conf_file_read(source->path, settings, fault) ||
                                 !conf_folder_read(source->path, settings, fault))) {
        return false;
    }
    if (source->environment != NULL && !put_environment(settings, source->environment, fault)) {
        return false;
    }
    for (size_t i = 0; i < source->set_count; i++) {
        if (!put_set(settings, source->sets[i], fault)) {
            return false;
        }
    }
    return true;
}

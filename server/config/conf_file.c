/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libconfuse gets one line at a time: it counts a comment line as three, so its
 * own line numbers would point elsewhere.  That also ends a forgotten quote at
 * its line instead of at the end of the file.
 */
#include "server/config/conf_file.h"

#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/mem.h"
#include "server/config/conf_line.h"
#include "server/config/fault.h"
#include "server/config/options.h"
#include "server/config/settings.h"
#include "server/config/small_file.h"
#include "server/config/unknown.h"

enum {
    WHERE_BYTES = 512
};

struct reading {
    const struct fault *fault;
    struct settings *settings;
    const char *path;
    int line;
    int found;                   /* options on this line */
    int lines_of[OPTIONS_TOTAL]; /* where each was given; 0: nowhere */
};

/* libconfuse hands no argument to its callbacks, and has globals of its own. */
static struct reading *current;

static const char how[] = "write one option a line: name = \"value\"";

/* What it says is for programmers; conf_line.h knows better words. */
__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *cfg, const char *format,
                                                           va_list args)
{
    (void)cfg;
    (void)format;
    (void)args;
}

/* Called by libconfuse for each value, after it was stored in opt. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
    size_t index = options_find(opt->name);
    char origin[WHERE_BYTES];

    (void)cfg;
    if (current->lines_of[index] != 0) {
        (void)fault_say(current->fault, "%s:%d: %s was set at line %d already; keep one of them",
                        current->path, current->line, opt->name, current->lines_of[index]);
        return -1;
    }
    current->lines_of[index] = current->line;
    current->found++;
    (void)snprintf(origin, sizeof origin, "%s:%d", current->path, current->line);
    settings_put(current->settings, index, cfg_opt_getnstr(opt, 0), origin);
    return 0;
}

static cfg_t *parser_create(void)
{
    cfg_opt_t opts[OPTIONS_TOTAL + 1];
    cfg_t *cfg = NULL;

    for (size_t i = 0; i < OPTIONS_TOTAL; i++) {
        opts[i] = (cfg_opt_t)CFG_STR(options_table[i].name, NULL, CFGF_NODEFAULT);
        opts[i].validcb = on_value;
    }
    opts[OPTIONS_TOTAL] = (cfg_opt_t)CFG_END();
    cfg = cfg_init(opts, CFGF_NONE);
    if (cfg != NULL) {
        (void)cfg_set_error_function(cfg, on_error);
    }
    return cfg;
}

/* libconfuse would only say that there is no such option.  A byte order mark looks like letters. */
static bool first_word_is_known(const struct reading *reading, const char *line)
{
    size_t size = unknown_name_bytes(line);
    char *word = mem_text_of(line, size);
    bool good = true;

    if (size > 0 && options_find(word) == OPTIONS_TOTAL && !conf_line_has_mark(line)) {
        char where[WHERE_BYTES];
        (void)snprintf(where, sizeof where, "%s:%d", reading->path, reading->line);
        good = unknown_say(reading->fault, where, word);
    }
    free(word);
    return good;
}

static bool read_line(cfg_t *cfg, char *line)
{
    FILE *file = NULL;
    bool good = false;

    line += strspn(line, " \t");
    if (line[0] == '\0' || line[0] == '#') {
        return true;
    }
    for (const char *at = line; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' && *at != '\t') {
            return fault_say(current->fault, "%s:%d: there is a control character; take it out",
                             current->path, current->line);
        }
    }
    if (!first_word_is_known(current, line) || conf_line_leaves_comment(line)) {
        return false;
    }
    file = fmemopen(line, strlen(line), "r");
    if (file == NULL) {
        return fault_say(current->fault, "%s:%d: out of memory", current->path, current->line);
    }
    good = cfg_parse_fp(cfg, file) == CFG_SUCCESS;
    (void)fclose(file);
    return good;
}

/* End the line at text and return what follows it; NULL after the last. */
static char *cut_line(char *text)
{
    char *end = strchr(text, '\n');

    if (end == NULL) {
        return NULL;
    }
    *end = '\0';
    if (end > text && end[-1] == '\r') {
        end[-1] = '\0';
    }
    return end + 1;
}

static bool read_lines(cfg_t *cfg, char *text)
{
    while (text != NULL) {
        char *line = text;
        text = cut_line(line);
        current->line++;
        if (!read_line(cfg, line)) {
            return fault_say(current->fault, "%s:%d: %s; %s", current->path, current->line,
                             conf_line_fault(line), how);
        }
    }
    return true;
}

static bool has_no_nul(const char *path, const char *text, size_t size, const struct fault *fault)
{
    const char *nul = size > 0 ? memchr(text, '\0', size) : NULL;
    int line = 1;

    if (nul == NULL) {
        return true;
    }
    for (const char *at = text; at < nul; at++) {
        line += *at == '\n' ? 1 : 0;
    }
    return fault_say(fault,
                     "%s:%d: there is a NUL byte: this is no text file; save it as UTF-8, or put "
                     "the right one there",
                     path, line);
}

bool conf_file_parse(const char *path, const char *text, size_t size, struct settings *settings,
                     const struct fault *fault)
{
    struct reading reading = { .fault = fault, .settings = settings, .path = path };
    struct buf copy = { 0 };
    cfg_t *cfg = NULL;
    bool good = false;

    if (!has_no_nul(path, text, size, fault)) {
        return false;
    }
    cfg = parser_create();
    if (cfg == NULL) {
        return fault_say(fault, "%s: out of memory", path);
    }
    buf_append(&copy, bytes_of(text, size));
    buf_append_u8(&copy, 0);
    current = &reading;
    good = read_lines(cfg, (char *)copy.at);
    current = NULL;
    buf_clear(&copy);
    (void)cfg_free(cfg);
    return good;
}

bool conf_file_read(const char *path, struct settings *settings, const struct fault *fault)
{
    struct buf text = { 0 };
    bool good = small_file_read_closed(path, CONF_FILE_MAX_BYTES, &text, fault) &&
                conf_file_parse(path, (const char *)text.at, text.size, settings, fault);

    buf_clear(&text);
    return good;
}

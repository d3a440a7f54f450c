/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "server/config/config.h"
#include "server/config/config_field.h"
#include "server/config/fault.h"
#include "server/config/options.h"
#include "server/config/settings.h"
#include "server/config/value.h"

enum {
    COMMENT_WIDTH = 92
};

static const char top[] =
    "# Configuration of sealpostd: lines of name = \"value\".\n"
    "# A line that begins with # is a comment.  The values shown are the defaults; take the # "
    "away\n"
    "# to set another.  base_url is the only one that must be set.\n"
    "# Files *.conf in the folder conf.d beside this one are read after it, in the order of their\n"
    "# names' bytes; where two give an option the later counts.\n"
    "# Every option can also be given as a variable (base_url as SEALPOST_BASE_URL, or as\n"
    "# SEALPOST_BASE_URL_FILE naming a file that holds it) and as --set base_url=...; of these,\n"
    "# --set counts first, then the variable, then the files.  Files that others may write are\n"
    "# refused.\n"
    "# sealpostd --check-config looks for mistakes, --print-config shows what is in force.\n";

/* A path may hold anything; a comment ends at a line's end. */
static void append_origin(const char *origin, struct buf *out)
{
    buf_append_text(out, "  # ");
    for (const char *at = origin; *at != '\0'; at++) {
        buf_append_u8(out, (unsigned char)*at < ' ' ? '?' : (uint8_t)*at);
    }
    buf_append_u8(out, '\n');
}

static void append_value(const struct config *config, const struct options_entry *option,
                         struct buf *out)
{
    struct buf shown = { 0 };

    if (option->kind != OPTIONS_TEXT) {
        config_field_show(config, option, out);
        return;
    }
    config_field_show(config, option, &shown);
    buf_append_u8(&shown, 0);
    value_print_text((const char *)shown.at, out);
    buf_clear(&shown);
}

/* What worked a moment ago: only the origins are wanted. */
static void gather_origins(struct settings *settings, const struct config_source *source)
{
    char ignored[CONFIG_ERROR_BYTES];
    struct fault fault;

    fault_init(&fault, ignored, sizeof ignored);
    (void)settings_gather(settings, source, &fault);
}

void config_print(const struct config *config, const struct config_source *source, struct buf *out)
{
    struct settings settings;

    gather_origins(&settings, source);
    for (size_t i = 0; i < OPTIONS_TOTAL; i++) {
        const struct options_entry *option = &options_table[i];
        buf_append_format(out, "%s = ", option->name);
        append_value(config, option, out);
        append_origin(settings_origin(&settings, option->name), out);
    }
    settings_clear(&settings);
}

void config_origin(const struct config_source *source, const char *name, struct buf *out)
{
    struct settings settings;

    gather_origins(&settings, source);
    buf_append_text(out, settings_origin(&settings, name));
    settings_clear(&settings);
}

/* Append text as comment lines that break between words. */
static void append_comment(const char *text, struct buf *out)
{
    size_t width = 1;

    buf_append_u8(out, '#');
    while (*text != '\0') {
        size_t word = strcspn(text, " ");
        if (width + 1 + word > COMMENT_WIDTH) {
            buf_append_text(out, "\n#");
            width = 1;
        }
        buf_append_u8(out, ' ');
        buf_append(out, bytes_of(text, word));
        width += 1 + word;
        text += word + strspn(text + word, " ");
    }
    buf_append_u8(out, '\n');
}

static void append_kind(const struct options_entry *option, struct buf *out)
{
    struct buf text = { 0 };

    if (option->kind != OPTIONS_TEXT) {
        value_print_kind(option, &text);
        buf_append_text(&text, ". ");
    }
    buf_append_text(&text,
                    option->reloadable ? "SIGHUP applies a change." : "A change needs a restart.");
    buf_append_u8(&text, 0);
    if (text.at[0] >= 'a' && text.at[0] <= 'z') {
        text.at[0] = (uint8_t)(text.at[0] - 'a' + 'A');
    }
    append_comment((const char *)text.at, out);
    buf_clear(&text);
}

void config_print_default(struct buf *out)
{
    buf_append_text(out, top);
    for (size_t i = 0; i < OPTIONS_TOTAL; i++) {
        const struct options_entry *option = &options_table[i];
        buf_append_u8(out, '\n');
        append_comment(option->help, out);
        append_kind(option, out);
        buf_append_format(out, "#%s = ", option->name);
        if (option->kind == OPTIONS_TEXT) {
            value_print_text(option->text, out);
        } else {
            value_print(option, option->number, out);
        }
        buf_append_u8(out, '\n');
    }
}

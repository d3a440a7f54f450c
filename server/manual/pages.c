/* SPDX-License-Identifier: Apache-2.0 */
#include "server/manual/pages.h"

#include <stddef.h>

#include "common/buf.h"
#include "server/config/options.h"
#include "server/config/value.h"
#include "server/ctl/command.h"
#include "server/manual/daemon_options.h"
#include "server/manual/roff.h"

static void append_value(const char *value, struct buf *out)
{
    if (value != NULL && value[0] != '\0') {
        buf_append_text(out, " \\fI");
        roff_append_word(value, out);
        buf_append_text(out, "\\fR");
    }
}

/* What it does, as a sentence with its end. */
static void append_sentence(const char *help, struct buf *out)
{
    struct buf text = { 0 };

    buf_append_format(&text, "%s.", help);
    buf_append_u8(&text, 0);
    roff_append_prose((const char *)text.at, out);
    buf_clear(&text);
}

static void append_entry(const char *name, const char *value, const char *help, struct buf *out)
{
    buf_append_text(out, ".TP\n\\fB");
    roff_append_word(name, out);
    buf_append_text(out, "\\fR");
    append_value(value, out);
    buf_append_text(out, "\n");
    append_sentence(help, out);
}

void pages_daemon_options(struct buf *out)
{
    for (size_t i = 0; i < daemon_option_count; i++) {
        const struct daemon_option *option = &daemon_option_table[i];
        struct buf name = { 0 };
        buf_append_format(&name, "--%s", option->name);
        buf_append_u8(&name, 0);
        append_entry((const char *)name.at, option->value, option->help, out);
        buf_clear(&name);
    }
}

static void append_default(const struct options_entry *option, struct buf *out)
{
    struct buf text = { 0 };

    if (option->kind == OPTIONS_TEXT) {
        value_print_text(option->text, &text);
    } else {
        value_print(option, option->number, &text);
    }
    buf_append_u8(&text, 0);
    roff_append_word((const char *)text.at, out);
    buf_clear(&text);
}

static void append_kind(const struct options_entry *option, struct buf *out)
{
    struct buf text = { 0 };

    if (option->kind != OPTIONS_TEXT) {
        buf_append_text(&text, "Takes ");
        value_print_kind(option, &text);
        buf_append_text(&text, ". ");
    }
    buf_append_text(&text,
                    option->reloadable ? "SIGHUP applies a change." : "A change needs a restart.");
    buf_append_u8(&text, 0);
    roff_append_prose((const char *)text.at, out);
    buf_clear(&text);
}

void pages_config_options(struct buf *out)
{
    for (size_t i = 0; i < OPTIONS_TOTAL; i++) {
        const struct options_entry *option = &options_table[i];
        buf_append_format(out, ".TP\n\\fB%s\\fR = ", option->name);
        append_default(option, out);
        buf_append_text(out, "\n");
        append_sentence(option->help, out);
        buf_append_text(out, ".br\n");
        append_kind(option, out);
    }
}

/* The names of the options that a command takes, in brackets. */
static void append_options_of(const struct command *command, struct buf *out)
{
    for (size_t i = 0; i < OPTION_OPTIONS; i++) {
        const struct option_row *row = &option_table[i];
        if (command_takes(command, (enum option)i)) {
            buf_append_text(out, "[\\fB");
            roff_append_word(row->name, out);
            buf_append_text(out, "\\fR");
            append_value(row->value, out);
            buf_append_text(out, "]\n");
        }
    }
}

void pages_commands(struct buf *out)
{
    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &command_table[i];
        append_entry(command->words, command->arguments, command->help, out);
        if (command->options != 0) {
            buf_append_text(out, ".br\n");
            append_options_of(command, out);
        }
    }
}

void pages_command_options(struct buf *out)
{
    for (size_t i = 0; i < OPTION_OPTIONS; i++) {
        const struct option_row *row = &option_table[i];
        append_entry(row->name, row->value, row->help, out);
    }
}

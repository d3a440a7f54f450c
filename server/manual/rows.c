/* SPDX-License-Identifier: Apache-2.0 */
#include "server/manual/rows.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "server/config/options.h"
#include "server/ctl/command.h"
#include "server/manual/daemon_options.h"

static void append_quote(enum rows_shell shell, struct buf *out)
{
    buf_append_text(out, shell == ROWS_FISH ? "\\'" : "'\\''");
}

/* Append text as it stands in single quotes. */
static void append_inside(enum rows_shell shell, const char *text, struct buf *out)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\'') {
            append_quote(shell, out);
        } else if (*at == '\\' && shell == ROWS_FISH) {
            buf_append_text(out, "\\\\");
        } else {
            buf_append_u8(out, (uint8_t)*at);
        }
    }
}

/* Append one row; text holds it, and is emptied.  The last one of fish ends its list. */
static void append_row(enum rows_shell shell, struct buf *text, bool is_last, struct buf *out)
{
    buf_append_u8(text, 0);
    buf_append_text(out, "    '");
    append_inside(shell, (const char *)text->at, out);
    buf_append_text(out, shell == ROWS_FISH && !is_last ? "' \\\n" : "'\n");
    buf_clear(text);
}

void rows_daemon(enum rows_shell shell, struct buf *out)
{
    struct buf text = { 0 };

    for (size_t i = 0; i < daemon_option_count; i++) {
        const struct daemon_option *row = &daemon_option_table[i];
        buf_append_format(&text, "--%s:%s:%s", row->name, row->value, row->help);
        append_row(shell, &text, i + 1 == daemon_option_count, out);
    }
}

/* The words that an option takes, with spaces between them. */
static void append_values(const struct options_entry *option, struct buf *out)
{
    if (option->kind == OPTIONS_FLAG) {
        buf_append_text(out, "yes no");
    } else if (option->kind == OPTIONS_CHOICE) {
        for (const char *at = option->choices; *at != '\0'; at++) {
            buf_append_u8(out, *at == '|' ? ' ' : (uint8_t)*at);
        }
    }
}

void rows_config(enum rows_shell shell, struct buf *out)
{
    struct buf text = { 0 };

    for (size_t i = 0; i < OPTIONS_TOTAL; i++) {
        buf_append_format(&text, "%s:", options_table[i].name);
        append_values(&options_table[i], &text);
        buf_append_format(&text, ":%s", options_table[i].help);
        append_row(shell, &text, i + 1 == OPTIONS_TOTAL, out);
    }
}

void rows_options(enum rows_shell shell, struct buf *out)
{
    struct buf text = { 0 };

    for (size_t i = 0; i < OPTION_OPTIONS; i++) {
        const struct option_row *row = &option_table[i];
        buf_append_format(&text, "%s:%s:%s", row->name, row->value == NULL ? "" : row->value,
                          row->help);
        append_row(shell, &text, i + 1 == OPTION_OPTIONS, out);
    }
}

static void append_options_of(const struct command *command, struct buf *out)
{
    const char *glue = "";

    for (size_t i = 0; i < OPTION_OPTIONS; i++) {
        if (command_takes(command, (enum option)i)) {
            buf_append_format(out, "%s%s", glue, option_table[i].name);
            glue = " ";
        }
    }
}

void rows_commands(enum rows_shell shell, struct buf *out)
{
    struct buf text = { 0 };

    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &command_table[i];
        buf_append_format(&text, "%s:%s:", command->words, command->arguments);
        append_options_of(command, &text);
        buf_append_format(&text, ":%s", command->help);
        append_row(shell, &text, i + 1 == command_count, out);
    }
}

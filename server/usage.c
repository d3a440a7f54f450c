/* SPDX-License-Identifier: Apache-2.0 */
#include "server/usage.h"

#include <stddef.h>
#include <string.h>

#include "common/buf.h"
#include "common/bytes.h"

enum {
    COLUMN = 26, /* where what an option does begins */
    WIDTH = 96
};

struct row {
    const char *name;
    const char *value;
    const char *help;
};

static const struct row rows[] = {
#define OPTION(name_, letter, value_, help_) \
    { .name = (name_), .value = (value_), .help = (help_) },
#include "server/manual/daemon_options.def"
#undef OPTION
};

static const char head[] =
    "Usage: sealpostd [--config FILE] [--set NAME=VALUE]...\n"
    "\n"
    "The Sealpost relay: stores and forwards sealed envelopes between device keys.\n"
    "\n";

static const char tail[] =
    "\n"
    "Every option of the configuration can also come from the environment: SEALPOST_NAME, or\n"
    "SEALPOST_NAME_FILE with the path of a file that holds the value.\n"
    "Signals: SIGTERM drains and stops, SIGHUP reloads the configuration, the certificate and "
    "keys.\n";

/* Append help from COLUMN on, broken between words. */
static void append_help(const char *help, struct buf *out)
{
    size_t column = COLUMN;

    while (*help != '\0') {
        size_t word = strcspn(help, " ");
        if (column > COLUMN && column + 1 + word > WIDTH) {
            buf_append_format(out, "\n%*s", COLUMN, "");
            column = COLUMN;
        } else if (column > COLUMN) {
            buf_append_text(out, " ");
            column++;
        }
        buf_append(out, bytes_of(help, word));
        column += word;
        help += word + strspn(help + word, " ");
    }
    buf_append_text(out, "\n");
}

static void append_row(const struct row *row, struct buf *out)
{
    size_t begun = out->size;

    buf_append_format(out, "  --%s%s%s", row->name, row->value[0] == '\0' ? "" : " ", row->value);
    buf_append_format(out, "%*s", (int)COLUMN - (int)(out->size - begun), "");
    append_help(row->help, out);
}

void usage_append(struct buf *out)
{
    buf_append_text(out, head);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        append_row(&rows[i], out);
    }
    buf_append_text(out, tail);
}

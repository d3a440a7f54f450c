/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/help.h"

#include <string.h>

#include "server/ctl/command.h"

enum {
    COLUMN = 32
};

static const char exits[] =
    "\nExit status\n"
    "  0 done   1 the relay refused   2 the command line is wrong   3 the relay was not reached\n"
    "  4 what the relay showed is not what its devices signed   5 a file or folder here\n";

/* What one sentence cannot say. */
static const struct {
    const char *words;
    const char *text;
} longer[] = {
    { "keyring rotate",
      "\nPurposes\n"
      "  seal       what the database keeps sealed (secrets of apps, codes, bindings of handles) "
      "is\n"
      "             sealed anew in the background; \"sealpost keyring list\" shows how far it is\n"
      "  challenge  what clients sign to begin a session; challenges of the old key stay good\n"
      "  index      cannot be changed: handles, recovery codes and what left are found by hashes\n"
      "             made with it, which cannot be made again without what they are of\n"
      "  opaque     cannot be changed: each password was registered with it\n"
      "  tag        cannot be changed: repeats of envelopes that wait are known by it\n"
      "Tokens of sessions are random and have no key.\n"
      "The new file is in the relay's key_dir: copy it to your copy of the keys. Where several\n"
      "daemons share a database, copy it to each one's key_dir, with mode 0400 and the owner of "
      "the\n"
      "others, and reload them: it is used once all have it. Where key_dir cannot be written, put\n"
      "the file there as whoever provides it, and reload. The old key stays until it is "
      "retired.\n" },
    { "keyring retire",
      "\nRefused while a daemon makes with it, while values are sealed under it, and for two "
      "minutes\n"
      "after a new challenge key. A database that is put back from an older backup needs the key\n"
      "again: keep a copy as long as such backups.\n" },
};

static void line(struct buf *out, const char *left, const char *more, const char *help)
{
    size_t width = 2 + strlen(left) + (more[0] == '\0' ? 0 : 1 + strlen(more));

    buf_append_format(out, "  %s%s%s", left, more[0] == '\0' ? "" : " ", more);
    if (width + 2 > COLUMN) {
        buf_append_format(out, "\n%*s", COLUMN, "");
    } else {
        buf_append_format(out, "%*s", (int)(COLUMN - width), "");
    }
    buf_append_format(out, "%s\n", help);
}

void help_overview(struct buf *out)
{
    buf_append_text(out, "Usage: sealpost COMMAND [ARGUMENTS] [OPTIONS]\n\nCommands\n");
    for (size_t i = 0; i < command_count; i++) {
        line(out, command_table[i].words, command_table[i].arguments, command_table[i].help);
    }
    buf_append_text(out, "\n");
    line(out, "COMMAND --help", "", "Show the options of one command");
    line(out, "--version", "", "Show the version");
    buf_append_text(out, exits);
}

void help_command(const struct command *command, struct buf *out)
{
    buf_append_format(out, "Usage: sealpost %s%s%s%s\n\n%s.\n", command->words,
                      command->arguments[0] == '\0' ? "" : " ", command->arguments,
                      command->options == 0 ? "" : " [OPTIONS]", command->help);
    for (size_t i = 0; i < sizeof longer / sizeof longer[0]; i++) {
        if (strcmp(longer[i].words, command->words) == 0) {
            buf_append_text(out, longer[i].text);
        }
    }
    if (command->options != 0) {
        buf_append_text(out, "\nOptions\n");
    }
    for (size_t i = 0; i < OPTION_OPTIONS; i++) {
        const struct option_row *row = &option_table[i];
        if (command_takes(command, (enum option)i)) {
            line(out, row->name, row->value == NULL ? "" : row->value, row->help);
        }
    }
    buf_append_text(out, exits);
}

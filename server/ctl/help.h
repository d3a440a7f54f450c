/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of --help, made from the tables of command.h. */
#pragma once

#include "common/buf.h"

struct command;

/* Append the overview of all commands. */
void help_overview(struct buf *out);

/* Append the page of one command. */
void help_command(const struct command *command, struct buf *out);

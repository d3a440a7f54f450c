/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables as rows of a shell's list, one quoted word a line, for completions:
 *
 *   NAME:VALUE:HELP                option of sealpostd (--NAME) or sealpost; VALUE is empty for a switch
 *   NAME:VALUES:HELP               option of the configuration; the words that it takes, if these are few
 *   WORDS:ARGUMENTS:OPTIONS:HELP   command of sealpost
 *
 * No field but the last has a colon.  Pure; any thread.
 */
#pragma once

struct buf;

enum rows_shell {
    ROWS_BOURNE = 0, /* bash and zsh */
    ROWS_FISH        /* whose lines of one list end with a backslash */
};

void rows_daemon(enum rows_shell shell, struct buf *out);
void rows_config(enum rows_shell shell, struct buf *out);
void rows_options(enum rows_shell shell, struct buf *out);
void rows_commands(enum rows_shell shell, struct buf *out);

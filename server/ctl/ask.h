/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that a person types, or that another program writes to standard input: a line each,
 * never an argument, which every user of the machine could read.  On a terminal a question is
 * asked on standard error, and what is typed is not shown; what ends the program meanwhile
 * leaves the terminal as it was.  Nothing is read ahead.
 */
#pragma once

#include <stdbool.h>

enum {
    ASK_MAX = 256 /* bytes of an answer, with its NUL */
};

/*
 * Read a line into out, without its end.  False, with the reason said and out wiped, when there
 * is none or it has ASK_MAX bytes or more.  The caller wipes out.
 */
bool ask_secret(const char *question, char out[ASK_MAX]);

/* Say whether it is a person at a terminal who answers. */
bool ask_is_terminal(void);

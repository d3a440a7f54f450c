/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a line that libconfuse does not take, in words for whoever wrote it. */
#pragma once

#include <stdbool.h>

/* Say whether line begins with a byte order mark. */
bool conf_line_has_mark(const char *line);

/*
 * Say whether a comment that is opened in line is still open at its end.  libconfuse would take
 * that, and the next lines, which were meant to be in it, would count.
 */
bool conf_line_leaves_comment(const char *line);

/*
 * Say what is wrong with line, which has neither line end nor control character (static text).
 * libconfuse is the judge; this finds the reason in the order in which one reads.
 */
const char *conf_line_fault(const char *line);

/* SPDX-License-Identifier: Apache-2.0 */
/* daemon_options.def as a table.  Constant; any thread. */
#pragma once

#include <stddef.h>

struct daemon_option {
    const char *name;  /* without its dashes */
    const char *value; /* "" for a switch */
    const char *help;
    char letter; /* by which getopt tells it */
};

extern const struct daemon_option daemon_option_table[];
extern const size_t daemon_option_count;

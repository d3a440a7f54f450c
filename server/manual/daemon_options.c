/* SPDX-License-Identifier: Apache-2.0 */
#include "server/manual/daemon_options.h"

const struct daemon_option daemon_option_table[] = {
#define OPTION(name_, letter_, value_, help_) \
    { .name = (name_), .value = (value_), .help = (help_), .letter = (letter_) },
#include "server/manual/daemon_options.def"
#undef OPTION
};

const size_t daemon_option_count = sizeof daemon_option_table / sizeof daemon_option_table[0];

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member of struct config by its option: what the compiler knows as a name,
 * loops over the table know as an offset and a kind.  Any thread.
 */
#pragma once

#include <stdint.h>

struct buf;
struct config;
struct options_entry;

/* The value of an option that is not OPTIONS_TEXT. */
int64_t config_field(const struct config *config, const struct options_entry *option);
void config_field_set(struct config *config, const struct options_entry *option, int64_t value);

/* The text of an OPTIONS_TEXT option; borrowed until it is set.  Setting copies. */
const char *config_field_text(const struct config *config, const struct options_entry *option);
void config_field_set_text(struct config *config, const struct options_entry *option,
                           const char *text);

/*
 * Append the value as it may be shown to the operator and in the log: a password in a URL is ***,
 * a number has its unit.  A text is appended as it is, without quotes.
 */
void config_field_show(const struct config *config, const struct options_entry *option,
                       struct buf *out);

/* Free the text and leave NULL. */
void config_field_clear(struct config *config, const struct options_entry *option);

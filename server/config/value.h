/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of an option's value turned into a value and back.  Numbers of bytes
 * take K, M or G behind them (1024 each step), times s, m, h or d, days d.
 * Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct fault;
struct options_entry;

/*
 * Read text as a value of an option that is not OPTIONS_TEXT: the number, 0 or 1
 * for a flag, the index of a choice.  False with a sentence when it is none, or
 * out of range.  origin says in the sentence where the text was found.
 */
bool value_read(const struct options_entry *option, const char *text, const char *origin,
                const struct fault *fault, int64_t *out_value);

/*
 * Check a value of an OPTIONS_TEXT option: at most 4096 bytes of UTF-8
 * (RFC 3629) without control characters.
 */
bool value_text_is_fit(const struct options_entry *option, const char *text, const char *origin,
                       const struct fault *fault);

/* Append a number as value_read takes it, with the largest unit that divides it. */
void value_print(const struct options_entry *option, int64_t value, struct buf *out);

/* Append text in double quotes as the file takes it. */
void value_print_text(const char *text, struct buf *out);

/* Append what values an option takes, e.g. "a size from 64K to 16M". */
void value_print_kind(const struct options_entry *option, struct buf *out);

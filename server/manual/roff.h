/* SPDX-License-Identifier: Apache-2.0 */
/* Text as roff takes it, groff_char(7) and man(7).  Pure; any thread. */
#pragma once

struct buf;

/* Append text so that each of its letters is shown as it is: dashes, backslashes, quotes. */
void roff_append_word(const char *text, struct buf *out);

/*
 * The same for whole sentences: lines break between words, and behind the end of a sentence.
 * No line begins as a request would; it ends with a newline.
 */
void roff_append_prose(const char *text, struct buf *out);

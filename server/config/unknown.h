/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a name that no option has.  Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct fault;

/*
 * How many bytes of text may be the name of an option, or a slip of one: letters, digits, _ - .
 * and all beyond ASCII.  What stands behind may be a secret, and is not repeated.
 */
size_t unknown_name_bytes(const char *text);

/*
 * Say that there is no option of this name and which one was probably meant, in a sentence that
 * begins with where it stands.  Of name only the first bytes are shown.  Returns false.
 */
bool unknown_say(const struct fault *fault, const char *where, const char *name);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the sentence goes that tells an operator what is wrong: the first one
 * stays, so whoever knows most says it first.  Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct fault {
    char *text; /* the caller's storage */
    size_t size;
};

/* Begin with no sentence in text. */
void fault_init(struct fault *fault, char *text, size_t size);

/*
 * Say what is wrong unless something was said before; cut at size.  Control characters become
 * ?, and all beyond ASCII where the whole is not UTF-8.  Returns false.
 */
__attribute__((format(printf, 2, 3))) bool fault_say(const struct fault *fault, const char *format,
                                                     ...);

/* Say in words what an errno means (static text). */
const char *fault_reason(int error);

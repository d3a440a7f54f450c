/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of some words was probably meant by one that is none of them.  Begin with a zeroed
 * struct nearest, try every word there is, then look at what it holds.  Upper case counts as
 * lower case, a hyphen as an underscore.  Pure; any thread.
 */
#pragma once

#include <stddef.h>

enum {
    NEAREST_MAX_BYTES = 48 /* a longer word is like no other */
};

struct nearest {
    const char *best;  /* the one with the fewest letters to change; NULL: none is near */
    const char *start; /* the first that goes on from what was written, or the other way round */
    size_t distance;   /* to best */
};

/*
 * Compare written with word, which is borrowed for as long as *nearest is looked at.  Near is
 * what a third of the letters makes the same: added, left out, changed, or two side by side
 * exchanged.  Of two that are as near the first stays.  start wants 4 letters in common.
 */
void nearest_try(struct nearest *nearest, const char *written, const char *word);

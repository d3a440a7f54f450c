/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for another person: asking the relay again, a while apart. */
#pragma once

#include <stdint.h>

enum {
    WAIT_PERSON_MS = 600000 /* so long a person is waited for */
};

/* Wait half a second; 0 when that made until_ms (of clock_steady_ms) come, else what is left. */
int64_t wait_a_while(int64_t until_ms);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two clocks.  Only api, app.c, main.c, net and the reference device read
 * them, and the store reads how long its own work takes; everybody else takes
 * now_ms as an argument.  Any thread.
 */
#pragma once

#include <stdint.h>

/* Unix time in milliseconds. */
int64_t clock_now_ms(void);

/* Milliseconds since some fixed moment; never goes back.  And microseconds since the same. */
int64_t clock_steady_ms(void);
int64_t clock_steady_us(void);

/* Microseconds for which the calling thread has had a processor. */
int64_t clock_thread_us(void);

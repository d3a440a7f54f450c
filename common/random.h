/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes from the kernel's generator.  Any thread; never fails. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Fill size bytes at out. */
void random_fill(void *out, size_t size);

/* Return a number below bound, each equally likely.  bound is not 0. */
uint32_t random_below(uint32_t bound);

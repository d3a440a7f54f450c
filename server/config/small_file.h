/* SPDX-License-Identifier: Apache-2.0 */
/* Files that an operator wrote, read whole.  Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct fault;

/*
 * Append the whole regular file at path to out; false with a sentence when it
 * is none, cannot be read or has more than max_bytes.
 */
bool small_file_read(const char *path, size_t max_bytes, struct buf *out,
                     const struct fault *fault);

/* The same for a file that says what the daemon does: one that others may write is refused. */
bool small_file_read_closed(const char *path, size_t max_bytes, struct buf *out,
                            const struct fault *fault);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file: lines of "name = value", with comments behind # or //
 * (the syntax of libconfuse, of which sections, lists and includes are not
 * used).  libconfuse keeps its state in globals: one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct fault;
struct settings;

enum {
    CONF_FILE_MAX_BYTES = 65536
};

/*
 * Put every option of the file at path into settings, with "path:LINE" as its
 * origin.  False with a sentence that names path and line; also when others may write the file.
 */
bool conf_file_read(const char *path, struct settings *settings, const struct fault *fault);

/* The same for text of size bytes, which came from path. */
bool conf_file_parse(const char *path, const char *text, size_t size, struct settings *settings,
                     const struct fault *fault);

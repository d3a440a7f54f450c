/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf.d: a folder beside the configuration file whose *.conf files are read after it, so that
 * packages and programs put their part there without editing the file.  One thread at a time.
 */
#pragma once

#include <stdbool.h>

struct fault;
struct settings;

enum {
    CONF_FOLDER_MAX_FILES = 256 /* more is a folder of something else */
};

/*
 * Put what the files of conf.d beside path give into settings, in the order of their names'
 * bytes; of two that give one option the later counts.  Names that begin with a dot or do not
 * end with .conf are left alone.  True where there is no such folder; false with a sentence when
 * it cannot be read, others may write into it, or a file is refused (conf_file.h).
 */
bool conf_folder_read(const char *path, struct settings *settings, const struct fault *fault);

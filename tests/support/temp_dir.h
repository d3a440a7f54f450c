/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of one's own under $TMPDIR or /tmp, mode 0700, removed with all that lies in it. */
#pragma once

enum {
    TEMP_DIR_BYTES = 256
};

/* Create one and write its path. */
void temp_dir_create(char out_path[TEMP_DIR_BYTES]);

/* Remove the folder and everything in it. */
void temp_dir_remove(const char *path);

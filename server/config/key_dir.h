/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key directory as a place: who may enter it, and files that are whole or
 * not there.  Any thread.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "common/bytes.h"

struct buf;
struct fault;

enum key_dir_write {
    KEY_DIR_NEW = 0,
    KEY_DIR_REPLACE
};

/*
 * Open the directory at path, or make it when create says so and it is not
 * there.  It must be ours and closed to others.  -1 with a sentence when not;
 * else a descriptor that the caller closes.
 */
int key_dir_open(const char *path, bool create, const struct fault *fault);

/*
 * Write a file called name with exactly this mode, durably, in one step that a
 * crash leaves done or not done.  KEY_DIR_NEW never replaces a file.
 * False with errno set when it failed.
 */
bool key_dir_write(int dir, const char *name, mode_t mode, struct bytes text,
                   enum key_dir_write how);

/*
 * Append the file called name, which is ours, regular and has exactly this mode,
 * to out.  False with a sentence when it is not so, or larger than 256 bytes.
 * path is the directory's, for the sentence.
 */
bool key_dir_read(int dir, const char *path, const char *name, mode_t mode, struct buf *out,
                  const struct fault *fault);

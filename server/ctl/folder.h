/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files of this device in a folder of mode 0700, each of mode 0600 and
 * replaced whole: a crash leaves the old content or the new, and of two processes
 * that write it one comes last.  What fails is said.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/bytes.h"

/* Make folder, and those above it, with mode 0700 when they are not there. */
bool folder_make(const char *folder);

/* Remove folder with all that is in it. */
void folder_remove(const char *folder);

/* Say whether folder/name is there. */
bool folder_has(const char *folder, const char *name);

/* Write folder/name whole and durably. */
bool folder_write(const char *folder, const char *name, struct bytes content);

/*
 * Be the only one to write what folder/name, a file that is made for this alone, stands for.  Below
 * 0, with the reason said, when another process is; else until folder_unlock, or the process's end.
 */
int folder_lock(const char *folder, const char *name);
void folder_unlock(int lock);

/* Append the content of folder/name, at most 1 MiB, to out. */
bool folder_read(const char *folder, const char *name, struct buf *out);

/* Append the content of the file at path, or of standard input for "-", of at most max bytes. */
bool folder_read_path(const char *path, size_t max, struct buf *out);

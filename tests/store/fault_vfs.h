/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file system for SQLite that fails on command and remembers what a power cut
 * would leave.  Writes reach the real file at once, as they reach the kernel's
 * cache; beside it an image of each file holds what was synced.  A failed sync
 * drops what waited for it: later syncs do not bring it back, as on Linux.
 *
 * It is SQLite's default once installed, and lies in front of every file of the
 * process.  Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
    FAULT_VFS_NONE = 0,
    FAULT_VFS_WRITE, /* nothing is written, SQLITE_IOERR_WRITE */
    FAULT_VFS_TORN,  /* half is written, SQLITE_IOERR_WRITE */
    FAULT_VFS_SYNC,  /* what waits is dropped, SQLITE_IOERR_FSYNC */
    FAULT_VFS_READ   /* SQLITE_IOERR_READ */
};

/* Install it; call once. */
void fault_vfs_install(void);

/* Let the nth call of kind fail, once; n 0: none. */
void fault_vfs_arm(enum fault_kind kind, int64_t n);

/* Say whether the fault came. */
bool fault_vfs_has_failed(void);

/* Bytes that the files of the database at path and path-ballast may take together; 0: any number. */
void fault_vfs_set_quota(const char *path, int64_t bytes);

/* Write the images into folder, under the files' own names: what a power cut leaves. */
void fault_vfs_write_images(const char *folder);

/* Forget the images. */
void fault_vfs_clear(void);

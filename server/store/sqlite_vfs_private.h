/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite writes each page of its log with two system calls.  This layer between
 * SQLite and its VFS holds consecutive writes to the log and writes them at once.
 *
 * What is held is written before anybody may look for it: before the log is
 * synced, read, cut, measured or closed, and before any lock or barrier of the
 * log's shared index, through which a commit becomes visible to other
 * connections.  An error is then the error of that call; one that cannot fail
 * leaves it to the next.  Other files are as the VFS has them.
 */
#pragma once

#include <sqlite3.h>

struct sqlite_vfs {
    sqlite3_vfs vfs;
    sqlite3_vfs *under;
    char name[32];
    sqlite3_io_methods database, log; /* what their files do */
};

/*
 * Register over the VFS that is the default now; connections are opened with
 * vfs->name.  vfs must not move until sqlite_vfs_clear, which comes after the
 * last of its connections was closed.
 */
void sqlite_vfs_init(struct sqlite_vfs *vfs);
void sqlite_vfs_clear(struct sqlite_vfs *vfs);

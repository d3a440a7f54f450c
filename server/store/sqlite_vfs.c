/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared index of the log is a matter of the database file: its methods must
 * find the log of the same connection.  SQLite opens the log after the database
 * and tells which it belongs to (sqlite3_database_file_object).
 *
 *   struct vfs_file | the file of the VFS below
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/mem.h"
#include "server/store/sqlite_pass_private.h"
#include "server/store/sqlite_vfs_private.h"

enum {
    /* 31 pages with their heads.  SQLite's own VFS cuts writes of 128 KiB and more in two, and
     * takes one of a multiple of 128 KiB for a full disk. */
    VFS_HELD_BYTES = 31 * (4096 + 24)
};

struct vfs_file {
    struct sqlite_pass pass; /* under lies behind this struct */
    struct vfs_file *pair;   /* of the database its log, of the log its database; NULL: none */
    uint8_t *held; /* of the log, room for VFS_HELD_BYTES; NULL: nothing was written yet */
    int held_bytes;
    sqlite3_int64 held_at; /* where in the file they belong */
    int failure;           /* of a write whose end nobody was told yet */
};

static struct vfs_file *file_of(sqlite3_file *base)
{
    return (struct vfs_file *)(void *)base;
}

/* Write what is held, or tell what nobody was told yet.  log may be NULL. */
static int log_flush(struct vfs_file *log)
{
    if (log == NULL) {
        return SQLITE_OK;
    }
    int result = log->failure;
    int size = log->held_bytes;
    log->failure = SQLITE_OK;
    log->held_bytes = 0;
    if (result != SQLITE_OK || size == 0) {
        return result;
    }
    return sqlite_pass_methods.xWrite(&log->pass.base, log->held, size, log->held_at);
}

/* Likewise, for a call that cannot fail: the next that can does. */
static void log_flush_silently(struct vfs_file *log)
{
    int result = log_flush(log);

    if (result != SQLITE_OK) {
        log->failure = result;
    }
}

static int on_log_write(sqlite3_file *base, const void *at, int size, sqlite3_int64 offset)
{
    struct vfs_file *log = file_of(base);
    bool goes_on = offset == log->held_at + log->held_bytes;
    int result = log->failure;

    CHECK(size <= VFS_HELD_BYTES); /* it is a page, or a head */
    if (!goes_on || log->held_bytes + size > VFS_HELD_BYTES || result != SQLITE_OK) {
        result = log_flush(log);
    }
    if (result != SQLITE_OK) {
        return result;
    }
    if (log->held == NULL) {
        log->held = mem_raw(VFS_HELD_BYTES);
    }
    if (log->held_bytes == 0) {
        log->held_at = offset;
    }
    memcpy(log->held + log->held_bytes, at, (size_t)size);
    log->held_bytes += size;
    return SQLITE_OK;
}

static int on_log_close(sqlite3_file *base)
{
    struct vfs_file *log = file_of(base);
    int flushed = log_flush(log);
    int closed = sqlite_pass_methods.xClose(base);

    if (log->pair != NULL) {
        log->pair->pair = NULL;
    }
    free(log->held);
    log->held = NULL;
    return flushed != SQLITE_OK ? flushed : closed;
}

static int on_log_read(sqlite3_file *base, void *at, int size, sqlite3_int64 offset)
{
    int result = log_flush(file_of(base));

    return result != SQLITE_OK ? result : sqlite_pass_methods.xRead(base, at, size, offset);
}

static int on_log_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    int result = log_flush(file_of(base));

    return result != SQLITE_OK ? result : sqlite_pass_methods.xTruncate(base, size);
}

static int on_log_sync(sqlite3_file *base, int flags)
{
    int result = log_flush(file_of(base));

    return result != SQLITE_OK ? result : sqlite_pass_methods.xSync(base, flags);
}

static int on_log_file_size(sqlite3_file *base, sqlite3_int64 *out_size)
{
    int result = log_flush(file_of(base));

    return result != SQLITE_OK ? result : sqlite_pass_methods.xFileSize(base, out_size);
}

static int on_log_control(sqlite3_file *base, int op, void *arg)
{
    int result = log_flush(file_of(base));

    return result != SQLITE_OK ? result : sqlite_pass_methods.xFileControl(base, op, arg);
}

static int on_close(sqlite3_file *base)
{
    if (file_of(base)->pair != NULL) {
        file_of(base)->pair->pair = NULL;
    }
    return sqlite_pass_methods.xClose(base);
}

static int on_shm_lock(sqlite3_file *base, int offset, int n, int flags)
{
    struct vfs_file *log = file_of(base)->pair;

    if ((flags & SQLITE_SHM_UNLOCK) != 0) { /* a lock must be given up in any case */
        log_flush_silently(log);
    } else {
        int result = log_flush(log);
        if (result != SQLITE_OK) {
            return result;
        }
    }
    return sqlite_pass_methods.xShmLock(base, offset, n, flags);
}

static void on_shm_barrier(sqlite3_file *base)
{
    log_flush_silently(file_of(base)->pair);
    sqlite_pass_methods.xShmBarrier(base);
}

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
                   int *out_flags)
{
    const struct sqlite_vfs *layer = vfs->pAppData;
    sqlite3_vfs *under = layer->under;
    struct vfs_file *file = file_of(base);

    if ((flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) == 0) {
        return under->xOpen(under, name, base, flags, out_flags);
    }
    memset(file, 0, sizeof *file);
    file->pass.under = (sqlite3_file *)(void *)(file + 1);
    int result = under->xOpen(under, name, file->pass.under, flags, out_flags);
    if (file->pass.under->pMethods == NULL) {
        return result;
    }
    if ((flags & SQLITE_OPEN_WAL) != 0) {
        file->pass.base.pMethods = &layer->log;
        file->pair = file_of(sqlite3_database_file_object(name));
        file->pair->pair = file;
    } else {
        file->pass.base.pMethods = &layer->database;
    }
    return result;
}

static void vfs_set_methods(struct sqlite_vfs *vfs)
{
    vfs->database = sqlite_pass_methods;
    vfs->database.xClose = on_close;
    vfs->database.xShmLock = on_shm_lock;
    vfs->database.xShmBarrier = on_shm_barrier;
    vfs->log = sqlite_pass_methods;
    vfs->log.xClose = on_log_close;
    vfs->log.xRead = on_log_read;
    vfs->log.xWrite = on_log_write;
    vfs->log.xTruncate = on_log_truncate;
    vfs->log.xSync = on_log_sync;
    vfs->log.xFileSize = on_log_file_size;
    vfs->log.xFileControl = on_log_control;
}

void sqlite_vfs_init(struct sqlite_vfs *vfs)
{
    vfs_set_methods(vfs);
    vfs->under = sqlite3_vfs_find(NULL);
    CHECK(vfs->under != NULL);
    vfs->vfs = *vfs->under;
    (void)snprintf(vfs->name, sizeof vfs->name, "log-%p", (void *)vfs);
    vfs->vfs.zName = vfs->name;
    vfs->vfs.pNext = NULL;
    vfs->vfs.pAppData = vfs;
    vfs->vfs.szOsFile = (int)sizeof(struct vfs_file) + vfs->under->szOsFile;
    vfs->vfs.xOpen = on_open;
    CHECK(sqlite3_vfs_register(&vfs->vfs, 0) == SQLITE_OK);
}

void sqlite_vfs_clear(struct sqlite_vfs *vfs)
{
    if (vfs->under != NULL) {
        CHECK(sqlite3_vfs_unregister(&vfs->vfs) == SQLITE_OK);
        vfs->under = NULL;
    }
}

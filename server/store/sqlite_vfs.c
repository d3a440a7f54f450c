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
#include "server/store/sqlite_vfs_private.h"

enum {
    /* 31 pages with their heads.  SQLite's own VFS cuts writes of 128 KiB and more in two, and
     * takes one of a multiple of 128 KiB for a full disk. */
    VFS_HELD_BYTES = 31 * (4096 + 24)
};

struct vfs_file {
    sqlite3_file base;
    sqlite3_file *under;   /* lies behind this struct */
    struct vfs_file *pair; /* of the database its log, of the log its database; NULL: none */
    uint8_t *held;         /* of the log, room for VFS_HELD_BYTES; NULL: nothing was written yet */
    int held_bytes;
    sqlite3_int64 held_at; /* where in the file they belong */
    int failure;           /* of a write whose end nobody was told yet */
};

static struct vfs_file *file_of(sqlite3_file *base)
{
    return (struct vfs_file *)(void *)base;
}

static sqlite3_file *under_of(sqlite3_file *base)
{
    return file_of(base)->under;
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
    return log->under->pMethods->xWrite(log->under, log->held, size, log->held_at);
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
    int closed = log->under->pMethods->xClose(log->under);

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

    return result != SQLITE_OK ? result
                               : under_of(base)->pMethods->xRead(under_of(base), at, size, offset);
}

static int on_log_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    int result = log_flush(file_of(base));

    return result != SQLITE_OK ? result : under_of(base)->pMethods->xTruncate(under_of(base), size);
}

static int on_log_sync(sqlite3_file *base, int flags)
{
    int result = log_flush(file_of(base));

    return result != SQLITE_OK ? result : under_of(base)->pMethods->xSync(under_of(base), flags);
}

static int on_log_file_size(sqlite3_file *base, sqlite3_int64 *out_size)
{
    int result = log_flush(file_of(base));

    return result != SQLITE_OK ? result
                               : under_of(base)->pMethods->xFileSize(under_of(base), out_size);
}

static int on_log_control(sqlite3_file *base, int op, void *arg)
{
    int result = log_flush(file_of(base));

    return result != SQLITE_OK ? result
                               : under_of(base)->pMethods->xFileControl(under_of(base), op, arg);
}

static int on_close(sqlite3_file *base)
{
    if (file_of(base)->pair != NULL) {
        file_of(base)->pair->pair = NULL;
    }
    return under_of(base)->pMethods->xClose(under_of(base));
}

static int on_read(sqlite3_file *base, void *at, int size, sqlite3_int64 offset)
{
    return under_of(base)->pMethods->xRead(under_of(base), at, size, offset);
}

static int on_write(sqlite3_file *base, const void *at, int size, sqlite3_int64 offset)
{
    return under_of(base)->pMethods->xWrite(under_of(base), at, size, offset);
}

static int on_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    return under_of(base)->pMethods->xTruncate(under_of(base), size);
}

static int on_sync(sqlite3_file *base, int flags)
{
    return under_of(base)->pMethods->xSync(under_of(base), flags);
}

static int on_file_size(sqlite3_file *base, sqlite3_int64 *out_size)
{
    return under_of(base)->pMethods->xFileSize(under_of(base), out_size);
}

static int on_lock(sqlite3_file *base, int kind)
{
    return under_of(base)->pMethods->xLock(under_of(base), kind);
}

static int on_unlock(sqlite3_file *base, int kind)
{
    return under_of(base)->pMethods->xUnlock(under_of(base), kind);
}

static int on_check_lock(sqlite3_file *base, int *out_is_held)
{
    return under_of(base)->pMethods->xCheckReservedLock(under_of(base), out_is_held);
}

static int on_control(sqlite3_file *base, int op, void *arg)
{
    return under_of(base)->pMethods->xFileControl(under_of(base), op, arg);
}

static int on_sector_size(sqlite3_file *base)
{
    return under_of(base)->pMethods->xSectorSize(under_of(base));
}

static int on_traits(sqlite3_file *base)
{
    return under_of(base)->pMethods->xDeviceCharacteristics(under_of(base));
}

static int on_shm_map(sqlite3_file *base, int page, int size, int extend, void volatile **out_at)
{
    return under_of(base)->pMethods->xShmMap(under_of(base), page, size, extend, out_at);
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
    return under_of(base)->pMethods->xShmLock(under_of(base), offset, n, flags);
}

static void on_shm_barrier(sqlite3_file *base)
{
    log_flush_silently(file_of(base)->pair);
    under_of(base)->pMethods->xShmBarrier(under_of(base));
}

static int on_shm_unmap(sqlite3_file *base, int is_delete)
{
    return under_of(base)->pMethods->xShmUnmap(under_of(base), is_delete);
}

/* Version 2 has the shared index; what came later is for mapped files. */
static const sqlite3_io_methods database_methods = {
    .iVersion = 2,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_file_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_check_lock,
    .xFileControl = on_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_traits,
    .xShmMap = on_shm_map,
    .xShmLock = on_shm_lock,
    .xShmBarrier = on_shm_barrier,
    .xShmUnmap = on_shm_unmap,
};

static const sqlite3_io_methods log_methods = {
    .iVersion = 1,
    .xClose = on_log_close,
    .xRead = on_log_read,
    .xWrite = on_log_write,
    .xTruncate = on_log_truncate,
    .xSync = on_log_sync,
    .xFileSize = on_log_file_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_check_lock,
    .xFileControl = on_log_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_traits,
};

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
                   int *out_flags)
{
    sqlite3_vfs *under = ((struct sqlite_vfs *)vfs->pAppData)->under;
    struct vfs_file *file = file_of(base);

    if ((flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) == 0) {
        return under->xOpen(under, name, base, flags, out_flags);
    }
    memset(file, 0, sizeof *file);
    file->under = (sqlite3_file *)(void *)(file + 1);
    int result = under->xOpen(under, name, file->under, flags, out_flags);
    if (file->under->pMethods == NULL) {
        return result;
    }
    if ((flags & SQLITE_OPEN_WAL) != 0) {
        file->base.pMethods = &log_methods;
        file->pair = file_of(sqlite3_database_file_object(name));
        file->pair->pair = file;
    } else {
        file->base.pMethods = &database_methods;
    }
    return result;
}

void sqlite_vfs_init(struct sqlite_vfs *vfs)
{
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

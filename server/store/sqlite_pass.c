/* SPDX-License-Identifier: Apache-2.0 */
#include <sqlite3.h>

#include "server/store/sqlite_pass_private.h"

static sqlite3_file *under_of(sqlite3_file *base)
{
    return ((struct sqlite_pass *)(void *)base)->under;
}

static int on_close(sqlite3_file *base)
{
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
    return under_of(base)->pMethods->xShmLock(under_of(base), offset, n, flags);
}

static void on_shm_barrier(sqlite3_file *base)
{
    under_of(base)->pMethods->xShmBarrier(under_of(base));
}

static int on_shm_unmap(sqlite3_file *base, int is_delete)
{
    return under_of(base)->pMethods->xShmUnmap(under_of(base), is_delete);
}

const sqlite3_io_methods sqlite_pass_methods = {
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

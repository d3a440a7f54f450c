/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls by which a file changes or reaches the disk.  Others, such as open,
 * rename or the locks, are the kernel's: their effect is seen when a folder is
 * synced.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/crash/shim.h"

/* The lock is held from here to call_end. */
static struct shim_file *call_begin(int fd)
{
    shim_enter();
    struct shim_file *file = shim_file_of(fd);
    if (file != NULL) {
        shim_fault_step();
    }
    return file;
}

static long call_end(long result)
{
    int error = errno;

    shim_leave();
    errno = error;
    return result;
}

static long call_refuse(int error)
{
    errno = error;
    return call_end(-1);
}

/* By how much a file that must reach end becomes longer. */
static int64_t growth(const struct shim_file *file, off_t end)
{
    struct stat status;

    return fstat(file->cache, &status) != 0 || end < status.st_size ? 0 : end - status.st_size;
}

/* The C library's names of parameters are not for us. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
ssize_t write(int fd, const void *bytes, size_t size)
{
    struct shim_file *file = call_begin(fd);

    if (file == NULL) {
        shim_leave(); /* it may be a pipe, and wait */
        return syscall(SYS_write, fd, bytes, size);
    }
    if (shim_fault_is_full(growth(file, lseek(fd, 0, SEEK_CUR) + (off_t)size))) {
        return call_refuse(ENOSPC);
    }
    long wrote = syscall(SYS_write, fd, bytes, size);
    if (wrote > 0) {
        shim_file_mark(file, lseek(fd, 0, SEEK_CUR) - wrote, (size_t)wrote);
    }
    return call_end(wrote);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at)
{
    struct shim_file *file = call_begin(fd);

    if (file != NULL && shim_fault_is_full(growth(file, at + (off_t)size))) {
        return call_refuse(ENOSPC);
    }
    long wrote = syscall(SYS_pwrite64, fd, bytes, size, at);
    if (file != NULL && wrote > 0) {
        shim_file_mark(file, at, (size_t)wrote);
    }
    return call_end(wrote);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    return pwrite64(fd, bytes, size, at);
}

int ftruncate64(int fd, off64_t size)
{
    struct shim_file *file = call_begin(fd);

    if (file != NULL && shim_fault_is_full(growth(file, size))) {
        return (int)call_refuse(ENOSPC);
    }
    long result = syscall(SYS_ftruncate, fd, size);
    if (file != NULL && result == 0) {
        shim_file_shrink(file, size);
    }
    return (int)call_end(result);
}

int ftruncate(int fd, off_t size)
{
    return ftruncate64(fd, size);
}

/* Gives the error, and does not set errno. */
int posix_fallocate64(int fd, off64_t at, off64_t size)
{
    struct shim_file *file = call_begin(fd);
    int result = 0;

    if (file != NULL && shim_fault_is_full(growth(file, at + size))) {
        result = ENOSPC;
    } else if (syscall(SYS_fallocate, fd, 0, at, size) != 0) {
        result = errno;
    }
    shim_leave();
    return result;
}

int posix_fallocate(int fd, off_t at, off_t size)
{
    return posix_fallocate64(fd, at, size);
}

/* The file, or else the folder, reaches the disk. */
static void call_sync(struct shim_file *file, const char *folder)
{
    if (file != NULL) {
        shim_file_sync(file);
    } else {
        shim_name_sync(folder);
    }
}

/* It does not. */
static long call_fail(struct shim_file *file)
{
    if (file != NULL) {
        shim_file_drop(file);
    }
    return shim_modes()->lie ? call_end(0) : call_refuse(EIO);
}

int fdatasync(int fd)
{
    char folder[SHIM_PATH_BYTES];
    struct shim_file *file = call_begin(fd);
    struct stat status;

    if (file == NULL &&
        (fstat(fd, &status) != 0 || !S_ISDIR(status.st_mode) || !shim_name_of(fd, folder))) {
        return (int)call_end(syscall(SYS_fdatasync, fd));
    }
    if (file == NULL) {
        shim_fault_step();
    }
    if (shim_fault_fails()) {
        return (int)call_fail(file);
    }
    call_sync(file, folder);
    return (int)call_end(0);
}

int fsync(int fd)
{
    return fdatasync(fd);
}

/* As glibc makes it of statfs; only what is about space. */
int statvfs(const char *path, struct statvfs *out)
{
    struct statfs disk;

    if (statfs(path, &disk) != 0) {
        return -1;
    }
    *out = (struct statvfs){ .f_bsize = (unsigned long)disk.f_bsize,
                             .f_frsize = (unsigned long)disk.f_frsize,
                             .f_blocks = disk.f_blocks,
                             .f_bfree = disk.f_bfree,
                             .f_bavail = disk.f_bavail };
    shim_enter();
    uint64_t room = (uint64_t)shim_fault_room() / out->f_frsize;
    shim_leave();
    if (room < out->f_bavail) {
        out->f_bavail = room;
        out->f_bfree = room;
    }
    return 0;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pages of which file differ from the disk.  Pages are copied from the
 * file in $VC_DIR, so the newest content counts; what a page held between two
 * writes never reaches the disk.
 *
 * A file that was cut short and then written again got new blocks: its new pages
 * are on the disk only if the cut is.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/crash/shim.h"

enum {
    LINK_BYTES = 64
};

static struct shim_file files[SHIM_FILES_MAX];

static struct shim_file *file_find(ino_t ino)
{
    for (size_t i = 0; i < SHIM_FILES_MAX; i++) {
        if (files[i].ino == ino) {
            return &files[i];
        }
    }
    return NULL;
}

static struct shim_file *file_add(ino_t ino, int cache, int disk)
{
    struct shim_file *file = file_find(0);

    if (file == NULL || cache < 0 || disk < 0) {
        shim_die("too many files, or one cannot be opened");
    }
    file->ino = ino;
    file->cache = cache;
    file->disk = disk;
    file->shrunk_to = -1;
    return file;
}

/* The file of fd once more. */
static int file_open(int fd, int flags)
{
    char link[LINK_BYTES];

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return open(link, flags | O_CLOEXEC);
}

struct shim_file *shim_file_of(int fd)
{
    char path[SHIM_PATH_BYTES];
    struct stat status;

    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return NULL;
    }
    struct shim_file *file = file_find(status.st_ino);
    if (!shim_name_of(fd, path)) {
        return NULL;
    }
    return file != NULL
               ? file
               : file_add(status.st_ino, file_open(fd, O_RDONLY), shim_name_stash(status.st_ino));
}

struct shim_file *shim_file_at(const char *path)
{
    struct stat status;

    if (lstat(path, &status) != 0) {
        shim_die("a file that has a name is not there");
    }
    struct shim_file *file = file_find(status.st_ino);
    return file != NULL ? file
                        : file_add(status.st_ino, open(path, O_RDONLY | O_CLOEXEC),
                                   shim_name_stash(status.st_ino));
}

void shim_file_bind(const char *path, const char *disk_path)
{
    struct stat status;

    if (lstat(path, &status) == 0 && file_find(status.st_ino) == NULL) {
        (void)file_add(status.st_ino, open(path, O_RDONLY | O_CLOEXEC),
                       open(disk_path, O_RDWR | O_CLOEXEC));
    }
}

static bool page_is_dirty(const struct shim_file *file, size_t page)
{
    return (file->dirty[page / 8] >> page % 8 & 1) != 0;
}

void shim_file_mark(struct shim_file *file, off_t at, size_t size)
{
    size_t end = ((size_t)at + size + SHIM_PAGE_BYTES - 1) / SHIM_PAGE_BYTES;

    if (end > SHIM_PAGES_MAX) {
        shim_die("a file is too long");
    }
    for (size_t page = (size_t)at / SHIM_PAGE_BYTES; page < end; page++) {
        file->dirty[page / 8] = (uint8_t)(file->dirty[page / 8] | 1U << page % 8);
    }
    if (end > file->page_end) {
        file->page_end = end;
    }
}

void shim_file_shrink(struct shim_file *file, off_t size)
{
    if (file->shrunk_to < 0 || size < file->shrunk_to) {
        file->shrunk_to = size;
    }
}

static void file_clean(struct shim_file *file)
{
    memset(file->dirty, 0, (file->page_end + 7) / 8);
    file->page_end = 0;
    file->shrunk_to = -1;
}

static void page_copy(int from, int to, size_t page)
{
    char bytes[SHIM_PAGE_BYTES];
    off_t at = (off_t)page * SHIM_PAGE_BYTES;
    long got = syscall(SYS_pread64, from, bytes, sizeof bytes, at);

    if (got < 0 || (got > 0 && syscall(SYS_pwrite64, to, bytes, got, at) != got)) {
        shim_die("a page cannot be copied");
    }
}

static void file_resize(int fd, off_t size)
{
    if (syscall(SYS_ftruncate, fd, size) != 0) {
        shim_die("a file cannot be resized");
    }
}

void shim_file_sync(struct shim_file *file)
{
    struct stat status;

    if (file->shrunk_to >= 0) {
        file_resize(file->disk, file->shrunk_to);
    }
    for (size_t page = 0; page < file->page_end; page++) {
        if (page_is_dirty(file, page)) {
            page_copy(file->cache, file->disk, page);
        }
    }
    if (fstat(file->cache, &status) != 0 || fchmod(file->disk, status.st_mode) != 0) {
        shim_die("a mode cannot be copied");
    }
    file_resize(file->disk, status.st_size);
    file_clean(file);
}

void shim_file_drop(struct shim_file *file)
{
    int to = shim_modes()->evict ? file_open(file->cache, O_WRONLY) : -1;

    for (size_t page = 0; to >= 0 && page < file->page_end; page++) {
        if (page_is_dirty(file, page)) {
            page_copy(file->disk, to, page);
        }
    }
    file_clean(file); /* and to stays open, as cache does */
}

/* Where the pages end that may be torn. */
static size_t file_torn_end(const struct shim_file *file)
{
    if (file->shrunk_to < 0) {
        return file->page_end;
    }
    if ((shim_random() & 1) == 0) {
        return (size_t)file->shrunk_to / SHIM_PAGE_BYTES;
    }
    file_resize(file->disk, file->shrunk_to);
    return file->page_end;
}

static void file_tear(const struct shim_file *file)
{
    size_t end = file_torn_end(file);

    for (size_t page = 0; page < end; page++) {
        if (page_is_dirty(file, page) && (shim_random() & 1) == 0) {
            page_copy(file->cache, file->disk, page);
        }
    }
}

void shim_file_tear(void)
{
    for (size_t i = 0; i < SHIM_FILES_MAX && files[i].ino != 0; i++) {
        file_tear(&files[i]);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/store/fault_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/buf.h"
#include "common/check.h"
#include "common/mem.h"
#include "server/store/sqlite_pass_private.h"

enum {
    IMAGES_MAX = 16,
    NAME_BYTES = 512
};

struct range {
    struct range *next;
    sqlite3_int64 from;
    sqlite3_int64 to; /* -1: the file was cut at `from` */
};

struct image {
    char name[NAME_BYTES]; /* empty: free */
    struct buf synced;
    struct range *waiting; /* newest first */
};

struct fault_file {
    struct sqlite_pass pass; /* what is real lies behind this struct */
    struct image *image;     /* NULL: a file without a name */
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs fault_vfs;
static sqlite3_io_methods methods;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct image images[IMAGES_MAX];
static enum fault_kind armed_kind;
static int64_t calls_until;
static bool has_failed;
static char quota_path[NAME_BYTES];
static int64_t quota_bytes;

/* Count one call of kind; true: this is the one that fails. */
static bool fault_strikes(enum fault_kind kind)
{
    bool strikes = false;

    (void)pthread_mutex_lock(&lock);
    if (kind == armed_kind && calls_until > 0) {
        calls_until--;
        strikes = calls_until == 0;
        has_failed = has_failed || strikes;
    }
    (void)pthread_mutex_unlock(&lock);
    return strikes;
}

static void image_forget_waiting(struct image *image)
{
    while (image->waiting != NULL) {
        struct range *range = image->waiting;
        image->waiting = range->next;
        free(range);
    }
}

static void image_note(struct image *image, sqlite3_int64 from, sqlite3_int64 to)
{
    if (image != NULL) {
        struct range *range = mem_zeroed(1, sizeof *range);
        (void)pthread_mutex_lock(&lock);
        range->from = from;
        range->to = to;
        range->next = image->waiting;
        image->waiting = range;
        (void)pthread_mutex_unlock(&lock);
    }
}

static void image_resize(struct buf *synced, size_t size)
{
    if (size > synced->size) {
        buf_reserve(synced, size - synced->size);
        memset(synced->at + synced->size, 0, size - synced->size);
    }
    synced->size = size;
}

static void image_take(struct fault_file *file, const struct range *range)
{
    struct buf *synced = &file->image->synced;

    if (range->to < 0) {
        if ((size_t)range->from < synced->size) {
            image_resize(synced, (size_t)range->from);
        }
        return;
    }
    if ((size_t)range->to > synced->size) {
        image_resize(synced, (size_t)range->to);
    }
    int result = sqlite_pass_methods.xRead(&file->pass.base, synced->at + range->from,
                                           (int)(range->to - range->from), range->from);
    CHECK(result == SQLITE_OK || result == SQLITE_IOERR_SHORT_READ);
}

/* Oldest first, so that cuts and writes fall as they were made. */
static struct range *ranges_reversed(struct range *newest)
{
    struct range *oldest = NULL;

    while (newest != NULL) {
        struct range *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

static void image_sync(struct fault_file *file)
{
    sqlite3_int64 size = 0;

    file->image->waiting = ranges_reversed(file->image->waiting);
    for (const struct range *r = file->image->waiting; r != NULL; r = r->next) {
        image_take(file, r);
    }
    CHECK(sqlite_pass_methods.xFileSize(&file->pass.base, &size) == SQLITE_OK);
    if ((size_t)size < file->image->synced.size) {
        image_resize(&file->image->synced, (size_t)size);
    }
    image_forget_waiting(file->image);
}

static int on_sync(sqlite3_file *base, int flags)
{
    struct fault_file *file = (struct fault_file *)(void *)base;
    bool strikes = fault_strikes(FAULT_VFS_SYNC);

    (void)flags; /* no real sync: the images stand for the disk */
    if (file->image != NULL) {
        (void)pthread_mutex_lock(&lock);
        if (strikes) {
            image_forget_waiting(file->image);
        } else {
            image_sync(file);
        }
        (void)pthread_mutex_unlock(&lock);
    }
    return strikes ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int64_t size_of(const char *suffix)
{
    char path[NAME_BYTES + 16];
    struct stat file;

    (void)snprintf(path, sizeof path, "%s%s", quota_path, suffix);
    return stat(path, &file) == 0 ? (int64_t)file.st_size : 0;
}

/* Say whether the file may grow to end. */
static bool quota_allows(sqlite3_file *base, sqlite3_int64 end)
{
    sqlite3_int64 size = 0;

    (void)pthread_mutex_lock(&lock);
    int64_t quota = quota_bytes;
    (void)pthread_mutex_unlock(&lock);
    if (quota == 0 || sqlite_pass_methods.xFileSize(base, &size) != SQLITE_OK || end <= size) {
        return true;
    }
    return size_of("") + size_of("-wal") + size_of("-ballast") + end - size <= quota;
}

static int on_write(sqlite3_file *base, const void *at, int size, sqlite3_int64 offset)
{
    struct fault_file *file = (struct fault_file *)(void *)base;

    if (fault_strikes(FAULT_VFS_WRITE)) {
        return SQLITE_IOERR_WRITE;
    }
    if (!quota_allows(base, offset + size)) {
        return SQLITE_FULL;
    }
    if (fault_strikes(FAULT_VFS_TORN)) {
        (void)sqlite_pass_methods.xWrite(&file->pass.base, at, size / 2, offset);
        image_note(file->image, offset, offset + size / 2);
        return SQLITE_IOERR_WRITE;
    }
    int result = sqlite_pass_methods.xWrite(&file->pass.base, at, size, offset);
    image_note(file->image, offset, offset + size);
    return result;
}

static int on_read(sqlite3_file *file, void *at, int size, sqlite3_int64 offset)
{
    if (fault_strikes(FAULT_VFS_READ)) {
        return SQLITE_IOERR_READ;
    }
    return sqlite_pass_methods.xRead(file, at, size, offset);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    image_note(((struct fault_file *)(void *)file)->image, size, -1);
    return sqlite_pass_methods.xTruncate(file, size);
}

/* With the lock. */
static struct image *image_of(const char *name)
{
    struct image *free_one = NULL;

    for (int i = 0; i < IMAGES_MAX; i++) {
        if (strcmp(images[i].name, name) == 0) {
            return &images[i];
        }
        if (free_one == NULL && images[i].name[0] == '\0') {
            free_one = &images[i];
        }
    }
    CHECK(free_one != NULL && strlen(name) < NAME_BYTES);
    memcpy(free_one->name, name, strlen(name) + 1);
    return free_one;
}

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
                   int *out_flags)
{
    struct fault_file *file = (struct fault_file *)(void *)base;

    (void)vfs;
    file->pass.under = (sqlite3_file *)(void *)(file + 1);
    file->image = NULL;
    file->pass.base.pMethods = NULL;
    int result = real_vfs->xOpen(real_vfs, name, file->pass.under, flags, out_flags);
    if (result == SQLITE_OK) {
        file->pass.base.pMethods = &methods;
        if (name != NULL) {
            (void)pthread_mutex_lock(&lock);
            file->image = image_of(name);
            (void)pthread_mutex_unlock(&lock);
        }
    }
    return result;
}

static void image_clear(struct image *image)
{
    image_forget_waiting(image);
    buf_clear(&image->synced);
}

static int on_delete(sqlite3_vfs *vfs, const char *name, int is_synced)
{
    (void)vfs;
    (void)pthread_mutex_lock(&lock);
    image_clear(image_of(name));
    (void)pthread_mutex_unlock(&lock);
    return real_vfs->xDelete(real_vfs, name, is_synced);
}

void fault_vfs_install(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    fault_vfs = *real_vfs;
    fault_vfs.zName = "fault";
    fault_vfs.pNext = NULL;
    fault_vfs.szOsFile = (int)sizeof(struct fault_file) + real_vfs->szOsFile;
    fault_vfs.xOpen = on_open;
    fault_vfs.xDelete = on_delete;
    methods = sqlite_pass_methods;
    methods.xRead = on_read;
    methods.xWrite = on_write;
    methods.xTruncate = on_truncate;
    methods.xSync = on_sync;
    CHECK(sqlite3_vfs_register(&fault_vfs, 1) == SQLITE_OK);
}

void fault_vfs_clear(void)
{
    (void)pthread_mutex_lock(&lock);
    for (int i = 0; i < IMAGES_MAX; i++) {
        image_clear(&images[i]);
        images[i].name[0] = '\0';
    }
    (void)pthread_mutex_unlock(&lock);
}

void fault_vfs_arm(enum fault_kind kind, int64_t n)
{
    (void)pthread_mutex_lock(&lock);
    armed_kind = kind;
    calls_until = n;
    has_failed = false;
    (void)pthread_mutex_unlock(&lock);
}

bool fault_vfs_has_failed(void)
{
    (void)pthread_mutex_lock(&lock);
    bool answer = has_failed;
    (void)pthread_mutex_unlock(&lock);
    return answer;
}

void fault_vfs_set_quota(const char *path, int64_t bytes)
{
    (void)pthread_mutex_lock(&lock);
    (void)snprintf(quota_path, sizeof quota_path, "%s", path);
    quota_bytes = bytes;
    (void)pthread_mutex_unlock(&lock);
}

static void image_write(const struct image *image, const char *folder)
{
    char path[NAME_BYTES * 2];
    const char *slash = strrchr(image->name, '/');

    CHECK(slash != NULL);
    (void)snprintf(path, sizeof path, "%s%s", folder, slash);
    FILE *file = fopen(path, "we");
    CHECK(file != NULL);
    CHECK(fwrite(image->synced.at, 1, image->synced.size, file) == image->synced.size);
    CHECK(fclose(file) == 0);
}

void fault_vfs_write_images(const char *folder)
{
    (void)pthread_mutex_lock(&lock);
    for (int i = 0; i < IMAGES_MAX; i++) {
        if (images[i].name[0] != '\0' && images[i].synced.size > 0) {
            image_write(&images[i], folder);
        }
    }
    (void)pthread_mutex_unlock(&lock);
}

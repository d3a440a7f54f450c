/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names are links.  Every file of the disk has one in the stash; syncing a folder
 * gives and takes the others until they are those of the folder in $VC_DIR.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/crash/shim.h"

enum {
    WALK_DESCRIPTORS = 16,
    COPY_BYTES = 65536,
    LINK_BYTES = 64
};

static const char stash[] = "/.vc";
static int64_t used_bytes; /* of the walk that is under way */

static size_t path_append(char out[SHIM_PATH_BYTES], size_t at, const char *text)
{
    size_t size = strlen(text);

    if (size >= SHIM_PATH_BYTES - at) {
        shim_die("a path is too long");
    }
    memcpy(out + at, text, size + 1);
    return at + size;
}

static void path_join(char out[SHIM_PATH_BYTES], const char *head, const char *glue,
                      const char *tail)
{
    (void)path_append(out, path_append(out, path_append(out, 0, head), glue), tail);
}

static void path_on_disk(char out[SHIM_PATH_BYTES], const char *path)
{
    path_join(out, shim_modes()->disk, "", path + strlen(shim_modes()->dir));
}

static bool path_is_stash(const char *disk_path)
{
    const char *tail = disk_path + strlen(shim_modes()->disk);

    return strncmp(tail, stash, sizeof stash - 1) == 0;
}

bool shim_name_of(int fd, char out[SHIM_PATH_BYTES])
{
    char itself[LINK_BYTES];
    size_t size = strlen(shim_modes()->dir);

    (void)snprintf(itself, sizeof itself, "/proc/self/fd/%d", fd);
    ssize_t got = readlink(itself, out, SHIM_PATH_BYTES - 1);
    if (size == 0 || got < (ssize_t)size) {
        return false;
    }
    out[got] = '\0';
    return strncmp(out, shim_modes()->dir, size) == 0 && (out[size] == '/' || out[size] == '\0');
}

int shim_name_stash(ino_t ino)
{
    char path[SHIM_PATH_BYTES];
    char name[LINK_BYTES];

    (void)snprintf(name, sizeof name, "%s/%ju", stash, (uintmax_t)ino);
    path_join(path, shim_modes()->disk, "", name);
    return open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

/* Give the file one more name, in place of what has it now. */
static void name_give(int disk, const char *disk_path)
{
    char link[LINK_BYTES];
    char draft[SHIM_PATH_BYTES];
    struct stat file;
    struct stat old;

    if (fstat(disk, &file) != 0) {
        shim_die("a file of the disk is lost");
    }
    if (lstat(disk_path, &old) == 0 && old.st_ino == file.st_ino) {
        return;
    }
    path_join(draft, shim_modes()->disk, stash, "/draft");
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", disk);
    if (linkat(AT_FDCWD, link, AT_FDCWD, draft, AT_SYMLINK_FOLLOW) != 0 ||
        rename(draft, disk_path) != 0) {
        shim_die("a name cannot be given");
    }
}

static bool name_is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Hear one name of a folder, as the place in $VC_DIR and the one on the disk. */
typedef void name_fn(const char *path, const char *disk_path, unsigned char type);

static void on_given(const char *path, const char *disk_path, unsigned char type)
{
    if (type == DT_REG) {
        name_give(shim_file_at(path)->disk, disk_path);
    } else if (type == DT_DIR) {
        (void)mkdir(disk_path, 0700);
    }
}

static void on_taken(const char *path, const char *disk_path, unsigned char type)
{
    struct stat status;

    if (type == DT_REG && lstat(path, &status) != 0 && errno == ENOENT) {
        (void)unlink(disk_path);
    }
}

static void folder_each(const char *path, const char *disk_path, bool on_disk, name_fn *fn)
{
    DIR *folder = opendir(on_disk ? disk_path : path);
    const struct dirent *entry = NULL;
    char inside[SHIM_PATH_BYTES];
    char disk_inside[SHIM_PATH_BYTES];

    if (folder == NULL) {
        shim_die("a folder cannot be read");
    }
    /* cppcheck-suppress readdirCalled ; the stream is ours alone */
    while ((entry = readdir(folder)) != NULL) { /* NOLINT(concurrency-mt-unsafe) */
        if (!name_is_dots(entry->d_name)) {
            path_join(inside, path, "/", entry->d_name);
            path_join(disk_inside, disk_path, "/", entry->d_name);
            fn(inside, disk_inside, entry->d_type);
        }
    }
    (void)closedir(folder);
}

void shim_name_sync(const char *folder)
{
    char disk_path[SHIM_PATH_BYTES];
    struct stat status;

    path_on_disk(disk_path, folder);
    if (lstat(disk_path, &status) == 0) { /* else its own name is not on the disk yet */
        folder_each(folder, disk_path, false, on_given);
        folder_each(folder, disk_path, true, on_taken);
    }
}

static int on_torn(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)where;
    if (kind == FTW_D && (shim_random() & 1) == 0) {
        shim_name_sync(path);
    }
    return 0;
}

static void walk(const char *top, __nftw_func_t fn, int flags)
{
    int result = nftw(top, fn, WALK_DESCRIPTORS, /* NOLINT(concurrency-mt-unsafe): locked */
                      FTW_PHYS | flags);

    if (result != 0) {
        shim_die("a folder cannot be walked");
    }
}

void shim_name_tear(void)
{
    walk(shim_modes()->dir, on_torn, 0);
}

static int on_used(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)path;
    (void)where;
    used_bytes += kind == FTW_F ? (int64_t)status->st_size : 0;
    return 0;
}

int64_t shim_name_used(void)
{
    used_bytes = 0;
    walk(shim_modes()->dir, on_used, 0);
    return used_bytes;
}

static int on_removed(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    return where->level == 0 ? 0 : remove(path);
}

static void file_copy(const char *from_path, const char *to_path, mode_t mode)
{
    static char bytes[COPY_BYTES];
    int from = open(from_path, O_RDONLY | O_CLOEXEC);
    int to = open(to_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t got = 0;

    while (from >= 0 && to >= 0 && (got = read(from, bytes, sizeof bytes)) > 0) {
        if (syscall(SYS_write, to, bytes, got) != got) {
            got = -1;
            break;
        }
    }
    if (from < 0 || to < 0 || got < 0 || fchmod(to, mode) != 0) {
        shim_die("a file cannot be copied");
    }
    (void)close(from);
    (void)close(to);
}

static int on_filled(const char *disk_path, const struct stat *status, int kind, struct FTW *where)
{
    char path[SHIM_PATH_BYTES];

    if (where->level == 0 || path_is_stash(disk_path)) {
        return 0;
    }
    path_join(path, shim_modes()->dir, "", disk_path + strlen(shim_modes()->disk));
    if (kind == FTW_D) {
        return mkdir(path, status->st_mode & 0777);
    }
    file_copy(disk_path, path, status->st_mode & 0777);
    return 0;
}

static int on_bound(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    char disk_path[SHIM_PATH_BYTES];

    (void)status;
    (void)where;
    path_on_disk(disk_path, path);
    if (kind == FTW_F && access(disk_path, F_OK) == 0) {
        shim_file_bind(path, disk_path);
    }
    return 0;
}

void shim_name_fill(void)
{
    char path[SHIM_PATH_BYTES];

    path_join(path, shim_modes()->disk, "", stash);
    (void)mkdir(path, 0700);
    walk(path, on_removed, FTW_DEPTH);
    if (!shim_modes()->keep) {
        walk(shim_modes()->dir, on_removed, FTW_DEPTH);
        walk(shim_modes()->disk, on_filled, 0);
    }
    walk(shim_modes()->dir, on_bound, 0);
}

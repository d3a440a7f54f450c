/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file is written under a name that ends in ".tmp" and gets its own name once
 * its bytes are on disk.  A link, unlike a rename, never replaces a file: two
 * daemons that start at once cannot both make the first key.
 */
#include "server/config/key_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "server/config/fault.h"

enum {
    DIR_MODE = 0700,
    OTHERS = 077,        /* the bits of group and others */
    ALL_BITS = 07777,    /* permissions, set-id and sticky */
    FILE_MAX_BYTES = 256 /* a key file has about 80 */
};

static bool owner_is_us(const char *path, const char *name, const struct stat *status,
                        const struct fault *fault)
{
    const char *glue = name[0] == '\0' ? "" : "/";

    return status->st_uid == geteuid() ||
           fault_say(fault,
                     "%s%s%s: belongs to user %u, but sealpostd runs as user %u; run: chown %u "
                     "%s%s%s",
                     path, glue, name, status->st_uid, geteuid(), geteuid(), path, glue, name);
}

static bool dir_is_fit(int dir, const char *path, const struct fault *fault)
{
    struct stat status;

    if (fstat(dir, &status) != 0) {
        return fault_say(fault, "%s: cannot be looked at (%s)", path, fault_reason(errno));
    }
    if (!owner_is_us(path, "", &status, fault)) {
        return false;
    }
    return (status.st_mode & OTHERS) == 0 ||
           fault_say(fault, "%s: others may enter it (mode %04o); run: chmod 0700 %s", path,
                     status.st_mode & ALL_BITS, path);
}

/* Make the directory, and its name in its parent, durable. */
static bool dir_make(const char *path)
{
    int parent = -1;
    int dir = -1;
    bool good = false;

    if (mkdir(path, DIR_MODE) != 0) {
        return errno == EEXIST;
    }
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        return false;
    }
    parent = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    good = parent >= 0 && fsync(dir) == 0 && fsync(parent) == 0;
    if (parent >= 0) {
        (void)close(parent);
    }
    (void)close(dir);
    return good;
}

int key_dir_open(const char *path, bool create, const struct fault *fault)
{
    int dir = -1;

    if (create && !dir_make(path)) {
        (void)fault_say(fault, "%s: cannot be made (%s); make its parent first, or set key_dir",
                        path, fault_reason(errno));
        return -1;
    }
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        (void)fault_say(fault, "%s: cannot be opened (%s); put your key files back, or set key_dir",
                        path, fault_reason(errno));
        return -1;
    }
    if (!dir_is_fit(dir, path, fault)) {
        (void)close(dir);
        return -1;
    }
    return dir;
}

static bool write_all(int fd, struct bytes text)
{
    while (text.size > 0) {
        ssize_t wrote = write(fd, text.at, text.size);
        if (wrote < 0 && errno != EINTR) {
            return false;
        }
        if (wrote > 0) {
            text = bytes_of(text.at + wrote, text.size - (size_t)wrote);
        }
    }
    return true;
}

/* Fill a new file; errno says why when it failed. */
static bool write_new(int dir, const char *name, mode_t mode, struct bytes text)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    bool good = false;

    if (fd < 0) {
        return false;
    }
    good = write_all(fd, text) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    if (close(fd) != 0) {
        good = false;
    }
    return good;
}

bool key_dir_write(int dir, const char *name, mode_t mode, struct bytes text,
                   enum key_dir_write how)
{
    char draft[FILE_MAX_BYTES];
    int failed = 0;

    (void)snprintf(draft, sizeof draft, "%s.tmp", name);
    (void)unlinkat(dir, draft, 0); /* a crash may have left one */
    if (!write_new(dir, draft, mode, text)) {
        failed = errno;
    } else if (how == KEY_DIR_REPLACE) {
        failed = renameat(dir, draft, dir, name) == 0 ? 0 : errno;
    } else {
        failed = linkat(dir, draft, dir, name, 0) == 0 ? 0 : errno;
    }
    if (failed != 0 || how == KEY_DIR_NEW) {
        (void)unlinkat(dir, draft, 0);
    }
    if (failed == 0 && fsync(dir) != 0) {
        failed = errno;
    }
    errno = failed;
    return failed == 0;
}

static bool file_is_fit(int fd, const char *path, const char *name, mode_t mode,
                        const struct fault *fault)
{
    struct stat status;

    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return fault_say(fault, "%s/%s: this is no regular file; take it away", path, name);
    }
    if (!owner_is_us(path, name, &status, fault)) {
        return false;
    }
    return (status.st_mode & ALL_BITS) == mode ||
           fault_say(fault, "%s/%s: its mode is %04o, not %04o; run: chmod %04o %s/%s", path, name,
                     status.st_mode & ALL_BITS, mode, mode, path, name);
}

bool key_dir_read(int dir, const char *path, const char *name, mode_t mode, struct buf *out,
                  const struct fault *fault)
{
    uint8_t text[FILE_MAX_BYTES];
    ssize_t got = 0;
    bool good = false;
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0) {
        return fault_say(fault, "%s/%s: cannot be opened (%s)", path, name, fault_reason(errno));
    }
    if (file_is_fit(fd, path, name, mode, fault)) {
        got = read(fd, text, sizeof text);
        good = got >= 0;
        if (!good) {
            (void)fault_say(fault, "%s/%s: cannot be read (%s)", path, name, fault_reason(errno));
        }
    }
    (void)close(fd);
    if (good) {
        buf_reserve(out, sizeof text); /* so that no copy of a key is left by growing */
        buf_append(out, bytes_of(text, (size_t)got));
    }
    mem_wipe(text, sizeof text);
    return good;
}

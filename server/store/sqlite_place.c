/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder and the files, before SQLite sees them: a local disk, nobody else
 * may read, and one daemon at a time.  SQLite gives the log and its index the
 * mode of the database file, so creating that one with 0600 is enough.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "server/store/sqlite_private.h"

enum {
    PLACE_PATH_BYTES = 4096,
    PLACE_FOLDER_MODE = 0700,
    PLACE_FILE_MODE = 0600
};

struct place_error {
    char *text;
    size_t size;
};

bool sqlite_place_is_network(int64_t filesystem_magic)
{
    /* From linux/magic.h and the file systems' own sources; FUSE and cluster file systems
     * among them, whose locks and syncs are whatever their server makes of them. */
    static const uint32_t network[] = {
        0x00006969, /* NFS */
        0x0000517b, /* SMB */
        0xff534d42, /* CIFS */
        0xfe534d42, /* SMB 2 */
        0x01021997, /* 9P */
        0x00c36400, /* Ceph */
        0x5346414f, /* AFS */
        0x6b414653, /* kAFS */
        0x73757245, /* Coda */
        0x65735546, /* FUSE */
        0x0bd00bd0, /* Lustre */
        0x01161970, /* GFS2 */
        0x7461636f, /* OCFS2 */
        0x47504653, /* GPFS */
        0x786f4256, /* VirtualBox shared folder */
        0xbacbacbc, /* VMware shared folder */
    };

    for (size_t i = 0; i < sizeof network / sizeof network[0]; i++) {
        if ((uint32_t)filesystem_magic == network[i]) {
            return true;
        }
    }
    return false;
}

char *sqlite_place_beside(const char *path, const char *suffix)
{
    struct buf joined = { 0 };

    buf_append_text(&joined, path);
    buf_append_text(&joined, suffix);
    char *text = mem_text_of(joined.at, joined.size);
    buf_clear(&joined);
    return text;
}

static bool place_check_folder(int fd, const char *folder, const struct place_error *error)
{
    struct statfs disk;
    struct stat file;

    if (fstatfs(fd, &disk) != 0 || fstat(fd, &file) != 0) {
        (void)snprintf(error->text, error->size, "cannot look at the folder %s (%s)", folder,
                       strerrordesc_np(errno));
        return false;
    }
    if (sqlite_place_is_network((int64_t)disk.f_type)) {
        (void)snprintf(error->text, error->size,
                       "the folder %s is on a network or FUSE file system, where SQLite loses"
                       " data: put the database on a local disk",
                       folder);
        return false;
    }
    if (file.st_uid != geteuid()) {
        (void)snprintf(error->text, error->size,
                       "the folder %s belongs to another user: chown it to the one that runs"
                       " the daemon",
                       folder);
        return false;
    }
    if ((file.st_mode & 0077) != 0 && fchmod(fd, PLACE_FOLDER_MODE) != 0) {
        (void)snprintf(error->text, error->size, "others may enter the folder %s: chmod 700 it",
                       folder);
        return false;
    }
    return true;
}

static bool place_lock(struct sqlite_store *store, const struct place_error *error)
{
    char *path = sqlite_place_beside(store->path, "-lock");

    store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, PLACE_FILE_MODE);
    if (store->lock_fd < 0) {
        (void)snprintf(error->text, error->size, "cannot create %s (%s): make its folder writable",
                       path, strerrordesc_np(errno));
    }
    free(path);
    if (store->lock_fd < 0) {
        return false;
    }
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        (void)snprintf(error->text, error->size,
                       "the database %s is in use by another sealpostd: stop that one first",
                       store->path);
        return false;
    }
    return true;
}

static bool place_create_file(const struct sqlite_store *store, int folder_fd,
                              const struct place_error *error)
{
    struct stat file;
    int fd = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, PLACE_FILE_MODE);

    if (fd < 0) {
        (void)snprintf(error->text, error->size,
                       "cannot open the database %s (%s): it must be a file that the daemon may"
                       " read and write",
                       store->path, strerrordesc_np(errno));
        return false;
    }
    bool is_good = fstat(fd, &file) == 0 && S_ISREG(file.st_mode) &&
                   fchmod(fd, PLACE_FILE_MODE) == 0 && fsync(fd) == 0 && fsync(folder_fd) == 0;
    if (!is_good) {
        (void)snprintf(error->text, error->size,
                       "cannot use the database %s: it must be a regular file that belongs to"
                       " the daemon's user",
                       store->path);
    }
    (void)close(fd);
    return is_good;
}

bool sqlite_place_prepare(struct sqlite_store *store, char *out_error, size_t error_size)
{
    const struct place_error error = { .text = out_error, .size = error_size };
    const char *slash = strrchr(store->path, '/');
    char *folder =
        slash == NULL ? mem_text(".") : mem_text_of(store->path, (size_t)(slash - store->path) + 1);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_good = false;

    if (fd < 0) {
        (void)snprintf(out_error, error_size,
                       "cannot open the folder %s (%s): create it and give it to the daemon's user",
                       folder, strerrordesc_np(errno));
    } else {
        is_good = place_check_folder(fd, folder, &error) && place_lock(store, &error) &&
                  place_create_file(store, fd, &error);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    free(folder);
    return is_good;
}

void sqlite_place_leave(struct sqlite_store *store)
{
    if (store->lock_fd >= 0) {
        (void)close(
            store->lock_fd); /* the lock goes with it; the file stays, or two could hold it */
        store->lock_fd = -1;
    }
}

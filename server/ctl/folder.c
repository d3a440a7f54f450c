/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ctl/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "server/ctl/say.h"

enum {
    FOLDER_MODE = 0700,
    FILE_MODE = 0600,
    FILE_MAX_BYTES = 1048576,
    READ_BYTES = 65536,
    ENDING_BYTES = 32,
    WALK_DESCRIPTORS = 16,
};

/* Return folder/name + ending, to be freed. */
static char *path_of(const char *folder, const char *name, const char *ending)
{
    struct buf path = { 0 };

    buf_append_format(&path, "%s/%s%s", folder, name, ending);
    char *text = mem_text_of(path.at, path.size);
    buf_clear(&path);
    return text;
}

static bool make_one(const char *folder)
{
    if (mkdir(folder, FOLDER_MODE) != 0 && errno != EEXIST) {
        say_error("cannot make the folder %s: %s", folder, strerrordesc_np(errno));
        return false;
    }
    return true;
}

bool folder_make(const char *folder)
{
    char *path = mem_text(folder);
    bool is_made = true;

    for (char *slash = strchr(path + 1, '/'); is_made && path[0] != '\0' && slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        is_made = make_one(path);
        *slash = '/';
    }
    is_made = is_made && make_one(path);
    free(path);
    return is_made;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

void folder_remove(const char *folder)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): this program has one thread */
    if (nftw(folder, remove_one, WALK_DESCRIPTORS, FTW_DEPTH | FTW_PHYS) != 0) {
        say_error("cannot remove %s: %s", folder, strerrordesc_np(errno));
    }
}

bool folder_has(const char *folder, const char *name)
{
    char *path = path_of(folder, name, "");
    bool is_there = access(path, F_OK) == 0;

    free(path);
    return is_there;
}

static bool write_whole(int fd, struct bytes content)
{
    while (content.size > 0) {
        ssize_t size = write(fd, content.at, content.size);
        if (size < 0 && errno != EINTR) {
            return false;
        }
        if (size > 0) {
            content = bytes_of(content.at + size, content.size - (size_t)size);
        }
    }
    return fsync(fd) == 0;
}

/* Make what was renamed in folder last. */
static bool folder_sync(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return false;
    }
    bool is_synced = fsync(fd) == 0;
    (void)close(fd);
    return is_synced;
}

static bool file_create(const char *path, struct bytes content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);

    if (fd < 0) {
        return false;
    }
    bool is_written = write_whole(fd, content);
    return close(fd) == 0 && is_written;
}

bool folder_write(const char *folder, const char *name, struct bytes content)
{
    char ending[ENDING_BYTES];
    char *path = path_of(folder, name, "");

    /* Each process has its own: one must not replace the file by what another is writing. */
    (void)snprintf(ending, sizeof ending, ".%ld.new", (long)getpid());
    char *fresh = path_of(folder, name, ending);
    bool is_written =
        file_create(fresh, content) && rename(fresh, path) == 0 && folder_sync(folder);
    if (!is_written) {
        say_error("cannot write %s: %s", path, strerrordesc_np(errno));
        (void)unlink(fresh);
    }
    free(fresh);
    free(path);
    return is_written;
}

int folder_lock(const char *folder, const char *name)
{
    char *path = path_of(folder, name, "");
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);

    if (lock < 0) {
        say_error("cannot create %s: %s", path, strerrordesc_np(errno));
    } else if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        say_error("another sealpost is at work in %s (%s): try again when it is done", folder,
                  strerrordesc_np(errno));
        (void)close(lock);
        lock = -1;
    }
    free(path);
    return lock;
}

void folder_unlock(int lock)
{
    (void)close(lock);
}

static bool read_all(int fd, size_t max, struct buf *out)
{
    ssize_t size = 0;

    do {
        buf_reserve(out, READ_BYTES);
        size = read(fd, out->at + out->size, READ_BYTES);
        out->size += size > 0 ? (size_t)size : 0;
        if (out->size > max) {
            errno = EFBIG;
            return false;
        }
    } while (size > 0 || (size < 0 && errno == EINTR));
    return size == 0;
}

bool folder_read_path(const char *path, size_t max, struct buf *out)
{
    bool is_input = strcmp(path, "-") == 0;
    int fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    bool is_read = fd >= 0 && read_all(fd, max, out);

    if (!is_read) {
        say_error("cannot read %s: %s", is_input ? "standard input" : path, strerrordesc_np(errno));
    }
    if (fd >= 0 && !is_input) {
        (void)close(fd);
    }
    return is_read;
}

bool folder_read(const char *folder, const char *name, struct buf *out)
{
    char *path = path_of(folder, name, "");
    bool is_read = folder_read_path(path, FILE_MAX_BYTES, out);

    free(path);
    return is_read;
}

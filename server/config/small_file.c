/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "server/config/fault.h"

enum {
    ALL_BITS = 07777
};

static bool read_all(int fd, size_t max_bytes, struct buf *out)
{
    char piece[4096];
    size_t total = 0;
    ssize_t got = 0;

    do {
        got = read(fd, piece, sizeof piece);
        if (got > 0) {
            buf_append(out, bytes_of(piece, (size_t)got));
            total += (size_t)got;
        }
    } while ((got > 0 && total <= max_bytes) || (got < 0 && errno == EINTR));
    return got >= 0;
}

static bool file_read(const char *path, size_t max_bytes, mode_t not_allowed, struct buf *out,
                      const struct fault *fault)
{
    struct stat status;
    size_t before = out->size;
    bool good = false;
    /* O_NONBLOCK: opening a pipe that nobody writes would wait for good. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        return fault_say(fault, "%s: cannot be opened (%s); check the path and its permissions",
                         path, fault_reason(errno));
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        (void)fault_say(fault, "%s: this is no regular file; put a file there", path);
    } else if ((status.st_mode & not_allowed) != 0) {
        (void)fault_say(fault, "%s: others may write it (mode %04o); run: chmod o-w %s", path,
                        status.st_mode & ALL_BITS, path);
    } else if (!read_all(fd, max_bytes, out)) {
        (void)fault_say(fault, "%s: cannot be read (%s)", path, fault_reason(errno));
    } else if (out->size - before > max_bytes) {
        (void)fault_say(fault, "%s: is larger than %zu bytes; is it the right file?", path,
                        max_bytes);
    } else {
        good = true;
    }
    (void)close(fd);
    return good;
}

bool small_file_read(const char *path, size_t max_bytes, struct buf *out, const struct fault *fault)
{
    return file_read(path, max_bytes, 0, out, fault);
}

bool small_file_read_closed(const char *path, size_t max_bytes, struct buf *out,
                            const struct fault *fault)
{
    return file_read(path, max_bytes, S_IWOTH, out, fault);
}

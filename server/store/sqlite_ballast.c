/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delete needs room too: its pages go to the log first.  So a file of real
 * blocks lies beside the database and is given up when the disk is full.  Only
 * batches that free may use that room (store_batch_frees); what inserts ends
 * STORE_FULL until the file could be built again with some margin to spare.
 *
 * When the disk is full the log's pages must still find room in the database
 * file before the log can begin anew.  So the log may not grow past three
 * quarters of the ballast: the writer waits for a checkpoint at that length, and
 * groups are small enough not to jump over it.
 *
 * On a small file system the ballast is an eighth of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/log.h"
#include "server/store/sqlite_health_private.h"
#include "server/store/sqlite_private.h"

enum {
    BALLAST_SHARE = 8,
    BALLAST_MARGIN_SHARE = 4,
    BALLAST_MARGIN_MIN = 1048576
};

static int64_t ballast_margin(const struct sqlite_ballast *ballast)
{
    int64_t margin = ballast->size / BALLAST_MARGIN_SHARE;

    return margin < BALLAST_MARGIN_MIN ? BALLAST_MARGIN_MIN : margin;
}

bool sqlite_ballast_fits(const struct sqlite_store *store, int64_t extra_bytes)
{
    const struct sqlite_ballast *ballast = &store->ballast;
    struct statvfs disk;

    if (statvfs(store->path, &disk) != 0) {
        return false;
    }
    uint64_t available = (uint64_t)disk.f_bavail * disk.f_frsize + (uint64_t)extra_bytes;
    return available >= (uint64_t)(ballast->size + ballast_margin(ballast));
}

static void ballast_empty(const struct sqlite_ballast *ballast)
{
    if (ftruncate(ballast->fd, 0) != 0) {
        log_warn("store.ballast", "path=\"%s\" why=\"%s\"", ballast->path, strerrordesc_np(errno));
    }
}

bool sqlite_ballast_build(struct sqlite_store *store)
{
    struct sqlite_ballast *ballast = &store->ballast;

    if (ballast->is_held) {
        return true;
    }
    if (!sqlite_ballast_fits(store, 0)) {
        return false;
    }
    if (ballast->size > 0 && posix_fallocate(ballast->fd, 0, ballast->size) != 0) {
        ballast_empty(ballast); /* keep no part of it: others wait for space too */
        return false;
    }
    ballast->is_held = true;
    return true;
}

void sqlite_ballast_give_up(struct sqlite_store *store)
{
    struct sqlite_ballast *ballast = &store->ballast;

    ballast->is_held = false;
    if (ballast->fd >= 0) {
        ballast_empty(ballast);
    }
}

static int64_t ballast_bounded(const struct sqlite_store *store, int64_t bytes)
{
    struct statvfs disk;

    if (statvfs(store->path, &disk) != 0) {
        return bytes;
    }
    uint64_t share = (uint64_t)disk.f_blocks * disk.f_frsize / BALLAST_SHARE;
    return share < (uint64_t)bytes ? (int64_t)share : bytes;
}

/* Say whether the file already has its blocks, and cut it when it is too long. */
static bool ballast_is_there(const struct sqlite_ballast *ballast)
{
    struct stat file;

    if (fstat(ballast->fd, &file) != 0 || file.st_size < ballast->size) {
        return false;
    }
    if (file.st_size > ballast->size && ftruncate(ballast->fd, ballast->size) != 0) {
        return false;
    }
    return ballast->size > 0 && (int64_t)file.st_blocks * 512 >= ballast->size;
}

static int ballast_least(int64_t a, int64_t b)
{
    return (int)(a < b ? a : b);
}

static void ballast_set_limits(struct sqlite_store *store)
{
    int64_t pages = store->ballast.size / SQLITE_PAGE_BYTES;

    store->wal_step = SQLITE_WAL_PAGES;
    store->wal_limit = INT_MAX;
    store->group_bytes = SQLITE_GROUP_BYTES;
    if (pages > 0) {
        store->wal_step = ballast_least(pages / 4, store->wal_step);
        store->wal_limit = ballast_least(pages * 3 / 4, store->wal_limit);
        store->group_bytes = ballast_least(store->ballast.size / 8, store->group_bytes);
    }
}

bool sqlite_ballast_init(struct sqlite_store *store, int64_t bytes, char *out_error,
                         size_t error_size)
{
    struct sqlite_ballast *ballast = &store->ballast;

    ballast->path = sqlite_place_beside(store->path, "-ballast");
    ballast->size = ballast_bounded(store, bytes);
    ballast->fd = open(ballast->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (ballast->fd < 0) {
        (void)snprintf(out_error, error_size, "cannot create %s (%s): make its folder writable",
                       ballast->path, strerrordesc_np(errno));
        return false;
    }
    ballast->is_held = ballast_is_there(ballast);
    ballast_set_limits(store);
    return true;
}

void sqlite_ballast_clear(struct sqlite_ballast *ballast)
{
    if (ballast->fd >= 0) {
        (void)close(ballast->fd);
        ballast->fd = -1;
    }
    free(ballast->path);
    ballast->path = NULL;
}

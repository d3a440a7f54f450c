/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A clock that a test can move: preloaded into the daemon, it adds the seconds
 * in a mapped file to every look at a clock, wall and steady alike, as if the
 * machine had waited.  It takes no memory and no lock, so that it also works
 * inside a sanitizer's allocator.  The file ($CLOCK_SHIM) holds one int64_t.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset_s;

__attribute__((constructor)) static void map_offset(void)
{
    const char *path = getenv("CLOCK_SHIM"); /* NOLINT(concurrency-mt-unsafe): no thread yet */
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *at = MAP_FAILED;

    if (fd >= 0) {
        at = mmap(NULL, sizeof *offset_s, PROT_READ, MAP_SHARED, fd, 0);
        (void)close(fd);
    }
    if (at != MAP_FAILED) {
        offset_s = at;
    }
}

static int is_moved(clockid_t id)
{
    return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC ||
           id == CLOCK_MONOTONIC_COARSE || id == CLOCK_MONOTONIC_RAW || id == CLOCK_BOOTTIME;
}

/* The library's own parameter names are reserved ones. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

int clock_gettime(clockid_t id, struct timespec *out)
{
    long result = syscall(SYS_clock_gettime, id, out);

    if (result == 0 && offset_s != NULL && is_moved(id)) {
        out->tv_sec += *offset_s;
    }
    return (int)result;
}

time_t time(time_t *out)
{
    struct timespec now = { 0 };

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec now = { 0 };

    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *out = (struct timeval){ .tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000 };
    return 0;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

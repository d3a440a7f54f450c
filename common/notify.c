/* SPDX-License-Identifier: Apache-2.0 */
#include "common/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/decimal.h"
#include "common/mem.h"

enum {
    MESSAGE_BYTES = 512,
    US_A_MS = 1000
};

struct notify {
    struct sockaddr_un address;
    socklen_t address_size;
    int fd;
    int64_t watchdog_ms;
};

/* A path, or an abstract name behind an "@". */
static bool read_address(const char *text, struct notify *notify)
{
    size_t size = strlen(text);

    if ((text[0] != '/' && text[0] != '@') || size < 2 || size >= sizeof notify->address.sun_path) {
        return false;
    }
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, text, size);
    if (text[0] == '@') {
        notify->address.sun_path[0] = '\0';
    }
    notify->address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    return true;
}

/* A number in the environment; 0: none. */
static int64_t read_number(const char *name)
{
    const char *text = secure_getenv(name);
    int64_t value = 0;

    return text != NULL && decimal_parse(bytes_text(text), INT64_MAX, &value) ? value : 0;
}

static int64_t read_watchdog_ms(void)
{
    int64_t pid = read_number("WATCHDOG_PID");

    return pid == 0 || pid == getpid() ? read_number("WATCHDOG_USEC") / US_A_MS : 0;
}

struct notify *notify_create(void)
{
    const char *where = secure_getenv("NOTIFY_SOCKET");
    struct notify *notify = NULL;

    if (where != NULL) {
        notify = mem_zeroed(1, sizeof *notify);
        notify->fd =
            read_address(where, notify) ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
        notify->watchdog_ms = read_watchdog_ms();
        if (notify->fd < 0) {
            free(notify);
            notify = NULL;
        }
    }
    /* NOLINTBEGIN(concurrency-mt-unsafe): before any thread */
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    /* NOLINTEND(concurrency-mt-unsafe) */
    return notify;
}

void notify_destroy(struct notify *notify)
{
    if (notify != NULL) {
        (void)close(notify->fd);
        free(notify);
    }
}

bool notify_say(const struct notify *notify, const char *format, ...)
{
    char text[MESSAGE_BYTES];
    va_list values;
    int size = 0;

    if (notify == NULL) {
        return true;
    }
    va_start(values, format);
    size = vsnprintf(text, sizeof text, format, values);
    va_end(values);
    if (size < 0 || (size_t)size >= sizeof text) {
        return false;
    }
    return sendto(notify->fd, text, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT,
                  (const struct sockaddr *)&notify->address, notify->address_size) == size;
}

int64_t notify_watchdog_ms(const struct notify *notify)
{
    return notify == NULL ? 0 : notify->watchdog_ms;
}

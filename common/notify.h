/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service manager is told: sd_notify(3), one datagram a message to the unix socket that
 * NOTIFY_SOCKET names, and WATCHDOG_USEC, how long it waits for a sign of life.  The protocol is
 * stable and small, so no library is linked for it.  One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct notify;

/*
 * Take the manager's variables out of the environment, so that no child has them.  NULL when
 * nobody asks to be told, or NOTIFY_SOCKET is no address of a unix socket.  Before any thread.
 */
struct notify *notify_create(void);

/* Close the socket.  Takes NULL. */
void notify_destroy(struct notify *notify);

/*
 * Send lines of NAME=VALUE, parted by newlines, at most 512 bytes.  Never waits; false when it
 * could not be sent.  With NULL nothing is done, and that is true.
 */
__attribute__((format(printf, 2, 3))) bool notify_say(const struct notify *notify,
                                                      const char *format, ...);

/* Within how many ms the manager wants WATCHDOG=1 each time; 0: it does not, or not from this process. */
int64_t notify_watchdog_ms(const struct notify *notify);

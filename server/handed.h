/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets that a service manager has opened and hands over, sd_listen_fds(3): descriptors from 3
 * on, LISTEN_FDS of them, meant for the process LISTEN_PID, with names in LISTEN_FDNAMES.  They
 * take the place of what the configuration says for listeners of the same name, and stay open
 * with the manager over a restart: clients wait in their queue and are not refused.  Before any
 * other thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    HANDED_MAX = 64 /* more are refused */
};

struct handed {
    const char *names[HANDED_MAX]; /* "clients", "tls" or "ops"; static text */
    size_t count;
};

/*
 * Look at what was handed over, and take the variables out of the environment.  False with a
 * sentence in out_error when a descriptor is no listening stream socket, has another name, is
 * called "tls" without has_tls, or is called "ops" and can be reached from elsewhere.
 */
bool handed_check(struct handed *out, bool has_tls, char *out_error, size_t error_size);

/* Say whether one of that name is there. */
bool handed_has(const struct handed *handed, const char *name);

/* Call fn for each; the descriptor becomes its own, does not block and is closed on exec. */
typedef void handed_fn(void *arg, int fd, const char *name);
void handed_take(const struct handed *handed, handed_fn *fn, void *arg);

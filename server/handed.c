/* SPDX-License-Identifier: Apache-2.0 */
#include "server/handed.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/decimal.h"

enum {
    FIRST_FD = 3,
    LOOPBACK_NET = 127,
    NAME_SHOWN = 64
};

static const char *const known[] = { "clients", "tls", "ops" };

/* A number in the environment; 0: none. */
static int64_t read_number(const char *name)
{
    const char *text = secure_getenv(name);
    int64_t value = 0;

    return text != NULL && decimal_parse(bytes_text(text), INT32_MAX, &value) ? value : 0;
}

static bool is_listening(int fd)
{
    int type = 0;
    int listens = 0;
    socklen_t size = sizeof type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM) {
        return false;
    }
    size = sizeof listens;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0;
}

/* Reached from this machine alone: a loopback address, or a unix socket. */
static bool is_local(int fd)
{
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof address;

    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        return false;
    }
    if (address.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == LOOPBACK_NET;
    }
    if (address.ss_family == AF_INET6) {
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)&address)->sin6_addr);
    }
    return address.ss_family == AF_UNIX;
}

/* The name that begins names, up to a colon; NULL when it is none of ours. */
static const char *find_name(const char *names)
{
    size_t size = strcspn(names, ":");

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strlen(known[i]) == size && memcmp(known[i], names, size) == 0) {
            return known[i];
        }
    }
    return NULL;
}

/* What is wrong with a descriptor of that name, and what to do; NULL: nothing. */
static const char *fault_of(int fd, const char *name, bool has_tls)
{
    if (name == NULL) {
        return "has a name that is not clients, tls or ops; give it one by FileDescriptorName= of "
               "its socket unit";
    }
    if (!is_listening(fd)) {
        return "is no stream socket that listens; use ListenStream= and Accept=no in its socket "
               "unit";
    }
    if (strcmp(name, "tls") == 0 && !has_tls) {
        return "is for TLS, and there is no certificate: set tls_listen, tls_cert and tls_key";
    }
    if (strcmp(name, "ops") == 0 && !is_local(fd)) {
        return "can be reached from elsewhere; ops takes a loopback address or a unix socket";
    }
    return NULL;
}

static bool check_each(struct handed *out, const char *names, bool has_tls, char *out_error,
                       size_t error_size)
{
    for (size_t i = 0; i < out->count; i++) {
        int fd = FIRST_FD + (int)i;
        const char *name = find_name(names);
        const char *fault = fault_of(fd, name, has_tls);
        if (fault != NULL) {
            size_t size = strcspn(names, ":");
            (void)snprintf(out_error, error_size, "the socket %.*s (descriptor %d) handed over %s",
                           (int)(size < NAME_SHOWN ? size : NAME_SHOWN), names, fd, fault);
            return false;
        }
        out->names[i] = name;
        names += strcspn(names, ":");
        names += *names == ':' ? 1 : 0;
    }
    return true;
}

bool handed_check(struct handed *out, bool has_tls, char *out_error, size_t error_size)
{
    int64_t count = read_number("LISTEN_PID") == getpid() ? read_number("LISTEN_FDS") : 0;
    const char *names = secure_getenv("LISTEN_FDNAMES");
    bool good = false;

    out->count = 0;
    if (count > HANDED_MAX) {
        (void)snprintf(out_error, error_size, "more than %d sockets were handed over; use fewer",
                       (int)HANDED_MAX);
    } else {
        out->count = (size_t)count;
        good = check_each(out, names == NULL ? "" : names, has_tls, out_error, error_size);
    }
    /* NOLINTBEGIN(concurrency-mt-unsafe): before any thread */
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    /* NOLINTEND(concurrency-mt-unsafe) */
    return good;
}

bool handed_has(const struct handed *handed, const char *name)
{
    for (size_t i = 0; i < handed->count; i++) {
        if (strcmp(handed->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

void handed_take(const struct handed *handed, handed_fn *fn, void *arg)
{
    for (size_t i = 0; i < handed->count; i++) {
        int fd = FIRST_FD + (int)i;
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
        (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
        fn(arg, fd, handed->names[i]);
    }
}

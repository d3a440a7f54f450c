/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses: where to listen, as an operator writes it, and the names of
 * clients.  Whatever fails here fails at start, so each sentence says what to do.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/network.h"
#include "server/net/listener_private.h"
#include "server/net/peer.h"

enum {
    ADDRESS_BYTES = 64,
    PORT_PRIVILEGED = 1024
};

bool address_fail(struct listen_error error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(error.at, error.size, format, args);
    va_end(args);
    return false;
}

/* Split "ADDRESS:PORT" or "[V6]:PORT"; false when it is neither. */
static bool split_where(const char *where, char *out_address, const char **out_port)
{
    const char *from = where[0] == '[' ? where + 1 : where;
    const char *end = where[0] == '[' ? strstr(where, "]:") : strrchr(where, ':');

    if (end == NULL || end == from || end - from >= ADDRESS_BYTES) {
        return false;
    }
    memcpy(out_address, from, (size_t)(end - from));
    out_address[end - from] = '\0';
    *out_port = where[0] == '[' ? end + 2 : end + 1;
    return (*out_port)[0] != '\0' && (*out_port)[strspn(*out_port, "0123456789")] == '\0' &&
           strtoul(*out_port, NULL, 10) <= UINT16_MAX;
}

static bool fail_bind(struct listen_error error, const char *where, int why, unsigned long port)
{
    if (why == EADDRINUSE) {
        return address_fail(
            error, "%s is in use: stop the program that listens there, or name another port",
            where);
    }
    if (why == EACCES && port < PORT_PRIVILEGED) {
        return address_fail(
            error,
            "no permission to listen on %s: ports below 1024 need CAP_NET_BIND_SERVICE; "
            "use a higher port behind a reverse proxy",
            where);
    }
    if (why == EADDRNOTAVAIL) {
        return address_fail(
            error, "this machine has no address %s: name one of its own, or 0.0.0.0 or [::]",
            where);
    }
    return address_fail(error, "cannot listen on %s: %s", where, strerrordesc_np(why));
}

static int open_tcp(const struct addrinfo *address)
{
    const int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->ai_family == AF_INET6) { /* so that 0.0.0.0:P and [::]:P can stand together */
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, LISTEN_BACKLOG) != 0) {
        int why = errno;
        (void)close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof address;

    (void)getsockname(fd, (struct sockaddr *)&address, &size);
    if (address.ss_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, &address, sizeof v6);
        return ntohs(v6.sin6_port);
    }
    struct sockaddr_in v4;
    memcpy(&v4, &address, sizeof v4);
    return ntohs(v4.sin_port);
}

bool address_listen_tcp(struct listener *listener, const char *where, struct listen_error error)
{
    const struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        .ai_socktype = SOCK_STREAM,
    };
    char address[ADDRESS_BYTES];
    const char *port;
    struct addrinfo *found = NULL;

    if (!split_where(where, address, &port)) {
        return address_fail(error,
                            "\"%s\" is no place to listen: write ADDRESS:PORT, [IPV6]:PORT or "
                            "unix:/path",
                            where);
    }
    if (getaddrinfo(address, port, &hints, &found) != 0) {
        return address_fail(
            error, "\"%s\" is no numeric address: write one like 127.0.0.1 or [::1]", address);
    }
    listener->fd = open_tcp(found);
    int why = errno;
    freeaddrinfo(found);
    if (listener->fd < 0) {
        return fail_bind(error, where, why, strtoul(port, NULL, 10));
    }
    listener->port = port_of(listener->fd);
    return true;
}

struct peer_origin address_origin(const struct sockaddr_storage *address)
{
    struct peer_origin origin = { .is_unix = false };
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address->ss_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        origin.address.raw[10] = 0xff; /* the mapped form of network.h */
        origin.address.raw[11] = 0xff;
        memcpy(origin.address.raw + 12, &v4.sin_addr, sizeof v4.sin_addr);
    } else if (address->ss_family == AF_INET6) {
        memcpy(&v6, address, sizeof v6);
        memcpy(origin.address.raw, &v6.sin6_addr, sizeof origin.address.raw);
    } else {
        origin.is_unix = true;
    }
    return origin;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/net/conn.h"
#include "server/net/conn_private.h"
#include "server/net/crowd.h"
#include "server/net/listener_private.h"
#include "server/net/net.h"
#include "server/net/net_private.h"
#include "server/net/peer.h"
#include "server/net/proxy_accept.h"
#include "server/net/tls_private.h"

enum {
    ACCEPT_BATCH = 64,
    ACCEPT_RETRY_US = 250000,
    ACCEPT_WARN_MS = 10000
};

static bool is_full(const struct listener *listener)
{
    return listener->counts &&
           listener->net->counted >= (size_t)listener->net->limits.max_connections;
}

/* Count a client's connection for its address; proxies have as many as they like. */
static bool is_admitted(struct listener *listener, const struct peer_origin *origin,
                        struct crowd_member **out_member)
{
    struct net *net = listener->net;

    *out_member = NULL;
    return !listener->counts || peer_is_trusted(net->trust, origin) ||
           crowd_enter(net->crowd, origin, out_member);
}

/* Handshakes are what a stranger can make us pay for most: only so many at once.  Behind a PROXY
 * header there is another look, when the handshake begins. */
static bool has_room_to_shake(const struct listener *listener)
{
    if (listener->tls == NULL || tls_accept_has_room(listener->tls)) {
        return true;
    }
    metrics_add(METRIC_tls_handshakes_refused, 1);
    return false;
}

void listener_serve(struct conn *conn, const struct tls_door *door)
{
    if (door->tls != NULL) {
        tls_accept_begin(conn, door);
        return;
    }
    const struct conn_protocol *before = conn->protocol;
    door->accept_fn(door->arg, conn);
    if (conn->protocol == before) {
        conn_close(conn, CONN_END_OURS);
    }
}

static void greet(struct listener *listener, int fd, const struct peer_origin *origin,
                  struct crowd_member *member)
{
    const int on = 1;

    if (listener->unix_path == NULL) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    struct conn *conn = net_add(listener->net, fd, origin, listener->counts);
    conn->member = member;
    const struct tls_door door = { .tls = listener->tls,
                                   .accept_fn = listener->accept_fn,
                                   .plain_fn = listener->plain_fn,
                                   .arg = listener->arg };
    (listener->is_proxied ? proxy_accept_begin : listener_serve)(conn, &door);
}

/* Out of descriptors or memory: the socket stays ready, so look away for a moment. */
static void rest(struct listener *listener, int why)
{
    const struct timeval wait = { .tv_usec = ACCEPT_RETRY_US };
    int64_t now = clock_steady_ms();
    struct net *net = listener->net;

    metrics_add(METRIC_accept_rests, 1);
    (void)event_del(&listener->ready);
    (void)event_add(&listener->retry, &wait);
    if (net->accept_warned_ms == 0 || now - net->accept_warned_ms >= ACCEPT_WARN_MS) {
        net->accept_warned_ms = now;
        log_warn("net.accept",
                 "error=\"%s\" connections=%zu advice=\"raise LimitNOFILE or lower "
                 "max_connections\"",
                 strerrordesc_np(why), net->count);
    }
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Take one connection; false when there is none left or none can be taken. */
static bool accept_one(struct listener *listener)
{
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof address;
    struct peer_origin origin;
    struct crowd_member *member = NULL;
    int fd =
        accept4(listener->fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        if (is_shortage(errno)) {
            rest(listener, errno);
            return false;
        }
        return errno != EAGAIN; /* that one left before its turn */
    }
    if (is_full(listener) || !has_room_to_shake(listener)) {
        metrics_add(METRIC_connections_refused, 1);
        (void)close(fd);
        return true;
    }
    origin = address_origin(&address);
    if (listener->is_proxied && !peer_is_trusted(listener->net->trust, &origin)) {
        proxy_accept_refuse(listener->net, "it comes from none of trusted_proxies");
        (void)close(fd);
        return true;
    }
    if (!is_admitted(listener, &origin, &member)) {
        metrics_add(METRIC_connections_refused_address, 1);
        (void)close(fd);
        return true;
    }
    greet(listener, fd, &origin, member);
    return true;
}

static void on_ready(int fd, short what, void *arg)
{
    struct listener *listener = arg;
    struct net *net = listener->net;

    (void)fd;
    (void)what;
    (void)loop_steady_ms(net->loop);
    net->in_turn = true;
    for (int i = 0; i < ACCEPT_BATCH && accept_one(listener); i++) {
    }
    net->in_turn = false;
}

static void on_retry(int fd, short what, void *arg)
{
    struct listener *listener = arg;

    (void)fd;
    (void)what;
    (void)event_add(&listener->ready, NULL);
}

static void begin(struct listener *listener)
{
    struct net *net = listener->net;

    (void)event_assign(&listener->ready, loop_base(net->loop), listener->fd, EV_READ | EV_PERSIST,
                       on_ready, listener);
    (void)event_assign(&listener->retry, loop_base(net->loop), -1, 0, on_retry, listener);
    (void)event_add(&listener->ready, NULL);
    TAILQ_INSERT_TAIL(&net->listeners, listener, link);
}

/* The port of a bound socket; 0 for a unix socket. */
static uint16_t port_of(int fd)
{
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof address;

    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        return 0;
    }
    if (address.ss_family == AF_INET6) {
        return ntohs(((const struct sockaddr_in6 *)&address)->sin6_port);
    }
    return address.ss_family == AF_INET ? ntohs(((const struct sockaddr_in *)&address)->sin_port)
                                        : 0;
}

struct listener *net_listen_handed(struct net *net, int fd, bool counts, net_accept_fn *accept_fn,
                                   void *arg)
{
    struct listener *listener = mem_zeroed(1, sizeof *listener);

    listener->net = net;
    listener->counts = counts;
    listener->accept_fn = accept_fn;
    listener->arg = arg;
    listener->fd = fd;
    listener->port = port_of(fd);
    begin(listener);
    return listener;
}

/* NOLINTBEGIN(readability-function-size,readability-non-const-parameter): where to write an
 * error is one thing in two parameters, and it is written through a struct. */
struct listener *net_listen(struct net *net, const char *where, bool counts,
                            net_accept_fn *accept_fn, void *arg, char *out_error, size_t error_size)
{
    struct listener *listener = mem_zeroed(1, sizeof *listener);
    struct listen_error error = { .at = out_error, .size = error_size };
    bool is_unix = strncmp(where, "unix:", strlen("unix:")) == 0;

    listener->net = net;
    listener->counts = counts;
    listener->accept_fn = accept_fn;
    listener->arg = arg;
    if (!(is_unix ? address_listen_unix : address_listen_tcp)(listener, where, error)) {
        free(listener);
        return NULL;
    }
    begin(listener);
    return listener;
}
/* NOLINTEND(readability-function-size,readability-non-const-parameter) */

void listener_destroy(struct listener *listener)
{
    struct stat found;

    (void)event_del(&listener->ready);
    (void)event_del(&listener->retry);
    if (listener->unix_path != NULL && stat(listener->unix_path, &found) == 0 &&
        found.st_dev == listener->unix_device && found.st_ino == listener->unix_inode) {
        (void)unlink(listener->unix_path);
    }
    (void)close(listener->fd);
    free(listener->unix_path);
    free(listener);
}

void listener_set_tls(struct listener *listener, struct tls *tls, net_accept_fn *plain_fn)
{
    listener->tls = tls;
    listener->plain_fn = plain_fn;
}

void listener_set_proxied(struct listener *listener)
{
    listener->is_proxied = true;
}

uint16_t listener_port(const struct listener *listener)
{
    return listener->port;
}

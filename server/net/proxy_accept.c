/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header is looked at before it is taken from the kernel (conn->peeks), so that
 * not a byte of the client's is: TLS reads its descriptor by itself.  What is there
 * of a header that is not complete is taken and kept, lest the descriptor stays
 * ready and the loop spins.
 */
#include "server/net/proxy_accept.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/allowance.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/net/conn.h"
#include "server/net/conn_private.h"
#include "server/net/crowd.h"
#include "server/net/listener_private.h"
#include "server/net/net.h"
#include "server/net/net_private.h"
#include "server/net/peer.h"
#include "server/net/proxy_header.h"
#include "server/net/tls_private.h"

enum {
    WARN_MS = 10000
};

struct waiting {
    struct tls_door door;
    struct buf head; /* what came of the header, while it is not complete */
};

void proxy_accept_refuse(struct net *net, const char *why)
{
    int64_t now = clock_steady_ms();

    metrics_add(METRIC_proxy_headers_refused, 1);
    if (net->proxy_header_warned_ms == 0 || now - net->proxy_header_warned_ms >= WARN_MS) {
        net->proxy_header_warned_ms = now;
        log_warn("net.proxy_header",
                 "reason=\"%s\" effect=\"the connection was closed\" advice=\"have the proxies of "
                 "trusted_proxies, and nobody else, connect here, and send the PROXY protocol; or "
                 "set proxy_protocol to off\"",
                 why);
    }
}

static void leave(struct conn *conn)
{
    struct waiting *waiting = conn->arg;

    allowance_clear(conn_input_allowance(conn), &waiting->head);
    conn->arg = NULL;
    free(waiting);
}

static void refuse(struct conn *conn, const char *why)
{
    proxy_accept_refuse(conn->net, why);
    conn_close(conn, CONN_END_OURS);
}

/* Keep the front of a header; false when there is no memory for it. */
static bool keep(struct conn *conn, struct buf *head, struct bytes input)
{
    struct allowance *allowance = conn_input_allowance(conn);

    allowance_append(allowance, head, input);
    if (allowance_is_spent(allowance, 2)) {
        conn_close(conn, CONN_END_ROOM);
        return false;
    }
    return true;
}

/* Hold the connection to the limits of the address that it turned out to be of. */
static bool is_admitted(struct conn *conn)
{
    struct net *net = conn->net;

    if (peer_is_trusted(net->trust, &conn->origin) ||
        crowd_enter(net->crowd, &conn->origin, &conn->member)) {
        return true;
    }
    metrics_add(METRIC_connections_refused_address, 1);
    return false;
}

static void serve(struct conn *conn, const struct proxy_header *header)
{
    const struct tls_door door = ((struct waiting *)conn->arg)->door;

    metrics_add(METRIC_proxy_headers, 1);
    leave(conn);
    conn->peeks = false;
    conn->origin.word = PEER_UNNAMED;
    if (header->names_client) {
        conn->origin = (struct peer_origin){ .address = header->client, .word = PEER_NAMED };
    }
    if (!is_admitted(conn)) {
        conn_close(conn, CONN_END_OURS);
        return;
    }
    if (door.tls == NULL) {
        conn_set_deadline(conn, 0);
    } else if (!tls_accept_has_room(door.tls)) {
        metrics_add(METRIC_tls_handshakes_refused, 1);
        metrics_add(METRIC_connections_refused, 1);
        conn_close(conn, CONN_END_OURS);
        return;
    }
    listener_serve(conn, &door);
}

static size_t on_bytes(void *arg, struct conn *conn, struct bytes input);

/* Judge the header as far as it came: before bytes of it are kept already.  How many to take. */
static size_t look(struct conn *conn, struct bytes whole, size_t before)
{
    struct proxy_header header;

    switch (proxy_header_read(whole, &header)) {
    case PROXY_HEADER_DONE:
        serve(conn, &header);
        return header.bytes - before;
    case PROXY_HEADER_MORE:
        return whole.size - before;
    case PROXY_HEADER_ABSENT:
        refuse(conn, "it begins without a PROXY header");
        return 0;
    case PROXY_HEADER_BAD:
        refuse(conn, "its PROXY header is broken");
        return 0;
    }
    CHECK_UNREACHABLE();
}

/* Say whether the header is yet to come. */
static bool is_listening(const struct conn *conn)
{
    return conn->state == CONN_OPEN && conn->protocol->on_bytes == on_bytes;
}

static size_t on_bytes(void *arg, struct conn *conn, struct bytes input)
{
    struct waiting *waiting = arg;
    size_t before = waiting->head.size;
    struct bytes whole = input;

    if (before > 0) {
        if (!keep(conn, &waiting->head, input)) {
            return 0;
        }
        whole = buf_view(&waiting->head);
    }
    size_t taken = look(conn, whole, before);
    if (before == 0 && is_listening(conn)) {
        (void)keep(conn, &waiting->head, input);
    }
    return taken;
}

static void on_deadline(void *arg, struct conn *conn)
{
    (void)arg;
    proxy_accept_refuse(conn->net, "its PROXY header was not complete in time");
    conn_close(conn, CONN_END_DEADLINE);
}

static void on_closed(void *arg, struct conn *conn, enum conn_end end)
{
    (void)arg;
    (void)end;
    if (conn->arg != NULL) {
        leave(conn);
    }
}

static const struct conn_protocol listening = {
    .on_bytes = on_bytes,
    .on_deadline = on_deadline,
    .on_closed = on_closed,
};

void proxy_accept_begin(struct conn *conn, const struct tls_door *door)
{
    struct waiting *waiting = mem_zeroed(1, sizeof *waiting);

    waiting->door = *door;
    conn->peeks = true;
    conn_set_protocol(conn, &listening, waiting);
    conn_set_deadline(conn, conn->net->limits.proxy_timeout_ms);
}

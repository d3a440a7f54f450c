/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/net.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "common/check.h"
#include "common/loop.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/net/conn.h"
#include "server/net/conn_private.h"
#include "server/net/crowd.h"
#include "server/net/listener_private.h"
#include "server/net/net_private.h"
#include "server/net/peer.h"

static void on_again(int fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg; /* only there so that a turn happens, and with it its end */
}

static void net_remove(struct net *net, struct conn *conn)
{
    TAILQ_REMOVE(&net->conns, conn, link);
    net->count--;
    crowd_leave(net->crowd, conn->member);
    net->counted -= conn->counted ? 1 : 0;
    metrics_add(METRIC_connections_open, -1);
    conn_destroy(conn);
}

static void net_settle(struct net *net, struct conn *conn)
{
    TAILQ_REMOVE(&net->marked, conn, marked_link);
    conn->marked = false;
    if (!conn_io_settle(conn)) {
        net_remove(net, conn);
    }
}

/* Settle those that are marked now; who is marked meanwhile waits for the next turn, so
 * that one busy connection does not keep the others from theirs. */
static void on_turn_end(void *arg)
{
    struct net *net = arg;
    const struct conn *last = TAILQ_LAST(&net->marked, conn_list);

    net->in_turn = true;
    for (bool more = last != NULL; more;) {
        struct conn *conn = TAILQ_FIRST(&net->marked);
        more = conn != last;
        net_settle(net, conn);
    }
    net->relief_is_vain = false;
    net_relieve(net);
    net->relief_is_vain = false;
    net->in_turn = false;
    if (!TAILQ_EMPTY(&net->marked)) {
        event_active(&net->again, EV_TIMEOUT, 0);
    }
}

struct net *net_create(struct loop *loop, const struct net_limits *limits)
{
    struct net *net = mem_zeroed(1, sizeof *net);

    net->loop = loop;
    net->limits = *limits;
    net->trust = peer_trust_create(limits->trusted_proxies == NULL ? "" : limits->trusted_proxies);
    CHECK(net->trust != NULL); /* config_check has read it */
    net->crowd = crowd_create((size_t)limits->max_per_address);
    net->scratch = mem_raw(CONN_SCRATCH_BYTES);
    TAILQ_INIT(&net->conns);
    TAILQ_INIT(&net->marked);
    TAILQ_INIT(&net->listeners);
    (void)event_assign(&net->again, loop_base(loop), -1, 0, on_again, NULL);
    loop_at_turn_end(loop, on_turn_end, net);
    return net;
}

struct conn *net_add(struct net *net, int fd, const struct peer_origin *origin, bool counts)
{
    struct conn *conn = conn_create(net, fd, origin);

    conn->counted = counts;
    if (net->store_full && counts) {
        conn_pause(conn, CONN_PAUSE_STORE);
    }
    TAILQ_INSERT_TAIL(&net->conns, conn, link);
    net->count++;
    net->counted += counts ? 1 : 0;
    metrics_add(METRIC_connections_accepted, 1);
    metrics_add(METRIC_connections_open, 1);
    return conn;
}

void net_stop_listening(struct net *net)
{
    struct listener *listener;

    while ((listener = TAILQ_FIRST(&net->listeners)) != NULL) {
        TAILQ_REMOVE(&net->listeners, listener, link);
        listener_destroy(listener);
    }
}

void net_destroy(struct net *net)
{
    struct conn *conn;

    if (net == NULL) {
        return;
    }
    net_stop_listening(net);
    net->in_turn = true;
    while ((conn = TAILQ_FIRST(&net->conns)) != NULL) {
        conn_io_flush(conn);
        conn_close(conn, CONN_END_SHUTDOWN);
        net_remove(net, conn);
    }
    (void)event_del(&net->again);
    loop_not_at_turn_end(net->loop, on_turn_end, net);
    crowd_destroy(net->crowd);
    peer_trust_destroy(net->trust);
    free(net->scratch);
    free(net);
}

void net_set_store_pressure(struct net *net, bool full)
{
    if (net->store_full == full) {
        return;
    }
    net->store_full = full;
    for (struct conn *conn = TAILQ_FIRST(&net->conns); conn != NULL;
         conn = TAILQ_NEXT(conn, link)) {
        if (conn->counted && full) {
            conn_pause(conn, CONN_PAUSE_STORE);
        } else {
            conn_resume(conn, CONN_PAUSE_STORE);
        }
    }
}

size_t net_connection_count(const struct net *net)
{
    return net->count;
}

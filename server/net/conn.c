/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/conn.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/allowance.h"
#include "common/buf.h"
#include "common/check.h"
#include "common/clock.h"
#include "common/loop.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/net/conn_private.h"
#include "server/net/net.h"
#include "server/net/net_private.h"
#include "server/net/peer.h"
#include "server/net/tls_private.h"

static bool is_due(int64_t at, int64_t now)
{
    return at != 0 && at <= now;
}

static void on_timer(int fd, short what, void *arg)
{
    struct conn *conn = arg;
    int64_t now = clock_steady_ms();

    (void)fd;
    (void)what;
    (void)loop_steady_ms(conn->net->loop);
    conn->timer_at = 0;
    if (conn->state == CONN_DEAD) {
        return;
    }
    conn->net->in_turn = true;
    if (is_due(conn->give_up_at, now)) {
        conn_close(conn, conn->state == CONN_LINGERING ? conn->end : CONN_END_STALLED);
    } else if (is_due(conn->deadline_at, now)) {
        conn->deadline_at = 0;
        if (conn->protocol->on_deadline != NULL) {
            conn->protocol->on_deadline(conn->arg, conn);
        } else {
            conn_close(conn, CONN_END_DEADLINE);
        }
    }
    conn->net->in_turn = false;
    conn_set_timer(conn);
}

struct conn *conn_create(struct net *net, int fd, const struct peer_origin *origin)
{
    struct conn *conn = mem_zeroed(1, sizeof *conn);

    conn->net = net;
    conn->fd = fd;
    conn->origin = *origin;
    (void)event_assign(&conn->io, loop_base(net->loop), fd, EV_PERSIST, conn_io_ready, conn);
    (void)event_assign(&conn->timer, loop_base(net->loop), -1, 0, on_timer, conn);
    conn_mark(conn); /* polling begins at the turn's end */
    return conn;
}

static void conn_unmark(struct conn *conn)
{
    if (conn->marked) {
        TAILQ_REMOVE(&conn->net->marked, conn, marked_link);
        conn->marked = false;
    }
}

void conn_destroy(struct conn *conn)
{
    CHECK(conn->state == CONN_DEAD);
    conn_unmark(conn);
    tls_conn_destroy(conn->tls, conn->output.size == 0 && conn->end != CONN_END_ROOM);
    conn->tls = NULL;
    (void)event_del(&conn->io);
    (void)event_del(&conn->timer);
    (void)close(conn->fd);
    if (conn->protocol != NULL) {
        conn->protocol->on_closed(conn->arg, conn, conn->end);
    }
    allowance_clear(conn_input_allowance(conn), &conn->kept);
    allowance_clear(conn_output_allowance(conn), &conn->output);
    free(conn);
}

void conn_enter(struct conn *conn, enum conn_state state)
{
    CHECK(state > conn->state); /* the picture in conn_private.h has no way back */
    conn->state = state;
    conn_mark(conn);
}

void conn_mark(struct conn *conn)
{
    struct net *net = conn->net;

    if (conn->marked) {
        return;
    }
    if (!net->in_turn && TAILQ_EMPTY(&net->marked)) {
        event_active(&net->again, EV_TIMEOUT, 0);
    }
    conn->marked = true;
    TAILQ_INSERT_TAIL(&net->marked, conn, marked_link);
}

void conn_set_timer(struct conn *conn)
{
    int64_t next = conn->deadline_at;

    if (next == 0 || (conn->give_up_at != 0 && conn->give_up_at < next)) {
        next = conn->give_up_at;
    }
    if (next == 0 || (conn->timer_at != 0 && conn->timer_at <= next)) {
        return;
    }
    int64_t wait_ms = next - clock_steady_ms();
    wait_ms = wait_ms < 1 ? 1 : wait_ms;
    const struct timeval wait = { .tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000 };
    (void)event_add(&conn->timer, &wait);
    conn->timer_at = next;
}

void conn_set_protocol(struct conn *conn, const struct conn_protocol *protocol, void *arg)
{
    conn->protocol = protocol;
    conn->arg = arg;
    conn->feed = true;
    conn_mark(conn);
}

struct allowance *conn_input_allowance(const struct conn *conn)
{
    return conn->counted ? conn->net->limits.input : NULL;
}

struct allowance *conn_output_allowance(const struct conn *conn)
{
    return conn->counted ? conn->net->limits.output : NULL;
}

void conn_write(struct conn *conn, struct bytes bytes)
{
    if (conn->state != CONN_OPEN || bytes.size == 0) {
        return;
    }
    allowance_append(conn_output_allowance(conn), &conn->output, bytes);
    if (conn->output.size > (size_t)conn->net->limits.output_high_bytes) {
        conn_pause(conn, CONN_PAUSE_OUTPUT);
    }
    conn_mark(conn);
    net_relieve(conn->net);
}

size_t conn_output_bytes(const struct conn *conn)
{
    return conn->output.size;
}

void conn_pause(struct conn *conn, enum conn_pause reason)
{
    conn->pauses |= (unsigned)reason;
}

void conn_resume(struct conn *conn, enum conn_pause reason)
{
    if ((conn->pauses & (unsigned)reason) == 0) {
        return;
    }
    conn->pauses &= ~(unsigned)reason;
    if (conn->pauses == 0 && (conn->read_off || conn->unread || conn->kept.size > 0)) {
        conn->read_off = false;
        conn->feed = true;
        conn_mark(conn);
    }
}

bool conn_is_paused(const struct conn *conn)
{
    return conn->pauses != 0 || conn->state != CONN_OPEN;
}

void conn_set_deadline(struct conn *conn, int64_t after_ms)
{
    if (conn->state != CONN_OPEN) {
        return;
    }
    conn->deadline_at = after_ms == 0 ? 0 : clock_steady_ms() + after_ms;
    conn_set_timer(conn);
}

void conn_watch_end(struct conn *conn, bool watch)
{
    if (conn->watched != watch && conn->state != CONN_DEAD) {
        conn->watched = watch;
        conn_mark(conn);
    }
}

void conn_finish(struct conn *conn)
{
    if (conn->state != CONN_OPEN) {
        return;
    }
    conn->deadline_at = 0;
    conn->end = CONN_END_OURS;
    conn_enter(conn, CONN_FINISHING);
}

void conn_close(struct conn *conn, enum conn_end end)
{
    if (conn->state == CONN_DEAD) {
        return;
    }
    if (end == CONN_END_DEADLINE) {
        metrics_add(METRIC_connections_timed_out, 1);
    } else if (end == CONN_END_STALLED) {
        metrics_add(METRIC_connections_stalled, 1);
    } else if (end == CONN_END_ROOM) {
        metrics_add(METRIC_connections_relieved, 1);
    }
    conn->end = end;
    conn_enter(conn, CONN_DEAD);
}

bool conn_is_tls(const struct conn *conn)
{
    return conn->tls != NULL;
}

const struct peer_origin *conn_origin(const struct conn *conn)
{
    return &conn->origin;
}

bool conn_peer_uid(const struct conn *conn, uint32_t *out_uid)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    if (!conn->origin.is_unix || getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return false;
    }
    *out_uid = peer.uid;
    return true;
}

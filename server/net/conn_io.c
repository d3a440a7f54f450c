/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a connection.  Reading goes into one scratch buffer that all
 * connections share, and only what the protocol leaves is kept; an idle
 * connection owns no buffer.  Polling for reading is not taken away when a
 * pause begins but when bytes come during it: most pauses end before that, and
 * so cost no system call.
 *
 * With TLS the library stands between: what it has read and not given out waits in
 * no descriptor, so `unread` says that a reading is due without the kernel's word.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/allowance.h"
#include "common/buf.h"
#include "common/bytes.h"
#include "common/check.h"
#include "common/clock.h"
#include "common/loop.h"
#include "common/mem.h"
#include "server/net/conn.h"
#include "server/net/conn_private.h"
#include "server/net/net.h"
#include "server/net/net_private.h"
#include "server/net/tls_private.h"

/* The only places where a descriptor is read and written, but for conn_io_show; by tls_conn.c
 * when there is TLS.
 * What comes after our end is dropped unseen. */
static ssize_t conn_io_read(struct conn *conn, void *at, size_t size)
{
    if (conn->tls != NULL && conn->state == CONN_OPEN) {
        return tls_conn_read(conn->tls, at, size, &conn->unread);
    }
    return recv(conn->fd, at, size, conn->peeks ? MSG_PEEK : 0);
}

static ssize_t conn_io_write(const struct conn *conn, struct bytes bytes)
{
    if (conn->tls != NULL) {
        return tls_conn_write(conn->tls, bytes.at, bytes.size);
    }
    return send(conn->fd, bytes.at, bytes.size, MSG_NOSIGNAL);
}

/* Say whether the connection is being greeted: no protocol has it yet. */
static bool is_shaking(const struct conn *conn)
{
    return conn->tls != NULL && !tls_conn_is_open(conn->tls);
}

static bool is_transient(int error)
{
    return error == EAGAIN || error == EINTR;
}

/* Keep more; or end a connection that would when all together keep too much. */
static void conn_io_keep(struct conn *conn, struct bytes bytes)
{
    allowance_append(conn_input_allowance(conn), &conn->kept, bytes);
    if (allowance_is_spent(conn_input_allowance(conn), 2)) {
        conn_close(conn, CONN_END_ROOM);
    }
}

static void conn_io_give_kept(struct conn *conn)
{
    size_t taken = conn->protocol->on_bytes(conn->arg, conn, buf_view(&conn->kept));

    CHECK(taken <= conn->kept.size);
    buf_drop_front(&conn->kept, taken);
    if (conn->kept.size == 0) {
        allowance_clear(conn_input_allowance(conn), &conn->kept);
    }
}

static void conn_io_give(struct conn *conn, struct bytes fresh)
{
    if (conn->kept.size > 0) {
        conn_io_keep(conn, fresh);
        if (conn->state == CONN_OPEN) {
            conn_io_give_kept(conn);
        }
        return;
    }
    size_t taken = conn->protocol->on_bytes(conn->arg, conn, fresh);
    CHECK(taken <= fresh.size);
    if (taken < fresh.size && conn->state == CONN_OPEN) {
        conn_io_keep(conn, bytes_of(fresh.at + taken, fresh.size - taken));
    }
}

/* The peer sends no more.  It may still read: what it is owed is written first. */
static void conn_io_peer_ended(struct conn *conn)
{
    conn->peer_ended = true;
    if (conn->state == CONN_OPEN && conn->output.size > 0) {
        conn_finish(conn);
        conn->end = CONN_END_PEER;
    } else {
        conn_close(conn, conn->state == CONN_OPEN ? CONN_END_PEER : conn->end);
    }
}

static void conn_io_drop(struct conn *conn, size_t size)
{
    if (size >= conn->linger_left) {
        conn_close(conn, conn->end);
        return;
    }
    conn->linger_left -= size;
}

/* Show the protocol what is there, and take from the kernel what it took. */
static void conn_io_show(struct conn *conn, uint8_t *scratch, size_t size)
{
    size_t taken = conn->protocol->on_bytes(conn->arg, conn, bytes_of(scratch, size));

    CHECK(taken <= size);
    if (taken > 0 && recv(conn->fd, scratch, taken, 0) != (ssize_t)taken) {
        conn_close(conn, CONN_END_ERROR);
    }
}

static void conn_io_take_input(struct conn *conn)
{
    uint8_t *scratch = conn->net->scratch;
    bool peeked = conn->peeks;

    if (is_shaking(conn)) {
        tls_accept_go_on(conn);
        return;
    }
    if (conn->state == CONN_OPEN && conn->pauses != 0) {
        conn->read_off = true;
        conn_mark(conn);
        return;
    }
    ssize_t size = conn_io_read(conn, scratch, CONN_SCRATCH_BYTES);
    if (conn->unread) {
        conn_mark(conn);
    }
    if (size < 0) {
        if (!is_transient(errno)) {
            conn_close(conn, CONN_END_ERROR);
        }
    } else if (size == 0) {
        conn_io_peer_ended(conn);
    } else if (conn->state == CONN_OPEN && peeked) {
        conn_io_show(conn, scratch, (size_t)size);
    } else if (conn->state == CONN_OPEN) {
        conn_io_give(conn, bytes_of(scratch, (size_t)size));
    } else {
        conn_io_drop(conn, (size_t)size);
    }
}

void conn_io_ready(int fd, short what, void *arg)
{
    struct conn *conn = arg;

    (void)fd;
    (void)loop_steady_ms(conn->net->loop);
    conn->net->in_turn = true;
    if ((what & EV_WRITE) != 0) {
        conn->blocked = false;
        conn_mark(conn);
    }
    if ((what & EV_CLOSED) != 0 && conn->watched && conn->state == CONN_OPEN) {
        conn_watch_end(conn, false); /* it would be told of again and again */
        conn->protocol->on_peer_end(conn->arg, conn);
    }
    if ((what & EV_READ) != 0 && (conn->state == CONN_OPEN || conn->state == CONN_LINGERING)) {
        conn_io_take_input(conn);
    }
    conn->net->in_turn = false;
}

/* The kernel takes no more: wait until it does, or the peer has taken nothing for too long. */
static void conn_io_wait_to_write(struct conn *conn)
{
    if (conn->give_up_at == 0 || (conn->tls != NULL && tls_conn_moved(conn->tls))) {
        conn->give_up_at = clock_steady_ms() + conn->net->limits.write_timeout_ms;
        conn_set_timer(conn);
    }
    conn->blocked = true;
}

void conn_io_flush(struct conn *conn)
{
    size_t before = conn->output.size;

    if (before == 0 || conn->blocked || conn->state == CONN_DEAD || is_shaking(conn)) {
        return;
    }
    ssize_t sent = conn_io_write(conn, buf_view(&conn->output));
    if (sent < 0 && !is_transient(errno)) {
        conn_close(conn, CONN_END_ERROR);
        return;
    }
    if (sent == (ssize_t)before) {
        mem_wipe(conn->output.at, conn->output.size); /* answers hold tokens */
        allowance_clear(conn_output_allowance(conn), &conn->output);
        conn->give_up_at = 0;
        return;
    }
    if (sent > 0) {
        buf_drop_front(&conn->output, (size_t)sent);
    }
    if (sent > 0) {
        conn->give_up_at = 0; /* it takes bytes: the time begins anew */
    }
    conn_io_wait_to_write(conn);
}

/* Tell the protocol when its output has become little again. */
static void conn_io_tell_drained(struct conn *conn, size_t before)
{
    size_t low = (size_t)conn->net->limits.output_low_bytes;

    if (conn->state != CONN_OPEN || before <= low || conn->output.size > low) {
        return;
    }
    conn_resume(conn, CONN_PAUSE_OUTPUT);
    if (conn->protocol->on_drained != NULL) {
        conn->protocol->on_drained(conn->arg, conn);
    }
}

/* All is written: shut our direction and wait for the peer's end. */
static void conn_io_linger(struct conn *conn)
{
    if (conn->tls != NULL && !tls_conn_end(conn->tls)) {
        conn_io_wait_to_write(conn);
        return;
    }
    if (conn->peer_ended || shutdown(conn->fd, SHUT_WR) != 0) {
        conn_close(conn, conn->end);
        return;
    }
    conn_enter(conn, CONN_LINGERING);
    conn->linger_left = CONN_LINGER_BYTES;
    conn->give_up_at = clock_steady_ms() + CONN_LINGER_MS;
    conn_set_timer(conn);
}

static short conn_io_wanted(const struct conn *conn)
{
    short wanted = conn->blocked ? EV_WRITE : 0;

    if (conn->blocked && conn->tls != NULL && tls_conn_wants_write(conn->tls)) {
        return wanted; /* reading does not get on before that, and would be tried for ever */
    }
    if (conn->state == CONN_LINGERING || (conn->state == CONN_OPEN && !conn->read_off)) {
        wanted = (short)(wanted | EV_READ);
    }
    if (conn->watched && conn->state == CONN_OPEN) {
        wanted = (short)(wanted | EV_CLOSED);
    }
    return wanted;
}

static void conn_io_arm(struct conn *conn)
{
    short wanted = conn_io_wanted(conn);

    if (wanted == conn->armed) {
        return;
    }
    if (conn->armed != 0) {
        (void)event_del(&conn->io);
    }
    conn->armed = wanted;
    if (wanted != 0) {
        (void)event_assign(&conn->io, event_get_base(&conn->io), conn->fd,
                           (short)(wanted | EV_PERSIST), conn_io_ready, conn);
        (void)event_add(&conn->io, NULL);
    }
}

/* Go on with what TLS could not do before, or did and nobody has taken. */
static void conn_io_resume_tls(struct conn *conn)
{
    bool waited = !conn->blocked && tls_conn_wants_write(conn->tls);

    if (conn->state == CONN_OPEN && (waited || (conn->unread && conn->pauses == 0))) {
        conn_io_take_input(conn);
    }
}

bool conn_io_settle(struct conn *conn)
{
    if (conn->feed && conn->pauses == 0 && conn->state == CONN_OPEN) {
        conn->feed = false;
        if (conn->kept.size > 0) {
            conn_io_give_kept(conn);
        }
    }
    if (conn->tls != NULL) {
        conn_io_resume_tls(conn);
    }
    size_t before = conn->output.size;
    conn_io_flush(conn);
    conn_io_tell_drained(conn, before);
    if (conn->state == CONN_FINISHING && conn->output.size == 0 && !conn->blocked) {
        conn_io_linger(conn);
    }
    if (conn->state == CONN_DEAD) {
        return false;
    }
    conn_io_arm(conn);
    return true;
}

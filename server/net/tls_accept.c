/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that is being greeted has a protocol of this file, which takes no
 * bytes: they are the handshake's.  It counts against the cap and has one deadline
 * from the accept on, however steadily its bytes trickle in.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "common/bytes.h"
#include "common/check.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "server/net/conn.h"
#include "server/net/conn_private.h"
#include "server/net/net.h"
#include "server/net/tls.h"
#include "server/net/tls_private.h"

bool tls_accept_has_room(const struct tls *tls)
{
    return tls->handshakes < tls->limits.handshakes_max;
}

/* The greeting is over, well or not. */
static void leave(struct conn *conn)
{
    struct tls_door *door = conn->arg;

    door->tls->handshakes--;
    conn->arg = NULL;
    free(door);
}

static size_t on_bytes(void *arg, struct conn *conn, struct bytes input)
{
    (void)arg;
    (void)conn;
    return input.size; /* none come before the handshake is over */
}

static void on_deadline(void *arg, struct conn *conn)
{
    (void)arg;
    metrics_add(METRIC_tls_handshakes_failed, 1);
    log_debug("tls.handshake", "reason=\"not complete in time\"");
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

static const struct conn_protocol greeting = {
    .on_bytes = on_bytes,
    .on_deadline = on_deadline,
    .on_closed = on_closed,
};

void tls_accept_begin(struct conn *conn, const struct tls_door *door)
{
    struct tls_door *own = mem_zeroed(1, sizeof *own);

    *own = *door;
    door->tls->handshakes++;
    conn->tls = tls_conn_create(door->tls, conn->fd);
    conn_set_protocol(conn, &greeting, own);
    if (conn->deadline_at == 0) { /* else a PROXY header came before, within the same deadline */
        conn_set_deadline(conn, door->tls->limits.handshake_timeout_ms);
    }
}

/* Give the connection to whom it is for. */
static void hand_over(struct conn *conn, net_accept_fn *accept_fn, void *arg)
{
    conn_set_deadline(conn, 0);
    leave(conn);
    accept_fn(arg, conn);
    if (conn->protocol == &greeting) {
        conn_close(conn, CONN_END_OURS);
    }
}

/* TLS is over for this connection; what the library had to say has been written. */
static void drop_tls(struct conn *conn)
{
    tls_conn_destroy(conn->tls, false);
    conn->tls = NULL;
}

static void fail(struct conn *conn)
{
    metrics_add(METRIC_tls_handshakes_failed, 1);
    drop_tls(conn);
    leave(conn);
    conn->blocked = false;
    conn_finish(conn); /* not closed at once, or a reset overtakes the alert that says why */
}

void tls_accept_go_on(struct conn *conn)
{
    const struct tls_door door = *(const struct tls_door *)conn->arg;

    switch (tls_conn_shake(conn->tls)) {
    case TLS_SHAKE_DONE:
        metrics_add(METRIC_tls_handshakes, 1);
        conn->unread = true; /* what came right behind it is in the library already */
        hand_over(conn, door.accept_fn, door.arg);
        conn_mark(conn);
        return;
    case TLS_SHAKE_MORE:
        return;
    case TLS_SHAKE_BLOCKED:
        conn->blocked = true;
        conn_mark(conn);
        return;
    case TLS_SHAKE_PLAIN:
        metrics_add(METRIC_tls_handshakes_failed, 1);
        drop_tls(conn);
        hand_over(conn, door.plain_fn, door.arg);
        conn_mark(conn);
        return;
    case TLS_SHAKE_FAILED:
        fail(conn);
        return;
    }
    CHECK_UNREACHABLE();
}

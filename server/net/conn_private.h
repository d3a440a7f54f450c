/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this room share about a connection.
 *
 *   OPEN ---------> FINISHING ------> LINGERING ------> DEAD
 *     |  conn_finish,   |  all written    | peer closed,  ^
 *     |  peer's end     |                 | or 5 s        |
 *     +-----------------+-- conn_close, error, deadline --+
 *
 * Whatever happens to a connection in a turn only marks it; conn_io_settle does
 * the work once at the turn's end: give kept bytes, write, free.  So a protocol
 * may call anything from anywhere, and nobody holds a freed connection.
 */
#pragma once

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/buf.h"
#include "server/net/conn.h"
#include "server/net/peer.h"

enum {
    CONN_LINGER_MS = 5000,       /* for a peer that goes on sending after our last byte */
    CONN_LINGER_BYTES = 4194304, /* and no more than this from it */
    CONN_SCRATCH_BYTES = 65536,  /* bytes read at once, into memory that all share */
};

enum conn_state {
    CONN_OPEN = 0,
    CONN_FINISHING, /* output leaves, nothing is read */
    CONN_LINGERING, /* our direction is shut; what still comes is dropped, lest an RST
                       overtakes the last answer */
    CONN_DEAD,      /* on_closed and free() at the turn's end */
};

struct crowd_member;
struct tls_conn;

struct conn {
    TAILQ_ENTRY(conn) link;
    TAILQ_ENTRY(conn) marked_link;
    struct net *net;
    const struct conn_protocol *protocol;
    void *arg;
    struct tls_conn *tls; /* NULL: plain, or the handshake came to nothing */
    struct buf kept;      /* bytes the protocol did not take yet */
    struct buf output;    /* bytes the kernel did not take yet */
    struct event io;
    struct event timer;
    int64_t deadline_at; /* the protocol's, in steady ms; 0: none */
    int64_t give_up_at;  /* of a blocked output or of the lingering; 0: none */
    int64_t timer_at;    /* when the timer fires; 0: not running.  It is never later than the
                            earliest of the two, but may be earlier: moving a deadline
                            away costs nothing */
    size_t linger_left;
    int fd;
    short armed; /* EV_READ, EV_WRITE and EV_CLOSED as the kernel was told */
    enum conn_state state;
    enum conn_end end;
    unsigned pauses;
    bool marked;     /* is in net's list for the turn's end */
    bool feed;       /* kept bytes are to be given at the turn's end */
    bool blocked;    /* the kernel took less than all; wait for EV_WRITE */
    bool read_off;   /* paused, and bytes came: stop polling until resumed */
    bool unread;     /* TLS has bytes that nobody was given: read without polling */
    bool peer_ended; /* the peer shut its direction */
    bool watched;    /* the protocol wants to hear when it does, also while nothing is read */
    bool counted;    /* held against max_connections */
    bool peeks;      /* bytes that the protocol does not take stay in the kernel */
    struct peer_origin origin;
    struct crowd_member *member; /* of net's crowd; NULL: not counted there */
};

/* Own fd from here on.  The connection waits for its protocol. */
struct conn *conn_create(struct net *net, int fd, const struct peer_origin *origin);

/* Call on_closed, close the descriptor, free.  Leaves net's lists alone. */
void conn_destroy(struct conn *conn);

/* Move to state along the picture above; CHECKs that the step is in it. */
void conn_enter(struct conn *conn, enum conn_state state);

/* Put the connection on the list of the turn's end. */
void conn_mark(struct conn *conn);

/* Have the timer fire when the earlier of the two deadlines is due. */
void conn_set_timer(struct conn *conn);

/* The work of the turn's end; false when the connection is dead and to be destroyed. */
bool conn_io_settle(struct conn *conn);

/* Write what can be written now. */
void conn_io_flush(struct conn *conn);

/* The event's callback: fd can be read or written. */
void conn_io_ready(int fd, short what, void *arg);

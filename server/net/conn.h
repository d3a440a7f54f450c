/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection: bytes in, bytes out, and the rules that keep one peer from
 * costing more than its share.  An idle connection holds no buffers.
 *
 * Reading: on_bytes is given all bytes not yet consumed and returns how many it
 * took; the rest is kept and given again with more behind it.  Reading stops
 * while any pause reason is set, or while the output is above its high mark,
 * and goes on by itself; on_bytes is then also called for what is kept.
 * Writing: conn_write only appends; what a loop turn appended leaves in one
 * write at the turn's end, or in as few TLS records as hold it.
 *
 * A conn is destroyed by net after on_closed has run; nobody uses it after.
 * Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

struct conn;

enum conn_pause {
    CONN_PAUSE_STORE = 1,    /* the write queue is full */
    CONN_PAUSE_REQUEST = 2,  /* the request in hand is not answered yet */
    CONN_PAUSE_REQUESTS = 4, /* too many stream requests are unanswered */
    CONN_PAUSE_OUTPUT = 8,   /* the peer does not take its answers: set by net itself */
};

enum conn_end {
    CONN_END_PEER = 0, /* the peer closed; under TLS: and said so */
    CONN_END_OURS,     /* conn_close, or conn_finish once all was written */
    CONN_END_ERROR,    /* the network failed */
    CONN_END_DEADLINE, /* a deadline passed */
    CONN_END_STALLED,  /* the peer took no byte for the write time-out */
    CONN_END_SHUTDOWN, /* the daemon is going down */
    CONN_END_ROOM,     /* it held memory that others need */
};

/* What a protocol does with a connection.  All are called on the loop thread. */
struct conn_protocol {
    /* Take bytes; return how many were consumed.  May close, pause or switch the protocol. */
    size_t (*on_bytes)(void *arg, struct conn *conn, struct bytes input);
    /* Output that was above the low mark has fallen to it or below.  May be NULL. */
    void (*on_drained)(void *arg, struct conn *conn);
    /* The peer sends no more, as conn_watch_end asked; it may still read.  May be NULL. */
    void (*on_peer_end)(void *arg, struct conn *conn);
    /* The deadline set by conn_set_deadline passed.  NULL: the connection is closed. */
    void (*on_deadline)(void *arg, struct conn *conn);
    /* The connection is over; last call.  arg is the protocol's to free. */
    void (*on_closed)(void *arg, struct conn *conn, enum conn_end end);
};

/* Give the connection to another protocol; kept bytes go to it at the end of the turn. */
void conn_set_protocol(struct conn *conn, const struct conn_protocol *protocol, void *arg);

/* Append a copy of bytes to the output.  No-op on a connection that is closing. */
void conn_write(struct conn *conn, struct bytes bytes);

/* Bytes written and not yet taken by the kernel. */
size_t conn_output_bytes(const struct conn *conn);

/* The ONE pair that stops and goes on reading: reasons add up, reading needs none. */
void conn_pause(struct conn *conn, enum conn_pause reason);
void conn_resume(struct conn *conn, enum conn_pause reason);

/* Say whether no more bytes would be given now: paused, finishing or closed. */
bool conn_is_paused(const struct conn *conn);

/* Call on_deadline after_ms from now, whatever happens until then; 0 takes it away. */
void conn_set_deadline(struct conn *conn, int64_t after_ms);

/* Call on_peer_end once, when the peer shuts its direction or is gone; or no more. */
void conn_watch_end(struct conn *conn, bool watch);

/*
 * conn_finish stops reading, writes what is there for as long as the peer takes it, shuts
 * our direction and drops what still comes until the peer closes too, at most 5 s: so the
 * last answer is not lost to a reset.  conn_close ends at once and drops unwritten output.
 */
void conn_finish(struct conn *conn);
void conn_close(struct conn *conn, enum conn_end end);

/* What the requests, and the answers, of this connection take memory from; NULL: from no bound. */
struct allowance *conn_input_allowance(const struct conn *conn);
struct allowance *conn_output_allowance(const struct conn *conn);

/* Say whether what the peer sends and gets is under TLS that ends here. */
bool conn_is_tls(const struct conn *conn);

/* Where it comes from: the client, or a proxy (see peer.h).  Borrowed; never logged. */
const struct peer_origin *conn_origin(const struct conn *conn);

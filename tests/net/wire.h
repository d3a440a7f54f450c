/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A net with one listener and a protocol that notes what it is told; plain sockets
 * are the peers.  All in this process: waiting turns the loop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/allowance.h"
#include "common/buf.h"
#include "server/net/conn.h"
#include "server/net/net.h"

enum {
    WIRE_PATIENCE_MS = 20000,
    WIRE_HIGH_BYTES = 100000,
    WIRE_LOW_BYTES = 25000
};

struct wire {
    struct loop *loop;
    struct net *net;
    struct listener *listener;
    struct conn *conn;      /* the newest; NULL once it is closed */
    struct allowance input; /* of all connections: any, until a test says else */
    struct allowance output;
    int64_t until; /* no test waits longer */
    size_t accepted;
    size_t closed;
    enum conn_end end; /* of the last that was closed */
    struct buf seen;   /* what on_bytes was given, with '|' behind each call unless is_bare */
    size_t calls;      /* of on_bytes */
    bool is_bare;
    size_t take_max; /* on_bytes takes no more than this of each call */
    size_t drained;
    size_t deadlines;
    size_t peer_ends;
    /* Called by on_bytes after noting when not NULL. */
    void (*react)(struct wire *wire, struct conn *conn);
};

void wire_open(struct wire *wire, int64_t max_connections, int64_t write_timeout_ms);
/* The same for a listener of connections that begin with a PROXY header, from trusted. */
struct wire_proxied {
    const char *trusted; /* as trusted_proxies */
    int64_t timeout_ms;  /* for the header */
    int64_t max_per_address;
};
void wire_open_proxied(struct wire *wire, const struct wire_proxied *proxied);
void wire_close(struct wire *wire);

/* Connect a non-blocking socket. */
int wire_connect(const struct wire *wire);
/* Connect, and turn until the connection is accepted. */
int wire_connect_and_meet(struct wire *wire);

void wire_send(int peer, const char *text);
/* Receive what is there; -1 at the peer's end of the connection, else the bytes. */
long wire_receive(int peer, struct buf *out);

/* Turn once, waiting at most a millisecond; fails when the wire's time is over. */
void wire_turn(struct wire *wire);

/* Turn until test says so. */
typedef bool wire_test_fn(const struct wire *wire);
void wire_wait(struct wire *wire, wire_test_fn *test);
bool wire_is_closed(const struct wire *wire);

/* Turn until the noted bytes are text. */
void wire_wait_for_seen(struct wire *wire, const char *text);

/* The protocol, for a test that hands it over. */
extern const struct conn_protocol wire_protocol;

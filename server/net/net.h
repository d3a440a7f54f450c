/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network room: listeners and the set of open connections.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;
struct listener;
struct loop;
struct net;
struct tls;

struct net_limits {
    int64_t max_connections;     /* above: accepted and closed at once */
    int64_t max_per_address;     /* the same for connections of one client address; 0: any number */
    int64_t output_high_bytes;   /* a connection's output above this pauses its reading */
    int64_t output_low_bytes;    /* and below this goes on */
    int64_t write_timeout_ms;    /* a peer that takes no byte for this long is ended */
    struct allowance *input;     /* what requests take, borrowed; NULL: any.  A connection whose
                                    unread bytes make it more than twice spent is closed */
    struct allowance *output;    /* what answers take, likewise: when it is spent, connections
                                    whose peers take nothing are closed, the largest first */
    const char *trusted_proxies; /* a list as peer_trust_create reads it; NULL: none */
    int64_t proxy_timeout_ms;    /* a PROXY header must be complete this long after the accept */
};

/* Give a new connection its protocol with conn_set_protocol.  Called on the loop thread. */
typedef void net_accept_fn(void *arg, struct conn *conn);

struct net *net_create(struct loop *loop, const struct net_limits *limits);

/* Stop accepting: close all listeners, keep the connections. */
void net_stop_listening(struct net *net);

/* Close every connection with CONN_END_SHUTDOWN, then free.  Takes NULL. */
void net_destroy(struct net *net);

/*
 * Pause or resume every counted connection, present and future, with CONN_PAUSE_STORE.
 * Those of ops and admin are spared: they are how an operator sees what is wrong.
 */
void net_set_store_pressure(struct net *net, bool full);

/* Number of open connections. */
size_t net_connection_count(const struct net *net);

/*
 * Listen on "ADDRESS:PORT", "[V6]:PORT" (port 0: any free one) or
 * "unix:/path[,mode=0660][,group=NAME]".  A stale unix socket is replaced, a live one is an
 * error; the daemon's user must be in the group, which may also be a number.  NULL with a sentence in out_error when that fails.  A listener belongs
 * to net and ends with it.  counts: false for listeners whose connections are
 * not held against max_connections (ops and admin).
 */
struct listener *net_listen(struct net *net, const char *where, bool counts,
                            net_accept_fn *accept_fn, void *arg, char *out_error,
                            size_t error_size);

/*
 * The same for a socket that somebody else has bound and that listens.  fd becomes the
 * listener's; its file stays when it ends.
 */
struct listener *net_listen_handed(struct net *net, int fd, bool counts, net_accept_fn *accept_fn,
                                   void *arg);

/*
 * From now on new connections of the listener begin with TLS, and its accept function gets
 * them when the handshake is over.  plain_fn, with the listener's arg, gets one whose peer
 * speaks HTTP without TLS, to be told so.  tls is borrowed until net is destroyed.
 */
void listener_set_tls(struct listener *listener, struct tls *tls, net_accept_fn *plain_fn);

/*
 * From now on new connections of the listener come from trusted proxies alone and begin with a
 * header of the PROXY protocol (proxy_header.h), before TLS.  The client that it names is where
 * the connection comes from, for all that goes by addresses.  Others are closed.
 */
void listener_set_proxied(struct listener *listener);

/* The TCP port listened on; 0 for a unix socket. */
uint16_t listener_port(const struct listener *listener);

/* User id of the peer of a unix socket connection; false when it has none. */
bool conn_peer_uid(const struct conn *conn, uint32_t *out_uid);

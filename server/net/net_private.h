/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of struct net, for the files of this room. */
#pragma once

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "server/net/conn_private.h"
#include "server/net/crowd.h"
#include "server/net/net.h"
#include "server/net/peer.h"

TAILQ_HEAD(conn_list, conn);
TAILQ_HEAD(listener_list, listener);

struct net {
    struct loop *loop;
    struct net_limits limits;
    struct conn_list conns;
    struct conn_list marked; /* for the turn's end */
    struct listener_list listeners;
    struct event again; /* made active so that the loop does not sleep on marked ones */
    size_t count;       /* open connections */
    size_t counted;     /* of these, held against max_connections */
    int64_t accept_warned_ms;
    int64_t proxy_header_warned_ms;
    bool in_turn; /* inside a callback of this room: the turn's end is yet to come */
    bool store_full;
    bool proxy_warned;
    bool relief_is_vain; /* net_relieve found nobody: not again in this turn */
    struct peer_trust *trust;
    struct crowd *crowd;
    uint8_t *scratch; /* CONN_SCRATCH_BYTES */
};

/*
 * When more output waits than the allowance says, close those whose peers take none of theirs
 * and for whom the most waits, until it is three quarters.  Nobody who takes is closed: then
 * it stays above the bound until the turn's end, when it is known who takes.
 */
void net_relieve(struct net *net);

/* Take a connection into the set. */
struct conn *net_add(struct net *net, int fd, const struct peer_origin *origin, bool counts);

/* Close the listening socket and free the listener, less its place in the list. */
void listener_destroy(struct listener *listener);

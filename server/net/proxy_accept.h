/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the accept to the end of the PROXY header.  For the files of this room.
 * Loop thread.
 */
#pragma once

struct conn;
struct net;
struct tls_door;

/*
 * Wait for the header of a new connection, whose origin is a trusted proxy.  When it is there the
 * connection's origin is the client that it names, is held to the limits of that address, and is
 * served by door (copied).  A connection whose header is wrong or late is closed.
 */
void proxy_accept_begin(struct conn *conn, const struct tls_door *door);

/* Count a connection that is not served, and warn of it now and then.  why: static text. */
void proxy_accept_refuse(struct net *net, const char *why);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a request is from, when proxies stand in between.  Forwarded and
 * X-Forwarded-For are believed from the proxies that the operator names, and
 * read from right to left to the first hop that is none of them.
 *
 * What cannot be read ends the walk at the last proxy that is known: its name is
 * the client's then, so a garbled field gains nothing and locks nobody out.  Two
 * fields that name different clients are one that a client has forged and a
 * proxy has passed on; then the connection's own address counts.
 *
 * A proxy on this machine or network that is not named would be one client for
 * everybody behind it, so its requests have no client at all, and limits by
 * address are off for them.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/network.h"

struct conn;
struct crowd_member;
struct peer_trust;

enum peer_result {
    PEER_ITSELF = 0, /* the connection's own address */
    PEER_FORWARDED,  /* a client that trusted proxies named */
    PEER_MALFORMED,  /* a trusted proxy, and a field that cannot be read or contradicts the other */
    PEER_UNTRUSTED   /* a local proxy that is not trusted: nobody's name */
};

enum peer_word {
    PEER_SEEN = 0, /* the kernel says where it comes from */
    PEER_NAMED,    /* a trusted proxy's PROXY header does: it is no proxy that nobody named */
    PEER_UNNAMED   /* such a header named nobody: the proxy's address, and what the header
                      fields say is said by somebody unknown */
};

/* Where a connection comes from. */
struct peer_origin {
    struct network_address address; /* nothing when is_unix */
    bool is_unix;
    uint8_t word; /* enum peer_word; a byte, for each connection has one */
};

/*
 * Read a comma-separated list of blocks ("10.0.0.0/8", "::1") and the word "unix",
 * for unix sockets.  NULL when there is something else in it.
 */
struct peer_trust *peer_trust_create(const char *list);
void peer_trust_destroy(struct peer_trust *trust);

/* Say whether origin is one of the proxies. */
bool peer_is_trusted(const struct peer_trust *trust, const struct peer_origin *origin);

/* Write the client's name: see network_name; "" when there is none.  Absent fields have size 0. */
enum peer_result peer_find(const struct peer_trust *trust, const struct peer_origin *origin,
                           struct bytes forwarded, struct bytes x_forwarded_for,
                           char out[NETWORK_NAME_BYTES]);

/*
 * The same for a request on conn, counted in the metrics; the first untrusted proxy is logged.
 * A client that trusted proxies name has the request counted among the connections of its
 * address: false when it has enough.  *out_member is for peer_leave or peer_keep, while conn
 * is there; NULL when nothing is counted.
 */
bool peer_of_request(struct conn *conn, struct bytes forwarded, struct bytes x_forwarded_for,
                     char out[NETWORK_NAME_BYTES], struct crowd_member **out_member);

/* The request is over; or its connection belongs to its client from now on.  Take NULL. */
void peer_leave(struct conn *conn, struct crowd_member *member);
void peer_keep(struct conn *conn, struct crowd_member *member);

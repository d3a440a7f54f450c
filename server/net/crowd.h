/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many connections each client address has open, so that one cannot take
 * them all.  IPv6 counts by /64.  Behind a trusted proxy a client's request under
 * way counts as one, and its stream.  An entry lives while its address has one;
 * so there are never more than connections.  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct crowd;
struct crowd_member;
struct peer_origin;

/* max connections an address; 0: any number. */
struct crowd *crowd_create(size_t max);

/* Free it; nobody is in it any more.  Takes NULL. */
void crowd_destroy(struct crowd *crowd);

/* Count a connection of origin; false when it has enough.  *out_member is NULL when none is kept. */
bool crowd_enter(struct crowd *crowd, const struct peer_origin *origin,
                 struct crowd_member **out_member);

/* The same for a client that is known by the name of its address (network_name). */
bool crowd_enter_name(struct crowd *crowd, const char *name, struct crowd_member **out_member);

/* The connection is over.  Takes NULL. */
void crowd_leave(struct crowd *crowd, struct crowd_member *member);

/* Origin turned out to be a proxy: let it have any number, for as long as it has one. */
void crowd_spare(struct crowd *crowd, const struct peer_origin *origin);

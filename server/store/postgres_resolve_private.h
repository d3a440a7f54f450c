/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names to addresses, on the loop's helper thread: libpq would block the
 * loop with it.  Each host is replaced by all of its addresses.  Loop thread.
 */
#pragma once

#include <stdbool.h>

struct loop;
struct postgres_params;
struct postgres_resolve;

/*
 * Hear the parameters with their addresses.  They are borrowed until the
 * function returns and NULL when a name has no address.
 */
typedef void postgres_resolved_fn(void *arg, const struct postgres_params *params);

/* Say whether params name a host that must be looked up. */
bool postgres_resolve_is_needed(const struct postgres_params *params);

/* Somebody who asks.  Zero it; it stays where it is until it has heard or forgotten. */
struct postgres_asker {
    struct postgres_asker *next;
    postgres_resolved_fn *done;
    void *arg;
};

/* One look-up at a time, for all who ask meanwhile: a slow one shall not be a queue of slow ones. */
struct postgres_resolver {
    struct loop *loop;
    const struct postgres_params *params; /* borrowed */
    struct postgres_resolve *running;     /* NULL: none */
    struct postgres_asker *first;         /* newest first */
};

/* Look up the hosts and tell the asker in a later turn. */
void postgres_resolver_ask(struct postgres_resolver *resolver, struct postgres_asker *asker);

/* Want to hear nothing any more, if it asks at all; a look-up that nobody waits for ends by itself. */
void postgres_resolver_forget(struct postgres_resolver *resolver, struct postgres_asker *asker);

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

/* Look up the hosts of params (copied) and tell done in a later turn. */
struct postgres_resolve *postgres_resolve_start(struct loop *loop,
                                                const struct postgres_params *params,
                                                postgres_resolved_fn *done, void *arg);

/* Want to hear nothing any more; it ends by itself.  Takes NULL. */
void postgres_resolve_forget(struct postgres_resolve *resolve);

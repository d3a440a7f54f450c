/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who waits for a link to change, on this daemon.  A watch is told once and is gone
 * then; what changed, the watcher reads.  Whoever commits a change of a link tells it
 * afterwards, here, and notes it for other daemons (changes.h).  Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ids.h"

struct link_watch;
struct link_watches;

/* key: of the hash table. */
struct link_watches *link_watches_create(const uint8_t key[16]);

/* Free it; nobody watches any more.  Takes NULL. */
void link_watches_destroy(struct link_watches *watches);

/* The link may have changed; or is_over: wait no more, others want to.  The watch is gone. */
typedef void link_watches_fn(void *arg, bool is_over);

/*
 * Watch a link.  It has LIMIT_LINK_WAITS_ONE watches at most: the oldest is over before there is
 * one more.  NULL when there are LIMIT_LINK_WAITS in all.
 */
struct link_watch *link_watches_begin(struct link_watches *watches, const struct link_id *link_id,
                                      link_watches_fn *fn, void *arg);

/* Watch no more; it is not told. */
void link_watches_end(struct link_watches *watches, struct link_watch *watch);

/* Tell the watches of a link; of all links: some may have changed unheard, or all is over. */
void link_watches_tell(struct link_watches *watches, const struct link_id *link_id);
void link_watches_tell_all(struct link_watches *watches, bool is_over);

/* How many there are. */
size_t link_watches_count(const struct link_watches *watches);

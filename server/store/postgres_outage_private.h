/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long batches wait for a connection that is away: for a moment, in which a
 * restarted server is back, and then not at all until it is.
 */
#pragma once

#include <stdbool.h>

struct loop;
struct loop_timer;

enum {
    POSTGRES_GRACE_MS = 1000
};

struct postgres_outage {
    struct loop_timer *timer;
    bool is_begun;
    bool is_down; /* it lasts longer than the grace: nothing waits for it */
    void (*on_down)(void *arg);
    void *arg;
};

/* Fill *outage; on_down is called when the grace is over.  Clear it; may be done twice. */
void postgres_outage_init(struct postgres_outage *outage, struct loop *loop,
                          void (*on_down)(void *arg), void *arg);
void postgres_outage_clear(struct postgres_outage *outage);

/* The connection went, or a try to get it failed; it is there. */
void postgres_outage_begin(struct postgres_outage *outage);
void postgres_outage_end(struct postgres_outage *outage);

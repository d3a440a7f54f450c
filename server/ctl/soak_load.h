/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbered messages from one device to another through a relay, over two streams, with
 * proof that each arrived once and in order.  When a stream ends it is opened again and
 * what was not answered is sent again under its own id, so a run goes through restarts
 * of the relay.
 */
#pragma once

#include <stdint.h>

#include "server/ctl/exit_code.h"

struct device;

struct soak_settings {
    int64_t count;     /* messages */
    int64_t rate;      /* a second; 0: as fast as answers come */
    int64_t in_flight; /* sent and not answered at once, at most 256 */
    int64_t size;      /* bytes of content, at least 16 */
    int64_t stall_ms;  /* give up when nothing moved for this long */
};

struct soak_counts {
    int64_t sent;
    int64_t accepted;   /* answered with 201 */
    int64_t received;   /* for the first time */
    int64_t again;      /* delivered again after a stream had ended, as is allowed */
    int64_t duplicates; /* delivered again without that */
    int64_t out_of_order;
    int64_t lost;     /* told by gaps, or accepted and not come */
    int64_t unopened; /* did not open or verify */
    int64_t reconnects;
    int64_t elapsed_ms;
    int64_t p50_ms; /* from the first sending to the delivery */
    int64_t p99_ms;
    int64_t max_ms;
};

/* Run; both devices have accounts and are borrowed.  Fills *out also when it fails midway. */
enum exit_code soak_load_run(struct device *from, struct device *to,
                             const struct soak_settings *settings, struct soak_counts *out);

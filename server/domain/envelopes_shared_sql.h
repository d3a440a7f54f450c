/* SPDX-License-Identifier: Apache-2.0 */
/* The rows behind envelopes_shared.c; nobody outside the room includes this. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "server/domain/envelopes_sql.h"
#include "server/store/store.h"

/* What the row of the mailbox allows. */
struct envelope_caps {
    int64_t count_max, bytes_max;       /* that may wait */
    int64_t count_reopen, bytes_reopen; /* from which a mailbox that was full takes mail again */
};

/* Where to look for the same envelope. */
struct envelope_twin {
    int64_t behind;       /* this seq */
    int64_t first_minute; /* and not before this */
};

/*
 * Append a copy; expected to find the mailbox, which the batch locks.  It is given the next seq of
 * the mailbox when that is open, has room, and the same envelope does not stand there.  A mailbox
 * that was full refuses until enough has gone.
 */
void envelopes_shared_sql_append(struct store_batch *batch, const struct envelope_row *row,
                                 const struct envelope_caps *caps,
                                 const struct envelope_twin *twin);

/* What has become of it. */
struct envelope_put {
    bool is_stored; /* as seq; else for one of the reasons below, or for want of room */
    bool is_twin;
    bool is_closed;
    int64_t before; /* the last seq given before */
    int64_t seq;
    int64_t waiting, waiting_bytes; /* with it; set when it is stored */
};
void envelopes_shared_sql_appended(struct store_rows *rows, struct envelope_put *out);

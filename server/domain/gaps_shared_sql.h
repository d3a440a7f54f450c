/* SPDX-License-Identifier: Apache-2.0 */
/* The rows behind gaps.c where the store is shared; nobody outside the room includes this. */
#pragma once

#include <stdint.h>

#include "common/bytes.h"

struct store_batch;

struct gap_row {
    int64_t mailbox;
    const struct envelope_id *name;
    struct bytes stored; /* copied */
};

/* Append a gap under the next seq of the mailbox; expected to find that. */
void gaps_shared_sql_append(struct store_batch *batch, const struct gap_row *row, int64_t minute,
                            int64_t expires_at);

/* Write a gap anew; expected to find it as it was written last, and never shown. */
void gaps_shared_sql_merge(struct store_batch *batch, const struct gap_row *row,
                           struct bytes before);

/* Append that the gaps of a mailbox from behind after up to last are shown now. */
void gaps_shared_sql_show(struct store_batch *batch, int64_t mailbox, int64_t after, int64_t last);

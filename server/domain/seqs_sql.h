/* SPDX-License-Identifier: Apache-2.0 */
/* The relay row behind seqs.c; nobody outside the room includes this. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "server/store/store.h"

struct relay_row {
    int64_t heartbeat;
    int64_t generation;
    int64_t seq_floor;
    int64_t changes; /* set by seqs_sql_taken_up alone */
};

/* Make the row when it is missing. */
struct store_batch *seqs_sql_make(int64_t today);

/* Make the row when it is missing, then read it (statement 1). */
struct store_batch *seqs_sql_read(int64_t today);
bool seqs_sql_row(struct store_rows *rows, struct relay_row *out);

/* Write the row anew. */
struct store_batch *seqs_sql_write(const struct relay_row *row);

/* Raise the heartbeat by one and the floor to seq_floor; the row comes back. */
struct store_batch *seqs_sql_beat(int64_t seq_floor, int64_t generation_step);

/* Where the store is shared. */

/*
 * Raise heartbeat and floor as a start does, by more when the heartbeat is behind the copy's; yields
 * the row and whether it was behind.
 */
void seqs_sql_take_up(struct store_batch *batch, int64_t copy_heartbeat);
bool seqs_sql_taken_up(struct store_rows *rows, struct relay_row *out, bool *out_restored);

/* Raise the heartbeat by one and the floor by floor_step; the row comes back. */
struct store_batch *seqs_sql_beat_by(int64_t floor_step, int64_t generation_step);

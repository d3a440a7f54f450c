/* SPDX-License-Identifier: Apache-2.0 */
/* The rows behind losses.c where the store is shared; nobody outside the room includes this. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_batch;
struct store_rows;

struct loss_list {
    const int64_t *seqs;
    size_t count;
    int64_t waiting, waiting_bytes; /* at least this is in the mailbox, or they are not lost */
};

/*
 * Delete envelopes that are lost and count them out of their mailbox; expected to find them all
 * and as much in the mailbox as the list says, and it closed when only_closed.
 */
void losses_shared_sql_lose(struct store_batch *batch, int64_t mailbox,
                            const struct loss_list *list, bool only_closed);

/* Read what waits in the mailbox behind it. */
void losses_shared_sql_lost(struct store_rows *rows, int64_t *out_waiting, int64_t *out_bytes);

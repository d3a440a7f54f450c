/* SPDX-License-Identifier: Apache-2.0 */
/* The rows behind losses.c where the store is shared; nobody outside the room includes this. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_batch;

struct loss_list {
    const int64_t *seqs;
    size_t count;
};

/*
 * Delete envelopes that are lost and count them out of their mailbox; expected to find them all,
 * and the mailbox closed when only_closed.
 */
void losses_shared_sql_lose(struct store_batch *batch, int64_t mailbox,
                            const struct loss_list *list, bool only_closed);

/* SPDX-License-Identifier: Apache-2.0 */
/* The rows behind mail_shared.c; nobody outside the room includes this. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "server/domain/mail_shared.h"
#include "server/store/store.h"

/* Append the deletion of seqs, or of all up to one, which the row of the mailbox counts out. */
void mail_shared_sql_ack(struct store_batch *batch, int64_t mailbox,
                         const struct mail_shared_seqs *seqs);
void mail_shared_sql_ack_upto(struct store_batch *batch, int64_t mailbox, int64_t seq,
                              int64_t now_s);

struct mail_shared_acked {
    int64_t items;   /* that were deleted */
    bool is_counted; /* envelopes were among them, and the mailbox holds now: */
    int64_t waiting, waiting_bytes;
};
void mail_shared_sql_acked(struct store_rows *rows, struct mail_shared_acked *out);

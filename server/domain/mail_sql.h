/* SPDX-License-Identifier: Apache-2.0 */
/* The rows behind mail.c; nobody outside the room includes this. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "server/domain/mail.h"
#include "server/store/store.h"

/* Append the read of up to limit items behind after that are not expired at now_s. */
void mail_sql_read(struct store_batch *batch, int64_t mailbox, int64_t after, int64_t now_s,
                   int64_t limit);

enum mail_row {
    MAIL_ROW_NONE = 0,
    MAIL_ROW_ITEM,
    MAIL_ROW_GROWING, /* a gap that another daemon may let grow, for no read has shown it */
    MAIL_ROW_DAMAGED
};

/* Decode the next row; a damaged one sets seq alone.  The body is borrowed from rows. */
enum mail_row mail_sql_row(struct store_rows *rows, int64_t mailbox, struct mail_item *out);

/* Append the deletion of one seq, of all up to one that live at now_s, or of exactly a run. */
void mail_sql_ack(struct store_batch *batch, int64_t mailbox, int64_t seq);
void mail_sql_ack_upto(struct store_batch *batch, int64_t mailbox, int64_t seq, int64_t now_s);
void mail_sql_ack_run(struct store_batch *batch, int64_t mailbox, const struct mail_run *run);

/* Decode a deleted row: whether it was a gap, and how many bytes were stored. */
bool mail_sql_acked(struct store_rows *rows, bool *out_is_gap, int64_t *out_stored_bytes);

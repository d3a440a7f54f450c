/* SPDX-License-Identifier: Apache-2.0 */
/* The rows behind mailboxes.c; nobody outside the room includes this. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/ids.h"
#include "server/domain/mailboxes.h"
#include "server/store/store.h"

/* Append the read of one mailbox with what waits in it. */
void mailboxes_sql_load(struct store_batch *batch, const struct device_pub *pub);

/* Decode its row into *out, all but the node zeroed or set; false when there was none. */
bool mailboxes_sql_loaded(struct store_rows *rows, struct mailbox *out);

/*
 * Where the store is shared: append the read of what the row counts, and note it in the mailbox.
 * Returns the last seq that was given there; 0 when there is no such mailbox.
 */
void mailboxes_sql_count(struct store_batch *batch, int64_t mailbox);
int64_t mailboxes_sql_counted(struct store_rows *rows, struct mailbox *mailbox);

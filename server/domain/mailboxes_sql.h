/* SPDX-License-Identifier: Apache-2.0 */
/* The rows behind mailboxes.c; nobody outside the room includes this. */
#pragma once

#include <stdbool.h>

#include "common/ids.h"
#include "server/domain/mailboxes.h"
#include "server/store/store.h"

/* Append the read of one mailbox with what waits in it. */
void mailboxes_sql_load(struct store_batch *batch, const struct device_pub *pub);

/* Decode its row into *out, all but the node zeroed or set; false when there was none. */
bool mailboxes_sql_loaded(struct store_rows *rows, struct mailbox *out);

/* SPDX-License-Identifier: Apache-2.0 */
/* The rows behind names.c; nobody outside the room includes this. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/ids.h"
#include "server/store/store.h"

struct name_row {
    int64_t mailbox;
    int64_t minute;
    uint64_t tag;
    struct envelope_id id;
};

/* Append the read of the newest names of a mailbox, those of some minutes before its last one. */
void names_sql_ask(struct store_batch *batch, const struct device_pub *pub);

/* Append the read of the last seq given in a mailbox, and of the names behind after. */
void names_sql_ask_behind(struct store_batch *batch, int64_t mailbox, int64_t after);

/* Decode the next name; false when there is none.  A damaged row has mailbox 0: it has no name. */
bool names_sql_row(struct store_rows *rows, struct name_row *out);

/* SPDX-License-Identifier: Apache-2.0 */
/* The rows behind idle.c; nobody outside the room includes this. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/ids.h"
#include "server/store/store.h"

struct idle_row {
    int64_t mailbox;
    int64_t account;
    uint32_t device_id;
    int64_t seen_day;
    struct device_pub pub;
    struct account_id account_id;
};

/*
 * Read devices to warn of (statement 0), to close (1) and closed ones that still
 * hold envelopes (2); at most limit each.
 */
struct store_batch *idle_sql_find(int64_t warn_before_day, int64_t close_before_day, int64_t limit);
bool idle_sql_row(struct store_rows *rows, struct idle_row *out);

/* Set the state of a device that was not seen since; yields a row when it still applies. */
void idle_sql_mark(struct store_batch *batch, int64_t mailbox, int64_t state, int64_t before_day);
bool idle_sql_marked(struct store_rows *rows);

/* SPDX-License-Identifier: Apache-2.0 */
/* The column devices.command_seq. */
#pragma once

#include <stdint.h>

struct store_batch;
struct store_rows;

/* Lock the mailbox, expect that seq is above its last one, and set it. */
void commands_sql_spend(struct store_batch *batch, int64_t mailbox, int64_t seq);

/* Ask for the last seq; -1 when the mailbox is gone. */
struct store_batch *commands_sql_last(int64_t mailbox);
int64_t commands_sql_last_of(struct store_rows *rows);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ends when an older database was put back, since what was used since would be good
 * again: transactions and grants of second factors.  Their challenges stay counted.
 */
#pragma once

#include <stdint.h>

struct store_batch;

/* Append what ends it. */
void restored_sql_end(struct store_batch *batch);

/*
 * The same where the store is shared, if the relay's row is behind a copy of its heartbeat: before
 * the statement that takes the row up, and in its batch, so that both are done or neither is.
 */
void restored_sql_end_if_behind(struct store_batch *batch, int64_t copy_heartbeat);

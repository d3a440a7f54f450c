/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ends when an older database was put back, since what was used since would be good
 * again: transactions and grants of second factors.  Their challenges stay counted.
 */
#pragma once

struct store_batch;

/* Append what ends it. */
void restored_sql_end(struct store_batch *batch);

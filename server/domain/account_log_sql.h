/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of account_log. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct account_log_entry;
struct store_batch;
struct store_rows;

void account_log_sql_put(struct store_batch *batch, const struct account_log_entry *entry);
struct store_batch *account_log_sql_list(int64_t account, int64_t after, size_t limit);
bool account_log_sql_next(struct store_rows *rows, struct account_log_entry *out);
void account_log_sql_end_account(struct store_batch *batch, int64_t account);
struct store_batch *account_log_sql_purge(int64_t before_s, size_t limit);

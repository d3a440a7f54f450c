/* SPDX-License-Identifier: Apache-2.0 */
/* The rows behind census.c; nobody outside the room includes this. */
#pragma once

#include <stdbool.h>

#include "common/ids.h"
#include "server/domain/census.h"
#include "server/store/store.h"

struct store_batch *census_sql_count(void);
void census_sql_counted(struct store_rows *rows, struct census *out);

struct store_batch *census_sql_queues(const struct account_id *account_id);
bool census_sql_queue(struct store_rows *rows, struct census_queue *out);

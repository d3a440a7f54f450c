/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of used_challenges. */
#pragma once

#include <stdint.h>

#include "common/bytes.h"

struct store_batch;

/* Expect that rand was not used before, and note that it is now. */
void challenges_sql_spend(struct store_batch *batch, struct bytes random, int64_t expires_at);

/* Delete up to limit rows that expired before before_s; yields a row for each. */
struct store_batch *challenges_sql_purge(int64_t before_s, int64_t limit);

/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of manifests. */
#pragma once

#include <stdint.h>

#include "common/ids.h"
#include "common/manifest.h"

struct store_batch;

/* Put a manifest into the chain of its account, which may have been put by the same batch. */
void manifests_sql_insert(struct store_batch *batch, const struct manifest *manifest,
                          const struct manifest_hash *hash);

/* Ask for the head's signed bytes, or for the hash at an epoch: a row when there is one. */
void manifests_sql_ask_head(struct store_batch *batch, const struct account_id *account_id);
void manifests_sql_ask_hash(struct store_batch *batch, const struct account_id *account_id,
                            uint64_t epoch);

/* Ask for up to limit manifests above since, in order: rows of (epoch, signed bytes). */
void manifests_sql_ask_page(struct store_batch *batch, const struct account_id *account_id,
                            int64_t since, int64_t limit);

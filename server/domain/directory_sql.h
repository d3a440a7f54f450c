/* SPDX-License-Identifier: Apache-2.0 */
/* What the directory reads: head manifests, and keys that left. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "server/domain/left.h"

struct store_batch;
struct store_rows;

/* Ask for an account's head manifest. */
struct store_batch *directory_sql_head(const struct account_id *account_id);

/* Decode; false when there is no such account.  The bytes are borrowed from rows. */
bool directory_sql_head_of(struct store_rows *rows, int64_t *out_account,
                           struct bytes *out_signed_bytes, struct bytes *out_hash);

/* Ask whether the key with this hash left the account: a row when it did. */
void directory_sql_left(struct store_batch *batch, const struct left_hash *hash, int64_t account);

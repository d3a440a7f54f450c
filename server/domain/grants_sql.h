/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of grants. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/crypto.h"

struct store_batch;

/* Put a grant. */
void grants_sql_put(struct store_batch *batch, const uint8_t hash[CRYPTO_SHA256_BYTES],
                    int64_t account, int64_t purpose, int64_t expires_at);

/* Expect that the grant is the account's, for that, and not over, and delete it. */
void grants_sql_expect(struct store_batch *batch, const uint8_t hash[CRYPTO_SHA256_BYTES],
                       int64_t account, int64_t purpose, int64_t now_s);

/* Expect that the account has no factor. */
void grants_sql_expect_none_needed(struct store_batch *batch, int64_t account);

/* Delete those of an account; up to limit of those that are over. */
void grants_sql_end_account(struct store_batch *batch, int64_t account);
struct store_batch *grants_sql_purge(int64_t now_s, size_t limit);

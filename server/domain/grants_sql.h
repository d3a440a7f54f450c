/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of grants. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/crypto.h"
#include "server/domain/factor_kinds.h"

struct store_batch;

struct grants_row {
    uint8_t hash[CRYPTO_SHA256_BYTES];
    int64_t account;
    enum txn_purpose purpose;
    enum factor_kind kind;
    int64_t expires_at;
};

/* Put a grant. */
void grants_sql_put(struct store_batch *batch, const struct grants_row *row);

/*
 * Expect that the grant is the account's, for that, and not over, and delete it; one by a code
 * only while the account has no factor.
 */
void grants_sql_expect(struct store_batch *batch, const uint8_t hash[CRYPTO_SHA256_BYTES],
                       int64_t account, enum txn_purpose purpose, int64_t now_s);

/* The same, by whatever kind. */
void grants_sql_expect_any(struct store_batch *batch, const uint8_t hash[CRYPTO_SHA256_BYTES],
                           int64_t account, enum txn_purpose purpose, int64_t now_s);

/* Expect that the account has no factor. */
void grants_sql_expect_none_needed(struct store_batch *batch, int64_t account);

/* Delete those of an account; up to limit of those that are over. */
void grants_sql_end_account(struct store_batch *batch, int64_t account);
struct store_batch *grants_sql_purge(int64_t now_s, size_t limit);

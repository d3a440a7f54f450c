/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of factors and recovery_codes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "server/domain/factor_kinds.h"

struct store_batch;
struct store_rows;

/*
 * In a statement: the account $1 has a factor, an app that is confirmed or a recovery code that is
 * left.  A set that is used up is none: nobody could step up by it, not even to make another.
 */
#define FACTORS_SQL_ENROLLED                                               \
    "(EXISTS (SELECT 1 FROM factors e WHERE e.account = $1 AND e.kind = 1" \
    " AND e.is_confirmed = 1)"                                             \
    " OR EXISTS (SELECT 1 FROM recovery_codes c WHERE c.account = $1))"

/* Confirmed apps of an account. */
struct factors_totp_row {
    struct factor_id factor_id;
    struct bytes secret; /* sealed */
    int64_t last_step;
};
void factors_sql_ask_totp(struct store_batch *batch, int64_t account);
bool factors_sql_next_totp(struct store_rows *rows, struct factors_totp_row *out);

/* Expect that the app is confirmed and step is above its last one, and make it that. */
void factors_sql_expect_step(struct store_batch *batch, const struct factor_id *factor_id,
                             int64_t step);

/*
 * Ask for an app of the account that is not confirmed yet; expect the same, and that none was
 * confirmed before it unless it was enrolled by a step-up, and confirm it.
 */
void factors_sql_ask_pending(struct store_batch *batch, int64_t account,
                             const struct factor_id *factor_id);
void factors_sql_expect_confirm(struct store_batch *batch, int64_t account,
                                const struct factor_id *factor_id, int64_t step);

struct factors_row {
    struct factor_id factor_id;
    int64_t account;
    enum factor_kind kind;
    bool is_confirmed;
    struct bytes label;
    struct bytes secret; /* sealed; empty: none */
    int64_t last_step;
    int64_t created_at;
    int64_t codes_left; /* read alone */
};

/*
 * Expect that the account has less than max factors of that kind, and put one.  The batch has
 * expected a step-up before, so one that comes beside others is stepped up.
 */
void factors_sql_put(struct store_batch *batch, const struct factors_row *row, int64_t max);

/* Ask for the kind of a factor of the account; expect that it is there, and delete it. */
void factors_sql_ask_kind(struct store_batch *batch, int64_t account,
                          const struct factor_id *factor_id);
bool factors_sql_kind(struct store_rows *rows, enum factor_kind *out);
void factors_sql_expect_remove(struct store_batch *batch, int64_t account,
                               const struct factor_id *factor_id);

/*
 * Ask for an account by its id, and whether a factor is its own: false when there is no account,
 * *out_kind is written for a factor that is.
 */
void factors_sql_ask_whose(struct store_batch *batch, const struct account_id *account_id,
                           const struct factor_id *factor_id);
bool factors_sql_whose(struct store_rows *rows, int64_t *out_account, bool *out_has_factor,
                       enum factor_kind *out_kind);

/* The factors of an account, in the order of their making. */
void factors_sql_list(struct store_batch *batch, const struct account_id *account_id);
bool factors_sql_next(struct store_rows *rows, struct factors_row *out);

/* A recovery code: put it; ask whether it is there; expect it, and delete it. */
void factors_sql_put_recovery_code(struct store_batch *batch, int64_t account,
                                   const uint8_t hash[CRYPTO_SHA256_BYTES]);
void factors_sql_ask_recovery_code(struct store_batch *batch, int64_t account,
                                   const uint8_t hash[CRYPTO_SHA256_BYTES]);
void factors_sql_expect_recovery_code(struct store_batch *batch, int64_t account,
                                      const uint8_t hash[CRYPTO_SHA256_BYTES]);

/* Delete the account's set of recovery codes; codes that are no set's; all factors. */
void factors_sql_end_recovery_codes(struct store_batch *batch, int64_t account);
void factors_sql_end_loose_codes(struct store_batch *batch, int64_t account);
void factors_sql_end_account(struct store_batch *batch, int64_t account);

/* Delete up to limit factors that nobody confirmed. */
struct store_batch *factors_sql_purge(int64_t before_s, size_t limit);

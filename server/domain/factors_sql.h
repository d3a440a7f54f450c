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
 * In a statement: the account $1 has a factor, one that is confirmed or a recovery code that is
 * left.  A set that is used up is none: nobody could step up by it, not even to make another.
 */
#define FACTORS_SQL_ENROLLED                                                \
    "(EXISTS (SELECT 1 FROM factors e WHERE e.account = $1 AND e.kind <> 2" \
    " AND e.is_confirmed = 1)"                                              \
    " OR EXISTS (SELECT 1 FROM recovery_codes c WHERE c.account = $1))"

/* What is kept of a factor. */
struct factors_secret_row {
    struct factor_id factor_id;
    enum factor_kind kind;
    struct bytes secret; /* sealed; empty: none */
    int64_t counter;     /* totp: the last step; webauthn: of signatures */
};

/*
 * Ask for confirmed factors: those of a kind, of an account or of whose a transaction is; the
 * one whose credential has that name; the one that is not confirmed yet, of any kind.
 */
void factors_sql_ask_secrets(struct store_batch *batch, int64_t account, enum factor_kind kind);
void factors_sql_ask_secrets_of(struct store_batch *batch, const struct txn_id *txn_id,
                                enum factor_kind kind);
void factors_sql_ask_named(struct store_batch *batch, int64_t account,
                           const uint8_t name[CRYPTO_SHA256_BYTES]);
void factors_sql_ask_pending(struct store_batch *batch, int64_t account,
                             const struct factor_id *factor_id);
bool factors_sql_next_secret(struct store_rows *rows, struct factors_secret_row *out);

/* Expect that the factor is confirmed and step is above its last one, and make it that. */
void factors_sql_expect_step(struct store_batch *batch, const struct factor_id *factor_id,
                             int64_t step);

/* The same of signatures, unless none is counted; and put what is kept of the authenticator. */
void factors_sql_expect_signature(struct store_batch *batch, const struct factor_id *factor_id,
                                  int64_t counter, struct bytes secret);

/* Expect that the factor is there, and confirmed. */
void factors_sql_expect_confirmed(struct store_batch *batch, const struct factor_id *factor_id);

/* Expect that no factor of the account has that name. */
void factors_sql_expect_no_name(struct store_batch *batch, int64_t account,
                                const uint8_t name[CRYPTO_SHA256_BYTES]);

/*
 * Expect a factor of the account that is not confirmed yet, and that none was confirmed before it
 * unless it was enrolled by a step-up, and confirm it with what is kept of it from then on.
 */
struct factors_confirmed {
    struct bytes secret; /* sealed */
    struct bytes name;   /* empty: none */
    int64_t counter;
};
void factors_sql_expect_confirm(struct store_batch *batch, int64_t account,
                                const struct factor_id *factor_id,
                                const struct factors_confirmed *confirmed);

/* Delete all factors of the kind but that one. */
void factors_sql_end_others(struct store_batch *batch, int64_t account, enum factor_kind kind,
                            const struct factor_id *factor_id);

struct factors_row {
    struct factor_id factor_id;
    int64_t account;
    enum factor_kind kind;
    bool is_confirmed;
    struct bytes label;
    struct bytes secret; /* sealed; empty: none */
    int64_t counter;
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

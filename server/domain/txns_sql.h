/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of txns, txn_challenges and guesses. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "server/domain/factor_kinds.h"

struct handle_key;
struct store_batch;
struct store_rows;

/* Find whose a transaction would be, with the kinds that it can answer; false when nobody's. */
struct txns_person {
    int64_t account;
    struct account_id account_id;
    uint32_t enrolled;
};
struct store_batch *txns_sql_find_account(const struct account_id *account_id);
struct store_batch *txns_sql_find_handle(const struct handle_key *key);
bool txns_sql_person(struct store_rows *rows, struct txns_person *out);

struct txns_row {
    struct txn_id txn_id;
    int64_t subject;
    int64_t account;              /* 0: a decoy */
    struct account_id account_id; /* read alone, and when account is not 0 */
    enum txn_purpose purpose;
    uint32_t kinds;
    int64_t expires_at;
};

/* Put a transaction. */
void txns_sql_put(struct store_batch *batch, const struct txns_row *row, int64_t challenges);

/* Ask for a transaction that is not over. */
struct store_batch *txns_sql_ask(const struct txn_id *txn_id, int64_t now_s);
bool txns_sql_row(struct store_rows *rows, struct txns_row *out);

/* Where daemons share the database: guesses and challenges of a subject come one after the other. */
void txns_sql_lock(struct store_batch *batch, int64_t subject);

/* Expect that the transaction is not over and has a challenge left, and take it. */
void txns_sql_expect_challenge(struct store_batch *batch, const struct txn_id *txn_id,
                               int64_t now_s);

struct txns_challenge_row {
    struct txn_challenge_id challenge_id;
    struct txn_id txn_id;
    int64_t subject;
    int64_t account;
    enum txn_purpose purpose;
    enum factor_kind kind;
    struct bytes verifier; /* CRYPTO_SHA256_BYTES: what the answer is judged by; empty: none */
    struct bytes code;     /* of a code: sealed; empty: none */
    bool has_factor;
    struct factor_id factor_id; /* of a password: by whose record KE1 was answered */
    int64_t attempts_left;
    int64_t created_at;
    int64_t expires_at;
    struct account_id account_id; /* read alone, and when account is not 0 */
};

/* Expect that the subject had less than max challenges of the kind since then, and put one. */
void txns_sql_put_challenge(struct store_batch *batch, const struct txns_challenge_row *row,
                            int64_t since, int64_t max);

/* Ask for a challenge that can be answered. */
struct store_batch *txns_sql_ask_challenge(const struct txn_id *txn_id,
                                           const struct txn_challenge_id *challenge_id,
                                           int64_t now_s);
bool txns_sql_challenge(struct store_rows *rows, struct txns_challenge_row *out);

/* Expect that a try is left, and take it; yields how many are left then. */
void txns_sql_expect_try(struct store_batch *batch, const struct txn_challenge_id *challenge_id,
                         int64_t now_s);
int64_t txns_sql_tries_left(struct store_rows *rows);

/* Expect that the subject has a guess left in each of two spans of time, and count it. */
struct txns_guess_row {
    uint8_t guess[TXN_ID_BYTES];
    int64_t subject;
    int64_t now_s;
};
void txns_sql_expect_guess(struct store_batch *batch, const struct txns_guess_row *row);

/* Forget a guess that was right. */
void txns_sql_give_back(struct store_batch *batch, const struct txns_guess_row *row);

/* Expect that neither was used and the account is there still, and mark both as used. */
void txns_sql_expect_use(struct store_batch *batch, const struct txns_challenge_row *row);

/* Ask for what a subject must wait for: its challenges of a kind, and its guesses, newest first. */
struct store_batch *txns_sql_ask_challenges(int64_t subject, enum factor_kind kind, int64_t since);
struct store_batch *txns_sql_ask_guesses(int64_t subject);
bool txns_sql_next_time(struct store_rows *rows, int64_t *out_at);

/* Open codes of an account: challenges with a sealed code, oldest first. */
struct store_batch *txns_sql_ask_shown(int64_t account, int64_t now_s);
struct store_batch *txns_sql_ask_shown_one(const struct txn_challenge_id *challenge_id,
                                           int64_t now_s);

/*
 * Make decoys of all transactions of an account, and forget the guesses at it.  It comes before
 * its factors, its grants and its log end: so a right answer under way has come before, and ends
 * with them, or finds no account.
 */
void txns_sql_end_account(struct store_batch *batch, int64_t account, int64_t subject);

/* Forget up to limit rows that are over. */
struct store_batch *txns_sql_purge(int64_t now_s, size_t limit);
struct store_batch *txns_sql_purge_challenges(int64_t before_s, size_t limit);
struct store_batch *txns_sql_purge_guesses(int64_t before_s, size_t limit);

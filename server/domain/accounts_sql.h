/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of accounts and erased_accounts. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/ids.h"
#include "server/domain/accounts.h"
#include "server/domain/left.h"

struct store_batch;
struct store_rows;

struct accounts_row {
    int64_t account;
    uint64_t epoch;
    struct manifest_hash hash;
};

/* Ask for the account's row; decode it, false when there is none. */
void accounts_sql_ask(struct store_batch *batch, const struct account_id *account_id);
bool accounts_sql_row(struct store_rows *rows, struct accounts_row *out);

/* Ask whether the account was erased: a row when it was. */
void accounts_sql_ask_erased(struct store_batch *batch, const struct left_hash *hash);

/* Expect that the account is new and was not erased, and put it at epoch 0. */
void accounts_sql_insert(struct store_batch *batch, const struct account_id *account_id,
                         const struct manifest_hash *hash, const struct left_hash *left,
                         int64_t day);

/* Expect that the head is (old_epoch, old_hash), and make it the next one. */
void accounts_sql_advance(struct store_batch *batch, const struct accounts_row *old,
                          const struct manifest_hash *hash);

/* Expect that the head is still the one read, and let nobody move it until the commit. */
void accounts_sql_expect_head(struct store_batch *batch, const struct accounts_row *row);

/* Expect that the account is there, and let nobody else change what hangs on it until the commit. */
void accounts_sql_expect_there(struct store_batch *batch, int64_t account);

/* Expect that the device is ADMIN, or that no device of the account is. */
void accounts_sql_expect_admin(struct store_batch *batch, int64_t account, int64_t mailbox);

/*
 * Expect that the head is still the one read and that the account was not seen
 * since seen_before_day (0: whenever), and delete its row.
 */
void accounts_sql_erase(struct store_batch *batch, const struct accounts_row *row,
                        int64_t seen_before_day);

/* Delete the account's chain; note that it was erased. */
void accounts_sql_erase_manifests(struct store_batch *batch, int64_t account);
void accounts_sql_note_erased(struct store_batch *batch, const struct left_hash *hash, int64_t day);

/* List accounts; the ids of accounts not seen since before_day. */
struct store_batch *accounts_sql_list(int64_t after, int64_t limit);
bool accounts_sql_next(struct store_rows *rows, struct accounts_entry *out);
struct store_batch *accounts_sql_idle(int64_t before_day, int64_t limit);
bool accounts_sql_next_idle(struct store_rows *rows, struct account_id *out);

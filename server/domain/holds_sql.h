/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of holds.  Every write of them follows a write of the account's row, which orders them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/ids.h"
#include "server/domain/holds.h"
#include "server/store/store.h"

enum {
    HOLDS_DUE_AT_ONCE = 16
};

/* Expect that neither its signer holds one of this kind nor anybody this manifest, and put it. */
void holds_sql_insert(struct store_batch *batch, int64_t account, const struct hold *hold);

/* Expect that nothing is held but the manifest of this hash. */
void holds_sql_expect_free(struct store_batch *batch, int64_t account,
                           const struct manifest_hash *hash);

/* Expect that it is held still. */
void holds_sql_expect_held(struct store_batch *batch, int64_t account, const struct hold *hold);

/* The same, and delete it. */
void holds_sql_take(struct store_batch *batch, int64_t account, const struct hold *hold);

/* The same where device_id, too, is removed by nothing that is held. */
void holds_sql_veto(struct store_batch *batch, int64_t account, const struct hold *hold,
                    uint32_t device_id);

/* Expect that it is held still, and set held_until and generation. */
void holds_sql_renew(struct store_batch *batch, int64_t account, const struct hold *hold);

/* Delete all that an account holds. */
void holds_sql_clear(struct store_batch *batch, int64_t account);

/* Ask for what an account holds, the first to be done first, with or without the manifests. */
void holds_sql_ask(struct store_batch *batch, const struct account_id *account_id);
void holds_sql_ask_whole(struct store_batch *batch, const struct account_id *account_id);

/* Ask for what is due at now_s, the oldest first: up to HOLDS_DUE_AT_ONCE, whole. */
struct store_batch *holds_sql_ask_due(int64_t now_s);

/* Decode the next row; whole, where the manifests were asked for: signed_bytes is borrowed. */
bool holds_sql_next(struct store_rows *rows, struct hold *out);
bool holds_sql_next_whole(struct store_rows *rows, struct hold *out);

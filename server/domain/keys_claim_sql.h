/* SPDX-License-Identifier: Apache-2.0 */
/* The statements of a claim. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/ids.h"
#include "server/domain/keys_sql.h"
#include "server/store/store.h"

/* Ask for the registration id of each device of an account, by mailbox. */
void keys_claim_sql_ask_registrations(struct store_batch *batch, int64_t account);
bool keys_claim_sql_registration(struct store_rows *rows, int64_t *out_mailbox,
                                 uint32_t *out_registration_id);

/* Ask for the static key of a pool. */
void keys_claim_sql_ask_static(struct store_batch *batch, const struct keys_pool_name *pool);

/*
 * Count one more use of the pool's last resort, and yield it; with unless, only
 * when that pool has no key for single use left.
 */
void keys_claim_sql_use_last(struct store_batch *batch, const struct keys_pool_name *pool,
                             const char *unless, int64_t now_s);

/* Take the oldest key for single use: delete it, yield it, and know it as spent. */
void keys_claim_sql_take(struct store_batch *batch, const struct keys_pool_name *pool,
                         int64_t now_s);

/* A key that one of these yields; uses and first_use_day are those of a last resort. */
struct keys_claim_row {
    struct bytes id;
    struct bytes key;
    struct bytes signature;
    bool is_unverified;
    int64_t uses;
    int64_t first_use_day;
};
bool keys_claim_sql_key(struct store_rows *rows, struct keys_claim_row *out);

/* Note that few are left in the pool; yields how many and whose when that was not noted yet. */
struct keys_low_row {
    int64_t count;
    struct device_pub pub;
};
void keys_claim_sql_note_low(struct store_batch *batch, const struct keys_pool_name *pool,
                             int64_t now_s);
bool keys_claim_sql_low(struct store_rows *rows, struct keys_low_row *out);

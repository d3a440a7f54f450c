/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of keys, key_pools and spent_keys, as their owner reads and writes them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/key_slots.h"
#include "server/domain/accounts_sql.h"
#include "server/store/store.h"

enum {
    KEYS_FLAG_UNVERIFIED = 1 /* in the column flags */
};

/* The owner: its head, last command and manifest. */
struct keys_owner_row {
    struct accounts_row head;
    int64_t command_seq;
    struct bytes manifest; /* borrowed from rows */
};
void keys_sql_ask_owner(struct store_batch *batch, int64_t mailbox);
bool keys_sql_owner(struct store_rows *rows, struct keys_owner_row *out);

/* All keys of a device, by slot and id; views are borrowed from rows. */
struct keys_row {
    struct bytes slot;
    struct bytes id;
    uint8_t hash[CRYPTO_SHA256_BYTES];
    enum key_slots_use use;
    bool stale;
    int64_t expires_at;
};
void keys_sql_ask_held(struct store_batch *batch, int64_t mailbox);
bool keys_sql_held(struct store_rows *rows, struct keys_row *out);

/* Expect that no command was used since, and that the head is still the one read. */
void keys_sql_expect_seq(struct store_batch *batch, int64_t mailbox, int64_t command_seq);
void keys_sql_expect_head(struct store_batch *batch, const struct accounts_row *head);

/* One pool of a device. */
struct keys_pool_name {
    int64_t mailbox;
    const char *slot;
};

/* Make the pool, or raise its generation. */
void keys_sql_put_pool(struct store_batch *batch, const struct keys_pool_name *pool, bool raise);

/* Let go of what is stale, and know it as spent. */
void keys_sql_drop_stale(struct store_batch *batch, const struct keys_pool_name *pool, int64_t day);

/* Delete the whole pool, its keys of one use, or one by its id. */
void keys_sql_drop_all(struct store_batch *batch, const struct keys_pool_name *pool);
void keys_sql_drop_use(struct store_batch *batch, const struct keys_pool_name *pool,
                       enum key_slots_use use);
void keys_sql_drop_id(struct store_batch *batch, const struct keys_pool_name *pool,
                      struct bytes id);

/* Put a key, unless it is for single use and known as spent. */
struct keys_new_row {
    const struct slot_object *object;
    const struct slot_facts *facts;
    const uint8_t *hash;
    int64_t day;
};
void keys_sql_insert(struct store_batch *batch, const struct keys_pool_name *pool,
                     const struct keys_new_row *row);

/* Note whether few are left in the pool, as its owner is told now. */
void keys_sql_note_low(struct store_batch *batch, const struct keys_pool_name *pool, int64_t now_s);

void keys_sql_set_registration(struct store_batch *batch, int64_t mailbox,
                               uint32_t registration_id);

/* Delete all keys of a device, and all that is known of them. */
void keys_sql_remove_device(struct store_batch *batch, int64_t mailbox);

/* Delete expired keys, yielding the pool of each; slot is borrowed from rows. */
struct keys_expired_row {
    int64_t mailbox;
    struct bytes slot;
};
struct store_batch *keys_sql_purge_expired(int64_t now_s, int64_t limit);
bool keys_sql_expired(struct store_rows *rows, struct keys_expired_row *out);

/* Delete hashes of keys that were spent before day. */
struct store_batch *keys_sql_purge_spent(int64_t before_day, int64_t limit);

/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of handles. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"

struct handle_key;
struct store_batch;
struct store_rows;

/* Expect that a device with this number and key is ADMIN in the account, and hold the account. */
void handles_sql_expect_signer(struct store_batch *batch, int64_t account, uint32_t device_id,
                               const struct device_pub *pub);

/* Expect that the account has less than max names besides this one. */
void handles_sql_expect_room(struct store_batch *batch, int64_t account,
                             const struct handle_key *key, int64_t max);

struct handles_put {
    const struct handle_key *key;
    int64_t account;
    int64_t seq;
    struct bytes sealed;
    const uint8_t *owner; /* the keyed hash that the account leaves */
    int64_t today;
};

/* Expect that the name is free for the account and seq its next, and give it to the account. */
void handles_sql_put(struct store_batch *batch, const struct handles_put *order);

struct handles_row {
    int64_t account; /* 0: nobody's */
    int64_t seq;
    int64_t free_day;
    bool owner_known;
    uint8_t owner[CRYPTO_SHA256_BYTES];
};
void handles_sql_ask(struct store_batch *batch, const struct handle_key *key);
bool handles_sql_row(struct store_rows *rows, struct handles_row *out);

/* Expect that the account has the name, and take it away, for owner to have it back until then. */
void handles_sql_release(struct store_batch *batch, const struct handle_key *key, int64_t account,
                         const uint8_t *owner, int64_t free_day);

/* Take all names of an account away, for nobody to have them back. */
void handles_sql_release_all(struct store_batch *batch, int64_t account, int64_t free_day);

/* Find the account of a name: a row of account_id and sealed binding. */
struct store_batch *handles_sql_find(const struct handle_key *key);
bool handles_sql_found(struct store_rows *rows, struct account_id *out_account_id,
                       struct bytes *out_sealed);

/* The names of an account, for its report: key, seq and sealed binding. */
void handles_sql_ask_account(struct store_batch *batch, const struct account_id *account_id);
bool handles_sql_next(struct store_rows *rows, struct handle_key *out_key, int64_t *out_seq,
                      struct bytes *out_sealed);

/* Forget owners of up to limit names that are free on that day. */
struct store_batch *handles_sql_purge(int64_t today, size_t limit);

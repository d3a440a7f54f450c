/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of recoveries. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/crypto.h"
#include "common/ids.h"
#include "common/sas.h"
#include "server/domain/recoveries.h"

struct store_batch;
struct store_rows;

struct recoveries_row {
    struct recoveries_view view;
    uint8_t token_hash[CRYPTO_SHA256_BYTES];
    int64_t subject;
    int64_t account;              /* 0: a decoy */
    struct account_id account_id; /* read alone, and when account is not 0 */
    int64_t contact;              /* mailbox; 0: none */
    int64_t slot;
    struct bytes packet;       /* borrowed; empty: none */
    struct bytes sealed_share; /* of the slot, borrowed; empty: there is none; read alone */
    int64_t generation;
};

/* Append what lets nobody erase the account until the commit. */
void recoveries_sql_hold_account(struct store_batch *batch, int64_t account);

/*
 * Expect that the account (not 0) is there, that its subject has no open request and had less than
 * LIMIT_RECOVERIES_DAY in a day, and put one.
 */
void recoveries_sql_put(struct store_batch *batch, const struct recoveries_row *row);

/* Ask when the subject's requests began and end, and whether they are open, newest first. */
struct store_batch *recoveries_sql_ask_subject(int64_t subject);
bool recoveries_sql_next_of_subject(struct store_rows *rows, struct recoveries_view *out);

/* Ask for one that has not expired. */
struct store_batch *recoveries_sql_ask(const struct recovery_id *id, int64_t now_s);
bool recoveries_sql_row(struct store_rows *rows, struct recoveries_row *out);

/*
 * Change a row that is as it was read: it is open, of the same account, and the exchange has come
 * as far as in row.  Each is expected.
 */
void recoveries_sql_exchange(struct store_batch *batch, const struct recoveries_row *row,
                             const struct sas_commit *commit);
void recoveries_sql_reveal(struct store_batch *batch, const struct recoveries_row *row,
                           const struct sas_random *random);
void recoveries_sql_answer(struct store_batch *batch, const struct recoveries_row *row,
                           const struct sas_random *random, int64_t mailbox);
void recoveries_sql_packet(struct store_batch *batch, const struct recoveries_row *row,
                           int64_t slot, struct bytes packet);

/* The same, whatever has come of the exchange: end it so, where state is RELEASED with its packet. */
void recoveries_sql_end(struct store_batch *batch, const struct recoveries_row *row,
                        enum recoveries_state state);

/* The same: let its wait end at until, and be of this generation. */
void recoveries_sql_renew(struct store_batch *batch, const struct recoveries_row *row,
                          int64_t until, int64_t generation);

/* Make DONE those of an account that a list by the recovery key came after. */
void recoveries_sql_done(struct store_batch *batch, int64_t account);

/* Make decoys of all requests of an account that is erased. */
void recoveries_sql_end_account(struct store_batch *batch, int64_t account);

/* Ask for those of an account, newest first. */
void recoveries_sql_list(struct store_batch *batch, const struct account_id *account_id,
                         int64_t now_s);
bool recoveries_sql_next(struct store_rows *rows, struct recoveries_view *out);

struct store_batch *recoveries_sql_purge(int64_t now_s, size_t limit);

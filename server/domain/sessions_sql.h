/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of sessions, and what beginning one writes beside them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/ids.h"
#include "server/domain/sessions.h"
#include "server/store/store.h"

/* Find the device that wants a session. */
struct store_batch *sessions_sql_device(const struct account_id *account_id, uint32_t device_id);

/* Decode into mailbox, account, device_pub and added_epoch of *out; false when there is none. */
bool sessions_sql_device_of(struct store_rows *rows, struct session *out);

/* Expect that the session's device is still there, note its day, reopen its mailbox. */
void sessions_sql_seen(struct store_batch *batch, const struct session *session, int64_t day);

/* Put the session's row. */
void sessions_sql_insert(struct store_batch *batch, const struct session *session);

/* Note the day on the account; yields its head's epoch. */
void sessions_sql_account_seen(struct store_batch *batch, int64_t account, int64_t day);

/* Find a session by its hash, whole. */
struct store_batch *sessions_sql_find(const struct session_hash *hash);
bool sessions_sql_found(struct store_rows *rows, struct session *out);

/* Delete sessions; each statement yields (token_hash, expires_at) for each row it took. */
void sessions_sql_end(struct store_batch *batch, const struct session_hash *hash);
void sessions_sql_end_others(struct store_batch *batch, int64_t account,
                             const struct session_hash *spared);
void sessions_sql_end_device(struct store_batch *batch, int64_t account, uint32_t device_id);
void sessions_sql_end_account(struct store_batch *batch, int64_t account);
struct store_batch *sessions_sql_purge(int64_t now_s, int64_t limit);

/* Step to the next (token_hash, expires_at). */
bool sessions_sql_next_ended(struct store_rows *rows, struct session_hash *out_hash,
                             int64_t *out_expires_at);

/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of invites. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "server/domain/invites.h"
#include "server/store/store.h"

/* Expect that a use is left at now_s, and take it. */
void invites_sql_spend(struct store_batch *batch, const struct invite_hash *hash, int64_t now_s);

/* Yield a row when a use is left at now_s. */
void invites_sql_ask(struct store_batch *batch, const struct invite_hash *hash, int64_t now_s);

struct store_batch *invites_sql_create(const struct invite_hash *hash,
                                       const struct invites_terms *terms, int64_t created_day);
struct store_batch *invites_sql_list(int64_t limit);
bool invites_sql_next(struct store_rows *rows, struct invite *out);

/* Delete the invite with that id; yields a row when there was one. */
struct store_batch *invites_sql_revoke(const uint8_t id[INVITE_ID_BYTES]);

/* SPDX-License-Identifier: Apache-2.0 */
/* The rows behind key_register.c and key_change.c; nobody outside the room includes this. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "server/domain/key_register.h"
#include "server/store/store.h"

/* Who asks, and which daemons run. */
struct key_asker {
    int64_t daemon;
    int64_t now_s;
    int64_t alive_s; /* whoever was seen at this second or later runs */
    int64_t gone_s;  /* whoever was last seen before this second is gone */
};

/* One settling at a time, where daemons share the database. */
void key_register_sql_lock(struct store_batch *batch);

/* Delete what this daemon said before, and what daemons said that are gone. */
void key_register_sql_clear(struct store_batch *batch, const struct key_asker *asker);

/* Note a key that is new, and that this daemon holds it: not where another key has its id. */
void key_register_sql_hold(struct store_batch *batch, const struct key_asker *asker,
                           const struct key_held *held);

/* Put in force what all hold. */
void key_register_sql_enforce(struct store_batch *batch, const struct key_asker *asker);

/* Read all rows. */
void key_register_sql_ask(struct store_batch *batch, const struct key_asker *asker);
bool key_register_sql_row(struct store_rows *rows, struct key_row *out);

/* Expect that a key can be retired, and do it. */
void key_register_sql_expect_retire(struct store_batch *batch, const struct key_asker *asker,
                                    const char *purpose, uint32_t id);

/* Delete all that is known of a key; or all that a daemon said. */
void key_register_sql_forget(struct store_batch *batch, const char *purpose, uint32_t id);
void key_register_sql_leave(struct store_batch *batch, int64_t daemon);

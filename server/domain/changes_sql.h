/* SPDX-License-Identifier: Apache-2.0 */
/* The rows behind changes.c; nobody outside the room includes this. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "server/domain/sessions.h"
#include "server/store/store.h"

enum {
    CHANGES_READ_AT_ONCE = 100
};

struct change_row {
    int64_t change;
    int64_t daemon;
    int64_t kind;
    int64_t account;
    struct bytes details; /* borrowed until the batch is done */
};

/* Append a row under the next number; change is not read. */
void changes_sql_note(struct store_batch *batch, const struct change_row *row);

/* The same of the account whose session hash is; no row when there is no such session. */
void changes_sql_note_session(struct store_batch *batch, const struct change_row *row,
                              const struct session_hash *hash);

/* Read the last number that was given (statement 0) and the rows behind after (1). */
struct store_batch *changes_sql_ask(int64_t after);
int64_t changes_sql_last(struct store_rows *rows);
bool changes_sql_row(struct store_rows *rows, struct change_row *out);

/* Delete up to limit rows that are older than an hour; yields a row for each. */
struct store_batch *changes_sql_purge(int64_t limit);
